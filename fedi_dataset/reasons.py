"""The closed list of reasons why a row is not kept, or kept but not trained.

Every table's rows in = rows kept + rows dropped, each with one of these codes.
"""

from __future__ import annotations

from typing import Final

GATE: Final[dict[str, str]] = {
    "not_own": "written by somebody other than the export's owner",
    "not_a_post": "a boost, a vote or another activity that carries no words of its own",
    "not_public": "visible to followers, to named people, to the server only, or unknown",
    "deleted": "deleted by its author, or a draft",
    "no_consent": "no consent of this account is in the ledger",
    "consent_withdrawn": "consent was withdrawn or objected to",
    "consent_expired": "consent had expired",
    "purpose_not_covered": "consent does not name this build's purpose",
    "recipients_not_covered": "consent does not reach as far as this build's recipients",
    "outside_dates": "written before or after the dates that consent covers",
    "visibility_not_covered": "consent does not cover posts of this visibility",
    "excluded_by_author": "the author's consent leaves out this post or a tag of it",
    "no_date": "no usable date, so no consent can be said to cover it",
    "acquisition_not_covered": "consent does not cover how this export was acquired",
    "weak_evidence": "the evidence of consent is too weak for a source that anyone can fetch",
    "under_age": "the author has not declared the minimum age",
    "signal_denied": "the account carries a signal that denies such use",
    "instance_terms": "the terms of the account's server forbid it",
    "license_refused": "the license is not among those that this build takes",
}
"""Reasons of the gate (consent/gate.py), in the order in which they are tested."""

SINGLE: Final = "this post alone"
"""Detail of ``consent_withdrawn`` where the post was taken back by itself, and not with the account."""

TABLE: Final[dict[str, str]] = {
    "consent_changed": "its consent changed, and its export is not there to be read again",
    "denied_by_copy": "another copy of the post is deleted, not public, or denies such use",
    "duplicate": "the same post occurs again in this or another export",
}
"""Reasons of the relational plane: a post met twice."""

TURN: Final[dict[str, str]] = {
    "empty_text": "nothing is left once markup, addresses and other people's words are gone",
    "unscrubbed": "it could not be scrubbed of identifiers",
    "no_detector_for_language": "no loaded detector covers its language",
    "reply_without_context": "a lone reply whose parent is not in the dataset",
    "below_gap": "it stands below a post that is not in the dataset, and this build drops such posts",
}
"""Reasons why an admitted post is in no row."""

UNTRAINED: Final[dict[str, str]] = {
    "first_of_tree": "it opens its thread: there is nothing that it answers",
    "first_of_fragment": "what it answers is not in the dataset",
    "no_other_author": "nobody else has spoken before it",
    "context_only": "its author allows reading it, not training on it",
    "other_language": "not of a language that this build trains on",
    "bot": "written by an automated account",
    "sensitive": "marked as sensitive, or behind a content warning",
    "too_short": "too few words to learn from",
    "mostly_placeholders": "mostly placeholders once identifiers are out",
}
"""Reasons why a turn is context and is not trained."""

STRATEGY: Final[dict[str, str]] = {
    "other_voice": "this build trains one author, and it is by another",
    "opener": "by whoever opened the conversation, who is the user in this build",
    "off_path": "off the one path of its thread that this build trains",
    "over_author_limit": "its author has as many posts with smaller keys that may have been responses as this "
    "build takes of one",
    "too_few_speakers": "fewer people speak in its dialogue than this build asks for",
    "over_max_characters": "longer than max_characters with the least context that makes a dialogue",
}
"""Reasons why a strategy of the config leaves a turn out that could be trained."""

TOKENS: Final[dict[str, str]] = {
    "too_long": "longer than max_length even with one turn of context",
    "special_token_in_text": "a turn's text holds what the chat template takes for its own marks",
    "altered_by_template": "the chat template leaves out or changes a part of a turn",
}
"""Reasons why a dialogue has no row of tokens."""

QUARANTINE: Final[dict[str, str]] = {
    "empty_export": "the file is empty or holds no posts list",
    "truncated": "it breaks off in the middle",
    "bad_container": "the archive is damaged",
    "unsafe_member": "the archive holds a path or size that is not safe to open",
    "bad_json": "it is not valid JSON",
    "bad_item": "an item lacks what its format requires",
    "bad_block": "a block is missing, or does not hash to its name",
    "bad_tree": "the repository's tree is malformed",
}
"""Codes of what cannot be read. Kept with export id and position, without text."""

ALL: Final[dict[str, str]] = {
    **GATE,
    **TABLE,
    **TURN,
    **UNTRAINED,
    **STRATEGY,
    **TOKENS,
    **QUARANTINE,
}
"""Every code with its sentence."""


def sentence(code: str) -> str:
    """Give the sentence of a code; ``other`` stands for the merged small ones of a release."""
    return (
        "several reasons, merged because few people are behind each"
        if code == "other"
        else ALL[code]
    )
