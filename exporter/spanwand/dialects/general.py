"""Keys that mean the same on every span: OpenTelemetry's general conventions, W&B's routing and our own.

Read from the span; those of `service` and the experiment's arm also from the resource, where the span's own wins.
"""

from spanwand.dialects.gpu_names import device_uuids, devices, visible_devices
from spanwand.dialects.openllmetry import OPENLLMETRY
from spanwand.dialects.parsers import integer, scalar_text, text
from spanwand.dialects.table import Dialect, Source, keys

_CONVENTIONAL = ("opentelemetry.instrumentation.", "@opentelemetry/instrumentation-", "io.opentelemetry.")


def conventional(scope_name: str) -> bool:
    """Whether spans of this scope follow OpenTelemetry's conventions: most spans there are (HTTP, databases, queues).

    Traceloop's scopes are named like OpenTelemetry's own.
    """
    return scope_name.startswith(_CONVENTIONAL) and not scope_name.startswith(OPENLLMETRY.scopes)


GENERAL = Dialect(
    name="general",
    markers=frozenset(),
    fields={
        "session_id": keys(scalar_text, "session.id"),
        "user": keys(scalar_text, "user.id", "enduser.id", "enduser.pseudo.id"),
        "experiment": keys(scalar_text, "spanwand.experiment"),
        "arm": keys(scalar_text, "spanwand.arm"),
        "hint.flag": (Source("feature_flag.key", text, "experiment, where `spanwand.*` names none"),),
        "hint.variant": (
            Source("feature_flag.result.variant", scalar_text, "arm of `feature_flag.key`"),
            Source("feature_flag.variant", scalar_text, "before semantic conventions 1.32"),
        ),
        "hint.error_type": keys(text, "error.type"),
        "hint.devices": (
            Source("spanwand.gpu", devices, "GPUs the call ran on: UUIDs, or numbers as CUDA has them"),
            Source("hw.id", devices, "UUID of the GPU"),
        ),
    },
)

EXCEPTION = Dialect(
    name="exception event",
    markers=frozenset(),
    fields={
        "hint.exception_type": keys(text, "exception.type"),
        "hint.exception_message": keys(text, "exception.message"),
    },
)

RESOURCE = Dialect(
    name="resource",
    markers=frozenset(),
    fields={
        "service.name": keys(scalar_text, "service.name"),
        "service.version": keys(scalar_text, "service.version"),
        "service.environment": (
            Source("deployment.environment.name", scalar_text),
            Source("deployment.environment", scalar_text, "before semantic conventions 1.27"),
        ),
        "service.instance": keys(scalar_text, "service.instance.id", "k8s.pod.name"),
        "service.entity": keys(text, "wandb.entity"),
        "service.project": keys(text, "wandb.project"),
        "hint.host": (Source("host.name", text, "instance, together with `process.pid`, where nothing names one"),),
        "hint.pid": keys(integer, "process.pid"),
        "hint.visible_devices": (
            Source("process.environment_variable.CUDA_VISIBLE_DEVICES", visible_devices, "GPUs that the process sees"),
            Source("process.environment_variable.NVIDIA_VISIBLE_DEVICES", device_uuids, "likewise, if they are UUIDs"),
        ),
        "experiment": keys(scalar_text, "spanwand.experiment"),
        "arm": keys(scalar_text, "spanwand.arm"),
    },
)
