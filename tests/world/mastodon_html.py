"""A post's content as HTML, as Mastodon writes it for its own and for other servers."""

from __future__ import annotations

import html
from collections.abc import Iterator

from tests.world.asides import SHOWN
from tests.world.draft import Block, Draft, Run
from tests.world.people import Person

__all__ = ["content", "page", "tag_anchor"]


def content(post: Draft) -> str:
    """The whole content: fallback of a quote, addressing mentions, the words, hashtags at the end."""
    parts = list(_blocks(post))
    if post.quote_of is not None:
        link = _link_anchor(page(post.quote_of))
        parts.insert(0, f'<p class="quote-inline">RE: {link}</p>')
    if post.tags:
        parts.append(f"<p>{' '.join(tag_anchor(post.author, tag) for tag in post.tags)}</p>")
    return "".join(parts)


def _blocks(post: Draft) -> Iterator[str]:
    addressed = "".join(f"{_mention_anchor(person)} " for person in post.addressed)
    line_break = "<br />" if post.author.old_software else "<br>"
    for number, block in enumerate(post.blocks):
        lines = ["".join(map(_run, line)) for line in block.lines]
        if number == 0:
            lines[0] = addressed + lines[0]
        yield _element(block, lines, line_break)


def _element(block: Block, lines: list[str], line_break: str) -> str:
    match block.kind:
        case "paragraph":
            return f"<p>{line_break.join(lines)}</p>"
        case "list":
            return "<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"
        case "code":
            return f"<pre><code>{line_break.join(lines)}</code></pre>"
        case "quote":
            return f"<blockquote><p>{line_break.join(lines)}</p></blockquote>"


def _run(run: Run) -> str:
    if run.person is not None:
        return _mention_anchor(run.person)
    return _link_anchor(run.text) if run.kind == "link" else _escape(run.text)


def _mention_anchor(person: Person) -> str:
    return (
        f'<span class="h-card" translate="no"><a href="{person.profile}" class="u-url mention">'
        f"@<span>{person.username}</span></a></span>"
    )


def tag_anchor(author: Person, tag: str) -> str:
    """A hashtag as a link to its page on the author's server."""
    return (
        f'<a href="https://{author.host}/tags/{tag}" class="mention hashtag" rel="tag">'
        f"#<span>{tag}</span></a>"
    )


def _link_anchor(url: str) -> str:
    scheme, rest = url[: len("https://")], url[len("https://") :]
    shown, hidden = rest[:SHOWN], rest[SHOWN:]
    ellipsis = ' class="ellipsis"' if hidden else ' class=""'
    return (
        f'<a href="{_escape(url)}" target="_blank" rel="nofollow noopener" translate="no">'
        f'<span class="invisible">{scheme}</span><span{ellipsis}>{_escape(shown)}</span>'
        f'<span class="invisible">{_escape(hidden)}</span></a>'
    )


def _escape(text: str) -> str:
    return html.escape(text).replace("&#x27;", "&#39;")


def page(post: Draft) -> str:
    """URL of a post's page."""
    return f"{post.author.profile}/{post.status}"
