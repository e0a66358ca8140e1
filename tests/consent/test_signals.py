"""Denying signals in bios, actor documents and repos."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fedi_dataset.consent.signals import actor_signals, bio_signals, repo_signals

FIXTURES = Path(__file__).parents[2] / "../shared/fixtures/bluesky/synthetic"
PREFERENCE = "community.lexicon.preference.ai"
INTENTS = "org.user-intents.declaration"
DEMO = "org.user-intents.demo.declaration"


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
        ("Please do not train AI on my posts", ("bio:no-ai-training",)),
        (
            "Anti Commercial-AI license (CC BY-NC-SA 4.0)",
            ("bio:no-ai-training", "bio:non-commercial-license"),
        ),
        ("#noairport #nobody #ai", ()),
        ("shop#noaix", ()),
        ("I train dogs. No AIBO. Photos by Nick.", ()),
        ("license: CC BY 4.0", ()),
        ("", ()),
    ],
)
def test_what_denies_in_a_bio(text: str, found: tuple[str, ...]) -> None:
    """Whole hashtags in any case and width, plain or HTML, and footers."""
    assert bio_signals(text) == found


@pytest.mark.parametrize(
    ("actor", "found"),
    [
        ({"type": "Person", "discoverable": False, "indexable": False}, ()),
        ({"type": "Service"}, ()),
        ({"memorial": True}, ("actor:memorial",)),
        ({"memorial": False, "suspended": None}, ()),
        ({"suspended": True}, ("actor:suspended",)),
        ({"hidesToPublicFromUnauthedWeb": True}, ("actor:hidesToPublicFromUnauthedWeb",)),
        ({"hidesCcPublicFromUnauthedWeb": True}, ()),
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
    assert actor_signals(actor) == found


def preference(allow: object, scope: object = None, category: str = "training") -> object:
    """An AI preference record, global unless said otherwise."""
    return {
        "scope": {"$type": "#globalScope"} if scope is None else scope,
        "preferences": {category: {"allow": allow, "updatedAt": "2026-05-01T00:00:00Z"}},
    }


@pytest.mark.parametrize(
    ("record", "denies"),
    [
        (preference(False), True),
        (preference(True), False),
        (preference(False, category="inference"), False),
        (preference(False, {"$type": f"{PREFERENCE}#globalScope"}), True),
        (
            preference(False, {"$type": "#collectionScope", "collection": "app.bsky.feed.post"}),
            True,
        ),
        (preference(False, {"$type": "#entityScope", "entity": "badcorp.example"}), False),
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
    """A deny of training that is not for one other entity, and what cannot be understood."""
    found = repo_signals({f"{PREFERENCE}/{rkey}": record})
    assert found == ((f"record:{PREFERENCE}",) if denies else ())


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
    assert repo_signals({f"{collection}/self": record}) == (
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
    assert repo_signals({path: profile}) == ("bio:#noai", "label:!no-unauthenticated")
    assert repo_signals({path: {"labels": {"values": [{"val": "bot"}]}}}) == ()
    assert repo_signals({path: "broken"}) == ("record:app.bsky.actor.profile",)
    assert repo_signals({"app.bsky.feed.post/1": {"text": "#noai"}}) == ()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (
            "repo_deny_training",
            ("bio:#noai", f"record:{PREFERENCE}", f"record:{INTENTS}"),
        ),
        ("repo_allow_training_deep_mst", ("bio:#noai", f"record:{PREFERENCE}")),
    ],
)
def test_signals_of_an_independent_repo(name: str, found: tuple[str, ...]) -> None:
    """Records as another implementation writes them; a deny for one collection still denies all."""
    path = FIXTURES / f"{name}.expected.json"
    if not path.exists():
        pytest.skip("the shared fixtures are not here")
    records = {
        record["path"]: record["value"] for record in json.loads(path.read_text())["records"]
    }
    assert repo_signals(records) == found
