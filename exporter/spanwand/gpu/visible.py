"""Which of the devices that NVML shows are this container's: `NVIDIA_VISIBLE_DEVICES`.

Inside a container NVML usually shows the right devices already, numbered from 0. The variable matters where it shows
more than that, as in a privileged sidecar, and because it alone says that a GPU is time-sliced (`GPU-uuid::2`).
"""

from collections.abc import Mapping, Sequence

import msgspec

VARIABLE = "NVIDIA_VISIBLE_DEVICES"
_ALL = frozenset({"", "all", "void"})
"""`void`: the runtime mounts devices by other means (CDI), so the variable says nothing."""
_REPLICA = "::"


class Visible(msgspec.Struct, frozen=True):
    """The names a container was given; `None`: all that NVML shows."""

    names: frozenset[str] | None = None
    replicas: frozenset[str] = frozenset()
    """UUIDs of which it has one of several time slices."""

    def choose(self, uuids: Sequence[str]) -> frozenset[str]:
        """Of the devices that NVML shows, in its order, the ones that are visible.

        Numbers are the host's. They choose only if NVML shows more devices than were given: else it numbers the given
        ones anew.
        """
        if self.names is None or (self._are_numbers and len(uuids) <= len(self.names)):
            return frozenset(uuids)
        return frozenset(uuid for number, uuid in enumerate(uuids) if uuid in self.names or str(number) in self.names)

    @property
    def _are_numbers(self) -> bool:
        return bool(self.names) and all(name.isdigit() for name in self.names or ())


def visible_devices(environ: Mapping[str, str]) -> Visible:
    """What the environment says of the container's devices."""
    value = environ.get(VARIABLE, "").strip()
    if value in _ALL:
        return Visible()
    given = [name.strip() for name in value.split(",") if name.strip() not in ("", "none")]
    names = frozenset(name.partition(_REPLICA)[0] for name in given)
    return Visible(names, frozenset(name.partition(_REPLICA)[0] for name in given if _REPLICA in name))
