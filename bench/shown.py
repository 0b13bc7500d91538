"""The tables that bench/overhead.py prints, and its verdicts."""

from collections.abc import Iterator, Mapping, Sequence

from paired import STATISTICS, Generations, host_s, mean, more, percent_more
from signed_rank import Interval
from ways import AGAIN, BASELINE, OURS

BUDGET_PERCENT = 1.0
BUDGETED = ("p50", "p95", "time/panel", "own p50", "own p95")
CALLS = 2
"""Of models, for a panel."""

Turns = Mapping[str, Generations]


def show(turns: Turns) -> None:
    """The tables, and the verdict on ours."""
    rounds = [len(generation) for generation in turns[BASELINE]]
    print(f"{sum(rounds)} rounds of {len(rounds)} generations of processes; every call is in our two ways' runs\n")
    show_means(turns)
    show_differences(turns)
    for name in [way for way in OURS if way in turns]:
        print(f"{name}, at most {BUDGET_PERCENT:g} % more: {', '.join(verdicts(turns, name))}")


def show_means(turns: Turns) -> None:
    """What each way took."""
    print("| way | p50 s | p95 s | panels/s | CPU ms per panel | beside the model's | of helpers |")
    print("|---|---|---|---|---|---|---|")
    for name, its in turns.items():
        p50_s, p95_s, panel_s, cpu_s = (mean(its, STATISTICS[key]) for key in ("p50", "p95", "time/panel", "CPU/panel"))
        helpers_s = mean(its, lambda turn: turn.helpers_cpu_s / len(turn.wall_s))
        cpu = " | ".join(f"{1_000 * value:.2f}" for value in (cpu_s, mean(its, host_s), helpers_s))
        print(f"| {name} | {p50_s:.3f} | {p95_s:.3f} | {1 / panel_s:.2f} | {cpu} |")


def show_differences(turns: Turns) -> None:
    """By how much it was more than without telemetry."""
    print(f"\n| % more than {BASELINE} | {' | '.join(STATISTICS)} | µs of CPU per call |")
    print("|---" * (len(STATISTICS) + 2) + "|")
    for name, its in turns.items():
        if name != BASELINE:
            ratios = [percent_more(without(turns, name), its, statistic) for statistic in STATISTICS.values()]
            each = more(without(turns, name), its, lambda turn: 1e6 * host_s(turn) / CALLS)
            cells = " | ".join(shown(ratio, "+.2f") for ratio in ratios)
            print(f"| {name} | {cells} | {shown(each, '.0f')} |")
    print()


def shown(interval: Interval, form: str) -> str:
    """An estimate and its interval."""
    estimate, low, high = (format(value, form) for value in interval)
    return f"{estimate} [{low} {high}]"


def without(turns: Turns, name: str) -> Sequence[Generations]:
    """The processes that a way is compared with: all without telemetry but itself."""
    return [turns[way] for way in (BASELINE, AGAIN) if way != name]


def verdicts(turns: Turns, name: str) -> Iterator[str]:
    """Of each statistic that has a budget, if the control says that as much can be told apart."""
    for key in BUDGETED:
        control, its = (percent_more(without(turns, way), turns[way], STATISTICS[key]) for way in (AGAIN, name))
        told = max(abs(control.low), abs(control.high)) <= BUDGET_PERCENT
        yield f"{key} {its.verdict(BUDGET_PERCENT) if told else 'not resolved'}"
