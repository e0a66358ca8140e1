"""HTML of fediverse posts to marked text, as a reader sees it.

Paragraphs are set apart by a blank line, list items begin with ``- `` or their number, quotes with
``> ``, code stands in backticks. Links show their visible text, except that a shortened address is
written in full. What is no text (scripts, styles, controls, media) is left out, content and all.
The tree is walked once, without recursion: nesting is as deep as the post's author likes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from fedi_dataset.posts import Mention
from fedi_dataset.text.marked import Marked, MentionRange, Range, merged, normalized
from fedi_dataset.text.writer import LINE, PARAGRAPH, Opened, Prefix, Writer

__all__ = ["is_shortened", "to_marked"]

# fmt: off
_PARAGRAPHS = frozenset({
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer", "main",
    "aside", "nav", "figure", "figcaption", "hr", "details", "dl", "table",
})
_LINES = frozenset({"div", "tr", "dt", "dd", "address", "summary", "caption"})
_LEFT_OUT = frozenset({
    "script", "style", "template", "noscript", "noembed", "noframes", "iframe", "object", "applet",
    "svg", "canvas", "title", "audio", "video", "map", "select", "option", "optgroup", "datalist",
    "textarea", "button", "progress", "meter", "dialog", "annotation", "annotation-xml", "rp",
})
# fmt: on
_QUOTE_CLASSES = frozenset(["h-cite", "u-quotation-of"])
"""Microformats of cited words and link cards (microformats.org, h-cite)."""
_FALLBACK_CLASSES = frozenset(["quote-inline", "reference-link-inline"])
"""Where servers say in text what the quote property says (FEP-044f; Mastodon, Fedibird)."""


def to_marked(html: str, mentions: Sequence[Mention] = (), *, quotes: bool = False) -> Marked:
    """Read the HTML of a post (ActivityPub ``content``), mention, hashtag and quote ranges marked.

    Args:
        html: The fragment; whatever it holds, nothing is raised.
        mentions: The post's Mention tags: an anchor that leads to one of them is a mention,
            whatever its class, and takes the tag's account.
        quotes: Whether the post quotes another one; then the fallback link to it is left out.
    """
    parser = LexborHTMLParser(html, is_fragment=True)
    reader = _Reader(mentions, quotes=quotes)
    reader.walk(parser.root)
    return normalized(
        Marked(
            "".join(reader.out.parts),
            tuple(sorted(reader.mentions)),
            merged(reader.hashtags),
            merged(reader.quoted),
        )
    )


def is_shortened(visible: str, target: str) -> bool:
    """Whether ``visible`` (its ellipsis included) is the beginning of the address ``target``."""
    shown = _bare(visible.rstrip("….").rstrip())
    return "." in shown and not re.search(r"\s", target) and _bare(target).startswith(shown)


def _bare(address: str) -> str:
    return re.sub(r"\A[a-z][a-z0-9+.-]*://(?:www\.)?|\Awww\.", "", unquote(address.casefold()))


_Closing = Callable[[], None]


class _Reader:
    """Walks the tree and says to the writer what each element means."""

    def __init__(self, mentions: Sequence[Mention], *, quotes: bool) -> None:
        self.out = Writer()
        self.mentions: list[MentionRange] = []
        self.hashtags: list[Range] = []
        self.quoted: list[Range] = []
        self._people = mentions
        self._quotes = quotes
        self._anchor: Opened | None = None
        self._numbers: list[int | None] = []
        self._preformatted = False
        self._code = False

    def walk(self, root: LexborNode | None) -> None:
        open_elements: list[tuple[LexborNode, _Closing | None]] = []
        node = root
        while node is not None or open_elements:
            if node is None:
                parent, closing = open_elements.pop()
                if closing is not None:
                    closing()
                node = parent.next
            elif node.is_text_node:
                text = node.text_content or ""
                if self._preformatted:
                    self.out.verbatim(text)
                else:
                    self.out.text(text)
                node = node.next
            elif node.is_element_node and (entered := self._enter(node)) is not _SKIPPED:
                open_elements.append((node, entered))
                node = node.first_child
            else:
                node = node.next

    def _enter(self, node: LexborNode) -> _Closing | None:
        tag = node.tag or ""
        if tag in _LEFT_OUT:
            return _SKIPPED
        if tag == "br":
            self.out.line_break()
            return None
        attributes = node.attributes
        classes = (attributes.get("class") or "").split()
        if classes and self._is_hidden(classes):
            return _SKIPPED
        if tag == "a" and self._anchor is None:
            return self._enter_anchor(attributes, classes)
        if tag == "blockquote" or not _QUOTE_CLASSES.isdisjoint(classes):
            return self._enter_quote()
        if tag in ("ul", "ol"):
            return self._enter_list(tag, attributes)
        if tag == "li":
            return self._enter_item()
        if tag == "pre":
            return self._enter_block_of_code(node)
        if tag in ("code", "tt") and not (self._preformatted or self._code):
            return self._enter_code(node)
        if tag == "img":
            self._read_image(attributes, classes)
        elif tag in ("td", "th"):
            if _has_cell_before(node):
                self.out.text(" | ")
        elif tag == "q":
            return self._enter_inline_quote()
        elif tag in _PARAGRAPHS or tag in _LINES:
            return self._enter_block(PARAGRAPH if tag in _PARAGRAPHS else LINE)
        return None

    def _enter_block(self, strength: int) -> _Closing:
        self.out.separate(strength)
        return lambda: self.out.separate(strength)

    def _is_hidden(self, classes: Sequence[str]) -> bool:
        """Not shown; on the way, note that an anchor's address is shortened."""
        if self._anchor is not None and ("invisible" in classes or "ellipsis" in classes):
            self._anchor.shortened = True
        return "invisible" in classes or (
            self._quotes and not _FALLBACK_CLASSES.isdisjoint(classes)
        )

    def _enter_anchor(
        self, attributes: dict[str, str | None], classes: Sequence[str]
    ) -> _Closing | None:
        href = (attributes.get("href") or "").strip()
        relations = (attributes.get("rel") or "").split()
        opened = self._anchor = self.out.open()

        def leave() -> None:
            self._anchor = None
            place = self.out.close(opened)
            if place is None:
                return
            begin, end = place
            visible = "".join(self.out.parts[opened.part :])
            sign = self.out.parts[opened.part - 1][-1] if opened.part else ""
            if ("hashtag" in classes or "tag" in relations) and "#" in (visible[0], sign):
                self.hashtags.append((begin - (visible[0] != "#"), end))
            elif account := _mentioned(href, visible, sign, classes, self._people):
                # Some servers write the @ before the link.
                self.mentions.append(
                    MentionRange(begin - (visible[0] != "@" and sign == "@"), end, account)
                )
            elif (opened.shortened or visible.endswith(("…", "..."))) and is_shortened(
                visible, href
            ):
                self.out.rewrite(opened, href)

        return leave

    def _enter_quote(self) -> _Closing:
        self.out.separate(PARAGRAPH)
        self.out.prefixes.append(Prefix("> ", "> "))
        opened = self.out.open(whole_line=True)

        def leave() -> None:
            if place := self.out.close(opened):
                self.quoted.append(place)
            self.out.prefixes.pop()
            self.out.separate(PARAGRAPH)

        return leave

    def _enter_inline_quote(self) -> _Closing:
        opened = self.out.open(lead='"')

        def leave() -> None:
            if self.out.close(opened):
                self.out.append('"')

        return leave

    def _enter_list(self, tag: str, attributes: dict[str, str | None]) -> _Closing:
        strength = LINE if self._numbers else PARAGRAPH
        start = attributes.get("start") or "1"
        number = int(start) if re.fullmatch(r"[0-9]{1,6}", start) else 1
        self.out.separate(strength)
        self._numbers.append(number if tag == "ol" else None)

        def leave() -> None:
            self._numbers.pop()
            self.out.separate(strength)

        return leave

    def _enter_item(self) -> _Closing:
        number = self._numbers[-1] if self._numbers else None
        marker = "- " if number is None else f"{number}. "
        if number is not None:
            self._numbers[-1] = number + 1
        self.out.separate(LINE)
        self.out.prefixes.append(Prefix(marker, " " * len(marker)))

        def leave() -> None:
            self.out.prefixes.pop()
            self.out.separate(LINE)

        return leave

    def _enter_block_of_code(self, node: LexborNode) -> _Closing | None:
        content = node.text()
        if self._preformatted or not content.strip():
            return None if self._preformatted else _SKIPPED
        fence = _backticks(content, at_least=3)
        self.out.separate(PARAGRAPH)
        self.out.verbatim(f"{fence}\n")
        self._preformatted = True

        def leave() -> None:
            self._preformatted = False
            self.out.separate(LINE)
            self.out.verbatim(fence)
            self.out.separate(PARAGRAPH)

        return leave

    def _enter_code(self, node: LexborNode) -> _Closing:
        ticks = _backticks(node.text(), at_least=1)
        space = " " if len(ticks) > 1 else ""
        opened = self.out.open(lead=ticks + space)
        self._code = True

        def leave() -> None:
            self._code = False
            if self.out.close(opened):
                self.out.append(space + ticks)

        return leave

    def _read_image(self, attributes: dict[str, str | None], classes: Sequence[str]) -> None:
        """Custom emoji and drawn Unicode emoji are text; of other images the alt text is not."""
        alt = attributes.get("alt") or ""
        if any("emoji" in name for name in classes) and not re.search(r"\s", alt):
            self.out.text(alt)


def _skipped() -> None:
    """Stand for an element whose content is left out; never called."""


_SKIPPED: _Closing = _skipped


def _has_cell_before(node: LexborNode) -> bool:
    before = node.prev
    while before is not None and not before.is_element_node:
        before = before.prev
    return before is not None


def _backticks(content: str, *, at_least: int) -> str:
    """As many as CommonMark asks for: more than any run inside."""
    longest = max(map(len, re.findall("`+", content)), default=0)
    return "`" * max(at_least, longest + 1)


# --- mentions ----------------------------------------------------------------------------------


def _mentioned(
    href: str, visible: str, sign: str, classes: Sequence[str], people: Sequence[Mention]
) -> str | None:
    """The account that an anchor names, by its address or by what it shows; None for a link.

    An anchor that calls itself a mention is one even if no tag says who it is; then its address
    stands for the account.
    """
    for person in people:
        if person.account == href:
            return person.account
    named = "mention" in classes or ("u-url" in classes and "@" in (visible[0], sign))
    if not named and visible[0] != "@":
        return None
    host = _host(href)
    local, _, domain = visible.lstrip("@").casefold().partition("@")
    for person in people:
        name, _, name_domain = (person.name or "").lstrip("@").casefold().partition("@")
        same_host = bool(host) and _host(person.account) == host
        if name == local and name_domain and name_domain in (domain, host):
            return person.account
        if same_host and local in (name, _last_segment(person.account)):
            return person.account
    return (href or visible) if named else None


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # a malformed IPv6 literal names no host
        return ""


def _last_segment(address: str) -> str:
    return address.rstrip("/").rsplit("/", 1)[-1].lstrip("@").casefold()
