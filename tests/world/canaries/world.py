"""The world of canaries: its talks, its people's exports, and its ledger.

Three people on each platform talk, ADA, BEN and GIL, CLEO, DAN and HAL, who consent to everything; into what the
first two of them say, sentences are planted in every kind of place. Whoever plays a part answers one of them once.
The third answers what must stay out, so that it lies in the middle of what comes out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.world.canaries.consents import Consents
from tests.world.canaries.model import (
    ALONE,
    CONTEXT,
    NEVER,
    TRAINED,
    Canary,
    Fates,
    Part,
    Plant,
    by_build,
)
from tests.world.canaries.papers import (
    BEGIN,
    POST,
    Papers,
    as_collection,
    copied,
    stranger,
    time_text,
)
from tests.world.canaries.parts import TERMS, parts
from tests.world.canaries.plants import on_mastodon
from tests.world.canaries.repo_plants import on_bluesky
from tests.world.canaries.words import Language, Phrase, phrases
from tests.world.people import Person, Platform, cast

__all__ = ["CanaryWorld", "WrittenCanaries"]

TALKING: Mapping[str, Platform] = {
    "ADA": "mastodon",
    "BEN": "mastodon",
    "GIL": "mastodon",
    "CLEO": "bluesky",
    "DAN": "bluesky",
    "HAL": "bluesky",
}
OPENING = "Has anybody here done this before and can say how it went?"
CLOSING = "Good point, I will try it that way at the weekend."
BRANCHES = 8
"""Answers to one opening."""
CAST: Mapping[Platform, int] = {"mastodon": 96, "bluesky": 32}
"""People of whom each takes a part."""


class WrittenCanaries(NamedTuple):
    """Where a world was written."""

    exports: list[Path]
    ledger: Path
    terms: Path


class CanaryWorld:
    """Everything that is planted, and the documents that it was planted in. Always the same."""

    def __init__(self) -> None:
        self.canaries: list[Canary] = []
        self.accounts: dict[str, Person] = {}
        """Who plays which part, by its kind, and whoever talks by name."""
        self._papers = Papers()
        self._consents = Consents()
        self._openings: dict[str, tuple[str, int]] = {}
        self._phrases: dict[Language, Iterator[Phrase]] = {
            language: phrases(language) for language in ("en", "de", "pl")
        }
        self._people = {
            platform: iter(cast(size, size, [platform])) for platform, size in CAST.items()
        }
        for name, platform in TALKING.items():
            self._join(name, platform)
        self._plant_places()
        self._play_parts()
        self._talk()
        self._leave_around()
        for name in TALKING:
            self._consents.give(self.accounts[name], Part("", name))

    # --- people ------------------------------------------------------------------------------------

    def _join(self, name: str, platform: Platform, **facts: str) -> Person:
        """Let somebody new in: ``facts`` are true about them in particular."""
        person = replace(next(self._people[platform]), role="plain", bio="I repair things.")
        if "host" in facts:
            facts["uri"] = f"https://{facts['host']}/users/{person.username}"
        self.accounts[name] = person = replace(person, **facts)  # type: ignore[arg-type]  # all of them are text
        return person

    # --- what is planted where ---------------------------------------------------------------------

    def _plant_places(self) -> None:
        """Plant each place into an answer, in a talk of its own."""
        for plants, asks, answers, closes in (
            (on_mastodon(), "ADA", "BEN", "GIL"),
            (on_bluesky(), "CLEO", "DAN", "HAL"),
        ):
            lead, author = self.accounts[asks], self.accounts[answers]
            for plant in plants:
                lead, author = author, lead  # so that either of them has of each group
                said = self._canary(
                    plant.group, plant.kind, plant.fates, author, plant.language, raw=plant.raw
                )
                if not plant.own:
                    self.canaries[-1] = replace(said, account=None)
                answer = self._papers.say(
                    author, said.text, self._opening(lead), plant=plant, language=plant.language
                )
                if plant.kind == "a single post, excluded":
                    self._consents.excluded.setdefault(author.uri, []).append(answer)
                if plant.kind == "a single post, withdrawn":
                    self._consents.taken_back.setdefault(author.uri, []).append(answer)
                if plant.closed:
                    self._papers.say(self.accounts[closes], CLOSING, answer)

    def _play_parts(self) -> None:
        """Let each part answer ADA or CLEO, and be answered."""
        for part in parts():
            lead, third = ("ADA", "GIL") if part.platform == "mastodon" else ("CLEO", "HAL")
            facts = {"host": part.host} if part.host else {}
            person = self._join(part.kind, part.platform, **facts)
            self._papers[person].about.update(part.actor)
            self._papers[person].records.update(part.records)
            said = self._canary(part.group, part.kind, part.fates, person)
            opening = self._opening(self.accounts[lead])
            words = {"text": "{}"} if part.platform == "bluesky" else {"content": "<p>{}</p>"}
            plant = Plant(part.group, part.kind, {**words, **part.post}, activity=part.post)
            answer = self._papers.say(person, said.text, opening, plant=plant)
            self._papers.say(self.accounts[third], CLOSING, answer)
            self._consents.give(person, part)

    def _talk(self) -> None:
        """Plant what is about a post's place in a talk, and not about its own form."""
        for lead, other in (("ADA", "BEN"), ("BEN", "ADA"), ("CLEO", "DAN"), ("DAN", "CLEO")):
            one, two = self.accounts[lead], self.accounts[other]
            first = self._post("own words", f"opening of a talk ({lead})", CONTEXT, one)
            second = self._post(
                "own words", f"second part of an opening ({lead})", CONTEXT, one, first
            )
            third = self._post("own words", f"answer to an opening ({lead})", TRAINED, two, second)
            self._post("own words", f"answer to an answer ({lead})", TRAINED, one, third)
            post = None
            for part in ("one", "two", "three"):
                post = self._post(
                    "own words", f"part {part} of a thread ({lead})", ALONE, one, post
                )
            self._post("own words", f"a post that nobody answers ({lead})", ALONE, one)
            self._post(
                "own words",
                f"another language, unanswered ({lead})",
                by_build("alone", english="never"),
                one,
                language="de",
                raw=True,
            )
            self._post(
                "admitted, and in no row",
                f"a lone answer to somebody who is not in it ({lead})",
                NEVER,
                one,
                "{stranger}",
                raw=True,
            )
        for kind, fates in (
            ("consent to be read, not trained on", NEVER),
            ("an automated account", by_build("never", wide="alone")),
        ):
            self._post(
                "admitted, and in no row", f"{kind}: alone", fates, self.accounts[kind], raw=True
            )
        self._quote_back()
        self._edit()
        self._speak_elsewhere()

    def _quote_back(self) -> None:
        """ADA quotes what BEN said in the same talk: those words are in the dataset anyhow."""
        ada, ben = self.accounts["ADA"], self.accounts["BEN"]
        said = self._canary("own words", "quoted by somebody who answers it", TRAINED, ben)
        answer = self._papers.say(ben, said.text, self._opening(ada))
        quoting = Plant(
            "", "", {"content": f"<blockquote><p>{said.text}</p></blockquote><p>{{}}</p>"}
        )
        self._papers.say(ada, CLOSING, answer, plant=quoting)

    def _edit(self) -> None:
        """The same post twice in an outbox: the later wording counts."""
        ada, ben = self.accounts["ADA"], self.accounts["BEN"]
        opening = self._opening(ada)
        old = self._canary("deleted and former", "former wording, as a copy", NEVER, ben, raw=True)
        answer = self._papers.say(ben, old.text, opening)
        new = self._canary("own words", "latest wording of two copies", TRAINED, ben)
        items = self._papers[ben].items
        items.append(copied(items[-1], f"<p>{new.text}</p>", "2025-12-01T00:00:00Z"))
        self._papers.say(ada, CLOSING, answer)

    def _speak_elsewhere(self) -> None:
        """BEN has a second account, which his consent names; it answers ADA, and goes when he goes."""
        ada, ben = self.accounts["ADA"], self.accounts["BEN"]
        second = self._join("BEN2", "mastodon", subject=ben.subject)
        opening = self._opening(ada)
        self._post("own words", "answer from a second account", TRAINED, second, opening)
        self._consents.give(second, Part("", "BEN2"))

    def _leave_around(self) -> None:
        """Plant what lies beside the posts: other members and records, and what cannot be read."""
        ada, cleo = self.accounts["ADA"], self.accounts["CLEO"]
        around = "beside the posts"

        def planted(kind: str, person: Person, group: str = around) -> str:
            return self._canary(group, kind, NEVER, person).text

        likes = {"id": stranger(ada, 0), "type": "Note", "content": planted("likes.json", ada)}
        marks = {"id": stranger(ada, 0), "type": "Note", "content": planted("bookmarks.json", ada)}
        self._papers[ada].members |= {
            "likes.json": as_collection("likes.json", [likes]),
            "bookmarks.json": as_collection("bookmarks.json", [marks]),
            "direct_messages.json": json.dumps([{"content": planted("direct_messages.json", ada)}]),
            "media_attachments/files/1/original/letter.txt": planted("a text among the media", ada),
            "lists.csv": f"name\n{planted('lists.csv', ada)}\n",
        }
        self._papers[ada].about |= {
            "summary": f"<p>{planted('bio', ada)}</p>",
            "attachment": [
                {"type": "PropertyValue", "name": "Motto", "value": planted("profile field", ada)}
            ],
            "icon": {"type": "Image", "summary": planted("description of an avatar", ada)},
            "featured": {
                "type": "Collection",
                "items": [{"content": planted("pinned post, inlined", ada)}],
            },
        }
        records = self._papers[cleo].records
        for collection, name in (
            ("app.bsky.feed.like", "note"),
            ("app.bsky.feed.repost", "text"),
            ("app.bsky.graph.list", "description"),
            ("app.bsky.graph.starterpack", "description"),
            ("app.bsky.feed.generator", "description"),
            ("app.bsky.feed.threadgate", "text"),
            ("chat.bsky.convo.message", "text"),
            ("site.standard.document", "textContent"),
        ):
            record = {
                "$type": collection,
                "createdAt": time_text(BEGIN),
                name: planted(collection, cleo),
            }
            records[f"{collection}/3kabcdefghij2"] = record
        self._papers[cleo].about |= {"description": planted("bio, in a repo", cleo)}
        old = {"$type": POST, "createdAt": time_text(BEGIN), "langs": ["en"]}
        group = "deleted and former"
        self._papers[cleo].orphans += [
            {**old, "text": planted("a deleted record, still in the file", cleo, group)},
            {**old, "text": planted("a former wording, still in the file", cleo, group)},
        ]
        broken = self._join("an outbox that breaks off", "mastodon")
        self._papers.say(
            broken, planted("in the item where an outbox breaks off", broken, "what cannot be read")
        )
        self._papers[broken].breaks_off = True
        self._consents.give(broken, Part("", "broken"))

    def _opening(self, person: Person) -> str:
        """Give something of theirs to answer; every few answers, something new."""
        if person.uri not in self._openings or self._openings[person.uri][1] == BRANCHES:
            self._openings[person.uri] = self._papers.say(person, OPENING), 0
        uri, answers = self._openings[person.uri]
        self._openings[person.uri] = uri, answers + 1
        return uri

    # --- saying it ---------------------------------------------------------------------------------

    def _canary(
        self,
        group: str,
        kind: str,
        fates: Fates,
        person: Person,
        language: Language = "en",
        *,
        raw: bool = False,
    ) -> Canary:
        phrase = next(self._phrases[language])
        canary = Canary(group, kind, phrase.text, phrase.pieces, fates, person.uri, raw)
        self.canaries.append(canary)
        return canary

    def _post(
        self,
        group: str,
        kind: str,
        fates: Fates,
        person: Person,
        parent: str | None = None,
        *,
        language: Language = "en",
        raw: bool = False,
    ) -> str:
        said = self._canary(group, kind, fates, person, language, raw=raw)
        return self._papers.say(person, said.text, parent, language=language)

    # --- writing -----------------------------------------------------------------------------------

    def write(self, folder: Path) -> WrittenCanaries:
        """Write exports, ledger and the steward's terms into ``folder``."""
        exports = folder / "exports"
        exports.mkdir(parents=True)
        ledger = folder / "ledger.jsonl"
        ledger.write_text("".join(f"{line}\n" for line in self._consents.lines()), "utf-8")
        terms = folder / "terms.yaml"
        terms.write_text(yaml.safe_dump(TERMS), "utf-8")
        return WrittenCanaries(self._papers.write(exports), ledger, terms)
