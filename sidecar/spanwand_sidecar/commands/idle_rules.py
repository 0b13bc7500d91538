"""Rules of redaction that are about nothing, because nothing that is read is called what they say."""

import re
from collections.abc import Iterator

from spanwand.config import LineConfig
from spanwand.dialects.log_events import LOG_EVENT
from spanwand.normalise import Normalise
from spanwand.redactors.rules import TEXTS


def idle_rules(config: LineConfig) -> Iterator[str]:
    """Say of each such rule what is wrong with it. A key that was sent with an index is read without it."""
    extras = config.gather.request_attributes
    read = Normalise(extras).keys
    judged = {source.key for sources in LOG_EVENT.fields.values() for source in sources}
    names = {*TEXTS, *read.parsers, *read.lists, *judged, *map("attributes.{}".format, extras)}
    for rule in config.redact.rules:
        is_meant = re.compile(".*".join(map(re.escape, rule.attribute.split("*"))), re.DOTALL).fullmatch
        if not any(map(is_meant, names)) and not rule.attribute.removeprefix("attributes.").startswith(read.beginnings):
            yield f"redact rule {rule.name}: no text that is read is called {rule.attribute!a}"
