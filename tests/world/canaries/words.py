"""Sentences that nobody else writes: ordinary words, in combinations that occur once in a world.

No filter has a reason to treat them specially, and a piece of one is as telling as the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

__all__ = ["Language", "Phrase", "phrases"]

Language = Literal["en", "de", "pl"]


class Phrase(NamedTuple):
    """A sentence, and the pieces of it that are found nowhere else (casefolded)."""

    text: str
    pieces: tuple[str, ...]


# fmt: off
_ENGLISH = (
    ("wooden", "narrow", "heavy", "sagging", "hollow", "dusty", "striped", "rusty", "polished",
     "tarnished", "folded", "foldable", "spotless", "slippery", "painted", "cracked", "padded", "rounded",
     "borrowed", "unfinished", "oversized", "lopsided", "patched", "varnished", "sturdy", "leaky",
     "woven", "speckled", "dented"),
    ("ladder", "kettle", "drawer", "bucket", "blanket", "shelf", "lantern", "stool", "curtain",
     "hammer", "teapot", "wardrobe", "mattress", "fence", "wheelbarrow", "saucepan", "doormat",
     "cushion", "basket", "hinge", "bookcase", "thermometer", "colander", "clothesline", "toolbox",
     "bathtub", "notebook", "windowsill", "lampshade", "footstool"),
)
_GERMAN = (
    ("altes", "rotes", "schweres", "krummes", "hohles", "glattes", "rundes", "blasses", "dickes",
     "leeres", "stumpfes"),
    ("Regal", "Sieb", "Geschirr", "Fass", "Kissen", "Seil", "Schloss", "Tablett", "Netz", "Messer",
     "Rohr", "Becken"),
)
_POLISH = (
    ("zielony", "stary", "szeroki", "drewniany", "pusty"),
    ("kamień", "dywan", "garnek", "parasol", "stolik", "worek"),
)
# fmt: on
_SHAPES = {
    "en": (
        "For that I would take the {0}, and after it the {1} as well.",
        "I would rather keep the {0} than the {1}, if you ask me.",
        "It took me a while to see that the {0} was heavier than the {1}.",
        "In the end we mended the {0} and threw the {1} away.",
        "You could always use the {0} instead, and leave the {1} where it is.",
    ),
    "de": (
        "Gestern habe ich ein {0} gesucht und dabei nur ein {1} im Keller gefunden.",
        "Wer so ein {0} hat, braucht eigentlich auch noch ein {1} dazu.",
    ),
    "pl": ("W piwnicy od dawna leżał {0}, a obok niego {1}, którego nikt nie używał.",),
}
_PARTS = {"en": _ENGLISH, "de": _GERMAN, "pl": _POLISH}


def phrases(language: Language) -> Iterator[Phrase]:
    """Give sentences of a language, in which no two words stand side by side twice."""
    pairs = _pairs(*_PARTS[language])
    shapes = _SHAPES[language]
    for number, (one, other) in enumerate(zip(pairs, pairs, strict=True)):
        text = shapes[number % len(shapes)].format(one, other)
        yield Phrase(text, (one.casefold(), other.casefold()))


def _pairs(first: tuple[str, ...], second: tuple[str, ...]) -> Iterator[str]:
    """Every pair once: the lengths have no common divisor, so that both lists can be walked round at once."""
    for number in range(len(first) * len(second) // 2 * 2):
        yield f"{first[number % len(first)]} {second[number % len(second)]}"
