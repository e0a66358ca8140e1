"""Secrets: keys and tokens by the prefixes that services give them, private keys, passwords that a
text assigns, and addresses that hold a password.

A password counts if it looks like one (letters with digits or signs, eight or more, not all alike),
so that prose about passwords stays as it is; a token that a text calls one, if it is as random as
one (Shannon, 3 bits a character).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

from presidio_analyzer import EntityRecognizer

from fedi_dataset.privacy.patterns.rules import (
    Rule,
    RuleRecognizer,
    Words,
    any_word,
    contains,
    gate,
    mentions,
    terms_of,
    words,
)

__all__ = ["secret_recognizers"]

# Service, and what its keys look like. GitHub, GitLab, npm, PyPI, Slack, Stripe, Shopify and others
# chose prefixes so that their keys can be found; lengths are bounded below only, formats grow.
_KEYS: Final = (
    r"(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ABIA|ACCA)[A-Z0-9]{12,20}",  # Amazon Web Services
    r"gh[pousr]_[A-Za-z0-9]{16,255}|github_pat_\w{20,255}",
    r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas|ffct)-[\w-]{16,255}",  # GitLab
    r"xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Za-z0-9-]{10,250}",  # Slack
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,250}|whsec_[A-Za-z0-9+/=]{16,120}",  # Stripe
    r"sk-(?:ant|proj|svcacct|admin|or|None)-[\w-]{16,250}|sk-[A-Za-z0-9]{20,250}",  # models
    r"(?:hf|api_org)_[A-Za-z0-9]{20,120}",  # Hugging Face
    r"gsk_[A-Za-z0-9]{20,120}|xai-[A-Za-z0-9]{20,120}|pplx-[A-Za-z0-9]{20,120}",
    r"r8_[A-Za-z0-9]{20,120}|nvapi-[\w-]{20,120}|AIza[\w-]{30,60}|ya29\.[\w-]{20,500}",
    r"GOCSPX-[\w-]{20,60}",  # Google
    r"npm_[A-Za-z0-9]{20,120}|pypi-[\w-]{16,500}|rubygems_[0-9a-f]{20,120}",
    r"dckr_(?:pat|oat)_[\w-]{20,120}|cio[A-Za-z0-9]{32}",  # Docker, crates.io
    r"SG\.[\w-]{12,60}\.[\w-]{12,120}|key-[0-9a-f]{32}|xkeysib-[0-9a-f-]{30,120}",  # mail
    r"(?:AC|SK)[0-9a-f]{32}",  # Twilio
    r"do[opr]_v1_[0-9a-f]{32,120}|dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{20,120}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|sq0(?:atp|csp|idp)-[\w-]{20,60}|EAAA[\w-]{40,120}",
    r"secret_[A-Za-z0-9]{30,60}|ntn_[A-Za-z0-9]{30,60}|lin_api_[A-Za-z0-9]{30,60}",  # Notion, Linear
    r"figd_[\w-]{20,80}|PMAK-[0-9a-f-]{40,80}|hvs\.[\w-]{20,200}|tskey-[\w-]{20,120}",
    r"glsa_[\w]{30,80}|sntr[ys]+_[\w+/=-]{30,250}|phc_[A-Za-z0-9]{30,60}|dapi[0-9a-f]{32}",
    r"eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}(?:\.[\w-]{0,2000})?",  # JSON Web Token
    r"(?:bot)?\d{8,10}:AA[\w-]{30,40}",  # Telegram
    r"[MNO][A-Za-z\d_-]{22,27}\.[\w-]{5,7}\.[\w-]{25,110}|mfa\.[\w-]{60,110}",  # Discord
    r"https://hooks\.slack\.com/(?:services|workflows)/[\w/]{20,120}",
    r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d{15,25}/[\w-]{30,120}",
    r"AGE-SECRET-KEY-1[0-9A-Z]{40,60}|nsec1[02-9ac-hj-np-z]{50,70}",  # age, Nostr
    r"AccountKey=[A-Za-z0-9+/=]{40,120}|sv=\d{4}-\d\d-\d\d&[\w%&=.:-]{20,400}sig=[\w%]{20,120}",
)
_KEY: Final = Rule(
    "key with a known prefix",
    "API_KEY",
    re.compile(rf"(?<![\w-])(?:{'|'.join(_KEYS)})(?![\w])"),
    check=lambda match: _is_random(match.group()),
)
# Every key is a long run of its characters.
_LONG: Final = gate(r"[\w+/=.-]{15}")

_BLOCK: Final = (
    # A private key, to its end or as far as its lines go
    Rule(
        "private key",
        "API_KEY",
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}(?:PRIVATE|PUBLIC) KEY(?: BLOCK)?-----"
            r"(?:[\w+/=:;,.() \t\r\n]|-(?!----))*+"
            r"(?:-----END (?:[A-Z0-9]{1,20} ){0,4}(?:PRIVATE|PUBLIC) KEY(?: BLOCK)?-----)?"
        ),
    ),
)
_SSH: Final = (
    # A public key of SSH, with the comment that says whose it is
    Rule(
        "SSH key",
        "API_KEY",
        re.compile(
            r"(?<!\w)(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3}|sk-ssh-ed25519@openssh\.com)"
            r"[ \t]{1,4}AAAA[A-Za-z0-9+/]{20,2000}={0,3}(?:[ \t][\w.+-]{1,64}@[\w.-]{1,100})?"
        ),
    ),
)

_FINGERPRINT: Final = (
    # Of an OpenPGP key: ten groups of four, or forty digits where it is called so
    Rule(
        "fingerprint of a key",
        "API_KEY",
        re.compile(r"(?<!\w)(?:[0-9A-F]{4} {1,2}){9}[0-9A-F]{4}(?!\w)", re.IGNORECASE),
    ),
    Rule(
        "fingerprint of a key",
        "API_KEY",
        re.compile(r"(?<!\w)(?:0x)?[0-9A-F]{40}(?!\w)", re.IGNORECASE),
        near=Words(["pgp", "gpg", "openpgp", "fingerprint", "fingerabdruck", "openpgp4fpr"]),
    ),
)
_TERMS: Final = terms_of("password", "token")
_LABEL: Final = any_word(_TERMS)
_IS = r"(?:[ \t]{0,3}(?:=>|:=|[:=])[ \t]{0,3}|[ \t](?:is|was|ist|war|lautet|est|es|è|era|é|=)[ \t]{1,3})"
_ASSIGNED: Final = Rule(
    "password or token that is assigned",
    "API_KEY",
    re.compile(
        rf"(?<![^\W_])(?:{_LABEL})[\"'`]?{_IS}[\"'`«“]?(?P<it>[^\s\"'`«»“”<>]{{6,200}})",
        re.IGNORECASE,
    ),
    0.95,
    check=lambda match: _is_secret(match["it"]),
)
# "my access token ZA-Yj3aBD8U8Cm7...": nothing between, but nothing else looks so
_NAMED: Final = Rule(
    "token behind its name",
    "API_KEY",
    re.compile(
        rf"(?<![^\W_])(?:{any_word(terms_of('token'))})[ \t]{{1,3}}[\"'`]?(?P<it>[\w~+/-]{{20,200}}={{0,2}})(?!\w)",
        re.IGNORECASE,
    ),
    0.9,
    check=lambda match: _is_secret(match["it"]) and any(map(str.isdigit, match["it"])),
)
_BEARER: Final = Rule(
    "bearer token",
    "API_KEY",
    re.compile(
        r"(?<!\w)(?:Bearer|Authorization:[ \t]{0,3}Basic)[ \t]{1,3}(?P<it>[\w.~+/-]{16,2000}=*)",
        re.IGNORECASE,
    ),
    check=lambda match: _is_random(match["it"]),
)
# Bluesky's app passwords
_APP_PASSWORD: Final = Rule(
    "app password",
    "API_KEY",
    re.compile(r"(?<![\w-])[a-z0-9]{4}(?:-[a-z0-9]{4}){3}(?![\w-])"),
    near=words("app_password"),
)
# postgres://alice:secret@db.example/name
_CONNECTION: Final = Rule(
    "address with a password",
    "API_KEY",
    re.compile(
        r"(?<![\w+.-])[a-z][a-z0-9+.-]{1,30}://[^\s:/@<>\"']{0,100}:[^\s/@<>\"']{1,200}@[^\s<>\"'`]{0,300}[^\s<>\"'`.,;:!?)\]]",
        re.IGNORECASE,
    ),
)


def _is_random(text: str) -> bool:
    """Tell a key from the stand-in of a manual: xxxxxxxx, 00000000."""
    return len(text) < 16 or _entropy(text) >= 2.5


def _entropy(text: str) -> float:
    """Shannon's entropy of a text's characters, in bits a character."""
    return -sum(
        count / len(text) * math.log2(count / len(text)) for count in Counter(text).values()
    )


_STAND_IN: Final = re.compile(
    r"[x*•.…_#-]+|\$\{?\w+\}?|%\w+%|\{\{?.*|\[.*|<.*|.*\(.*|(?:your|my|the|some|insert|enter|change|example)"
    r"[-_ ]?\w*|(?:process|os|env|settings|config|self|secrets)\..*|https?:.*|/.*|none|null|true|false",
    re.IGNORECASE,
)
_CLOSING = ".,;:!?)]}"


def _is_secret(text: str) -> bool:
    value = text.rstrip(_CLOSING)
    if len(value) < 8 or _STAND_IN.fullmatch(value):
        return False
    kinds = (
        any(map(str.islower, value)) + any(map(str.isupper, value)) + any(map(str.isdigit, value))
    )
    signs = any(not char.isalnum() and char not in "-'’./" for char in value)
    if kinds + signs < 2 or not (any(map(str.isdigit, value)) or signs):
        return False
    return _entropy(value) >= (2.0 if len(value) < 16 else 3.0)


def secret_recognizers() -> list[EntityRecognizer]:
    """Give the recognizers of keys, tokens and passwords."""
    return [
        RuleRecognizer("Keys", _LONG, [_KEY]),
        RuleRecognizer("Private keys", contains("-----BEGIN"), _BLOCK),
        RuleRecognizer("SSH keys", contains("AAAA"), _SSH),
        RuleRecognizer(
            "Fingerprints", gate(r"[0-9a-f]{4} {1,2}[0-9a-f]{4} |[0-9a-f]{40}"), _FINGERPRINT
        ),
        RuleRecognizer("Passwords", mentions(_TERMS), [_ASSIGNED, _NAMED]),
        RuleRecognizer("Bearer tokens", mentions(["bearer", "authorization"]), [_BEARER]),
        RuleRecognizer("App passwords", gate("-[a-z0-9]{4}-[a-z0-9]{4}-"), [_APP_PASSWORD]),
        RuleRecognizer("Connection strings", contains("://", "@"), [_CONNECTION]),
    ]
