"""What was said: dropped by default, else scrubbed or left as it is, and cut."""

from collections.abc import Callable
from functools import partial
from hashlib import blake2b

from msgspec.structs import astuple, replace

from spanwand.config import RedactConfig
from spanwand.ports import Redactor
from spanwand.record import NO_CONTENT, Content, Failure, Generation
from spanwand.redactors.documents import scrub_document
from spanwand.redactors.scrub import Scrubber

Clean = Callable[[str], str]
_DIGEST_BYTES, _LONGEST_KEY_BYTES = 8, 64


def content(config: RedactConfig, key: bytes, scrubber: Scrubber) -> Redactor:
    """Make the redactor of prompts, answers and failure messages (in which providers quote the prompt)."""
    clean = cleaner(config, key, scrubber)

    def redact(generation: Generation) -> Generation:
        if generation.content is NO_CONTENT and generation.failure is None:
            return generation
        return _redact(generation, clean)

    return redact


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


def _redact(generation: Generation, clean: Clean) -> Generation:
    said, failure = generation.content, generation.failure
    texts = zip(said.__struct_fields__, astuple(said), strict=True)
    kept = {name: cleaned for name, text in texts if text and (cleaned := clean(text))}
    return replace(
        generation,
        content=Content(**kept) if kept else NO_CONTENT,
        failure=clean_failure(failure, clean),
    )


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
    note = f" [cut: {len(sent)} characters, digest {digest}]"
    return text[: limit - len(note)] + note if len(note) <= limit else ""
