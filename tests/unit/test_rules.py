"""Rules of a user and the policy behind them (P6, R36)."""

import json
from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError
from tests.support.records import call, root

from spanwand.config import RedactConfig
from spanwand.content import Content
from spanwand.drops import Drops
from spanwand.errors import ConfigError
from spanwand.events import Evaluation, LogEvent
from spanwand.record import Failure, Generation, Service
from spanwand.redact import Redact, opened
from spanwand.span import AttributeValue, SpanResource
from spanwand.supplement import Supplement

KEY = b"secret of this installation"
MESSAGES = json.dumps(
    [
        {"role": "system", "content": "be kind to Ann"},
        {"role": "user", "parts": [{"type": "text", "content": "Ann is 41", "age": 41}]},
    ]
)


def redact(*rules: dict[str, Any], policy: str = "redacted") -> Redact:
    config = {"policy": policy, "acknowledge_full": True, "rules": [{"name": f"r{n}"} | r for n, r in enumerate(rules)]}
    return Redact(RedactConfig.model_validate(config), KEY, Drops())


def said(text: str, **fields: Any) -> Generation:
    return call(content=Content(input=text), sources={"content.input": "gen_ai.input.messages"}, **fields)


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ({"action": "drop"}, "order  of Ann"),
        ({"action": "mask"}, "order **** of Ann"),
        ({"action": "keep_last_4"}, "order ****5678 of Ann"),
        ({"action": "truncate", "max_chars": 3}, "order A-1 of Ann"),
        ({"action": "replace", "to": "[an order]"}, "order [an order] of Ann"),
    ],
)
def test_actions(action: dict[str, Any], left: str) -> None:
    made = redact({"regex": r"\b[A-Z]-\d+", **action})
    assert opened(made(said("order A-12345678 of Ann"))).content.input == left
    assert made.counts == {"r0": 1}


def test_a_digest_is_the_same_each_time_and_needs_the_key() -> None:
    digest = {"regex": r"A-\d+", "action": "digest"}
    once, again = (opened(redact(digest)(said("A-123"))).content.input for _ in range(2))
    assert once == again
    assert once.startswith("[r0:")
    other = Redact(
        RedactConfig.model_validate({"policy": "redacted", "rules": [{"name": "r0"} | digest]}), b"k", Drops()
    )
    assert opened(other(said("A-123"))).content.input != once


def test_in_order_and_before_the_policy() -> None:
    first = {"regex": r"\w+@corp\.example", "action": "replace", "to": "staff"}
    second = {"regex": "staff", "action": "replace", "to": "colleague"}
    clean = opened(redact(first, second)(said("ann@corp.example and bob@example.com"))).content.input
    assert clean == "colleague and [email]"


@pytest.mark.parametrize(
    ("rule", "system", "user", "age"),
    [
        ({"role": "user"}, "be kind to Ann", "****", "****"),
        ({"role": "system"}, "****", "Ann is 41", 41),
        ({"path": "1.parts.*.age"}, "be kind to Ann", "Ann is 41", "****"),
        ({"path": "**.content"}, "****", "****", 41),
        ({"path": "$.*.content"}, "****", "Ann is 41", 41),
        ({"path": "$[*]['content']"}, "****", "Ann is 41", 41),
        ({"path": "$[1].parts[0]..age"}, "be kind to Ann", "Ann is 41", "****"),
        ({"path": "**.1.**.age"}, "be kind to Ann", "Ann is 41", "****"),
        ({"path": "*.parts"}, "be kind to Ann", "****", "****"),
        ({"path": "$"}, "****", "****", "****"),
        ({"path": "**.content", "role": "user", "regex": "Ann"}, "be kind to Ann", "**** is 41", 41),
        ({"attribute": "gen_ai.output.*"}, "be kind to Ann", "Ann is 41", 41),
        ({"attribute": "gen_ai.*.messages", "path": "0.content"}, "****", "Ann is 41", 41),
        ({"attribute": "content.input", "path": "0.content"}, "****", "Ann is 41", 41),
        ({"service": "other*", "path": "**"}, "be kind to Ann", "Ann is 41", 41),
        ({"service": "stu*", "environment": "te*", "path": "0.content"}, "****", "Ann is 41", 41),
    ],
)
def test_selectors(rule: dict[str, Any], system: str, user: str, age: object) -> None:
    """JSON path, role, field, attribute key, service and environment."""
    messages = json.loads(opened(redact(rule)(said(MESSAGES))).content.input)
    part = messages[1]["parts"][0]
    assert (messages[0]["content"], part["content"], part["age"]) == (system, user, age)


@pytest.mark.parametrize(
    ("source", "attribute"),
    [
        ("event:a.details#events/0/gen_ai.input.messages", "gen_ai.input.messages"),
        ("gen_ai.input.messages (said to be wrong)", "gen_ai.input.messages"),
        ("input.value#0/text", "input.value"),
        ("event:gen_ai.*.message", "content.*"),
    ],
)
def test_an_attribute_wherever_it_was_read_from(source: str, attribute: str) -> None:
    sent = call(content=Content(input="Ann"), sources={"content.input": source})
    assert opened(redact({"attribute": attribute})(sent)).content.input == "****"


def test_attributes_of_events() -> None:
    """Of logs: what was said, why a call failed, how an answer was judged."""
    made = redact({"attribute": "gen_ai.input.*"}, {"attribute": "gen_ai.evaluation.*"}, {"attribute": "exception.*"})
    supplement = Supplement(lambda _: Service())

    def event(name: str, attributes: dict[str, AttributeValue]) -> LogEvent:
        ids = {"trace_id": b"\1" * 16, "span_id": b"\1" * 8}
        return LogEvent(name=name, **ids, time_ns=1, attributes=attributes, body=None, resource=SpanResource({}))

    said = supplement(event("gen_ai.client.inference.operation.details", {"gen_ai.input.messages": "Ann"}))
    raised = supplement(event("exception", {"exception.type": "e", "exception.message": "of Ann"}))
    verdict: dict[str, AttributeValue] = {"gen_ai.evaluation.name": "n", "gen_ai.evaluation.explanation": "of Ann"}
    judged = supplement(event("gen_ai.evaluation.result", verdict))
    assert isinstance(said, Generation)
    assert isinstance(raised, Generation)
    assert isinstance(judged, Evaluation)
    assert opened(made(said)).content.input == "****"
    assert made(raised).failure == Failure("e", "****")
    assert made.evaluation(judged).explanation == "****"
    assert made.root(replace(root(), name="make comic")).name == "make comic"


def test_text_that_is_cut_is_taken_as_a_whole() -> None:
    """What a path or a role cannot be followed in does not leave unseen."""
    assert opened(redact({"path": "0.content"})(said(MESSAGES[:50]))).content.input == "****"
    assert opened(redact({"role": "system"})(said("just text"))).content.input == "just text"
    assert opened(redact({"role": "user"})(said("just text"))).content.input == "****"


def test_every_kind_of_record() -> None:
    """A call, a root, an evaluation: labels, failures and configured attributes."""
    made = redact({"regex": "Ann", "action": "replace", "to": "X"})
    texts: dict[str, Any] = {
        "name": "Ann",
        "session_id": "Ann",
        "attributes": {"comic.id": "Ann", "n": 1, "l": ("Ann",)},
    }
    clean = made(call(**texts, failure=Failure("e", "Ann failed"), request_model="Ann"))
    assert (clean.name, clean.session_id, clean.request_model) == ("X", "X", "X")
    assert clean.failure == Failure("e", "X failed")
    assert clean.attributes == {"comic.id": "X", "n": 1, "l": '["X"]'}
    assert "Ann" not in repr(made.root(replace(root(), **texts)))
    judged = Evaluation(
        trace_id=b"", span_id=b"", time_ns=1, service=Service(), name="n", label="Ann", explanation="of Ann"
    )
    assert "Ann" not in repr(made.evaluation(judged))


def test_users_are_pseudonyms_in_every_policy_and_content_is_cut() -> None:
    for policy in ("counts-only", "redacted", "full"):
        sent = said("mail jane@example.com " * 1_000, user="jane", session_id="jane@example.com")
        clean = opened(redact(policy=policy)(sent))
        assert clean.user.startswith("user_")
        assert clean.session_id == "[email]"
        assert len(clean.content.input) <= 8_192
        assert ("jane@" in clean.content.input) == (policy == "full")


def test_full_has_to_be_meant() -> None:
    with pytest.raises(ValidationError, match="acknowledge_full: true"):
        RedactConfig(policy="full")


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"regex": r"(a)\1"}, "^redact rule r0: invalid escape sequence"),
        ({"regex": "(?=a)b"}, "rule r0: "),
        ({"regex": "("}, "rule r0: missing"),
        ({"regex": "((a{1000}){1000}"}, "rule r0: "),
        ({"path": "messages[?(@.age)]"}, "^redact rule r0: path: keys and indexes"),
        ({"pattern": "e-mail"}, "rule r0: no pattern e-mail; there are .*email"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule: dict[str, Any], why: str) -> None:
    """R36: what RE2 cannot compile is refused before anything starts, and never run by `re`."""
    with pytest.raises(ConfigError, match=why):
        redact(rule)


def test_config_of_rules_is_checked() -> None:
    for rules in ([{"name": "a"}, {"name": "a"}], [{"name": "A b"}], [{"name": "a", "regex": "x", "pattern": "email"}]):
        with pytest.raises(ValidationError):
            RedactConfig.model_validate({"rules": rules})


@pytest.mark.parametrize("regex", [r"(a*)*b", r"(a|aa)+$", r"(.*?,){11}P", r"([a-z]+)+\d", r"(x+x+)+y", r".*.*.*=.*"])
def test_hostile_expressions_stay_linear(regex: str) -> None:
    """R36: a megabyte; `re` would need hours for some of these, which the suite's timeout stops."""
    clean = opened(redact({"regex": regex})(said("a" * 500_000 + "x," * 250_000)))
    assert len(clean.content.input) <= 8_192


def test_named_patterns_keep_their_checks() -> None:
    made = redact({"pattern": "card", "action": "keep_last_4"}, policy="full")
    assert (
        opened(made(said("4111 1111 1111 1111 and 4111 1111 1111 1112"))).content.input
        == "****1111 and 4111 1111 1111 1112"
    )
    assert Counter(made.counts) == {"r0": 1}
