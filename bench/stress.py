"""What a flood of long prompts costs the line: every text cleaned, and no more than a window's share (docs/adr/0036).

    python bench/stress.py

Each call has 20 KB of messages, which are cut and so cleaned as they come; 2,048 of them come in a second of journal
time. CPU time of the second window, on one core; a line that takes more than all of it falls behind.
"""

import gc
import json
import os
import random
import sys
import time

from mixed_dialects import Attributes
from otlp_requests import BODY_SPANS, FIRST_ROUND, NOW_NS, SECOND_NS, bodies, llm_attributes
from prose import prose
from spanwand.config import LineConfig, RedactConfig
from spanwand.pipeline import Pipeline
from spanwand_sidecar.process import COLLECT_AFTER

REQUESTS_A_SECOND = 4
WINDOW_S = 10
MESSAGE_CHARS = 10_000


def long_attributes(rng: random.Random) -> Attributes:
    """A chat with a prompt and an answer of 10 KB each."""
    return llm_attributes(rng) | {
        f"gen_ai.{name}.messages": json.dumps(
            [{"role": role, "parts": [{"type": "text", "content": prose(rng, MESSAGE_CHARS)}]}]
        )
        for name, role in (("input", "user"), ("output", "assistant"))
    }


def cores(requests: list[bytes], window_max_chars: int) -> float:
    """Seconds of CPU for a second of journal time."""
    redact = RedactConfig(policy="redacted", window_max_chars=window_max_chars)
    line, arrival_ns, took = Pipeline(LineConfig(redact=redact), b"k" * 32), NOW_NS - NOW_NS % SECOND_NS, 0.0
    for position in range(2 * WINDOW_S * REQUESTS_A_SECOND):
        body = requests[position % len(requests)].replace(FIRST_ROUND, f"r{position:07}".encode())
        start = time.process_time()
        line.traces(position, position + 1, arrival_ns, body)
        took = took + time.process_time() - start if position >= WINDOW_S * REQUESTS_A_SECOND else 0.0
        arrival_ns += SECOND_NS // REQUESTS_A_SECOND
    return took / WINDOW_S


def main() -> None:
    """Print both, and their ratio."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    requests = bodies(long_attributes)
    share = RedactConfig().window_max_chars
    took = [cores(requests, window_max_chars) for window_max_chars in (sys.maxsize, share)]
    print(f"{BODY_SPANS * REQUESTS_A_SECOND:,} calls a second with {2 * MESSAGE_CHARS:,} characters each")
    print(f"every text cleaned                    {took[0]:5.2f} cores")
    print(f"{share:,} characters a window   {took[1]:5.2f} cores, {took[1] / took[0]:.2f} x")


if __name__ == "__main__":
    main()
