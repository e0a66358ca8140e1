"""Everybody who must stay out because of a consent, an account or a server, and some who must not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.world.canaries.model import CONTEXT, NEVER, TRAINED, Fates, Part, by_build
from tests.world.mastodon_documents import PUBLIC

__all__ = ["CLOSED", "CONTROLLER", "EXPIRES", "TERMS", "parts"]

CONTROLLER: Final = "https://steward.example"
CLOSED: Final = "closed.example"
TERMS: Final[list[dict[str, Any]]] = [
    {
        "host": CLOSED,
        "aliases": ["formerly-open.example"],
        "forbids": True,
        "rule": "posts must not be used to train models",
        "since": "2025-01-01",
        "minimum_age": None,
        "source": "https://closed.example/terms",
        "checked_on": "2026-05-01",
    },
    {
        "host": "grownups.example",
        "forbids": False,
        "rule": "for adults",
        "since": None,
        "minimum_age": 18,
        "source": "https://grownups.example/terms",
        "checked_on": "2026-05-01",
    },
]
"""A steward's own file. Hosts are on reserved domains: these servers do not exist."""

EXPIRES: Final = "2027-03-15T11:12:13Z"
"""The only one of the admitted consents that expires."""
WITHDRAWN: Final = {"event": "withdrawn", "posts": None}
NOT_GATED: Final = by_build("never", wide="trained", english="trained")
PREFERENCE: Final = "community.lexicon.preference.ai"
INTENTS: Final = "org.user-intents.declaration"
DECLARED: Final = "2026-04-01T00:00:00.000Z"
UNLISTED: Final = {"to": ["{followers}"], "cc": [PUBLIC]}


def parts() -> Iterator[Part]:
    """Give every part: by consent, by the terms of a server, by license, by signal."""
    yield from _by_consent()
    yield from _by_terms()
    yield from _by_license()
    for kind, actor in _ACTORS.items():
        yield Part("signals of accounts", f"signal: {kind}", actor=actor)
    yield Part(
        "signals of accounts",
        "signal: hidesCcPublicFromUnauthedWeb, unlisted",
        actor={"hidesCcPublicFromUnauthedWeb": True},
        post=UNLISTED,
    )
    yield from _by_record()
    yield from _overruled()


def _by_consent() -> Iterator[Part]:
    def refused(kind: str, fates: Fates = NEVER, **more: Any) -> Part:
        return Part("consent", kind, fates, **more)

    yield refused("no consent", consent=None)
    yield refused("consent given later than the build's time", consent={"at": _day(8)})
    yield refused("withdrawn", later=(WITHDRAWN,))
    yield refused("withdrawn, on an earlier date than given", later=({**WITHDRAWN, "at": _day(1)},))
    yield refused("objected to", later=({**WITHDRAWN, "event": "objected"},))
    yield refused("expired", consent={"expires": "2026-06-30T00:00:00Z"})
    yield refused("for another purpose", consent={"purposes": ["research", "dataset-publication"]})
    yield refused("for own machines only", NOT_GATED, consent={"recipients": "private"})
    yield refused("not for publication", NOT_GATED, consent={"purposes": ["llm-fine-tuning"]})
    yield refused("not for special categories", NOT_GATED, consent={"special_categories": False})
    yield refused("written before the dates that consent covers", consent={"from": _day(1)})
    yield refused(
        "written after the dates that consent covers", consent={"until": "2024-01-01T00:00:00Z"}
    )
    yield refused(
        "unlisted, where consent covers public posts",
        consent={"visibilities": ["public"]},
        post=UNLISTED,
    )
    yield refused(
        "public, where consent covers unlisted posts", consent={"visibilities": ["unlisted"]}
    )
    yield refused("acquired otherwise than consent covers", consent={"acquisition": ["capture"]})
    yield refused("under 16", consent={"age_at_least": 15})
    for kind, evidence in (
        ("a repo with a mere assertion", {"method": "self-asserted", "ref": "at://told"}),
        ("a repo with a word that stands nowhere", {"method": "account-field", "ref": " "}),
        ("a repo with a proof that is none", {"method": "proof", "ref": "at://told"}),
    ):
        yield refused(kind, platform="bluesky", consent={"evidence": evidence})
    yield refused("nobody's consent, in a repo", platform="bluesky", consent=None)
    yield refused("withdrawn, in a repo", platform="bluesky", later=(WITHDRAWN,))


def _by_terms() -> Iterator[Part]:
    for host in (CLOSED, f"social.{CLOSED}", "formerly-open.example"):
        yield Part("terms of servers", f"terms: {host} forbids it", host=host)
    yield Part(
        "terms of servers",
        "terms: another forbidding server is named",
        host=CLOSED,
        consent={"terms_override": ["elsewhere.example"]},
    )
    yield Part(
        "terms of servers",
        "terms: younger than the server asks for",
        host="grownups.example",
        consent={"age_at_least": 17},
    )
    yield Part(
        "terms of servers",
        "terms: bridged from a server that forbids it",
        platform="bluesky",
        post={"bridgyOriginalUrl": f"https://{CLOSED}/@somebody/1"},
    )


def _by_license() -> Iterator[Part]:
    for spdx in ("CC-BY-ND-4.0", "CC-BY-NC-SA-4.0", "CC-BY-SA-4.0", "GPL-3.0-only"):
        yield Part("licenses", f"license granted: {spdx}", consent={"license": spdx})
    yield Part(
        "licenses",
        "license granted: CC-BY-NC-4.0",
        by_build("never", wide="trained"),
        consent={"license": "CC-BY-NC-4.0"},
    )


_ACTORS: Final[dict[str, Mapping[str, Any]]] = {
    **{
        f"{words} in the bio": {"summary": f"<p>I repair bicycles. {words}</p>"}
        for words in (
            "#NoAI",
            "#nobot",
            "#NoBots",
            "#noindex",
            "#nosearch",
            "#NoAITraining",
            "#no_ai",
            "#nollm",
            "No AI training, please",
            "Please do not train AI on my posts",
            "Anti Commercial-AI license",
            "CC BY-NC-SA 4.0",
            "train-ai=n",
            "Content-Signal: ai-train=no",
        )
    },
    "#NoAI in the name": {"name": "Somebody #NoAI"},
    "#NoAI in a profile field": {
        "attachment": [{"type": "PropertyValue", "name": "AI", "value": "<b>#NoAI</b>"}]
    },
    "#nobots among the actor's tags": {"tag": [{"type": "Hashtag", "name": "#nobots"}]},
    **{
        name: {name: True}
        for name in (
            "memorial",
            "suspended",
            "hidesToPublicFromUnauthedWeb",
            "_misskey_requireSigninToViewContents",
            "preventAiLearning",
            "noCrawle",
            "noindex",
            "SPC",
        )
    },
    "xRobotsTag": {"xRobotsTag": ["noindex", "noai"]},
    "_misskey_makeNotesHiddenBefore, relative": {"_misskey_makeNotesHiddenBefore": -86_400_000},
    "_misskey_makeNotesFollowersOnlyBefore, absolute": {
        "_misskey_makeNotesFollowersOnlyBefore": 1_780_000_000_000
    },
}


def _preference(
    allow: object, scope: Mapping[str, str], category: str = "training"
) -> dict[str, Any]:
    kind = scope["$type"]
    return {
        "$type": PREFERENCE,
        "updatedAt": DECLARED,
        "scope": {**scope, "$type": f"{PREFERENCE}{kind}"},
        "preferences": {category: {"allow": allow, "updatedAt": DECLARED}},
    }


GLOBAL: Final = {"$type": "#globalScope"}


def _by_record() -> Iterator[Part]:
    denials: dict[str, tuple[str, dict[str, Any]]] = {
        "preference, global": (f"{PREFERENCE}/self", _preference(False, GLOBAL)),
        "preference, this collection": (
            f"{PREFERENCE}/3kabcdefghij2",
            _preference(False, {"$type": "#collectionScope", "collection": "app.bsky.feed.post"}),
        ),
        "preference, this controller": (
            f"{PREFERENCE}/3kabcdefghij2",
            _preference(False, {"$type": "#entityScope", "entity": "steward.example"}),
        ),
        "preference, synthetic content": (
            f"{PREFERENCE}/self",
            _preference(False, GLOBAL, "syntheticContent"),
        ),
        "preference that cannot be understood": (
            f"{PREFERENCE}/self",
            _preference("please not", GLOBAL),
        ),
        **{
            f"{collection}, {intent}": (
                f"{collection}/self",
                {"$type": collection, intent: {"allow": False, "updatedAt": DECLARED}},
            )
            for collection in (INTENTS, "org.user-intents.demo.declaration")
            for intent in ("syntheticContentGeneration", "bulkDataset")
        },
    }
    for kind, (path, record) in denials.items():
        yield Part(
            "signals of accounts", f"signal: {kind}", platform="bluesky", records={path: record}
        )
    labels = {
        "$type": "com.atproto.label.defs#selfLabels",
        "values": [{"val": "!no-unauthenticated"}],
    }
    profiles: dict[str, dict[str, Any]] = {
        "self-label !no-unauthenticated": {"labels": labels},
        "#NoAI in a repo's profile": {"description": "I repair clocks. #NoAI"},
        "#NoAI in a repo's display name": {"displayName": "Somebody #NoAI"},
    }
    for kind, profile in profiles.items():
        yield Part("signals of accounts", f"signal: {kind}", platform="bluesky", actor=profile)


def _overruled() -> Iterator[Part]:
    """Give those who look like the refused, and are to come out."""
    group = "admitted all the same"
    yield Part(
        group,
        "a signal that the author knew of when renewing",
        TRAINED,
        actor=_ACTORS["#NoAI in the bio"],
        later=({"event": "renewed", "acknowledged": ["bio:#noai"]},),
    )
    yield Part(
        group,
        "a forbidding server that the author names",
        TRAINED,
        host=CLOSED,
        consent={"terms_override": [CLOSED]},
    )
    yield Part(group, "consent that has not yet expired", TRAINED, consent={"expires": EXPIRES})
    yield Part(group, "withdrawn, and given again", TRAINED, later=(WITHDRAWN, {"event": "given"}))
    yield Part(
        group,
        "a preference that allows",
        TRAINED,
        platform="bluesky",
        records={f"{PREFERENCE}/self": _preference(True, GLOBAL)},
    )
    yield Part(
        group,
        "a preference against somebody else",
        TRAINED,
        platform="bluesky",
        records={
            f"{PREFERENCE}/3kabcdefghij2": _preference(
                False, {"$type": "#entityScope", "entity": "somebody.example"}
            )
        },
    )
    yield Part(
        group, "not discoverable", TRAINED, actor={"discoverable": False, "indexable": False}
    )
    yield Part(
        "read, not trained",
        "consent to be read, not trained on",
        CONTEXT,
        consent={"use": "context"},
    )
    yield Part(
        "read, not trained",
        "an automated account",
        by_build("context", wide="trained"),
        actor={"type": "Service"},
    )


def _day(month: int) -> str:
    return f"2026-{month:02}-01T00:00:00Z"
