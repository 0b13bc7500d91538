"""The example of docs/redaction.md, run."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from spanwand_sidecar.cli import spanwand_command

PAGE = (Path(__file__).parents[2] / "docs" / "redaction.md").read_text()


def test_the_example_of_log_events_is_what_the_command_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P6: `--explain` names what goes."""
    found = re.search(r"^```json\n(.*?)```\n```console\n\$ spanwand ([^\n]*)\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    sent, command, said = found.groups()
    (tmp_path / "logs.json").write_text(sent)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(spanwand_command, shlex.split(command), catch_exceptions=False)
    assert (result.exit_code, result.output) == (0, said)
