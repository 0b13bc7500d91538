"""Secrets of the formats that detect-secrets' plugins look for, made up, in a line as people write it."""

import base64
import random
import string
from collections.abc import Callable

Made = tuple[str, str]
"""A line, and the secret in it."""
LETTERS = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits


def _of(alphabet: str, length: int, line: str = "{}", prefix: str = "") -> Callable[[random.Random], Made]:
    def make(rng: random.Random) -> Made:
        secret = prefix + "".join(rng.choices(alphabet, k=length))
        return line.format(secret), secret

    return make


def _jwt(rng: random.Random) -> Made:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": str(rng.getrandbits(40)), "iat": 1_790_000_000}]
    encoded = [base64.urlsafe_b64encode(str(part).replace("'", '"').encode()).decode().rstrip("=") for part in parts]
    token = ".".join((*encoded, "".join(rng.choices(LETTERS, k=43))))
    return f"token {token}", token


def secrets() -> dict[str, Callable[[random.Random], Made]]:
    """A maker by plugin."""
    return {
        "artifactory": _of(LETTERS, 60, "X-JFrog-Art-Api: {}", "AKC"),
        "aws": _of(UPPER, 16, prefix="AKIA"),
        "aws secret": _of(LETTERS, 40, 'aws_secret_access_key = "{}"'),
        "azure_storage_key": _of(LETTERS, 86, "AccountKey={}=="),
        "basic_auth": _of(LETTERS, 12, "https://ann:{}@db.example.com"),
        "cloudant": _of(HEX, 64, "cloudant_password = '{}'"),
        "discord": lambda rng: (lambda token: (f"bot {token}", token))(
            "M" + ".".join("".join(rng.choices(LETTERS, k=k)) for k in (23, 6, 27))
        ),
        "github_token": _of(LETTERS, 36, prefix="ghp_"),
        "gitlab_token": _of(LETTERS, 20, prefix="glpat-"),
        "ibm_cloud_iam": _of(LETTERS, 44, "ibm_cloud_api_key: {}"),
        "ibm_cos_hmac": _of(HEX, 48, 'secret_access_key="{}"'),
        "ip_public": lambda rng: (lambda ip: (f"from {ip} now", ip))(f"8.{rng.randrange(256)}.4.{rng.randrange(256)}"),
        "jwt": _jwt,
        "keyword": _of(LETTERS, 14, 'password = "{}"'),
        "mailchimp": _of(HEX, 32, "{}-us12"),
        "npm": _of(LETTERS, 36, "//npm.example.com/:_authToken={}", "npm_"),
        "openai": lambda rng: (lambda k: (k, k))(
            f"sk-{''.join(rng.choices(LETTERS, k=20))}T3BlbkFJ{''.join(rng.choices(LETTERS, k=20))}"
        ),
        "private_key": _of(LETTERS, 64, "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----"),
        "pypi_token": _of(LETTERS, 80, prefix="pypi-AgEIcHlwaS5vcmc"),
        "sendgrid": lambda rng: (lambda k: (k, k))(
            f"SG.{''.join(rng.choices(LETTERS, k=22))}.{''.join(rng.choices(LETTERS, k=43))}"
        ),
        "slack": _of(LOWER, 24, prefix="xoxb-34532454-"),
        "softlayer": _of(HEX, 64, 'softlayer_api_key = "{}"'),
        "square_oauth": _of(LETTERS, 43, prefix="sq0csp-"),
        "stripe": _of(LETTERS, 24, prefix="sk_live_"),
        "telegram_token": _of(LETTERS, 33, prefix="110201543:AA"),
        "twilio": _of(HEX, 32, prefix="SK"),
        "high_entropy_strings (named)": _of(LETTERS, 40, "secret: '{}'"),
    }


def agreed(line: str) -> bool | None:
    """Whether one of detect-secrets' plugins finds something in the line; None if it cannot be asked."""
    try:
        from detect_secrets.core.scan import scan_line
        from detect_secrets.settings import default_settings
    except ImportError:
        return None
    with default_settings():
        return any(True for part in line.splitlines() for _ in scan_line(part))
