"""What the dataset of a run costs beside its Tables: bytes, CPU and time to end the run, through the real W&B SDK.

    python bench/dataset.py [--rows 50000]

Offline, each time in a process of its own. Ends with 1 if the dataset takes over half the bytes of the Tables, or over
half as much CPU time again.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.config import WandbConfig
from spanwand.sinks.wandb import own_process
from spanwand.sinks.wandb.sink import WandbSink
from spanwand.tables import GENERATIONS, TABLES

BATCH_ROWS = 2_000
MOST_BYTES = 0.5
MOST_CPU = 1.5
WORDS = Path(__file__).read_text().split()


def main() -> int:
    """Print a line for rows without content and one for rows with it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--child", nargs=3, metavar=("DIRECTORY", "DATASET", "CONTENT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        directory, dataset, content = arguments.child
        print(json.dumps(child(Path(directory), arguments.rows, dataset == "True", content == "True")))
        return 0
    return 0 if all([measure(arguments.rows, content) for content in (False, True)]) else 1


def measure(rows: int, content: bool) -> bool:
    """Whether the dataset is within the budgets."""
    with tempfile.TemporaryDirectory() as folder:
        (cpu_off_s, end_off_s), (cpu_s, end_s) = (
            run(Path(folder) / f"{dataset}", rows, dataset, content) for dataset in (False, True)
        )
        staged = (file.read_bytes() for file in (Path(folder) / "True").glob("data/artifacts/staging/*"))
        tables = sum({hash(content): len(content) for content in staged}.values())  # wandb stages each twice
        dataset = sum(file.stat().st_size for file in Path(folder).rglob("dataset/*/*.gz"))
    print(
        f"{rows:,} rows {'with' if content else 'without'} content: {dataset / rows:.0f} bytes a row beside "
        f"{tables / rows:.0f} of the Tables, {dataset / tables:.2f} times (budget {MOST_BYTES}); "
        f"CPU {cpu_s:.1f} s after {cpu_off_s:.1f} s, {cpu_s / cpu_off_s:.2f} times (budget {MOST_CPU}), "
        f"{(cpu_s - cpu_off_s) / rows * 1e6:.0f} us a row; the run ends in {end_s:.2f} s after {end_off_s:.2f} s",
        flush=True,
    )
    return dataset <= MOST_BYTES * tables and cpu_s <= MOST_CPU * cpu_off_s


def run(directory: Path, rows: int, dataset: bool, content: bool) -> tuple[float, float]:
    """CPU seconds of the process, and seconds to end the run."""
    directory.mkdir()
    command = [sys.executable, __file__, "--rows", f"{rows}", "--child", str(directory), f"{dataset}", f"{content}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    cpu_s, end_s = json.loads(done.stdout.splitlines()[-1])
    return cpu_s, end_s


def child(directory: Path, rows: int, dataset: bool, content: bool) -> tuple[float, float]:
    """Write the rows, in a process that does nothing else."""
    own_process(directory)
    sink = WandbSink(WandbConfig(mode="offline", dataset=dataset), directory)
    key = RunKey(group="bench", job_type="bench", name="one")
    for number, batch in enumerate(batches(rows, content), 1):
        update = RunUpdate(run=key, config={}, points={"llm/requests": 1}, rows={GENERATIONS: batch})
        sink.write(Batch(seq=number, low=0, start_ns=number * 10**10, end_ns=(number + 1) * 10**10, updates=(update,)))
    begun_s = time.perf_counter()
    sink.close(60.0)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, time.perf_counter() - begun_s


def batches(rows: int, content: bool) -> Iterator[tuple[tuple[object, ...], ...]]:
    """Rows as of chats: a few services and models, ids and figures of their own, perhaps 140 words."""
    numbers, names = random.Random(1), [column.name for column in TABLES[GENERATIONS]]
    for start in range(0, rows, BATCH_ROWS):
        made = (call(numbers, start + index, content) for index in range(min(BATCH_ROWS, rows - start)))
        yield tuple(tuple(cells.get(name) for name in names) for cells in made)


def call(numbers: random.Random, at: int, content: bool) -> dict[str, object]:
    """The cells of one row."""
    text = {name: " ".join(numbers.choices(WORDS, k=70)) for name in ("input", "output")} if content else {}
    return {
        **text,
        "trace_id": f"{numbers.getrandbits(128):032x}",
        "span_id": f"{numbers.getrandbits(64):016x}",
        "start_time": f"2026-01-01T10:{at // 60 % 60:02}:{at % 60:02}.{numbers.randrange(1000):03}+00:00",
        "service": numbers.choice(["api", "worker"]),
        "operation": "chat",
        "provider": "openai",
        "model": numbers.choice(["gpt-5", "gpt-5-mini"]),
        "status": "ok",
        "latency_s": numbers.random() * 3,
        "ttft_s": numbers.random(),
        "input_tokens": numbers.randrange(3_000),
        "output_tokens": numbers.randrange(900),
        "cost_usd": numbers.random() / 100,
        "session_id": f"{numbers.getrandbits(64):016x}",
        "sample_weight": 1.0,
        "sample_reason": "ratio",
        "finish_reasons": "stop",
    }


if __name__ == "__main__":
    raise SystemExit(main())
