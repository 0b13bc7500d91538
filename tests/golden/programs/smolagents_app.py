"""Agents of smolagents; its instrumentation writes the usage of a whole run on the agent's span. Run: `... CASE`."""

import sys
from collections.abc import Callable
from typing import Any

import openai
from openinference.instrumentation.smolagents import SmolagentsInstrumentor
from smolagents import ChatMessage, Model, OpenAIModel, ToolCallingAgent, tool
from smolagents.monitoring import TokenUsage

from tests.golden.programs.conversation import TOOL_PROMPT, TOOL_RESULT

MODEL = "gpt-4o-mini"


@tool
def weather(city: str) -> str:
    """Weather of a city

    Args:
        city: Its name.
    """
    return TOOL_RESULT if city else ""


class OwnModel(Model):  # type: ignore[misc]  # smolagents is not in our environment
    """As its users write one for what smolagents does not know; the instrumentation wraps smolagents' own only."""

    def generate(self, messages: list[ChatMessage], **options: Any) -> ChatMessage:
        """Ask the API, with the tools that the agent offers."""
        asked = self._prepare_completion_kwargs(messages=messages, model=MODEL, **options)
        answered = openai.OpenAI().chat.completions.create(**asked)
        said = ChatMessage.from_dict(answered.choices[0].message.model_dump())
        usage = answered.usage
        said.token_usage = TokenUsage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens)
        return said


def ask(model: Model, *, stream: bool = False) -> None:
    """A call that asks for a tool, and one that sums up."""
    agent = ToolCallingAgent(tools=[weather], model=model, stream_outputs=stream, verbosity_level=0)
    agent.run(TOOL_PROMPT, max_steps=1)


CASES: dict[str, Callable[[], None]] = {
    "agent": lambda: ask(OpenAIModel(MODEL)),
    "agent-stream": lambda: ask(OpenAIModel(MODEL), stream=True),
    "agent-own-model": lambda: ask(OwnModel()),
}

if __name__ == "__main__":
    SmolagentsInstrumentor().instrument()
    CASES[sys.argv[1]]()
