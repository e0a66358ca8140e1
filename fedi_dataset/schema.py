"""The Arrow schema of every table that crosses a wall, each field with its meaning and unit.

Workspace tables hold keys (16 bytes, HMAC-SHA256 under the workspace's secret, see privacy/keys.py) and
the admitted people's text; release tables hold scrubbed text and keys in hex.
Times are UTC, in microseconds. Offsets are Unicode code points, end exclusive.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

KEY: Final = pa.binary()
"""A key in the workspace: 16 bytes. Plain binary, because Spark knows no fixed-size one."""
TIME: Final = pa.timestamp("us", tz="UTC")

MENTIONS: Final = pa.list_(
    pa.struct([("account_key", KEY), ("begin", pa.int32()), ("end", pa.int32())])
)
RANGES: Final = pa.list_(pa.struct([("begin", pa.int32()), ("end", pa.int32())]))

# --- workspace -------------------------------------------------------------------------------------

POSTS: Final = pa.schema(
    [
        ("post_key", KEY),
        ("reply_to_key", KEY),
        ("root_hint_key", KEY),
        ("quote_of_key", KEY),
        ("account_key", KEY),
        ("subject_key", KEY),  # the person: equal for all accounts of one subject
        ("platform", pa.string()),
        ("instance", pa.string()),  # host of the author's server; of a DID: null
        ("created_at", TIME),
        ("edited_at", TIME),
        ("text", pa.string()),  # markup resolved, addressing mentions and tag blocks gone
        ("mentions", MENTIONS),  # into text
        ("quoted", RANGES),  # into text: words of others
        ("headings", RANGES),  # into text: title, content warning, where they are not to be trained
        ("language", pa.string()),  # of the author's own words; und when not identified
        ("languages", pa.list_(pa.string())),  # as declared
        ("sensitive", pa.bool_()),
        ("is_bot", pa.bool_()),
        ("tags", pa.list_(pa.string())),
        ("license", pa.string()),  # SPDX
        ("use", pa.string()),  # train or context, of the consent
        ("terms", pa.string()),  # of its server: checked, crossed, unchecked, no_server
        ("event_id", pa.string()),  # the ledger event that admits it
        ("expires", TIME),
        ("acquisition", pa.string()),
        ("export_id", pa.string()),
        ("position", pa.int64()),
    ]
)
"""Everything admitted, before duplicates are removed."""

VERDICTS: Final = pa.schema(
    [
        ("post_key", KEY),
        ("account_key", KEY),
        ("export_id", pa.string()),
        ("position", pa.int64()),
        ("reason", pa.string()),  # null: admitted
        ("detail", pa.string()),  # of the reason, where it has one: which signal, which host
    ]
)
"""One row for everything seen."""

LINKS: Final = pa.schema([("post_key", KEY), ("reply_to_key", KEY), ("own", pa.bool_())])
"""One row for every post seen, admitted or not; reply_to_key is null for one that answers nothing."""

ALIASES: Final = pa.schema(
    [
        ("alias_key", KEY),
        ("post_key", KEY),
        ("account_key", KEY),  # who says so: the author, in their own export
        ("own_ground", pa.bool_()),  # the name lies on the server of the post; else it is a claim
    ]
)
"""Other ids of a post seen. On the author's own ground (its page, an older id) a reply to any of them finds it.
Elsewhere (the original of a bridged copy) it says that two posts are one, which counts only of one person's."""

PERSONS: Final = pa.schema([("account_key", KEY), ("person_key", KEY)])
"""Accounts that one person consented for, in whatever spelling; one row an account. The person's key is the smallest
of their accounts': it says which are one person's, and changes when another account joins them."""

IDENTITY: Final = [
    ("form_key", KEY),  # of account, kind and form
    ("account_key", KEY),
    ("kind", pa.string()),  # handle, name, url (of profiles, account URIs), or hidden
    ("form", pa.string()),  # of a hidden one: keyed hashes, as JSON (privacy/hidden.py)
]
"""What names a person, to find it in text. Never leaves the workspace."""

MENTIONED: Final = pa.schema([("post_key", KEY), *IDENTITY])
"""Whom an admitted post mentions, and how: at least one row an account, one a form that names it there.
These forms are looked for in the post's conversation only, so that no withdrawal changes another. A table of
its own, because lists are unnested differently everywhere. Kind and form are null if the post gives none."""

IDENTITIES: Final = pa.schema(IDENTITY)
"""What the owners of exports say of themselves; looked for wherever they take part or are mentioned."""

SPANS: Final = pa.list_(
    pa.struct(
        [
            ("begin", pa.int32()),
            ("end", pa.int32()),
            ("entity", pa.string()),
            ("score", pa.float64()),
        ]
    )
)

DETECTIONS: Final = pa.schema(
    [
        ("post_key", KEY),
        ("detector", pa.string()),  # its version
        ("text_key", KEY),  # of text and language: another text is detected anew
        ("spans", SPANS),  # null: the detector does not cover it
    ]
)
"""What the detector found, offsets only, so that it is not run twice on a text. Kept with its cell."""

CELL_OUTPUT: Final = pa.schema(
    [
        ("cell", pa.int32()),
        ("digest", pa.string()),
        (
            "table",
            pa.string(),
        ),  # of the release; "report" for the cell's counts (JSON); "kept" if done before
        ("split", pa.string()),
        ("rows", pa.int64()),
        ("payload", pa.large_binary()),  # an encoded Parquet file of one row group
    ]
)
"""What the work on one cell gives back."""

# --- release ---------------------------------------------------------------------------------------

MESSAGES: Final = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

DIALOGUES: Final = pa.schema(
    [
        ("dialogue_key", pa.string()),
        ("conversation_key", pa.string()),
        ("response_turn", pa.int32()),  # the turn's number in its conversation
        ("prompt", MESSAGES),  # begins with user, alternates
        ("completion", MESSAGES),  # one assistant message
        ("n_turns", pa.int32()),  # turns on the way, the response included
        ("n_speakers", pa.int32()),
        ("language", pa.string()),  # of the response
        ("context_languages", pa.list_(pa.string())),  # of the other turns, sorted, distinct
        ("platform", pa.string()),  # of the response
        ("license", pa.string()),  # SPDX AND over the turns
        ("grants", pa.list_(pa.string())),  # one for each consent event that it rests on, sorted
    ]
)

TURNS: Final = pa.list_(
    pa.struct(
        [
            ("turn", pa.int32()),
            ("speaker", pa.int32()),  # numbered in this row, from 1
            ("reply_to_turn", pa.int32()),  # null for the first of a tree or fragment
            ("text", pa.string()),
            ("language", pa.string()),
            ("gap", pa.bool_()),  # it answers something that is not in the dataset
            ("trainable", pa.bool_()),
        ]
    )
)

CONVERSATIONS: Final = pa.schema(
    [
        ("conversation_key", pa.string()),
        ("turns", TURNS),
        ("language", pa.string()),  # of the first turn
        ("platform", pa.string()),
        ("license", pa.string()),
        ("grants", pa.list_(pa.string())),
    ]
)

SINGLES: Final = pa.schema(
    [
        ("post_key", pa.string()),
        ("conversation_key", pa.string()),
        ("text", pa.string()),
        ("language", pa.string()),
        ("platform", pa.string()),
        ("license", pa.string()),
        ("grants", pa.list_(pa.string())),
    ]
)
"""The release's ``posts`` table: trainable text of conversations with one author."""

TRAINED_MESSAGES: Final = pa.list_(
    pa.struct([("role", pa.string()), ("content", pa.string()), ("train", pa.bool_())])
)

MULTI_TURN: Final = pa.schema(
    [
        ("multi_turn_key", pa.string()),
        ("conversation_key", pa.string()),
        ("dialogue_keys", pa.list_(pa.string())),  # whose responses are trained here, in order
        ("messages", TRAINED_MESSAGES),  # user first, alternates; as many trained as dialogue_keys
        ("n_turns", pa.int32()),  # turns on the way
        ("n_speakers", pa.int32()),
        ("language", pa.string()),  # of the last response
        ("context_languages", pa.list_(pa.string())),  # of the other turns, sorted, distinct
        ("platform", pa.string()),  # of the last response
        ("license", pa.string()),  # SPDX AND over the turns
        ("grants", pa.list_(pa.string())),
    ]
)
"""The dialogues again, responses of one author on one way in one row: for trainers that mask by message."""

TOKENS: Final = pa.schema(
    [
        ("dialogue_key", pa.string()),
        ("input_ids", pa.list_(pa.int32())),
        ("labels", pa.list_(pa.int32())),  # -100 where no loss is taken
    ]
)

MULTI_TURN_TOKENS: Final = pa.schema(
    [
        ("dialogue_keys", pa.list_(pa.string())),  # whose responses are trained here, in order
        ("input_ids", pa.list_(pa.int32())),
        ("labels", pa.list_(pa.int32())),  # -100 where no loss is taken
    ]
)
"""The ``tokens`` table when it is made of ``multi_turn``: of each dialogue one stretch of labels is trained."""

PACKED_TOKENS: Final = pa.schema(
    [
        ("dialogue_keys", pa.list_(pa.string())),  # whose responses are trained here, in order
        ("input_ids", pa.list_(pa.int32())),
        ("labels", pa.list_(pa.int32())),  # -100 where no loss is taken
        ("seq_lengths", pa.list_(pa.int32())),  # ids of each packed row; they sum to those of this
        ("position_ids", pa.list_(pa.int32())),  # from 0 in each of them
    ]
)
"""The ``tokens`` table when it is packed."""

RELEASE_TABLES: Final[dict[str, pa.Schema]] = {
    "dialogues": DIALOGUES,
    "conversations": CONVERSATIONS,
    "posts": SINGLES,
    "multi_turn": MULTI_TURN,
}
"""The release's tables that build writes, in the order in which one of them becomes the default; the first column
is the key. ``multi_turn`` only where the config asks for it."""
