"""What was said: dropped by default, else held until it leaves; then it is scrubbed or left as it is, and cut."""

from collections.abc import Callable
from functools import partial
from hashlib import blake2b

from msgspec.structs import astuple, replace

from spanwand.config import RedactConfig
from spanwand.content import NO_CONTENT, Content, HeldContent, HeldText
from spanwand.ports import Redactor
from spanwand.record import Failure, Generation
from spanwand.redactors.documents import scrub_document
from spanwand.redactors.scrub import Scrubber
from spanwand.redactors.shortened import shortened

Clean = Callable[[str], str]
_DIGEST_BYTES, _LONGEST_KEY_BYTES = 8, 64
_NAMES = Content.__struct_fields__


def holder(config: RedactConfig, clean: Clean, at_once: Clean, failed: Callable[[Exception], None]) -> Redactor:
    """Make the last redactor, behind which no prompt, answer or failure message is left in the plain.

    `clean` is for texts that wait, `at_once` for failure messages, in which providers quote the prompt, and for texts
    that will be cut: what waits is no longer than what leaves. `failed` is told of texts that cannot be cleaned once
    they are to leave.
    """
    drops_all, limit = config.policy == "counts-only", config.content_max_chars

    def texts_of(content: Content) -> tuple[HeldText, ...]:
        return tuple(
            [
                HeldText(name, text, clean) if len(text) <= limit else HeldText(name, at_once(text), _cleaned)
                for name, text in zip(_NAMES, astuple(content), strict=True)
                if text
            ]
        )

    def hold(generation: Generation) -> Generation:
        if generation.content is NO_CONTENT and generation.failure is None:
            return generation
        held = HeldContent(() if drops_all else texts_of(generation.content), failed)
        return replace(
            generation,
            content=NO_CONTENT,
            held_content=held if held.chars else None,
            failure=clean_failure(generation.failure, at_once),
        )

    return hold


def cleaner(config: RedactConfig, key: bytes, scrubber: Scrubber) -> Clean:
    """Make the function for one text. `key` keeps the digest in a note from confirming a guess of what was said."""
    if config.policy == "counts-only":
        return _drop
    if config.policy == "full":
        return partial(_cut, limit=config.content_max_chars, key=key[:_LONGEST_KEY_BYTES])
    return partial(_clean, limit=config.content_max_chars, key=key[:_LONGEST_KEY_BYTES], scrubber=scrubber)


def clean_failure(failure: Failure | None, clean: Clean) -> Failure | None:
    """The failure with its message cleaned."""
    return Failure(failure.type, clean(failure.message)) if failure is not None and failure.message else failure


def _cleaned(text: str) -> str:
    return text


def _drop(_: str) -> str:
    return ""


def _clean(text: str, limit: int, key: bytes, scrubber: Scrubber) -> str:
    """Scrub, then cut, so that no half of a secret stays behind."""
    scrubbed = scrub_document(text, scrubber)
    if len(scrubbed) <= limit:
        return scrubbed
    # Once more: what the cut left may look like a secret that the whole text did not have.
    return scrub_document(_cut(scrubbed, limit, key, text), scrubber)


def _cut(text: str, limit: int, key: bytes, sent: str = "") -> str:
    """Cut what is over the limit, and note inside it how long it was when it was sent."""
    if len(text) <= limit:
        return text
    sent = sent or text
    digest = blake2b(sent.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES, key=key).hexdigest()
    note = f"[cut: {len(sent)} characters, digest {digest}]"
    if len(note) >= limit:
        return ""
    return shortened(text, limit, note) or f"{text[: limit - len(note) - 1]} {note}"
