"""Rows of a release as other trainers read them. Pure: one row in, rows out, in their order.

The shapes are those of axolotl's ``chat_template`` datasets (``messages``, with ``message_field_training: train``:
https://docs.axolotl.ai/docs/dataset-formats/conversation.html), of LLaMA-Factory's ``sharegpt`` formatting
(``conversations``: https://llamafactory.readthedocs.io/en/latest/getting_started/data_preparation.html), and a plain
``text`` for continued pre-training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = [
    "flagged_messages",
    "multi_turn_messages",
    "sharegpt",
    "text_of_response",
    "texts_of_conversation",
    "texts_of_post",
]

_ABOUT: Final = ("language", "platform", "license")

_SHAREGPT: Final = {"user": "human", "assistant": "gpt"}

Row = Mapping[str, Any]


def flagged_messages(dialogue: Row) -> Iterator[dict[str, Any]]:
    """Give a dialogue as ``messages``, of which the completion alone has ``train``."""
    yield {
        "dialogue_keys": [dialogue["dialogue_key"]],
        "messages": [
            {**message, "train": last}
            for messages, last in ((dialogue["prompt"], False), (dialogue["completion"], True))
            for message in messages
        ],
        **_about(dialogue),
    }


def multi_turn_messages(row: Row) -> Iterator[dict[str, Any]]:
    """Give a row of ``multi_turn``: several responses, each with ``train``."""
    yield {"dialogue_keys": row["dialogue_keys"], "messages": row["messages"], **_about(row)}


def sharegpt(dialogue: Row) -> Iterator[dict[str, Any]]:
    """Give a dialogue as ``conversations``. The shape has no flags: train on the last message alone."""
    yield {
        "dialogue_key": dialogue["dialogue_key"],
        "conversations": [
            {"from": _SHAREGPT[message["role"]], "value": message["content"]}
            for message in (*dialogue["prompt"], *dialogue["completion"])
        ],
        **_about(dialogue),
    }


def texts_of_conversation(row: Row) -> Iterator[dict[str, Any]]:
    """Give the text of each turn that may be trained, and of no other: of a build that leaves none of them out."""
    for turn in row["turns"]:
        if turn["trainable"]:
            about = {**row, "language": turn["language"]}
            yield _text(row["conversation_key"], turn["text"], about)


def text_of_response(dialogue: Row) -> Iterator[dict[str, Any]]:
    """Give what a dialogue trains, without what it answers."""
    (completion,) = dialogue["completion"]
    yield _text(dialogue["dialogue_key"], completion["content"], dialogue)


def texts_of_post(row: Row) -> Iterator[dict[str, Any]]:
    """Give the text of a row of ``posts``."""
    yield _text(row["post_key"], row["text"], row)


def _text(key: str, text: str, row: Row) -> dict[str, Any]:
    """Write a text with the key of the row that it is of, by which removed_keys.jsonl names it."""
    keys = {"row_key": key, "conversation_key": row["conversation_key"]}
    return {**keys, "text": text, **_about(row)}


def _about(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in _ABOUT}
