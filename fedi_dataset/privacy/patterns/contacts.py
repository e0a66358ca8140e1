"""Accounts that a text names beside their platform: "my insta is ada.falk", "Discord: ada_f".

A bare word can be anything. It counts as somebody's name on a platform if the text calls it so
(handle, username, Nutzername) or says whose it is and where, and, if less is said, if no ordinary
word looks like it: a digit among letters, an underscore, a dot or a capital inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from presidio_analyzer import EntityRecognizer

from fedi_dataset.privacy.patterns.rules import (
    Rule,
    RuleRecognizer,
    any_word,
    mentions,
    terms_of,
    word_set,
)

__all__ = ["contact_recognizers"]

# Platforms whose names are words of other meanings too ask for more.
_PLATFORM: Final = rf"(?:{any_word(terms_of('platform'))})"
_ANY_PLATFORM: Final = rf"(?:{any_word(terms_of('platform', 'platform_and_word'))})"
_MESSENGER: Final = rf"(?:{any_word(terms_of('messenger'))})"
_LABEL: Final = rf"(?:{any_word(terms_of('account_name'))})"
_MY: Final = r"(?:my|mein|meine|meinem|mon|ma|mi|mio|mia|meu|minha|mijn|our|add my)"
_IS: Final = (
    r"(?:\s{0,2}[:=→]\s{0,2}|\s(?:is|ist|lautet|est|c'est|es|è|é|=|-)\s)(?:just\s|einfach\s)?"
)
_NAME: Final = r"(?P<it>[@$~]?[^\W_][\w.-]{1,38}\w(?:#\d{4,5})?|\b_\w{2,38})(?![\w@]|[.-]\w|://)"

_ODD: Final = re.compile(
    r"(?=.*\d)(?=.*[^\W\d_]).+|.*\w_.*|_\w+|.*[^\W\d_]{2}\.[^\W\d_]{2}.*|.*[a-z][A-Z].*|[@~].+|\$[^\W\d].*|.*#\d+"
)
_KNOWN: Final = re.compile(
    r"v?\d[\d.]*\w?|\d+(?:st|nd|rd|th|er|e|k|m|h|x|%)|https?|.*\.(?:js|py|rs|go|com|org|net|io|social|app)|www.*|nsfw|24h|\d+/\d+"
    r"|.*(?:OS|Pad|Phone|Hub|Lab|Tube)",
)


_NO_NAMES: Final = word_set(
    """
    not the still gone down back now and but nicht weg public private locked dead full open required
    taken unknown optional deleted suspended verified important something whatever anonymous here
    there same also different similar
    """
)


def _is_odd(match: re.Match[str]) -> bool:
    token = match["it"]
    return len(token) >= 4 and bool(_ODD.fullmatch(token)) and not _KNOWN.fullmatch(token)


def _is_named(match: re.Match[str]) -> bool:
    return match["it"].lower().strip("@") not in _NO_NAMES


def _rule(name: str, pattern: str, check: Callable[[re.Match[str]], bool]) -> Rule:
    return Rule(name, "HANDLE", re.compile(pattern, re.IGNORECASE), 0.9, check=check)


_ON: Final = r"(?:on|at|via|auf|bei|über|sur|en|por|su|no|na|op|per)"
_AS: Final = (
    r"(?:as|under|als|unter|sous|como|come|onder|soy|sono|sou|bin ich|ich bin|je suis|i'm|i am|ik ben"
    r"|at|ist|is|@|:|-|→)"
)
_I_AM: Final = (
    r"(?:i'?m|i am|ich bin|bin|je suis|soy|sono|sou|ik ben|it's|add|follow|find|dm|msg)\s(?:me\s)?"
)
_CONTACTS: Final = (
    _rule(
        "my Discord username is ada",
        rf"(?<!\w){_ANY_PLATFORM}[\s-]{{1,2}}{_LABEL}{_IS}{_NAME}",
        _is_named,
    ),
    _rule(
        "my username on Discord is ada",
        rf"(?<!\w){_LABEL}\s{_ON}\s(?:the\s)?{_ANY_PLATFORM}{_IS}{_NAME}",
        _is_named,
    ),
    _rule("my element is ada.falk", rf"(?<!\w){_MY}\s{_ANY_PLATFORM}{_IS}{_NAME}", _is_odd),
    _rule("insta: ada.falk", rf"(?<!\w){_PLATFORM}{_IS}{_NAME}", _is_odd),
    _rule("insta ada.falk", rf"(?<!\w){_MESSENGER}\s{_NAME}", _is_odd),
    _rule(
        "on Telegram as ada_f",
        rf"(?<!\w){_ON}\s{_ANY_PLATFORM}[,:]?\s{_AS}\s?{_NAME}",
        _is_odd,
    ),
    _rule(
        "I'm ada_f on Discord",
        rf"(?<!\w){_I_AM}{_NAME}\s(?:over\s)?{_ON}\s(?:the\s)?{_ANY_PLATFORM}(?!\w)",
        _is_odd,
    ),
)


def contact_recognizers() -> list[EntityRecognizer]:
    """Give the recognizer of accounts that are named beside their platform."""
    return [
        RuleRecognizer(
            "Accounts beside platforms",
            mentions(terms_of("platform", "platform_and_word")),
            _CONTACTS,
        )
    ]
