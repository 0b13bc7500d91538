"""Small programs that use the real wandb SDK; tests run them as `python -m tests.support.wandb_programs NAME`.

A process each, because the SDK's environment and its wandb-core are per process. Prints what it saw as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import wandb

Json = dict[str, Any]

SETTINGS: Json = {
    "console": "off",
    "silent": True,
    "disable_git": True,
    "disable_code": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "init_timeout": 15,
    "finish_timeout": 20,
}


def start(name: str, **settings: Any) -> Any:
    """A run named `name`, with an ID of the same name."""
    return wandb.init(
        project="shop",
        group="group",
        job_type="job",
        name=name,
        id=name,
        tags=["blue"],
        config={"replicas": 3},
        reinit="create_new",
        settings=wandb.Settings(**SETTINGS | settings),
    )


def everything() -> Json:
    """Scalars, an incremental and a plain Table, an artifact, an alert; then all of it read back."""
    run = start("everything")
    run.define_metric("*", step_metric="time")
    for index in range(10):
        run.log({"time": index, "value": index * 2.5})
    growing = wandb.Table(columns=["number", "text"], log_mode="INCREMENTAL")
    for index in range(3):
        growing.add_data(index, f"row {index}")
        run.log({"growing": growing})
    run.log({"plain": wandb.Table(columns=["number"], data=[[7]])})
    artifact = wandb.Artifact("notes", "dataset")
    with artifact.new_file("a folder/notes.txt") as file:
        file.write("hello")
    version = run.log_artifact(artifact).wait(10).version
    run.alert("title", "text")
    run.finish()
    return {"version": version} | read_back()


def read_back() -> Json:
    """What the public API finds of the run of `everything`."""
    api = wandb.Api()
    run = api.run("team/shop/everything")
    notes = api.artifact("team/shop/notes:latest")
    growing = api.artifact("team/shop/run-everything-incr-growing:latest")
    return {
        "name": run.name,
        "group": run.group,
        "job_type": run.job_type,
        "tags": run.tags,
        "config": run.config,
        "state": run.state,
        "value": run.summary["value"],
        "history": [row["value"] for row in run.history(pandas=False) if "value" in row],
        "sampled": [row["value"] for row in run.history(keys=["value"], pandas=False)],
        "scanned": [row["value"] for row in run.scan_history() if "value" in row],
        "files": sorted(file.name for file in run.files()),
        "logged": sorted(one.name for one in run.logged_artifacts()),
        "runs": [one.id for one in api.runs("team/shop")],
        "notes": (Path(notes.download()) / "a folder" / "notes.txt").read_text(),
        "growing": len(list(Path(growing.download()).glob("*.growing.table.json"))),
        "absent": api.artifact_exists("team/shop/absent:latest"),
    }


def scalars() -> Json:
    """A hundred rows over a second, so that some are sent before the run ends."""
    run = start("scalars")
    for index in range(100):
        run.log({"value": index})
        time.sleep(0.012)
    run.finish()
    return {}


def resume() -> Json:
    """A run of two rows, resumed for one more."""
    steps = []
    for values in ([0, 1], [2]):
        run = start("resumed", resume="allow")
        steps.append(run.starting_step)
        for value in values:
            run.log({"value": value})
        run.finish()
    return {"starting_steps": steps}


PROGRAMS: dict[str, Callable[[], Json]] = {"everything": everything, "scalars": scalars, "resume": resume}

if __name__ == "__main__":
    result = PROGRAMS[sys.argv[1]]()
    Path(sys.argv[2]).write_text(json.dumps(result))
