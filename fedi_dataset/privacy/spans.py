"""What privacy's rooms hand each other: spans that were detected, people, and marks to replace."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Mark", "Person", "Span"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Something detected in a text. Offsets in code points, end exclusive; Presidio's score."""

    begin: int
    end: int
    entity: str
    score: float


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who takes part in a conversation or is mentioned in it, by what names them."""

    referent: str
    """Stands for this person in marks; the account key in hex."""
    handles: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A stretch of text to replace by a placeholder. ``referent`` is equal for what is the same."""

    begin: int
    end: int
    entity: str
    referent: str
