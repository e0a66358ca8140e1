"""The client: what goes wrong becomes one sentence, and nothing is switched for good but telemetry."""

from __future__ import annotations

import httpx2
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import are_progress_bars_disabled, logging

from fedi_dataset.errors import FediDatasetError, HubError, UsageError
from fedi_dataset.hub.client import connect, explained

SIGNED = "https://storage.example/talks?X-Amz-Signature=abcdef"


def answered(status: int, url: str) -> HfHubHTTPError:
    """An answer of a server, as the client raises it."""
    request = httpx2.Request("PUT", url)
    response = httpx2.Response(status, request=request, headers={"X-Error-Message": "no room"})
    return HfHubHTTPError(f"{status} for {url}", response=response)


def wrapped(cause: Exception) -> RuntimeError:
    """What the client makes of an upload that failed."""
    error = RuntimeError("Error while uploading 'README.md' to the Hub.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (answered(500, SIGNED), HubError, "the Hub answered 500 at its storage: no room"),
        (
            answered(507, "https://hub.example/api/datasets/lab/talks/commit/main?x=1"),
            HubError,
            "the Hub answered 507 at /api/datasets/lab/talks/commit/main: no room",
        ),
        (wrapped(answered(500, SIGNED)), HubError, "the Hub answered 500 at its storage: no room"),
        (answered(412, SIGNED), HubError, "somebody else changed the repository meanwhile"),
        (httpx2.ConnectError(SIGNED), HubError, "the connection failed (ConnectError)"),
        (wrapped(httpx2.ReadTimeout(SIGNED)), HubError, "the connection failed (ReadTimeout)"),
        (ConnectionResetError(SIGNED), HubError, "the connection failed (ConnectionResetError)"),
        (OfflineModeIsEnabled("offline"), UsageError, "HF_HUB_OFFLINE is set"),
        (HFValidationError("a name"), UsageError, "a name"),
        (ValueError("Invalid metadata in README.md."), HubError, "Invalid metadata in README.md."),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
def test_what_goes_wrong_is_said_without_signed_urls(
    raised: Exception, kind: type[FediDatasetError], words: str
) -> None:
    """One sentence that says while doing what; no cause is carried along, and no signature is in it."""
    with pytest.raises(kind) as caught, explained("cannot push"):
        raise raised
    assert str(caught.value).startswith("cannot push: ")
    assert words in str(caught.value)
    assert "Signature" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_bug_is_not_explained_away() -> None:
    """What is not the Hub's stays what it is."""
    with pytest.raises(RuntimeError, match=r"^a bug$"), explained("cannot push"):
        raise RuntimeError("a bug")


def test_the_client_is_silent_and_then_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log and bars are off while it is open, because signed URLs stand in them; telemetry stays off."""
    monkeypatch.setenv("HF_TOKEN", "hf_owner")
    monkeypatch.setenv("HF_UPDATE_DOWNLOAD_COUNTS", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    before = logging.get_verbosity(), are_progress_bars_disabled()
    with connect():
        assert (logging.get_verbosity(), are_progress_bars_disabled()) == (logging.CRITICAL, True)
    assert (logging.get_verbosity(), are_progress_bars_disabled()) == before
    assert constants.HF_HUB_DISABLE_TELEMETRY
