"""A call or two of the real `google-genai` package per case. Run: `google_genai.py CASE`."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

from google import genai
from google.genai import errors, types

from tests.golden.programs.conversation import (
    LONG_STORY,
    PICTURE,
    PROMPT,
    SYSTEM,
    TEXTS,
    TOOL_DESCRIPTION,
    TOOL_NAME,
    TOOL_PARAMETERS,
    TOOL_PROMPT,
    TOOL_RESULT,
)

MODEL = "gemini-2.5-flash"
CHAT: Any = {"model": MODEL, "contents": PROMPT}
LONG: Any = {"model": "gemini-2.5-pro", "contents": LONG_STORY}


def chat(client: Any) -> None:
    config = types.GenerateContentConfig(system_instruction=SYSTEM, temperature=0.5, top_p=0.9, max_output_tokens=100)
    client.models.generate_content(**CHAT, config=config)


def cached_and_reasoning(client: Any) -> None:
    client.models.generate_content(**LONG)


def cached_and_reasoning_stream(client: Any) -> None:
    for _ in client.models.generate_content_stream(**LONG):
        pass


def stream(client: Any) -> None:
    config = types.GenerateContentConfig(system_instruction=SYSTEM)
    for _ in client.models.generate_content_stream(**CHAT, config=config):
        pass


def tools(client: Any) -> None:
    function = types.FunctionDeclaration(
        name=TOOL_NAME, description=TOOL_DESCRIPTION, parameters_json_schema=TOOL_PARAMETERS
    )
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[function])])
    asked = types.Content(role="user", parts=[types.Part(text=TOOL_PROMPT)])
    first: Any = client.models.generate_content(model=MODEL, contents=[asked], config=config)
    result = types.Part.from_function_response(name=TOOL_NAME, response={"result": TOOL_RESULT})
    said = [asked, first.candidates[0].content, types.Content(role="user", parts=[result])]
    client.models.generate_content(model=MODEL, contents=said, config=config)


def automatic_tools(client: Any) -> None:
    """The SDK itself calls the function: two calls of the API in one of the app."""

    def weather(city: str) -> str:
        """Weather of a city"""
        return TOOL_RESULT

    config = types.GenerateContentConfig(tools=[weather])
    client.models.generate_content(model=MODEL, contents=TOOL_PROMPT, config=config)


def failing(client: Any, status: str) -> None:
    config = types.GenerateContentConfig(http_options=types.HttpOptions(headers={"x-fail": status}))
    with contextlib.suppress(errors.APIError):
        client.models.generate_content(**CHAT, config=config)


def error(client: Any) -> None:
    failing(client, "503")


def throttled(client: Any) -> None:
    failing(client, "429")


def embeddings(client: Any) -> None:
    client.models.embed_content(model="gemini-embedding-001", contents=TEXTS)


def images(client: Any) -> None:
    client.models.generate_content(model="gemini-2.5-flash-image", contents=PICTURE)


CASES: dict[str, Callable[[Any], None]] = {
    "chat": chat,
    "cached-and-reasoning": cached_and_reasoning,
    "cached-and-reasoning-stream": cached_and_reasoning_stream,
    "stream": stream,
    "tools": tools,
    "automatic-tools": automatic_tools,
    "error": error,
    "throttled": throttled,
    "embeddings": embeddings,
    "images": images,
}

if __name__ == "__main__":
    CASES[sys.argv[1]](genai.Client())
