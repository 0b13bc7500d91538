"""What a user may write about redaction: a policy, and rules of their own before it."""

from hashlib import blake2b
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from spanwand.section import Section


class RedactRule(Section):
    """One rule of redaction: where it looks, what it looks for, and what it does with it (docs/redaction.md)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    """Counted as `spanwand/redacted/<name>`."""
    attribute: str = "*"
    """Field or attribute key, `*` for any characters: `content.*`, `gen_ai.input.messages`, `comic.id`."""
    path: str = ""
    """Inside JSON: keys and indexes with dots, `*` for any one, `**` for any number of them. All below is meant too."""
    role: Literal["", "system", "user", "assistant", "tool"] = ""
    """Messages of this role only."""
    service: str = "*"
    environment: str = "*"
    pattern: str = ""
    """A built-in pattern by its name, such as `email`. Neither this nor `regex`: the whole text."""
    regex: str = ""
    """A regular expression for RE2; its group, if it has one, is what is found."""
    action: Literal["drop", "mask", "digest", "truncate", "keep_last_4", "replace"] = "mask"
    to: str = ""
    """What `replace` writes."""
    max_chars: int = Field(default=64, ge=0)
    """What `truncate` leaves."""

    @model_validator(mode="after")
    def _finds_one_thing(self) -> Self:
        if self.pattern and self.regex:
            raise ValueError("a rule has a pattern or a regex, not both")
        return self


class PresidioConfig(Section):
    """Names and places, found by Presidio in a process of its own (docs/redaction.md). The daemon's only."""

    model: str = ""
    """spaCy model that knows entities: an installed package, or a directory. Never downloaded. Empty: off."""
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    """Language of the model."""
    entities: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Z_]{0,39}$")], ...] = Field(
        default=("PERSON", "LOCATION"), min_length=1
    )
    """What is taken out, by Presidio's names; `[person]` is left, and counted as `spanwand/redacted/person`."""
    score: float = Field(default=0.5, ge=0, le=1)
    """Least score of what is taken out. Presidio gives what a model finds 0.85."""
    timeout_s: float = Field(default=10.0, gt=0)
    """Longest time for one Table row. One that takes longer leaves without its texts."""
    budget_s: float = Field(default=20.0, gt=0)
    """Longest time for the rows of one batch; further ones leave without their texts. Keep it well below
    `aggregate.rows_interval_s`, or the line falls behind where there are many rows."""


class RedactConfig(Section):
    """What may leave the service."""

    policy: Literal["counts-only", "redacted", "full"] = "counts-only"
    """`counts-only` removes prompts and answers; `redacted` keeps them with every match of a pattern replaced; `full`
    keeps them as they were sent. Names and attributes are redacted and users pseudonyms in each of them."""
    acknowledge_full: bool = False
    """Must be true for `full`: prompts, answers and the secrets in them go to W&B."""
    rules: tuple[RedactRule, ...] = ()
    """Rules of your own, applied in order before the policy."""
    content_max_chars: int = Field(default=8_192, ge=0)
    """Longer content is cut, with a note of its full length and digest. JSON stays JSON: its longest texts are cut."""
    window_max_chars: int = Field(default=1 << 27, ge=0)
    """Characters of long texts and of messages of failures that are cleaned in one window (`aggregate.window_s`). What
    is over it is removed unread and counted, so that such texts cannot hold up the metrics."""
    pseudonym_key_file: str = ""
    """File with the secret key of user pseudonyms. Empty: a random key, made once in the data directory."""
    pseudonym_days: int = Field(default=0, ge=0)
    """Days after which every user gets another pseudonym, in periods of UTC since 1970. 0: never."""

    presidio: PresidioConfig = PresidioConfig()

    @model_validator(mode="after")
    def _full_is_meant(self) -> Self:
        if self.policy == "full" and not self.acknowledge_full:
            raise ValueError(
                "policy full sends prompts, answers and secrets in them; set redact.acknowledge_full: true"
            )
        if self.presidio.model and self.policy == "counts-only":
            raise ValueError("presidio looks through what was said, and policy counts-only removes that; set redacted")
        if len({rule.name for rule in self.rules}) < len(self.rules):
            raise ValueError("two rules have the same name")
        return self

    def __str__(self) -> str:
        """Which policy it is, in a run's config: with how many rules, and a digest by which to compare them."""
        parts = {"policy", "rules", "content_max_chars"} | ({"presidio"} if self.presidio.model else set())
        said = self.model_dump_json(include=parts)
        digest = blake2b(said.encode(), digest_size=4).hexdigest()
        return f"{self.policy}, {len(self.rules)} rules, {digest}"
