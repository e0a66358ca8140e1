"""Denying signals in bios, actor documents and repos."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fedi_dataset.consent.records import repo_signals
from fedi_dataset.consent.signals import (
    actor_signals,
    bio_signals,
    consumer_names,
    denies,
    denies_consumer,
    footer_signals,
    object_signals,
    tag_signals,
)
from fedi_dataset.posts import Body, Post, PostKind, Signal, Visibility

FIXTURES = Path(__file__).parents[2] / "../shared/fixtures/bluesky/synthetic"
PREFERENCE = "community.lexicon.preference.ai"
INTENTS = "org.user-intents.declaration"
DEMO = "org.user-intents.demo.declaration"
NAME = f"record:{PREFERENCE}"
US = frozenset({"steward.example"})
AS_OF = datetime(2026, 5, 10, 12, tzinfo=UTC)


def names(signals: Iterable[Signal]) -> tuple[str, ...]:
    """The names of signals, each once, in their order."""
    return tuple(dict.fromkeys(one.name for one in signals))


def no_body() -> Body:
    """Stands where a post's words are; no signal is found by reading them."""
    raise AssertionError("a post's words were read")


def post(created: datetime | None = AS_OF, **fields: Any) -> Post:
    """A public post."""
    about: dict[str, Any] = {
        "position": 0,
        "uri": "https://mastodon.example/users/alice/statuses/1",
        "account": "https://mastodon.example/users/alice",
        "kind": PostKind.POST,
        "visibility": Visibility.PUBLIC,
        "created_at": created,
        "body": no_body,
    }
    return Post(**{**about, **fields})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I paint. #NoAI", ("bio:#noai",)),
        ("#nobot, #NoBots and #noindex", ("bio:#nobot", "bio:#nobots", "bio:#noindex")),
        ("#nosearch #no_ai #NoAITraining", ("bio:#no_ai", "bio:#noaitraining", "bio:#nosearch")),
        ("＃ＮｏＡＩ", ("bio:#noai",)),
        ("#no\u200bai", ("bio:#noai",)),
        ("&#35;NoAI", ("bio:#noai",)),
        ("#NoAI-please", ("bio:#noai",)),
        (
            '<p>Bio</p><p><a href="https://h.example/tags/NoAI">#<span>NoAI</span></a></p>',
            ("bio:#noai",),
        ),
        ("<p>I love tea</p><p>#noai</p>", ("bio:#noai",)),
        ("I <3 cats #noai -> bye", ("bio:#noai",)),
        ("No AI training, please", ("bio:no-ai-training",)),
        ("no AI/ML scraping", ("bio:no-ai-training",)),
        ("NO GENERATIVE AI USE", ("bio:no-ai-training",)),
        ("My posts are not for AI training.", ("bio:no-ai-training",)),
        ("not for training LLMs", ("bio:no-ai-training",)),
        ("Do not use my posts to train AI", ("bio:no-ai-training",)),
        ("Posts may not be used for machine learning", ("bio:no-ai-training",)),
        ("dont feed my art to ai", ("bio:no-ai-training",)),
        ("AI training is prohibited", ("bio:no-ai-training",)),
        ("Kein KI-Training mit meinen Beiträgen", ("bio:no-ai-training",)),
        ("Bitte nicht für KI-Training verwenden", ("bio:no-ai-training",)),
        ("Kein Kitraining im Fitnessstudio", ()),
        ("Not for sale. AI is my job.", ()),
        ("I do not use a car. I work for AI startups.", ()),
        ("Creative Commons Attribution-NonCommercial 4.0", ("bio:non-commercial-license",)),
        ("Attribution No Derivatives 4.0", ("bio:no-derivatives-license",)),
        ("Please do not train AI on my posts", ("bio:no-ai-training",)),
        (
            "Anti Commercial-AI license (CC BY-NC-SA 4.0)",
            ("bio:no-ai-training", "bio:non-commercial-license"),
        ),
        ("#noairport #nobody #ai", ()),
        ("shop#noaix", ()),
        ("I train dogs. No AIBO. Photos by Nick.", ()),
        ("license: CC BY 4.0", ()),
        ("my posts: CC BY-ND 4.0", ("bio:no-derivatives-license",)),
        ("cc by nc nd", ("bio:no-derivatives-license", "bio:non-commercial-license")),
        ("Content-Usage: train-ai=n, search=y", ("bio:no-ai-training",)),
        ("Content-Signal: ai-train = no", ("bio:no-ai-training",)),
        ("", ()),
    ],
)
def test_what_denies_in_a_bio(text: str, found: tuple[str, ...]) -> None:
    """Whole hashtags in any case and width, plain or HTML, and footers."""
    assert names(bio_signals(text)) == found


@pytest.mark.parametrize(
    ("actor", "found"),
    [
        ({"type": "Person", "discoverable": False, "indexable": False}, ()),
        ({"type": "Service"}, ()),
        ({"memorial": True}, ("actor:memorial",)),
        ({"memorial": False, "suspended": None}, ()),
        ({"suspended": True}, ("actor:suspended",)),
        ({"hidesToPublicFromUnauthedWeb": True}, ("actor:hidesToPublicFromUnauthedWeb",)),
        ({"hidesCcPublicFromUnauthedWeb": True}, ("actor:hidesCcPublicFromUnauthedWeb",)),
        ({"hidesCcPublicFromUnauthedWeb": False}, ()),
        ({"SPC": 1}, ("actor:SPC",)),
        ({"searchableBy": [], "movedTo": "https://h.example/u", "bridgeable": False}, ()),
        (
            {"_misskey_requireSigninToViewContents": True},
            ("actor:_misskey_requireSigninToViewContents",),
        ),
        (
            {
                "_misskey_makeNotesHiddenBefore": -86400000,
                "_misskey_makeNotesFollowersOnlyBefore": None,
            },
            ("actor:_misskey_makeNotesHiddenBefore",),
        ),
        ({"xRobotsTag": "noindex, NoAI"}, ("actor:xRobotsTag",)),
        ({"xRobotsTag": ["noimageai"]}, ()),
        ({"preventAiLearning": True}, ("actor:preventAiLearning",)),
        ({"summary": "<p>#noai</p>", "name": "Alice #nobot"}, ("bio:#noai", "bio:#nobot")),
        ({"attachment": [{"name": "AI", "value": "<b>#NoAI</b>"}]}, ("bio:#noai",)),
        ({"tag": {"type": "Hashtag", "name": "#nobots"}}, ("bio:#nobots",)),
        ({"summary": None, "tag": [None, 3]}, ()),
    ],
)
def test_what_denies_in_an_actor(actor: dict[str, object], found: tuple[str, ...]) -> None:
    """Fields that are set, and hashtags in what it says of itself; being a bot is none."""
    assert names(actor_signals(actor)) == found


@pytest.mark.parametrize(
    ("obj", "found"),
    [
        ({"type": "Note"}, ()),
        ({"xRobotsTag": "noai", "SPC": 1}, ("post:SPC", "post:xRobotsTag")),
        ({"xRobotsTag": "noindex", "SPC": 0}, ()),
    ],
)
def test_what_denies_in_a_post_of_its_own(obj: dict[str, object], found: tuple[str, ...]) -> None:
    """The two properties of FEP-5e53, where they are set."""
    assert names(object_signals(obj)) == found


def test_hashtags_and_footers_of_a_post() -> None:
    """The same tags as in a bio, and a sentence that says no, under names of their own."""
    assert names(tag_signals(["tea", "NoAI", "ｎｏｂｏｔ"])) == ("tag:#noai", "tag:#nobot")
    assert names(tag_signals(["noairport", "ai"])) == ()
    assert names(footer_signals("bye #NoAI\nNo AI training")) == (
        "footer:no-ai-training",
        "tag:#noai",
    )
    assert names(footer_signals("CC BY-NC 4.0, with love")) == ()


# --- which posts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", ["_misskey_makeNotesFollowersOnlyBefore", "_misskey_makeNotesHiddenBefore"]
)
@pytest.mark.parametrize(
    ("value", "created", "denied"),
    [
        (1_775_001_600_000, datetime(2026, 3, 31, 23, 59, tzinfo=UTC), True),
        (1_775_001_600_000, datetime(2026, 4, 1, tzinfo=UTC), False),
        (-86_400_000, datetime(2026, 5, 9, 23, 59, tzinfo=UTC), True),
        (-86_400_000, datetime(2026, 5, 10, tzinfo=UTC), False),
        (-(10**13), datetime(2026, 5, 9, tzinfo=UTC), False),
        (10**30, datetime(2026, 5, 9, tzinfo=UTC), True),
        (-(10**30), datetime(2026, 5, 9, tzinfo=UTC), True),
        ("soon", datetime(2026, 5, 9, tzinfo=UTC), True),
        (True, datetime(2026, 5, 9, tzinfo=UTC), True),
        (1, None, True),
    ],
)
def test_hidden_past_denies_older_posts_only(
    field: str, value: object, created: datetime | None, denied: bool
) -> None:
    """Before a time in milliseconds, or, negative, older than that by the end of the day; unreadable: all."""
    (signal,) = actor_signals({field: value})
    assert signal.name == f"actor:{field}"
    assert denies(signal, post(created), AS_OF) is denied


def test_an_age_longer_than_all_time_denies_nothing() -> None:
    """The farthest age that can be written reaches back to the first day, and no post is older."""
    signal = Signal("actor:x", older_than=timedelta.max)
    assert denies(signal, post(datetime(1, 1, 1, tzinfo=UTC)), AS_OF) is False


@pytest.mark.parametrize(
    ("visibility", "denied"), [(Visibility.PUBLIC, False), (Visibility.UNLISTED, True)]
)
def test_hiding_unlisted_posts_denies_those(visibility: Visibility, denied: bool) -> None:
    """GoToSocial's field about what is addressed to Public in cc leaves public posts alone."""
    (signal,) = actor_signals({"hidesCcPublicFromUnauthedWeb": True})
    assert denies(signal, post(visibility=visibility), AS_OF) is denied


# --- records of a repo ----------------------------------------------------------------------------


GLOBAL = {"$type": "#globalScope"}


def collection(name: str = "app.bsky.feed.post") -> dict[str, str]:
    """The scope of one collection."""
    return {"$type": f"{PREFERENCE}#collectionScope", "collection": name}


def entity(name: str) -> dict[str, str]:
    """The scope of one consumer."""
    return {"$type": "#entityScope", "entity": name}


def preference(
    allow: object, scope: object = None, category: str = "training", day: int | None = 1
) -> dict[str, object]:
    """An AI preference record, global and of 1 May unless said otherwise."""
    said: dict[str, object] = {"allow": allow}
    if day is not None:
        said["updatedAt"] = f"2026-05-{day:02}T00:00:00.000Z"
    return {"scope": GLOBAL if scope is None else scope, "preferences": {category: said}}


def denied(*records: object, us: frozenset[str] = US) -> bool:
    """Whether these preferences, together, deny posts to us."""
    found = repo_signals({f"{PREFERENCE}/{key}": one for key, one in enumerate(records)})
    assert set(names(found)) <= {NAME}
    return any(denies_consumer(one, us) for one in found)


@pytest.mark.parametrize(
    ("record", "denies"),
    [
        (preference(False), True),
        (preference(True), False),
        (preference(False, category="inference"), False),
        (preference(False, category="embedding"), False),
        (preference(False, category="syntheticContent"), True),
        (preference(False, {"$type": f"{PREFERENCE}#globalScope"}), True),
        (preference(False, collection()), True),
        (preference(False, collection("app.bsky.feed.repost")), False),
        (preference(False, entity("badcorp.example")), False),
        (preference(False, entity("steward.example")), True),
        (preference(True, {"$type": "#collectionScope"}), True),
        (preference(True, {"$type": "#entityScope"}), True),
        (preference(True, {"$type": "#galaxyScope"}), True),
        (preference("yes"), True),
        (preference(None), True),
        ({"preferences": {"training": {"allow": True}}}, True),
        ({"scope": {"$type": "#globalScope"}}, True),
        ({"scope": {"$type": "#globalScope"}, "preferences": {"training": True}}, True),
        ({"scope": {"$type": "#globalScope"}, "preferences": {}}, False),
        ("no", True),
    ],
)
@pytest.mark.parametrize("rkey", ["self", "3m2qsmc6eu252"])
def test_what_denies_in_an_ai_preference(record: object, denies: bool, rkey: str) -> None:
    """A deny that reaches posts and us, and what cannot be understood."""
    found = repo_signals({f"{PREFERENCE}/{rkey}": record})
    assert any(denies_consumer(one, US) for one in found) is denies


@pytest.mark.parametrize(
    ("records", "denies"),
    [
        ([preference(False), preference(True, collection())], False),
        ([preference(True), preference(False, collection())], True),
        ([preference(False), preference(True, entity("steward.example"))], False),
        ([preference(False), preference(True, entity("https://Steward.example/about"))], False),
        ([preference(False), preference(True, entity("badcorp.example"))], True),
        ([preference(False, collection()), preference(True, entity("steward.example"))], False),
        ([preference(True, collection()), preference(False, entity("steward.example"))], True),
        (
            [
                preference(False, collection()),
                preference(True),
                preference(True, entity("x.example")),
            ],
            True,
        ),
        # an override of one category leaves the other as it was
        (
            [
                preference(False, category="syntheticContent"),
                preference(True, entity("steward.example")),
            ],
            True,
        ),
    ],
)
def test_the_more_specific_scope_decides(records: list[object], denies: bool) -> None:
    """Consumer before collection before global, category by category, in whatever order they lie."""
    assert denied(*records) is denies
    assert denied(*reversed(records)) is denies


@pytest.mark.parametrize(
    ("records", "denies"),
    [
        ([preference(True, day=1), preference(False, day=2)], True),
        ([preference(False, day=1), preference(True, day=2)], False),
        ([preference(False, day=1), preference(True, day=1)], True),
        ([preference(False, day=None), preference(True, day=9)], True),
        ([preference(True, day=None), preference(False, day=1)], True),
        ([preference(True, day=None)], False),
    ],
)
def test_of_two_records_of_one_scope_the_newer_decides(records: list[object], denies: bool) -> None:
    """At one time, and where a time is missing, the deny does."""
    assert denied(*records) is denies
    assert denied(*reversed(records)) is denies


@pytest.mark.parametrize(
    ("controller", "meant", "denies", "spared"),
    [
        ("https://steward.example/contact", "steward.example", True, True),
        ("did:web:steward.example", "did:web:steward.example", True, True),
        ("https://data.steward.example", "steward.example", True, False),
        ("https://steward.example", "data.steward.example", False, False),
        ("https://notsteward.example", "steward.example", False, False),
        (None, "badcorp.example", True, False),
    ],
)
def test_whom_a_record_means(
    controller: str | None, meant: str, denies: bool, spared: bool
) -> None:
    """A deny reaches subdomains, and whoever does not know their own name; a permission its very name."""
    us = consumer_names([controller, None, " "])
    assert denied(preference(False, entity(meant)), us=us) is denies
    assert denied(preference(False), preference(True, entity(meant)), us=us) is not spared


def test_a_record_says_since_when_it_denies() -> None:
    """So that a renewal overrules what was known by then and nothing later."""
    (found,) = repo_signals({f"{PREFERENCE}/self": preference(False, day=3)})
    assert found == Signal(NAME, declared_at=datetime(2026, 5, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("record", "denies"),
    [
        ({"syntheticContentGeneration": {"allow": False}}, True),
        ({"bulkDataset": {"allow": False}}, True),
        ({"bulkDataset": {"allow": True}, "syntheticContentGeneration": {}}, False),
        ({"publicAccessArchive": {"allow": False}, "protocolBridging": {"allow": False}}, False),
        ({"bulkDataset": "no"}, True),
        ({"bulkDataset": {"allow": "no"}}, True),
        ({"bulkDataset": {"allow": None}}, True),
        ({}, False),
        ([], True),
    ],
)
@pytest.mark.parametrize("collection", [INTENTS, DEMO])
def test_what_denies_in_a_declaration_of_intents(
    record: object, denies: bool, collection: str
) -> None:
    """No to models or to bulk datasets denies; a missing answer is none."""
    assert names(repo_signals({f"{collection}/self": record})) == (
        (f"record:{collection}",) if denies else ()
    )


def test_what_denies_in_a_profile() -> None:
    """The self-label for logged-out visitors, and hashtags in name and description."""
    profile = {
        "displayName": "Carol",
        "description": "tea #noai",
        "labels": {
            "$type": "com.atproto.label.defs#selfLabels",
            "values": [{"val": "!no-unauthenticated"}],
        },
    }
    path = "app.bsky.actor.profile/self"
    assert names(repo_signals({path: profile})) == ("bio:#noai", "label:!no-unauthenticated")
    assert repo_signals({path: {"labels": {"values": [{"val": "bot"}]}}}) == ()
    assert repo_signals({path: "broken"}) == (Signal("record:app.bsky.actor.profile"),)
    assert repo_signals({"app.bsky.feed.post/1": {"text": "#noai"}}) == ()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (
            "repo_deny_training",
            ("bio:#noai", f"record:{PREFERENCE}", f"record:{INTENTS}"),
        ),
        ("repo_allow_training_deep_mst", ("bio:#noai",)),
    ],
)
def test_signals_of_an_independent_repo(name: str, found: tuple[str, ...]) -> None:
    """Records as another implementation writes them: the allowing one is denied by its bio alone."""
    path = FIXTURES / f"{name}.expected.json"
    if not path.exists():
        pytest.skip("the shared fixtures are not here")
    records = {
        record["path"]: record["value"] for record in json.loads(path.read_text())["records"]
    }
    assert names(one for one in repo_signals(records) if denies_consumer(one, US)) == found
