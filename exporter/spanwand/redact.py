"""The fourth stage: takes out what must not leave. What is behind it accepts nothing that it has not passed.

What was said goes on held: no stage can read it, and it is cleaned when a row of it leaves (docs/adr/0027). It fails
closed: if any redactor raises, all text of that record goes; its numbers and its service stay.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import cast

from msgspec.structs import replace

from spanwand.config import RedactConfig
from spanwand.drops import DropReason, Drops
from spanwand.events import CleanEvaluation, Evaluation
from spanwand.ports import Redactor
from spanwand.record import Clean, Failure, Generation, ImageParams, Service
from spanwand.redactors import REDACTORS
from spanwand.redactors.at_once import AtOnce
from spanwand.redactors.canaries import prove
from spanwand.redactors.content import cleaner, holder
from spanwand.redactors.labels import Labels
from spanwand.redactors.media import without_media
from spanwand.redactors.rules import Rules
from spanwand.redactors.scrub import Scrubber
from spanwand.redactors.users import pseudonyms
from spanwand.request import CleanRoot, TraceRoot

_log = logging.getLogger(__name__)

REDACTION_FAILED = "redaction_failed"
"""Shown as the failure's type where the texts of a record had to go."""


class Redact:
    """Makes records clean. `counts` says how often each pattern was taken out."""

    def __init__(
        self,
        config: RedactConfig,
        key: bytes,
        drops: Drops,
        more: Sequence[Redactor] = (),
        media: Redactor = without_media,
    ) -> None:
        """`key` is the secret of pseudonyms. `more` redactors run before the built-in ones, which have the last word.
        `media` comes first: it takes pictures and sounds out of texts.

        Raises ValueError if the key is empty, ConfigError for a rule that cannot work, or if a fake secret in any text
        of a record would leave.
        """
        if not key:
            raise ValueError("pseudonyms need a secret key")
        scrubber = Scrubber()
        self.counts: Mapping[str, int] = scrubber.counts
        clean = cleaner(config, key, scrubber)
        longest = config.window_max_chars if config.policy == "redacted" else math.inf  # the others read no text
        self._at_once = AtOnce(clean, longest, self._hurried)
        made = [make(config, key, scrubber) for make in REDACTORS.values()]
        self._redactors = (media, *more, *made, holder(config, clean, self._at_once, self._failed))
        self._rules = Rules(config, key, scrubber.counts)
        self._labels = Labels(scrubber)
        self._pseudonym = pseudonyms(config, key)
        self._drops = Drops()
        self._seen: set[type[Exception]] = set()
        prove(lambda generation: opened(self(generation)), config)
        scrubber.counts.clear()
        scrubber.renew()
        self._seen.clear()
        self._drops = drops

    def open_window(self, *_: int) -> None:
        """Have a whole window's characters to clean again, whichever it is."""
        self._at_once.open_window()

    def __call__(self, generation: Generation) -> Clean:
        """Return the generation without anything that must not leave. Never raises."""
        redacted = generation
        try:
            for redactor in self._redactors:
                redacted = redactor(redacted)
        except Exception as error:  # noqa: BLE001  whatever a redactor does, nothing may leave unseen
            self._failed(error)
            redacted = _numbers(generation, self._service(generation.service))
        return cast("Clean", redacted)

    def root(self, root: TraceRoot) -> CleanRoot:
        """Return the root without anything that must not leave. Never raises.

        What was said when it failed goes too: nothing shows it, and roots wait by the thousand for calls to follow.
        """
        try:
            redacted = self._rules(root)
            if redacted.user or redacted.failure:
                user = self._pseudonym(redacted.user, redacted.start_ns)
                redacted = replace(redacted, user=user, failure=redacted.failure and Failure(redacted.failure.type))
            redacted = self._labels.root(redacted)
        except Exception as error:  # noqa: BLE001  as above
            self._failed(error)
            redacted = _root_numbers(root, self._service(root.service))
        return cast("CleanRoot", redacted)

    def home(self, home: tuple[Service, str, str]) -> tuple[Service, str, str]:
        """Return service, experiment and arm without anything that must not leave. Never raises."""
        service, experiment, arm = home
        try:
            return self._labels.service(service), self._labels.clean(experiment), self._labels.clean(arm)
        except Exception as error:  # noqa: BLE001  as above
            self._failed(error)
            return self._service(service), "", ""

    def name(self, name: str) -> str:
        """The name without anything that must not leave. Never raises."""
        try:
            return self._labels.clean(name)
        except Exception as error:  # noqa: BLE001  as above
            self._failed(error)
            return REDACTION_FAILED

    def evaluation(self, evaluation: Evaluation) -> CleanEvaluation:
        """Return the evaluation without anything that must not leave. Never raises."""
        try:
            labelled = self._labels.evaluation(self._rules(evaluation))
            redacted = replace(labelled, explanation=self._at_once(labelled.explanation))
        except Exception as error:  # noqa: BLE001  as above
            self._failed(error)
            service = self._service(evaluation.service)
            redacted = replace(evaluation, service=service, name=REDACTION_FAILED, label="", explanation="")
        return cast("CleanEvaluation", redacted)

    def _hurried(self) -> None:
        self._drops[DropReason.CONTENT_HURRIED] += 1

    def _failed(self, error: Exception) -> None:
        """Count it; name the error's type once, and never its text, which may be what had to go."""
        self._drops[DropReason.REDACTION_FAILED] += 1
        if type(error) not in self._seen:
            self._seen.add(type(error))
            _log.warning("a redactor failed with %s; the text of such records is removed", type(error).__name__)

    def _service(self, service: Service) -> Service:
        """The service alone, which says whose metrics these are; it may be the reason why redaction failed."""
        try:
            return self._labels.service(service)
        except Exception:  # noqa: BLE001  as above
            return Service(name=REDACTION_FAILED)


def opened(call: Clean) -> Generation:
    """The call as people may look at it, with what was said; it goes no further."""
    if call.held_content is None:
        return call
    return replace(call, content=call.held_content.opened(), held_content=None)


def _numbers(generation: Generation, service: Service) -> Generation:
    """What metrics need and no text can hide in."""
    image = generation.image
    return Generation(
        trace_id=generation.trace_id,
        span_id=generation.span_id,
        parent_span_id=generation.parent_span_id,
        start_ns=generation.start_ns,
        end_ns=generation.end_ns,
        service=service,
        dialect=generation.dialect,
        operation=generation.operation,
        usage=generation.usage,
        timing=generation.timing,
        params=generation.params,
        image=image and ImageParams(images=image.images, width=image.width, height=image.height, steps=image.steps),
        failure=generation.failure and Failure(REDACTION_FAILED),
        cost=generation.cost,
        devices=generation.devices,
        attributes={},
        sources={},
    )


def _root_numbers(root: TraceRoot, service: Service) -> TraceRoot:
    return TraceRoot(
        trace_id=root.trace_id,
        span_id=root.span_id,
        parent_span_id=root.parent_span_id,
        name="",
        start_ns=root.start_ns,
        end_ns=root.end_ns,
        service=service,
        failure=root.failure and Failure(REDACTION_FAILED),
        attributes={},
    )
