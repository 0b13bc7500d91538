"""Why the daemon did not start. See `spanwand.errors` for the rest of the tree."""

from spanwand.errors import SpanwandError


class CannotStart(SpanwandError):
    """A port or the data directory is taken or unusable; the message is one line a user can act on."""
