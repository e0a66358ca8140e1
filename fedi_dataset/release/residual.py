"""Residual risk: what an independent pass still suspects in the texts of a release, and how much there may be.

A sample of the released texts is looked at once more, by patterns that are not the detector's own. They are plain
and broad, so that some of what they suspect is nobody's identifier; and what they do not know they cannot suspect.
So the figure is an estimate with an upper bound, and the bound is never zero.

The sample hangs on the files alone: build and audit look at the same texts.
"""

from __future__ import annotations

import ipaddress
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fedi_dataset.privacy.operators import Operators
from fedi_dataset.privacy.rates import percent, upper_bound

if TYPE_CHECKING:
    from fedi_dataset.release.manifest import FileRecord

__all__ = ["SAMPLE", "Residual", "Sampled", "residual_of", "sample", "suspects", "texts_of"]

SAMPLE: Final = 1000
"""Texts that are looked at, at most."""

_TABLES: Final = ("conversations", "posts")  # where every text stands once

Check = Callable[[str], bool]


def _is_card(number: str) -> bool:
    """Luhn's check, ISO/IEC 7812-1 annex B."""
    digits = [int(char) for char in reversed(number) if char.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_iban(number: str) -> bool:
    """The check digits of ISO 13616."""
    plain = number.replace(" ", "")
    turned = "".join(str(int(char, 36)) for char in plain[4:] + plain[:4])
    return 15 <= len(plain) <= 34 and int(turned) % 97 == 1


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _is_mixed(token: str) -> bool:
    return any(map(str.isdigit, token)) and token != token.lower() and token != token.upper()


def _always(_: str) -> bool:
    return True


_PATTERNS: Final[dict[str, tuple[re.Pattern[str], Check]]] = {
    "address": (
        re.compile(
            r"(?<![\w.+!-])(?!git@)[\w.+-]{1,64} ?(?:@|[(\[]at[)\]]) ?[\w-]{1,63}"
            r"(?: ?(?:\.|[(\[]dot[)\]]) ?[a-z][a-z0-9-]{1,62}){1,4}",
            re.IGNORECASE,
        ),
        _always,
    ),
    "handle": (re.compile(r"(?<![\w@/.!])(?:@\w[\w.-]{2,63}|/?u/[\w-]{3,63})"), _always),
    "DID": (re.compile(r"\bdid:[a-z]{2,10}:[\w.:%-]{4,100}"), _always),
    "profile": (
        re.compile(r"//[\w.-]{1,100}/(?:@|~|u/|user/|users/|profile/|in/)[\w.-]{2,64}"),
        _always,
    ),
    "telephone": (
        re.compile(
            r"(?<![\w.])(?:(?:\+|00)\d[\d ().\-/]{7,18}\d|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})(?!\w)"
        ),
        _always,
    ),
    "card": (re.compile(r"(?<!\w)\d(?:[ -]?\d){12,18}(?!\w)"), _is_card),
    "IBAN": (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), _is_iban),
    "IP": (re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)"), _is_public),
    "wallet": (re.compile(r"\b(?:bc1[a-z0-9]{20,60}|0x[0-9a-fA-F]{40})\b"), _always),
    "coordinates": (
        re.compile(r"(?<![\w.])-?\d{1,2}\.\d{4,10} ?[,;/] ?-?\d{1,3}\.\d{4,10}(?!\w)"),
        _always,
    ),
    "secret": (re.compile(r"(?<![\w/-])[A-Za-z0-9_-]{32,200}(?![\w/-])"), _is_mixed),
    "introduction": (
        re.compile(
            r"\b(?i:my name is|mein name ist|ich hei(?:ß|ss)e|je m['’]appelle|me llamo|mi chiamo|(?:me )?chamo(?:-me)?"
            r"|ik heet|mijn naam is) [A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]{2,30}"
        ),
        _always,
    ),
}
"""What is suspected, by kind: each pattern takes time in proportion to the text."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A text of the sample: the file, its place among that file's texts, and what it says."""

    path: str
    number: int
    text: str
    language: str


class Residual(msgspec.Struct, frozen=True):
    """How many texts of a sample look as if an identifier were left in them."""

    texts: int
    """Texts in the release: turns of conversations, and posts."""
    sampled: int
    suspected: int
    """Texts of the sample in which anything is suspected; some of it wrongly."""
    rate: float
    upper: float
    """With 95 % confidence the rate of what this pass would suspect in all texts lies below; by the rule of three
    if nothing was."""

    @property
    def sentence(self) -> str:
        """Say it in words."""
        return (
            f"{self.suspected} of {self.sampled} texts sampled from {self.texts} are suspected to hold an identifier: "
            f"at most {percent(self.upper)} (95 % confidence)"
        )


def suspects(text: str, operators: Operators) -> list[str]:
    """Name the kinds of identifiers that a released text looks as if it still held, sorted.

    What ``operators`` put into it is none.
    """
    plain = operators.cleared(text, "[x]")
    return sorted(
        kind
        for kind, (pattern, check) in _PATTERNS.items()
        if any(check(found.group()) for found in pattern.finditer(plain))
    )


def residual_of(
    sampled: Iterable[Sampled], texts: int, operators: Operators
) -> tuple[Residual | None, dict[str, int]]:
    """Look at a sample: the figures that may be published, and texts by suspected kind, which are the steward's.

    No figures without any text.
    """
    found = [suspects(one.text, operators) for one in sampled]
    if not found:
        return None, {}
    suspected = sum(1 for kinds in found if kinds)
    rate, upper = suspected / len(found), upper_bound(suspected, len(found))
    counts = Counter(kind for kinds in found for kind in kinds)
    return Residual(texts, len(found), suspected, round(rate, 6), round(upper, 6)), dict(
        sorted(counts.items())
    )


def sample(
    files: Mapping[str, FileRecord], find: Callable[[str], Path], size: int = SAMPLE
) -> tuple[list[Sampled], int]:
    """Draw texts of a release's tables ``conversations`` and ``posts``, each once, with equal chances.

    ``files`` are the manifest's, by path; ``find`` says where one lies. Gives the sample, in the order of files and
    rows, and the number of all texts. The same files give the same sample.
    """
    digests = {path: one.sha256 for path, one in sorted(files.items()) if one.table in _TABLES}
    counts = {path: _count(find(path)) for path in digests}
    total = sum(counts.values())
    draw = random.Random(" ".join(digests.values()))  # noqa: S311 - nothing is kept secret by it
    drawn = draw.sample(range(total), min(size, total))
    sampled: list[Sampled] = []
    first = 0
    for path, count in counts.items():
        wanted = {index - first for index in drawn if first <= index < first + count}
        sampled += [
            Sampled(path, number, text, language)
            for number, (text, language) in enumerate(_texts(find(path)) if wanted else ())
            if number in wanted
        ]
        first += count
    return sampled, total


def texts_of(files: Mapping[str, FileRecord], find: Callable[[str], Path]) -> Iterator[str]:
    """Give every text of a release once, in the order of files and rows."""
    for path in sorted(path for path, one in files.items() if one.table in _TABLES):
        for text, _ in _texts(find(path)):
            yield text


def _count(file: Path) -> int:
    with pq.ParquetFile(file) as parquet:
        if "turns" not in parquet.schema_arrow.names:
            return int(parquet.metadata.num_rows)
        lengths = (
            pc.sum(pc.list_value_length(batch["turns"])).as_py() or 0
            for batch in parquet.iter_batches(columns=["turns.list.element.turn"])
        )
        return sum(lengths)


def _texts(file: Path) -> Iterator[tuple[str, str]]:
    with pq.ParquetFile(file) as parquet:
        of_turns = "turns" in parquet.schema_arrow.names
        columns = ["turns"] if of_turns else ["text", "language"]
        for batch in parquet.iter_batches(columns=columns):
            rows: pa.StructArray = (
                batch["turns"].flatten()
                if of_turns
                else pa.StructArray.from_arrays(
                    [batch["text"], batch["language"]], names=["text", "language"]
                )
            )
            yield from zip(
                rows.field("text").to_pylist(), rows.field("language").to_pylist(), strict=True
            )
