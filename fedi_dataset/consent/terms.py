"""Terms of servers, as data: which forbid what this project does, since when, and from which age on.

The list ships with the package and names the source of each rule; a steward adds files of the same
form. Nothing is fetched. The strictest entry counts: a file can add a refusal or an age, and take
none away. Terms bind the collection: an export that is handed over now is collected now, however old
its posts are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from msgspec import Meta, Struct

from fedi_dataset.errors import UsageError

__all__ = ["HostTerms", "InstanceTerms", "Term", "digests", "host_name"]

Host = Annotated[str, Meta(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+\Z")]
Text = Annotated[str, Meta(min_length=1)]


class Term(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one service's terms say, and where that can be read."""

    host: Host
    """Lower case, in its ASCII form; stands for its subdomains too."""
    aliases: tuple[Host, ...] = ()
    """Its other hosts: short forms, and those that were renamed to it or merged into it."""
    forbids: bool
    """Whether they forbid it. An entry that does not says that somebody has looked."""
    rule: Text
    """What they say about it, in a few words."""
    since: date | None
    """The first day on which it holds; None when that is not known, and then it always does."""
    minimum_age: Annotated[int, Meta(ge=0)] | None
    """In years, as the terms demand of a user; None when they demand none, or nobody looked."""
    source: Text
    """A public URL, or the name of the document."""
    checked_on: date

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts that it is about."""
        return (self.host, *self.aliases)

    def holds(self, on: date) -> bool:
        """Tell whether it holds on a day.

        A rule that was in force when it was looked up is in force for every build since, whatever day a
        build is dated to: only one that was announced then waits for its first day.
        """
        return self.since is None or self.since <= max(on, self.checked_on)


class HostTerms(Struct, frozen=True):
    """What the terms of one host come to on one day."""

    forbidding: tuple[Term, ...] = ()
    """Entries that forbid, in the order of the files."""
    minimum_age: int = 0
    known: bool = False
    """Whether any entry is about it: if not, its terms were not checked."""


@dataclass(frozen=True)
class InstanceTerms:
    """The entries of the package's list, and of a steward's own."""

    terms: tuple[Term, ...] = field(default=())

    @classmethod
    def load(cls, files: Sequence[str] = (), sha256s: Sequence[str] = ()) -> InstanceTerms:
        """Read the list that ships with the package, and these files, which have these digests.

        Raises :class:`UsageError` for a file that cannot be read, is not of the form or has changed.
        """
        packaged = resources.files("fedi_dataset") / "data" / "instance_terms.yaml"
        terms = _read(packaged.read_bytes(), "instance_terms.yaml")
        for path, digest in zip(files, sha256s, strict=True):
            content = _content(path)
            if sha256(content).hexdigest() != digest:
                raise UsageError(
                    f"the instance terms {path} are not those that the config was made with; "
                    "build again with the file as it is now"
                )
            terms += _read(content, path)
        return cls(terms)

    def of(self, host: str, on: date) -> HostTerms:
        """Say what holds for a host, or by a domain above it, on a day. Case and port do not matter."""
        labels = host_name(host).split(".")
        above = [".".join(labels[index:]) for index in range(len(labels))]
        entries = [term for name in above for term in self._by_host.get(name, ())]
        holding = [term for term in entries if term.holds(on)]
        return HostTerms(
            forbidding=tuple(term for term in holding if term.forbids),
            minimum_age=max((term.minimum_age or 0 for term in holding), default=0),
            known=bool(entries),
        )

    @cached_property
    def _by_host(self) -> dict[str, list[Term]]:
        found: dict[str, list[Term]] = {}
        for term in self.terms:
            for host in term.hosts:
                found.setdefault(host, []).append(term)
        return found


def host_name(host: str) -> str:
    """Give a host as the lists write it: lower case, ASCII, without port and final dot."""
    name = host.strip().casefold().partition(":")[0].rstrip(".")
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name  # no name that a list could hold


def digests(files: Iterable[str]) -> tuple[str, ...]:
    """Give the lower-case hex SHA-256 of each of a steward's files, read and validated.

    Raises :class:`UsageError` for one that cannot be read or is not of the form.
    """
    found = []
    for path in files:
        content = _content(path)
        _read(content, path)
        found.append(sha256(content).hexdigest())
    return tuple(found)


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the instance terms {path}: {error.strerror}") from error


def _read(content: bytes, where: str) -> tuple[Term, ...]:
    try:
        return msgspec.convert(yaml.safe_load(content.decode()), tuple[Term, ...])
    except (UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise UsageError(f"cannot read the instance terms {where}: {error}") from error
