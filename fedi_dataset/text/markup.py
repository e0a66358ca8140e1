"""What markup says besides words: rich-text annotations, addresses, tag blocks, words of others.

Everything here takes marked text and gives marked text, with every range right.
"""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fedi_dataset.posts import Facet, Mention
from fedi_dataset.text.html import is_shortened
from fedi_dataset.text.marked import (
    Edit,
    Marked,
    MentionRange,
    Range,
    cut,
    edited,
    merged,
    without_ranges,
)

__all__ = [
    "cut",
    "from_facets",
    "quoted_words",
    "with_named_mentions",
    "with_quotes",
    "without_addressing",
    "without_quote_fallback",
    "without_ranges",
    "without_tag_block",
]


def from_facets(text: str, facets: Sequence[Facet]) -> Marked:
    """Lay the facets of an AT Protocol post (``app.bsky.richtext.facet``) onto its text.

    Their offsets are UTF-8 bytes. One that is empty, out of bounds, splits a character or overlaps
    another is ignored; of overlapping ones a mention stays, else the one that begins first. A link
    whose text is a shortened form of its address is written in full.
    """
    positions = _positions(text, facets)
    mentions: list[MentionRange] = []
    hashtags: list[Range] = []
    links: list[Edit] = []
    taken: list[Range] = []
    for facet in sorted(facets, key=lambda one: (one.kind != "mention", one.byte_start)):
        begin, end = positions.get(facet.byte_start), positions.get(facet.byte_end)
        if begin is None or end is None or begin >= end or _touches((begin, end), taken):
            continue
        insort(taken, (begin, end))
        visible = text[begin:end]
        if facet.kind == "mention":
            mentions.append(MentionRange(begin, end, facet.value))
        elif facet.kind == "tag":
            hashtags.append((begin, end))
        elif visible.endswith(("…", "...")) and is_shortened(visible, facet.value):
            links.append((begin, end, facet.value))
    marked = Marked(text, tuple(sorted(mentions)), tuple(sorted(hashtags)))
    return edited(marked, sorted(links))


def with_named_mentions(marked: Marked, mentions: Iterable[Mention]) -> Marked:
    """Mark where the text holds the name of a Mention tag (``@bob@server.example``) unlinked."""
    if "@" not in marked.text:
        return marked
    accounts = {
        one.name.casefold(): one.account
        for one in mentions
        if one.name and re.fullmatch(r"@[^\s@]+(?:@[^\s@]+)?", one.name)
    }
    if not accounts:
        return marked
    names = "|".join(map(re.escape, sorted(accounts, key=len, reverse=True)))
    found = re.compile(rf"(?<![\w@/.])(?:{names})(?![\w@]|[.-]\w)", re.IGNORECASE)
    known = [(one.begin, one.end) for one in marked.mentions]
    more = [
        MentionRange(match.start(), match.end(), accounts[name])
        for match in found.finditer(marked.text)
        if (name := match.group().casefold()) in accounts and not _touches(match.span(), known)
    ]
    return replace(marked, mentions=tuple(sorted((*marked.mentions, *more))))


_GAP = re.compile(r"(?:\s|[,:;](?=\s|\Z))*")


def without_addressing(marked: Marked) -> Marked:
    """Remove the mentions that a post begins with; they say whom it answers.

    White space and commas may stand between them, and a colon after them. A mention at the very
    beginning that is a subject ("@ann is right") cannot be told from an address, and goes too; one
    that is part of a word ("@ann's") stays.
    """
    end = 0
    for mention in marked.mentions:
        after = _skip(_GAP, marked.text, mention.end)
        if mention.begin != end or mention.end == after < len(marked.text):
            break
        end = after
    return without_ranges(marked, [(0, end)])


_BETWEEN_TAGS = re.compile(r"[ \t,·•|/]*")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*\s*\Z")


def without_tag_block(marked: Marked) -> Marked:
    """Remove the hashtags that a post ends with, where they are labels and not words.

    They are labels on lines of nothing else, and at the end of the last line when there are two or
    more of them, or one after the end of a sentence. A single one that closes a running sentence
    is a word of it and stays; so do those in words of others.
    """
    tags = [tag for tag in marked.hashtags if not _touches(tag, marked.quoted)]
    begin = len(marked.text)
    while tags:
        text = marked.text[:begin].rstrip()
        line = text.rfind("\n") + 1
        run: list[Range] = []
        at = len(text)
        while tags and tags[-1][0] >= line and _skip(_BETWEEN_TAGS, text, tags[-1][1]) == at:
            at = tags[-1][0]
            run.append(tags.pop())
        alone = not text[line:at].strip()
        if not run or not (alone or len(run) > 1 or _SENTENCE_END.search(text[line:at])):
            break
        begin = at
        if not alone:
            break
    return without_ranges(marked, [(begin, len(marked.text))])


_FALLBACK = re.compile(
    r"^(?:RE|QT|RT|re): ?\[?(?:(?:https?|at)://\S+|[\w-]+(?:\.[\w-]+)+/\S*)\]?$", re.MULTILINE
)


def without_quote_fallback(marked: Marked) -> Marked:
    """Remove the line "RE: <address>", which stands for the quoted post where quotes are unknown.

    Only for a post that does quote another one (FEP-044f; Misskey appends such a line).
    """
    return without_ranges(marked, (match.span() for match in _FALLBACK.finditer(marked.text)))


_RETWEET = re.compile(
    r"(?<!\S)(?:(?:RT|QT|MT)(?:: ?| )|[\u267b\u2672\U0001f501]\ufe0f? ?)@[\w.-]+(?:@[\w.-]+)?:(?=\s|\Z)"
    r"|\ART(?:: ?| )@[\w.-]+(?:@[\w.-]+)?(?=\s|\Z)"
)
"""The recycling signs are Friendica's and other servers' for RT."""
_CODE_BLOCK = re.compile(r"^(`{3,})[^`\n]*\n(?:.*?\n)??\1`*$", re.MULTILINE | re.DOTALL)
_QUOTED_LINES = re.compile(r"^>{1,2} [^\n]*(?:\n>{1,2}(?: [^\n]*)?$)*", re.MULTILINE)


def with_quotes(marked: Marked) -> Marked:
    """Mark words of others that only their form shows.

    Lines that begin with ``> `` (or ``>> ``), except in code blocks, and all that follows "RT @x:" (QT, MT,
    or a sign of recycling or repeating; after RT the colon may lack where the text begins with it).
    """
    found = list(marked.quoted)
    if ">" in marked.text:
        code = [match.span() for match in _CODE_BLOCK.finditer(marked.text)]
        lines = (match.span() for match in _QUOTED_LINES.finditer(marked.text))
        found += (span for span in lines if not _touches(span, code))
    if match := _RETWEET.search(marked.text):
        found.append((match.start(), len(marked.text)))
    return replace(marked, quoted=merged(found))


def quoted_words(text: str) -> str:
    """What a quoted range says, without the marks of quoting: to compare it with other posts."""
    return re.sub(r"^(?:[ \t-]*>{1,2}(?: |$))+", "", _RETWEET.sub("", text), flags=re.MULTILINE)


def _positions(text: str, facets: Sequence[Facet]) -> dict[int, int]:
    """Give the code point at which each byte offset of a facet stands, where it begins one."""
    raw = text.encode("utf-8", "surrogatepass")
    offsets = {at for facet in facets for at in (facet.byte_start, facet.byte_end)}
    positions: dict[int, int] = {}
    last = points = 0
    for at in sorted(offsets):
        if 0 <= at <= len(raw) and (at == len(raw) or raw[at] & 0xC0 != 0x80):
            points += len(raw[last:at].decode("utf-8", "surrogatepass"))
            positions[at], last = points, at
    return positions


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _touches(place: Range, ranges: Sequence[Range]) -> bool:
    """Whether ``place`` overlaps one of ``ranges``, which are sorted and apart from each other."""
    before = bisect_right(ranges, place[0], key=lambda one: one[0]) - 1
    return (before >= 0 and ranges[before][1] > place[0]) or (
        before + 1 < len(ranges) and ranges[before + 1][0] < place[1]
    )
