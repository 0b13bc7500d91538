"""Examples take as long as the machine does: here, the limit of a test only ends what hangs."""

from pathlib import Path

import pytest

HANGS_S = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(HANGS_S))
