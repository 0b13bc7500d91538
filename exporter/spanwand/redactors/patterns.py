"""What is taken out of text, as data: a regular expression for RE2, a check, what to write instead, and examples.

Order matters: a more telling pattern stands before a wider one. If an expression has a group, the group is the secret.
Examples are part of the table, and a test demands them, so that a pattern cannot rot. Those of keys are made up.
"""

import msgspec

from spanwand.redactors.checks import Check, always, iban, ipv4, ipv6, luhn, mixed, phone


class Pattern(msgspec.Struct, frozen=True):
    """One kind of secret. `found` and `left` are texts in which it is, and is not, to be found.

    What `regex` finds in a text it must also find where the text stands in a line of its own, or in quotes: texts are
    tested many at a time.
    """

    name: str
    regex: str
    found: tuple[str, ...]
    left: tuple[str, ...]
    check: Check = always

    @property
    def replacement(self) -> str:
        """What is written instead."""
        return f"[{self.name}]"


_FAKE = "a1B2c3D4e5F6g7H8i9J0"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "private_key",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
        r"(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nowIB\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nMII",
        ),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",),
    ),
    Pattern(
        "credentials",
        r"\b[A-Za-z][A-Za-z0-9+.-]*://([^\s/?#\"'<>\[\]]+)@",
        ("postgres://admin:s3cret@db.internal/app", "https://token@example.com/x", "amqp://u:p@w@host"),
        ("https://example.com/@user", "see https://example.com and mail me"),
    ),
    Pattern("anthropic_key", r"\bsk-ant-[A-Za-z0-9_-]{20,}", (f"sk-ant-api03-{_FAKE}",), ("sk-ant-colony",)),
    Pattern(
        "openai_key",
        r"\bsk-[A-Za-z0-9_-]{20,}",
        (f"key: sk-proj-{_FAKE}", f"sk-{_FAKE}{_FAKE}"),
        ("task-a-very-long-name-of-a-branch-here", "sk-short", "risk-adjusted-returns-of-portfolios"),
        mixed,
    ),
    Pattern("aws_key", r"\b((?:AKIA|ASIA)[A-Z2-7]{16})\b", ("AKIA" + "QWERTY2345ASDF67",), ("AKIAshort", "AKIMBO")),
    Pattern(
        "aws_secret",
        r"(?i)aws.{0,20}?secret.{0,20}?[=:\"'\s]([A-Za-z0-9/+]{40})\b",
        (f"aws_secret_access_key = {_FAKE}{_FAKE}",),
        ("aws secret manager", f"{_FAKE}{_FAKE}"),
    ),
    Pattern("google_key", r"\bAIza[A-Za-z0-9_-]{35}", (f"AIza{_FAKE}{_FAKE[:15]}",), ("AIzawa",)),
    Pattern("google_token", r"\bya29\.[A-Za-z0-9_-]{20,}", (f"ya29.{_FAKE}",), ("ya29.x",)),
    Pattern(
        "github_token",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
        (f"ghp_{_FAKE}{_FAKE}", f"github_pat_{_FAKE}xy"),
        ("ghp_example", "github_path_to_nowhere"),
    ),
    Pattern("hf_token", r"\bhf_[A-Za-z0-9]{30,}", (f"hf_{_FAKE}{_FAKE}",), ("hf_hub_download", "hf_transformers")),
    Pattern(
        "slack_token",
        r"\bxox[abeprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+",
        ("xoxb-123456789012-abcdef", "https://hooks.slack.com/services/T0AB/B0CD/e1F2"),
        ("xoxo-hugs-and-kisses", "https://slack.com/services"),
    ),
    Pattern(
        "stripe_key",
        r"\b(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}",
        (f"sk_test_{_FAKE}",),
        ("sk_test_short", "task_live_migration_of_virtual_machines"),
    ),
    Pattern(
        "wandb_key",
        r"\bwandb_v1_[A-Za-z0-9_]{20,}|(?i:wandb)[^\n]{0,40}?\b([0-9a-f]{40})\b",
        ("WANDB_API_KEY=" + "0123456789abcdef" * 2 + "01234567", f"wandb_v1_{_FAKE}"),
        ("commit 0123456789abcdef0123456789abcdef01234567", "wandb login"),
    ),
    Pattern(
        "jwt",
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",),
        ("eyJhbGciOiJIUzI1NiJ9", "eyJ.eyJ.x"),
    ),
    Pattern(
        "bearer",
        r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9._~+/-]{16,}=*)",
        (f"Authorization: Bearer {_FAKE}",),
        ("the bearer of this letter", "basic internationalization support"),
        mixed,
    ),
    Pattern(
        "secret",
        r"(?i)(?:api[_-]?key|secret|token|password|passwd|pwd)[\"']?\s*[:=]\s*[\"']?([^\s\"',;&\[\]]{8,})",
        ("password=hunter2hunter2", 'api_key: "f00ba4f00ba4"', "DB_PASSWORD=hunter2x", "accessToken=a1b2c3d4e5"),
        ("password: required", "token: <your-token>", "max_tokens: 12345678", "the secret of success"),
        mixed,
    ),
    Pattern(
        "email",
        r"[\p{L}\p{N}._%+'-]+@(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}",
        ("mail jane.doe+x@example.co.uk now", "jörg@müller.de", "<a@b.io>"),
        ("@someone", "a @ b.c", "user@localhost", "3@4.5"),
    ),
    Pattern(
        "card",
        r"\b((?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|4[4-9]\d|5\d{2}))(?:[ -]?\d{4}){3}"
        r"|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})\b",
        ("4111 1111 1111 1111", "paid with 5555-5555-5555-4444.", "378282246310005", "1234 4111111111111111"),
        ("4111 1111 1111 1112", "order 1234567890123456", "4111111111111111222"),
        luhn,
    ),
    Pattern(
        "iban",
        r"(?i)\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30})\b",
        ("IBAN DE89 3704 0044 0532 0130 00 please", "gb82west12345698765432"),
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
        r"(?i)(?:^|[^\w:.])((?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4})(?:$|[^\w:])",
        ("at 2001:db8::8a2e:370:7334 today", "[fe80::1:2:3]"),
        ("12:30:45", "std::vector", "a::b", "::1", "aa:bb:cc:dd:ee:ff"),
        ipv6,
    ),
    Pattern(
        "phone",
        r"(?:^|[^\w+.])(\+[1-9][0-9 ().-]{6,18}[0-9])\b",
        ("call +49 171 1234567", "+1 (415) 555-2671", "+442079460958."),
        ("+1 234", "1 + 2", "a+12345678", "+11111111111"),
        phone,
    ),
    Pattern(
        "phone",
        r"(?:^|[^\w.-])((?:1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4})\b",
        ("(415) 555-2671", "415-555-2671", "1-415.555.2671"),
        ("2026-10-14 1200", "123-456-7890", "415 55 2671", "1790000000"),
        phone,
    ),
    Pattern(
        "phone",
        r"(?i)\b(?:tele)?(?:phone|mobile|cell|fax|whatsapp|tel)\b[^\w+(\n]{1,4}(?:number|no|nr|is)?"
        r"[^\w+(\n]{0,4}(\(?[0-9][0-9 ().\-/]{6,18}[0-9])\b",
        ("phone: 0171 1234567", "Tel. 030/1234567", "fax no. 020 7946 0958"),
        ("phone 7 is out", "cell 12 of the sheet", "tel aviv"),
        phone,
    ),
)
"""Every default pattern."""
