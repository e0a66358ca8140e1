"""From the body of a post to its clean text: the way through the text room, in reading order."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fedi_dataset.posts import Body
from fedi_dataset.text.html import to_marked
from fedi_dataset.text.language import identify
from fedi_dataset.text.marked import Marked, MentionRange, Range, joined, normalized, without_ranges
from fedi_dataset.text.markup import (
    from_facets,
    with_named_mentions,
    with_quotes,
    without_addressing,
    without_quote_fallback,
    without_tag_block,
)

__all__ = ["Clean", "clean"]


@dataclass(frozen=True, slots=True)
class Clean:
    """What a post says. Ranges are code points into ``text``, sorted, those of a kind apart."""

    text: str
    mentions: tuple[MentionRange, ...]
    quoted: tuple[Range, ...]
    """Words of others."""
    language: str
    """Of the author's own words, BCP 47 primary subtag, or ``und``."""
    warning: Range | None = None
    """The content warning, "CW: " included."""
    title: Range | None = None


def clean(body: Body, *, alt_texts: bool) -> Clean:
    """Give the text of a post, its parts as paragraphs in the order in which they are read.

    "CW: " and the content warning; the title; the content, without what only addresses, trailing
    tags and fallback links to a quoted post; the poll's options as a list; descriptions of images
    where ``alt_texts`` asks for them. A warning or title that the content begins with is not said
    twice.
    """
    content = _content(body)
    opening = content.text.partition("\n\n")[0]
    parts = [
        _prefixed("CW: ", _unless(opening, _summary(body))),
        _unless(opening, _plain(body.title, body)),
        content,
        joined((_prefixed("- ", _plain(option, body)) for option in body.poll_options), "\n"),
    ]
    if alt_texts:
        parts += (_plain(text, body) for text in body.alt_texts)
    whole = joined(parts)
    own = without_ranges(whole, whole.quoted).text if whole.quoted else whole.text
    warning, title = parts[0].text, joined(parts[:2]).text
    begin = len(title) - len(parts[1].text)
    return Clean(
        whole.text,
        whole.mentions,
        whole.quoted,
        identify(own, body.languages),
        warning=(0, len(warning)) if warning else None,
        title=(begin, len(title)) if parts[1].text else None,
    )


def _content(body: Body) -> Marked:
    if body.content_type == "text/html":
        marked = to_marked(body.content, body.mentions, quotes=body.quote_of is not None)
    else:
        marked = normalized(from_facets(body.content, body.facets))
    marked = with_quotes(with_named_mentions(marked, body.mentions))
    if body.quote_of is not None:
        marked = without_quote_fallback(marked)
    return without_tag_block(without_addressing(marked))


_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&(?:#[0-9]+|#[xX][0-9A-Fa-f]+|[A-Za-z]+);")


def _summary(body: Body) -> Marked:
    """The content warning; Mastodon sends it as plain text, others as HTML, and none says which."""
    summary = body.summary or ""
    if body.content_type != "text/html" or not _MARKUP.search(summary):
        return _plain(summary, body)
    return with_named_mentions(to_marked(summary, body.mentions), body.mentions)


def _plain(text: str | None, body: Body) -> Marked:
    """A part that is plain text by its format (names and descriptions), on one line."""
    line = " ".join((text or "").split())
    return with_named_mentions(normalized(Marked(line)), body.mentions)


def _prefixed(prefix: str, part: Marked) -> Marked:
    return joined([Marked(prefix), part], "") if part.text else part


def _unless(said: str, part: Marked) -> Marked:
    return Marked("") if part.text == said else part
