"""R20, P2, design 8: which keys came lately, exactly, in little memory."""

import random
from collections import deque

from spanwand.recent_keys import KEY_BYTES, RecentKeys


def key(number: int) -> bytes:
    return number.to_bytes(KEY_BYTES, "big")


def test_keys_are_known_until_they_are_forgotten() -> None:
    recent = RecentKeys()
    assert recent.add([key(1), key(2), key(1)], 0) == [False, False, True]
    assert len(recent) == 2
    recent.forget(1)
    assert recent.add([key(1), key(2)], len(recent)) == [False, True]
    recent.take_back(1)
    assert recent.add([key(1), key(2)], len(recent)) == [False, True]


def test_a_key_that_came_before_the_latest_is_put_behind_them() -> None:
    recent = RecentKeys()
    recent.add([key(1), key(2)], 0)
    assert recent.add([key(2), key(2)], 0) == [True, True]
    assert len(recent) == 3
    assert recent.known_by(2) == 1
    recent.forget(2)
    assert recent.add([key(1), key(2)], len(recent)) == [False, True]


def test_it_says_what_a_list_says() -> None:
    """Whatever is added, forgotten and taken back, over several sizes of the table."""
    rng, recent, told = random.Random(5), RecentKeys(), deque[bytes]()
    for _ in range(150):
        latest = rng.randrange(len(told) + 1)
        keys = [key(rng.randrange(2_000)) for _ in range(rng.randrange(60))]
        late, expected = set(list(told)[len(told) - latest :]), []
        for each in keys:
            expected.append(each in told)
            if each not in late:
                late.add(each)
                told.append(each)
        assert recent.add(keys, latest) == expected
        oldest = rng.choice((0, 0, rng.randrange(len(told) + 1), len(told)) if len(told) > 1_200 else (0,))
        kept = set(list(told)[oldest:])
        assert recent.known_by(oldest) == len({each for each in list(told)[:oldest] if each not in kept})
        recent.forget(oldest)
        for _ in range(oldest):
            told.popleft()
        newest = rng.choice((0, rng.randrange(min(len(told), 9) + 1)))
        recent.take_back(newest)
        for _ in range(newest):
            told.pop()
        assert len(recent) == len(told)


def test_what_two_keys_hold_between_them_is_no_key() -> None:
    recent = RecentKeys()
    stored = random.Random(1).randbytes(2 * KEY_BYTES)
    recent.add([stored[:KEY_BYTES], stored[KEY_BYTES:]], 0)
    assert not any(recent.add([stored[at : at + KEY_BYTES] for at in range(1, KEY_BYTES)], 0))


def test_numbers_begin_anew_before_they_are_too_large() -> None:
    recent = RecentKeys()
    recent.add([key(number) for number in range(10)], 0)
    recent._first = (1 << 31) - 2
    recent.forget(5)
    assert recent.add([key(number) for number in range(10)], 0) == [False] * 5 + [True] * 5
    assert recent._first == 1
