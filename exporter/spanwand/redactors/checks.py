"""What a regular expression cannot tell: check digits and plausibility.

Each takes the text a pattern found and returns how many of its characters are the secret: 0 for none.
"""

from collections import Counter
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from itertools import pairwise
from math import log2
from string import ascii_uppercase

Check = Callable[[str], int]

_IBANS = (
    "NO15 BE16 DK18 FI18 NL18 SI19 AT20 EE20 LT20 LU20 CH21 HR21 LI21 LV21 BG22 DE22 "
    "GB22 IE22 RS22 GI23 AE23 IL23 AD24 CZ24 ES24 MD24 RO24 SA24 SE24 SK24 PT25 IS26 "
    "TR26 FR27 GR27 IT27 MC27 SM27 AL28 AZ28 CY28 DO28 GT28 HU28 LB28 PL28 BR29 QA29 "
    "UA29 MT31 XK20 ME22 MK19 KZ20 PK24 TN24 VG24 BA20 GE22 GL18 FO18 CR22 JO30 KW30 "
    "BH22 LC32 MU30 SC31 ST25 TL23 BY28 VA22 IQ23 SV28 EG29 LY25 MR27 SD18"
)
"""Country and length, from the IBAN registry."""
_CARDS: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...] = (
    (("34", "37"), (15,)),  # American Express
    (("2131", "1800"), (15,)),  # JCB, before 2000
    (("300", "301", "302", "303", "304", "305", "309", "36", "38", "39"), (14, 16)),  # Diners Club
    (("4",), (16, 13, 19)),  # Visa
    (("51", "52", "53", "54", "55", *map(str, range(2221, 2721))), (16,)),  # Mastercard
    (("35", "6011", "644", "645", "646", "647", "648", "649", "65", "62", "81"), (16, 19)),  # JCB, Discover, UnionPay
    (
        ("0604", "5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763"),
        (16, 12, 13, 14, 15, 17, 18, 19),
    ),  # Maestro
)
"""Issuers' prefixes, and how many digits their numbers have: the usual length first."""
_PLACEHOLDER = ("<", "${", "$(", "{{", "%(", "[", "your", "xxx", "***", "os.environ", "process.env")
_LEAST_ENTROPY_BITS = 2.2
"""Per character; of `secret: xxxxxxxx1` it is 0.5, of random hexadecimal digits 3 to 4."""
_SHORTEST_LETTERS = 10
_STRONG = frozenset("!@#%^*+=?~|/{}$")
"""Punctuation that names and prose do not have in the middle of a word."""
_DOUBLED = str.maketrans("0123456789", "0246813579")
"""Each digit doubled, and the digits of that added."""
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
    for prefix, lengths in _CARDS:
        for length in lengths if digits.startswith(prefix) else ():
            end = _holding(found, length, str.isdigit)
            if end and not found[end : end + 1].isdigit() and _luhn(digits[:length]):
                return end
    return 0


def _luhn(digits: str) -> bool:
    """Whether the sum of the digits, every second one doubled, ends in 0."""
    return sum(map(int, digits[-1::-2] + digits[-2::-2].translate(_DOUBLED))) % 10 == 0


def iban(found: str) -> int:
    """An IBAN: as long as its country's are, and 1 modulo 97 as ISO 7064 has it. Words may follow it."""
    letters = found.upper().replace(" ", "")
    number = letters[: _IBAN_LENGTHS.get(letters[:2], 0)]
    if not number or not number.isascii() or int((number[4:] + number[:4]).translate(_BASE_36)) % 97 != 1:
        return 0
    return _holding(found, len(number), str.isalnum)


def _holding(found: str, count: int, counts: Callable[[str], bool]) -> int:
    """How long a prefix of `found` holds `count` characters that count; 0 if it does not hold as many."""
    for index, character in enumerate(found):
        count -= counts(character)
        if count == 0:
            return index + 1
    return 0


def ipv4(found: str) -> int:
    """An address that says something about somebody: not a loopback or unspecified one."""
    try:
        address = IPv4Address(found)
    except AddressValueError:
        return 0
    return 0 if address.is_loopback or address.is_unspecified else len(found)


def ipv6(found: str) -> int:
    """Likewise. Three groups at least, one with a digit: `a::b` is more often source code."""
    groups = [group for group in found.split("%")[0].split(":") if group]
    try:
        IPv6Address(found)
    except AddressValueError:
        return 0
    return len(found) if len(groups) > 2 and any(character.isdigit() for character in found) else 0


def phone(found: str) -> int:
    """A number of 8 to 15 digits, as E.164 allows, not all the same, with an extension or without; no date."""
    digits = found.translate(_NOT_OF_NUMBERS).partition("x")[0]
    if digits[:2] in ("19", "20") and len(digits) == _DATE_DIGITS and "01" <= digits[4:6] <= "12":
        return 0
    return len(found) if 8 <= len(digits) <= 15 and len(set(digits)) > 2 else 0


def mixed(found: str) -> int:
    """Letters and digits: a token, not a word."""
    has_digit = any(character.isdigit() for character in found)
    return len(found) if has_digit and any(character.isalpha() for character in found) else 0


def unguessable(found: str) -> int:
    """A secret by its looks, where its name says that it may be one: no word, no number, no placeholder, no call."""
    lowered = found.lower()
    if lowered.startswith(_PLACEHOLDER) or lowered.endswith(("()", "(")) or _entropy_bits(found) < _LEAST_ENTROPY_BITS:
        return 0
    is_mixed = bool(mixed(found)) or (not _STRONG.isdisjoint(found) and any(map(str.isalpha, found)))
    return len(found) if is_mixed or _changes_case(found) else 0


def _changes_case(text: str) -> bool:
    """Whether its case changes more often than in names made of words."""
    changes = sum(one.islower() != other.islower() for one, other in pairwise(text))
    return text.isalpha() and len(text) >= _SHORTEST_LETTERS and 3 * changes >= len(text)


def _entropy_bits(text: str) -> float:
    """Shannon entropy per character."""
    return -sum(share * log2(share) for count in Counter(text).values() if (share := count / len(text)))
