"""P10: rows of plain values go into a Table's artifact without wandb's questions to each cell: nothing else differs."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from spanwand.sinks.wandb.streamed_rows import OneByOne

ROOT = Path(__file__).parents[2]


def test_our_tables_say_what_wandbs_say(tmp_path: Path) -> None:
    environ = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.support.table_rows"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    plain, forced, with_image = json.loads(ended.stdout)
    assert plain[0] == plain[1]
    assert forced[0] == forced[1]
    assert with_image[0] == with_image[1]
    assert [json.loads(each)["nrows"] for each in (plain[0], forced[0])] == [5, 6]
    assert '"_type": "image-file"' in with_image[0]


def test_whoever_writes_the_rows_writes_them_all() -> None:
    """The json module does, in both of its ways; what does not ask for them one by one fails: none is left out."""
    rows, file = OneByOne([("a", 1), ("b", float("nan"))]), io.StringIO()
    json.dump(rows, file)
    assert file.getvalue() == json.dumps(rows) == '[["a", 1], ["b", null]]'
    with pytest.raises(TypeError):
        msgspec.json.encode(rows)
