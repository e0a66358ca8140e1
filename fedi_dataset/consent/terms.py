"""Terms of servers that forbid what this project does, as data: an account there is refused.

The list ships with the package and names the source of each rule. Nothing is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from msgspec import Meta, Struct

from fedi_dataset.errors import UsageError

__all__ = ["InstanceTerms", "Term"]


class Term(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One server's rule: what it forbids, since when, and where that can be read."""

    host: Annotated[str, Meta(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
    """Lower case; stands for its subdomains too."""
    rule: str
    since: date | None
    """The day from which it holds; None when that is not known."""
    minimum_age: Annotated[int, Meta(ge=0)] | None
    """In years, as the terms demand of a user; None when they demand none."""
    source: str
    """A public URL, or the name of the document."""
    checked_on: date


@dataclass(frozen=True)
class InstanceTerms:
    """The servers whose terms forbid the use of what is posted there."""

    terms: tuple[Term, ...]

    @classmethod
    def load(cls, path: Path | None = None) -> InstanceTerms:
        """Read the list that ships with the package, or another one in the same YAML form."""
        where = str(path or "instance_terms.yaml")
        source = path or resources.files("fedi_dataset") / "data" / "instance_terms.yaml"
        try:
            data = yaml.safe_load(source.read_text("utf-8"))
            return cls(msgspec.convert(data, tuple[Term, ...]))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
            raise UsageError(f"cannot read the instance terms {where}: {error}") from error

    def refuses(self, host: str) -> bool:
        """Tell whether a host, or a domain above it, is listed. Case and port do not matter."""
        labels = host.casefold().partition(":")[0].rstrip(".").split(".")
        return any(".".join(labels[i:]) in self._hosts for i in range(len(labels)))

    @cached_property
    def _hosts(self) -> frozenset[str]:
        return frozenset(term.host for term in self.terms)
