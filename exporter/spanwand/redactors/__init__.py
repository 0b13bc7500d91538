"""Redactors: what takes out of a generation what must not leave.

To add one: `redactors/x.py`, a line here, its examples. Each is made once, from the configuration, the secret key and
the scrubber they share, and then called with every generation. A kind of secret is a row of `keys.py` or
`patterns.py`. What was said they see in the plain: `redact` holds what they leave of it (`content`).
"""

from collections.abc import Callable, Mapping

from spanwand.config import RedactConfig
from spanwand.ports import Redactor
from spanwand.redactors.labels import labels
from spanwand.redactors.rules import rules
from spanwand.redactors.scrub import Scrubber
from spanwand.redactors.users import users

REDACTORS: Mapping[str, Callable[[RedactConfig, bytes, Scrubber], Redactor]] = {
    "rules": rules,
    "users": users,
    "labels": labels,
}
"""Every redactor, in the order in which they run."""
