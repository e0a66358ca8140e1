"""The JSON of a Mastodon account: its actor, its posts and boosts, as Mastodon's serializers write them."""

from __future__ import annotations

import html
from datetime import datetime, timedelta
from typing import Any

from tests.world.draft import Draft
from tests.world.mastodon_html import content, page, tag_anchor
from tests.world.people import Person

__all__ = ["ACTIVITYSTREAMS", "CONTEXT", "PUBLIC", "activity", "actor"]

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
ACTIVITYSTREAMS = "https://www.w3.org/ns/activitystreams"
CONTEXT: list[Any] = [
    ACTIVITYSTREAMS,
    "https://w3id.org/security/v1",
    {
        "ostatus": "http://ostatus.org#",
        "atomUri": "ostatus:atomUri",
        "inReplyToAtomUri": "ostatus:inReplyToAtomUri",
        "conversation": "ostatus:conversation",
        "sensitive": "as:sensitive",
        "toot": "http://joinmastodon.org/ns#",
        "votersCount": "toot:votersCount",
        "discoverable": "toot:discoverable",
        "indexable": "toot:indexable",
        "memorial": "toot:memorial",
        "Hashtag": "as:Hashtag",
        "quote": {"@id": "https://w3id.org/fep/044f#quote", "@type": "@id"},
        "quoteUri": "http://fedibird.com/ns#quoteUri",
        "_misskey_quote": "https://misskey-hub.net/ns#_misskey_quote",
        "quoteAuthorization": {
            "@id": "https://w3id.org/fep/044f#quoteAuthorization",
            "@type": "@id",
        },
    },
]


def actor(person: Person) -> dict[str, Any]:
    """The account's actor.json."""
    hashtags = ["NoAI"] if "#NoAI" in person.bio else []
    bio = html.escape(person.bio)
    for tag in hashtags:
        bio = bio.replace(f"#{tag}", tag_anchor(person, tag))
    return {
        "@context": CONTEXT,
        "id": person.uri,
        "type": "Service" if person.is_bot else "Person",
        **({} if person.old_software else {"webfinger": person.handle[1:]}),
        "following": f"{person.uri}/following",
        "followers": _followers(person),
        "inbox": f"{person.uri}/inbox",
        "outbox": "outbox.json",
        "featured": f"{person.uri}/collections/featured",
        "preferredUsername": person.username,
        "name": person.display_name,
        "summary": f"<p>{bio}</p>",
        "url": person.profile,
        "manuallyApprovesFollowers": False,
        "discoverable": True,
        "indexable": person.number % 2 == 0,
        "published": person.joined.strftime("%Y-%m-%dT00:00:00Z"),
        "memorial": False,
        "tag": [_hashtag(person, tag) for tag in hashtags],
        "attachment": [],
        "likes": "likes.json",
        "bookmarks": "bookmarks.json",
    }


def activity(post: Draft) -> dict[str, Any]:
    """An item of the outbox: a Create with its post, or an Announce."""
    status = f"{post.author.uri}/statuses/{post.status}"
    to, cc = _audience(post)
    if post.boost_of is not None:
        boosted = post.boost_of
        return {
            "id": post.uri,
            "type": "Announce",
            "actor": post.author.uri,
            "published": _time(post.created_at),
            "to": [PUBLIC],
            "cc": [boosted.author.uri, _followers(post.author)],
            "object": boosted.uri,
        }
    return {
        "id": f"{status}/activity",
        "type": "Create",
        "actor": post.author.uri,
        "published": _time(post.created_at),
        "to": to,
        "cc": cc,
        "object": _note(post, to, cc),
    }


def _note(post: Draft, to: list[str], cc: list[str]) -> dict[str, Any]:
    old = post.author.old_software
    words = content(post)
    note: dict[str, Any] = {
        "id": post.uri,
        "type": "Question" if post.options else "Note",
        "summary": post.warning,
        "inReplyTo": _parent(post),
        "published": _time(post.created_at),
        "url": page(post),
        "attributedTo": post.author.uri,
        "to": to,
        "cc": cc,
        "sensitive": post.warning is not None,
        "atomUri": post.uri,
        "inReplyToAtomUri": _parent(post),
        "conversation": _conversation(post),
        **({} if old else {"context": _context(post)}),
        "content": words,
        "contentMap": {post.language: words},
    }
    if post.edited_at is not None:
        note["updated"] = _time(post.edited_at)
    note["attachment"] = [_document(post, text) for text in post.alt_texts]
    note["tag"] = _tags(post)
    if post.options:
        note.update(_poll(post))
    if post.quote_of is not None:
        note.update(_quote(post, post.quote_of))
    if not old:
        allowed = {"automaticApproval": [PUBLIC], "manualApproval": []}
        note["interactionPolicy"] = {"canQuote": allowed}
    return note


def _audience(post: Draft) -> tuple[list[str], list[str]]:
    """``to`` and ``cc`` by visibility, as tag_manager.rb gives them."""
    mentioned = [person.uri for person in post.mentioned]
    followers = _followers(post.author)
    match post.visibility:
        case "public":
            return [PUBLIC], [followers, *mentioned]
        case "unlisted":
            return [followers], [PUBLIC, *mentioned]
        case "followers":
            return [followers], mentioned
        case "direct":
            return mentioned, []


def _parent(post: Draft) -> str | None:
    return post.parent.uri if post.parent else post.outside


def _conversation(post: Draft) -> str:
    root = post.root
    day = root.created_at.strftime("%Y-%m-%d")
    return f"tag:{root.author.host},{day}:objectId={_thread(root)}:objectType=Conversation"


def _context(post: Draft) -> str:
    root = post.root
    return f"https://{root.author.host}/contexts/{root.author.number}-{_thread(root)}"


def _thread(root: Draft) -> int:
    """A number for a tree: talks have fewer than 64 posts."""
    return root.talk * 64 + root.number


def _followers(person: Person) -> str:
    return f"{person.uri}/followers"


def _document(post: Draft, alt_text: str) -> dict[str, Any]:
    digits = str(post.status)
    return {
        "type": "Document",
        "mediaType": "image/jpeg",
        "url": f"media_attachments/files/{digits[:3]}/{digits[3:6]}/original/{digits[6:]}.jpg",
        "name": alt_text,
        "width": 1200,
        "height": 900,
    }


def _poll(post: Draft) -> dict[str, Any]:
    closed = post.created_at + timedelta(days=1)
    votes = [(post.status >> 16) // (place + 3) % 20 for place in range(len(post.options))]
    return {
        "endTime": _time(closed),
        "closed": _time(closed),
        "votersCount": sum(votes),
        "oneOf": [
            {"type": "Note", "name": option, "replies": {"type": "Collection", "totalItems": count}}
            for option, count in zip(post.options, votes, strict=True)
        ],
    }


def _quote(post: Draft, quoted: Draft) -> dict[str, Any]:
    approval = f"{quoted.author.uri}/quote_authorizations/{post.status}"
    return {
        "quote": quoted.uri,
        "_misskey_quote": quoted.uri,
        "quoteUri": quoted.uri,
        "quoteAuthorization": approval,
    }


def _tags(post: Draft) -> list[dict[str, str]]:
    return [
        *({"type": "Mention", "href": one.uri, "name": _name(post, one)} for one in post.mentioned),
        *(_hashtag(post.author, tag) for tag in post.tags),
    ]


def _name(post: Draft, person: Person) -> str:
    """Old servers leave out the host of their own people."""
    local = post.author.old_software and person.host == post.author.host
    return f"@{person.username}" if local else person.handle


def _hashtag(author: Person, tag: str) -> dict[str, str]:
    return {"type": "Hashtag", "href": f"https://{author.host}/tags/{tag}", "name": f"#{tag}"}


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
