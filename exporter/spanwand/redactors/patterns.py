"""What is taken out of text, as data: keys, and what tells of people.

Each has a regular expression for RE2, a check, and examples; those are part of the table, and a test demands them, so
that a pattern cannot rot. Order matters: a more telling pattern stands before a wider one.
"""

from spanwand.redactors.checks import card, iban, ipv4, ipv6, phone
from spanwand.redactors.keys import KEYS
from spanwand.redactors.pattern import Pattern

_EXTENSION = r"(?: ?(?:x|ext\.?|#) ?\d{1,6})?"
_CALLED = (
    r"(?:(?:tele)?(?:phone|mobile|cell|fax|whatsapp|tel|sms|desk|office)|call|dial|reach|registered|answering"
    r"|messages to|contact)"
)
"""What stands before a number that nothing else tells from any other."""

PERSONAL: tuple[Pattern, ...] = (
    Pattern(
        "email",
        r"[\p{L}\p{N}._%+'-]+@(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}",
        ("mail jane.doe+x@example.co.uk now", "jörg@müller.de", "<a@b.io>"),
        ("@someone", "a @ b.c", "user@localhost", "3@4.5"),
    ),
    Pattern(
        "card",
        r"\b(?:[3-6]\d|2[1-7]|18|81|06)(?:[ -]?\d){10,17}\b",
        (
            "paid with 5555-5555-5555-4444.",
            "4111 1111 1111 1111",
            "378282246310005",
            "1234 4111111111111111",
            "30569309025904 12/27",
            "my card 639047439570",
            "cc 5643-7382-1839",
        ),
        ("4111 1111 1111 1112", "order 1234567890123456", "4111111111111111222", "card 639047439571", "590000000003"),
        card,
    ),
    Pattern(
        "iban",
        r"(?i)\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b",
        ("gb82west12345698765432", "IBAN DE89 3704 0044 0532 0130 00 please"),
        ("DE89 3704 0044 0532 0130 01", "AB12 is my favourite seat in the hall"),
        iban,
    ),
    Pattern(
        "ip",
        r"(?:^|[^\w.])((?:\d{1,3}\.){3}\d{1,3})(?:$|[^\w.]|\.(?:$|\W))",
        ("from 203.0.113.7.", "203.0.113.7:8080", "(10.1.2.3)"),
        ("version 1.2.3.4.5", "300.1.1.1", "127.0.0.1", "1.2.3"),
        ipv4,
    ),
    Pattern(
        "ip",
        r"(?i)(?:^|[^\w:.])((?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}"
        r"|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?)(?:$|[^\w:])",
        ("at 2001:db8::8a2e:370:7334 today", "[fe80::1:2:3]"),
        ("12:30:45", "std::vector", "a::b", "::1", "aa:bb:cc:dd:ee:ff"),
        ipv6,
    ),
    Pattern(
        "ssn",
        r"(?:^|[^\w.-])(\d{3}-\d\d-\d{4})(?:$|[^\w-])"
        r"|(?i:\b(?:ssn|social security)\b[^\d\n]{1,24}?)(\d{3}[ -]?\d\d[ -]?\d{4})\b",
        ("my SSN: 082-56-9422", "(123-45-6789)", "social security number is 123 45 6789", "SSN 123456789."),
        ("1-123-45-6789", "123-45-6789-0", "2026-10-1412", "12-34-5678", "part 123-45-67890", "123456789", "SSN 12345"),
    ),
    Pattern(
        "phone",
        rf"(?:^|[^\w+.])(\+[1-9][0-9 ()./-]{{6,18}}[0-9]{_EXTENSION})\b"
        r"|(?:^|[^\w.-])((?:(?:00)?1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}"
        rf"{_EXTENSION})\b"
        r"|(?:^ ?|[^\w.:/+ -]|\D )((?:\(00?[1-9]\d{1,4}\)[ /-]?|00?[1-9]\d{1,4}[ /-])\d{2,8}(?:[ /-]\d{2,8}){0,3}"
        r"|0[1-9]\d{8,10}|00[1-9]\d{8,12})\b"
        rf"|(?i:\b{_CALLED}\b[^\d\n+(]{{1,24}}?)\n?(\+?\(?[0-9][0-9 ()./-]{{6,18}}[0-9]{_EXTENSION})\b"
        rf"|\b([2-9]\d{{2}}[2-9]\d{{6}}{_EXTENSION}|0\d{{3,4}}\)? ?\d{{5,6}}) ?-? ?"
        r"(?i:office|fax|mobile|cell|desk|home|work|phone)\b",
        (
            *("+442079460958.", "call +49 171 1234567", "+1 (415) 555-2671", "+49 171/1234567", "+1-952-371-6017x553"),
            *("(415) 555-2671", "415-555-2671", "1-415.555.2671", "(735)697-6207x646", "001-448-368-2460 ext. 22"),
            *("0171 1234567", "(0117) 4960 123", "(0117)4960123", "030/1234567", "02079460958", "(05941) 20 1234"),
            *("0049 171 1234567", "phone: 0171 1234567", "Tel. 030/1234567", "fax no. 020 7946 0958"),
            *("call me at 4155552671 please", "4155552671 fax", "4155552671-Office"),
            *("0006434792 mobile", "00035 849381 fax"),
        ),
        (
            *("+1 234", "1 + 2", "a+12345678", "+11111111111", "2026-10-14 1200", "123-456-7890", "415 55 2671"),
            *("01 02 03", "2026-01-02 03", "0123", "1.0123 4567 89", "0.171 1234567", "1790000000", "0000 0001 0002"),
            *("phone 7 is out", "cell 12 of the sheet", "tel aviv", "call it 2026-10-14", "1790000000 mobile"),
            *("5000000000 mobile users", "call 20261014"),
        ),
        phone,
    ),
)
"""Every default pattern of what tells of people."""

_IMAGES = r"(?:iVBORw0KGgo|R0lGOD[dl]h|[/_]9j[/_][24]|UklGR[A-Za-z0-9+/_-]{6}X(?:RUJQ|QVZF))[A-Za-z0-9+/_-]{24,}={0,2}"

MEDIA = Pattern(
    "media",
    _IMAGES,
    (
        "R0lGODdhAQABAIEAAAAAAAAAAAAAAAAAACwAAAAAAQABAAAIBAABBAQAOw==",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC",
        "UklGRjwAAABXRUJQVlA4IDAAAADQAQCdASoBAAEAAUAmJaACdLoB+AADsAD+8ut",
        "see /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQ",
    ),
    ("iVBORw0KGgo", "/9j/4 and R0lGODlh", "UklGR is how it begins"),
)
"""Images too small for `media` to look for in what was said, and those in labels: they may hold a prompt or a place."""

PATTERNS = (*KEYS, *PERSONAL, MEDIA)
"""Every default pattern, in the order in which they are replaced."""
