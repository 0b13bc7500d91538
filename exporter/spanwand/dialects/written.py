"""The keys that our own instrumentations write: of each field the one that is trusted most where it is read.

So what is written cannot differ from what is read. Fields that no dialect reads are in traces, and in rows if they are
configured as attributes; `diffusion.part.*` is about a pipeline inside another one, which is no call of its own.
"""

from collections.abc import Iterable, Mapping

from opentelemetry.util.types import AttributeValue

from spanwand.dialects.diffusion import DIFFUSION
from spanwand.dialects.gen_ai import GEN_AI
from spanwand.dialects.general import GENERAL
from spanwand.dialects.table import Dialect

_UNREAD = {
    "device": "diffusion.device",
    "dtype": "diffusion.dtype",
    "offload": "diffusion.offload",
    "steps_asked": "diffusion.requested_steps",
    "interrupted": "diffusion.interrupted",
    "step.first_s": "diffusion.step_duration.first",
    "step.p50_s": "diffusion.step_duration.p50",
    "step.max_s": "diffusion.step_duration.max",
    "phase.duration_s": "diffusion.phase_duration",
    "part.pipeline": "diffusion.part.pipeline",
    "part.scheduler": "diffusion.part.scheduler",
    "part.steps": "diffusion.part.steps",
}

Fields = Mapping[str, AttributeValue | None]
"""Values by field, as dialects name fields; None is not known."""


def _trusted(dialects: Iterable[Dialect]) -> dict[str, str]:
    return {path: sources[0].key for dialect in dialects for path, sources in dialect.fields.items()}


KEYS: Mapping[str, str] = {**_trusted((GEN_AI, DIFFUSION, GENERAL)), **_UNREAD}


def attributes(fields: Fields) -> dict[str, AttributeValue]:
    """The attributes that say these fields. Raises KeyError for a field that has no key."""
    return {KEYS[field]: value for field, value in fields.items() if value is not None}
