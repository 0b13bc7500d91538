"""All rows of a run as one artifact at W&B (P8, ADR 0030): complete, each row once, whatever comes in between."""

import contextlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.daemon import COMPLETED_S, until
from tests.support.datasets import datasets, download, exported
from tests.support.offline import OFFLINE
from tests.support.online import API, batch, row, sink
from tests.support.pictures import IMAGES, media
from tests.support.pictures import batch as pictures_batch
from tests.support.sink_process import SinkProcess
from tests.support.wandb_server import Fault, WandbServer
from tests.support.wandb_server.environment import environment

from spanwand.batch import Batch
from spanwand.config import WandbConfig
from spanwand.sinks.wandb.dataset import FOLDER, RECORD, folder_of
from spanwand.sinks.wandb.dataset_rows import make
from spanwand.sinks.wandb.ledger import RunDescription, read_descriptions
from spanwand.sinks.wandb.records import artifact_files, kind
from spanwand.sinks.wandb.spool import recorded
from spanwand.sinks.wandb.transaction_log import TransactionLog
from spanwand.stored.dataset import NAME, load
from spanwand.tables import GENERATIONS, TABLES

pytestmark = pytest.mark.timeout(COMPLETED_S + 100)
WRITTEN = {1: 2, 2: 0, 3: 3}
DATASET_FILES = "PUT /storage/artifacts/*/files/generations/*"


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        yield server


def runs_in(directory: Path) -> list[RunDescription]:
    return list(read_descriptions(directory))


def verified(tmp_path: Path, runs: int) -> bool:
    return [run.upload for run in runs_in(tmp_path / "wandb")].count("verified") == runs


def assert_complete(server: WandbServer, tmp_path: Path, written: dict[int, int], runs: int) -> None:
    """So many runs of `API` have one dataset each, and all datasets together each row once, as a user exports them."""
    of_runs = datasets(server)
    assert [len(versions) for versions in of_runs.values()] == [1] * runs
    for number, run_id in enumerate(of_runs):
        download(server, run_id, tmp_path / "downloads" / f"{number}")
    for table, columns in TABLES.items():
        numbers = [number * 10 + index for number, count in written.items() for index in range(count)]
        rows = [dict(zip([column.name for column in columns], row(table, number), strict=True)) for number in numbers]
        assert exported(tmp_path / "downloads", table) == rows
    assert server.problems() == []


@pytest.mark.slow
def test_a_run_that_ends_leaves_its_dataset(server: WandbServer, tmp_path: Path) -> None:
    """By itself, before the process is over: the disk may be gone then. The rows are those of the run's own export."""
    with sink(server, tmp_path) as process:
        for number, rows in WRITTEN.items():
            assert process.write(batch(number, rows=rows, keys=(API,))).outcome == "Delivered"
        process.close()
    assert_complete(server, tmp_path, WRITTEN, runs=1)
    (run_id,) = datasets(server)
    for table in TABLES:
        assert exported(tmp_path / "downloads", table) == exported(tmp_path / "wandb", table)
    told = load(tmp_path / "downloads" / "0" / NAME)
    assert (told.run_id, told.run) == (run_id, API)
    assert {name: table.rows for name, table in told.tables.items()} == dict.fromkeys(TABLES, 5)
    ((artifact,),) = datasets(server).values()
    assert artifact.run == run_id
    assert artifact.metadata
    assert msgspec.json.decode(artifact.metadata)["tables"]["feedback"]["rows"] == 5
    assert "5 rows of generations, 5 rows of requests, 5 rows of feedback" in str(artifact.description)


def test_without_rows_or_without_wanting_one_there_is_none(server: WandbServer, tmp_path: Path) -> None:
    with sink(server, tmp_path) as process:
        assert process.write(batch(1, keys=(API,))).outcome == "Delivered"
        process.close()
    with sink(server, tmp_path, dataset=False) as process:
        assert process.write(batch(2, rows=1, keys=(API,))).outcome == "Delivered"
        process.close()
    assert list(datasets(server).values()) == [[], []]
    assert not list((tmp_path / "wandb").rglob(FOLDER))


@pytest.mark.slow
def test_a_killed_run_gets_its_dataset_when_it_is_completed(server: WandbServer, tmp_path: Path) -> None:
    """P2, R44: kill -9 while rows are under way; what was there of the dataset is no use, and is made anew."""
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(1, rows=2, keys=(API,)))[-1].outcome == "Delivered"
        commit = server.faults.add(Fault("POST /graphql CommitArtifact", "slow", delay_s=60.0))
        writer = threading.Thread(target=unheard, args=(process, batch(3, rows=3, keys=(API,))))
        writer.start()
        until(lambda: commit.hits == len(TABLES), 60)
        process.kill()
        writer.join()
    server.faults.clear()
    until(lambda: len(server.artifacts.committed()) == 2 * len(TABLES))
    with sink(server, tmp_path) as process:
        for number, rows in {3: 3, 4: 1}.items():
            assert process.deliver(batch(number, rows=rows, keys=(API,)))[-1].outcome == "Delivered"
        until(lambda: verified(tmp_path, 1), COMPLETED_S)
        process.close()
    assert_complete(server, tmp_path, {1: 2, 3: 3, 4: 1}, runs=2)


def unheard(process: SinkProcess, written: Batch) -> None:
    with contextlib.suppress(msgspec.DecodeError, BrokenPipeError):
        process.write(written)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("POST /graphql CreateArtifact", "hang"), id="W&B is away at the end"),
        pytest.param(Fault(DATASET_FILES, "status"), id="W&B does not store it", marks=pytest.mark.faults),
    ],
)
def test_a_dataset_that_wandb_did_not_take_follows(server: WandbServer, tmp_path: Path, fault: Fault) -> None:
    """R10, R45: the end is held up no longer than it may be, and the next process completes the run."""
    with sink(server, tmp_path, finish_timeout_s=3.0) as process:
        assert process.deliver(batch(1, rows=2, keys=(API,)))[-1].outcome == "Delivered"
        server.faults.add(fault)
        process.close(deadline_s=8.0)
    assert list(datasets(server).values()) == [[]]
    server.faults.clear()
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(2, rows=1, keys=(API,)))[-1].outcome == "Delivered"
        until(lambda: verified(tmp_path, 1), COMPLETED_S)
        process.close()
    assert_complete(server, tmp_path, {1: 2, 2: 1}, runs=2)


@pytest.mark.faults
def test_a_dataset_that_wandb_refuses_for_good_keeps_no_run_from_being_complete(
    server: WandbServer, tmp_path: Path
) -> None:
    """R12: its rows are at W&B in Tables; the run is told of, and its files go in time."""
    server.faults.add(Fault(DATASET_FILES, "status", status=413))
    with sink(server, tmp_path) as process:
        assert process.write(batch(1, rows=1, keys=(API,))).outcome == "Delivered"
        process.close()
    with sink(server, tmp_path) as process:
        assert process.write(batch(2, keys=(API,))).outcome == "Delivered"
        until(lambda: verified(tmp_path, 1), COMPLETED_S)
        process.close()
    said = (tmp_path / "wandb.stderr").read_text()
    assert "W&B refused its dataset: W&B answered 413" in said


def closed_offline(environ: dict[str, str], directory: Path, batches: Iterable[Batch], images: int = 0) -> Path:
    """The transaction log of a run made offline that ended in order."""
    with SinkProcess(environ, directory, OFFLINE, images) as process:
        for each in batches:
            assert process.write(each).outcome == "Delivered"
        process.close()
    (log,) = directory.rglob("run-*.wandb")
    return log


def test_made_while_the_run_is_open_or_afterwards_it_holds_the_same(environ: dict[str, str], directory: Path) -> None:
    """P2: a crash changes nothing; also of images, which are the paths of their files."""
    log = closed_offline(environ, directory, map(pictures_batch, (1, 2)), IMAGES)
    before = {path: path.read_bytes() for path in folder_of(log).rglob("*") if path.is_file()}
    (run,) = runs_in(directory)
    shutil.rmtree(folder_of(log))
    assert [each["image_sha256"] for each in exported(directory, GENERATIONS)]
    make(log, run.run_id, run.run)
    after = {path: path.read_bytes() for path in folder_of(log).rglob("*") if path.is_file()}
    assert after.keys() == before.keys()
    changed = {path.name for path, content in after.items() if before[path] != content}
    assert changed <= {RECORD}
    rows = exported(folder_of(log), GENERATIONS)
    assert rows == exported(directory, GENERATIONS)
    shown = {cell for each in rows for cell in (each["image"], each["image_2"]) if cell}
    artifacts = [record for record in recorded(TransactionLog(log)) if kind(record) == "artifact"]
    files = {name: Path(file) for record in artifacts for name, file in artifact_files(record).items()}
    assert {files[cell].read_bytes() for cell in shown} == {media(number).jpeg for number in (2, 3, 4, 5)}


@pytest.mark.slow
def test_wandb_sync_of_an_offline_run_brings_it(server: WandbServer, tmp_path: Path) -> None:
    """W&B's own command, and then ours, for which nothing is left to do."""
    directory = tmp_path / "wandb"
    directory.mkdir()
    environ = environment(server.url, tmp_path / "home")
    with SinkProcess(environ, directory, WandbConfig(mode="offline")) as process:
        for number, rows in WRITTEN.items():
            assert process.write(batch(number, rows=rows, keys=(API,))).outcome == "Delivered"
        process.close()
    (folder,) = (directory / "wandb").glob("offline-run-*")
    environ["WANDB_DATA_DIR"] = str(directory / "data")
    command = [sys.executable, "-m", "wandb", "sync", str(folder)]
    subprocess.run(command, env=environ, cwd=tmp_path, check=True, timeout=60, capture_output=True)
    assert_complete(server, tmp_path, WRITTEN, runs=1)
    assert "1 runs are complete" in synced(server, tmp_path)
    assert [len(versions) for versions in datasets(server).values()] == [1]


@pytest.mark.slow
def test_our_sync_brings_that_of_a_crashed_and_moved_offline_run(server: WandbServer, tmp_path: Path) -> None:
    """R46: made of what is on the disk, wherever that is by now."""
    (tmp_path / "there" / "wandb").mkdir(parents=True)
    environ = environment(server.url, tmp_path / "home")
    with SinkProcess(environ, tmp_path / "there" / "wandb", WandbConfig(mode="offline")) as process:
        for number, rows in WRITTEN.items():
            assert process.write(batch(number, rows=rows, keys=(API,))).outcome == "Delivered"
        process.kill()
    shutil.move(tmp_path / "there" / "wandb", tmp_path / "wandb")
    assert "1 runs are complete" in synced(server, tmp_path)
    assert_complete(server, tmp_path, WRITTEN, runs=1)


def synced(server: WandbServer, data_dir: Path) -> str:
    command = [sys.executable, "-m", "spanwand_sidecar", "sync", str(data_dir)]
    environ = environment(server.url, data_dir / "home")
    return subprocess.run(command, env=environ, check=True, capture_output=True, text=True, timeout=110).stdout
