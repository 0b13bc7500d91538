"""The environment of a process that uses the real SDK against a test server and knows of nothing else."""

import os
from pathlib import Path

from tests.support.wandb_server.server import API_KEY

# Whole seconds: W&B takes less than one for "the default" (2 s, up to 60 s).
QUICK_RETRIES = {
    f"WANDB_X_{client}_RETRY_WAIT_{bound}_SECONDS": "1"
    for client in ("FILE_STREAM", "GRAPHQL", "FILE_TRANSFER")
    for bound in ("MIN", "MAX")
}


def environment(base_url: str, home: Path, key: str = API_KEY) -> dict[str, str]:
    """W&B's server, key and short waits; a home of its own; every other `WANDB_…` and `OTEL_…` taken out."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "OTEL_"))}
    home.mkdir(parents=True, exist_ok=True)
    return {
        **inherited,
        **QUICK_RETRIES,
        "HOME": str(home),
        "WANDB_BASE_URL": base_url,
        "WANDB_API_KEY": key,
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_DIR": str(home),
        "WANDB_DATA_DIR": str(home / "data"),
        "WANDB_CACHE_DIR": str(home / "cache"),
        "WANDB_CONFIG_DIR": str(home / "config"),
        "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "1",
    }
