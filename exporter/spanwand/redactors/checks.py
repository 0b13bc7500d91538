"""What a regular expression cannot tell: check digits and plausibility.

Each takes the text a pattern found and returns how many of its characters are the secret: 0 for none.
"""

from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address

Check = Callable[[str], int]

_IBANS = (
    "NO15 BE16 DK18 FI18 NL18 SI19 AT20 EE20 LT20 LU20 CH21 HR21 LI21 LV21 BG22 DE22 "
    "GB22 IE22 RS22 GI23 AE23 IL23 AD24 CZ24 ES24 MD24 RO24 SA24 SE24 SK24 PT25 IS26 "
    "TR26 FR27 GR27 IT27 MC27 SM27 AL28 AZ28 CY28 DO28 GT28 HU28 LB28 PL28 BR29 QA29 "
    "UA29 MT31 XK20 ME22 MK19 KZ20 PK24 TN24 VG24 BA20 GE22 GL18 FO18 CR22 JO30 KW30 "
    "BH22 LC32 MU30 SC31 ST25 TL23 BY28 VA22 IQ23 SV28 EG29 LY25 MR27 SD18"
)
"""Country and length, from the IBAN registry."""
_IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBANS.split()}


def always(found: str) -> int:
    """Everything the pattern found."""
    return len(found)


def luhn(found: str) -> int:
    """A payment card number: the sum of its digits, every second one doubled, ends in 0."""
    digits = [int(character) for character in found if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(found) if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else 0


def iban(found: str) -> int:
    """An IBAN: as long as its country's are, and 1 modulo 97 as ISO 7064 has it. Words may follow it."""
    letters = found.upper().replace(" ", "")
    number = letters[: _IBAN_LENGTHS.get(letters[:2], 0)]
    rearranged = number[4:] + number[:4]
    if (
        not number
        or not number.isascii()
        or int("".join(str(int(character, 36)) for character in rearranged)) % 97 != 1
    ):
        return 0
    return _with_spaces(found, len(number))


def _with_spaces(found: str, count: int) -> int:
    """How long a prefix of `found` holds `count` characters that are not spaces."""
    for index, character in enumerate(found):
        count -= character != " "
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
    """A number of 8 to 15 digits, as E.164 allows, not all the same."""
    digits = [character for character in found if character.isdigit()]
    return len(found) if 8 <= len(digits) <= 15 and len(set(digits)) > 2 else 0


def mixed(found: str) -> int:
    """Letters and digits: a token, not a word."""
    has_digit = any(character.isdigit() for character in found)
    return len(found) if has_digit and any(character.isalpha() for character in found) else 0
