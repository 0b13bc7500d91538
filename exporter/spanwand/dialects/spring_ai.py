"""Spring AI: the conventions, and keys of its own for images."""

from spanwand.dialects.parsers import positive_count, size, text
from spanwand.dialects.table import Dialect, Source, keys

SPRING_AI = Dialect(
    name="spring_ai",
    signs=frozenset({"spring.ai.kind", "gen_ai.request.image.response_format"}),
    scopes=("org.springframework.ai", "org.springframework.boot"),
    fields={
        "image.quality": keys(text, "gen_ai.request.image.quality"),
        "hint.size": (Source("gen_ai.request.image.size", size, "such as `1024x1024`"),),
        "hint.images_asked": (Source("number_of_images", positive_count, "JetBrains Tracy"),),
    },
)
