"""A stored cell as what its column holds."""

from typing import Any

import msgspec

from spanwand.tables import Type

_INT64 = range(-(2**63), 2**63)


def fit(cell: Any, kind: Type) -> str | int | float | None:
    """A stored cell as its column's type; None if it cannot be that. An image is the path of its file."""
    if cell is None:
        return None
    if kind is Type.TEXT:
        return _text(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None
    return _number(cell) if kind is Type.NUMBER else _whole(cell)


def image_path(cell: dict[str, Any]) -> Any:
    """An image of a Table as the path of its file, in the artifact that has the Table; anything else as it is."""
    return cell.get("path") if cell.get("_type") == "image-file" else cell


def _number(cell: float) -> float | None:
    try:
        return float(cell)
    except OverflowError:
        return None


def _whole(cell: int | float) -> int | None:
    if isinstance(cell, float) and not cell.is_integer():
        return None
    whole = int(cell)
    return whole if whole in _INT64 else None


def _text(cell: Any) -> str:
    """Text that UTF-8 can hold."""
    cell = image_path(cell) if isinstance(cell, dict) else cell
    text = cell if isinstance(cell, str) else msgspec.json.encode(cell).decode()
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
