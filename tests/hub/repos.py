"""Repositories as a Hub keeps them: commits, the refs that reach them, and large objects beside the commits."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

__all__ = ["Access", "Commit", "File", "Repo", "large_file", "small_file"]

Access = Literal["none", "read", "write"]

LARGE = 10_000_000
"""Bytes from which on a file is a large object, whatever its name."""

ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
"""What every repository begins with."""


@dataclass(frozen=True)
class File:
    """A file of a commit. ``content`` is a pointer if it is a large object (``sha256``)."""

    content: bytes
    size: int
    sha256: str | None = None

    @property
    def blob(self) -> str:
        """The id that git gives the content."""
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()

    @property
    def oid(self) -> str:
        """What tells a client whether its own file is the same."""
        return self.sha256 or self.blob


def small_file(content: bytes) -> File:
    """A file that stands in the commit itself."""
    return File(content, len(content))


def large_file(sha256: str, size: int) -> File:
    """A file whose content is a large object."""
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
    return File(pointer.encode(), size, sha256)


@dataclass(frozen=True)
class Commit:
    """A state of all files, and the one before."""

    sha: str
    parent: str | None
    files: Mapping[str, File]
    title: str
    at: str
    """In the Hub's spelling."""


@dataclass
class Repo:
    """A dataset repository."""

    id: str
    private: bool
    gated: str | bool = False
    keeps_unreachable: bool = False
    """A server that goes on giving commits which no ref reaches any more."""
    keeps_objects: bool = False
    """A server that says it deleted large objects, and did not."""
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    """Full name (``refs/heads/main``) → commit."""
    objects: dict[str, bytes] = field(default_factory=dict)
    """SHA-256 → large object, in a commit or not."""
    _count: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.refs["refs/heads/main"] = self._keep(
            None, {".gitattributes": small_file(ATTRIBUTES)}, "initial commit"
        )

    def head(self, branch: str = "main") -> Commit:
        """The newest commit of a branch."""
        return self.commits[self.refs[f"refs/heads/{branch}"]]

    def find(self, revision: str) -> Commit | None:
        """Find what a client calls a revision: a branch, a tag, a full ref, or a commit that a ref reaches."""
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            if name in self.refs:
                return self.commits[self.refs[name]]
        if revision in self.commits and (self.keeps_unreachable or revision in self.reached()):
            return self.commits[revision]
        return None

    def full_ref(self, revision: str) -> str | None:
        """Give the ref that a commit on this revision moves."""
        names = (f"refs/heads/{revision}", revision)
        return next((name for name in names if name in self.refs), None)

    def history(self, sha: str) -> Iterator[Commit]:
        """Give a commit and all before it, newest first."""
        here: str | None = sha
        while here is not None:
            yield self.commits[here]
            here = self.commits[here].parent

    def reached(self) -> set[str]:
        """Give every commit that a ref reaches."""
        return {one.sha for tip in self.refs.values() for one in self.history(tip)}

    def commit(self, ref: str, files: Mapping[str, File], title: str) -> str:
        """Put a commit on a ref."""
        self.refs[ref] = self._keep(self.refs[ref], files, title)
        return self.refs[ref]

    def squash(self, ref: str, title: str) -> None:
        """Make one commit of all that a ref reaches."""
        self.refs[ref] = self._keep(None, self.commits[self.refs[ref]].files, title)

    def delete_objects(self, shas: Iterable[str], *, rewrite: bool) -> None:
        """Delete large objects, and, if history is rewritten, every file that points to them."""
        gone = set(shas)
        if not self.keeps_objects:
            for sha in gone:
                self.objects.pop(sha, None)
        if rewrite:
            for ref, tip in self.refs.items():
                self.refs[ref] = self._without(tip, gone)

    def named(self) -> dict[str, str]:
        """Give each large object with a path that some commit, reached or not, has for it."""
        found = dict.fromkeys(self.objects, "(not in a commit)")
        for one in self.commits.values():
            for path, file in one.files.items():
                if file.sha256 in found:
                    found[file.sha256] = path
        return found

    def _without(self, tip: str, gone: set[str]) -> str:
        """Write a history anew without some files; commits that never had them, nor come after such, stay."""
        parent: str | None = None
        for one in reversed(list(self.history(tip))):
            files = {path: file for path, file in one.files.items() if file.sha256 not in gone}
            if len(files) == len(one.files) and parent == one.parent:
                parent = one.sha
            else:
                parent = self._keep(parent, files, one.title)
        assert parent is not None
        return parent

    def _keep(self, parent: str | None, files: Mapping[str, File], title: str) -> str:
        told = f"{self.id} {next(self._count)} {parent} {title} {sorted(files)}"
        sha = hashlib.sha1(told.encode()).hexdigest()
        self.commits[sha] = Commit(
            sha, parent, dict(files), title, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        )
        return sha

    def is_large(self, path: str, size: int) -> bool:
        """Whether a file of this name and size becomes a large object."""
        return path.endswith((".parquet", ".arrow")) or size > LARGE
