"""Names the language of a text, or says that it does not know.

A fast detector (py3langid) looks at every text; what its author declared is taken as the prior; a
second one (langdetect) votes only where the first is unsure or contradicts the author. The same
text gets the same answer in any order, thread or process: langdetect's randomness is seeded for
each call, its profiles are loaded in a fixed order, and neither library's global state is used.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fedi_dataset.errors import UsageError
from fedi_dataset.text.quality import without_noise

if TYPE_CHECKING:
    from langdetect import DetectorFactory
    from py3langid.langid import LanguageIdentifier

__all__ = ["LANGUAGES", "UNDETERMINED", "check_language", "identify"]

UNDETERMINED: Final = "und"
"""BCP 47's subtag for a language that is not known."""

# fmt: off
LANGUAGES: Final = frozenset({
    "ace", "af", "am", "an", "ar", "ary", "arz", "as", "az", "ba", "bcl", "be", "bg", "bn", "br",
    "bs", "ca", "crh", "cs", "cy", "da", "de", "dz", "el", "en", "eo", "es", "et", "eu", "ext",
    "fa", "fi", "fo", "fr", "fuv", "fy", "ga", "gcf", "gcr", "gd", "gl", "gom", "grc", "gu", "gug",
    "guw", "ha", "hbo", "he", "hi", "hr", "ht", "hu", "hy", "id", "ig", "is", "it", "ja", "jv",
    "ka", "kab", "kik", "kk", "km", "kn", "ko", "ku", "ky", "la", "lb", "lg", "lij", "ln", "lo",
    "lt", "ltg", "lv", "mg", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no",
    "nso", "oc", "om", "or", "pa", "pcm", "pl", "ps", "pt", "qu", "ro", "ru", "rw", "sa", "sdh",
    "se", "si", "sk", "sl", "sn", "so", "sq", "sr", "st", "sv", "sw", "ta", "te", "tg", "th", "tk",
    "tl", "tr", "tt", "ug", "uk", "ur", "uz", "uzs", "vec", "vi", "vo", "wa", "wuu", "xh", "yo",
    "yue", "zh", "zu",
})
# fmt: on
"""BCP 47 primary subtags that the detectors can answer."""

_ALIASES: Final = {"nb": "no", "iw": "he", "in": "id", "cmn": "zh", "fil": "tl", "prs": "fa"}
"""Subtags that authors declare for what the detectors call otherwise."""

LETTERS: Final = 20
"""Below this many letters a detector alone is not believed."""
SURE: Final = 0.8
"""Probability from which the fast detector needs no second opinion."""
CERTAIN: Final = 0.95
"""Probability from which it is believed against the author alone."""
AGREED: Final = 0.5
"""Probability that the second detector must give to what it votes for."""
IMPOSSIBLE: Final = 0.02
"""Share of the best probability below which a declared language is not believed."""


def check_language(tag: str) -> str:
    """Give ``tag`` back if a config may name it: a primary subtag that :func:`identify` can answer.

    Raises:
        UsageError: It is another one, or written otherwise (``en-US``, ``DE``).
    """
    if tag in LANGUAGES:
        return tag
    meant = _primary(tag)
    hint = f"Write {meant!r}." if meant else f"Known are: {' '.join(sorted(LANGUAGES))}."
    raise UsageError(f"{tag!r} is not a language that the detectors know by this subtag. {hint}")


def identify(text: str, declared: tuple[str, ...] = ()) -> str:
    """Name the language of ``text`` by its BCP 47 primary subtag; ``und`` rather than a guess.

    Args:
        text: Addresses, handles, hashtags, emoji and code in it do not count.
        declared: What its author declared, BCP 47 tags in any spelling; nonsense is ignored.
    """
    words = _words(text)
    letters = _count_letters(words)
    if not letters:
        return UNDETERMINED
    ranked = _ranked(words)
    claims = [claim for claim in map(_primary, declared) if claim]
    if not claims:
        return _undeclared(words, ranked) if letters >= LETTERS else UNDETERMINED
    best = max(ranked, key=lambda language: ranked[language])
    if best in claims:
        return best
    claim = _likeliest(claims, ranked)
    return claim if letters < LETTERS else _contradicted(words, ranked, claims, claim)


def _likeliest(claims: list[str], ranked: dict[str, float]) -> str:
    """The declared language that fits; ``und`` if none is possible, or two fit alike."""
    odds = sorted(((ranked.get(claim, 0.0), claim) for claim in set(claims)), reverse=True)
    (best, claim), *others = odds
    if best < IMPOSSIBLE * max(ranked.values()) or (others and others[0][0] > best / 2):
        return UNDETERMINED
    return claim


def _undeclared(words: str, ranked: dict[str, float]) -> str:
    best = max(ranked, key=lambda language: ranked[language])
    if ranked[best] >= SURE or _vote(words) == best:
        return _known(best)
    return UNDETERMINED


def _contradicted(words: str, ranked: dict[str, float], claims: list[str], claim: str) -> str:
    """Decide between the author and the fast detector, which sees another language."""
    best = max(ranked, key=lambda language: ranked[language])
    vote = _vote(words)
    if vote is not None and vote in claims:
        return vote
    if vote == best or ranked[best] >= CERTAIN:
        return _known(best)
    return claim if ranked[best] < SURE else UNDETERMINED


def _known(language: str) -> str:
    """Turn the fast detector's label for no language at all (zxx) into ``und``."""
    return language if language in LANGUAGES else UNDETERMINED


def _primary(tag: str) -> str | None:
    subtag = re.split(r"[-_]", tag.strip().lower(), maxsplit=1)[0]
    subtag = _ALIASES.get(subtag, subtag)
    return subtag if subtag in LANGUAGES else None


_CODE = re.compile(r"(`{3,}).*?\1|(`{1,2})[^`\n]*\2", re.DOTALL)
_SYMBOLS = re.compile("[\\d\u200d\ufe0f\u2190-\u2bff\U0001f000-\U0001faff]+")


def _words(text: str) -> str:
    words = _SYMBOLS.sub(" ", without_noise(_CODE.sub(" ", text)))
    return " ".join(words.split())


def _count_letters(words: str) -> int:
    """Letters; one of Chinese, Japanese or Korean counts for three."""
    return sum(3 if char >= "\u2e80" else 1 for char in words if char.isalpha())


# --- detectors --------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _first() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _ranked(words: str) -> dict[str, float]:
    return dict(_first().rank(words))


@lru_cache(maxsize=1)
def _second() -> DetectorFactory:
    from langdetect import PROFILES_DIRECTORY, DetectorFactory

    # Its own loader reads the profiles in the file system's order, which sums depend on.
    profiles = sorted(Path(PROFILES_DIRECTORY).iterdir())
    factory = DetectorFactory()
    factory.load_json_profile([profile.read_text("utf-8") for profile in profiles])
    factory.set_seed(0)
    return factory


def _vote(words: str) -> str | None:
    """The second detector's answer, if it has one that it is fairly sure of."""
    from langdetect.lang_detect_exception import LangDetectException

    detector = _second().create()
    detector.append(words)
    try:
        answers = detector.get_probabilities()
    except LangDetectException:  # it knows none of these letters
        return None
    if not answers or answers[0].prob < AGREED:
        return None
    return _primary(answers[0].lang)
