"""Where a pipeline computed, and how its models got there."""

import sys
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from spanwand.dialects.written import Fields
from spanwand.instrumentation.devices import uuids_of
from spanwand.instrumentation.guard import guarded

_grouped: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


@guarded
def placement_of(pipeline: Any, device: Any) -> Fields:
    """Its device, `cuda:0`, and the UUIDs of its GPUs.

    `device` is the one that the pipeline itself found: with models that are offloaded it is not where they lie, and to
    ask again is to look through all modules of all models. None: it did not ask.
    """
    device = pipeline.device if device is None else device
    return {"device": str(device), "hint.devices": _uuids(device), "offload": _offload(pipeline)}


_uuids = guarded(uuids_of)


@guarded
def _offload(pipeline: Any) -> str | None:
    """`model`, `sequential` or `group`, the words of the methods that switch it on."""
    if vars(pipeline).get("_all_hooks"):
        return "model"
    models = [part for part in vars(pipeline).values() if hasattr(type(part), "modules")]
    if any(_is_aligned(hook) for model in models for hook in _hooks(model)):
        return "sequential"
    return "group" if _is_grouped(pipeline, models) else None


def _hooks(model: Any) -> Iterable[Any]:
    """Of accelerate: one, or one that holds several. A model looks for what it does not have in all its parts."""
    hook = vars(model).get("_hf_hook")
    return getattr(hook, "hooks", (hook,))


def _is_aligned(hook: Any) -> bool:
    return type(hook).__name__ == "AlignDevicesHook"


def _is_grouped(pipeline: Any, models: list[Any]) -> bool:
    """Looked up at a pipeline's first call and then known: here too all modules are looked through."""
    if pipeline not in _grouped:
        is_enabled = getattr(sys.modules.get("diffusers.hooks.group_offloading"), "_is_group_offload_enabled", None)
        _grouped[pipeline] = is_enabled is not None and any(map(is_enabled, models))
    return _grouped[pipeline]
