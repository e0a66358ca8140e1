"""Writes text piece by piece: blank lines, margins of lists and quotes, where an element stands.

A separator is held back until there is text after it, and of several the strongest is written, so
that no text begins or ends with one and empty elements leave no trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from os.path import commonprefix

from fedi_dataset.text.marked import Range

__all__ = ["LINE", "PARAGRAPH", "SPACE", "Opened", "Prefix", "Writer"]

SPACE, LINE, PARAGRAPH = 1, 2, 3
"""What separates two stretches of text, in rising order."""
DEEPEST = 16
"""Margins beyond this many are not written: a hostile post would make lines of any length."""


@dataclass(slots=True)
class Opened:
    """An element that was opened: where its first character went, once there is one."""

    lead: str = ""
    whole_line: bool = False
    begin: int | None = None
    part: int = 0
    shortened: bool = False


@dataclass(slots=True)
class Prefix:
    """What the lines inside an element begin with: the first one, and the others."""

    first: str
    rest: str


class Writer:
    """Appends text; separators and line prefixes are held back until there is text after them."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.prefixes: list[Prefix] = []
        self._separator = LINE
        self._line_start = 0
        self._margin = ""
        self._waiting: list[Opened] = []

    def separate(self, strength: int) -> None:
        """Ask for a separator of at least this strength before the next text."""
        self._separator = max(self._separator, strength)

    def line_break(self) -> None:
        """``<br>``; two in a row leave a blank line."""
        self._separator = PARAGRAPH if self._separator >= LINE else LINE

    def open(self, *, lead: str = "", whole_line: bool = False) -> Opened:
        """Begin an element; ``lead`` is written before its first text, if any comes.

        With ``whole_line`` it stands from the beginning of its line, margin included.
        Elements are closed in the reverse order.
        """
        opened = Opened(lead, whole_line)
        self._waiting.append(opened)
        return opened

    def close(self, opened: Opened) -> Range | None:
        """Give where the element's text stands; None when it had none."""
        if opened.begin is None:
            self._waiting.pop()
            return None
        return opened.begin, self.length

    def text(self, text: str) -> None:
        """Write text as HTML lays it out: every run of white space is one space."""
        words = text.split()
        if not words:
            if text:
                self.separate(SPACE)
            return
        if text[0].isspace():
            self.separate(SPACE)
        self._write(" ".join(words))
        if text[-1].isspace():
            self.separate(SPACE)

    def verbatim(self, text: str) -> None:
        """Write preformatted text: spaces and line breaks as they are."""
        first, *others = text.split("\n")
        if first:
            self._write(first)
        for line in others:
            self.line_break()
            if line:
                self._write(line)

    def rewrite(self, opened: Opened, text: str) -> None:
        """Put ``text`` where the element's text stands."""
        self.length += len(text) - sum(map(len, self.parts[opened.part :]))
        self.parts[opened.part :] = [text]

    def append(self, text: str) -> None:
        """Write on, whatever separator is due."""
        self.parts.append(text)
        self.length += len(text)

    def _write(self, text: str) -> None:
        if self._separator:
            self._write_separator()
        if self._waiting:
            for opened in self._waiting:
                opened.begin = self._line_start if opened.whole_line else self.length
                opened.part = len(self.parts)
                if opened.lead:
                    self.append(opened.lead)
            self._waiting.clear()
        self.append(text)

    def _write_separator(self) -> None:
        if self._separator == SPACE:
            self.append(" ")
        else:
            prefixes = self.prefixes[:DEEPEST]
            margin = "".join(prefix.rest for prefix in prefixes)
            if self.length:
                # Of the margins before and after, what they share; characters are meant, no path.
                blank = commonprefix([margin, self._margin]).rstrip()  # noqa: RUF071
                self.append(f"\n{blank}\n" if self._separator == PARAGRAPH else "\n")
            self._line_start = self.length
            if margin:
                self.append("".join(prefix.first for prefix in prefixes))
                for prefix in prefixes:
                    prefix.first = prefix.rest
            self._margin = margin
        self._separator = 0
