"""What a model call did, and which metrics count it."""

from collections.abc import Mapping
from enum import StrEnum


class Operation(StrEnum):
    """What a model call did. Closed: a dialect maps its own words onto these."""

    CHAT = "chat"
    TEXT_COMPLETION = "text_completion"
    EMBEDDINGS = "embeddings"
    IMAGE = "image_generation"
    VIDEO = "video_generation"
    AUDIO = "audio"
    RETRIEVAL = "retrieval"
    RERANK = "rerank"
    TOOL = "execute_tool"
    AGENT = "invoke_agent"
    WORKFLOW = "invoke_workflow"
    OTHER = "other"

    __hash__ = str.__hash__  # that of an Enum is a function in Python, and each call is looked up by this ten times


class Family(StrEnum):
    """Which block of metrics counts an operation, so that each generation is counted exactly once."""

    LLM = "llm"
    DIFFUSION = "diffusion"

    __hash__ = str.__hash__  # as above


FAMILY_OF: Mapping[Operation, Family] = {
    Operation.CHAT: Family.LLM,
    Operation.TEXT_COMPLETION: Family.LLM,
    Operation.EMBEDDINGS: Family.LLM,
    Operation.RERANK: Family.LLM,
    Operation.AUDIO: Family.LLM,
    Operation.IMAGE: Family.DIFFUSION,
    Operation.VIDEO: Family.DIFFUSION,
}
"""Operations that call a model. The others (tools, agents, retrieval) only count towards their Request."""
