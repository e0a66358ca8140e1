"""build() from end to end, against the truth of a world that was made for it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fedi_dataset.config import BuildConfig
from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.privacy.keys import key
from fedi_dataset.release.manifest import read_manifest
from fedi_dataset.workspace import Workspace
from tests.conftest import AS_OF, ReleaseCopy
from tests.world import TruthPost, World, WrittenWorld

# Not everything is found by the detector, and this is not where its quality is measured; what the
# exports themselves state must always be found.
CERTAIN = {"HANDLE", "EMAIL_ADDRESS", "URL"}


def table(report: BuildReport, name: str) -> list[dict[str, Any]]:
    """Read all rows of a table of a release."""
    return rows_of(report.release, name)


def rows_of(release: Path, name: str) -> list[dict[str, Any]]:
    """Read all rows of a table below a folder."""
    return [
        row
        for path in sorted((release / name).glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def words_of(report: BuildReport) -> Iterator[str]:
    """Give every text that stands in a release, from every table."""
    for row in table(report, "dialogues"):
        for message in [*row["prompt"], *row["completion"]]:
            yield message["content"]
    for row in table(report, "conversations"):
        for turn in row["turns"]:
            yield turn["text"]
    for row in table(report, "posts"):
        yield row["text"]


def digest(folder: Path) -> dict[str, str]:
    """Give each file of a folder with its SHA-256."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def truths(small_world: World) -> list[TruthPost]:
    """Give what is true about every post of the shared world."""
    return list(small_world.posts())


def longest_phrase(post: TruthPost) -> str:
    """Give the longest sentence of a post that holds nothing private: what tells it from others."""
    private = [one.text for one in post.private] + [f"@{post.author.username}"]
    parts = re.split(r"(?<=[.!?])\s+|\n+", post.text)
    plain = [part for part in parts if "@" not in part and not any(one in part for one in private)]
    return max(plain, key=len, default="")


def test_every_item_gets_the_verdict_that_is_true(
    built: BuildReport, truths: list[TruthPost]
) -> None:
    """Each reason has exactly as many items behind it as the world knows of."""
    law = built.law["items"]
    expected = Counter(truth.reason for truth in truths)
    assert law.dropped == {str(reason): count for reason, count in expected.items() if reason}
    assert law.kept == expected[None]


def test_rows_in_are_rows_kept_and_rows_dropped_at_every_step(built: BuildReport) -> None:
    """The conservation law holds exactly, step by step, and each step begins where another ended."""
    for step in built.law.values():
        assert step.rows_in == step.kept + sum(step.dropped.values())
    assert built.law["items"].kept == built.law["posts"].rows_in
    assert built.law["posts"].kept == built.law["texts"].rows_in
    assert built.law["turns"].kept == len(table(built, "dialogues"))


def test_no_words_of_anybody_who_is_not_admitted_come_out(
    built: BuildReport, truths: list[TruthPost]
) -> None:
    """Zero sentences of refused posts, whatever the reason, and most sentences of admitted ones."""
    released = "\n".join(words_of(built))
    admitted = {longest_phrase(truth) for truth in truths if truth.reason is None}
    said = "\n".join(truth.text for truth in truths if truth.reason is None)
    refused = {longest_phrase(truth) for truth in truths if truth.reason is not None} - {""}
    refused = {phrase for phrase in refused if phrase not in said}
    assert len(refused) > 5
    assert [phrase for phrase in refused if phrase in released] == []
    found = [phrase for phrase in admitted if phrase and phrase in released]
    assert len(found) > 0.85 * len(admitted)


def test_words_of_others_inside_a_post_stay_out_unless_their_author_is_in(
    built: BuildReport, truths: list[TruthPost]
) -> None:
    """Quoted stretches come out only where the same words are an admitted post of that talk."""
    released = "\n".join(words_of(built))
    for truth in truths:
        for quoted in truth.quoted:
            admitted_here = any(
                quoted in other.text
                for other in truths
                if other.talk == truth.talk and other.reason is None
            )
            assert admitted_here or quoted not in released


def test_no_alt_text_and_no_planted_identifier_of_a_certain_kind_survives(
    built: BuildReport, truths: list[TruthPost]
) -> None:
    """Handles, e-mail addresses and links to people are gone to the last one."""
    released = "\n".join(words_of(built)).casefold()
    for truth in truths:
        for alt in truth.alt_texts:
            assert alt.casefold() not in released
        for private in truth.private:
            if private.entity in CERTAIN:
                assert private.text.casefold() not in released


def test_names_of_everybody_with_an_export_are_gone(built: BuildReport, small_world: World) -> None:
    """Display names stand in no text of the release."""
    released = "\n".join(words_of(built))
    assert [one.display_name for one in small_world.people if one.display_name in released] == []


def test_a_dialogue_is_the_true_way_through_the_world(
    built: BuildReport, truths: list[TruthPost]
) -> None:
    """What a response answers in the release is what its author answered in truth."""
    secret = Workspace(built.workspace).secret()
    by_uri = {truth.uri: truth for truth in truths}
    by_key = {key(secret, "dialogue", key(secret, "post", uri)).hex(): uri for uri in by_uri}
    checked = 0
    for row in table(built, "dialogues"):
        truth = by_uri[by_key[row["dialogue_key"]]]
        parent = by_uri[str(truth.reply_to)]
        words = set(longest_phrase(parent).split())
        if len(words) > 4:  # a word or two may have become a placeholder
            assert len(words - set(row["prompt"][-1]["content"].split())) <= len(words) / 3
            checked += 1
    assert checked > 20


def test_prompts_alternate_and_begin_with_user(built: BuildReport) -> None:
    """The strictest chat template takes every dialogue."""
    for row in table(built, "dialogues"):
        roles = [message["role"] for message in row["prompt"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        assert [message["role"] for message in row["completion"]] == ["assistant"]


def test_whoever_allows_context_only_is_never_a_completion(
    built: BuildReport, truths: list[TruthPost]
) -> None:
    """Their words are read in prompts and conversations, and trained nowhere."""
    phrases = {
        longest_phrase(truth)
        for truth in truths
        if truth.author.role == "context" and truth.reason is None
    } - {""}
    others = {longest_phrase(truth) for truth in truths if truth.author.role != "context"}
    completions = "\n".join(row["completion"][0]["content"] for row in table(built, "dialogues"))
    prompts = "\n".join(words_of(built))
    assert phrases - others
    assert [phrase for phrase in phrases - others if phrase in completions] == []
    assert [phrase for phrase in phrases - others if phrase in prompts] != []


def test_no_conversation_crosses_a_split_and_no_grant_two_conversations(
    built: BuildReport,
) -> None:
    """Whatever names a conversation or a consent stands in one split and one conversation."""
    splits: dict[str, set[str]] = {}
    grants: dict[str, set[str]] = {}
    for path in built.release.glob("*/*.parquet"):
        for row in pq.read_table(path).to_pylist():
            splits.setdefault(row["conversation_key"], set()).add(path.name.split("-")[0])
            for grant in row["grants"]:
                grants.setdefault(grant, set()).add(row["conversation_key"])
    assert all(len(names) == 1 for names in splits.values())
    assert all(len(conversations) == 1 for conversations in grants.values())


def test_a_language_filter_makes_context_and_not_gaps(world: WrittenWorld, tmp_path: Path) -> None:
    """Only English is trained, and turns in other languages still stand in prompts."""
    report = build(
        world.exports,
        consent=world.ledger,
        out=tmp_path / "en",
        config=BuildConfig(languages=("en",)),
        as_of=AS_OF,
    )
    everything = table(report, "dialogues")
    assert {row["language"] for row in everything} == {"en"}
    assert {row["language"] for row in table(report, "posts")} <= {"en"}
    turns = [turn for row in table(report, "conversations") for turn in row["turns"]]
    assert {turn["language"] for turn in turns} > {"en"}
    assert all(not turn["trainable"] for turn in turns if turn["language"] != "en")
    assert report.law["turns"].dropped["other_language"] > 0


@pytest.mark.slow
def test_one_worker_and_two_give_the_same_bytes(
    built: BuildReport, world: WrittenWorld, tmp_path: Path
) -> None:
    """Same exports, ledger, secret and as_of: the same bytes, wherever and by however many."""
    again = build(
        [world.exports[0].parent],
        consent=world.ledger,
        out=tmp_path / "elsewhere" / "other",
        work=tmp_path / "private",
        as_of=AS_OF,
        workers=2,
        secret=Workspace(built.workspace).secret(),
    )
    assert digest(again.release) == digest(built.release)
    assert again.cells_run > 1


def test_a_second_build_writes_nothing_and_runs_no_cell(
    release_copy: ReleaseCopy, world: WrittenWorld
) -> None:
    """Nothing changed, so not a byte nor a time stamp of the release does, at another as_of too."""
    copy = release_copy
    before = {path: path.stat().st_mtime_ns for path in copy.release.rglob("*")}
    report = build(
        world.exports,
        consent=copy.ledger,
        out=copy.release,
        as_of=datetime(2026, 8, 1, tzinfo=UTC),
    )
    assert (report.written, report.cells_run) == (False, 0)
    assert {path: path.stat().st_mtime_ns for path in copy.release.rglob("*")} == before
    assert report.manifest.as_of == AS_OF


def test_a_withdrawal_takes_the_person_out_and_moves_nobody_else(
    release_copy: ReleaseCopy,
    small_world: World,
    truths: list[TruthPost],
    world: WrittenWorld,
) -> None:
    """Their words are gone, others' rows keep key and split, and copies are told what to drop."""
    copy = release_copy
    person = small_world.people[0]
    before = {row["conversation_key"] for row in rows_of(copy.release, "conversations")}
    former = {row["dialogue_key"]: row for row in rows_of(copy.release, "dialogues")}
    lines = small_world.ledger_lines(withdrawn=[person.uri])
    copy.ledger.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    report = build(world.exports, consent=copy.ledger, out=copy.release, as_of=AS_OF)
    assert report.written
    released = "\n".join(words_of(report))
    others = {longest_phrase(truth) for truth in truths if truth.author != person}
    gone = {longest_phrase(truth) for truth in truths if truth.author == person} - others - {""}
    assert gone
    assert [phrase for phrase in gone if phrase in released] == []
    assert {row["conversation_key"] for row in rows_of(copy.release, "conversations")} < before

    listed = [
        json.loads(line)
        for line in (copy.release / "removed_keys.jsonl").read_text("utf-8").splitlines()
    ]
    assert {one["build"] for one in listed} == {report.manifest.build}
    kept = {row["dialogue_key"]: row for row in table(report, "dialogues")}
    removed = {one["key"] for one in listed if one["table"] == "dialogues"}
    for name, row in former.items():
        assert (kept.get(name) == row) == (name not in removed)


def test_dropping_a_recorded_export_needs_prune(
    release_copy: ReleaseCopy, world: WrittenWorld
) -> None:
    """The list of exports is the whole input: a shorter one stops, unless told to let it go."""
    copy = release_copy
    before = digest(copy.release)
    fewer = world.exports[1:]
    with pytest.raises(UsageError, match=world.exports[0].name):
        build(fewer, consent=copy.ledger, out=copy.release, as_of=AS_OF)
    assert digest(copy.release) == before
    assert build(fewer, consent=copy.ledger, out=copy.release, as_of=AS_OF, prune=True).written
    report = build([world.exports[0]], consent=copy.ledger, out=copy.release, as_of=AS_OF, add=True)
    assert report.manifest.build == build_of(before, copy)


def build_of(files: dict[str, str], copy: ReleaseCopy) -> str:
    """Give the build that a former state of a release had."""
    manifest = read_manifest(copy.release)
    assert manifest is not None
    data = {path: sha for path, sha in files.items() if path.endswith(".parquet")}
    assert {
        path: one.sha256 for path, one in manifest.files.items() if one.rows is not None
    } == data
    return manifest.build


def test_one_persons_archive_has_posts_and_no_dialogues(
    small_world: World, world: WrittenWorld, tmp_path: Path
) -> None:
    """Alone, posts are the default config, and build says why and what helps."""
    report = build([world.exports[0]], consent=world.ledger, out=tmp_path / "one", as_of=AS_OF)
    assert report.manifest.default_config == "posts"
    assert list(report.manifest.tables()) == ["posts"]
    assert "Exports of the people they talk with help" in report.manifest.notes[0]
    assert not (tmp_path / "one" / "dialogues").exists()
    assert report.law["texts"].dropped["reply_without_context"] > 0


def test_no_rows_write_nothing_and_say_why(world: WrittenWorld, tmp_path: Path) -> None:
    """Before anybody's consent there is no release at all."""
    nobody = next(path for path in world.exports if path == world.exports[2])
    with pytest.raises(FediDatasetError, match="no consent of this account"):
        build([nobody], consent=world.ledger, out=tmp_path / "none", as_of=AS_OF)
    assert not (tmp_path / "none").exists()


def test_a_release_whose_last_row_goes_is_a_card_and_a_list_of_what_to_drop(
    small_world: World, world: WrittenWorld, tmp_path: Path
) -> None:
    """When everybody has withdrawn, no data file stays."""
    ledger = tmp_path / "ledger.jsonl"
    shutil.copy(world.ledger, ledger)
    out = tmp_path / "last"
    first = build([world.exports[0]], consent=ledger, out=out, as_of=AS_OF)
    lines = small_world.ledger_lines(withdrawn=[small_world.people[0].uri])
    ledger.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    build([world.exports[0]], consent=ledger, out=out, as_of=AS_OF)
    assert sorted(digest(out)) == ["README.md", "manifest.json", "removed_keys.jsonl"]
    listed = (out / "removed_keys.jsonl").read_text("utf-8").splitlines()
    assert len(listed) == sum(sum(one.values()) for one in counts(first).values())


def counts(report: BuildReport) -> dict[str, dict[str, int]]:
    """Count rows by table and split."""
    return {
        name: {
            split: sum(one.rows or 0 for one in files.values()) for split, files in splits.items()
        }
        for name, splits in report.manifest.tables().items()
    }
