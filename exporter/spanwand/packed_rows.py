"""Rows of Tables as bytes. As Python objects they take five times as much, and wait for W&B by the ten thousand."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self, overload

import msgspec

from spanwand.media import Media

Row = tuple[object, ...]
LARGE = 512
"""Texts from so many characters on, and images, stay as they are: the record had them, and no copy is made."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str | int | float | bool | Media | None, ...]).decode


class _Packed(NamedTuple):
    """A row without its large cells, and these by their places."""

    row: bytes
    large: tuple[tuple[int, object], ...]


class PackedRows(Sequence[Row]):
    """A sequence of rows that are made whenever they are looked at: whoever goes through it has one at a time."""

    __slots__ = ("_packed",)
    __hash__ = None  # type: ignore[assignment]  # it grows

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._packed: list[bytes | _Packed | Row] = [*map(_pack, rows)]

    def append(self, row: Row) -> None:
        """Add a row behind the others."""
        self._packed.append(_pack(row))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._packed)

    def __iter__(self) -> Iterator[Row]:
        """Each is made when it is asked for."""
        return map(_unpack, self._packed)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> Row | Self:
        """A row, or some of them, which stay packed."""
        if not isinstance(place, slice):
            return _unpack(self._packed[place])
        some = type(self)()
        some._packed = self._packed[place]
        return some

    def __eq__(self, other: object) -> bool:
        """Whether these are the same rows, packed or not."""
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __repr__(self) -> str:
        """The rows, for whoever looks at a batch."""
        return f"PackedRows({[*self]})"


def _pack(row: Row) -> bytes | _Packed | Row:
    try:
        packed = _encode(row)
        if len(packed) < LARGE:
            return packed
        large = tuple([(place, cell) for place, cell in enumerate(row) if _is_large(cell)])
        return _Packed(_encode([None if _is_large(cell) else cell for cell in row]), large)
    except (OverflowError, UnicodeEncodeError):  # 2 to the power of 64, half a surrogate pair
        return row


def _unpack(packed: bytes | _Packed | Row) -> Row:
    if isinstance(packed, bytes):
        return _decode(packed)
    if not isinstance(packed, _Packed):
        return packed
    cells: list[object] = [*_decode(packed.row)]
    for place, cell in packed.large:
        cells[place] = cell
    return tuple(cells)


def _is_large(cell: object) -> bool:
    return isinstance(cell, Media) or (isinstance(cell, str) and len(cell) >= LARGE)
