"""What Presidio finds of people and places with a spaCy model, what it takes for one, and what it costs (R32).

    make test-presidio && .venv-presidio/bin/pip install Faker MODEL && .venv-presidio/bin/python bench/names.py MODEL

Sentences are presidio-evaluator's templates (MIT) filled by faker from a fixed seed. A name counts as found if none of
its words is left. Time is the engine's CPU.
"""

import argparse
import json
import re
import resource
from collections import Counter
from collections.abc import Callable

from faker import Faker

from redaction import OTHERS, WRAPS, templates
from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.redact_config import PresidioConfig
from spanwand.tables import GENERATIONS, layout
from spanwand_sidecar.names.engine import Engine, open_engine
from spanwand_sidecar.names.rows import CleanRows

PERSON = "person name first_name last_name name_female name_male first_name_male first_name_female last_name_female"
KINDS = dict.fromkeys(PERSON.split(), "person") | {"city": "location", "country": "location", "address": "address"}
"""An address is a place by parts of it: what is left of it counts, and Presidio has no word for the whole."""
MARK = re.compile(r"\[(person|location)\]")
COLUMNS = layout((), 0)


def filled(template: str, faker: Faker) -> tuple[str, list[tuple[str, str]]]:
    """A sentence, and who and what was planted in it by kind."""
    planted: list[tuple[str, str]] = []

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        value = str(getattr(faker, OTHERS.get(name, name), faker.word)())
        if name in KINDS:
            planted.append((KINDS[name], value))
        return value

    return re.sub(r"\{\{(\w+)\}\}", fill, template), planted


def cleaned(rows: CleanRows, texts: list[str]) -> list[str]:
    """What is left of texts that are cells of rows."""
    place = [column.name for column in COLUMNS[GENERATIONS]].index("input")
    empty: list[object] = [None] * len(COLUMNS[GENERATIONS])
    made = tuple((*empty[:place], text, *empty[place + 1 :]) for text in texts)
    update = RunUpdate(run=RunKey(group="", job_type="", name=""), config={}, points={}, rows={GENERATIONS: made})
    clean = rows(Batch(seq=0, low=0, start_ns=0, end_ns=0, updates=(update,)))
    return [str(row[place]) for row in clean.updates[0].rows[GENERATIONS]]


def is_gone(value: str, text: str) -> bool:
    """Whether no word of a name is left."""
    return not any(re.search(rf"\b{re.escape(word)}\b", text) for word in re.findall(r"\w{3,}", value))


def measure(wrap: str, wrapped: Callable[[str], str], rows: CleanRows, sentences: int) -> None:
    """One wrapping: recall and precision by kind."""
    faker = Faker(["en_US", "en_GB"])
    Faker.seed(7)
    lines = templates()
    made = [filled(lines[number % len(lines)], faker) for number in range(sentences)]
    planted = Counter(kind for _, values in made for kind, _ in values)
    found: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for (_, values), clean in zip(made, cleaned(rows, [wrapped(text) for text, _ in made]), strict=True):
        found.update(kind for kind, value in values if is_gone(value, clean))
        wrong.update(Counter(MARK.findall(clean)) - Counter("location" if k == "address" else k for k, _ in values))
    for kind in ("person", "location", "address"):
        right = found[kind] + (found["address"] if kind == "location" else 0)
        precision = "" if kind == "address" else f"{right / max(right + wrong[kind], 1):.3f}"
        print(f"  {wrap:<14}{kind:<10}{planted[kind]:>8}{found[kind] / max(planted[kind], 1):>9.3f}{precision:>11}")


def children_s() -> float:
    """CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cost(open_one: Callable[[], Engine], texts: list[str]) -> float:
    """CPU seconds of an engine's life in which it is asked for texts, one by one."""
    before_s, engine = children_s(), open_one()
    for text in texts:
        engine([text], 600)
    engine.close()
    return children_s() - before_s


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model")
    parser.add_argument("--sentences", type=int, default=1_000, help="in each wrapping")
    options = parser.parse_args()
    config = PresidioConfig(model=options.model, timeout_s=600, budget_s=36_000)
    engine = open_engine(config)
    print(f"  {'':<14}{'':<10}{'planted':>8}{'recall':>9}{'precision':>11}")
    for wrap in ("plain", "JSON", "JSON in JSON", "Markdown", "code"):
        measure(wrap, WRAPS[wrap], CleanRows(engine, COLUMNS, config), options.sentences)
    engine.close()
    faker = Faker("en_US")
    Faker.seed(8)
    start_s = cost(lambda: open_engine(config), [])
    for characters in (100, 1_000, 10_000):
        texts = [faker.text(characters) for _ in range(20)]
        took_s = (cost(lambda: open_engine(config), texts) - start_s) / sum(map(len, texts))
        print(f"  texts of {characters:>6,} characters: {took_s * 1e6:.0f} ms of CPU for 1,000 characters")
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(f"  to load the model: {start_s:.1f} s of CPU; memory at most {peak_mib} MiB")
    print(json.dumps({"model": options.model, "sentences": options.sentences}))


if __name__ == "__main__":
    main()
