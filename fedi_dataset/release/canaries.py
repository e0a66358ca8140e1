"""Canaries: identifiers planted in a copy of the input, built into a release of its own, and looked for in it.

What was recorded of a release is built once more, in the workspace's scratch folder, with sentences added to posts as
they are read: everything behind the readers works on them as on any other words. Behind each identifier stands a
sentence that nobody need hide; by it one sees that the text arrived, so that a canary that never came to the release
does not count as one that was caught. Nothing of it outlives the command.
"""

from __future__ import annotations

import html
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import yaml

from fedi_dataset.config import BuildConfig
from fedi_dataset.console import Ticker
from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.pipeline import build, no_tick
from fedi_dataset.posts import Account, Acquisition, Body, Export, Post, Quarantined
from fedi_dataset.privacy.rates import upper_bound
from fedi_dataset.release.canary_values import KINDS, Kind, kinds_of, traces
from fedi_dataset.release.manifest import read_manifest
from fedi_dataset.release.residual import texts_of
from fedi_dataset.workspace import State, Workspace, default_workspace

__all__ = ["CanaryReport", "Survival", "plant_canaries"]

MOST_IN_A_POST: Final = 3
"""Canaries in one post: more of them would make another post of it."""

_WRITTEN_BY_LANGUAGE: Final = {"place": "street", "post": "zip"}
"""Frames whose value a language writes in its own way: what it is filled into before."""

Spot = tuple[str, int]
"""A post: its export's id, and its position there."""


@dataclass(frozen=True, slots=True)
class Survival:
    """What became of the canaries of one kind."""

    kind: str
    certain: bool
    """Found by structure or form: none may survive."""
    planted: int
    arrived: int
    """Those whose sentence stands in the release."""
    survived: int
    """Texts of these in which a trace of an identifier was left."""

    @property
    def rate(self) -> float | None:
        """Share that survived; None if none arrived."""
        return self.survived / self.arrived if self.arrived else None

    @property
    def upper(self) -> float:
        """What the rate lies below with 95 % confidence: 1 if none arrived."""
        return upper_bound(self.survived, self.arrived)


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """All kinds. ``ok``: of what must not survive nothing did."""

    kinds: tuple[Survival, ...]
    exports: int
    """Exports that were there to plant in, of ``recorded`` ones."""
    recorded: int

    @property
    def ok(self) -> bool:
        """Whether no certain kind has survivors."""
        return not any(one.certain and one.survived for one in self.kinds)


def plant_canaries(
    release: Path | str,
    count: int,
    *,
    consent: Path | str | None = None,
    work: Path | str | None = None,
    workers: int = 1,
    tick: Ticker = no_tick,
) -> CanaryReport:
    """Plant up to ``count`` identifiers of each kind in what a release was built from, and count survivors.

    Fewer are planted where the release has few posts; which ones hangs on the release's build alone. Raises UsageError
    without a release, its workspace, its ledger or any of its exports, and FediDatasetError if no canary arrived.
    """
    folder = Path(release)
    manifest = read_manifest(folder)
    if manifest is None:
        raise UsageError(f"no release at {folder}")
    workspace = Workspace(Path(work) if work is not None else default_workspace(folder))
    secret, state = workspace.secret(), workspace.state()
    ledger = consent if consent is not None else state.ledger.path if state.ledger else None
    if ledger is None:
        raise UsageError("no ledger is recorded; name it with --consent")
    paths = _paths(state)
    with workspace.locked():
        config = BuildConfig.from_dict(state.config, where="the recorded config")
        kinds = kinds_of(config.also_mask)
        garden = _Garden(_beds(workspace, count, kinds, random.Random(manifest.build)), kinds)  # noqa: S311
        scratch = workspace.scratch / "canaries"
        made = build(
            paths,
            consent=ledger,
            out=scratch / "release",
            work=scratch / "work",
            config=config,
            as_of=manifest.as_of,
            workers=workers,
            secret=secret,
            tick=tick,
            through=partial(_Planted, garden=garden),
        )
        texts = texts_of(made.manifest.files, lambda path: made.release / path)
        survivals = tuple(garden.survivals(texts))
    if not any(one.arrived for one in survivals):
        raise FediDatasetError(
            f"none of the canaries came to the release: {len(garden.plants)} were planted, and nothing is proven"
        )
    return CanaryReport(survivals, len(paths), len(state.exports))


def _paths(state: State) -> list[Path]:
    paths = [Path(one.path) for one in state.exports if one.path and Path(one.path).exists()]
    if not paths:
        raise UsageError(
            "none of the recorded exports is where it was: there is nothing to plant in"
        )
    return paths


def _beds(
    workspace: Workspace, count: int, kinds: Sequence[Kind], draw: random.Random
) -> dict[Spot, tuple[str, list[tuple[Kind, int]]]]:
    """Choose posts for every kind's numbers: each post's language, and what is planted in it."""
    spots: dict[Spot, str] = {}
    for path in workspace.table("posts"):
        table = pq.read_table(path, columns=["export_id", "position", "language"])
        spots |= {(row["export_id"], row["position"]): row["language"] for row in table.to_pylist()}
    chosen = sorted(spots)
    draw.shuffle(chosen)
    # one of each kind, then the next of each: where posts are few, every kind has its share
    wanted = [(kind, number) for number in range(count) for kind in kinds]
    beds: dict[Spot, tuple[str, list[tuple[Kind, int]]]] = {}
    for index, one in enumerate(wanted[: MOST_IN_A_POST * len(chosen)]):
        spot = chosen[index % len(chosen)]
        beds.setdefault(spot, (spots[spot], []))[1].append(one)
    return beds


@dataclass(frozen=True, slots=True)
class _Plant:
    kind: Kind
    value: str
    shelf: str
    """The sentence behind it, which tells that the text arrived."""


@dataclass
class _Garden:
    """What is to be planted where, and what was."""

    beds: Mapping[Spot, tuple[str, list[tuple[Kind, int]]]]
    kinds: Sequence[Kind] = KINDS
    plants: dict[tuple[Spot, str, int], _Plant] = field(default_factory=dict)

    def sentences(self, spot: Spot, owner: Account) -> Iterator[str]:
        """Give the sentences for a post, and note them as planted."""
        language, wanted = self.beds.get(spot, ("", []))
        words = _words().get(language, _words()["en"])
        for kind, number in wanted:
            value = kind.make(number, owner)
            if value is None:
                continue
            if kind.frame in _WRITTEN_BY_LANGUAGE:
                value = words[_WRITTEN_BY_LANGUAGE[kind.frame]].format(value=value)
            shelf = words["shelf"].format(thing=words["things"][KINDS.index(kind)])
            self.plants[spot, kind.name, number] = _Plant(kind, value, shelf)
            sentence = words[kind.frame].format(value=value, label=kind.label)
            yield f"{sentence} {shelf}" if sentence.endswith(".") else f"{sentence}\n{shelf}"

    def survivals(self, texts: Iterable[str]) -> Iterator[Survival]:
        """Count what came to the texts of a release, and what of it can still be read there."""
        folded = [text.casefold() for text in texts]
        for kind in self.kinds:
            plants = [plant for plant in self.plants.values() if plant.kind == kind]
            shelves = {plant.shelf.casefold() for plant in plants}
            left = {trace for plant in plants for trace in traces(kind, plant.value)}
            arrived = [
                (text, times)
                for text in folded
                if (times := sum(text.count(shelf) for shelf in shelves))
            ]
            yield Survival(
                kind.name,
                kind.certain,
                len(plants),
                sum(times for _, times in arrived),
                sum(any(trace in text for trace in left) for text, _ in arrived),
            )


@dataclass(frozen=True)
class _Planted:
    """An export whose posts say a little more than they do."""

    export: Export
    garden: _Garden

    @property
    def export_id(self) -> str:
        return self.export.export_id

    @property
    def format(self) -> str:
        return self.export.format

    @property
    def platform(self) -> str:
        return self.export.platform

    @property
    def acquisition(self) -> Acquisition:
        return self.export.acquisition

    @property
    def owner(self) -> Account:
        return self.export.owner

    def posts(self) -> Iterator[Post | Quarantined]:
        for item in self.export.posts():
            if (
                isinstance(item, Quarantined)
                or (self.export_id, item.position) not in self.garden.beds
            ):
                yield item
            else:
                yield replace(item, body=partial(self._body, item))

    def _body(self, post: Post) -> Body:
        body = post.body()
        more = list(self.garden.sentences((self.export_id, post.position), self.owner))
        return replace(body, content=body.content + _written(more, body.content_type))


def _written(sentences: Sequence[str], content_type: str) -> str:
    """Write sentences so that they can stand behind a post's content: offsets into that hold."""
    if content_type == "text/html":
        lines = (html.escape(sentence).replace("\n", "<br>") for sentence in sentences)
        return "".join(f"<p>{line}</p>" for line in lines)
    return "".join(f"\n\n{sentence}" for sentence in sentences)


@cache
def _words() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(
        (files("fedi_dataset") / "data" / "canaries.yaml").read_text("utf-8")
    )
    return found
