"""What stands above the first turn of a row, and is not in the row, as the conversation that it is of tells.

A dialogue does not say itself that its oldest turns were left out, or that it begins below a post that is not in the
dataset. Of a row of ``multi_turn`` the same holds of the last dialogue that it trains, which it is the whole of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

from fedi_dataset.preview.find import find_rows

__all__ = ["TURN", "Above", "above_of", "last_dialogues"]

Row = Mapping[str, Any]
Above = Literal["gap", "cut"]
"""What stands above a dialogue and is not in it: a post that is not in the dataset, or its oldest turns."""

TURN = "turns.list.element.turn"
"""The leaf of a conversation's turns that numbers them."""


def last_dialogues(rows: Mapping[str, Row], shards: Sequence[Path]) -> dict[str, Row]:
    """Find the dialogue that each row of ``multi_turn`` trains last; by the row's key, as ``rows`` are."""
    last = {row["dialogue_keys"][-1]: key for key, row in rows.items()}
    columns = ["dialogue_key", "conversation_key", "response_turn", "n_turns"]
    found = find_rows(shards, columns, last.keys())
    return {last[row["dialogue_key"]]: row for row in found}


def above_of(dialogues: Mapping[str, Row], shards: Sequence[Path]) -> dict[str, Above | None]:
    """Say what stands above each dialogue's first turn; by key, as ``dialogues`` are.

    ``shards`` are those of ``conversations``, in which the rows of one conversation follow each other.
    """
    waiting: dict[str, list[tuple[str, Row]]] = {}
    for key, row in dialogues.items():
        waiting.setdefault(row["conversation_key"], []).append((key, row))
    found: dict[str, Above | None] = {}
    columns = ["conversation_key", TURN]
    columns += ["turns.list.element.reply_to_turn", "turns.list.element.gap"]
    parts = find_rows(shards, columns, waiting.keys())
    for conversation, several in groupby(parts, itemgetter("conversation_key")):
        turns = {one["turn"]: one for part in several for one in part["turns"]}
        for key, row in waiting[conversation]:
            if row["response_turn"] in turns:
                found[key] = _climbed(row, turns)
        if len(found) == len(dialogues):
            break
    return found


def _climbed(row: Row, turns: Mapping[int, Row]) -> Above | None:
    """Climb from a response as many turns as its dialogue has; what is beyond was left out, or is a gap.

    ``turns`` are those of all rows of the conversation. Where one is missing all the same, nothing is said.
    """
    turn = turns[row["response_turn"]]
    for _ in range(row["n_turns"] - 1):
        if turn["reply_to_turn"] is None:
            break
        if turn["reply_to_turn"] not in turns:
            return None
        turn = turns[turn["reply_to_turn"]]
    if turn["reply_to_turn"] is not None:
        return "cut"
    return "gap" if turn["gap"] else None
