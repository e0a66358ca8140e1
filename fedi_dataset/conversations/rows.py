"""Rows of a release: what a conversation becomes once its words are scrubbed and its turns are made.

Pure: a conversation in, plain rows in the order of their turns out, each of the shape that schema.py states.
Placeholders and speakers are numbered anew in every row, so that nothing links a person across rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fedi_dataset.config import BuildConfig, Split
from fedi_dataset.conversations.dialogues import Dialogue, make_dialogues
from fedi_dataset.conversations.economy import Shared, share_rows
from fedi_dataset.conversations.strategies import left_out, single_left_out, without_fragments
from fedi_dataset.conversations.turns import Turn, Utterance, make_turns
from fedi_dataset.conversations.wording import Wording, Words
from fedi_dataset.privacy.keys import key, key_hex
from fedi_dataset.privacy.operators import Operators

__all__ = ["LARGEST_ROW", "Outcome", "conversation_key", "make_rows", "split_of"]

LARGEST_ROW = 10_000
"""Turns above which a conversation is written as one row a top-level subtree."""


@dataclass(slots=True)
class Outcome:
    """What a conversation became: rows by table, and why each post and each turn is not more than it is."""

    rows: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    posts: dict[bytes, str | None] = field(default_factory=dict)
    """For each post: None if its words stand in a row, else the reason."""
    turns: list[tuple[bytes, str | None]] = field(default_factory=list)
    """For each turn of a row of ``conversations``: its author, and None if it is a response, else the reason."""


def conversation_key(secret: bytes, anchor: bytes) -> str:
    """Key of the conversation below ``anchor``, as releases show it."""
    return key_hex(secret, "conversation", anchor)


def split_of(secret: bytes, anchor: bytes, config: BuildConfig) -> Split:
    """Give the split of a conversation: a keyed hash of its anchor against the configured shares."""
    drawn = int.from_bytes(key(secret, "split", anchor)[:8], "big") / 2**64
    if drawn < config.splits.train:
        return "train"
    if drawn < config.splits.train + config.splits.validation:
        return "validation"
    return "test"


def make_rows(
    anchor: bytes,
    utterances: Sequence[Utterance],
    words: Mapping[bytes, Words],
    *,
    config: BuildConfig,
    secret: bytes,
) -> Outcome:
    """Turn one conversation into rows. ``words`` has an entry for every utterance's key."""
    conversation = conversation_key(secret, anchor)
    operators = Operators.of(config, key(secret, "masked", conversation))
    wording = Wording(words, conversation, secret, operators)
    below: list[Utterance] = []
    if config.gap_policy == "drop":
        utterances, below = without_fragments(utterances)
    turns = make_turns(utterances)
    missing = any(post.absent == "other" for post in utterances)
    if missing or len({post.author for post in utterances}) > 1:
        outcome = _several_voices(turns, wording, config)
    else:
        outcome = _one_voice(turns, wording)
    outcome.posts |= {post.key: "below_gap" for post in below}
    return outcome


def _several_voices(turns: Sequence[Turn], wording: Wording, config: BuildConfig) -> Outcome:
    dialogues, reasons = make_dialogues(
        turns,
        max_turns=config.max_turns,
        left_out=left_out(turns, config),
        transcript=config.roles == "multi-party",
        fits=_fits(wording, config.max_characters),
    )
    few = [one for one in dialogues if one.n_speakers < config.minimum_speakers]
    reasons |= {one.response: "too_few_speakers" for one in few}
    if config.language_scope == "dialogue" and config.languages:
        foreign = [one for one in dialogues if _speaks_other(one, wording, config.languages)]
        reasons = {one.response: "other_language" for one in foreign} | reasons
    dialogues = [one for one in dialogues if one.response not in reasons]
    outcome = Outcome()
    outcome.rows["dialogues"] = [_dialogue_row(one, turns, wording) for one in dialogues]
    if config.multi_turn:
        shared = share_rows(dialogues, wording.is_whole)
        outcome.rows["multi_turn"] = [_shared_row(one, turns, wording) for one in shared]
    outcome.rows["conversations"] = [
        _conversation_row(group, wording) for group in _row_groups(turns)
    ]
    outcome.posts = {post.key: None for turn in turns for post in turn.posts}
    outcome.turns = [(turn.author, reasons.get(turn.number)) for turn in turns]
    return outcome


def _one_voice(turns: Sequence[Turn], wording: Wording) -> Outcome:
    outcome = Outcome()
    outcome.rows["posts"] = []
    _, below = without_fragments([post for turn in turns for post in turn.posts])
    below_gap = {post.key for post in below}
    for turn in turns:
        reason = "reply_without_context" if turn.posts[0].key in below_gap else turn.untrained
        reason = reason or single_left_out(turn)
        outcome.posts |= {post.key: reason for post in turn.posts}
        if reason is None:
            outcome.rows["posts"].append(_post_row(turn, wording))
    return outcome


def _speaks_other(dialogue: Dialogue, wording: Wording, languages: tuple[str, ...]) -> bool:
    spoken = {wording.words[post.key].language for post in dialogue.context}
    return bool(spoken - {*languages, "und"})


def _fits(wording: Wording, most: int | None) -> Callable[[Dialogue], bool] | None:
    """Say whether a dialogue's messages have at most so many characters, as they will be written."""
    if most is None:
        return None

    def fits(dialogue: Dialogue) -> bool:
        messages = wording.messages(dialogue, {len(dialogue.prompt)})
        return sum(len(message["content"]) for message in messages) <= most

    return fits


def _dialogue_key(dialogue: Dialogue, wording: Wording) -> str:
    return key_hex(wording.secret, "dialogue", dialogue.said[0].key)


def _dialogue_row(dialogue: Dialogue, turns: Sequence[Turn], wording: Wording) -> dict[str, object]:
    *prompt, completion = wording.messages(dialogue, {len(dialogue.prompt)})
    return {
        "dialogue_key": _dialogue_key(dialogue, wording),
        "conversation_key": wording.conversation,
        "response_turn": dialogue.response,
        "prompt": prompt,
        "completion": [completion],
        **_about(dialogue, turns, wording),
    }


def _shared_row(shared: Shared, turns: Sequence[Turn], wording: Wording) -> dict[str, object]:
    messages = wording.messages(shared.whole, shared.places)
    return {
        "multi_turn_key": key_hex(wording.secret, "row", "multi_turn", shared.whole.said[0].key),
        "conversation_key": wording.conversation,
        "dialogue_keys": [_dialogue_key(one, wording) for one in shared.trained],
        "messages": [
            {**message, "train": place in shared.places} for place, message in enumerate(messages)
        ],
        **_about(shared.whole, turns, wording),
    }


def _about(dialogue: Dialogue, turns: Sequence[Turn], wording: Wording) -> dict[str, object]:
    """What a row says about its dialogue beside the words."""
    response = turns[dialogue.response]
    context = dialogue.context
    return {
        "n_turns": dialogue.n_turns,
        "n_speakers": dialogue.n_speakers,
        "language": wording.language(response),
        "context_languages": sorted({wording.words[post.key].language for post in context}),
        "platform": wording.platform(response),
        **wording.terms([*context, *response.posts]),
    }


def _conversation_row(turns: Sequence[Turn], wording: Wording) -> dict[str, object]:
    placeholders = wording.placeholders()
    speakers: dict[bytes, int] = {}
    return {
        "conversation_key": wording.conversation,
        "turns": [
            {
                "turn": turn.number,
                "speaker": speakers.setdefault(turn.author, len(speakers) + 1),
                "reply_to_turn": turn.answers.turn if turn.answers is not None else None,
                "text": wording.text(turn.posts, placeholders),
                "language": wording.language(turn),
                "gap": turn.gap,
                "trainable": turn.untrained is None,
            }
            for turn in turns
        ],
        "language": wording.language(turns[0]),
        "platform": wording.platform(turns[0]),
        **wording.terms(post for turn in turns for post in turn.posts),
    }


def _post_row(turn: Turn, wording: Wording) -> dict[str, object]:
    return {
        "post_key": key_hex(wording.secret, "row", turn.posts[0].key),
        "conversation_key": wording.conversation,
        "text": wording.text(turn.posts, wording.placeholders(), trained=True),
        "language": wording.language(turn),
        "platform": wording.platform(turn),
        **wording.terms(turn.posts),
    }


def _row_groups(turns: Sequence[Turn]) -> Iterator[list[Turn]]:
    """All turns as one row, or, above LARGEST_ROW of them, one row a subtree below a top turn.

    A top turn without its subtrees stands with the first of them.
    """
    if len(turns) <= LARGEST_ROW:
        yield list(turns)
        return
    subtree: dict[int, int] = {}
    first_below: dict[int, int] = {}
    for (
        turn
    ) in turns:  # a reply may be dated before what it answers, so climb rather than rely on order
        branch = _branch(turn, turns, subtree)
        top = turns[branch].answers
        if top is not None:
            first_below.setdefault(top.turn, branch)
    groups: dict[int, list[Turn]] = {}
    for turn in turns:
        branch = subtree[turn.number]
        groups.setdefault(first_below.get(branch, branch), []).append(turn)
    yield from groups.values()


def _branch(turn: Turn, turns: Sequence[Turn], subtree: dict[int, int]) -> int:
    """Find the top turn or direct answer to one that ``turn`` stands below; remembers the way's answers."""
    way: list[int] = []
    number = turn.number
    while number not in subtree:
        way.append(number)
        above = turns[number].answers
        if above is None or turns[above.turn].answers is None:
            subtree[number] = number
            break
        number = above.turn
    found = subtree[number]
    subtree.update(dict.fromkeys(way, found))
    return found
