"""The world of canaries: its talks, its people's exports, and its ledger.

Three people on each platform talk, ADA, BEN and GIL, CLEO, DAN and HAL, who consent to everything; into what the
first two of them say, sentences are planted in every kind of place. Whoever plays a part answers one of them once.
The third answers what must stay out, so that it lies in the middle of what comes out.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from libipld import encode_cid, encode_dag_cbor

from tests.mst import car, cid, section, tid
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
from tests.world.canaries.parts import CONTROLLER, TERMS, parts
from tests.world.canaries.plants import EXCLUDED_TAG, on_bluesky, on_mastodon
from tests.world.canaries.words import Language, Phrase, phrases
from tests.world.ledger import chained
from tests.world.mastodon import write_zip
from tests.world.mastodon_documents import CONTEXT as JSON_LD
from tests.world.mastodon_documents import PUBLIC, actor
from tests.world.people import Person, Platform, cast

__all__ = ["CanaryWorld", "WrittenCanaries"]

BEGIN = datetime(2025, 2, 1, tzinfo=UTC)
GIVEN = datetime(2026, 5, 2, 9, tzinfo=UTC)
POST = "app.bsky.feed.post"
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
NO_CID = encode_cid(cid(b"nothing"))
CAST: Mapping[Platform, int] = {"mastodon": 96, "bluesky": 32}


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
        """Who plays which part, by its kind, and ADA, BEN, CLEO and DAN."""
        self._items: dict[str, list[dict[str, Any]]] = {}
        self._records: dict[str, dict[str, dict[str, Any]]] = {}
        self._orphans: dict[str, list[dict[str, Any]]] = {}
        self._actors: dict[str, Mapping[str, Any]] = {}
        self._members: dict[str, dict[str, str]] = {}
        self._events: list[dict[str, Any]] = []
        self._excluded: dict[str, list[str]] = {}
        self._taken_back: dict[str, list[str]] = {}
        self._openings: dict[str, tuple[str, int]] = {}
        self._phrases: dict[Language, Iterator[Phrase]] = {
            language: phrases(language) for language in ("en", "de", "pl")
        }
        self._tick = count()
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
            self._consent(self.accounts[name], Part("", name))

    # --- people ------------------------------------------------------------------------------------

    def _join(self, name: str, platform: Platform, host: str | None = None) -> Person:
        person = replace(next(self._people[platform]), role="plain", bio="I repair things.")
        if host is not None:
            person = replace(person, host=host, uri=f"https://{host}/users/{person.username}")
        self.accounts[name] = person
        if platform == "mastodon":
            self._items[person.uri] = []
        else:
            self._records[person.uri] = {}
        return person

    def _consent(self, person: Person, part: Part) -> None:
        """Write the events of a part: one that covers everything, with what differs, and what came later."""
        if part.consent is None:
            return
        evidence = {
            "method": "account-field",
            "ref": f"at://{person.uri}/app.bsky.actor.profile/self",
        }
        given = {
            "event": "given",
            "at": _time(GIVEN),
            "subject": person.subject,
            "accounts": [person.uri],
            "controller": CONTROLLER,
            "recipients": "gated",
            "purposes": ["llm-fine-tuning", "dataset-publication"],
            "special_categories": True,
            "license": "CC-BY-4.0",
            "age_at_least": 17 if person.host == "grownups.example" else 18,
            "visibilities": ["public", "unlisted"],
            "exclude": {"posts": self._excluded.get(person.uri, []), "tags": [EXCLUDED_TAG]},
            "acquisition": ["own-export"],
            "notice": {
                "sha256": sha256(b"What you hand over, and what becomes of it.").hexdigest()
            },
            "evidence": {"method": "self-asserted"} if person.platform == "mastodon" else evidence,
            **part.consent,
        }
        if part.post:  # the one part that is about unlisted posts and says so
            given["visibilities"] = ["public"]
        self._event(given)
        for more in part.later:
            again = given if more["event"] in ("given", "renewed") else {"accounts": [person.uri]}
            self._event({**again, "at": _time(GIVEN + timedelta(days=9)), **more})
        if posts := self._taken_back.get(person.uri):
            self._event(
                {"event": "withdrawn", "at": _time(GIVEN), "accounts": [person.uri], "posts": posts}
            )

    def _event(self, event: dict[str, Any]) -> None:
        self._events.append({"id": uuid.UUID(int=len(self._events) + 1, version=4).urn, **event})

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
                answer = self._say(
                    author, said.text, self._opening(lead), plant=plant, language=plant.language
                )
                if plant.kind == "a single post, excluded":
                    self._excluded.setdefault(author.uri, []).append(answer)
                if plant.kind == "a single post, withdrawn":
                    self._taken_back.setdefault(author.uri, []).append(answer)
                if plant.closed:
                    self._say(self.accounts[closes], CLOSING, answer)

    def _play_parts(self) -> None:
        """Let each part answer ADA or CLEO, and be answered."""
        for part in parts():
            lead, third = ("ADA", "GIL") if part.platform == "mastodon" else ("CLEO", "HAL")
            person = self._join(part.kind, part.platform, part.host)
            self._actors[person.uri] = part.actor
            if part.platform == "bluesky":
                self._records[person.uri].update(
                    {path: dict(record) for path, record in part.records.items()}
                )
            said = self._canary(part.group, part.kind, part.fates, person, raw=part.raw)
            opening = self._opening(self.accounts[lead])
            words = {"text": "{}"} if part.platform == "bluesky" else {"content": "<p>{}</p>"}
            plant = Plant(part.group, part.kind, {**words, **part.post}, activity=part.post)
            answer = self._say(person, said.text, opening, plant=plant)
            self._say(self.accounts[third], CLOSING, answer)
            self._consent(person, part)

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
        answer = self._say(ben, said.text, self._opening(ada))
        quoting = Plant(
            "", "", {"content": f"<blockquote><p>{said.text}</p></blockquote><p>{{}}</p>"}
        )
        self._say(ada, CLOSING, answer, plant=quoting)

    def _edit(self) -> None:
        """The same post twice in an outbox: the later wording counts."""
        ada, ben = self.accounts["ADA"], self.accounts["BEN"]
        opening = self._opening(ada)
        old = self._canary("deleted and former", "former wording, as a copy", NEVER, ben, raw=True)
        answer = self._say(ben, old.text, opening)
        item = json.loads(json.dumps(self._items[ben.uri][-1]))
        new = self._canary("own words", "latest wording of two copies", TRAINED, ben)
        words = f"<p>{new.text}</p>"
        item["object"] |= {
            "content": words,
            "contentMap": {"en": words},
            "updated": "2025-12-01T00:00:00Z",
        }
        self._items[ben.uri].append(item)
        self._say(ada, CLOSING, answer)

    def _speak_elsewhere(self) -> None:
        """BEN has a second account, which his consent names; it answers ADA, and goes when he goes."""
        ada, ben = self.accounts["ADA"], self.accounts["BEN"]
        second = replace(self._join("BEN2", "mastodon"), subject=ben.subject)
        self.accounts["BEN2"] = second
        opening = self._opening(ada)
        self._post("own words", "answer from a second account", TRAINED, second, opening)
        self._consent(second, Part("", "BEN2"))

    def _leave_around(self) -> None:
        """Plant what lies beside the posts: other members and records, and what cannot be read."""
        ada, cleo = self.accounts["ADA"], self.accounts["CLEO"]
        around = "beside the posts"

        def planted(kind: str, person: Person, group: str = around) -> str:
            return self._canary(group, kind, NEVER, person).text

        likes = {"id": _stranger(ada, 0), "type": "Note", "content": planted("likes.json", ada)}
        marks = {"id": _stranger(ada, 0), "type": "Note", "content": planted("bookmarks.json", ada)}
        self._members[ada.uri] = {
            "likes.json": _collection("likes.json", [likes]),
            "bookmarks.json": _collection("bookmarks.json", [marks]),
            "direct_messages.json": json.dumps([{"content": planted("direct_messages.json", ada)}]),
            "media_attachments/files/1/original/letter.txt": planted("a text among the media", ada),
            "lists.csv": f"name\n{planted('lists.csv', ada)}\n",
        }
        self._actors[ada.uri] = {
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
        records = self._records[cleo.uri]
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
                "createdAt": _time(BEGIN),
                name: planted(collection, cleo),
            }
            records[f"{collection}/3kabcdefghij2"] = record
        self._actors[cleo.uri] = {"description": planted("bio, in a repo", cleo)}
        old = {"$type": POST, "createdAt": _time(BEGIN), "langs": ["en"]}
        group = "deleted and former"
        self._orphans[cleo.uri] = [
            {**old, "text": planted("a deleted record, still in the file", cleo, group)},
            {**old, "text": planted("a former wording, still in the file", cleo, group)},
        ]
        broken = self._join("an outbox that breaks off", "mastodon")
        self._say(
            broken, planted("in the item where an outbox breaks off", broken, "what cannot be read")
        )
        self._consent(broken, Part("", "broken"))

    def _opening(self, person: Person) -> str:
        """Give something of theirs to answer; every few answers, something new."""
        if person.uri not in self._openings or self._openings[person.uri][1] == BRANCHES:
            self._openings[person.uri] = self._say(person, OPENING), 0
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
        return self._say(person, said.text, parent, language=language)

    def _say(
        self,
        person: Person,
        text: str,
        parent: str | None = None,
        *,
        plant: Plant | None = None,
        language: Language = "en",
    ) -> str:
        """Add a post to a person's export; give its id."""
        number = next(self._tick)
        at = BEGIN + timedelta(minutes=10 * number)
        mastodon = person.platform == "mastodon"
        rkey = tid(round(at.timestamp() * 1_000_000), person.number)
        uri = (
            f"{person.uri}/statuses/{114 * 10**15 + number}"
            if mastodon
            else f"at://{person.uri}/{POST}/{rkey}"
        )

        def filled(value: Any) -> Any:
            return _filled(value, text, person, uri, _stranger(person, number))

        if mastodon:
            fields = plant or Plant("", "", {"content": "<p>{}</p>"})
            self._items[person.uri].append(
                filled(_activity(person, uri, parent, at, language, fields))
            )
        else:
            record = {"$type": POST, "text": "{}", "createdAt": _time(at), "langs": [language]}
            if parent is not None:
                record["reply"] = {
                    name: {"uri": parent, "cid": NO_CID} for name in ("root", "parent")
                }
            record |= plant.fields if plant else {}
            kept = {name: value for name, value in record.items() if value is not None}
            self._records[person.uri][f"{POST}/{rkey}"] = filled(kept)
        return uri

    # --- writing -----------------------------------------------------------------------------------

    def write(self, folder: Path) -> WrittenCanaries:
        """Write exports, ledger and the steward's terms into ``folder``."""
        exports = folder / "exports"
        exports.mkdir(parents=True)
        people = {person.uri: person for person in self.accounts.values()}
        paths = [self._archive(people[uri], exports) for uri in self._items]
        paths += [self._repo(people[uri], exports) for uri in self._records]
        ledger = folder / "ledger.jsonl"
        ledger.write_text("".join(f"{line}\n" for line in chained(self._events)), "utf-8")
        terms = folder / "terms.yaml"
        terms.write_text(yaml.safe_dump(TERMS), "utf-8")
        return WrittenCanaries(paths, ledger, terms)

    def _archive(self, person: Person, folder: Path) -> Path:
        outbox = _collection("outbox.json", self._items[person.uri])
        if person == self.accounts["an outbox that breaks off"]:
            outbox = outbox[: outbox.index('"contentMap"')]
        about = {**actor(person), **self._actors.get(person.uri, {})}
        path = folder / f"{person.username}-{person.host.replace('.', '-')}-{person.number}.zip"
        members = {"outbox.json": outbox, "actor.json": json.dumps(about)}
        write_zip(path, {**members, **self._members.get(person.uri, {})})
        return path

    def _repo(self, person: Person, folder: Path) -> Path:
        profile = {
            "$type": "app.bsky.actor.profile",
            "displayName": person.display_name,
            "description": person.bio,
            **self._actors.get(person.uri, {}),
        }
        records = {**self._records[person.uri], "app.bsky.actor.profile/self": profile}
        path = folder / f"{person.username}-{person.number}.car"
        with path.open("wb") as file:
            blocks = {name: encode_dag_cbor(record) for name, record in records.items()}
            file.writelines(car(person.uri, tid(1_760_000_000_000_000, 1), blocks))
            file.writelines(
                section(encode_dag_cbor(one)) for one in self._orphans.get(person.uri, [])
            )
        return path


def _activity(
    person: Person, uri: str, parent: str | None, at: datetime, language: str, plant: Plant
) -> dict[str, Any]:
    """An item of an outbox, as Mastodon writes it, with a plant's properties in place of the usual ones."""
    words = plant.fields.get("content", "<p>Quite so, and here is why I think so.</p>")
    audience = {"to": [PUBLIC], "cc": ["{followers}"]}
    note = {
        "id": uri,
        "type": "Note",
        "summary": None,
        "inReplyTo": parent,
        "published": _time(at),
        "attributedTo": person.uri,
        **audience,
        "sensitive": False,
        "content": words,
        "contentMap": {language: words} if words is not None else None,
        "attachment": [],
        "tag": [],
        **plant.fields,
    }
    activity = {
        "id": f"{uri}/activity",
        "type": "Create",
        "actor": person.uri,
        "published": _time(at),
        **audience,
        "object": {name: value for name, value in note.items() if value is not None},
        **plant.activity,
    }
    return {name: value for name, value in activity.items() if value is not None}


def _stranger(person: Person, number: int) -> str:
    """Give the id of a post that nobody here has, another one for each of ours."""
    if person.platform == "mastodon":
        return f"https://elsewhere.example/users/kim/statuses/{113 * 10**15 + number}"
    return f"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/{POST}/{tid(1_700_000_000_000_000 + number, 7)}"


def _filled(value: Any, text: str, person: Person, uri: str, stranger: str) -> Any:
    if isinstance(value, str):
        for slot, filling in (
            ("{followers}", f"{person.uri}/followers"),
            ("{me}", person.uri),
            ("{it}", uri),
            ("{stranger}", stranger),
            ("{}", text),
        ):
            value = value.replace(slot, filling)
        return value
    if isinstance(value, Mapping):
        return {name: _filled(one, text, person, uri, stranger) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, text, person, uri, stranger) for one in value]
    return value


def _collection(name: str, items: Iterable[Mapping[str, Any]]) -> str:
    listed = {
        "@context": JSON_LD,
        "id": name,
        "type": "OrderedCollection",
        "orderedItems": list(items),
    }
    return json.dumps(listed, ensure_ascii=False)


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
