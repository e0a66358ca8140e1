"""A short talk of two invented people, as their exports and their ledger: small enough to read what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from fedi_dataset.consent.ledger import append
from tests.consent.events import given
from tests.readers.exports import ALICE, HOST, PUBLIC, create, members, note, saved, zipped

__all__ = ["BOB", "Talk", "write_talk"]

BOB = f"{HOST}/users/bob"
POLISH = (
    "<p>Czy ktoś wie, kiedy wraca Ala z miasta Gdynia? Miała pomóc przy łodziach na przystani.</p>",
    "<p>Ala wraca jutro rano, a łodzie mogą jeszcze poczekać do wieczora. Pisz: rob@post.example.org</p>",
)
ENGLISH = "<p>Thanks, I will be at the harbour with Ala tomorrow, write to me at al@post.example.org then.</p>"


class Talk(NamedTuple):
    """What a build is made from."""

    exports: tuple[Path, ...]
    ledger: Path


def write_talk(folder: Path, last: str = ENGLISH) -> Talk:
    """Write two exports and a ledger: two people talk in Polish about somebody else, Ala, and a town, Gdynia, by
    name; the last word is English, as HTML."""

    def said(number: int, content: str, language: str, **more: object) -> dict[str, Any]:
        at = f"2025-03-01T1{number}:00:00Z"
        return note(number, content=content, contentMap={language: content}, published=at, **more)

    asked = said(1, POLISH[0], "pl")
    answered = {
        **said(2, POLISH[1], "pl", inReplyTo=asked["id"]),
        "id": f"{BOB}/statuses/2",
        "attributedTo": BOB,
        "cc": [f"{BOB}/followers"],
        "url": f"{HOST}/@bob/2",
    }
    thanked = said(3, last, "en", inReplyTo=answered["id"])
    bob: dict[str, Any] = {
        "id": BOB,
        "preferredUsername": "bob",
        "name": "Robin Teasel",
        "url": f"{HOST}/@bob",
        "followers": f"{BOB}/followers",
    }
    ours = zipped(members([create(asked), create(thanked)], name="Alice Marsh"))
    theirs = zipped(members([create(answered, actor=BOB, to=[PUBLIC])], **bob))
    ledger = folder / "ledger.jsonl"
    for number, account in enumerate((ALICE, BOB), 1):
        append(ledger, given(id=f"urn:uuid:{number}", accounts=(account,)))
    return Talk((saved(folder, "a.zip", ours), saved(folder, "b.zip", theirs)), ledger)
