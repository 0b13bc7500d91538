"""What a regular expression cannot tell: check digits and plausibility.

Each takes the text a pattern found and returns how many of its characters are the secret: 0 for none.
"""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from math import log2
from string import ascii_uppercase, hexdigits

Check = Callable[[str], int]

_IBANS = (
    "NO15 BE16 DK18 FI18 NL18 SI19 AT20 EE20 LT20 LU20 CH21 HR21 LI21 LV21 BG22 DE22 "
    "GB22 IE22 RS22 GI23 AE23 IL23 AD24 CZ24 ES24 MD24 RO24 SA24 SE24 SK24 PT25 IS26 "
    "TR26 FR27 GR27 IT27 MC27 SM27 AL28 AZ28 CY28 DO28 GT28 HU28 LB28 PL28 BR29 QA29 "
    "UA29 MT31 XK20 ME22 MK19 KZ20 PK24 TN24 VG24 BA20 GE22 GL18 FO18 CR22 JO30 KW30 "
    "BH22 LC32 MU30 SC31 ST25 TL23 BY28 VA22 IQ23 SV28 EG29 LY25 MR27 SD18"
)
"""Country and length, from the IBAN registry."""
_ISSUERS: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...] = (
    (("34", "37"), (15,)),  # American Express
    (("2131", "1800"), (15,)),  # JCB, before 2000
    (("300", "301", "302", "303", "304", "305", "309", "36", "38", "39"), (14, 16)),  # Diners Club
    (("4",), (16, 13, 19)),  # Visa
    (("51", "52", "53", "54", "55", *map(str, range(2221, 2721))), (16,)),  # Mastercard
    (("35", "6011", "644", "645", "646", "647", "648", "649", "65", "62", "81"), (16, 19)),  # JCB, Discover, UnionPay
    (
        ("56", "57", "58", "0604", "5018", "5020", "5038", "6304", "6390", "6759", "6761", "6762", "6763"),
        (16, 12, 13, 14, 15, 17, 18, 19),
    ),  # Maestro
)
"""Issuers' prefixes, and how many digits their numbers have: the usual length first."""
_CARDS = {prefix: lengths for prefixes, lengths in _ISSUERS for prefix in prefixes}
_PREFIX_DIGITS = (1, 2, 3, 4)
_PLACEHOLDER = ("<", "${", "$(", "{{", "%(", "[", "your", "xxx", "***", "os.environ", "process.env")
LONGEST = 256
"""Characters of what is checked."""
_BITS = (0.0, *(count * log2(count) for count in range(1, LONGEST + 1)))
_LEAST_ENTROPY_BITS = 2.2
"""Per character; of `secret: xxxxxxxx1` it is 0.5, of random hexadecimal digits 3 to 4."""
_SHORTEST_SECRET, _SHORTEST_LETTERS = 6, 10
_SPACE = re.compile(r"[\t\n\f\r ]+")
"""As RE2 has it, and not Latin-1: its other spaces are parts of letters here."""
_STRONG = frozenset("!@#%^*+=?~|/{}$")
"""Punctuation that names and prose do not have in the middle of a word."""
_DOUBLED = str.maketrans("0123456789", "0246813579")
"""Each digit doubled, and the digits of that added."""
_ZEROS = tuple(ord("0") * count % 10 for count in range(20))
"""The last digit of the sum of so many zeros, as ASCII has them."""
_OCTETS = frozenset(map(str, range(256)))
_IPV6_GROUPS, _LEAST_IPV6_GROUPS, _IPV6_DIGITS = 8, 3, range(1, 5)
_HEX = frozenset(hexdigits)
_DATE_DIGITS = 8
_NOT_OF_NUMBERS = str.maketrans("e#", "xx", " +-./()t")
_IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBANS.split()}
_BASE_36 = {ord(letter): str(int(letter, 36)) for letter in ascii_uppercase}


def always(found: str) -> int:
    """Everything the pattern found."""
    return len(found)


def card(found: str) -> int:
    """A payment card number of a known issuer, its check digit right. Further digits may follow it."""
    digits = found.replace(" ", "").replace("-", "")
    prefix = next((prefix for count in _PREFIX_DIGITS if (prefix := digits[:count]) in _CARDS), "")
    for length in _CARDS[prefix] if prefix else ():
        if len(digits) >= length and _luhn(digits[:length]):
            end = _holding(found, length, str.isdigit)
            if not found[end : end + 1].isdigit():
                return end
    return 0


def _luhn(digits: str) -> bool:
    """Whether the sum of the digits, every second one doubled, ends in 0."""
    return sum((digits[-1::-2] + digits[-2::-2].translate(_DOUBLED)).encode()) % 10 == _ZEROS[len(digits)]


def iban(found: str) -> int:
    """An IBAN: as long as its country's are, and 1 modulo 97 as ISO 7064 has it. Words may follow it."""
    letters = found.upper().replace(" ", "")
    number = letters[: _IBAN_LENGTHS.get(letters[:2], 0)]
    if not number or not number.isascii() or int((number[4:] + number[:4]).translate(_BASE_36)) % 97 != 1:
        return 0
    return _holding(found, len(number), str.isalnum)


def _holding(found: str, count: int, counts: Callable[[str], bool]) -> int:
    """How long a prefix of `found` holds `count` characters that count; 0 if it does not hold as many."""
    if all(map(counts, found[:count])) and len(found) >= count:
        return count
    for index, character in enumerate(found):
        count -= counts(character)
        if count == 0:
            return index + 1
    return 0


def ipv4(found: str) -> int:
    """An address that says something about somebody: not a loopback or unspecified one."""
    octets = found.split(".")
    if len(octets) != 4 or not _OCTETS.issuperset(octets):
        return 0
    return 0 if octets[0] == "127" or set(octets) == {"0"} else len(found)


def ipv6(found: str) -> int:
    """Likewise. Three groups at least, one with a digit: `a::b` is more often source code."""
    head, gap, tail = found.partition("::")
    groups = [*(head.split(":") if head else ()), *(tail.split(":") if tail else ())]
    is_address = len(groups) < _IPV6_GROUPS if gap else len(groups) == _IPV6_GROUPS
    if not is_address or len(groups) < _LEAST_IPV6_GROUPS or not _has_digit(found):
        return 0
    return len(found) if all([len(group) in _IPV6_DIGITS and _HEX.issuperset(group) for group in groups]) else 0


def phone(found: str) -> int:
    """A number of 8 to 15 digits, as E.164 allows, not all the same, with an extension or without; no date."""
    digits = found.translate(_NOT_OF_NUMBERS).partition("x")[0]
    if digits[:2] in ("19", "20") and len(digits) == _DATE_DIGITS and "01" <= digits[4:6] <= "12":
        return 0
    return len(found) if 8 <= len(digits) <= 15 and len(set(digits)) > 2 else 0


def mixed(found: str) -> int:
    """Letters and digits: a token, not a word."""
    return len(found) if _has_digit(found) and any(map(str.isalpha, found)) else 0


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def unguessable(found: str) -> int:
    """A secret by its looks, where its name says that it may be one: no word, no number, no placeholder, no call."""
    is_mixed = bool(mixed(found)) or (not _STRONG.isdisjoint(found) and any(map(str.isalpha, found)))
    if not is_mixed and not _changes_case(found):
        return 0
    lowered = found.lower()
    is_no_secret = lowered.startswith(_PLACEHOLDER) or lowered.endswith(("()", "("))
    return 0 if is_no_secret or _entropy_bits(found) < _LEAST_ENTROPY_BITS else len(found)


def either_word(found: str) -> int:
    """A secret likewise. Of two words the first may be a secret as well as what leads to one: `Bearer`, `currently`."""
    first, *second = _SPACE.split(found, 1)
    if second and unguessable(second[0]):
        return len(found)
    return unguessable(first) if len(first) >= _SHORTEST_SECRET else 0


def _changes_case(text: str) -> bool:
    """Whether its case changes more often than in names made of words."""
    if len(text) < _SHORTEST_LETTERS or not text.isalpha():
        return False
    changes = sum([one != other for one, other in pairwise(map(str.islower, text))])
    return 3 * changes >= len(text)


def _entropy_bits(text: str) -> float:
    """Shannon entropy per character."""
    counts = map(text.count, set(text))
    return log2(len(text)) - sum([_BITS[count] for count in counts]) / len(text)


STEPS: Mapping[Check, int] = {always: 0, card: 2, iban: 3, mixed: 2, ipv6: 3, unguessable: 4, either_word: 8}
"""How much work a check is (`work.py`); any other is 1."""
