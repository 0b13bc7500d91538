"""Options of the whole test suite, and the figures that tests report, printed at its end."""

from collections.abc import Callable
from functools import partial

import pytest

FIGURE = "figure"

pytest.register_assert_rewrite("tests.support")  # its assertions say what they compared, too


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what the line makes of the captures now")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are written instead of only compared."""
    return bool(request.config.getoption("--update-golden"))


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
