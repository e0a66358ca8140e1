"""E-mail addresses: plain, and disguised in seven languages.

Addresses are not checked against the public suffix list: ``alice@box.internal`` reaches somebody
too. Spared are communities (``!gardening@lemmy.example``) and addresses of a role that nobody's
name stands in (``noreply@``, ``support@``, ``git@``), unless the host is one where people have
their private mail.
"""

from __future__ import annotations

import re
from typing import Final

from presidio_analyzer import EntityRecognizer

from fedi_dataset.privacy.patterns.handles import HOST
from fedi_dataset.privacy.patterns.rules import (
    Rule,
    RuleRecognizer,
    contains,
    gate,
    mentions,
    word_set,
    words,
)

__all__ = ["is_personal", "mail_recognizers"]


_ROLES: Final = word_set(
    """
    noreply no-reply no_reply donotreply do-not-reply do_not_reply postmaster webmaster hostmaster
    mailer-daemon abuse security support helpdesk help-desk customerservice customer.service
    kundenservice kundendienst info infos press presse prensa stampa imprensa pers media
    privacy datenschutz dpo gdpr legal copyright dmca sales billing invoices accounts-payable
    jobs careers bewerbung newsletter notifications notification notify updates alerts bounces
    subscribe unsubscribe feedback git hg svn root nobody daemon
    """
)
_STAND_INS: Final = word_set("user username name yourname your.name your-name you someone somebody")
_FREEMAIL: Final = (
    r"gmail|googlemail|hotmail|outlook|live|msn|yahoo|ymail|proton|protonmail|pm|icloud|me|mac|aol"
    r"|gmx|web|posteo|mailbox|tutanota|tuta|fastmail|hey|zoho|yandex|laposte|orange|wanadoo|free"
    r"|sfr|libero|virgilio|tiscali|alice|terra|uol|bol|sapo|ziggo|xs4all|kpnmail|t-online|freenet"
    r"|arcor|riseup|disroot|autistici|systemli"
)
_PRIVATE_HOST: Final = re.compile(rf"(?:{_FREEMAIL})\.\w", re.IGNORECASE)


def is_personal(address: str) -> bool:
    """Say whether an e-mail address can be a person's: not a role's, nor a stand-in's as in examples."""
    local, _, host = address.rpartition("@")
    local = local.lower().partition("+")[0]
    if _PRIVATE_HOST.match(host):
        return True
    return local not in _ROLES and not (local in _STAND_INS and "example" in host.lower())


def _is_personal(match: re.Match[str]) -> bool:
    return is_personal(match.group())


_PLAIN: Final = Rule(
    "e-mail address",
    "EMAIL_ADDRESS",
    re.compile(
        rf"(?<![\w.%+-])(?<!\w')(?<!(?<!\w)!)(?:[\w.%+-]|(?<=\w)'(?=\w))*+(?<=[\w-])@{HOST}",
        re.IGNORECASE,
    ),
    0.95,
    check=_is_personal,
)

# alice@203.0.113.7, as one writes it for ssh
_ON_A_MACHINE: Final = Rule(
    "account on a machine",
    "EMAIL_ADDRESS",
    re.compile(r"(?<![\w.%+@-])[\w.+-]{1,64}@\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)"),
    0.95,
    check=lambda match: match.group().partition("@")[0].lower() not in _ROLES,
)
_MAIL: Final = words("mail")

# What stands for @ and for the dot. In brackets a word of any of the languages will do.
_AT_WORDS = (
    *("at", "ät", "aet", "arobase", "arobas", "arroba", "chiocciola", "chiocciolina"),
    *("apenstaartje", "klammeraffe"),
)
_AT_WORD = f"(?:{'|'.join(_AT_WORDS)})"
_DOT_WORD = r"(?:dot|punkt|punto|point|ponto|punt)"
_OPEN, _CLOSE = r"[\[({<*_|-]{1,2}", r"[\])}>*_|-]{1,2}"
_AT_MARKED = rf"\s{{0,2}}{_OPEN}\s?(?:{_AT_WORD}|a|ed|chez|@)\s?{_CLOSE}\s{{0,2}}"
_DOT_MARKED = rf"\s{{0,2}}{_OPEN}\s?(?:{_DOT_WORD}|d|\.)\s?{_CLOSE}\s{{0,2}}"
_DOT_SPOKEN = rf"\s{{1,2}}{_DOT_WORD}\s{{1,2}}"
_DOT_SPACED = r"\s{0,2}\.\s{0,2}(?-i:(?!I\b|[A-Z][a-z]))"  # and no sentence behind it
_ENDING = r"[^\W\d_]{2,24}"
_PART = r"[^\W_][\w+-]{0,40}"
_NAME = rf"(?<![\w.+-])(?:{_PART}(?:{_DOT_MARKED}|{_DOT_SPOKEN}|\.)){{0,3}}{_PART}"
_TLD = (
    r"(?:com|org|net|info|biz|name|email|me|io|dev|app|page|blog|site|online|social|xyz|cloud"
    r"|tech|example|test|invalid|local|internal|eu|co\.uk|ac\.uk|org\.uk|de|at|ch|fr|be|lu|it|es"
    r"|pt|br|nl|uk|us|ca|au|nz|ie|mx|ar|cl|co|pe|uy|ve|ec|cr|pl|cz|se|no|dk|fi|in|jp|edu|gov|cat"
    r"|gal|eus|berlin|hamburg|wien|swiss|paris|amsterdam)"
)
_ANY_DOT = rf"(?:{_DOT_MARKED}|{_DOT_SPOKEN}|\.)"

# alice (at) mail (dot) example
_MARKED: Final = Rule(
    "e-mail address with a marked at",
    "EMAIL_ADDRESS",
    re.compile(
        rf"{_NAME}{_AT_MARKED}{_PART}(?:(?:{_ANY_DOT}|{_DOT_SPACED}){_PART}){{0,3}}"
        rf"(?:{_ANY_DOT}|{_DOT_SPACED}){_ENDING}(?!\w)",
        re.IGNORECASE,
    ),
    0.95,
)
# alice at mail dot example
_SPOKEN: Final = Rule(
    "e-mail address with a spoken at",
    "EMAIL_ADDRESS",
    re.compile(
        rf"{_NAME}\s{{1,2}}(?:{_AT_WORD}|chez)\s{{1,2}}{_PART}(?:{_ANY_DOT}{_PART}){{0,3}}?"
        rf"(?:{_DOT_MARKED}|{_DOT_SPOKEN}){_TLD}(?!\w|(?:{_DOT_MARKED}|{_DOT_SPOKEN}){_TLD}(?!\w))",
        re.IGNORECASE,
    ),
    0.9,
    check=lambda match: _is_address(match),
)
# alice at mail.example, alice at gmail: only where mail is spoken of
_HALF_SPOKEN: Final = Rule(
    "e-mail address with a spoken at and a real dot",
    "EMAIL_ADDRESS",
    re.compile(
        rf"(?<![\w.+-])(?:{_PART}\.){{0,3}}{_PART}\s(?:{_AT_WORD}|chez)\s"
        rf"(?:(?:{_PART}\.){{1,3}}{_TLD}|(?:{_FREEMAIL})(?:\.\w{{2,3}})?)(?![\w@]|\.\w)",
        re.IGNORECASE,
    ),
    0.9,
    check=lambda match: (
        _is_address(match)
        and (_MAIL.is_near(match.string, *match.span()) or _is_odd(match.group().split()[0]))
    ),
)
# alice@mail dot example, alice @ mail . example
_SPACED: Final = Rule(
    "e-mail address with spaces",
    "EMAIL_ADDRESS",
    re.compile(
        rf"(?<![\w.+-])(?:{_PART}\.){{0,3}}{_PART}(?:\s{{1,2}}@\s{{1,2}}|@\s{{0,2}}){_PART}"
        rf"(?:(?:{_DOT_MARKED}|{_DOT_SPOKEN}|{_DOT_SPACED}){_PART}){{0,3}}?"
        rf"(?:{_DOT_MARKED}|{_DOT_SPOKEN}|\s{{0,2}}\.\s?){_TLD}(?!\w|(?:{_DOT_MARKED}|{_DOT_SPOKEN}){_TLD}(?!\w))",
        re.IGNORECASE,
    ),
    0.9,
    check=lambda match: _is_address(match) and _is_spread(match.group()),
)

# "I work at", "look at", "available at": ordinary words before a place, not in front of a host's
_BEFORE_PLACES: Final = word_set(
    """
    work works worked working am is are was were be been look looks looking stay stays live lives
    living meet met me us them him her it you everyone people someone here there now available
    open online offline sold bought buy order shop found find posted published hosted hosting
    running based listed up out in back over friends folks someone available today tomorrow good
    great bad day night job time employed employee engineer developer arrive arrived shot and or
    the a an this that mail email see read more join register sign book talk speak speaking
    arbeite arbeitet bin ist war bestellt gekauft travaille suis est était trabajo trabaja estoy
    está lavoro sono trabalho estou werk werkt ben was
    """
)


def _is_address(match: re.Match[str]) -> bool:
    first = match.group().split()[0].lower()
    return first not in _BEFORE_PLACES or _MAIL.is_near(match.string, *match.span(), before=25)


def _is_spread(address: str) -> bool:
    """Say whether an address is written with spaces, or with a word or brackets for its dots."""
    local = address.partition("@")[0].strip().lower()
    return local not in _ROLES and _PLAIN.pattern.fullmatch(address) is None


def _is_odd(name: str) -> bool:
    """No ordinary word looks like this: a digit or a separator among letters."""
    return any(char.isdigit() or char in "._+-" for char in name)


def mail_recognizers() -> list[EntityRecognizer]:
    """Give the recognizers of e-mail addresses, plain and disguised."""
    return [
        RuleRecognizer("E-mail addresses", contains("@"), [_PLAIN, _ON_A_MACHINE]),
        RuleRecognizer(
            "E-mail addresses with spaces",
            gate(rf"\s@|@\s|@[\w.-]{{1,64}}[\[({{<*_|-]{{0,2}}\s?(?:\.|{_DOT_WORD})"),
            [_SPACED],
        ),
        RuleRecognizer(
            "Disguised e-mail addresses",
            gate(rf"{_OPEN}\s?(?:{_AT_WORD}|a|ed|chez|@)\s?{_CLOSE}"),
            [_MARKED],
        ),
        RuleRecognizer(
            "Spoken e-mail addresses",
            mentions([*_AT_WORDS, "chez"]),
            [_SPOKEN, _HALF_SPOKEN],
        ),
    ]
