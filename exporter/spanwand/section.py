"""The shape of every block of configuration."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A block of configuration: frozen, unknown keys refused, docstrings of fields become the reference."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
