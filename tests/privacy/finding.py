"""What the pattern recognizers find, in a form that tests can compare."""

from __future__ import annotations

from fedi_dataset.privacy.recognizers import recognizers

__all__ = ["found", "found_as"]


def found(text: str, language: str = "en") -> list[tuple[str, str]]:
    """All (entity, stretch) that any pattern finds, in the order of the text, each once."""
    results = {
        (result.start, result.end, result.entity_type)
        for recognizer in recognizers(language)
        for result in recognizer.analyze(text, recognizer.supported_entities)
        if result.score >= 0.4
    }
    return [(entity, text[begin:end]) for begin, end, entity in sorted(results)]


def found_as(entity: str, text: str, language: str = "en") -> list[str]:
    """The stretches that are found as one entity."""
    return [stretch for kind, stretch in found(text, language) if kind == entity]
