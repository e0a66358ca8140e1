"""Rows laid out as lines of styled text: messages below each other, threads as indented trees.

Every line that is trained begins with ``>``, whatever colors there are. Texts stand in here as the release has them;
making them harmless is the terminal's part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

from fedi_dataset.preview.rows import Shown
from fedi_dataset.preview.tokens import Piece
from fedi_dataset.privacy.spans import ENTITIES

__all__ = ["BOUNDARY", "Line", "Span", "Style", "lines_of"]

Style = Literal["head", "plain", "trained", "speaker", "placeholder", "gap", "note"]

Row = dict[str, Any]

BOUNDARY: Final = "|"
"""Between two tokens."""
DEEPEST: Final = 20
"""Levels of a thread that are indented; below, the level is told."""
ROLE: Final = 10
"""Columns for a role."""

UNAVAILABLE: Final = "[unavailable]"
"""What a prompt says in place of a post that is not in the dataset, where a build asks for that."""

_ABOVE: Final = {
    "gap": "[gap] what this answers is not in the dataset",
    "cut": "[...] older turns were left out",
    None: None,
}
_SPECIAL: Final = re.compile(
    rf"(?P<speaker>\ASpeaker \d+:)|(?P<gap>{re.escape(UNAVAILABLE)})"
    rf"|(?P<placeholder>\[(?:{'|'.join(ENTITIES)})_\d+\])"
)


class Span(NamedTuple):
    """Text of one style."""

    text: str
    style: Style


class Line(NamedTuple):
    """A line; where it is wrapped, what follows is set below the end of its margin."""

    margin: tuple[Span, ...]
    content: tuple[Span, ...]
    trained: bool = False


def lines_of(shown: Shown, *, tokens: bool = False) -> Iterator[Line]:
    """Lay out a row: what it is, then what it says."""
    yield _line(_head(shown), "head")
    if shown.config == "conversations":
        yield from _thread(shown.row["turns"], shown.trained)
    elif shown.config == "posts":
        yield from _said(shown.row["text"], "", trained=True)
    else:
        if (above := _ABOVE[shown.above]) is not None:
            yield _line(above, "gap", indent=2)
        for message in _messages(shown.row):
            yield from _said(
                message["content"], f"{message['role']:<{ROLE}}", trained=message["train"]
            )
    if tokens:
        for pieces in shown.tokens:
            yield from _tokens(pieces)
        if shown.untokenized:
            yield _line(_untokenized(shown), "note", indent=2)


def _head(shown: Shown) -> str:
    row = shown.row
    about = [shown.split, row["language"], row["platform"]]
    if shown.config == "conversations":
        speakers = len({turn["speaker"] for turn in row["turns"]})
        about += [f"{len(row['turns'])} turns", f"{speakers} speakers"]
    elif shown.config != "posts":
        about += [f"{row['n_turns']} turns", f"{row['n_speakers']} speakers"]
    return f"{shown.config} {shown.key}  {', '.join([*about, row['license']])}"


def _messages(row: Row) -> Iterator[Row]:
    if "messages" in row:
        yield from row["messages"]
        return
    yield from ({**message, "train": False} for message in row["prompt"])
    yield from ({**message, "train": True} for message in row["completion"])


def _said(text: str, label: str, *, trained: bool) -> Iterator[Line]:
    """A text, line by line, its label before the first."""
    for number, line in enumerate(text.split("\n")):
        shown = label if number == 0 else " " * len(label) if line else ""
        yield Line(_margin(shown, trained), tuple(_styled(line, trained)), trained)


def _margin(label: str, trained: bool) -> tuple[Span, ...]:
    mark = Span("> " if trained else "  ", "trained" if trained else "plain")
    return (mark, Span(label, "speaker")) if label else (mark,)


def _styled(line: str, trained: bool) -> Iterator[Span]:
    rest: Style = "trained" if trained else "plain"
    end = 0
    for found in _SPECIAL.finditer(line):
        if found.start() > end:
            yield Span(line[end : found.start()], rest)
        style: Style = "placeholder"
        if found["speaker"]:
            style = "speaker"
        elif found["gap"]:
            style = "gap"
        yield Span(found.group(), style)
        end = found.end()
    if end < len(line) or not line:
        yield Span(line[end:], rest)


def _line(text: str, style: Style, *, indent: int = 0) -> Line:
    return Line((Span(" " * indent, "plain"),) if indent else (), (Span(text, style),))


# --- threads --------------------------------------------------------------------------------------


def _thread(turns: Sequence[Row], trained: frozenset[int]) -> Iterator[Line]:
    """Turns below what they answer, in their order; a chain of any length costs no stack."""
    there = {turn["turn"]: turn for turn in turns}
    below: dict[int | None, list[Row]] = {}
    for turn in turns:
        parent = turn["reply_to_turn"]
        below.setdefault(parent if parent in there else None, []).append(turn)
    waiting = [(turn, 1 if _headless(turn) else 0) for turn in reversed(below.get(None, []))]
    while waiting:
        turn, depth = waiting.pop()
        if turn["gap"]:
            yield _line(str(_ABOVE["gap"]), "gap", indent=2)
        elif _headless(turn) and turn["reply_to_turn"] not in there:
            yield _line(
                f"[...] turn {turn['reply_to_turn']} stands in another row", "gap", indent=2
            )
        level = "  " * min(depth, DEEPEST) + (f"({depth}) " if depth > DEEPEST else "")
        label = f"{level}Speaker {turn['speaker']}: "
        yield from _said(turn["text"], label, trained=turn["turn"] in trained)
        waiting += [(reply, depth + 1) for reply in reversed(below.get(turn["turn"], []))]


def _headless(turn: Row) -> bool:
    """Whether it answers something: at the top of a thread that is not there."""
    return turn["gap"] or turn["reply_to_turn"] is not None


# --- tokens ---------------------------------------------------------------------------------------


def _untokenized(shown: Shown) -> str:
    what = "no tokens"
    if shown.config != "dialogues":
        what += f" of {shown.untokenized} of {len(shown.row['dialogue_keys'])} responses"
    return f"{what}: too long for max_length, or it holds the template's marks"


def _tokens(pieces: Sequence[Piece]) -> Iterator[Line]:
    """Tokens with what parts them; a new line where the text has one, and where the mask changes."""
    ids = sum(len(piece.ids) for piece in pieces)
    trained = sum(piece.trained_ids for piece in pieces)
    yield _line(f"{ids} ids, {trained} of them trained", "note", indent=2)
    row: list[Piece] = []
    for piece in pieces:
        if row and (row[-1].trained != piece.trained or row[-1].text.endswith("\n")):
            yield _token_line(row)
            row = []
        row.append(piece)
    if row:
        yield _token_line(row)


def _token_line(pieces: Sequence[Piece]) -> Line:
    trained = pieces[0].trained
    spans: list[Span] = []
    for piece in pieces:
        several = f"<{len(piece.ids)}>" if len(piece.ids) > 1 else ""
        text = piece.text.replace("\n", "\\n")
        spans += [Span(text, "trained" if trained else "plain"), Span(several + BOUNDARY, "note")]
    return Line(_margin("", trained), tuple(spans), trained)
