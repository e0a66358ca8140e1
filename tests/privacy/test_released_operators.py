"""Operators through the door: what stands in a release, its card and its manifest, and what audit says of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pyarrow.parquet as pq
import pytest

from fedi_dataset.config import BuildConfig, Operator
from fedi_dataset.consent.ledger import append
from fedi_dataset.errors import MissingExtra
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.release.audit import audit
from tests.conftest import AS_OF
from tests.consent.events import given
from tests.readers.exports import ALICE, HOST, PUBLIC, create, members, note, saved, zipped

pytestmark = pytest.mark.slow

BOB = f"{HOST}/users/bob"
ASKED = (
    '<p>Has anybody seen <a href="https://mastodon.example/@bob" class="u-url mention">@<span>bob</span></a> today? '
    "Robin Teasel promised to bring the big tent, and Robin never forgets a promise.</p>"
)
ANSWERED = (
    "<p>The tent is in the boat house, dry and folded. Write to robin.teasel@post.example.org, "
    "or ask Alice, who has the key.</p>"
)
ONLY_A_NAME = "<p>Robin Teasel!</p>"


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path]:
    """Two people who talk: one asks for the other by handle, full name and first name, who answers."""
    folder = tmp_path_factory.mktemp("operators")
    mention = {"type": "Mention", "href": BOB, "name": "@bob"}
    asked = note(1, content=ASKED, tag=[mention])
    answered = {
        **note(2, content=ANSWERED, inReplyTo=asked["id"]),
        "id": f"{BOB}/statuses/2",
        "attributedTo": BOB,
        "published": "2025-03-01T11:00:00Z",
        "cc": [f"{BOB}/followers"],
        "url": f"{HOST}/@bob/2",
    }
    name = note(3, content=ONLY_A_NAME, inReplyTo=answered["id"], published="2025-03-01T12:00:00Z")
    bob: dict[str, Any] = {
        "id": BOB,
        "preferredUsername": "bob",
        "name": "Robin Teasel",
        "url": f"{HOST}/@bob",
        "followers": f"{BOB}/followers",
    }
    ours = zipped(members([create(asked), create(name)], name="Alice Marsh"))
    theirs = zipped(members([create(answered, actor=BOB, to=[PUBLIC])], **bob))
    ledger = folder / "ledger.jsonl"
    for number, account in enumerate((ALICE, BOB), 1):
        append(ledger, given(id=f"urn:uuid:{number}", accounts=(account,)))
    return [saved(folder, "a.zip", ours), saved(folder, "b.zip", theirs)], ledger


def built(
    exports: tuple[list[Path], Path], folder: Path, **config: object
) -> tuple[BuildReport, list[str]]:
    """Build, and give the texts of the one conversation."""
    paths, ledger = exports
    try:
        told = BuildConfig.from_dict(config)
        report = build(paths, consent=ledger, out=folder / "release", config=told, as_of=AS_OF)
    except MissingExtra as error:
        pytest.skip(str(error))
    (shard,) = (report.release / "conversations").glob("*.parquet")
    (row,) = pq.read_table(shard).to_pylist()
    return report, [turn["text"] for turn in row["turns"]]


def test_handle_display_name_and_first_name_have_one_number(
    exports: tuple[list[Path], Path], tmp_path: Path
) -> None:
    """Where the export links them, whoever is named is one person, in the order of appearance."""
    _, texts = built(exports, tmp_path)
    assert texts == [
        "Has anybody seen [HANDLE_1] today? [PERSON_1] promised to bring the big tent, and [PERSON_1] never "
        "forgets a promise.",
        "The tent is in the boat house, dry and folded. Write to [EMAIL_ADDRESS_2], or ask [PERSON_3], who "
        "has the key.",
        "[PERSON_1]!",
    ]


EXPECTED = {
    "placeholder": r"seen \[HANDLE_1\] today\? \[PERSON_1\] promised",
    "mask": r"seen \*{5} today\? \*{5} promised",
    "remove": r"seen today\? promised",
    "hash": r"seen \[HANDLE_(\w{12})\] today\? \[PERSON_\1\] promised",
    "surrogate": r"seen @user1@example\.org today\? Alva Example promised",
}


@pytest.mark.parametrize("operator", get_args(Operator))
def test_releases_of_every_operator_keep_every_promise(
    exports: tuple[list[Path], Path], tmp_path: Path, operator: Operator
) -> None:
    """The words are there, no name is, audit finds nothing broken, and manifest and card name the operator."""
    report, texts = built(exports, tmp_path, operator=operator)
    assert re.search(EXPECTED[operator], texts[0])
    released = "\n".join(texts)
    assert not re.search("robin|teasel|alice|marsh|bob", released, re.IGNORECASE)
    assert len(texts) == (2 if operator == "remove" else 3)
    found = audit(report.release, now=AS_OF)
    assert [check.name for check in found.checks if check.ok is not True] == []
    assert report.manifest.config["operator"] == operator
    card = (report.release / "README.md").read_text("utf-8")
    assert ("numbered placeholders such as" in card) == (operator == "placeholder")
    assert (f"* `{operator}`: " in card) == (operator != "placeholder")


def test_a_post_of_which_nothing_is_left_is_a_gap(
    exports: tuple[list[Path], Path], tmp_path: Path
) -> None:
    """Without its only words a post is an empty text, counted as such; the law holds."""
    report, _ = built(exports, tmp_path, operators={"PERSON": "remove"})
    assert report.law["texts"].dropped == {"empty_text": 1}
    report, _ = built(exports, tmp_path, operators={"HANDLE": "remove"})
    assert report.law["texts"].dropped == {}


def test_hashes_link_nobody_across_conversations(
    exports: tuple[list[Path], Path], tmp_path: Path
) -> None:
    """The same person in a thread of another anchor has another hash, in every build the same."""
    one = built(exports, tmp_path / "one", operator="hash")[1]
    paths, ledger = exports
    again = build(
        paths,
        consent=ledger,
        out=tmp_path / "two" / "release",
        config=BuildConfig(operator="hash"),
        as_of=AS_OF,
    )
    (shard,) = (again.release / "conversations").glob("*.parquet")
    other = pq.read_table(shard).to_pylist()[0]["turns"][0]["text"]
    assert set(re.findall(r"_(\w{12})\]", one[0])).isdisjoint(re.findall(r"_(\w{12})\]", other))
