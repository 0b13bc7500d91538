"""P10: rows of plain values go into a Table's artifact without wandb's questions to each cell: nothing else differs."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_our_tables_say_what_wandbs_say(tmp_path: Path) -> None:
    """Should wandb write by itself what it hears of one, that fails: no row is left out. A full disk gets no fuller."""
    environ = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.support.table_rows"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    (plain, forced, with_image), by_wandb, left = json.loads(ended.stdout)
    assert plain[0] == plain[1]
    assert forced[0] == forced[1]
    assert with_image[0] == with_image[1]
    assert [json.loads(each)["nrows"] for each in (plain[0], forced[0])] == [6, 7]
    assert '"_type": "image-file"' in with_image[0]
    assert by_wandb == "TypeError"
    assert left == []
