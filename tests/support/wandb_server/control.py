"""What a test in another process can see and do: the server's state as JSON, faults, accepted keys."""

from typing import TYPE_CHECKING, Any

from tests.support.wandb_server.faults import Fault
from tests.support.wandb_server.tables import read_tables

if TYPE_CHECKING:
    from tests.support.wandb_server.front import Site
    from tests.support.wandb_server.runs import Run

Json = dict[str, Any]


def snapshot(site: "Site") -> Json:
    """Runs with history and tables, artifacts, requests (without bodies), problems."""
    with site.world.lock:
        return {
            "runs": [_run(site, run) for run in site.world.runs.values()],
            "artifacts": [
                {"name": f"{one.collection.name}:v{one.version}", "type": one.collection.type, "run": one.run}
                for one in site.world.artifacts.committed()
            ],
            "requests": [{"request": str(one), "status": one.status} for one in site.log],
            "problems": problems(site),
        }


def _run(site: "Site", run: "Run") -> Json:
    tables = read_tables(site.world.artifacts, run.name)
    return {
        "entity": run.entity,
        "project": run.project,
        "id": run.name,
        "name": run.display_name,
        "group": run.group,
        "job_type": run.job_type,
        "tags": run.tags,
        "config": run.config,
        "summary": run.summary,
        "state": run.state,
        "history": run.history(),
        "tables": {key: {"columns": table.columns, "rows": table.rows} for key, table in tables.items()},
    }


def problems(site: "Site") -> list[str]:
    """What shows a fault of the client or a gap of this server. Tests assert that it is empty."""
    with site.world.lock:
        found = [f"unknown {what}" for what in site.world.unknown]
        found += [f"MD5 mismatch {path}" for path in site.world.blobs.mismatches]
        found += [f"not uploaded {path}" for path in site.world.artifacts.missing_files]
        found += [f"wrong digest {one}" for one in site.world.artifacts.wrong_digests]
        for run in site.world.runs.values():
            for name, lines in run.streams.items():
                found += [f"gap {run.name} {name} {number}" for number in lines.gaps]
                found += [f"rewritten {run.name} {name} {number}" for number in lines.rewritten]
        return found


def add_fault(site: "Site", fields: Json) -> None:
    """Put a fault in force; `fields` are those of `Fault`."""
    site.faults.add(Fault(**fields))


def clear_faults(site: "Site") -> None:
    """End all faults."""
    site.faults.clear()


def set_keys(site: "Site", keys: list[str]) -> None:
    """Accept these API keys only."""
    site.keys.clear()
    site.keys.update(keys)
