"""What a model and the arguments of `generate` say."""

from collections.abc import Mapping
from typing import Any

from spanwand.dialects.written import Fields
from spanwand.instrumentation.devices import uuids_of
from spanwand.instrumentation.guard import guarded
from spanwand.instrumentation.model_names import model_name
from spanwand.operations import Operation

PROVIDER = "transformers"
_HEARD = frozenset({"input_features", "input_values"})
"""What a model takes that hears."""


def operation_of(model: Any) -> str:
    """Speech to text, or text to text: whether that was a chat, the ids do not tell."""
    hears = getattr(model, "main_input_name", "") in _HEARD
    return (Operation.AUDIO if hears else Operation.TEXT_COMPLETION).value


def asked(model: Any, arguments: Mapping[str, Any]) -> Fields:
    """What can be known before the call."""
    samples = setting(model, arguments, "do_sample")
    several = setting(model, arguments, "num_return_sequences")
    return {
        "operation": operation_of(model),
        "provider": PROVIDER,
        "request_model": model_name(getattr(getattr(model, "config", None), "_name_or_path", None)),
        "params.max_tokens": setting(model, arguments, "max_new_tokens"),
        "params.temperature": setting(model, arguments, "temperature") if samples else None,
        "params.top_p": setting(model, arguments, "top_p") if samples else None,
        "params.stream": True if arguments.get("streamer") is not None else None,  # False: no time to a first token
        "hint.images_asked": several if several and several > 1 else None,
        "hint.devices": _devices(model),
    }


def setting(model: Any, arguments: Mapping[str, Any], name: str) -> Any:
    """A parameter of generation: an argument, else of the configuration that was given, else of the model's."""
    configs = (arguments.get("generation_config"), getattr(model, "generation_config", None))
    said = (arguments.get(name), *(getattr(config, name, None) for config in configs))
    return next((value for value in said if value is not None), None)


@guarded
def _devices(model: Any) -> tuple[str, ...] | None:
    """UUIDs of the GPUs that its weights are on."""
    weights: Any = getattr(model, "parameters", list)()
    placed = getattr(model, "hf_device_map", None)
    devices = {str(weight.device): weight.device for weight in weights} if placed else {"": next(iter(weights)).device}
    return tuple(uuid for device in devices.values() for uuid in uuids_of(device) or ()) or None
