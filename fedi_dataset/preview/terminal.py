"""Other people's text on a terminal: nothing in it is obeyed, and nothing in it is hidden.

A terminal takes orders from control characters: an escape sequence can move the cursor, change the title, write to the
clipboard. Other characters show a line in an order in which it is not stored, or are not seen at all. All of these are
written out as ``<U+001B>``. Markup of the library that colors is never read from a text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from fedi_dataset.preview.lines import Line, Span, Style

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["print_lines", "visible"]

_STYLES: Final[dict[Style, str]] = {
    "head": "bold cyan",
    "plain": "",
    "trained": "green",
    "speaker": "bold",
    "placeholder": "magenta",
    "gap": "yellow",
    "note": "dim",
}
_JOINERS: Final = "\u200c\u200d"
"""Zero-width characters that letters and emoji are made with."""
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of Unicode: control, format, surrogate, line and paragraph separator."""
_NOT_PLAIN: Final = re.compile(r"[^ -~]")
_NARROWEST: Final = 20
"""Columns of text that are kept, however deep it stands."""


def visible(text: str) -> str:
    """Write out every character that a terminal would obey, or that could not be seen.

    Those are control characters (C0, DEL, C1), format characters but the joiners of letters and emoji, marks of lines
    and paragraphs, lone surrogates. A tab becomes a space.
    """
    return _NOT_PLAIN.sub(lambda found: _shown(found.group()), text.replace("\t", " "))


def _shown(one: str) -> str:
    unsafe = unicodedata.category(one) in _UNSAFE and one not in _JOINERS
    return f"<U+{ord(one):04X}>" if unsafe else one


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines on stdout: wrapped and in colors on a terminal, as they are elsewhere.

    ``NO_COLOR`` and ``FORCE_COLOR`` are heeded.
    """
    from rich.console import Console

    console = Console(markup=False, emoji=False, highlight=False)
    for line in lines:
        _print(line, console)


def _print(line: Line, console: Console) -> None:
    margin, content = _text(line.margin, console), _text(line.content, console)
    if not console.is_terminal:
        whole = margin + content
        whole.rstrip()
        console.print(whole, soft_wrap=True)
        return
    room = max(_NARROWEST, console.width - margin.cell_len)
    for number, part in enumerate(content.wrap(console, room)):
        if number:  # the mark of what is trained stands before every line of it
            margin = margin[:1] + _text([Span(" " * (margin.cell_len - 1), "plain")], console)
        console.print(margin + part, soft_wrap=True)


def _text(spans: Iterable[Span], console: Console) -> Text:
    from rich.text import Text

    text = Text()
    for span in spans:
        shown = visible(span.text).encode(console.encoding, "backslashreplace")
        text.append(shown.decode(console.encoding), _STYLES[span.style])
    return text
