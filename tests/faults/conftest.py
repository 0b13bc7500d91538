"""Figures that tests report: printed at the end of the run."""

from collections.abc import Callable
from functools import partial

import pytest

FIGURE = "figure"


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes one line for the summary. It is a property of the test, which comes along from other processes."""
    return partial(record_property, FIGURE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    done = [report for reports in terminalreporter.stats.values() for report in reports]
    calls = [report for report in done if isinstance(report, pytest.TestReport) and report.when == "call"]
    lines = [str(line) for report in calls for name, line in report.user_properties if name == FIGURE]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.line(line)
