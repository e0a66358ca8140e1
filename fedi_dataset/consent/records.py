"""Signals in the records of an AT Protocol repo: declared preferences, intents, and the profile.

``community.lexicon.preference.ai`` resolves as lexicon-community's README says: an override for the
consumer decides before one for the collection, and that before the global record; overrides are
additive, category by category. Of two records of one scope the newer decides. The intents are those
of Bluesky's proposal 0008 and of its demo. What cannot be understood denies.

Gates on threads and posts, and ``hideFromAlgorithmicRecommendations``, are about finding and
answering posts: they are no signals here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from fedi_dataset.consent.signals import bio_signals, consumer_name, sorted_signals, strings_in
from fedi_dataset.posts import Signal
from fedi_dataset.readers.values import parse_time

__all__ = ["repo_signals"]

_PREFERENCE: Final = "community.lexicon.preference.ai"
_CATEGORIES: Final = ("training", "syntheticContent")
"""What making a model that answers is. ``inference`` and ``embedding`` are other uses."""
_POSTS: Final = "app.bsky.feed.post"
_INTENTS: Final = ("org.user-intents.declaration", "org.user-intents.demo.declaration")
_DENYING_INTENTS: Final = ("syntheticContentGeneration", "bulkDataset")
_PROFILE: Final = "app.bsky.actor.profile"
_SELF_LABELS: Final = ("!no-unauthenticated",)

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


def repo_signals(records: Mapping[str, object]) -> tuple[Signal, ...]:
    """Find what denies in a repo; keys are its paths, ``collection/rkey``.

    Names such as ``record:community.lexicon.preference.ai``, ``label:!no-unauthenticated`` and
    ``bio:#noai``, sorted. Records of other collections are passed over.
    """
    found: list[Signal] = []
    preferences: list[object] = []
    for path, record in records.items():
        collection = path.partition("/")[0]
        if collection == _PROFILE:
            found.extend(_profile_signals(record))
        elif collection == _PREFERENCE:
            preferences.append(record)
        elif collection in _INTENTS:
            found.extend(_intent_signals(collection, record))
    return sorted_signals([*found, *_preference_signals(preferences)])


class _Answer(NamedTuple):
    """One preference; of several for the same, the greatest counts.

    A deny without a time is newer than all, a permission without one older; at one time the deny
    counts.
    """

    at: datetime
    denies: bool

    @classmethod
    def of(cls, preference: object, *, optional_allow: bool = False) -> _Answer:
        fields = preference if isinstance(preference, Mapping) else {"allow": None}
        denies = ("allow" in fields or not optional_allow) and fields.get("allow") is not True
        at = parse_time(fields.get("updatedAt"))
        return cls(at or (_LATEST if denies else _EARLIEST), denies)

    @property
    def declared_at(self) -> datetime | None:
        return None if self.at in (_EARLIEST, _LATEST) else self.at


def _preference_signals(records: Iterable[object]) -> Iterator[Signal]:
    """Resolve all records of the preference, category by category."""
    answers: dict[str, dict[tuple[str, str], _Answer]] = {one: {} for one in _CATEGORIES}
    for record in records:
        scope = _scope(record)
        preferences = record.get("preferences") if isinstance(record, Mapping) else None
        if scope is None or not isinstance(preferences, Mapping):
            yield Signal(f"record:{_PREFERENCE}")
            continue
        for category, known in answers.items():
            if category in preferences:
                answer = _Answer.of(preferences[category])
                known[scope] = max(answer, known.get(scope, answer))
    for known in answers.values():
        yield from _resolved(known)


def _scope(record: object) -> tuple[str, str] | None:
    """Name what a record is about; None if that cannot be understood."""
    scope = record.get("scope") if isinstance(record, Mapping) else None
    kind = scope.get("$type") if isinstance(scope, Mapping) else None
    if not isinstance(scope, Mapping) or not isinstance(kind, str):
        return None
    entity, collection = scope.get("entity"), scope.get("collection")
    match kind.removeprefix(_PREFERENCE):
        case "#globalScope":
            return "global", ""
        case "#collectionScope" if isinstance(collection, str):
            return "collection", collection
        case "#entityScope" if isinstance(entity, str) and entity.strip():
            return "entity", consumer_name(entity)
    return None


def _resolved(answers: Mapping[tuple[str, str], _Answer]) -> Iterator[Signal]:
    """Say what a category's answers deny: posts for everybody but whom an override spares, and whom one names."""
    name = f"record:{_PREFERENCE}"
    entities = {entity: answers[kind, entity] for kind, entity in answers if kind == "entity"}
    for entity, answer in entities.items():
        if answer.denies:
            yield Signal(name, answer.declared_at, entity=entity)
    default = answers.get(("collection", _POSTS)) or answers.get(("global", ""))
    if default is not None and default.denies:
        spared = (entity for entity, answer in entities.items() if not answer.denies)
        yield Signal(name, default.declared_at, spares=tuple(sorted(spared)))


def _intent_signals(collection: str, record: object) -> Iterator[Signal]:
    """Read a declaration of intents; a missing ``allow`` is no answer."""
    if not isinstance(record, Mapping):
        yield Signal(f"record:{collection}")
        return
    for intent in _DENYING_INTENTS:
        if intent in record:
            answer = _Answer.of(record[intent], optional_allow=True)
            if answer.denies:
                yield Signal(f"record:{collection}", answer.declared_at)


def _profile_signals(record: object) -> Iterator[Signal]:
    if not isinstance(record, Mapping):
        yield Signal(f"record:{_PROFILE}")
        return
    for name in ("displayName", "description"):
        for text in strings_in(record.get(name)):
            yield from bio_signals(text)
    labels = set(strings_in(record.get("labels")))
    yield from (Signal(f"label:{label}") for label in _SELF_LABELS if label in labels)
