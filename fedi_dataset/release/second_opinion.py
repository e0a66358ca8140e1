"""A second opinion on names: another model than the detector's, where one is installed, looks at a sample.

spaCy packages are taken as they are found (``en_core_web_sm`` or another of the text's language). Their opinion is the
steward's: it hangs on what is installed on a machine, and takes much of any capital letter for a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from fedi_dataset.config import BuildConfig
from fedi_dataset.errors import UsageError
from fedi_dataset.privacy.operators import Operators
from fedi_dataset.privacy.rates import percent, upper_bound
from fedi_dataset.release.manifest import read_manifest
from fedi_dataset.release.residual import Residual, Sampled, residual_of, sample

__all__ = ["Opinion", "Review", "opinions", "review"]

_PEOPLE: Final = frozenset({"PERSON", "PER"})
_SOMEBODY: Final = "somebody"
"""Stands for a placeholder, which a model would take for a name."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one model says of the sampled texts of its language."""

    model: str
    language: str
    sampled: int
    suspected: int
    """Texts in which it sees a person's name, often wrongly."""
    upper: float
    """95 % bound, as in residual.py."""

    @property
    def sentence(self) -> str:
        """Say it in words."""
        return (
            f"{self.model} sees a name in {self.suspected} of {self.sampled} sampled texts ({self.language}): "
            f"at most {percent(self.upper)} (95 % confidence), its false alarms included"
        )


@dataclass(frozen=True, slots=True)
class Review:
    """What is suspected in a release's sample, for the steward."""

    residual: Residual | None
    """As the card gives it; None without texts."""
    kinds: dict[str, int]
    """Texts by what the patterns suspect in them."""
    opinions: tuple[Opinion, ...]
    """What other models say that are installed."""


def review(release: Path) -> Review:
    """Look at a release's sample: once more with the patterns, and with other models.

    Its files must be those of its manifest, as audit checks. Raises UsageError if there is no release.
    """
    manifest = read_manifest(release)
    if manifest is None:
        raise UsageError(f"no release at {release}")
    sampled, texts = sample(manifest.files, lambda path: release / path)
    operators = Operators.of(BuildConfig.from_dict(manifest.config, where="the manifest's config"))
    residual, kinds = residual_of(sampled, texts, operators)
    return Review(residual, kinds, tuple(opinions(sampled, operators)))


def opinions(sampled: Iterable[Sampled], operators: Operators) -> list[Opinion]:
    """Ask one installed model for each language of the sample; nothing for languages without any."""
    ordered = sorted(sampled, key=lambda one: one.language)
    asked = []
    for language, group in groupby(ordered, key=lambda one: one.language):
        model = _model_of(language)
        if model is not None:
            texts = [operators.cleared(one.text, _SOMEBODY) for one in group]
            asked.append(_ask(model, language, texts))
    return asked


def _model_of(language: str) -> str | None:
    import spacy

    installed = sorted(spacy.util.get_installed_models())
    return next((name for name in installed if name.startswith(f"{language}_")), None)


def _ask(model: str, language: str, texts: Sequence[str]) -> Opinion:
    import spacy

    pipeline = spacy.load(model, exclude=["parser", "lemmatizer", "attribute_ruler", "tagger"])
    suspected = sum(
        any(_is_name(entity.text, entity.label_) for entity in document.ents)
        for document in pipeline.pipe(texts)
    )
    upper = round(upper_bound(suspected, len(texts)), 6)
    return Opinion(model, language, len(texts), suspected, upper)


def _is_name(words: str, label: str) -> bool:
    return label in _PEOPLE and words != words.lower()
