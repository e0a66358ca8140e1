"""The tree of errors.

    FediDatasetError
    ├── UsageError            wrong usage or config: exit code 2
    │   ├── MissingExtra      an optional dependency is needed; names the extra
    │   └── UnknownFormat     no reader knows this file
    ├── UnreadableExport      an export that cannot be read at all: quarantined as a whole
    ├── LedgerError           the ledger is broken: exit code 1
    │   └── LedgerRolledBack  it does not extend the ledger that was used before
    ├── HubError              the Hub refused, could not be reached, or holds what must not be used
    └── PrivacyError          a text could not be scrubbed: its turn is refused

A message says what, where and what to do. It never holds a post's text.
"""


class FediDatasetError(Exception):
    """Base of every error that this package raises on purpose; exit code 1."""

    exit_code = 1


class UsageError(FediDatasetError):
    """The command, the config or a file named by it is not usable as given."""

    exit_code = 2


class MissingExtra(UsageError):
    """An optional dependency is missing."""

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(
            f"{what} needs the extra {extra!r}. Install it: pip install 'fedi_dataset[{extra}]'"
        )
        self.extra = extra


class UnknownFormat(UsageError):
    """No reader knows this file or folder."""


class UnreadableExport(FediDatasetError):
    """An export whose container cannot be opened or whose head cannot be read.

    ``code`` is a reason of :mod:`fedi_dataset.reasons` (quarantine), for the manifest.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LedgerError(FediDatasetError):
    """The consent ledger is missing, malformed, or its hash chain is broken."""


class LedgerRolledBack(LedgerError):
    """The ledger does not extend the head that the workspace or the manifest remembers."""


class HubError(FediDatasetError):
    """The Hub refused something, could not be reached, or holds what a release must not go into."""


class PrivacyError(FediDatasetError):
    """A text could not be scrubbed; whoever catches it refuses the turn."""
