"""The error tree. Errors are for bugs and for start-up; what the network sends is answered with an Outcome.

SpanwandError
├── ConfigError      an unknown key, a bad value: the message is one line a user can act on
└── NotReadable      a file given to `spanwand read` that is not what it should be
"""


class SpanwandError(Exception):
    """Anything this project raises on purpose."""


class ConfigError(SpanwandError):
    """The configuration is wrong; raised before anything has started."""


class NotReadable(SpanwandError):
    """A path holds no run, or a file is damaged beyond its last whole record."""
