"""What must hold of dialogues: user first and in turn, and each response that may be trained is trained once.

They are held against the release's own conversations, turn by turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from fedi_dataset.config import BuildConfig
from fedi_dataset.privacy.operators import unnumbered
from fedi_dataset.release.manifest import Manifest

__all__ = ["DialogueProblems", "dialogue_problems", "rows_of_table"]

Turn = tuple[str, int]
"""A turn's place: its conversation's key and its number there."""


class DialogueProblems(NamedTuple):
    """What was read, and what is wrong with it."""

    dialogues: int
    turns: int
    alternation: list[str]
    """Dialogues whose roles do not alternate as they must."""
    once: list[str]
    """Responses that are trained twice, not at all, wrongly, or although they may not be."""


def dialogue_problems(folder: Path, manifest: Manifest) -> DialogueProblems:
    """Read all conversations and dialogues, and tell what is wrong, a sentence each; never a text."""
    config = BuildConfig.from_dict(manifest.config, where="the manifest's config")
    turns = _turns(folder, manifest)
    alternation: list[str] = []
    once: list[str] = []
    seen: set[str] = set()
    responses: set[Turn] = set()
    rows = 0
    for path, row in rows_of_table(folder, manifest, "dialogues"):
        rows += 1
        where = f"{path}: {row['dialogue_key']}"
        if not _alternates(row):
            alternation.append(where)
        response = (row["conversation_key"], row["response_turn"])
        turn = turns.get(response)
        if row["dialogue_key"] in seen or response in responses:
            once.append(f"{where} trains a response again")
        elif turn is None or not turn["trainable"]:
            once.append(f"{where} trains a turn that may not be")
        elif not _says(row["completion"], turn["text"], config):
            once.append(f"{where} does not complete with the turn that it names")
        seen.add(row["dialogue_key"])
        responses.add(response)
    once += [
        f"turn {turn} of conversation {conversation} may be trained and no dialogue does"
        for conversation, turn in sorted(_responses(turns, config) - responses)
    ]
    return DialogueProblems(rows, len(turns), alternation, once)


def _turns(folder: Path, manifest: Manifest) -> dict[Turn, dict[str, Any]]:
    """Read all turns, each with its row's number."""
    return {
        (row["conversation_key"], turn["turn"]): {**turn, "row": number}
        for number, (_, row) in enumerate(rows_of_table(folder, manifest, "conversations"))
        for turn in row["turns"]
    }


def _says(completion: Sequence[Mapping[str, str | None]], text: str, config: BuildConfig) -> bool:
    """Whether a completion is a turn's text, or what is left of it without headings that are not trained."""
    said = [unnumbered(one) for one in _said(completion)]
    if not config.splits_headings or len(said) != 1:
        return said == [unnumbered(text)]
    paragraphs = iter(unnumbered(text).split("\n\n"))
    return all(one in paragraphs for one in said[0].split("\n\n"))


def _responses(turns: Mapping[Turn, Mapping[str, Any]], config: BuildConfig) -> set[Turn]:
    """Find the turns that must have a dialogue: trainable answers with somebody else before them.

    Speakers are numbered in each row. Who speaks in another row is not known to be somebody else, so that of the turns
    that only such ones stand above none must have a dialogue; how many have one, the law says.
    """
    if config.leaves_out:
        return set()  # which ones hangs on what is not in the release; how many, the law says
    found: set[Turn] = set()
    for (conversation, number), turn in turns.items():
        above, speakers = turn["reply_to_turn"], set[int]()
        for _ in range(config.max_turns - 1):
            if (conversation, above) in turns:
                there = turns[conversation, above]
                speakers |= {there["speaker"]} if there["row"] == turn["row"] else set()
                above = there["reply_to_turn"]
        if turn["trainable"] and speakers - {turn["speaker"]}:
            found.add((conversation, number))
    return found


def _alternates(row: Mapping[str, Any]) -> bool:
    messages = [*row["prompt"], *row["completion"]]
    roles = [message["role"] for message in messages]
    expected = [("user", "assistant")[index % 2] for index in range(len(roles))]
    return (
        roles == expected
        and len(row["completion"]) == 1
        and roles[-1] == "assistant"
        and all(text.strip() for text in _said(messages))
    )


def _said(messages: Iterable[Mapping[str, str | None]]) -> list[str]:
    return [message["content"] or "" for message in messages]


def rows_of_table(
    folder: Path, manifest: Manifest, table: str, columns: list[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every row of a table with the shard that it stands in, a row group at a time."""
    for path, record in sorted(manifest.files.items()):
        if record.table == table:
            with pq.ParquetFile(folder / path) as shard:
                for group in range(shard.num_row_groups):
                    for row in shard.read_row_group(group, columns=columns).to_pylist():
                        yield path, row
