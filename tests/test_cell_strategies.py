"""Strategies through build(): what comes out of exports under each option, audited, and what a withdrawal does then."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest

from fedi_dataset import reasons
from fedi_dataset.cell import CellReport
from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.ledger import append
from fedi_dataset.errors import UsageError
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.release.audit import AuditReport, audit
from fedi_dataset.release.erasure import withdraw
from fedi_dataset.release.law import KEPT
from fedi_dataset.workspace import Workspace
from tests.commands import run
from tests.conftest import AS_OF, ReleaseCopy
from tests.consent.events import given, renewed
from tests.readers.exports import HOST, create, members, note, saved, zipped
from tests.test_erasure import EVENT, NOW, data_of, strings_below
from tests.test_pipeline import rows_of
from tests.world import World

pytestmark = pytest.mark.slow

SECRET = bytes(range(32))


class Says(NamedTuple):
    """One post of a talk that is written out."""

    who: str
    text: str
    """HTML."""
    answers: int | None = None
    """The number of a post of the talk; -1: of one that nobody has."""
    fields: Mapping[str, Any] = MappingProxyType({})
    """What differs in its object."""


def uri_of(talk: list[Says], number: int) -> str:
    """The id of a post of a talk."""
    who = talk[number].who if number >= 0 else "nobody"
    return f"{HOST}/users/{who}/statuses/{number + 1}"


def built_of(
    folder: Path,
    talk: list[Says],
    *,
    consents: Mapping[str, Mapping[str, Any] | None] = MappingProxyType({}),
    **options: Any,
) -> BuildReport:
    """Write a talk as the archives of its people, who all agree, and build a release of them.

    ``consents``: what differs in somebody's consent; None for whoever gave none.
    """
    folder.mkdir(exist_ok=True)
    ledger = folder / "ledger.jsonl"
    exports = []
    for who in sorted({one.who for one in talk}):
        account = f"{HOST}/users/{who}"
        items = []
        for number, one in enumerate(talk):
            if one.who != who:
                continue
            fields: dict[str, Any] = {
                "id": uri_of(talk, number),
                "url": uri_of(talk, number),
                "attributedTo": account,
                "published": f"2025-03-01T10:{number:02}:00Z",
                "cc": [f"{account}/followers"],
                "inReplyTo": None if one.answers is None else uri_of(talk, one.answers),
                "content": one.text,
                "contentMap": {"en": one.text},
                **one.fields,
            }
            items.append(create(note(number, **fields), actor=account))
        owner = {
            "id": account,
            "followers": f"{account}/followers",
            "preferredUsername": who,
            "name": who.title(),
            "url": f"{HOST}/@{who}",
        }
        exports.append(saved(folder, f"{who}.zip", zipped(members(items, **owner))))
        about = consents.get(who, {})
        if about is not None:
            append(ledger, given(id=f"urn:uuid:{who}", accounts=(account,), **about))
    config = BuildConfig.from_dict(options)
    return build(
        exports, consent=ledger, out=folder / "release", as_of=AS_OF, config=config, secret=SECRET
    )


def told(report: BuildReport) -> Iterator[list[str]]:
    """Spell the dialogues of a release in the order of their responses."""
    rows = sorted(rows_of(report.release, "dialogues"), key=lambda row: row["response_turn"])
    for row in rows:
        yield [
            f"{one['role'][0]}: {one['content']}" for one in [*row["prompt"], *row["completion"]]
        ]


def audited(report: BuildReport) -> AuditReport:
    """Audit a release at the time it was built for."""
    return audit(report.release, work=report.workspace, now=AS_OF)


PEONIES = "The peonies by the wall are late this year."
FROST = "It was the frost at the very end of the winter."
QUINCE = "Mine are late as well, and so is the quince."
AGREED = "That explains why the lilac came late as well."


def test_a_content_warning_is_read_and_not_trained(tmp_path: Path) -> None:
    """Under `context` it opens the user's message, and no completion; by default it is trained with its post."""
    talk = [
        Says("alice", f"<p>{PEONIES}</p>", fields={"summary": "garden talk"}),
        Says("bob", f"<p>{FROST}</p>", 0, {"summary": "weather talk"}),
        Says("alice", f"<p>{AGREED}</p>", 1),
    ]
    options: dict[str, Any] = {"sensitive": True, "multi_turn": True}
    asked = built_of(tmp_path / "context", talk, **options, content_warnings="context")
    first, second = told(asked)
    assert first == [f"u: CW: garden talk\n\n{PEONIES}", f"a: {FROST}"]
    assert f"CW: weather talk\n\n{FROST}" in second[0]
    (row,) = rows_of(asked.release, "conversations")
    assert row["turns"][1]["text"] == f"CW: weather talk\n\n{FROST}"
    assert audited(asked).ok
    plain = next(told(built_of(tmp_path / "text", talk, **options)))
    assert plain[1] == f"a: CW: weather talk\n\n{FROST}"


def test_a_title_is_read_and_not_trained(tmp_path: Path) -> None:
    """Nor is it in a row of `posts`; what has nothing but a title is not trained at all."""
    article = {"type": "Article", "name": "Notes from the garden"}
    talk = [
        Says("alice", f"<p>{PEONIES}</p>", fields=article),
        Says("bob", f"<p>{FROST}</p>", 0, {**article, "name": "Notes on the weather"}),
        Says("alice", "", 1, {**article, "name": "Only a title stands here today"}),
        Says("alice", f"<p>{AGREED}</p>", fields={**article, "name": "A walk"}),
    ]
    report = built_of(tmp_path, talk, titles="context")
    assert list(told(report)) == [[f"u: Notes from the garden\n\n{PEONIES}", f"a: {FROST}"]]
    assert report.law["turns"].dropped == {"first_of_tree": 1, "too_short": 1}
    assert [row["text"] for row in rows_of(report.release, "posts")] == [AGREED]
    assert audited(report).ok


def test_quoted_words_are_read_as_the_post_that_they_are(tmp_path: Path) -> None:
    """A pasted quote and a quote by reference both become that post's turn; by default they do not."""
    talk = [
        Says("alice", f"<p>{PEONIES}</p>"),
        Says("bob", f"<p>{FROST}</p>", 0),
        Says("carol", f"<blockquote><p>{FROST}</p></blockquote><p>{AGREED}</p>", 0),
        Says("dora", f"<p>{QUINCE}</p>", 0, {"quote": f"{HOST}/users/bob/statuses/2"}),
    ]
    _, pasted, referred = told(built_of(tmp_path / "text", talk))
    assert pasted == [f"u: {PEONIES}", f"a: > {FROST}\n\n{AGREED}"]
    assert referred[0] == f"u: {PEONIES}"
    report = built_of(tmp_path / "context", talk, quotes="context")
    _, pasted, referred = told(report)
    shown = f"u: Speaker 1: {PEONIES}\n\nSpeaker 2: {FROST}"
    assert pasted == [shown, f"a: {AGREED}"]
    assert referred[0] == shown
    assert {row["n_turns"] for row in rows_of(report.release, "dialogues")} == {2}
    assert audited(report).ok


def test_a_placeholder_makes_a_dialogue_of_an_answer_to_somebody_missing(tmp_path: Path) -> None:
    """A lone reply to a post that nobody has; and a reply to a post without words that may be shown."""
    talk = [
        Says("alice", f"<p>{FROST}</p>", -1),
        Says("bob", "<p>🌷</p>"),
        Says("alice", f"<p>{AGREED}</p>", 1),
        Says("bob", "<p>🌷🌷</p>"),
        Says("bob", f"<p>{PEONIES}</p>", 3),
    ]
    report = built_of(tmp_path / "shown", talk, gap_policy="placeholder")
    assert sorted(told(report)) == sorted(
        [["u: [unavailable]", f"a: {FROST}"], ["u: [unavailable]", f"a: {AGREED}"]]
    )
    # what bob answers is his own: that is no dialogue under any policy
    assert report.law["texts"].dropped == {"empty_text": 2, "reply_without_context": 1}
    assert audited(report).ok
    with pytest.raises(Exception, match="no rows"):
        built_of(tmp_path / "cut", talk)


def test_what_stands_below_a_gap_is_no_row_of_posts_whatever_its_date(tmp_path: Path) -> None:
    """Also a reply that is dated before what it answers, and one below that: they have no context."""
    early = {"published": "2025-02-01T10:00:00Z"}
    talk = [
        Says("bob", f"<p>{FROST}</p>", -1),
        Says("bob", f"<p>{QUINCE}</p>", 0, early),
        Says("bob", f"<p>{PEONIES}</p>", 0, early),
        Says("bob", f"<p>{PEONIES} {QUINCE}</p>", 2),
        Says("bob", f"<p>{QUINCE} {FROST}</p>", 0),
        Says("bob", f"<p>{AGREED}</p>"),
    ]
    report = built_of(tmp_path, talk)
    assert [row["text"] for row in rows_of(report.release, "posts")] == [AGREED]
    texts = report.law["texts"]
    assert (texts.kept, texts.dropped) == (1, {"reply_without_context": 5})
    assert audited(report).ok


def test_fewer_are_trained_of_whoever_has_posts_below_gaps_that_count(tmp_path: Path) -> None:
    """What may have been a response by what was seen takes a place, so that no withdrawal moves another's posts."""
    talk = [
        Says("alice", f"<p>{PEONIES}</p>"),
        Says("zoe", f"<p>{PEONIES}</p>"),
        *(Says("bob", f"<p>{FROST} {number}</p>", number % 2) for number in range(8)),
        Says("alice", f"<p>{AGREED}</p>", 3),
    ]
    here = built_of(tmp_path / "here", talk, max_per_author=5)
    gone = built_of(tmp_path / "gone", talk, consents={"zoe": None}, max_per_author=5)
    trained = {said[-1] for said in told(here) if FROST in said[-1]}
    left = {said[-1] for said in told(gone) if FROST in said[-1]}
    assert (len(trained), len(left)) == (5, 2)
    assert left == {one for one in trained if int(one[-1]) % 2 == 0}
    turns = gone.law["turns"].dropped
    assert turns == {"first_of_tree": 1, "first_of_fragment": 4, "over_author_limit": 2}
    assert reasons.sentence("over_author_limit") == (
        "its author has as many posts with smaller keys that may have been responses as this build takes of one"
    )
    assert audited(gone).ok


def rebuilt(copy: ReleaseCopy, **options: Any) -> BuildReport:
    """Build a copy of the shared release again under other options; what was detected is at hand."""
    config = BuildConfig.from_dict(options)
    return build(copy.exports, consent=copy.ledger, out=copy.release, config=config, as_of=AS_OF)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"responses": "best-branch", "multi_turn": True}, None),
        ({"roles": "op-as-user", "multi_turn": True}, "opener"),
        ({"roles": "multi-party", "gap_policy": "placeholder"}, None),
        ({"gap_policy": "drop", "max_characters": 300}, "over_max_characters"),
        ({"max_per_author": 2, "quotes": "context", "multi_turn": True}, "over_author_limit"),
        ({"minimum_speakers": 3, "responses": "longest-path"}, "too_few_speakers"),
    ],
)
def test_a_release_keeps_its_promises_under_every_strategy(
    release_copy: ReleaseCopy, options: dict[str, Any], reason: str | None
) -> None:
    """Audit finds nothing, the law holds, what is left out is counted by its reason, config and card say so."""
    before = rows_of(release_copy.release, "dialogues")
    report = rebuilt(release_copy, **options)
    after = rows_of(release_copy.release, "dialogues")
    checks = {check.name: check for check in audited(report).checks}
    assert [check for check in checks.values() if check.ok is False] == []
    assert ("multi-turn" in checks) == bool(options.get("multi_turn"))
    turns = report.law["turns"]
    assert turns.kept == len(after) == turns.rows_in - sum(turns.dropped.values())
    assert reason is None or turns.dropped[reason] > 0
    if "gap_policy" not in options:  # then whatever is not trained any more has a strategy's reason
        left_out = sum(turns.dropped.get(one, 0) for one in reasons.STRATEGY)
        assert len(before) == len(after) + left_out
    assert {**report.manifest.config, **options} == report.manifest.config
    if not after:
        assert "the strategies of this build leave out every turn" in report.manifest.notes[0]


def responses_of(copy: ReleaseCopy) -> Counter[str]:
    """Count each person's trained turns, as the workspace's cells have them."""
    workspace = Workspace(copy.work)
    counted: Counter[str] = Counter()
    for digest in workspace.state().cells:
        (row,) = (one for one in workspace.cell(digest).to_pylist() if one["table"] == "report")
        counted.update(msgspec.json.decode(row["payload"], type=CellReport).turns[KEPT])
    return counted


def test_the_limit_of_an_author_holds_in_a_release(release_copy: ReleaseCopy) -> None:
    """Nobody has more trained turns than asked for, and whoever has not more than that loses none."""
    before = responses_of(release_copy)
    rebuilt(release_copy, max_per_author=15)
    after = responses_of(release_copy)
    assert max(before.values()) > 15 >= max(after.values()) > 5
    few = {who for who, turns in before.items() if turns < 15}
    assert few
    assert {who: after[who] for who in few} == {who: before[who] for who in few}


def test_one_voice_links_one_person_and_names_nobody(
    release_copy: ReleaseCopy, small_world: World
) -> None:
    """All responses are theirs, neither release nor workspace says whose, and the card says that one it is."""
    voice = small_world.people[0]
    report = rebuilt(release_copy, roles=f"author={voice.uri}", multi_turn=True)
    assert report.law["turns"].kept > 5
    assert report.law["turns"].people["other_voice"] >= 1
    recorded = Workspace(release_copy.work).state().config["roles"]
    assert recorded == report.manifest.config["roles"]
    assert str(recorded).startswith("author=key:")
    for name in ("manifest.json", "README.md"):
        assert voice.uri not in (release_copy.release / name).read_text("utf-8")
    card = (release_copy.release / "README.md").read_text("utf-8")
    assert "All responses are one person's, which links that person across conversations" in card
    assert audited(report).ok
    again = rebuilt(release_copy, roles=f"author={voice.uri.upper()[:5]}{voice.uri[5:]}/")
    assert again.manifest.config["roles"] == recorded


def test_a_voice_that_nobody_knows_is_an_error(release_copy: ReleaseCopy) -> None:
    """A mistyped account does not make an empty release."""
    with pytest.raises(UsageError, match="nor an export knows this account"):
        rebuilt(release_copy, roles="author=https://harbor.example/users/nobody-at-all")


def test_the_key_of_nobody_is_an_error_and_that_of_a_voice_is_not(
    release_copy: ReleaseCopy, small_world: World
) -> None:
    """A key from the manifest may be given again; one of another workspace does not make an empty release."""
    first = rebuilt(release_copy, roles=f"author={small_world.people[0].uri}")
    again = rebuilt(release_copy, roles=str(first.manifest.config["roles"]))
    assert (again.written, again.law) == (False, first.law)
    with pytest.raises(UsageError, match="the key of no account"):
        rebuilt(release_copy, roles=f"author=key:{32 * '0'}")


@pytest.mark.parametrize("named", ["alice", "bob"])
def test_a_voice_may_be_named_by_an_account_of_which_nothing_is_admitted(
    tmp_path: Path, named: str
) -> None:
    """Alice and Bob are one person: whichever account is named, what the other one said is trained."""
    followers = {"to": [f"{HOST}/users/alice/followers"], "cc": []}
    talk = [
        Says("carol", f"<p>{PEONIES}</p>"),
        Says("bob", f"<p>{FROST}</p>", 0),
        Says("alice", f"<p>{QUINCE}</p>", fields=followers),
        Says("carol", f"<p>{AGREED}</p>", 1),
    ]
    one = {"subject": "urn:uuid:p1"}
    consents = {"alice": one, "bob": one}
    roles = f"author={HOST}/users/{named}"
    report = built_of(tmp_path, talk, consents=consents, roles=roles)
    assert list(told(report)) == [[f"u: {PEONIES}", f"a: {FROST}"]]
    assert report.law["turns"].dropped == {"first_of_tree": 1, "other_voice": 1}
    assert audited(report).ok
    gone = withdraw(report.release, [f"{HOST}/users/alice"], now=NOW, event_id=EVENT).report
    assert gone.manifest.config["roles"] == report.manifest.config["roles"]
    assert gone.law["turns"].kept == 0


def test_a_voice_stays_the_voice_when_the_ledger_calls_its_subject_otherwise(
    tmp_path: Path,
) -> None:
    """Bob's consent is renewed under a subject; when Dave goes, Bob's responses are still there."""
    talk = [
        Says("carol", f"<p>{PEONIES}</p>"),
        Says("bob", f"<p>{FROST}</p>", 0),
        Says("dave", f"<p>{QUINCE}</p>", 0),
    ]
    report = built_of(tmp_path, talk, roles=f"author={HOST}/users/bob")
    more = renewed(id="urn:uuid:again", accounts=(f"{HOST}/users/bob",), subject="urn:uuid:b")
    append(tmp_path / "ledger.jsonl", more)
    dave = f"{HOST}/users/dave"
    after = withdraw(report.release, [dave], now=NOW, event_id=EVENT).report
    assert list(told(after)) == list(told(report)) == [[f"u: {PEONIES}", f"a: {FROST}"]]


@pytest.mark.parametrize("leaver", [0, 1])
def test_a_withdrawal_under_strategies_equals_never_having_been_there(
    release_copy: ReleaseCopy, small_world: World, tmp_path: Path, leaver: int
) -> None:
    """Somebody else goes, or the voice itself: the release is that of a fresh build without them, and names nobody."""
    voice, gone = small_world.people[0], small_world.people[leaver]
    options = {
        "roles": f"author={voice.uri}",
        "gap_policy": "placeholder",
        "quotes": "context",
        "max_per_author": 4,
        "multi_turn": True,
    }
    former = rebuilt(release_copy, **options)
    assert rows_of(release_copy.release, "multi_turn")
    done = withdraw(release_copy.release, [gone.uri], now=NOW, event_id=EVENT)
    assert done.report.manifest.config == former.manifest.config
    removed = (release_copy.release / "removed_keys.jsonl").read_text("utf-8").splitlines()
    assert "multi_turn" in {json.loads(line)["table"] for line in removed}
    fresh = build(
        release_copy.exports,
        consent=release_copy.ledger,
        out=tmp_path / "fresh",
        config=BuildConfig.from_dict(options),
        as_of=AS_OF,
        secret=Workspace(release_copy.work).secret(),
    )
    assert bool(fresh.law["turns"].kept) == (leaver != 0)
    assert data_of(release_copy.release) == data_of(tmp_path / "fresh")
    held = [
        path.name
        for path, text in strings_below(release_copy.work)
        if gone.uri in text and "certificates" not in path.parts
    ]
    assert held == []


def test_options_are_checked_where_they_are_given(tmp_path: Path, world: Any) -> None:
    """What contradicts itself is wrong usage, and nothing is built."""
    exports = [str(path) for path in world.exports]
    base = ["build", *exports, "--consent", str(world.ledger), "--out", str(tmp_path / "out")]
    for options, words in (
        (["--roles", "author=https://a.example/u", "--recipients", "gated"], "only for recipients"),
        (["--roles", "everybody"], "it is one of response, op-as-user, multi-party"),
        (["--roles", "multi-party", "--multi-turn"], "leave one of the two out"),
        (["--minimum-speakers", "9", "--max-turns", "4"], "no dialogue has so many"),
        (["--minimum-speakers", "1"], "minimum_speakers"),
        (["--max-characters", "0"], "max_characters"),
        (["--max-per-author", "0"], "max_per_author"),
        (["--gap-policy", "skip"], "'skip' is not one of"),
    ):
        done = run(*base, *options)
        assert (done.code, words in done.err) == (2, True), done.err
    assert not (tmp_path / "out").exists()


def test_flags_are_the_fields_of_the_config(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """Every option of the command line reaches the config that the release states."""
    done = run(
        *("build", *map(str, release_copy.exports), "--consent", str(release_copy.ledger)),
        *("--out", str(release_copy.release), "--as-of", AS_OF.isoformat(), "--json"),
        *("--responses", "longest-path", "--roles", "op-as-user", "--gap-policy", "placeholder"),
        *("--quotes", "context", "--titles", "context", "--content-warnings", "context"),
        *("--max-characters", "2000", "--minimum-speakers", "2", "--max-per-author", "50"),
        "--multi-turn",
    )
    assert done.code == 0, done.err
    manifest = json.loads((release_copy.release / "manifest.json").read_text("utf-8"))
    expected = {
        "responses": "longest-path",
        "roles": "op-as-user",
        "gap_policy": "placeholder",
        "quotes": "context",
        "titles": "context",
        "content_warnings": "context",
        "max_characters": 2000,
        "minimum_speakers": 2,
        "max_per_author": 50,
        "multi_turn": True,
    }
    assert {name: manifest["config"][name] for name in expected} == expected
    assert json.loads(done.out)["rows"]["multi_turn"]


def test_rows_of_several_responses_save_tokens(release_copy: ReleaseCopy) -> None:
    """The same responses in fewer rows and tokens, as the script counts them that says how many."""
    from fedi_dataset.demo import DEMO_TOKENIZER
    from fedi_dataset.samples import samples
    from scripts.measure_economy import measured

    rebuilt(release_copy, multi_turn=True)
    with samples() as shipped:
        found = measured(release_copy.release, DEMO_TOKENIZER, shipped.chat_template)
    assert found["responses"] == found["dialogues"] > found["multi_turn"] > 0
    assert found["tokens_of_multi_turn"] < 0.8 * found["tokens_of_dialogues"]
