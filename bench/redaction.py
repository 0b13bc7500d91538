"""What redaction finds and what it costs: recall, precision, false positives, time (R32, R33, R35, R36).

    make bench-redaction        (needs the extra `bench`, and fetches presidio-evaluator's wheel for its templates)

Sentences are presidio-evaluator's templates (MIT) filled by faker. Secrets are made after the formats that
detect-secrets' plugins look for, each plugin asked whether it agrees. Everything is made from a fixed seed.
"""

import argparse
import base64
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from faker import Faker

from automata import by_kind
from prose import prose
from secret_formats import agreed, secrets
from spanwand.pending_rows import MAX_CHARS
from spanwand.redactors.documents import scrub_document
from spanwand.redactors.patterns import PATTERNS
from spanwand.redactors.scrub import Scrubber

PACKAGE = "presidio-evaluator==0.3.2"
TEMPLATES = "presidio_evaluator/data_generator/raw_data/templates.txt"
KINDS = {
    "credit_card_number": "card",
    "phone_number": "phone",
    "email": "email",
    "iban": "iban",
    "ip_address": "ip",
    "ssn": "ssn",
}
"""Promised. Names, addresses and the like need a model of a language, and are not."""
OTHERS = {
    "person": "name",
    "organization": "company",
    "ip_address": "ipv4",
    "zipcode": "postcode",
    "age": "random_digit",
    "date_of_birth": "date",
}
AMERICAN = re.compile(r"\d{3}-\d{2}-\d{4}")
"""Only such social security numbers are promised: faker makes British and German ones too."""
MARKER = re.compile(r"\[([a-z_]+)\]")
WRAPS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "JSON": lambda text: json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}]),
    "JSON in JSON": lambda text: json.dumps({"arguments": json.dumps({"q": text})}),
    "Markdown": lambda text: f"# Note\n\n> **Customer:** {text}\n\n```\nok\n```",
    "code": lambda text: f"def handle():\n    reply({text!r})  # as said",
    "URL": lambda text: "https://example.com/?q=" + "".join(f"%{byte:02X}" for byte in text.encode()),
    "base64": lambda text: "payload " + base64.b64encode(text.encode()).decode(),
}
FILLS: tuple[Callable[[str, int], str], ...] = (
    lambda piece, count: piece * count,
    lambda piece, count: json.dumps([piece * count]),
    lambda piece, count: json.dumps([piece] * count),
    lambda piece, count: json.dumps([{piece: 1}] * count),
    lambda piece, count: json.dumps({"a": json.dumps([piece] * count)}),
)
"""Texts made of one piece so many times."""
SCRUBBER = Scrubber()


def templates() -> list[str]:
    """presidio-evaluator's sentences, from its wheel."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            return wheel.read(TEMPLATES).decode("utf-8", "replace").replace("\\n", "\n").splitlines()


def filled(template: str, faker: Faker) -> tuple[str, list[tuple[str, str]]]:
    """A sentence, and what was planted in it by kind."""
    planted: list[tuple[str, str]] = []

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        maker = getattr(faker, OTHERS.get(name, name), faker.word)
        value = str(maker())
        if name in KINDS and (name != "ssn" or AMERICAN.fullmatch(value)):
            planted.append((KINDS[name], value))
        return value

    return re.sub(r"\{\{(\w+)\}\}", fill, template), planted


def report(title: str, found: int, planted: int, wrong: int) -> None:
    """One line of a table."""
    precision = f"{found / max(found + wrong, 1):.3f}"
    print(f"  {title:<22}{planted:>8}{found / max(planted, 1):>9.3f}{precision:>11}")


def people(sentences: int) -> None:
    """R32."""
    faker = Faker(["en_US", "en_GB", "de_DE"])
    Faker.seed(7)
    lines = templates()
    for wrap, wrapped in WRAPS.items():
        planted: Counter[str] = Counter()
        found: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        for number in range(sentences):
            text, values = filled(lines[number % len(lines)], faker)
            clean = scrub_document(wrapped(text), SCRUBBER)
            planted.update(kind for kind, _ in values)
            found.update(kind for kind, value in values if value not in clean and wrapped(value) not in clean)
            marked = Counter(MARKER.findall(clean)) - Counter(kind for kind, _ in values)
            wrong.update(marked)
        print(f"\n{wrap}: {sentences:,} sentences\n  {'kind':<22}{'planted':>8}{'recall':>9}{'precision':>11}")
        for kind in KINDS.values():
            report(kind, found[kind], planted[kind], wrong.pop(kind, 0))
        if wrong:
            print(f"  also taken out: {dict(wrong)}")


def keys(rounds: int) -> None:
    """R33: by plugin, in every wrapping."""
    rng = random.Random(7)
    print(f"\nsecrets, {rounds} of each in {len(WRAPS)} wrappings\n  {'plugin':<30}{'recall':>8}  missed in")
    total = left = 0
    for plugin, make in secrets().items():
        made = [make(rng) for _ in range(rounds)]
        missed = [
            wrap
            for text, secret in made
            for wrap, wrapped in WRAPS.items()
            if secret in scrub_document(wrapped(f"so I set {text} there"), SCRUBBER)
            or wrapped(f"so I set {text} there") == scrub_document(wrapped(f"so I set {text} there"), SCRUBBER)
        ]
        total, left = total + rounds * len(WRAPS), left + len(missed)
        note = "" if agreed(made[0][0]) is not False else "  (the plugin does not agree)"
        print(f"  {plugin:<30}{1 - len(missed) / rounds / len(WRAPS):>8.3f}  {', '.join(sorted(set(missed)))}{note}")
    print(f"  {'all':<30}{1 - left / total:>8.3f}")


def benign(tokens: int) -> None:
    """R33: what is no secret."""
    rng = random.Random(11)
    makers: dict[str, Callable[[], str]] = {
        "trace id": lambda: f"{rng.getrandbits(128):032x}",
        "span id": lambda: f"{rng.getrandbits(64):016x}",
        "UUID": lambda: str(uuid.UUID(int=rng.getrandbits(128))),
        "SHA-256": lambda: f"{rng.getrandbits(256):064x}",
        "git commit": lambda: f"{rng.getrandbits(160):040x}",
        "nanoseconds": lambda: str(1_790_000_000_000_000_000 + rng.getrandbits(50)),
        "number": lambda: str(rng.getrandbits(40)),
        "base64 of bytes": lambda: base64.b64encode(rng.randbytes(30)).decode(),
        "words": lambda: prose(rng, 12),
    }
    print(f"\nbenign tokens, {tokens:,} in all\n  {'kind':<22}{'taken out':>10}{'share':>10}")
    for kind, make in makers.items():
        count = tokens // len(makers)
        before = sum(SCRUBBER.counts.values())
        for _ in range(count // 20):
            scrub_document(" ; ".join(f"id {make()}" if kind != "words" else "a fox" for _ in range(20)), SCRUBBER)
        taken = sum(SCRUBBER.counts.values()) - before
        print(f"  {kind:<22}{taken:>10}{taken / count:>10.5f}")


def hostile(size: int) -> Iterator[tuple[str, float]]:
    """R36: seconds of CPU, the best of some, for texts of so many characters made of what is, or nearly is, found."""
    marks = ("4111 ", "1", "a@", "+1 ", "://a", "1.1.1.", "%41", "%41 ", "&#65; ", "\\n", "token=", "cookie:", "key_")
    examples = [text for pattern in PATTERNS for text in (*pattern.found, *pattern.left)]
    for piece in (*marks, "a1@b.io ", "aGVsbG8gd29ybGQg", *examples, *(f"{text} " for text in examples)):
        for fill in FILLS:
            text = fill(piece, size * 100 // len(fill(piece, 100)))
            took = []
            for _ in range(3 + 16_384 // size):
                start = time.process_time()
                with suppress(ValueError):  # refused: the record's text is dropped
                    scrub_document(text, SCRUBBER)
                took.append(time.process_time() - start)
            yield f"{text[:24]} ...", min(took)


def cost() -> None:
    """R35, R36, and what automata take (design 8)."""
    rng = random.Random(3)
    took = []
    for _ in range(2_000):
        text = WRAPS["JSON"](prose(rng, 10_000))
        start = time.process_time()
        scrub_document(text, SCRUBBER)
        took.append(time.process_time() - start)
    took.sort()
    print(f"\n10 KB prompts: p50 {took[1_000] * 1e3:.2f} ms, p99 {took[1_980] * 1e3:.2f} ms of CPU")
    for title, size in (("megabytes", 1_000_000), ("texts of 8 KB", 8_192)):
        texts = list(hostile(size))
        piece, slowest = max(texts, key=lambda entry: entry[1])
        mean, count = sum(took for _, took in texts) / len(texts), MAX_CHARS / size
        print(f"{len(texts)} hostile {title}: the slowest, of {piece!r}, took {slowest * 1e3:.1f} ms")
        seconds = f"of that one {slowest * count:.1f} s, of all kinds {mean * count:.1f} s"
        print(f"  the {MAX_CHARS >> 20} Mi characters that wait for a minute's rows: {seconds}")
    by_kind()


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sentences", type=int, default=3_000, help="in each wrapping")
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--cost", action="store_true", help="only what it costs")
    options = parser.parse_args()
    if options.cost:
        cost()
        return
    people(options.sentences)
    keys(20)
    benign(options.tokens)
    cost()


if __name__ == "__main__":
    main()
