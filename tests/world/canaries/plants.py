"""Every place in a post where words stand: those that must come out, and where others' words hide.

``{}`` is the sentence, ``{me}`` the author's account, ``{followers}`` their followers collection,
``{it}`` the post's own id, and ``{stranger}`` a post by somebody of whom there is no export.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.world.canaries.model import CONTEXT, NEVER, TRAINED, Fates, Plant, by_build
from tests.world.mastodon_documents import PUBLIC

__all__ = ["EXCLUDED_TAG", "on_bluesky", "on_mastodon"]

EXCLUDED_TAG: Final = "private"
"""A hashtag that everybody's consent leaves out."""
OWN: Final = "<p>That sounds right to me, and it is what we did as well.</p>"
OWN_PLAIN: Final = "That sounds right to me, and it is what we did as well."
WIDE: Final = by_build("never", wide="trained")
"""Only a config that asks for it lets it in."""
UNNAMED: Final = by_build("trained", english="context")
"""Code is of no language that has a name."""
READ: Final = by_build("context", wide="trained")
THEIRS: Final = "others' words in a post"

Fields = Mapping[str, Any]


def on_mastodon() -> Iterator[Plant]:
    """Give every kind of place in an archive's outbox."""
    yield from _audiences()
    yield from _about_the_post()
    for kind, html in _QUOTED.items():
        yield Plant(THEIRS, kind, {"content": f"{OWN}{html}"}, own=False, raw=True)
    for kind, fields in _INLINED.items():
        yield Plant(THEIRS, kind, {"content": OWN, **fields}, own=False)
    for kind, activity in _ACTIVITIES.items():
        yield Plant(THEIRS, kind, {}, activity=activity, own=False)
    for kind, html in _HIDDEN.items():
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
    def refused(group: str, kind: str, fates: Fates = NEVER, **fields: Any) -> Plant:
        return Plant(
            group, kind, {"content": "<p>{}</p>", **fields}, fates, fields.pop("activity", {})
        )

    none = {"published": None}
    yield refused("dates", "no date", **none, activity=none)
    yield refused("dates", "a date that is none", published="last summer", activity=none)
    yield refused("left out by the author", "a single post, excluded")
    yield refused("left out by the author", "a single post, withdrawn")
    tag = {"type": "Hashtag", "href": "https://harbor.example/tags/x", "name": f"#{EXCLUDED_TAG}"}
    yield refused("left out by the author", "a hashtag", tag=[tag])
    signals = "signals of posts"
    yield refused(signals, "#NoAI among the tags", tag=[{**tag, "name": "#NoAI"}])
    yield refused(signals, "#NoAI at the end", content="<p>{}</p><p>#NoAI</p>")
    yield refused(signals, "no AI training, at the end", content="<p>{}</p><p>No AI training.</p>")
    yield refused(signals, "no AI training, in the warning", summary="No AI training, please")
    yield refused(signals, "xRobotsTag", xRobotsTag="noai")
    yield refused(signals, "SPC", SPC=1)
    cc = "https://creativecommons.org/licenses"
    licenses = "licenses"
    yield refused(licenses, "license stated: NC", WIDE, license=f"{cc}/by-nc/4.0/")
    yield refused(licenses, "license stated: ND", license=f"{cc}/by-nd/4.0/")
    yield refused(licenses, "license stated: SA", **{"schema:license": f"{cc}/by-sa/4.0/"})
    yield refused(licenses, "license stated: none that is known", rights="Ask my neighbor first")
    yield refused(licenses, "license stated in an object", licence={"name": "Private"})
    yield refused(
        licenses, "license stated with the sentence itself", license="{}", content="<p>{}</p>"
    )
    for kind, footer in {
        "NC-SA in the last line": "<p>CC BY-NC-SA 4.0</p>",
        "ND behind a link": f'<p><a href="{cc}/by-nd/4.0/">License</a></p>',
        "all rights reserved": "<p>All rights reserved.</p>",
    }.items():
        yield refused(licenses, kind, content=f"<p>{{}}</p>{footer}")
    yield refused(licenses, "NC-SA in the content warning", summary="CC BY-NC-SA 4.0")
    words = {"type": "Tombstone", "formerType": "Note", "content": "<p>{}</p>"}
    yield Plant("deleted and former", "deleted, its words left behind", words)
    yield Plant("deleted and former", "an item without an id", {"id": None, "content": "<p>{}</p>"})


_QUOTED: Final = {
    "block quote": "<blockquote><p>{}</p></blockquote>",
    "block quote in a list": "<ul><li>Indeed<blockquote>{}</blockquote></li></ul>",
    "lines that begin with >": "<p>&gt; {}</p>",
    "lines that begin with > in a paragraph": "<p>Somebody said:<br>&gt; {}</p>",
    "lines that begin with >>": "<p>&gt;&gt; {}</p>",
    "RT": "<p>RT @kim@elsewhere.example: {}</p>",
    "RT behind a link": (
        '<p>RT <a href="https://elsewhere.example/@kim" class="u-url mention">@<span>kim</span></a>: {}</p>'
    ),
    "citation microformat": '<div class="h-cite"><p>{}</p></div>',
}
_THEIR_NOTE: Final[Fields] = {
    "id": "{stranger}",
    "type": "Note",
    "attributedTo": "https://elsewhere.example/users/kim",
    "to": [PUBLIC],
    "content": "<p>{}</p>",
    "contentMap": {"en": "<p>{}</p>"},
    "summary": "{}",
    "name": "{}",
    "source": {"content": "{}", "mediaType": "text/plain"},
}
_COLLECTION: Final[Fields] = {
    "type": "Collection",
    "items": [_THEIR_NOTE],
    "first": {"type": "CollectionPage", "items": [_THEIR_NOTE]},
}
_LINKED: Final = "https://elsewhere.example/@kim/1"
_INLINED: Final[dict[str, Fields]] = {
    "the parent, inlined": {"inReplyTo": _THEIR_NOTE},
    "the quoted post, inlined": {"quote": _THEIR_NOTE},
    "the quoted post, inlined (_misskey_quote)": {"_misskey_quote": _THEIR_NOTE},
    "the quoted post, inlined (quoteUrl)": {"quoteUrl": _THEIR_NOTE},
    "the fallback of a quote, with its words": {
        "quote": "{stranger}",
        "content": f'<p class="quote-inline">RE: <a href="{_LINKED}">{{}}</a></p>{OWN}',
    },
    "the link to a quoted post": {
        "tag": [
            {
                "type": "Link",
                "rel": "https://misskey-hub.net/ns#_misskey_quote",
                "href": _LINKED,
                "name": "{}",
            }
        ]
    },
    "link card": {
        "attachment": [
            {"type": "Link", "href": _LINKED, "name": "{}", "summary": "{}", "icon": {"name": "{}"}}
        ]
    },
    "link card, as a page": {"attachment": {"type": "Page", "name": "{}", "content": "{}"}},
    "preview": {"preview": {"type": "Article", "name": "{}", "summary": "{}", "content": "{}"}},
    "card": {"card": {"title": "{}", "description": "{}", "author_name": "{}"}},
    "replies": {"replies": _COLLECTION},
    "likes": {"likes": _COLLECTION},
    "shares": {"shares": {**_COLLECTION, "orderedItems": [_THEIR_NOTE]}},
    "the conversation, inlined": {
        "context": {"id": "https://harbor.example/contexts/1", **_COLLECTION}
    },
    "votes in a poll": {
        "type": "Question",
        "oneOf": [{"type": "Note", "name": "Yes", "content": "{}", "replies": _COLLECTION}],
    },
    "place": {"location": {"type": "Place", "name": "{}", "summary": "{}"}},
    "custom emoji": {
        "tag": [{"type": "Emoji", "name": ":{}:", "summary": "{}", "icon": {"name": "{}"}}]
    },
    "software that made it": {"generator": {"type": "Application", "name": "{}"}},
    "cover image": {
        "image": {"type": "Image", "name": "{}"},
        "icon": {"type": "Image", "summary": "{}"},
    },
    "a property value beside the post": {
        "attachment": [{"type": "PropertyValue", "name": "{}", "value": "{}"}]
    },
}
_ACTIVITIES: Final[dict[str, Fields]] = {
    "a boost, inlined": {"type": "Announce", "object": _THEIR_NOTE},
    "a boost of an activity, inlined": {
        "type": "Announce",
        "object": {"type": "Create", "object": _THEIR_NOTE},
    },
    "a like, inlined": {"type": "Like", "object": _THEIR_NOTE, "content": "{}"},
    "an update": {"type": "Update", "object": {**_THEIR_NOTE, "attributedTo": "{me}"}},
    "a deletion, inlined": {"type": "Delete", "object": {**_THEIR_NOTE, "attributedTo": "{me}"}},
    "a report": {"type": "Flag", "content": "{}", "object": ["{stranger}"]},
    "somebody else's post in the outbox": {"type": "Create", "object": _THEIR_NOTE},
    "somebody else's post, passed off as one's own": {
        "type": "Create",
        "object": {**_THEIR_NOTE, "attributedTo": "{me}"},
    },
    "a vote": {
        "type": "Create",
        "object": {
            "id": "{it}",
            "type": "Note",
            "attributedTo": "{me}",
            "to": ["https://elsewhere.example/users/kim"],
            "inReplyTo": "{stranger}",
            "name": "{}",
        },
    },
    "words on the activity": {
        "type": "Add",
        "name": "{}",
        "summary": "{}",
        "content": "{}",
        "object": "{it}",
    },
}
_HIDDEN: Final = {
    "comment": "<!-- {} -->",
    "script and style": "<script>{}</script><style>{}</style>",
    "template and dialog": "<template>{}</template><dialog>{}</dialog><noscript>{}</noscript>",
    "invisible": '<p><span class="invisible">{}</span></p>',
    "alt text of an inline image": '<p><img src="https://harbor.example/1.png" alt="{}" title="{}"></p>',
    "attributes": '<p title="{}" aria-label="{}" data-text="{}">Quite.</p>',
    "form controls": "<textarea>{}</textarea><select><option>{}</option></select><button>{}</button>",
    "media and drawings": "<video>{}</video><audio>{}</audio><svg><title>{}</title></svg>",
    "object and iframe": '<iframe srcdoc="{}">{}</iframe><object>{}</object>',
}


def _former() -> Iterator[Plant]:
    group = "deleted and former"
    old: Fields = {"type": "Note", "content": "<p>{}</p>", "updated": "2025-03-01T00:00:00Z"}
    for kind, fields in {
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
    }.items():
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
    for kind, fields in {
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
    }.items():
        yield Plant("own words", kind, fields, TRAINED)
    code = {"content": "<pre><code>{}</code></pre>"}
    yield Plant("own words", "block of code", code, UNNAMED)
    yield Plant(
        "own words",
        "another language",
        {"content": "<p>{}</p>"},
        by_build("trained", english="context"),
        language="de",
    )
    for kind, fields in {
        "content warning": {"summary": "{}", "sensitive": True, "content": OWN},
        "behind a content warning": {"summary": "Tools", "sensitive": True, "content": "<p>{}</p>"},
        "sensitive": {"sensitive": True, "content": "<p>{}</p>"},
        "sensitive media": {
            "content": "<p>{}</p>",
            "attachment": [{"type": "Document", "sensitive": True, "url": "1.jpg"}],
        },
    }.items():
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


def on_bluesky() -> Iterator[Plant]:
    """Give every kind of place in a repo."""
    yield Plant(
        "visibility",
        "a post labeled for logged-in readers",
        {"text": "{}", "labels": {"values": [{"val": "!no-unauthenticated"}]}},
    )
    yield Plant("dates", "no date, in a repo", {"text": "{}", "createdAt": "yesterday"})
    yield Plant(
        "left out by the author", "a hashtag, in a repo", {"text": "{}", "tags": [EXCLUDED_TAG]}
    )
    yield Plant("signals of posts", "#NoAI, in a repo", {"text": "{}", "tags": ["NoAI"]})
    yield Plant("signals of posts", "#NoAI at the end, in a repo", {"text": "{}\n\n#NoAI"})
    yield Plant("licenses", "NC-SA in the last line, in a repo", {"text": "{}\n\nCC BY-NC-SA 4.0"})
    yield Plant(
        "deleted and former", "a record without what it must have", {"text": None, "title": "{}"}
    )
    for kind, text in {
        "lines that begin with >, in a repo": "> {}",
        "RT, in a repo": "RT @kim.elsewhere.example: {}",
    }.items():
        yield Plant(THEIRS, kind, {"text": f"{OWN_PLAIN}\n{text}"}, own=False, raw=True)
    for kind, fields in _EMBEDDED.items():
        yield Plant(THEIRS, kind, {"text": OWN_PLAIN, **fields}, own=False)
    image = {"image": {"$type": "blob", "mimeType": "image/jpeg", "size": 1}, "alt": "{}"}
    for kind, embed in {
        "alt text of an image, in a repo": {"$type": "app.bsky.embed.images", "images": [image]},
        "alt text of a gallery": {"$type": "app.bsky.embed.gallery", "items": [image]},
        "alt text of a video": {"$type": "app.bsky.embed.video", "alt": "{}"},
        "alt text beside a quote": {
            "$type": "app.bsky.embed.recordWithMedia",
            "record": {"record": {"uri": "{stranger}", "cid": "bafyno"}},
            "media": {"$type": "app.bsky.embed.images", "images": [image]},
        },
    }.items():
        yield Plant("alt texts", kind, {"text": OWN_PLAIN, "embed": embed}, WIDE)
    link = {
        "index": {"byteStart": 0, "byteEnd": 3},
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://notes.example/en"}],
    }
    for kind, fields in {
        "reply, in a repo": {"text": "{}"},
        "comment on a quoted post, in a repo": {
            "text": "{}",
            "embed": {
                "$type": "app.bsky.embed.record",
                "record": {"uri": "{stranger}", "cid": "bafyno"},
            },
        },
        "with a link, in a repo": {"text": "{}", "facets": [link]},
    }.items():
        yield Plant("own words", kind, fields, TRAINED)
    yield Plant(
        "read, not trained",
        "labeled by its author",
        {"text": "{}", "labels": {"values": [{"val": "graphic-media"}]}},
        READ,
    )
    yield Plant(
        "own words",
        "another language, in a repo",
        {"text": "{}", "langs": ["de"]},
        by_build("trained", english="context"),
        language="de",
    )


_VIEW: Final[Fields] = {
    "uri": "{stranger}",
    "cid": "bafyno",
    "value": {"$type": "app.bsky.feed.post", "text": "{}"},
    "record": {"text": "{}"},
    "text": "{}",
    "author": {"displayName": "{}", "description": "{}"},
}
_EXTERNAL: Final[Fields] = {"uri": "https://notes.example/en", "title": "{}", "description": "{}"}
_EMBEDDED: Final[dict[str, Fields]] = {
    "the quoted post, inlined, in a repo": {
        "embed": {"$type": "app.bsky.embed.record", "record": _VIEW}
    },
    "the quoted post as a view": {
        "embed": {"$type": "app.bsky.embed.record#view", "record": _VIEW}
    },
    "the quoted post beside media": {
        "embed": {
            "$type": "app.bsky.embed.recordWithMedia",
            "record": {"record": _VIEW},
            "media": {"external": _EXTERNAL},
        }
    },
    "link card, in a repo": {"embed": {"$type": "app.bsky.embed.external", "external": _EXTERNAL}},
    "captions of a video": {
        "embed": {"$type": "app.bsky.embed.video", "captions": [{"lang": "en", "text": "{}"}]}
    },
    "the parent, inlined, in a repo": {"reply": {"parent": _VIEW, "root": _VIEW}},
    "the original of a bridged post": {"bridgyOriginalText": "<p>{}</p>", "fullText": "{}"},
    "software that made it, in a repo": {"via": "{}"},
}
