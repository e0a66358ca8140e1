"""Every place in an archive's posts where words stand: those that must come out, and those that must not.

``{}`` is the sentence, ``{me}`` the author's account, ``{followers}`` their followers collection,
``{it}`` the post's own id, and ``{stranger}`` a post by somebody of whom there is no export.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.world.canaries.hiding import ACTIVITIES, HIDDEN, INLINED, OWN, QUOTED
from tests.world.canaries.model import CONTEXT, NEVER, TRAINED, Fates, Plant, by_build
from tests.world.mastodon_documents import PUBLIC

__all__ = ["EXCLUDED_TAG", "OTHER_LANGUAGE", "READ", "THEIRS", "WIDE", "on_mastodon"]

EXCLUDED_TAG: Final = "private"
"""A hashtag that everybody's consent leaves out."""
WIDE: Final = by_build("never", wide="trained")
"""Only a config that asks for it lets it in."""
OTHER_LANGUAGE: Final = by_build("trained", english="context")
"""German, and code, which is of no language that has a name."""
READ: Final = by_build("context", wide="trained")
THEIRS: Final = "others' words in a post"

Fields = Mapping[str, Any]


def on_mastodon() -> Iterator[Plant]:
    """Give every kind of place in an archive's outbox."""
    yield from _audiences()
    yield from _about_the_post()
    for kind, html in QUOTED.items():
        yield Plant(THEIRS, kind, {"content": f"{OWN}{html}"}, own=False, raw=True)
    for kind, fields in INLINED.items():
        yield Plant(THEIRS, kind, {"content": OWN, **fields}, own=False)
    for kind, activity in ACTIVITIES.items():
        yield Plant(THEIRS, kind, {}, activity=activity, own=False)
    for kind, html in HIDDEN.items():
        yield Plant("hidden in markup", kind, {"content": f"{OWN}{html}"})
    yield from _former()
    yield from _own_words()


def _audiences() -> Iterator[Plant]:
    def hidden(kind: str, fields: Fields, fates: Fates = NEVER, **activity: Any) -> Plant:
        words = {"content": "<p>{}</p>", **fields}
        return Plant("visibility", kind, words, fates, activity=activity or fields)

    yield hidden("followers only", {"to": ["{followers}"], "cc": []})
    yield hidden("direct message", {"to": ["https://elsewhere.example/users/kim"], "cc": []})
    yield hidden("unlisted", {"to": ["{followers}"], "cc": [PUBLIC]}, WIDE)
    yield hidden("local only", {"to": ["https://harbor.example/#Public"], "cc": ["{followers}"]})
    yield hidden("to nobody", {"to": [], "cc": []})
    yield hidden("no audience at all", {"to": None, "cc": None})
    yield hidden("an audience that is no address", {"to": [{"type": "Everybody"}], "cc": [7]})
    yield hidden("public, in another spelling", {"to": ["public"], "cc": ["as:public"]})
    yield hidden(
        "public in the activity, direct in the post",
        {"to": ["https://elsewhere.example/users/kim"]},
        to=[PUBLIC],
    )
    yield hidden("a capability URI", {"id": "bear:?t=token&u={it}"})
    yield hidden("directMessage", {"directMessage": True})
    yield hidden("listMessage", {"listMessage": "https://harbor.example/lists/1"})
    yield hidden("chat message", {"type": "ChatMessage"})
    yield hidden("encrypted message", {"type": ["Note", "EncryptedMessage"]})


def _about_the_post() -> Iterator[Plant]:
    def refused(
        group: str, kind: str, fields: Fields, fates: Fates = NEVER, activity: Fields | None = None
    ) -> Plant:
        return Plant(group, kind, {"content": "<p>{}</p>", **fields}, fates, activity or {})

    none = {"published": None}
    yield refused("dates", "no date", none, activity=none)
    yield refused("dates", "a date that is none", {"published": "last summer"}, activity=none)
    yield refused("left out by the author", "a single post, excluded", {})
    yield refused("left out by the author", "a single post, withdrawn", {})
    tag = {"type": "Hashtag", "href": "https://harbor.example/tags/x", "name": f"#{EXCLUDED_TAG}"}
    yield refused("left out by the author", "a hashtag", {"tag": [tag]})
    signals: dict[str, Fields] = {
        "#NoAI among the tags": {"tag": [{**tag, "name": "#NoAI"}]},
        "#NoAI at the end": {"content": "<p>{}</p><p>#NoAI</p>"},
        "no AI training, at the end": {"content": "<p>{}</p><p>No AI training.</p>"},
        "no AI training, in the warning": {"summary": "No AI training, please"},
        "xRobotsTag": {"xRobotsTag": "noai"},
        "SPC": {"SPC": 1},
    }
    for kind, fields in signals.items():
        yield refused("signals of posts", kind, fields)
    cc = "https://creativecommons.org/licenses"
    yield refused("licenses", "license stated: NC", {"license": f"{cc}/by-nc/4.0/"}, WIDE)
    licenses: dict[str, Fields] = {
        "license stated: ND": {"license": f"{cc}/by-nd/4.0/"},
        "license stated: SA": {"schema:license": f"{cc}/by-sa/4.0/"},
        "license stated: none that is known": {"rights": "Ask my neighbor first"},
        "license stated in an object": {"licence": {"name": "Private"}},
        "license stated with the sentence itself": {"license": "{}"},
        "NC-SA in the last line": {"content": "<p>{}</p><p>CC BY-NC-SA 4.0</p>"},
        "ND behind a link": {"content": f'<p>{{}}</p><p><a href="{cc}/by-nd/4.0/">License</a></p>'},
        "all rights reserved": {"content": "<p>{}</p><p>All rights reserved.</p>"},
        "NC-SA in the content warning": {"summary": "CC BY-NC-SA 4.0"},
    }
    for kind, fields in licenses.items():
        yield refused("licenses", kind, fields)
    words = {"type": "Tombstone", "formerType": "Note", "content": "<p>{}</p>"}
    yield Plant("deleted and former", "deleted, its words left behind", words)
    yield Plant("deleted and former", "an item without an id", {"id": None, "content": "<p>{}</p>"})


def _former() -> Iterator[Plant]:
    group = "deleted and former"
    old: Fields = {"type": "Note", "content": "<p>{}</p>", "updated": "2025-03-01T00:00:00Z"}
    former: dict[str, Fields] = {
        "former wording, kept beside it": {
            "formerRepresentations": {"type": "OrderedCollection", "orderedItems": [old]}
        },
        "another wording, by language": {"contentMap": {"en": OWN, "fr": "<p>{}</p>"}},
        "former content warning, by language": {
            "summaryMap": {"en": "{}"},
            "nameMap": {"en": "{}"},
        },
        "source": {"source": {"content": "{}", "mediaType": "text/markdown"}},
        "source of Misskey": {"_misskey_content": "{}", "_misskey_summary": "{}"},
    }
    for kind, fields in former.items():
        yield Plant(group, kind, {"content": OWN, **fields})
    media = {"type": "Document", "mediaType": "image/jpeg", "url": "media_attachments/files/1.jpg"}
    for kind, text in {"name": {"name": "{}"}, "summary": {"summary": "{}"}}.items():
        yield Plant(
            "alt texts",
            f"alt text ({kind})",
            {"content": OWN, "attachment": [{**media, **text}]},
            WIDE,
        )


def _own_words() -> Iterator[Plant]:
    for kind, html in {
        "reply": "<p>{}</p>",
        "item of a list": "<ul><li>First of all:</li><li>{}</li></ul>",
        "item of a numbered list": "<ol><li>{}</li><li>And that was it.</li></ol>",
        "inline code": "<p>It says <code>{}</code> on the label.</p>",
        "heading": "<h2>{}</h2><p>That is all I know.</p>",
        "cell of a table": "<table><tr><th>What</th><td>{}</td></tr></table>",
        "text of a link": '<p>See <a href="https://notes.example/en/page">{}</a></p>',
        "in quotation marks": "<p>As we say here: <q>{}</q></p>",
        "disclosure": "<details><summary>More</summary><p>{}</p></details>",
        "beside a block quote": "<blockquote><p>Nobody knows.</p></blockquote><p>{}</p>",
        "after a mention": '<p><a href="https://elsewhere.example/@kim" class="u-url mention">@kim</a> {}</p>',
        "before hashtags": '<p>{}</p><p><a href="https://harbor.example/tags/tools" rel="tag">#tools</a></p>',
    }.items():
        yield Plant("own words", kind, {"content": html}, TRAINED)
    forms: dict[str, Fields] = {
        "plain text": {"content": "{}", "mediaType": "text/plain"},
        "content by language only": {"content": None, "contentMap": {"en": "<p>{}</p>"}},
        "title": {"type": "Article", "name": "{}", "content": OWN},
        "option of a poll": {"type": "Question", "oneOf": [{"name": "{}"}, {"name": "Neither"}]},
        "option of a poll with several answers": {"type": "Question", "anyOf": [{"name": "{}"}]},
        "latest wording of an edited post": {
            "content": "<p>{}</p>",
            "updated": "2025-12-01T00:00:00Z",
        },
        "comment on a quoted post": {"content": "<p>{}</p>", "quote": "{stranger}"},
        "a date in the activity alone": {"content": "<p>{}</p>", "published": None},
        "no signal: interaction policy": {
            "content": "<p>{}</p>",
            "interactionPolicy": {"canQuote": {"automaticApproval": [], "manualApproval": []}},
        },
        "no signal: license that asks for no more": {
            "content": "<p>{}</p>",
            "license": "CC BY 4.0",
        },
    }
    for kind, fields in forms.items():
        yield Plant("own words", kind, fields, TRAINED)
    code = {"content": "<pre><code>{}</code></pre>"}
    yield Plant("own words", "block of code", code, OTHER_LANGUAGE)
    yield Plant(
        "own words",
        "another language",
        {"content": "<p>{}</p>"},
        OTHER_LANGUAGE,
        language="de",
    )
    warned: dict[str, Fields] = {
        "content warning": {"summary": "{}", "sensitive": True, "content": OWN},
        "behind a content warning": {"summary": "Tools", "sensitive": True, "content": "<p>{}</p>"},
        "sensitive": {"sensitive": True, "content": "<p>{}</p>"},
        "sensitive media": {
            "content": "<p>{}</p>",
            "attachment": [{"type": "Document", "sensitive": True, "url": "1.jpg"}],
        },
    }
    for kind, fields in warned.items():
        yield Plant("read, not trained", kind, fields, READ)
    yield Plant(
        "read, not trained",
        "answer to somebody who is not in it",
        {"content": "<p>{}</p>", "inReplyTo": "{stranger}"},
        CONTEXT,
    )
    yield Plant(
        "admitted, and in no row",
        "a language that no detector covers",
        {"content": "<p>{}</p>"},
        raw=True,
        language="pl",
    )
