"""The shape of every block of configuration."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

LONGEST_S = 1_000_000_000
"""Three decades: what waits for longer overflows somewhere."""


class Section(BaseModel):
    """A block of configuration: frozen, unknown keys refused, docstrings of fields become the reference.

    It is built when it is first used and its docstrings stay in the source: both would be a fifth of a daemon's start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @field_validator("*")
    @classmethod
    def _can_be_waited_for(cls, value: Any, info: ValidationInfo) -> Any:
        if str(info.field_name).endswith("_s") and isinstance(value, int | float) and value > LONGEST_S:
            raise ValueError(f"input should be at most {LONGEST_S} seconds")
        return value
