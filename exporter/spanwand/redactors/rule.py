"""One rule of a user, compiled: which text it is about, what it finds in there, and what it writes instead."""

from collections.abc import Callable, MutableMapping
from functools import lru_cache, partial
from hashlib import blake2b

import msgspec
import re2

from spanwand.errors import ConfigError
from spanwand.redact_config import RedactRule
from spanwand.redactors.own import most_bytes, seen
from spanwand.redactors.pattern import Pattern
from spanwand.redactors.patterns import PATTERNS
from spanwand.redactors.scrub import Scrubber

Edit = Callable[[str], str]
_DIGEST_BYTES, _LONGEST_KEY_BYTES = 8, 64
_MASK = "****"
_JSON_STARTS = frozenset("{[")
_ANY_DEPTH = "**"


class Rule:
    """Edits the texts it is about."""

    def __init__(self, config: RedactRule, key: bytes, counts: MutableMapping[str, int]) -> None:
        """`key` is the secret of digests. Raises ConfigError naming the rule if RE2 cannot compile it."""
        self.name = config.name
        self._most_bytes = 0
        self._role = config.role
        self._path = config.path.removeprefix("$.")
        self._counts = counts
        self._edit = self._editor(config, _action(config, key))
        selectors = (config.attribute, config.service, config.environment)
        self._attribute, self._service, self._environment = map(_glob, selectors)
        self._at = _glob(self._path, any_one=r"[^.]*", any_more=_ANY_DEPTH)
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
        if text[:1] in _JSON_STARTS and (self._role or self._path):
            try:
                document = msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                return self._plain(text, role)
            edited = self._walk(document, "", self._role in ("", role))
            return text if edited == document else msgspec.json.encode(edited).decode()
        return self._plain(text, role)

    def _plain(self, text: str, role: str) -> str:
        """Text that cannot be told apart: it is taken as a whole rather than left if a path cannot be followed."""
        return self._edit(text) if self._role in ("", role) or text[:1] in _JSON_STARTS else text

    def _walk(self, value: object, path: str, said: bool) -> object:  # noqa: FBT001  part of the place
        if isinstance(value, dict):
            said = value["role"] == self._role if self._role and "role" in value else said
            return {
                key: item if key == "role" and self._role else self._walk(item, f"{path}.{key}" if path else key, said)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._walk(item, f"{path}.{n}" if path else str(n), said) for n, item in enumerate(value)]
        if not said or value is None or (self._path and not self._at.fullmatch(path)):
            return value
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        edited = self._edit(text)
        return value if edited == text else edited

    def _editor(self, config: RedactRule, act: Edit) -> Edit:
        """What is done to a text: the action on all of it, or on what is found in it."""
        if not (config.pattern or config.regex):
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
        return lambda text: scrubber.replace(text, scrubber.found(text))

    def _whole(self, text: str, act: Edit) -> str:
        edited = act(text)
        if edited != text:
            self._counts[self.name] = self._counts.get(self.name, 0) + 1
        return edited


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


def _glob(text: str, any_one: str = ".*", any_more: str = "") -> "re2._Regexp":
    """A glob for RE2: `*` is `any_one`; `any_more`, if it is in the glob, anything at all."""
    parts = text.split(any_more) if any_more else [text]
    regex = ".*".join(any_one.join(map(re2.escape, part.split("*"))) for part in parts)
    return re2.compile(f"(?s:{regex})")
