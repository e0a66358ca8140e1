"""Arbitrary conversations under arbitrary options: forests, gaps, consents, quotes, headings, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from fedi_dataset.config import BuildConfig
from fedi_dataset.conversations.rows import Outcome, make_rows
from fedi_dataset.conversations.turns import Utterance, Whose
from fedi_dataset.conversations.wording import Words
from fedi_dataset.privacy.spans import Mark
from tests.conversations.trees import forests

SECRET = bytes(32)
ANCHOR = b"p0"
HEADING = "Heading of"
ABSENT: st.SearchStrategy[Whose | None] = st.sampled_from([None, "own", "other", "other"])


@dataclass(frozen=True)
class Scene:
    """A conversation with its words, and the config it is to be built with."""

    posts: Sequence[Utterance]
    words: Mapping[bytes, Words]
    config: BuildConfig

    def outcome(self, **changes: Any) -> Outcome:
        """What becomes of it, under the config or with some options changed."""
        config = BuildConfig.from_dict({**self.config.to_dict(), **changes})
        return make_rows(ANCHOR, self.posts, self.words, config=config, secret=SECRET)


def text_of(post: Utterance, heading: bool = False) -> str:
    """The words of a post, unlike any other's: a person is named in them, as a placeholder."""
    said = f"{post.key.decode()} says so to NAME"
    return f"{HEADING} {post.key.decode()}\n\n{said}" if heading else said


def words_for(post: Utterance, *, heading: bool, named: str) -> Words:
    """Give a post its words; the last one names somebody."""
    text = text_of(post, heading)
    begin = text.index("NAME")
    return Words(
        text=text,
        marks=(Mark(begin, begin + 4, "PERSON", named),),
        language="en",
        platform="mastodon",
        license="CC0-1.0",
        event_id=f"urn:of:{post.author.decode()}",
        headings=((0, text.index("\n")),) if heading else (),
    )


@st.composite
def configs(draw: st.DrawFn) -> BuildConfig:
    """Any valid choice of strategies."""
    roles = draw(
        st.sampled_from(["response", "op-as-user", "multi-party", "author=key:" + 32 * "0"])
    )
    max_turns = draw(st.integers(2, 8))
    return BuildConfig.from_dict(
        {
            "responses": draw(st.sampled_from(["all", "best-branch", "longest-path"])),
            "roles": roles,
            "gap_policy": draw(st.sampled_from(["cut", "placeholder", "drop"])),
            "quotes": draw(st.sampled_from(["text", "context"])),
            "titles": draw(st.sampled_from(["text", "context"])),
            "max_turns": max_turns,
            "max_characters": draw(st.none() | st.integers(20, 300)),
            "minimum_speakers": draw(st.integers(2, min(max_turns, 3))),
            "max_per_author": draw(st.none() | st.integers(1, 3)),
            "multi_turn": roles != "multi-party" and draw(st.booleans()),
        }
    )


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Any forest under any options; posts carry what the relational plane would attach for these."""
    config = draw(configs())
    posts = draw(forests(18))
    voice = draw(st.sampled_from(sorted({one.author for one in posts})))
    keys = [one.key for one in posts]
    staged = []
    for one in posts:
        absent = draw(ABSENT) if one.gap else None
        quotes = draw(st.lists(st.sampled_from(keys), max_size=2, unique=True))
        limited = config.max_per_author is not None
        staged.append(
            replace(
                one,
                absent=absent if config.gap_policy == "placeholder" else None,
                quotes=tuple(set(quotes) - {one.key}) if config.quotes == "context" else (),
                voice=config.voice is None or one.author == voice,
                over_limit=limited and draw(st.booleans()),
                single_over_limit=limited and draw(st.booleans()),
            )
        )
    words = {
        one.key: words_for(
            one,
            heading=config.titles == "context" and draw(st.booleans()),
            named=draw(st.sampled_from(["x", "y", "z"])),
        )
        for one in staged
    }
    return Scene(staged, words, config)
