"""Keys, tokens and passwords, as data: those whose form gives them away, and those that their name does.

Order matters: a more telling pattern stands before a wider one. Examples are part of the table, and a test demands
them, so that a pattern cannot rot; all are made up.
"""

from spanwand.redactors.checks import either_word, mixed, unguessable
from spanwand.redactors.pattern import Pattern

_FAKE = "a1B2c3D4e5F6g7H8i9J0"
_HEX = "0123456789abcdef"

_WORD = (
    r"(?:api[_-]?key|secret(?:[_-]?(?:access[_-]?)?key)?|token|password|passwd|passphrase|pwd|db[_-]?pass|credentials?"
    r"|(?:access|account|auth|private|encryption|signing|shared[_-]?access)[_-]?key"
    r"|(?:ibm|iam|cloud|softlayer|sl|cloudant|clou)[_-]?(?:api[_-]?)?(?:key|pwd?|pass))"
)
"""What a secret is called."""
_QUOTE = r"[\"'`]"
_IS = rf"{_QUOTE}?(?:\[\d*\]|[\])])?(?:\s*(?::=|=>|[:=!]={{0,2}})\s*@?|\s+(?:is|was):?\s+|\()"
_IS_THE_VALUE = rf"{_QUOTE}\s*,\s*{_QUOTE}value{_QUOTE}\s*:\s*{_QUOTE}"
"""What stands between a name and its value: in code, configuration, headers and prose, and in JSON of its own kind."""
_VALUE = r"[^\s\"'`,;&]{6,}"

KEYS: tuple[Pattern, ...] = (
    Pattern(
        "private_key",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
        r"(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)"
        r"|PuTTY-User-Key-File-\d(?s:.*?)(?:Private-MAC: \w+|\z)|\bAGE-SECRET-KEY-1[A-Z0-9]{50,}",
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nowIB\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nMII",
            "PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 1\nAAAA",
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
        r"\b(?:sk|sess)-[A-Za-z0-9_-]{20,}",
        (f"key: sk-proj-{_FAKE}", f"sk-{_FAKE}{_FAKE}"),
        ("task-a-very-long-name-of-a-branch-here", "sk-short", "risk-adjusted-returns-of-portfolios"),
        mixed,
    ),
    Pattern(
        "model_provider_key",  # Groq, xAI, Perplexity, Replicate, NVIDIA, Cerebras, Tavily, LangSmith, Pinecone, ...
        r"\b(?:gsk_|xai-|pplx-|r8_|nvapi-|csk-|tvly-|pcsk_|fw_|lsv2_(?:pt|sk)_|pk-lf-|dapi|key_)[A-Za-z0-9_-]{24,}",
        (f"gsk_{_FAKE}{_FAKE}", f"xai-{_FAKE}{_FAKE}", "dapi" + _HEX * 2, f"lsv2_pt_{_FAKE}{_FAKE}"),
        ("gsk_short", "xai-research-and-development-department", "key_of_the_very_large_front_door"),
        unguessable,
    ),
    Pattern("hf_token", r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}", (f"hf_{_FAKE}{_FAKE}",), ("hf_hub_download",)),
    Pattern(
        "wandb_key",
        r"\bwandb_v1_[A-Za-z0-9_]{20,}|(?i:wandb)[^\n]{0,40}?\b([0-9a-f]{40})\b",
        ("WANDB_API_KEY=" + _HEX * 2 + "01234567", f"wandb_v1_{_FAKE}"),
        (f"commit {_HEX}{_HEX}01234567", "wandb login"),
    ),
    Pattern(
        "aws_key",
        r"\b((?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16})\b|\b(ABSK[A-Za-z0-9+/]{60,}={0,2})",
        ("AKIA" + "QWERTY2345ASDF67", "ASIA" + "Q" * 16),
        ("AKIAshort", "AKIMBO"),
    ),
    Pattern(
        "aws_secret",
        r"(?i)aws.{0,20}?(?:key|pwd|pw|pass|token|secret).{0,20}?[=:\"'\s]([A-Za-z0-9/+]{40})\b"
        r"|x-amz-(?:signature|security-token|credential)=([A-Za-z0-9%/+=_-]{20,})",
        (f"aws_secret_access_key = {_FAKE}{_FAKE}", f"?X-Amz-Signature={_HEX}{_HEX}{_HEX}{_HEX}&x=1"),
        ("aws secret manager", f"{_FAKE}{_FAKE}"),
    ),
    Pattern(
        "azure_key",
        r"(?i)(?:AccountKey|SharedAccessKey|SharedSecret)\s*=\s*([A-Za-z0-9+/]{40,}={0,2})"
        r"|[?&;]sig=([A-Za-z0-9%+/]{40,}={0,2})|\b([a-z0-9_~.-]{3}[0-9]Q~[a-z0-9_~.-]{31,34})",
        (f"AccountKey={_FAKE * 4}a1B2c3==", f"?sv=2024&sig={_FAKE * 2}abc%3D", f"abc8Q~{_FAKE}a1B2c3D4e5F6"),
        ("AccountKey=none", "&sig=short", "8Q~ is a rank"),
    ),
    Pattern(
        "google_key",
        r"\bAIza[A-Za-z0-9_-]{35}|\bGOCSPX-[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9_-]{20,}|\b1//0[A-Za-z0-9_-]{30,}",
        (f"AIza{_FAKE}{_FAKE[:15]}", f"ya29.{_FAKE}", f"GOCSPX-{_FAKE}", f"1//0{_FAKE}{_FAKE}"),
        ("AIzawa", "ya29.x"),
    ),
    Pattern(
        "github_token",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
        (f"ghp_{_FAKE}{_FAKE}", f"github_pat_{_FAKE}xy"),
        ("ghp_example", "github_path_to_nowhere"),
    ),
    Pattern(
        "gitlab_token",
        r"\b(?:gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas|ffct)-|GR1348941)[A-Za-z0-9_-]{20,}",
        (f"glpat-{_FAKE}", f"GR1348941{_FAKE}"),
        ("glpat-short", "glass-house-of-the-many-stones"),
    ),
    Pattern(
        "slack_token",
        r"\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+",
        ("xoxb-123456789012-abcdef", "https://hooks.slack.com/services/T0AB/B0CD/e1F2"),
        ("xoxo hugs-and-kisses", "https://slack.com/services"),
    ),
    Pattern(
        "stripe_key",
        r"\b(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}",
        (f"sk_test_{_FAKE}",),
        ("sk_test_short", "task_live_migration_of_virtual_machines"),
    ),
    Pattern(
        "package_token",  # npm, PyPI, RubyGems, Docker Hub, Artifactory
        r"\bnpm_[A-Za-z0-9]{30,}|_authToken\s*=\s*([A-Za-z0-9_-]{10,})|\bpypi-Ag[A-Za-z0-9_-]{40,}"
        r"|\brubygems_[a-f0-9]{40,}|\bdckr_pat_[A-Za-z0-9_-]{20,}|(?:^|[\s=:\"'])(AKC[A-Za-z0-9]{10,}|AP[0-9A-F][A-Za-z0-9]{8,})\b",
        (f"npm_{_FAKE}{_FAKE}", f"pypi-AgEIcHlwaS5vcmc{_FAKE}{_FAKE}", f"//npm.example.com/:_authToken={_FAKE}"),
        ("npm_config_registry", "pypi-Again", "APPLICATIONS", "APPENDIX"),
        mixed,
    ),
    Pattern(
        "service_key",  # SendGrid, Telegram, Discord, Twilio, Mailchimp, Mailgun, Square, Shopify, Vault, ...
        r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|\b([0-9]{8,10}:AA[A-Za-z0-9_-]{33})|\b[MNO][A-Za-z0-9_-]{23,25}"
        r"\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}|\b(?:AC|SK)[a-z0-9]{32}\b|\b[0-9a-z]{32}-us[0-9]{1,2}\b|\bsq0[a-z]{3}-"
        r"[A-Za-z0-9_\\-]{22,}|\bEAAA[A-Za-z0-9_-]{50,}|\bshp(?:at|ss|ca|pa)_[a-f0-9]{32}|\bdo[opr]_v1_[a-f0-9]{60,}"
        r"|\bhv[sbr]\.[A-Za-z0-9_-]{20,}|\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}|\bdp\.(?:pt|st|ct)\.[A-Za-z0-9.]{30,}"
        r"|\blin_api_[A-Za-z0-9]{30,}|\bntn_[A-Za-z0-9]{30,}|\bNRAK-[A-Z0-9]{20,}|\bgl(?:sa|c)_[A-Za-z0-9+/_=]{30,}"
        r"|\bsntry[su]_[A-Za-z0-9+/_=-]{30,}|\bPMAK-[A-Za-z0-9-]{30,}|\bfigd_[A-Za-z0-9_-]{30,}|\bsbp_[a-f0-9]{40}"
        r"|\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,}|(?i:mailgun).{0,20}\b(key-[a-z0-9]{32})",
        (
            f"SG.{_FAKE}.{_FAKE}",
            f"110201543:AA{_FAKE}abcdefghijklm",
            "AC" + _HEX * 2,
            _HEX * 2 + "-us30",
            f"hvs.{_FAKE}",
        ),
        ("SG.short.x", "12345678:AAA", "ACCOUNTING", "sq0-square", "glc_model"),
    ),
    Pattern(
        "jwt",
        r"\beyJ[A-Za-z0-9_-]{8,}\.(?:eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?|(?:[A-Za-z0-9_-]*\.){3}[A-Za-z0-9_-]+)",
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "eyJlbmMiOiJBMjU2In0..aXY.dGV4dA.dGFn"),
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
        rf"(?i){_WORD}(?:(?:{_IS}{_QUOTE}|{_IS_THE_VALUE})({_VALUE})|{_IS}((?:\w{{1,8}}\s+)?{_VALUE}))",
        (
            *("password=hunter2hunter2", 'api_key: "f00ba4f00ba4"', "DB_PASSWORD=hunter2x", "accessToken=a1b2c3d4e5"),
            *("my password is hunter2!", 'if (secret == "h0pe{n}obody")', 'pwd := "c0rrect-h0rse"'),
            *("?token=ab12cd34&x", '{"name": "password", "value": "hunter2hunter2"}'),
        ),
        (
            *("password: required", "token: <your-token1>", "max_tokens: 12345678", "the secret of success"),
            *("password: ${PASSWORD_1}", "token = get_token()", "secret: xxxxxxxx1", "password is not known"),
        ),
        either_word,
    ),
    Pattern(
        "secret",  # where the name is behind it, or an option of a command
        rf"(?i){_QUOTE}([^\s\"'`]{{6,200}}){_QUOTE}\s*[!=]={{1,2}}\s*\w{{0,30}}{_WORD}"
        rf"|(?:^|\s)--[\w-]{{0,40}}{_WORD}\s+{_QUOTE}?({_VALUE})"
        rf"|\"value\"\s*:\s*\"([^\"]{{6,}})\"\s*,\s*\"(?:name|key|field|header)\"\s*:\s*\"[\w -]{{0,40}}{_WORD}\"",
        (
            *('if ("h0pe-n0body" == my_password) {', "cli --db-password hunter2hunter2"),
            '{"value": "hunter2hunter2", "name": "password"}',
        ),
        ('if ("yes" == password)', "cli --password required"),
        unguessable,
    ),
    Pattern(
        "cookie",
        r"(?i)\bcookie[\"']?\s*[:=]\s*[\"']?([^\n\"']{12,})",
        ("Cookie: session=ab12cd34ef56; theme=dark",),
        ("cookie: chocolate chip and oat",),
        mixed,
    ),
)
"""Every default pattern of keys."""
