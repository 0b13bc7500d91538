"""P8, A5: images in the Table rows of their calls, with the real SDK, offline and online."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.daemon import COMPLETED_S, until
from tests.support.offline import OFFLINE
from tests.support.online import sink
from tests.support.pictures import IMAGES, RUN, batch, digest, media
from tests.support.sink_process import SinkProcess
from tests.support.wandb_server import Fault, WandbServer

from spanwand.sinks.wandb.ledger import read_descriptions
from spanwand.stored.read import read


def shown(row: dict[str, Any]) -> list[tuple[int, int]]:
    """Sizes of the images in a row."""
    cells = (row["image"], row["image_2"])
    return [(cell["width"], cell["height"]) for cell in cells if cell and cell["_type"] == "image-file"]


def expected(*numbers: int) -> list[tuple[list[tuple[int, int]], str | None]]:
    """Of each row: the sizes of its images, and their digests as the row has them."""
    rows = []
    for number in numbers:
        pair = [2 * number, 2 * number + 1]
        for these in (pair, pair[:1], []):
            sizes = [(media(each).width, media(each).height) for each in these]
            rows.append((sizes, ",".join(map(digest, these)) or None))
    return rows


@pytest.mark.parametrize("killed", [False, True])
def test_offline_rows_are_read_back_with_their_images(environ: dict[str, str], directory: Path, killed: bool) -> None:
    """ADR 0012: `Delivered` means that the images are in the run's artifacts on disk, whatever comes next."""
    with SinkProcess(environ, directory, OFFLINE, IMAGES) as process:
        for number in (1, 2):
            assert process.write(batch(number)).outcome == "Delivered"
        process.kill() if killed else process.close()
    (run,) = read(directory).runs
    table = run.tables["generations"]
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [(shown(row), row["image_sha256"]) for row in rows] == expected(1, 2)
    staged = {path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    assert staged >= {media(number).jpeg for number in (2, 3, 4, 5)}
    assert not run.notes


def test_online_the_images_are_files_of_the_tables_artifact(tmp_path: Path) -> None:
    """Written twice they are there once, and W&B has each as it was made safe."""
    with WandbServer() as server:
        with sink(server, tmp_path, images=IMAGES) as process:
            for number in (1, 2, 2):
                assert process.write(batch(number)).outcome == "Delivered"
            process.close()
        table = server.tables(RUN.name)["generations"]
        assert [(shown(row), row["image_sha256"]) for row in table.records()] == expected(1, 2)
        uploaded = [exchange.body for exchange in server.requests if exchange.path.endswith(".jpg")]
        assert sorted(uploaded) == sorted(media(number).jpeg for number in (2, 3, 4, 5))
        assert server.problems() == []


@pytest.mark.slow
@pytest.mark.timeout(COMPLETED_S + 100)
def test_images_that_a_crash_kept_from_wandb_follow(tmp_path: Path) -> None:
    """ADR 0014: they wait in the spool beside the run's log."""
    with WandbServer() as server:
        with sink(server, tmp_path, images=IMAGES) as process:
            assert process.write(batch(1)).outcome == "Delivered"
            server.faults.add(Fault("PUT /storage/artifacts/*", "hang"))
            assert process.write(batch(2)).outcome == "Retry"
            process.kill()
        server.faults.clear()
        with sink(server, tmp_path, images=IMAGES) as process:
            for number in (2, 3):
                assert process.write(batch(number)).outcome == "Delivered"
            until(
                lambda: [run.upload for run in read_descriptions(tmp_path / "wandb")].count("verified") == 1,
                COMPLETED_S,
            )
            process.close()
        tables = [server.tables(run)["generations"] for run in server.runs]
        rows = [(shown(row), row["image_sha256"]) for table in tables for row in table.records()]
        assert rows == expected(1, 2, 3)
        uploaded = {exchange.body for exchange in server.requests if exchange.path.endswith(".jpg")}
        assert uploaded >= {media(number).jpeg for number in range(2, 8)}
        assert server.problems() == []
