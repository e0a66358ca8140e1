"""huggingface_hub's client as a push uses it: it calls nobody but the endpoint, and its errors become ours.

Signed URLs stand in the client's messages, and whoever has one may use it; so neither its log nor the messages of its
exceptions are shown. What the server says for itself is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fedi_dataset.errors import HubError, UsageError
from fedi_dataset.version import __version__

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

__all__ = ["DATASET", "NO_TOKEN", "connect", "explained"]

NO_TOKEN = "there is no token for the Hub: log in with `hf auth login`, or set HF_TOKEN"  # noqa: S105 - no token

DATASET = "dataset"
"""The type of the repositories that releases go to. The client takes models if it is not told."""


@contextmanager
def connect(*, anonymous: bool = False) -> Iterator[HfApi]:
    """Yield a client that is silent and calls nobody but its endpoint, with the token that huggingface_hub finds.

    Raises UsageError if there is no token and ``anonymous`` does not say that none is needed.
    """
    # Read when huggingface_hub and datasets are imported: no telemetry, no counting of loads by name.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_UPDATE_DOWNLOAD_COUNTS"] = "0"
    from huggingface_hub import HfApi, constants, get_token
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
        logging,
    )

    constants.HF_HUB_DISABLE_TELEMETRY = True  # it may have been imported before
    if get_token() is None and not anonymous:
        raise UsageError(NO_TOKEN)
    verbosity, bars = logging.get_verbosity(), not are_progress_bars_disabled()
    logging.set_verbosity(logging.CRITICAL)
    disable_progress_bars()
    try:
        yield HfApi(library_name="fedi_dataset", library_version=__version__)
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            enable_progress_bars()


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn what goes wrong with the Hub into a HubError that says while doing what, and what to do."""
    import httpx2  # huggingface_hub's own transport
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        yield
    except HfHubHTTPError as error:
        raise HubError(f"{doing}: {_sentence(error)}") from None
    except httpx2.HTTPError as error:
        raise HubError(f"{doing}: {_lost(error)}") from None
    except RuntimeError as error:  # what the client makes of an upload that failed
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError):
            raise HubError(f"{doing}: {_sentence(cause)}") from None
        if isinstance(cause, httpx2.HTTPError):
            raise HubError(f"{doing}: {_lost(cause)}") from None
        raise
    except OfflineModeIsEnabled:
        raise UsageError(f"{doing}: HF_HUB_OFFLINE is set; unset it") from None
    except ConnectionError as error:
        raise HubError(f"{doing}: {_lost(error)}") from None
    except HFValidationError as error:
        raise UsageError(f"{doing}: {error}") from None
    except ValueError as error:  # a card that the Hub does not take, an answer that is none
        raise HubError(f"{doing}: {error}") from None


def _sentence(error: HfHubHTTPError) -> str:
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    said = error.response.headers.get("X-Error-Message") or ""
    match error:
        case GatedRepoError():
            return "the repository is gated, and this token's user was not let in"
        case RepositoryNotFoundError():
            return (
                "there is no such repository for this token's user. Check its name, and that the user "
                "may write to it"
            )
        case RevisionNotFoundError():
            return "this revision is not there any more"
    match error.response.status_code:
        case 401:
            return "the token is not valid. Log in with `hf auth login`, or set HF_TOKEN anew"
        case 403:
            return f"this token's user may not do that ({said or 'forbidden'}). Use a token that may write"
        case 412:
            return (
                "somebody else changed the repository meanwhile. Nothing of this push became visible; "
                "look at what they did, then run it again"
            )
        case status:
            path = urlsplit(str(error.response.url)).path
            where = path if path.startswith("/api/") else "its storage"  # no signed URL
            return f"the Hub answered {status} at {where}" + (f": {said}" if said else "")


def _lost(error: Exception) -> str:
    return (
        f"the connection failed ({type(error).__name__}). Run the same command again: "
        "what has arrived is not sent a second time"
    )
