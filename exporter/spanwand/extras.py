"""Attributes that records carry along though no dialect reads them: `comic.id` by name, `app.*` by how it begins."""

from collections.abc import Collection, Iterator
from itertools import islice

from spanwand.span import Attributes, AttributeValue

ANY = "*"
"""Ends the name of all attributes that begin with what is before it."""
_MOST_BEGUN = 32
"""Attributes of one call that only begin as was asked for."""


def named(names: Collection[str]) -> tuple[str, ...]:
    """Those of the names that are whole."""
    return tuple(name for name in names if not name.endswith(ANY))


def beginnings(names: Collection[str]) -> tuple[str, ...]:
    """Those of the names that stand for all attributes that begin so, without their `*`."""
    return tuple(name.removesuffix(ANY) for name in names if name.endswith(ANY))


def begun(attributes: Attributes, name: str, names: Collection[str]) -> Attributes:
    """What begins as such a name says, but for what one of the others names whole."""
    beginning = name.removesuffix(ANY)
    return {key: value for key, value in attributes.items() if key.startswith(beginning) and key not in names}


class Extras:
    """Picks them. What dialects read (`read`) is carried along only if it is asked for by its whole name."""

    def __init__(self, names: Collection[str], read: Collection[str]) -> None:
        self._names = named(names)
        self._beginnings = beginnings(names)
        self._read = read

    def of(self, resource: Attributes, span: Attributes) -> Attributes:
        """Those of both; what a span says goes before what its resource says. Named ones first, then others."""
        both = {**resource, **span}
        whole = {key: both[key] for key in self._names if key in both}
        return whole | dict(islice(self._begun(both), _MOST_BEGUN))

    def without(self, span: Attributes) -> Attributes:
        """What a dialect may read."""
        return {key: value for key, value in span.items() if key in self._read} if self._beginnings else span

    def _begun(self, attributes: Attributes) -> Iterator[tuple[str, AttributeValue]]:
        for key, value in attributes.items():
            if key.startswith(self._beginnings) and key not in self._read and key not in self._names:
                yield key, value
