"""The keys that came last, in the order in which they came: a hash table in three arrays, about 45 bytes a key.

A dict of them takes 140: for the objects, the pointers to them, and the room that deleted ones leave. Keys are compared
in full, so none is taken for another; which slot one hashes to decides about time and nothing else.
"""

from array import array
from collections.abc import Iterator, Sequence

KEY_BYTES = 24
_FEWEST_SLOTS = 1_024
_RENUMBER = 1 << 31


class RecentKeys:
    """Keys have numbers, in order; those from `_first` on are here. Lower ones stand in slots and chains as ends."""

    def __init__(self) -> None:
        self._keys = bytearray()
        self._before = array("I")
        """Of each key, the number of the one that was put into its slot before it."""
        self._index()

    def __len__(self) -> int:
        return len(self._before)

    def add(self, keys: Sequence[bytes], latest: int) -> list[bool]:
        """Whether each key was here. It is put behind the others, unless it is among the `latest` so many."""
        first, slots, before, stored = self._first, self._slots, self._before, self._keys
        mask, number, is_at = len(slots) - 1, first + len(before), stored.startswith
        since, were_here = number - latest, []
        for key, hashed in zip(keys, map(hash, keys), strict=True):
            slot = hashed & mask
            last = seen = slots[slot]
            while seen >= first and not is_at(key, (seen - first) * KEY_BYTES):
                seen = before[seen - first]
            were_here.append(seen >= first)
            if seen < since:
                stored += key
                before.append(last)
                slots[slot] = number
                number += 1
        if 2 * len(before) > len(slots):
            self._index()
        return were_here

    def forget(self, count: int) -> None:
        """Let go of the `count` that have been here longest."""
        del self._keys[: count * KEY_BYTES], self._before[:count]
        self._first += count
        if len(self._slots) > max(16 * len(self), _FEWEST_SLOTS) or self._first > _RENUMBER:
            self._index()

    def take_back(self, count: int) -> None:
        """Let go of the `count` that came last."""
        for key in reversed(list(self._range(len(self) - count, len(self)))):
            self._slots[hash(key) & len(self._slots) - 1] = self._before.pop()
        del self._keys[len(self) * KEY_BYTES :]

    def known_by(self, count: int) -> int:
        """How many keys are here only as one of the `count` that have been here longest."""
        return sum(self._seen(key) == number for number, key in enumerate(self._range(0, count), self._first))

    def _seen(self, key: bytes) -> int:
        seen = self._slots[hash(key) & len(self._slots) - 1]
        while not self._keys.startswith(key, (seen - self._first) * KEY_BYTES):
            seen = self._before[seen - self._first]
        return seen

    def _range(self, start: int, stop: int) -> Iterator[bytes]:
        return (bytes(self._keys[at : at + KEY_BYTES]) for at in range(start * KEY_BYTES, stop * KEY_BYTES, KEY_BYTES))

    def _index(self) -> None:
        """Number what is here anew, and put it into as many slots as it takes that few keys share one."""
        self._first, size = 1, _FEWEST_SLOTS
        while size < 2 * len(self) + 1:
            size *= 2
        slots, before = array("I", bytes(4 * size)), self._before
        for at, key in enumerate(self._range(0, len(self))):
            slot = hash(key) & size - 1
            before[at], slots[slot] = slots[slot], at + 1
        self._slots = slots
