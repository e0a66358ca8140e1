"""What whoever holds a copy of a release owes the people in it: to know what was taken back, and to drop it."""

from fedi_dataset.copies.check import ReleaseCheck, StaleReleaseError, check_release

__all__ = ["ReleaseCheck", "StaleReleaseError", "check_release"]
