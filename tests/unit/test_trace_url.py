"""Tables link to wherever the traces are shown (E3): a template in the configuration, checked when it is loaded."""

import pytest
from pydantic import ValidationError
from tests.support.records import KEPT, call, request

from spanwand.config import TablesConfig
from spanwand.rows import generation_row, request_row
from spanwand.tables import columns

TEMPLATE = "https://ui.example:8443/trace/{trace_id}?span={span_id}#x%20y"


@pytest.mark.parametrize("good", ["", TEMPLATE, "http://localhost:16686/trace/{trace_id}", "https://[::1]/{trace_id}"])
def test_templates_that_are_taken(good: str) -> None:
    assert TablesConfig(trace_url=good).trace_url == good


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("https://ui.example/", "must have {trace_id}"),
        ("https://ui.example/{trace_id}/{service}", "no other braces"),
        ("https://ui.example/{trace_id", "must have {trace_id}"),
        ("https://ui.example/{{trace_id}}", "no other braces"),
        ("javascript:alert({trace_id})", "http"),
        ("data:text/html,{trace_id}", "http"),
        ("//ui.example/{trace_id}", "http"),
        ("https:///{trace_id}", "host"),
        ("https://{trace_id}.example/", "behind the host"),
        ("https://me:secret@ui.example/{trace_id}", "password"),
        ("https://ui.example/ {trace_id}", "spaces"),
        ("https://ui.example/\n{trace_id}", "ASCII"),
        ("https://ui.example/\u00e9{trace_id}", "ASCII"),
        ("https://ui.example/{trace_id}" + "x" * 1_000, "1000"),
    ],
)
def test_templates_that_are_refused(bad: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TablesConfig(trace_url=bad)


def test_rows_have_the_link_only_if_it_is_configured() -> None:
    one, trace = call(), request()
    for table, with_link, without, span in (
        ("generations", generation_row(one, KEPT, ("a",), 2, TEMPLATE), generation_row(one, KEPT, ("a",), 2), "01" * 8),
        ("requests", request_row(trace, KEPT, ("a",), TEMPLATE), request_row(trace, KEPT, ("a",)), ""),
    ):
        images = 2 if table == "generations" else 0
        names = [column.name for column in columns(table, ("a",), images, has_links=True)]
        row = dict(zip(names, with_link, strict=True))
        assert row["trace_url"] == f"https://ui.example:8443/trace/{1:032x}?span={span}#x%20y"
        names.remove("trace_url")
        assert names == [column.name for column in columns(table, ("a",), images)]
        assert tuple(row[name] for name in names) == without
