"""One rule of a user, compiled: which text it is about, what it finds in there, and what it writes instead."""

from collections.abc import MutableMapping
from functools import lru_cache, partial
from hashlib import blake2b

import msgspec
import re2

from spanwand.errors import ConfigError
from spanwand.redact_config import RedactRule
from spanwand.redactors.own import MOST_BYTES, most_bytes, seen
from spanwand.redactors.pattern import Pattern
from spanwand.redactors.patterns import PATTERNS
from spanwand.redactors.scrub import REMOVED, Scrubber
from spanwand.redactors.selection import Edit, Selection, may_be_document
from spanwand.redactors.work import TooMuchWork, Work

_DIGEST_BYTES, _LONGEST_KEY_BYTES = 8, 64
_MASK = "****"


class Rule:
    """Edits the texts it is about."""

    def __init__(self, config: RedactRule, key: bytes, counts: MutableMapping[str, int]) -> None:
        """`key` is the secret of digests. Raises ConfigError naming the rule if RE2 cannot compile it."""
        self.name = config.name
        self._most_bytes = 0
        self._counts = counts
        self._edit = self._editor(config, _action(config, key))
        self._finds, self._selects, self._path = _finds(config), bool(config.path or config.role), bool(config.path)
        try:
            self._selection = Selection(config.path, config.role, opens=self._finds)
        except ValueError as error:
            raise ConfigError(f"redact rule {self.name}: {error}") from None
        selectors = (config.attribute, config.service, config.environment)
        self._attribute, self._service, self._environment = map(_glob, selectors)
        self.is_about = lru_cache(1_024)(self._is_about)

    def _is_about(self, service: str, environment: str) -> bool:
        """Whether it applies to this service at all."""
        return bool(self._service.fullmatch(service) and self._environment.fullmatch(environment))

    def __call__(self, text: str, names: tuple[str, ...], role: str) -> str:
        """Edit the text known by `names` (its field and attribute key), and said by `role` unless it says so itself."""
        if not any(self._attribute.fullmatch(name) for name in names):
            return text
        if self._most_bytes:
            text = seen(text, self._most_bytes)
        if self._selects:
            edited = self._selection.edited(text, role, self._edit)
            return self._plain(text, role) if edited is None else edited
        if self._finds and "\\" in text:  # text by text first, so that a document stays one
            text = self._selection.edited(text, role, self._edit) or text
        return self._edit(text)

    def _plain(self, text: str, role: str) -> str:
        """No document. If it was one, and is cut, it is taken as a whole: nobody can say what is where in it."""
        is_said = not self._path and self._selection.is_said(role)
        return self._edit(text) if is_said or may_be_document(text) else text

    def _editor(self, config: RedactRule, act: Edit) -> Edit:
        """What is done to a text: the action on all of it, or on what is found in it."""
        if not _finds(config):
            return partial(self._whole, act=act)
        patterns = [pattern for pattern in PATTERNS if pattern.name == config.pattern]
        if config.pattern and not patterns:
            known = ", ".join(sorted({pattern.name for pattern in PATTERNS}))
            raise ConfigError(f"redact rule {self.name}: no pattern {config.pattern}; there are {known}")
        named = [msgspec.structs.replace(pattern, name=self.name) for pattern in patterns]
        try:
            scrubber = Scrubber(
                named or [Pattern(self.name, config.regex, (), ())], self._counts, lambda _, found: act(found)
            )
            self._most_bytes = most_bytes(config.regex) if config.regex else 0
        except ValueError as error:
            raise ConfigError(f"redact rule {self.name}: {str(error).removeprefix(f'pattern {self.name}: ')}") from None

        def edit(text: str) -> str:
            try:
                return scrubber.replace(text, scrubber.found(text), Work(max(len(text), MOST_BYTES)))
            except TooMuchWork:
                return REMOVED

        return edit

    def _whole(self, text: str, act: Edit) -> str:
        edited = act(text)
        if edited != text:
            self._counts[self.name] = self._counts.get(self.name, 0) + 1
        return edited


def _finds(config: RedactRule) -> bool:
    """Whether it looks for something in a text, rather than taking all of it."""
    return bool(config.pattern or config.regex)


def _action(config: RedactRule, key: bytes) -> Edit:
    """What becomes of what is found."""
    actions: dict[str, Edit] = {
        "drop": lambda _: "",
        "mask": lambda _: _MASK,
        "digest": partial(_digest, name=config.name, key=key[:_LONGEST_KEY_BYTES]),
        "truncate": lambda found: found[: config.max_chars],
        "keep_last_4": lambda found: _MASK + found[-4:] if len(found) > len(_MASK) else _MASK,
        "replace": lambda _: config.to,
    }
    return actions[config.action]


def _digest(found: str, name: str, key: bytes) -> str:
    digest = blake2b(found.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES, key=key).hexdigest()
    return f"[{name}:{digest}]"


def _glob(text: str) -> "re2._Regexp":
    """RE2's for a glob: `*` is anything."""
    return re2.compile(f"(?s:{'.*'.join(map(re2.escape, text.split('*')))})")
