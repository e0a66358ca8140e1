"""Quotes through build(): nobody quotes what is not said yet, and what may only be read is not trained as a quote."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedi_dataset.pipeline import BuildReport
from tests.test_cell_strategies import (
    AGREED,
    FROST,
    PEONIES,
    QUINCE,
    Says,
    audited,
    built_of,
    told,
    uri_of,
)

pytestmark = pytest.mark.slow

LILAC = "That makes two of us here, then, what about the lilac?"
BLOOM = "The lilac is in full bloom with me since yesterday."


def pasting(words: str, text: str) -> str:
    """HTML of a post that pastes words above its own."""
    return f"<blockquote><p>{words}</p></blockquote><p>{text}</p>"


def prompts(report: BuildReport) -> dict[str, list[str]]:
    """The prompts of a release by what they are answered with."""
    return {said[-1].removeprefix("a: "): said[:-1] for said in told(report)}


def test_the_post_that_is_answered_is_the_one_that_is_quoted(tmp_path: Path) -> None:
    """Carol quotes Bob, whom she answers; Dave, who says the same later, is not in her dialogue."""
    talk = [
        Says("carol", f"<p>{PEONIES}</p>"),
        Says("bob", f"<p>{QUINCE}</p>", 0),
        Says("carol", pasting(QUINCE, LILAC), 1),
        Says("erin", f"<p>{BLOOM}</p>", 2),
        Says("dave", f"<p>{QUINCE}</p>", 0),
    ]
    report = built_of(tmp_path, talk, quotes="context")
    found = prompts(report)
    assert found[LILAC] == [f"u: Speaker 1: {PEONIES}\n\nSpeaker 2: {QUINCE}"]
    assert found[BLOOM] == [f"u: Speaker 1: {PEONIES}\n\nSpeaker 2: {QUINCE}\n\nSpeaker 1: {LILAC}"]
    assert found[QUINCE] == [f"u: {PEONIES}"]
    assert audited(report).ok


def test_of_others_the_last_who_said_it_before_is_quoted(tmp_path: Path) -> None:
    """Dave, Bob and Frank say the same, Frank after Erin quotes it: what she quotes is Bob's, also in his own eyes."""
    talk = [
        Says("carol", f"<p>{PEONIES}</p>"),
        Says("dave", f"<p>{QUINCE}</p>", 0),
        Says("bob", f"<p>{QUINCE}</p>", 0),
        Says("erin", pasting(QUINCE, LILAC), 0),
        Says("frank", f"<p>{QUINCE}</p>", 0),
        Says("bob", f"<p>{BLOOM}</p>", 3),
    ]
    report = built_of(tmp_path, talk, quotes="context")
    assert prompts(report)[BLOOM] == [f"u: {PEONIES}", f"a: {QUINCE}", f"u: {LILAC}"]
    assert audited(report).ok


@pytest.mark.parametrize("quotes", ["text", "context"])
@pytest.mark.parametrize("backdated", [False, True])
def test_words_that_nobody_here_has_said_yet_are_a_strangers(
    tmp_path: Path, quotes: str, backdated: bool
) -> None:
    """They go, and the answer that says them is no context of what it answers, whatever its date says."""
    early = {"published": "2025-02-01T10:00:00Z"} if backdated else {}
    talk = [
        Says("carol", f"<p>{PEONIES}</p>"),
        Says("bob", pasting(BLOOM, FROST), 0),
        Says("carol", f"<p>{BLOOM}</p>", 1, early),
    ]
    report = built_of(tmp_path, talk, quotes=quotes)
    found = prompts(report)
    assert found[FROST] == [f"u: {PEONIES}"]
    assert len(found) == 2
    assert audited(report).ok


@pytest.mark.parametrize("backdated", [False, True])
def test_a_reference_to_an_answer_does_not_put_it_before_what_it_answers(
    tmp_path: Path, backdated: bool
) -> None:
    """Bob's post names Carol's answer to it as what it quotes."""
    talk = [Says("carol", f"<p>{PEONIES}</p>"), Says("bob", f"<p>{FROST}</p>", 0)]
    early = {"published": "2025-02-01T10:00:00Z"} if backdated else {}
    talk.append(Says("carol", f"<p>{BLOOM}</p>", 1, early))
    talk[1] = talk[1]._replace(fields={"quote": uri_of(talk, 2)})
    report = built_of(tmp_path, talk, quotes="context")
    assert prompts(report)[FROST] == [f"u: {PEONIES}"]
    assert audited(report).ok


def test_a_quote_of_what_came_after_the_turn_began_is_not_read_before_it(tmp_path: Path) -> None:
    """Carol goes on with her post and quotes Bob's answer to it: her question is not read below its answer."""
    talk = [
        Says("carol", f"<p>{PEONIES}</p>"),
        Says("bob", f"<p>{QUINCE}</p>", 0),
        Says("carol", pasting(QUINCE, LILAC), 0),
        Says("erin", f"<p>{BLOOM}</p>", 2),
    ]
    report = built_of(tmp_path, talk, quotes="context")
    found = prompts(report)
    assert found[QUINCE] == [f"u: {PEONIES}"]
    assert found[BLOOM] == [f"u: {PEONIES}\n\n{LILAC}"]
    assert audited(report).ok


def test_pasted_words_that_may_only_be_read_are_not_trained(tmp_path: Path) -> None:
    """As text they would be a part of somebody else's response; read before it they may be."""
    talk = [
        Says("alice", f"<p>{PEONIES}</p>"),
        Says("bob", f"<p>{FROST}</p>", 0),
        Says("carol", pasting(FROST, AGREED), 1),
    ]
    read_only = {"bob": {"use": "context"}}
    for quotes in ("text", "context"):
        report = built_of(tmp_path / quotes, talk, consents=read_only, quotes=quotes)
        assert prompts(report) == {
            AGREED: [f"u: Speaker 1: {PEONIES}\n\nSpeaker 2: {FROST}"],
        }
        assert audited(report).ok
    plain = built_of(tmp_path / "plain", talk)
    assert f"> {FROST}\n\n{AGREED}" in prompts(plain)
