"""What a golden source is: packages, programs, and the providers they talk to."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path

import msgspec

from spanwand_sidecar.demo.ledger import Ledger

Provider = Callable[[Ledger], AbstractContextManager[Mapping[str, str]]]
"""Serves a provider's API on loopback, notes its answers in the ledger, gives the variables its SDK is pointed with."""

PROGRAMS = Path(__file__).parent / "programs"
INSTRUMENT = ("opentelemetry-sdk==1.45.1", "opentelemetry-distro==0.66b1", "opentelemetry-exporter-otlp==1.45.1")
"""What `Start.INSTRUMENT` needs besides the instrumentation."""


class Start(StrEnum):
    """How a program is started: who sets the instrumentation up."""

    INSTRUMENT = "opentelemetry-instrument"
    PYTHON = "python"
    NODE = "node"


class Gap(msgspec.Struct, frozen=True):
    """Counts that the spans of some cases (none named: of all) do not tell as the API did, and why."""

    fields: tuple[str, ...]
    note: str
    cases: tuple[str, ...] = ()


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One instrumentation at named versions. `requirements` are `name==version`, of PyPI or, for Node.js, of npm.

    `silent` counts are in no span; `wrong` ones are, but differ from what the API answered; of `unseen` cases some
    calls leave no span at all (a case that leaves none is not written). `documented` says where the attributes of spans
    are written down that could not be captured from the real thing.
    """

    requirements: tuple[str, ...]
    programs: Mapping[str, tuple[str, ...]]
    providers: tuple[Provider, ...]
    start: Start = Start.INSTRUMENT
    environment: Mapping[str, str] = {}
    silent: tuple[Gap, ...] = ()
    wrong: tuple[Gap, ...] = ()
    unseen: Mapping[str, str] = {}
    documented: str = ""


def programs(script: str, *cases: str) -> dict[str, tuple[str, ...]]:
    """A program for each case: a script of `programs/` with the case as its argument."""
    return {case: (str(PROGRAMS / script), case) for case in cases}


def noted(gaps: tuple[Gap, ...], case: str) -> dict[str, str]:
    """The fields that gaps name in this case, each with its note."""
    return {field: gap.note for gap in gaps if not gap.cases or case in gap.cases for field in gap.fields}
