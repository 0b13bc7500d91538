"""`spanwand read` for people: what it prints, and what it says where it cannot (K2, P8)."""

import io
import sys

import pytest
from rich.console import Console

from spanwand.stored.run import Stored, StoredRun
from spanwand_sidecar.commands.read import number, show
from spanwand_sidecar.entry import main


def run(source: str, calls: int) -> StoredRun:
    history = [{"llm/requests": calls}]
    return StoredRun(id=source, group="comic", name="comic-1", state="finished", history=history, source=source)


def shown(*runs: StoredRun) -> str:
    console = Console(file=io.StringIO(), width=120)
    show(Stored(runs=list(runs)), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_two_sinks_hold_is_not_added_up() -> None:
    lines = shown(run("a.wandb", 3), run("b.wandb", 4), run("batches.jsonl", 7)).splitlines()
    assert [words[:3] for line in lines if (words := line.split())[1:2] in (["run"], ["runs"])] == [
        ["1", "run", "7"],
        ["2", "runs", "7"],
    ]


def test_no_runs_yet() -> None:
    assert shown() == "no runs yet\n"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (12_345, "12,345"), (1.43064, "1.4306"), (0.0000438, "0.000044"), (0.01, "0.0100")]
)
def test_a_small_cost_keeps_its_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_missing_package_of_a_subcommand_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`spanwand[wandb]` brings click, but not what `read` prints with."""
    monkeypatch.delitem(sys.modules, "spanwand_sidecar.commands.read")
    monkeypatch.setitem(sys.modules, "rich.box", None)
    monkeypatch.setattr(sys, "argv", ["spanwand", "read", "here"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "spanwand: the module rich.box is missing; pip install 'spanwand[sidecar]'\n"
