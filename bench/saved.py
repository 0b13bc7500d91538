"""Generations of turns as lines of JSON, so that runs can be pooled and looked at again. For bench/overhead.py."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from frozen import Turn

Rounds = Mapping[str, Sequence[Turn]]
"""Of each way, a turn for each round of one generation of processes."""


class Workload(NamedTuple):
    """What the turns that are pooled have in common."""

    model: str
    panel_ms: float
    comics: int
    cores: Mapping[str, Sequence[int]]

    def __str__(self) -> str:
        """As it is printed."""
        return (
            f"{self.comics} comics a turn, ten at once; {self.model}, {self.panel_ms:g} ms a panel; cores: {self.cores}"
        )


def save(file: Path, workload: Workload, rounds: Rounds) -> None:
    """Append a generation, once it is over."""
    turns = {way: [turn._asdict() for turn in its] for way, its in rounds.items()}
    with file.open("a") as out:
        out.write(json.dumps({**workload._asdict(), "turns": turns}) + "\n")


def read(files: Iterable[Path]) -> tuple[Workload, Sequence[Rounds]]:
    """All generations of files: of the ways that all of them have. ValueError if they are not of one workload."""
    generations = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    turns = [each.pop("turns") for each in generations]
    if not generations or any(each != generations[0] for each in generations):
        raise ValueError("these files are of different workloads, or empty")
    ways = [way for way in turns[0] if all(way in each for each in turns)]
    return Workload(**generations[0]), [{way: [Turn(**turn) for turn in each[way]] for way in ways} for each in turns]
