"""Rows of a release: what a conversation becomes once its words are scrubbed and its turns are made.

Pure: a conversation in, plain rows in the order of their turns out, each of the shape that schema.py states.
Placeholders and speakers are numbered anew in every row, so that nothing links a person across rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fedi_dataset.config import BuildConfig, Split
from fedi_dataset.consent.licenses import and_of
from fedi_dataset.conversations.dialogues import Dialogue, Message, Part, make_dialogues
from fedi_dataset.conversations.turns import Turn, Utterance, make_turns
from fedi_dataset.privacy.keys import key, key_hex
from fedi_dataset.privacy.placeholders import Placeholders
from fedi_dataset.privacy.spans import Mark

__all__ = ["LARGEST_ROW", "Outcome", "Words", "conversation_key", "make_rows", "split_of"]

LARGEST_ROW = 10_000
"""Turns above which a conversation is written as one row a top-level subtree."""


@dataclass(frozen=True, slots=True)
class Words:
    """What an utterance says, and under what terms."""

    text: str
    marks: tuple[Mark, ...]
    language: str
    platform: str
    license: str
    event_id: str


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
    room = _Room(words, conversation_key(secret, anchor), secret)
    turns = make_turns(utterances)
    if len({post.author for post in utterances}) > 1:
        return _several_voices(turns, room, config)
    return _one_voice(turns, room)


@dataclass(frozen=True, slots=True)
class _Room:
    """What every row of a conversation needs."""

    words: Mapping[bytes, Words]
    conversation: str
    secret: bytes

    def terms(self, posts: Iterable[Utterance]) -> dict[str, object]:
        """License and grants of a row that holds these posts."""
        said = [self.words[post.key] for post in posts]
        return {
            "license": and_of(one.license for one in said),
            "grants": sorted(
                {key_hex(self.secret, "grant", one.event_id, self.conversation) for one in said}
            ),
        }

    def text(self, posts: Iterable[Utterance], placeholders: Placeholders) -> str:
        """Join a turn's posts by blank lines, scrubbed with the row's numbering."""
        said = (self.words[post.key] for post in posts)
        return "\n\n".join(placeholders.render(one.text, one.marks) for one in said)

    def language(self, turn: Turn) -> str:
        """Language of a turn: that of its first post."""
        return self.words[turn.posts[0].key].language

    def platform(self, turn: Turn) -> str:
        """Platform of a turn."""
        return self.words[turn.posts[0].key].platform


def _several_voices(turns: Sequence[Turn], room: _Room, config: BuildConfig) -> Outcome:
    dialogues, reasons = make_dialogues(turns, max_turns=config.max_turns)
    if config.language_scope == "dialogue" and config.languages:
        foreign = [one for one in dialogues if _speaks_other(one, room, config.languages)]
        reasons |= {one.response: "other_language" for one in foreign}
        dialogues = [one for one in dialogues if one.response not in reasons]
    outcome = Outcome()
    outcome.rows["dialogues"] = [_dialogue_row(one, turns, room) for one in dialogues]
    outcome.rows["conversations"] = [_conversation_row(group, room) for group in _row_groups(turns)]
    outcome.posts = {post.key: None for turn in turns for post in turn.posts}
    outcome.turns = [(turn.author, reasons.get(turn.number)) for turn in turns]
    return outcome


def _one_voice(turns: Sequence[Turn], room: _Room) -> Outcome:
    outcome = Outcome()
    outcome.rows["posts"] = []
    below_gap: set[int] = set()
    for turn in turns:
        if turn.gap or (turn.answers is not None and turn.answers.turn in below_gap):
            below_gap.add(turn.number)
        reason = "reply_without_context" if turn.number in below_gap else turn.untrained
        outcome.posts |= {post.key: reason for post in turn.posts}
        if reason is None:
            outcome.rows["posts"].append(_post_row(turn, room))
    return outcome


def _speaks_other(dialogue: Dialogue, room: _Room, languages: tuple[str, ...]) -> bool:
    spoken = {room.words[post.key].language for post in dialogue.context}
    return bool(spoken - {*languages, "und"})


def _dialogue_row(dialogue: Dialogue, turns: Sequence[Turn], room: _Room) -> dict[str, object]:
    response = turns[dialogue.response]
    placeholders = Placeholders()
    context = dialogue.context
    prompt = [_message(message, room, placeholders) for message in dialogue.prompt]
    return {
        "dialogue_key": key_hex(room.secret, "dialogue", response.posts[0].key),
        "conversation_key": room.conversation,
        "response_turn": response.number,
        "prompt": prompt,
        "completion": [_message(dialogue.completion, room, placeholders)],
        "n_turns": dialogue.n_turns,
        "n_speakers": dialogue.n_speakers,
        "language": room.language(response),
        "context_languages": sorted({room.words[post.key].language for post in context}),
        "platform": room.platform(response),
        **room.terms([*context, *response.posts]),
    }


def _message(message: Message, room: _Room, placeholders: Placeholders) -> dict[str, str]:
    def said(part: Part) -> str:
        text = room.text(part.posts, placeholders)
        return f"Speaker {part.speaker}: {text}" if message.labels else text

    return {"role": message.role, "content": "\n\n".join(said(part) for part in message.parts)}


def _conversation_row(turns: Sequence[Turn], room: _Room) -> dict[str, object]:
    placeholders = Placeholders()
    speakers: dict[bytes, int] = {}
    return {
        "conversation_key": room.conversation,
        "turns": [
            {
                "turn": turn.number,
                "speaker": speakers.setdefault(turn.author, len(speakers) + 1),
                "reply_to_turn": turn.answers.turn if turn.answers is not None else None,
                "text": room.text(turn.posts, placeholders),
                "language": room.language(turn),
                "gap": turn.gap,
                "trainable": turn.untrained is None,
            }
            for turn in turns
        ],
        "language": room.language(turns[0]),
        "platform": room.platform(turns[0]),
        **room.terms(post for turn in turns for post in turn.posts),
    }


def _post_row(turn: Turn, room: _Room) -> dict[str, object]:
    return {
        "post_key": key_hex(room.secret, "row", turn.posts[0].key),
        "conversation_key": room.conversation,
        "text": room.text(turn.posts, Placeholders()),
        "language": room.language(turn),
        "platform": room.platform(turn),
        **room.terms(turn.posts),
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
