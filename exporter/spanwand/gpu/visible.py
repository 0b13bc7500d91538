"""Which of the devices that NVML shows are this container's: `NVIDIA_VISIBLE_DEVICES`.

Inside a container NVML usually shows the right devices already, numbered from 0. The variable matters where it shows
more than that, as in a privileged sidecar, and because it alone says that a GPU is time-sliced (`GPU-uuid::2`).
"""

import re
from collections.abc import Mapping

import msgspec

VARIABLE = "NVIDIA_VISIBLE_DEVICES"
_ALL = frozenset({"", "all", "void"})
"""`void`: the runtime mounts devices by other means (CDI), so the variable says nothing."""
_REPLICA = "::"
_NUMBER = re.compile(r"\d+(:\d+)?")


class Visible(msgspec.Struct, frozen=True):
    """The names a container was given; `None`: all that NVML shows."""

    names: frozenset[str] | None = None
    replicas: frozenset[str] = frozenset()
    """UUIDs of which it has one of several time slices."""

    def choose(self, numbers: Mapping[str, str]) -> frozenset[str]:
        """Of the devices that NVML shows, by UUID, each with its number, the ones that are visible.

        Numbers (`1`, or `1:0` of a slice) are the host's. They choose only if NVML shows more such devices than were
        given: else it numbers the given ones anew.
        """
        if self.names is None:
            return frozenset(numbers)
        are_numbers = [_NUMBER.fullmatch(name) for name in self.names]
        shown = [number for number in numbers.values() if any(":" in name for name in self.names) == (":" in number)]
        if are_numbers and all(are_numbers) and len(shown) <= len(self.names):
            return frozenset(uuid for uuid, number in numbers.items() if number in shown)
        return frozenset(uuid for uuid, number in numbers.items() if {uuid, number} & self.names)


def visible_devices(environ: Mapping[str, str]) -> Visible:
    """What the environment says of the container's devices."""
    value = environ.get(VARIABLE, "").strip()
    if value in _ALL:
        return Visible()
    given = [name.strip() for name in value.split(",") if name.strip() not in ("", "none")]
    names = frozenset(name.partition(_REPLICA)[0] for name in given)
    return Visible(names, frozenset(name.partition(_REPLICA)[0] for name in given if _REPLICA in name))
