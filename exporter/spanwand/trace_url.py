"""Where a trace is shown in another UI: the `trace_url` of a Table row, from a template."""

import re
from urllib.parse import urlsplit

_FIELD = re.compile(r"\{(?:trace_id|span_id)\}")  # a pattern of ours, over configuration only
_ID = "0"


def trace_url(template: str, trace_id: str, span_id: str = "") -> str:
    """`template` with ids in hex, which a URL may hold as they are."""
    return template.replace("{trace_id}", trace_id).replace("{span_id}", span_id)


def check_trace_url(template: str) -> str:
    """A template as it came, or ValueError: `https://ui.example/trace/{trace_id}?span={span_id}` is one."""
    if not template:
        return template
    if "{trace_id}" not in template or re.search(r"[{}]", _FIELD.sub("", template)):
        raise ValueError("must have {trace_id}, may have {span_id}, and no other braces")
    if not template.isascii() or not template.isprintable() or " " in template:
        raise ValueError("must be ASCII without spaces; percent-encode the rest")
    url = urlsplit(_FIELD.sub(_ID, template))
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("must begin with http:// or https:// and a host")
    if url.username is not None:
        raise ValueError("must not hold a user or password: everybody who sees the Table would see them")
    if "{" in template.partition("://")[2].partition("/")[0]:
        raise ValueError("ids belong behind the host")
    return template
