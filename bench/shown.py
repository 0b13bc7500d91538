"""The tables that bench/overhead.py prints, and its verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from paired import LATENCIES, SLOWDOWNS, Generations, Statistic, host_s, mean, model_s, more, percent_more, thread_s
from signed_rank import Interval
from watched_models import PANELS
from ways import AGAIN, BASELINE, OURS

BUDGET_PERCENT = 1.0
BUDGETED = ("p50", "p95", "time/comic")
MEASURES = {"latency": LATENCIES, "slowdown": SLOWDOWNS}
CALLS = 2 * PANELS
"""Of models, for a comic."""

Turns = Mapping[str, Generations]


def show(turns: Turns) -> None:
    """The tables, and the verdict on ours."""
    rounds = [len(generation) for generation in turns[BASELINE]]
    print(f"{sum(rounds)} rounds of {len(rounds)} generations of processes; every call is in our two ways' runs\n")
    show_means(turns)
    for what, statistics in MEASURES.items():
        show_differences(turns, what, statistics)
    show_parts(turns)
    show_threads(turns)
    for name in [way for way in OURS if way in turns]:
        for what, statistics in MEASURES.items():
            print(f"{name}, {what}, at most {BUDGET_PERCENT:g} % more: {', '.join(verdicts(turns, name, statistics))}")


def show_means(turns: Turns) -> None:
    """What each way took."""
    print("| way | p50 s | p95 s | comics/s | CPU ms per comic | beside the model's | of helpers |")
    print("|---|---|---|---|---|---|---|")
    for name, its in turns.items():
        p50_s, p95_s, comic_s, cpu_s = (mean(its, statistic) for statistic in LATENCIES.values())
        helpers_s = mean(its, lambda turn: turn.helpers_cpu_s / len(turn.wall_s))
        cpu = " | ".join(f"{1_000 * value:.2f}" for value in (cpu_s, mean(its, host_s), helpers_s))
        print(f"| {name} | {p50_s:.3f} | {p95_s:.3f} | {1 / comic_s:.2f} | {cpu} |")


def show_differences(turns: Turns, what: str, statistics: Mapping[str, Statistic]) -> None:
    """By how many percent it was more than without telemetry."""
    print(f"\n| {what}, % more than {BASELINE} | {' | '.join(statistics)} |")
    print("|---" * (len(statistics) + 1) + "|")
    for name, its in compared(turns):
        ratios = [percent_more(without(turns, name), its, statistic) for statistic in statistics.values()]
        print(f"| {name} | {' | '.join(shown(ratio, '+.2f') for ratio in ratios)} |")


def show_parts(turns: Turns) -> None:
    """What became more: the model should not, for that is what slowdowns take as given."""
    print(f"\n| more than {BASELINE} | CPU of the model, % | CPU of all else, µs per call |\n|---|---|---|")
    for name, its in compared(turns):
        model = percent_more(without(turns, name), its, model_s)
        each = more(without(turns, name), its, lambda turn: 1e6 * host_s(turn) / CALLS)
        print(f"| {name} | {shown(model, '+.2f')} | {shown(each, '.0f')} |")
    print()


def show_threads(turns: Turns) -> None:
    """Which threads took it: the model's own time is not theirs who make comics."""
    threads = sorted(
        {thread for its in turns.values() for rounds in its for turn in rounds for thread in turn.threads_s}
    )
    print(f"| CPU ms per comic, beside the model's | {' | '.join(threads)} |")
    print("|---" * (len(threads) + 1) + "|")
    for name, its in turns.items():
        took = (mean(its, partial(thread_s, thread)) for thread in threads)
        print(f"| {name} | {' | '.join(f'{1_000 * seconds:.2f}' for seconds in took)} |")
    print()


def compared(turns: Turns) -> Sequence[tuple[str, Generations]]:
    """All but what they are compared with."""
    return [(name, its) for name, its in turns.items() if name != BASELINE]


def shown(interval: Interval, form: str) -> str:
    """An estimate and its interval."""
    estimate, low, high = (format(value, form) for value in interval)
    return f"{estimate} [{low} {high}]"


def without(turns: Turns, name: str) -> Sequence[Generations]:
    """The processes that a way is compared with: all without telemetry but itself."""
    return [turns[way] for way in (BASELINE, AGAIN) if way != name]


def verdicts(turns: Turns, name: str, statistics: Mapping[str, Statistic]) -> Iterator[str]:
    """Of each statistic that has a budget, if the control says that as much can be told apart."""
    for key in BUDGETED:
        control, its = (percent_more(without(turns, way), turns[way], statistics[key]) for way in (AGAIN, name))
        told = max(abs(control.low), abs(control.high)) <= BUDGET_PERCENT
        yield f"{key} {its.verdict(BUDGET_PERCENT) if told else 'not resolved'}"
