"""Looking for people's identifiers in a release: what the workspace knows of them, and every string of a file.

Exact by design: handles, DIDs, account URLs and e-mail addresses, whole, in any case. (Whether words point at somebody
in subtler ways is not what a scan can tell.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fedi_dataset.workspace import Workspace

__all__ = ["Needles", "needles_of", "strings_of"]

ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
WRITTEN = re.compile(rf"(?<![\w.+-])(?<!(?<!\w)!){ADDRESS.pattern}")
"""An address in somebody's words, where an exclamation mark before it makes it a community's."""
HOST_HANDLE = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63})+")
DID = re.compile(r"did:[a-z]+:[\w.:%-]+")
URL = re.compile(r"https?://[^\s<>\"'()\[\]]+")
AFTER = ".,;:!?"


@dataclass(frozen=True)
class Needles:
    """Identifiers to look for, casefolded, without a leading @."""

    handles: frozenset[str]
    dids: frozenset[str]
    urls: frozenset[str]
    emails: frozenset[str]

    @property
    def count(self) -> int:
        """How many identifiers there are."""
        return len(self.handles) + len(self.dids) + len(self.urls) + len(self.emails)

    def found_in(self, text: str) -> Iterator[str]:
        """Name the kinds of identifiers that stand in a text."""
        folded = text.casefold()
        addresses = {found.group().rstrip(".") for found in ADDRESS.finditer(folded)}
        if self.emails & addresses:
            yield "an e-mail address"
        hosts = {found.group().rstrip(".") for found in HOST_HANDLE.finditer(folded)}
        if self.handles & (addresses | hosts):
            yield "a handle"
        if any(found.group().rstrip(AFTER) in self.dids for found in DID.finditer(folded)):
            yield "a DID"
        if any(self._is_account(found.group()) for found in URL.finditer(folded)):
            yield "an account's URL"

    def _is_account(self, url: str) -> bool:
        """Whether a URL is an account's, or lies below one (a post, an inbox)."""
        path = re.split(r"[?#]", url, maxsplit=1)[0].rstrip(AFTER + "/")
        if path in self.urls:  # some have a host to themselves
            return True
        while path.count("/") > 3:
            path = path.rpartition("/")[0]
            if path in self.urls:
                return True
        return False


def needles_of(workspace: Workspace) -> Needles:
    """Collect what names everybody in the workspace, and the e-mail addresses of people in what they wrote.

    Communities (``!gardening@lemmy.example``) and addresses of a role (``git@``, ``noreply@``) are nobody's, and stay
    in a release.
    """
    from fedi_dataset.privacy.patterns.mail import is_personal  # with Presidio, which takes seconds

    handles: set[str] = set()
    urls: set[str] = set()
    for path in [*workspace.table("identities"), *workspace.table("mentioned")]:
        for row in pq.read_table(path).to_pylist():
            if row["kind"] == "handle":
                handles.add(row["form"].casefold().lstrip("@"))
            elif row["kind"] == "url":
                urls.add(row["form"].casefold().rstrip("/"))
    emails: set[str] = set()
    for path in workspace.table("posts"):
        with pq.ParquetFile(path) as posts:
            for batch in posts.iter_batches(columns=["text"]):
                for text in batch["text"].to_pylist():
                    found = (one.group().rstrip(".") for one in WRITTEN.finditer(text.casefold()))
                    emails.update(filter(is_personal, found))
    return Needles(
        handles=frozenset(handle for handle in handles if "@" in handle or "." in handle),
        dids=frozenset(url for url in urls if url.startswith("did:")),
        urls=frozenset(url for url in urls if url.startswith("http")),
        emails=frozenset(emails - handles),
    )


def strings_of(file: Path) -> Iterator[str]:
    """Give every string in a file: of Parquet each decoded cell, of anything else its text."""
    if file.suffix != ".parquet":
        yield file.read_bytes().decode("utf-8", "replace")
        return
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches():
            for column in batch.columns:
                yield from _leaves(column)


def _leaves(column: pa.Array) -> Iterator[str]:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # as bytes: what is no UTF-8 in a broken file would raise, and what stands beside it be passed over
        written = pc.unique(column.cast(pa.large_binary()))
        yield from (value.decode("utf-8", "replace") for value in written.to_pylist() if value)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaves(column.flatten())
    elif pa.types.is_struct(kind):
        for part in column.flatten():
            yield from _leaves(part)
