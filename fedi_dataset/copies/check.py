"""Is my copy of a release still valid, and which of its rows must go?

The newest revision carries ``removed_keys.jsonl``: every row that an earlier one held and that it lacks or holds with
other content. The list only grows, so what stands in it beyond the copy's own list must go from the copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fedi_dataset.errors import FediDatasetError, HubError, UsageError
from fedi_dataset.hub.client import DATASET, NO_TOKEN, connect, explained
from fedi_dataset.release.manifest import MANIFEST, Manifest, read_manifest
from fedi_dataset.release.removed import REMOVED_KEYS, Line, removed_lines

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["ReleaseCheck", "StaleReleaseError", "check_release", "current_revision"]


_NO_ACCESS = (
    "there is no such repository for this token any more: access was taken back, or it is gone."
)


class StaleReleaseError(FediDatasetError):
    """A copy of a release must not be used as it is."""


@dataclass(frozen=True)
class ReleaseCheck:
    """What a copy's holder must know before using it again."""

    release: str
    """As it was named."""
    revision: str | None
    """The copy's: a commit of the Hub; None for a folder, or if there is no copy yet."""
    current: str | None
    """The newest: a commit, or the build of a folder. None without access."""
    removed: frozenset[str]
    """Keys of rows that the copy must drop: dialogue_key, conversation_key, post_key and the like."""
    problems: tuple[str, ...]
    """Why the copy must not be used as it is, a sentence each; empty if it may."""

    @property
    def valid(self) -> bool:
        """Whether the copy may be used as it is."""
        return not self.problems

    def raise_if_stale(self) -> ReleaseCheck:
        """Give itself if the copy may be used; else raise StaleReleaseError, which says why and what to do."""
        if self.problems:
            raise StaleReleaseError(
                f"{self.release}: {' '.join(self.problems)} Load the newest revision, run `fedi-dataset purge-local`, "
                "and train on no older one."
            )
        return self


def check_release(
    release: str | Path, revision: str | None = None, *, today: date | None = None
) -> ReleaseCheck:
    """Compare a copy of a release with the newest revision.

    ``release``: ORG/NAME of the Hub, or a release's folder. ``revision``: the copy's. On the Hub that is the commit
    that was loaded, and by default the one that this machine's cache holds as ``main``; of a folder it is the build
    that the copy's manifest names, and then it is needed. Nothing but two small files is fetched.

    A copy is invalid if rows of it must go, a consent behind it has expired, or the repository cannot be seen with this
    token any more. A public repository needs no token. Raises HubError if the Hub cannot be asked (then nothing is
    known, so nothing is allowed), and UsageError for a name that is neither, or where a token is needed.
    """
    today = today or datetime.now(UTC).date()
    if Path(release).is_dir():
        return _check_folder(Path(release), revision, today)
    if isinstance(release, Path) or release.count("/") != 1:
        raise UsageError(f"{release} is neither a release's folder nor ORG/NAME on the Hub")
    return _check_repository(release, revision, today)


def _check_folder(folder: Path, build: str | None, today: date) -> ReleaseCheck:
    manifest = read_manifest(folder)
    if manifest is None:
        raise UsageError(f"no release at {folder}")
    if build is None:
        raise UsageError(
            "of a folder, name the build that your copy was made of: manifest.json has it"
        )
    lines = removed_lines(folder)
    later = [] if build == manifest.build else _after(lines, build)
    return _judged(str(folder), None, manifest.build, later, _expiry(manifest, today))


def _after(lines: list[Line], build: str) -> list[Line]:
    """Give the lines behind the last one of a build; all of them if it removed nothing, which cannot be told apart."""
    last = max((place for place, line in enumerate(lines) if line.build == build), default=-1)
    return lines[last + 1 :]


def _check_repository(repo_id: str, revision: str | None, today: date) -> ReleaseCheck:
    revision = revision or _cached_revision(repo_id)
    with connect(anonymous=True) as api:
        current = current_revision(api, repo_id)
        if current is None:
            return ReleaseCheck(repo_id, revision, None, frozenset(), (_NO_ACCESS,))
        newest = _files(api, repo_id, current)
        if newest is None:
            raise HubError(f"{repo_id} holds no release of fedi_dataset (no {MANIFEST})")
        if revision is None or revision == current:
            return _judged(repo_id, revision, current, [], _expiry(newest[0], today))
        mine = _files(api, repo_id, revision)
    if mine is None:
        return _judged(
            repo_id,
            revision,
            current,
            newest[1],
            [f"the revision {revision} was taken out of the repository."],
        )
    return _judged(repo_id, revision, current, newest[1][len(mine[1]) :], _expiry(mine[0], today))


def _judged(
    release: str, revision: str | None, current: str, later: list[Line], problems: list[str]
) -> ReleaseCheck:
    removed = frozenset(line.key for line in later)
    if removed:
        problems = [*problems, f"{len(removed)} of its rows were taken back or changed."]
    return ReleaseCheck(release, revision, current, removed, tuple(problems))


def _expiry(manifest: Manifest, today: date) -> list[str]:
    until = manifest.valid_until
    if until is None or today <= until.date():
        return []
    return [f"it was valid until {until.date()}, when a consent behind it expired."]


def _cached_revision(repo_id: str) -> str | None:
    """Give the commit that this machine's cache holds as ``main``, if it holds one."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"datasets--{repo_id.replace('/', '--')}"
    try:
        return (folder / "refs" / "main").read_text().strip()
    except FileNotFoundError:
        return None


def current_revision(api: HfApi, repo_id: str) -> str | None:
    """Give the newest commit; None if the repository cannot be seen with this token.

    Raises UsageError if there is no token and it cannot be seen without one: access may never have been lost.
    """
    from huggingface_hub import get_token
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    with explained(f"asking for {repo_id}"):
        try:
            return str(api.dataset_info(repo_id).sha)
        except (RepositoryNotFoundError, GatedRepoError) as error:
            if error.response.headers.get("X-Error-Code") not in ("RepoNotFound", "GatedRepo"):
                raise
            if get_token() is None:
                raise UsageError(f"{repo_id} is not public, and {NO_TOKEN}") from None
            return None


def _files(api: HfApi, repo_id: str, revision: str) -> tuple[Manifest, list[Line]] | None:
    """Fetch a revision's manifest and list, from the cache if they are there; None if it is there no more."""
    from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

    found: dict[str, Path] = {}
    for name in (MANIFEST, REMOVED_KEYS):
        with (
            explained(f"fetching {name} of {repo_id}"),
            _absent(EntryNotFoundError, RevisionNotFoundError),
        ):
            path = api.hf_hub_download(repo_id, name, repo_type=DATASET, revision=revision)
            found[name] = Path(path)
    if MANIFEST not in found:
        return None
    manifest = read_manifest(found[MANIFEST].parent)
    if manifest is None:
        return None
    lines = removed_lines(found[REMOVED_KEYS].parent) if REMOVED_KEYS in found else []
    return manifest, lines


@contextmanager
def _absent(*errors: type[Exception]) -> Iterator[None]:
    """Pass over a file or revision that is not there: what follows finds nothing fetched."""
    try:
        yield
    except errors:
        return
