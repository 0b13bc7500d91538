"""What a resource and a scope say of all the spans they sent, read once for them."""

import msgspec

from spanwand import infer
from spanwand.dialects.table import Reader
from spanwand.record import Service
from spanwand.span import Attributes, SpanResource

_MOST_REMEMBERED = 1024
_LONGEST = 1_000
"""Characters of what is remembered from one request to the next; an origin with more is made anew with each."""


class Origin(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Where spans come from. The same object for all that come from there, so it is a key by which to remember more."""

    service: Service
    experiment: str
    arm: str
    visible: tuple[str, ...]
    """GPUs."""
    scope_name: str
    scope_version: str


_Said = tuple[Service, str, str, tuple[str, ...]]
"""Service, experiment, arm and visible GPUs."""


class Origins:
    """Finds the origin of a resource."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._said: tuple[Attributes | None, _Said] = (None, (Service(), "", "", ()))
        self._last: tuple[SpanResource | None, Origin] = (None, Origin(Service(), "", "", (), "", ""))
        self._known: dict[tuple[object, ...], Origin] = {}

    def of(self, resource: SpanResource) -> Origin:
        """The origin of what a resource sent."""
        last, origin = self._last
        if resource is not last:
            origin = self._find(resource)
            self._last = resource, origin
        return origin

    def _find(self, resource: SpanResource) -> Origin:
        attributes, said = self._said
        if attributes is not resource.attributes:  # several scopes share them
            said = self._read(resource.attributes)
            self._said = resource.attributes, said
        where = (*said, resource.scope_name, resource.scope_version)
        origin = self._known.get(where)
        if origin is None:
            origin = Origin(*where)
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            if len(repr(where)) <= _LONGEST:
                self._known[where] = origin
        return origin

    def _read(self, attributes: Attributes) -> _Said:
        groups = self._reader.read(attributes)
        call, visible = groups[""], groups["hint"].get("visible_devices", ())
        return infer.service(groups), call.get("experiment", ""), call.get("arm", ""), visible
