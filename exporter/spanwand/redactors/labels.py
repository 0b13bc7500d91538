"""Short texts that leave whatever is configured about content: names, ids, attributes. They are scrubbed too.

Nearly all were seen before, so those found clean are remembered, and the new ones of a record are tested together.
The response id is never one of those and nothing shows it, so it goes unread.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from msgspec.structs import asdict, replace

from spanwand.config import RedactConfig
from spanwand.events import Evaluation
from spanwand.ports import Redactor
from spanwand.record import Failure, Generation, ImageParams, Service
from spanwand.redactors.documents import scrub_document
from spanwand.redactors.scrub import Scrubber
from spanwand.request import TraceRoot
from spanwand.span import Attributes, AttributeValue

_LONGEST = 1024
"""Characters of a label that leave."""
_MOST_REMEMBERED = 4096
_ROOT = ("name", "experiment", "arm", "session_id")
LABELS = (
    *("trace_state", "name", "provider", "request_model", "response_model", "experiment", "arm"),
    *("prompt_name", "prompt_version", "session_id"),
)
_EVALUATION = ("name", "label")
_of_generation = attrgetter(*LABELS)
_of_root = attrgetter(*_ROOT)
_Record = TypeVar("_Record", Generation, TraceRoot)
_Labelled = TypeVar("_Labelled", Generation, TraceRoot, Evaluation)


def labels(config: RedactConfig, key: bytes, scrubber: Scrubber) -> Redactor:  # noqa: ARG001  the registry's shape
    """Make the redactor of a generation's labels."""
    return Labels(scrubber).generation


class Labels:
    """Scrubs the labels of generations and roots."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._known: set[str] = {""}
        self._service = (Service(), Service())

    def generation(self, generation: Generation) -> Generation:
        """Return the generation with clean labels; the same one if they were."""
        texts: tuple[str, ...] = _of_generation(generation)
        if generation.finish_reasons:
            texts += generation.finish_reasons
        if not self._learn(texts):
            reasons = tuple([self.clean(reason) for reason in generation.finish_reasons])
            generation = replace(self._fields(generation, LABELS), finish_reasons=reasons)
        if generation.response_id:
            generation = replace(generation, response_id="")
        if generation.image is not None:
            generation = replace(generation, image=self._image(generation.image))
        return self._shared(generation)

    def root(self, root: TraceRoot) -> TraceRoot:
        """Return the root with clean labels."""
        texts = _of_root(root)
        if not self._learn(texts):
            root = self._fields(root, _ROOT)
        return self._shared(root)

    def evaluation(self, evaluation: Evaluation) -> Evaluation:
        """Return the evaluation with clean labels; its explanation is content, and not looked at."""
        return replace(self._fields(evaluation, _EVALUATION), service=self.service(evaluation.service))

    def service(self, service: Service) -> Service:
        """Return the service with clean names; the same one if they were."""
        before, after = self._service
        if service is not before:
            after = Service(**{name: self.clean(text) for name, text in asdict(service).items()})
            after = service if after == service else after
            self._service = service, after
        return after

    def clean(self, text: str) -> str:
        """Scrub one label, and cut it to a length that is still one."""
        if text in self._known:
            return text
        scrubbed = scrub_document(text, self._scrubber)
        if len(scrubbed) > _LONGEST:
            scrubbed = scrub_document(scrubbed[:_LONGEST], self._scrubber)
        if scrubbed == text:
            self._remember({text})
        return scrubbed

    def _learn(self, texts: tuple[str, ...]) -> bool:
        """Whether all are clean: known to be, or tested now, all together. False: one of them may have to change."""
        if self._known.issuperset(texts):
            return True
        new = set(texts) - self._known
        together = "\n".join(new)
        if len(together) > _LONGEST or "\\" in together:
            return False
        if self._scrubber.found(together):
            return False
        self._remember(new)
        return True

    def _remember(self, texts: set[str]) -> None:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known = {""}
        self._known |= texts

    def _fields(self, record: _Labelled, names: tuple[str, ...]) -> _Labelled:
        return replace(record, **{name: self.clean(getattr(record, name)) for name in names})

    def _shared(self, record: _Record) -> _Record:
        """Clean what both kinds of record hold besides texts: service, failure, configured attributes."""
        service = self.service(record.service)
        if service is record.service and record.failure is None and not record.attributes:
            return record
        changes: dict[str, Any] = {"service": service}
        if record.failure is not None:
            changes["failure"] = Failure(self.clean(record.failure.type), record.failure.message)
        if record.attributes:
            changes["attributes"] = self._attributes(record.attributes)
        return replace(record, **changes)

    def _image(self, image: ImageParams) -> ImageParams:
        return replace(
            image,
            quality=self.clean(image.quality),
            pipeline=self.clean(image.pipeline),
            scheduler=self.clean(image.scheduler),
            loras=tuple([self.clean(lora) for lora in image.loras]),
        )

    def _attributes(self, attributes: Attributes) -> Mapping[str, AttributeValue]:
        return {self.clean(key): self._attribute(value) for key, value in attributes.items()}

    def _attribute(self, value: AttributeValue) -> AttributeValue:
        if isinstance(value, (bool, float)) or value is None:
            return value
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        cleaned = self.clean(text)
        return value if cleaned == text else cleaned
