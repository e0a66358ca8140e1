"""Economy: dialogues of one author on one way, in one row, where a trainer takes loss message by message.

A dialogue whose messages, its response included, are word for word the beginning of a later one's prompt need not
be written again: the later one's row trains both messages. So each response is still trained exactly once, and
what a model reads before it is exactly what it reads in its own dialogue, roles, labels and numbering included.
What differs in anything (a turn answered in its middle, a way that lost its oldest turns, own turns that fold
into the user's message) is written on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fedi_dataset.conversations.dialogues import Dialogue

__all__ = ["Shared", "share_rows"]


@dataclass(frozen=True, slots=True)
class Shared:
    """One row: a dialogue, and all whose responses are trained in it."""

    whole: Dialogue
    trained: tuple[Dialogue, ...]
    """In order; the last one is ``whole``. The message that one trains is the one after its prompt."""

    @property
    def places(self) -> frozenset[int]:
        """Which messages are trained, from 0."""
        return frozenset(len(one.prompt) for one in self.trained)


def share_rows(
    dialogues: Sequence[Dialogue], is_whole: Callable[[Dialogue], bool] = lambda _: True
) -> list[Shared]:
    """Give the fewest rows that train each response once, in the order of their last responses.

    ``dialogues`` of one conversation, in the order of their responses. ``is_whole`` says whether a completion says all
    that its turn says where it is context; one that does not can only be the last of its row.
    A response that several rows could train is trained in the first of them.
    """
    by_first = {one.said[0].key: one for one in dialogues if is_whole(one)}
    before = {one.response: _before(one, by_first) for one in dialogues}
    inner = {former.response for former in before.values() if former is not None}
    done: set[int] = set()
    rows: list[Shared] = []
    for whole in dialogues:
        if whole.response in inner:
            continue
        trained: list[Dialogue] = []
        here: Dialogue | None = whole
        while here is not None and here.response not in done:
            done.add(here.response)
            trained.append(here)
            here = before[here.response]
        rows.append(Shared(whole, tuple(reversed(trained))))
    return rows


def _before(dialogue: Dialogue, by_first: dict[bytes, Dialogue]) -> Dialogue | None:
    """The longest dialogue that this one begins with."""
    prompt = dialogue.prompt
    for at in range(len(prompt) - 2, 0, -2):
        one = by_first.get(prompt[at].parts[0].posts[0].key)
        if one is not None and one.completion == prompt[at] and one.prompt == prompt[:at]:
            return one
    return None
