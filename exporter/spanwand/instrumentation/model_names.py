"""Names of models that were loaded from anywhere: a hub, its cache on disk, a folder."""

from pathlib import PurePath

_CACHED = "models--"


def model_name(name_or_path: object) -> str | None:
    """The name on the hub, else the last part of the path: where a model lies is nobody's business."""
    if not name_or_path or not isinstance(name_or_path, str | PurePath):
        return None
    path = PurePath(name_or_path)
    for part in path.parts:
        if part.startswith(_CACHED):
            return part.removeprefix(_CACHED).replace("--", "/")
    is_name = len(path.parts) <= len(("owner", "model")) and not path.is_absolute() and ".." not in path.parts
    return str(name_or_path) if is_name else path.name or None
