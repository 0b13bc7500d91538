"""The process that wandb works in, which may be somebody else's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def environment_kept() -> Iterator[None]:
    """What an app has imported, and its child processes, are not ours to change.

    `wandb.init` would start weave if it is imported, which sends unredacted what the app says to models. And wandb
    leaves `WANDB_SERVICE`, by which child processes that use wandb would use our wandb-core, and lose it with us.
    """
    before = {name: os.environ.get(name) for name in ("WANDB_DISABLE_WEAVE", "WANDB_SERVICE")}
    os.environ["WANDB_DISABLE_WEAVE"] = "true"
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
