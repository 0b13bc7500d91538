"""One kind of secret, as a row of a table."""

import msgspec

from spanwand.redactors.checks import Check, always


class Pattern(msgspec.Struct, frozen=True):
    """One kind of secret. `found` and `left` are texts in which it is, and is not, to be found. Of the first of `found`
    the longest word is of the secret: on that every start is tried.

    If `regex` has a group, the group is the secret. What it finds in a text it must also find where the text stands in
    a line of its own, or in quotes: texts are tested many at a time.
    """

    name: str
    regex: str
    found: tuple[str, ...]
    left: tuple[str, ...]
    check: Check = always

    @property
    def replacement(self) -> str:
        """What is written instead."""
        return f"[{self.name}]"
