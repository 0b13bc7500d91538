"""Methods of foreign classes, replaced and put back."""

from typing import NamedTuple

_ABSENT = object()


class _Patch(NamedTuple):
    owner: type
    name: str
    original: object
    """What the class itself had; `_ABSENT` if it inherited."""
    replacement: object


class Patches:
    """What was replaced, newest last. What others put around ours stays; ours then only passes on (`active`)."""

    def __init__(self) -> None:
        self.active = True
        self._made: list[_Patch] = []

    def replace(self, owner: type, name: str, replacement: object) -> None:
        """Set an attribute of a class."""
        original = vars(owner).get(name, _ABSENT)
        setattr(owner, name, replacement)
        self._made.append(_Patch(owner, name, original, replacement))

    def restore(self) -> None:
        """Make every class as it was."""
        self.active = False
        while self._made:
            patch = self._made.pop()
            if vars(patch.owner).get(patch.name) is not patch.replacement:
                continue
            if patch.original is _ABSENT:
                delattr(patch.owner, patch.name)
            else:
                setattr(patch.owner, patch.name, patch.original)
