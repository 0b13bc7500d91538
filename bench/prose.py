"""Text as people write it, with what has to be redacted now and then."""

import random

PROSE = """The fox looked at the moon, and wrote. A panel shows rain: four figures wait under one umbrella.
Nobody speaks. Draw 3 panels in the style of 1930s newspapers, heavy shadow, 2:3. What does she say? "I knew it!" """
SECRETS = ("write to ann.fox@example.com", "call +1 415 555 0132", "", "")
"""One of them in every other message."""


def prose(rng: random.Random, chars: int) -> str:
    """Text as people write it."""
    words = rng.choices(PROSE.split(), k=chars // 4)
    words.insert(len(words) // 2, rng.choice(SECRETS))
    return " ".join(words)[:chars]
