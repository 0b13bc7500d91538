"""The devices of a call, named as NVML names them: by that the sidecar knows whose joules they were.

`torch` is only looked up, never imported: where there is a device to name, the app has it.
"""

import sys
from functools import lru_cache
from typing import Any


def uuids_of(device: Any) -> tuple[str, ...] | None:
    """The UUID of a CUDA device (a `torch.device`); None for any other."""
    if getattr(device, "type", "") != "cuda":
        return None
    torch = sys.modules["torch"]
    index = torch.cuda.current_device() if device.index is None else device.index
    return (_uuid(index),)


@lru_cache(64)
def _uuid(index: int) -> str:
    """`GPU-…`, as nvidia-smi shows it. CUDA's own numbers differ from NVML's wherever devices are hidden."""
    found = str(sys.modules["torch"].cuda.get_device_properties(index).uuid)
    return found if found.startswith(("GPU-", "MIG-")) else f"GPU-{found}"
