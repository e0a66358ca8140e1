"""Where words hide in an ActivityPub post that are not its author's, or that no reader sees.

``{}`` is the sentence; see :mod:`tests.world.canaries.plants` for what else is filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.world.mastodon_documents import PUBLIC

__all__ = ["ACTIVITIES", "HIDDEN", "INLINED", "OWN", "QUOTED"]

OWN: Final = "<p>That sounds right to me, and it is what we did as well.</p>"
"""What the author says beside it."""

Fields = Mapping[str, Any]

QUOTED: Final = {
    "block quote": "<blockquote><p>{}</p></blockquote>",
    "block quote in a list": "<ul><li>Indeed<blockquote>{}</blockquote></li></ul>",
    "lines that begin with >": "<p>&gt; {}</p>",
    "lines that begin with > in a paragraph": "<p>Somebody said:<br>&gt; {}</p>",
    "lines that begin with >>": "<p>&gt;&gt; {}</p>",
    "RT": "<p>RT @kim@elsewhere.example: {}</p>",
    "share of Friendica": "<p>♲ @kim@elsewhere.example: {}</p>",
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
INLINED: Final[dict[str, Fields]] = {
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
ACTIVITIES: Final[dict[str, Fields]] = {
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
HIDDEN: Final = {
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
