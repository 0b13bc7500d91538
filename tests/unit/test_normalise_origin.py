"""Normalise: who sent a span, in which experiment, and which request it belongs to (P3, A4)."""

import pytest
from tests.support.spans import CHAT, call, parsed, root, span

from spanwand.normalise import Normalise
from spanwand.record import Service
from spanwand.span import AttributeValue, Span, SpanResource


def test_service_of_a_resource() -> None:
    full: dict[str, AttributeValue] = {
        "service.name": "comic",
        "service.version": "1.2",
        "service.instance.id": "i-1",
        "k8s.pod.name": "pod",
        "deployment.environment": "old",
        "deployment.environment.name": "prod",
        "wandb.entity": "team",
        "wandb.project": "p",
    }
    assert call(CHAT, resource=full).service == Service(
        name="comic", version="1.2", instance="i-1", environment="prod", entity="team", project="p"
    )
    assert call(CHAT).service == Service(environment="default")
    assert call(CHAT, resource={"k8s.pod.name": "pod", "host.name": "h"}).service.instance == "pod"
    assert call(CHAT, resource={"host.name": "h", "process.pid": 7}).service.instance == "h-7"
    assert call(CHAT, resource={"deployment.environment": "old"}).service.environment == "old"


@pytest.mark.parametrize(
    ("attributes", "resource", "assigned"),
    [
        ({"spanwand.experiment": "e", "spanwand.arm": "a"}, {}, ("e", "a")),
        ({"spanwand.arm": "b"}, {"spanwand.experiment": "e", "spanwand.arm": "a"}, ("e", "b")),
        ({"feature_flag.key": "f", "feature_flag.result.variant": "v"}, {}, ("f", "v")),
        ({"feature_flag.key": "f", "feature_flag.variant": "v"}, {"spanwand.experiment": "e"}, ("e", "")),
        ({"feature_flag.key": "f"}, {}, ("", "")),
    ],
)
def test_experiment_and_arm(
    attributes: dict[str, AttributeValue], resource: dict[str, AttributeValue], assigned: tuple[str, str]
) -> None:
    """A4: ours before a feature flag's, the span's before the resource's; for roots as for calls."""
    generation = call({**CHAT, **attributes}, resource=resource)
    assert (generation.experiment, generation.arm) == assigned
    found = root(attributes, resource=resource)
    assert (found.experiment, found.arm) == assigned


def test_roots() -> None:
    normalise = Normalise(("comic.id",))
    attributes: dict[str, AttributeValue] = {"comic.id": "c7", "session.id": "s", "user.id": 5}
    found = normalise.root(span(attributes, parent_span_id=b"", name="POST /comic", resource={"comic.id": "c1"}))
    assert found is not None
    assert (found.name, found.session_id, found.user, found.attributes) == ("POST /comic", "s", "5", {"comic.id": "c7"})
    assert normalise.root(span({})) is None
    assert normalise.root(span({}, parent_is_remote=True)) is not None


def test_configured_attributes_come_from_the_span_before_the_resource() -> None:
    normalise = Normalise(("comic.id", "team"))
    resource = SpanResource({"team": "red", "comic.id": "old"})
    for attributes, expected in [({"comic.id": "c7"}, "c7"), ({}, "old")]:
        sent = Span(trace_id=b"\1" * 16, span_id=b"\2" * 8, attributes=parsed(CHAT | attributes), resource=resource)
        generation = normalise(sent)
        assert generation is not None
        assert generation.attributes == {"comic.id": expected, "team": "red"}
    assert {"comic.id", "team"} <= normalise.keys.parsers.keys()
