"""Arbitrary forests for property tests, and short spellings for trees that are written out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from fedi_dataset.conversations.turns import Utterance, Whose

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


def post(
    key: str,
    author: str,
    parent: str | None = None,
    *,
    minute: int | None = None,
    gap: bool = False,
    untrained: str | None = None,
    absent: Whose | None = None,
    quotes: tuple[str, ...] = (),
    voice: bool = True,
    over_limit: bool = False,
    single_over_limit: bool = False,
) -> Utterance:
    """Write one utterance; without ``minute`` its time follows from its key's number."""
    at = int("".join(filter(str.isdigit, key)) or 0) if minute is None else minute
    return Utterance(
        key=key.encode(),
        author=author.encode(),
        at=EPOCH + timedelta(minutes=at),
        parent=parent.encode() if parent else None,
        gap=gap or absent is not None,
        untrained=untrained,
        absent=absent,
        quotes=tuple(one.encode() for one in quotes),
        voice=voice,
        over_limit=over_limit,
        single_over_limit=single_over_limit,
    )


@st.composite
def forests(draw: st.DrawFn, max_size: int = 30) -> list[Utterance]:
    """Any forest: few authors, any branching, equal and reversed times, gaps, mixed permissions."""
    size = draw(st.integers(1, max_size))
    authors = draw(st.integers(1, 4))
    posts = []
    for number in range(size):
        parent = draw(st.none() | st.integers(0, number - 1)) if number else None
        posts.append(
            post(
                f"p{number}",
                f"a{draw(st.integers(0, authors - 1))}",
                f"p{parent}" if parent is not None else None,
                minute=draw(st.integers(0, 5)),
                gap=parent is None and draw(st.booleans()),
                untrained=draw(
                    st.sampled_from([None, None, None, "context_only", "other_language"])
                ),
            )
        )
    return posts
