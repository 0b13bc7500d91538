"""Under which names a table may know the model of a call.

The same model is `gpt-4o` at OpenAI, `openai/gpt-4o` through a gateway, `models/gemini-2.5-flash` in Google's API and
`publishers/google/models/gemini-2.5-flash` in Vertex AI. Dated and fine-tuned names are matters of the tables.
"""

import re
from collections.abc import Iterable, Iterator

LONGEST_NAME = 128
"""Nobody sells a model with a longer name; such a text is not worth a search."""

PROVIDERS = {
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gen_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
}
"""Providers that `genai-prices` knows under another name than OpenTelemetry, and would not recognise."""
_GATEWAYS = frozenset({"", "litellm"})
"""Whose model names may begin with the provider's."""
_RESOURCE = re.compile(r"(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/[^/]+/)?models/")
_REVISION = re.compile(r"-00\d$")


def references(provider: str, model: str, known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Provider and model as a table may know them, the most literal first. `known` are names of providers.

    Nothing for a name that is missing, or too long for one.
    """
    if not model or max(len(model), len(provider)) > LONGEST_NAME:
        return
    own = PROVIDERS.get(provider, provider)
    short = _RESOURCE.sub("", model, count=1)
    yield own, short
    prefix, _, rest = short.partition("/")
    if rest and prefix in known and (own in _GATEWAYS or prefix in {own, provider}):
        own, short = prefix, rest
        yield own, short
    if _REVISION.search(short):
        yield own, _REVISION.sub("", short)
