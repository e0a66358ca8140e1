"""The end of a post, where people write under which terms it stands ("CC BY-NC-SA 4.0", "no AI training").

What is found there only ever narrows: it is a statement about the post, and no grant. It is looked for
in the last lines of the content and in the content warning, in the text and behind its links. A post
that merely talks about a license in its last line is taken at its word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from fedi_dataset.posts import Body
from fedi_dataset.text.html import to_marked

__all__ = ["footer_of", "license_mentions"]

_LINES: Final = 3
"""Lines at the end that are a footer, blank ones apart."""
_REACH: Final = 300
"""Characters at the end of each of them."""

_ELEMENT: Final = r"(?:nc|nd|sa|non-?commercial|share-?alike|no-?deriv(?:ative)?s?)"
_VERSION: Final = r"(?:[\s_/-]*v?\d\.\d(?:[\s_-]+(?:international|unported|generic|universal))?)?"
_GAP: Final = r"[\s_/–-]+"
_LICENSE: Final = re.compile(
    r"(?:https?://)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/[a-z0-9./_-]*[a-z0-9/]"
    rf"|\b(?:cc|creative[\s-]commons){_GAP}(?:by|attribution)(?:{_GAP}{_ELEMENT})*\b{_VERSION}"
    rf"|\b(?:by|attribution)(?:{_GAP}{_ELEMENT})+\b{_VERSION}"
    rf"|\bcc[\s-]?(?:0|zero)\b{_VERSION}"
    r"|\ball\s+rights\s+reserved\b"
)


def footer_of(body: Body) -> str:
    """Give a post's content warning and last lines, with the targets of the links in them."""
    lines = _lines(body)[-_LINES:]
    links = [target for shown, target in _links(body) if any(shown in line for line in lines)]
    return "\n".join([*(line[-_REACH:] for line in lines), *links, body.summary or ""]).strip()


def license_mentions(text: str) -> tuple[str, ...]:
    """Find what names a license, as it is written (case folded), each once, in order."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    found = (" ".join(one[0].split()) for one in _LICENSE.finditer(folded))
    return tuple(dict.fromkeys(found))


def _lines(body: Body) -> list[str]:
    is_html = body.content_type == "text/html"
    text = to_marked(body.content).text if is_html else body.content
    return [line for raw in text.splitlines() if (line := raw.strip())]


def _links(body: Body) -> Iterator[tuple[str, str]]:
    """Give what each link shows and where it leads; one that shows nothing is as good as anywhere."""
    if body.content_type == "text/html":
        for anchor in LexborHTMLParser(body.content, is_fragment=True).css("a[href]"):
            yield " ".join(anchor.text().split()), anchor.attributes.get("href") or ""
        return
    raw = body.content.encode()
    for facet in body.facets:
        if facet.kind == "link":
            shown = raw[facet.byte_start : facet.byte_end].decode("utf-8", "replace")
            yield shown.strip(), facet.value
