"""inspect --explain: the way of one post through all gates, what is told of it, and what a release made of it."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate
from fedi_dataset.consent.ledger import Event, Exclude, Ledger
from fedi_dataset.consent.terms import InstanceTerms
from fedi_dataset.explain import explain
from fedi_dataset.explain.evidence import Case
from fedi_dataset.explain.gates import steps_of
from fedi_dataset.posts import Quarantined
from fedi_dataset.readers.detect import open_export
from fedi_dataset.reasons import GATE
from tests.commands import Ran, run
from tests.conftest import AS_OF, ReleaseCopy
from tests.consent.events import given, lines_of, objected, renewed, withdrawn
from tests.readers.exports import (
    ALICE,
    BOB,
    DID,
    create,
    members,
    note,
    post_record,
    repo,
    saved,
    zipped,
)
from tests.test_cell_strategies import AGREED, FROST, PEONIES, QUINCE, Says, built_of, uri_of
from tests.tokens.shapes import SHAPES, save, template_of
from tests.world import WrittenWorld

NOW = "2026-07-01T00:00:00Z"
WORDS = "<p>The garden behind the old mill is open every evening.</p>"
FIRST = f"{ALICE}/statuses/1"
PAGE = "https://mastodon.example/@alice/1"

Row = dict[str, Any]


def ledger(folder: Path, *events: Event) -> Path:
    """Write a ledger; events are numbered from 0."""
    return saved(folder, "ledger.jsonl", b"".join(lines_of(events)))


def archive(folder: Path, *notes: Row, name: str = "a.zip", **more: object) -> Path:
    """Write Alice's archive of these notes."""
    return saved(folder, name, zipped(members([create(one) for one in notes], **more)))


def story(export: Path, events: Path, post: str = FIRST, *more: object) -> Row:
    """Explain a post as data."""
    ran = run(
        "inspect", export, "--consent", events, "--explain", post, "--as-of", NOW, "--json", *more
    )
    assert (ran.code, ran.err) == (0, "")
    return ran.data


def answers(copy: Row) -> dict[str, list[str]]:
    """Give the codes of a copy's steps by their answer."""
    found: dict[str, list[str]] = {}
    for step in copy["steps"]:
        found.setdefault(step["answer"], []).append(step["code"])
    return found


def evidence(copy: Row, code: str) -> str:
    """Give the evidence of one step."""
    (found,) = (step["evidence"] for step in copy["steps"] if step["code"] == code)
    return str(found)


# --- through all gates ----------------------------------------------------------------------------


def test_a_post_that_is_admitted_passes_every_gate(tmp_path: Path) -> None:
    """All tests are told in the gate's order, each with its evidence, and what there is to train on."""
    events = ledger(tmp_path, given(license="CC BY 4.0"))
    ran = run(
        "inspect",
        archive(tmp_path, note(content=WORDS)),
        "--consent",
        events,
        "--explain",
        PAGE,
        "--as-of",
        NOW,
    )
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        FIRST,
        f"  position 0 of {tmp_path}/a.zip (mastodon-archive)",
        f"  passed      not_own                  by {ALICE}, in the export of {ALICE}",
        "  passed      not_a_post               a post",
        "  passed      not_public               public",
        "  passed      deleted                  it stands",
        "  passed      no_consent               given urn:uuid:0 of 2026-05-01T12:00:00Z, line 1",
        "  passed      consent_withdrawn        nothing on a later line",
        "  passed      consent_expired          expires never; as of 2026-07-01T00:00:00Z",
        "  passed      purpose_not_covered      for llm-fine-tuning; the build is for llm-fine-tuning",
        "  passed      recipients_not_covered   reaches private, llm-fine-tuning, without special "
        "categories; the build is for private",
        "  passed      outside_dates            written 2025-03-01T10:00:00Z; covered at any time",
        "  passed      visibility_not_covered   public; covered: public",
        "  passed      excluded_by_author       leaves out 0 posts and no tag",
        "  passed      no_date                  written 2025-03-01T10:00:00Z",
        "  passed      acquisition_not_covered  own-export; covered: own-export",
        "  passed      weak_evidence            self-asserted; the source is mastodon-archive",
        "  passed      under_age                declared 18; the build asks for 16",
        "  passed      signal_denied            seen: none",
        "  passed      instance_terms           mastodon.example is in no list",
        "  passed      license_refused          CC BY 4.0, that is CC-BY-4.0: allow-with-attribution",
        "  verdict     admitted",
        "  text        10 words, language en, license CC-BY-4.0",
        "  quoted      0 stretches of other people's words, which are taken out",
        "  training    may be trained, if it answers somebody and stands up to scrubbing",
    ]


def test_everything_in_the_way_is_told_at_once(tmp_path: Path) -> None:
    """Refusals behind the first one are told too; the verdict is the first; no word is read."""
    consent = given(age_at_least=14, license="CC-BY-ND-4.0", purposes=("research",))
    secret = note(to=[f"{ALICE}/followers"], cc=[], content="<p>Not to be read.</p>")
    ran = run(
        "inspect",
        archive(tmp_path, secret, summary="<p>#NoAI</p>"),
        "--consent",
        ledger(tmp_path, consent),
        "--explain",
        FIRST,
        "--json",
    )
    (copy,) = ran.data["copies"]
    assert answers(copy)["refused"] == [
        "not_public",
        "purpose_not_covered",
        "visibility_not_covered",
        "under_age",
        "signal_denied",
        "license_refused",
    ]
    assert answers(copy)["not told"] == [
        "deleted",
        "recipients_not_covered",
        "excluded_by_author",
        "no_date",
    ]
    assert (copy["reason"], copy["words"]) == ("not_public", None)
    assert evidence(copy, "under_age") == "declared 14; the build asks for 16"
    assert evidence(copy, "signal_denied") == "denied by bio:#noai"
    assert evidence(copy, "license_refused") == "CC-BY-ND-4.0: refuse"
    assert "Not to be" not in ran.out


@pytest.mark.parametrize(
    ("events", "code", "said"),
    [
        (
            [],
            "no_consent",
            f"no event up to {NOW} gives consent for {ALICE}, https://mastodon.example/@alice",
        ),
        (
            [given(), withdrawn()],
            "consent_withdrawn",
            "withdrawn urn:uuid:1 of 2026-05-02T12:00:00Z, line 2",
        ),
        (
            [given(), objected(posts=(FIRST,))],
            "consent_withdrawn",
            "objected urn:uuid:1 of 2026-05-02T12:00:00Z, line 2 (1 posts)",
        ),
        (
            [
                given(subject="urn:uuid:s"),
                given(accounts=(BOB,), subject="urn:uuid:s"),
                withdrawn(accounts=(BOB,)),
            ],
            "consent_withdrawn",
            "withdrawn urn:uuid:2 of 2026-05-02T12:00:00Z, line 3",
        ),
        (
            [given(exclude=Exclude(tags=("roses",), posts=("at://x",)))],
            "excluded_by_author",
            "leaves out 1 posts and the tags roses",
        ),
        (
            [renewed(visibilities=("unlisted",))],
            "visibility_not_covered",
            "public; covered: unlisted",
        ),
        (
            [given(acquisition=("capture",))],
            "acquisition_not_covered",
            "own-export; covered: capture",
        ),
    ],
)
def test_a_refusal_names_its_evidence(
    tmp_path: Path, events: list[Event], code: str, said: str
) -> None:
    """Of each refusal the event, line or fact stands beside it that decides, and its sentence in the verdict."""
    tagged = note(tag=[{"type": "Hashtag", "name": "#Roses"}])
    file = ledger(tmp_path, *(events or [given(accounts=(BOB,))]))
    (copy,) = story(archive(tmp_path, tagged), file)["copies"]
    assert copy["reason"] == code
    assert code in answers(copy)["refused"]
    assert evidence(copy, code) == said
    ran = run("inspect", tmp_path / "a.zip", "--consent", file, "--explain", FIRST)
    singly = " (this post alone)" if "posts)" in said else ""
    assert f"  verdict     refused, {code}: {GATE[code]}{singly}" in ran.out.splitlines()


def test_what_hangs_on_a_missing_consent_is_not_told(tmp_path: Path) -> None:
    """Without a consent nothing behind that is asked; of somebody else's post nothing at all."""
    export = archive(tmp_path, note(), {**note(2), "attributedTo": BOB})
    file = ledger(tmp_path, given(accounts=(BOB,)))
    (copy,) = story(export, file)["copies"]
    assert answers(copy)["refused"] == ["no_consent"]
    assert len(answers(copy)["not told"]) == len(GATE) - 5
    (copy,) = story(export, file, f"{ALICE}/statuses/2")["copies"]
    assert answers(copy)["refused"] == ["not_own"]
    assert len(answers(copy)["not told"]) == len(GATE) - 1


def test_what_a_post_says_of_itself_is_in_the_verdict(tmp_path: Path) -> None:
    """A footer's license refuses after all gates are passed, and is named in our words."""
    export = archive(tmp_path, note(content=f"{WORDS}<p>CC BY-ND 4.0</p>"))
    (copy,) = story(export, ledger(tmp_path, given()))["copies"]
    assert answers(copy) == {"passed": list(GATE)}
    assert (copy["reason"], copy["detail"], copy["words"]) == (
        "license_refused",
        "CC-BY-ND-4.0",
        None,
    )


@pytest.mark.parametrize(
    ("changes", "untrained"),
    [
        ({"content": "<p>Oh no.</p>"}, "too_short"),
        ({"content": '<p><a href="https://x.example">https://x.example</a></p>'}, "empty_text"),
        ({"content": WORDS, "sensitive": True}, "sensitive"),
        ({"content": WORDS}, None),
    ],
)
def test_what_would_make_it_context_is_told(
    tmp_path: Path, changes: Row, untrained: str | None
) -> None:
    """What in an admitted post stands against training it is told by its code."""
    (copy,) = story(archive(tmp_path, note(**changes)), ledger(tmp_path, given()))["copies"]
    assert copy["words"]["untrained"] == untrained


def test_no_word_of_anybody_is_told(tmp_path: Path) -> None:
    """Words, quotes, warnings and tags of a post stand in no output, admitted or refused."""
    words = "Heliotrope <blockquote>zinnia</blockquote>"
    export = archive(
        tmp_path,
        note(
            content=f"<p>{words}</p>",
            summary="marigold",
            tag=[{"type": "Hashtag", "name": "#tulip"}],
        ),
    )
    for events in (given(), given(purposes=("research",))):
        for more in ([], ["--json"]):
            ran = run(
                "inspect", export, "--consent", ledger(tmp_path, events), "--explain", FIRST, *more
            )
            said = (ran.out + ran.err).lower()
            assert ran.code == 0
            assert not any(one in said for one in ("heliotrope", "zinnia", "marigold", "tulip"))


def test_the_explanation_is_the_gates_own(world: WrittenWorld) -> None:
    """Of every item of a world the first refusal told is the gate's verdict; none is told of an admitted one."""
    events = Ledger.load(world.ledger)
    exports = [open_export(path) for path in world.exports]
    terms, config = InstanceTerms.load(), BuildConfig()
    gate = Gate(events, config, AS_OF, terms, exports)
    seen = set()
    for export in exports:
        for item in export.posts():
            if isinstance(item, Quarantined):
                continue
            steps = steps_of(Case(item, export, events, config, AS_OF, terms), gate)
            assert [step.code for step in steps] == list(GATE)
            first = next((step.code for step in steps if step.answer == "refused"), None)
            assert first == gate.judge(item, export).reason
            assert all(step.evidence for step in steps)
            seen.add(first)
    assert {None, "no_consent", "consent_withdrawn", "not_public"} <= seen


# --- which post -----------------------------------------------------------------------------------


def test_a_post_goes_by_all_its_names(tmp_path: Path) -> None:
    """Id, page and another spelling of the host; of a record its at:// address, and its page under DID or handle."""
    events = ledger(tmp_path, given())
    export = archive(tmp_path, note())
    for name in (FIRST, PAGE, "https://MASTODON.example/@alice/1/"):
        assert story(export, events, name)["post"] == FIRST
    car = saved(tmp_path, "a.car", repo({"app.bsky.feed.post/3kaaaaaaaaa22": post_record()}))
    uri = f"at://{DID}/app.bsky.feed.post/3kaaaaaaaaa22"
    for name in (uri, f"https://bsky.app/profile/{DID}/post/3kaaaaaaaaa22"):
        assert story(car, events, name)["post"] == uri


def test_every_copy_is_told(tmp_path: Path) -> None:
    """A post in two exports is told twice, each with its own verdict."""
    (tmp_path / "in").mkdir()
    archive(tmp_path / "in", note(content=WORDS), name="a.zip")
    archive(tmp_path / "in", note(2), note(content=WORDS, to=[ALICE], cc=[]), name="b.zip")
    found = story(tmp_path / "in", ledger(tmp_path, given()))["copies"]
    assert [(one["position"], one["reason"]) for one in found] == [(0, None), (1, "not_public")]
    ran = run(
        "inspect", tmp_path / "in", "--consent", tmp_path / "ledger.jsonl", "--explain", FIRST
    )
    assert f"  copy 2 of 2, position 1 of {tmp_path}/in/b.zip (mastodon-archive)" in ran.out


def test_a_post_that_is_nowhere_is_wrong_usage(tmp_path: Path) -> None:
    """Exit 2, what was looked through, what could not be read, and how a post is named."""
    archive(tmp_path, note())
    saved(tmp_path, "broken.zip", zipped(members([create(note())]))[:-30])
    ran = run(
        "inspect",
        tmp_path,
        "--consent",
        ledger(tmp_path, given()),
        "--explain",
        "https://x.example/1",
    )
    assert ran.code == 2
    assert ran.error == (
        "no post https://x.example/1 in these exports (1 looked through; 1 more cannot be read). Name it by its "
        "id or URL, as the export has it: the id of a note, its page, or an at:// address"
    )


def test_what_explain_needs_is_said(tmp_path: Path) -> None:
    """--explain needs a ledger, --release and --work need --explain, --release a release: exit 2."""
    export = archive(tmp_path, note())
    events = ledger(tmp_path, given())
    ran = run("inspect", export, "--explain", FIRST)
    assert (ran.code, "--consent LEDGER" in ran.error) == (2, True)
    ran = run("inspect", export, "--release", tmp_path / "r")
    assert (ran.code, "go with --explain" in ran.error) == (2, True)
    ran = run(
        "inspect", export, "--consent", events, "--explain", FIRST, "--release", tmp_path / "r"
    )
    assert (ran.code, "no release at" in ran.error) == (2, True)


# --- what a release made of it --------------------------------------------------------------------


def bobs(*notes: Row) -> bytes:
    """Write Bob's archive: Alice's, with his name and server."""
    files = members([create(one) for one in notes])
    return zipped(
        {
            name: content.replace(b"mastodon.example/users/alice/statuses/7", b"@@")
            .replace(b"mastodon.example", b"other.example")
            .replace(b"alice", b"bob")
            .replace(b"@@", b"mastodon.example/users/alice/statuses/7")
            for name, content in files.items()
        }
    )


@pytest.mark.slow
def test_what_became_of_each_post_of_a_talk(tmp_path: Path) -> None:
    """Trained, part of a turn, an opening, below a gap, denied by a copy, never met: each is told as it is."""
    said = {"content": WORDS}
    asked = f"{ALICE}/statuses/7"
    folder = tmp_path / "in"
    folder.mkdir()
    archive(folder, note(7, **said), note(8, **said), name="a.zip")
    archive(folder, note(8, **said, to=[ALICE], cc=[]), name="again.zip")
    answer = note(2, **said, inReplyTo=asked)
    more = note(3, content="<p>And the roses are out as well.</p>", inReplyTo=f"{ALICE}/statuses/2")
    lost = note(5, **said, inReplyTo="https://gone.example/1")
    saved(folder, "b.zip", bobs(answer, more, lost))
    events = ledger(tmp_path, given(), given(accounts=(BOB,)))
    to = ["--consent", events, "--out", tmp_path / "release", "--as-of", NOW, "--workers", 1]
    if (built := run("build", folder, *to)).code != 0:
        assert "needs the extra" in built.err
        pytest.skip(built.err)

    def outcome(post: str) -> Row:
        found = story(folder, events, post, "--release", tmp_path / "release")["outcome"]
        assert isinstance(found, dict)
        return found

    trained = outcome(f"{BOB}/statuses/2")
    assert [one["what"] for one in trained["places"]] == ["trained", "conversation"]
    assert (trained["answers"], trained["reason"], trained["possible"]) == ("admitted", None, [])
    second = outcome(f"{BOB}/statuses/3")
    assert [one["what"] for one in second["places"]] == ["author's turn above", "conversation"]
    assert second["places"][0]["key"] == trained["places"][0]["key"]
    assert (second["reason"], second["possible"], second["goes_on"]) == (None, [], True)
    first = outcome(asked)
    assert (first["answers"], first["reason"]) == ("nothing", "first_of_tree")
    assert [one["what"] for one in first["places"]] == ["conversation"]
    assert first["conversation"] == trained["conversation"]
    below = outcome(f"{BOB}/statuses/5")
    assert (below["answers"], below["reason"]) == ("not_exported", "reply_without_context")
    assert below["places"] == []
    denied = outcome(f"{ALICE}/statuses/8")
    assert sorted(map(str, denied["verdicts"])) == ["None", "not_public"]
    assert (denied["answers"], denied["reason"]) == (None, "denied_by_copy")
    archive(folder, note(9, **said), name="new.zip")
    assert outcome(f"{ALICE}/statuses/9")["verdicts"] == []


@pytest.mark.slow
def test_what_became_of_posts_in_a_release(release_copy: ReleaseCopy) -> None:
    """Over a real release: what is said to be trained has that row, and everything else a reason; as of the build."""
    from fedi_dataset.explain.outcome import open_made, outcome_of

    made = open_made(release_copy.release, release_copy.work)
    held = {
        (table, row)
        for table, column in (("dialogues", "dialogue_key"), ("conversations", "conversation_key"))
        for path in sorted((release_copy.release / table).glob("*.parquet"))
        for row in pq.read_table(path, columns=[column])[column].to_pylist()
    }
    told = set()
    ends: dict[str, str] = {}
    for path in release_copy.exports:
        export = open_export(path)
        for item in islice(export.posts(), 3):
            if isinstance(item, Quarantined):
                continue
            outcome = outcome_of(made, item.uri)
            assert outcome.verdicts, item.uri
            assert {(one.table, one.key) for one in outcome.places} <= held
            trained = [one for one in outcome.places if one.what == "trained"]
            told |= {(one.table, one.key) for one in trained}
            assert not (trained and outcome.reason)
            assert trained or outcome.reason or outcome.possible or outcome.goes_on
            ends[item.uri] = trained[0].table if trained else str(outcome.reason)
    assert {"dialogues", "first_of_tree"} <= set(ends.values())
    assert told
    post = next(uri for uri, end in ends.items() if end == "dialogues")
    found = explain(
        release_copy.exports,
        release_copy.ledger,
        post,
        now=AS_OF + timedelta(days=400),
        release=release_copy.release,
        work=release_copy.work,
    )
    assert found.as_of == AS_OF
    assert found.outcome is not None
    assert found.copies[0].reason is None
    ran = run(
        "inspect",
        *release_copy.exports,
        "--consent",
        release_copy.ledger,
        "--explain",
        post,
        "--release",
        release_copy.release,
    )
    row = next(one for one in found.outcome.places if one.what == "trained")
    assert f"  row         dialogues {row.key} in {row.path}: trained" in ran.out.splitlines()
    refused, reason = next((uri, end) for uri, end in ends.items() if end in GATE)
    ran = run(
        "inspect",
        *release_copy.exports,
        "--consent",
        release_copy.ledger,
        "--explain",
        refused,
        "--release",
        release_copy.release,
    )
    assert f"  not kept    {reason}: {GATE[reason]}" in ran.out.splitlines()


BREAD = "A word on bread that nobody answers at all."
GONE = {"inReplyTo": "https://gone.example/1"}


class Told:
    """A talk that was built, and what is told of its posts."""

    def __init__(self, folder: Path, talk: list[Says], **options: Any) -> None:
        self.talk = talk
        self.exports = [folder / f"{who}.zip" for who in sorted({one.who for one in talk})]
        report = built_of(folder, talk, **options)
        self.release = report.release
        self.ledger = folder / "ledger.jsonl"
        self.law = report.law

    def run(self, number: int, *more: object) -> Ran:
        """Explain a post of the talk."""
        post = uri_of(self.talk, number)
        ran = run("inspect", *self.exports, "--explain", post, "--release", self.release, *more)
        assert (ran.code, ran.err) == (0, "")
        return ran

    def outcome(self, number: int) -> Row:
        """Say what became of a post of the talk."""
        outcome = self.run(number, "--consent", self.ledger, "--json").data["outcome"]
        assert isinstance(outcome, dict)
        return outcome

    def reasons(self) -> list[str | None]:
        """Give the reason of each post; none is merely possible."""
        found = [self.outcome(number) for number in range(len(self.talk))]
        assert all(one["possible"] == [] for one in found)
        return [one["reason"] for one in found]

    def tables(self, number: int) -> list[str]:
        """Give the tables that have a row of a post."""
        return [place["table"] for place in self.outcome(number)["places"]]


@pytest.mark.slow
def test_what_is_dropped_below_a_gap_is_told_so(tmp_path: Path) -> None:
    """With `drop` whatever hangs below a gap is below_gap, as the law counts it: alone, in company, directly or
    further down, with too few words or enough; and no row of conversations is named for it."""
    told = Told(
        tmp_path,
        [
            Says("carol", f"<p>{PEONIES}</p>"),
            Says("bob", f"<p>{FROST}</p>", 0),
            Says("bob", f"<p>{AGREED}</p>", -1),
            Says("carol", f"<p>{QUINCE}</p>", 2),
            Says("bob", f"<p>{BREAD}</p>", fields=GONE),
            Says("bob", "<p>Oh no.</p>", 4),
        ],
        gap_policy="drop",
    )
    below = ["below_gap"] * 4
    assert told.reasons() == ["first_of_tree", None, *below]
    assert told.law["texts"].dropped == {"below_gap": 4}
    assert [told.tables(number) for number in range(6)] == [
        ["conversations"],
        ["dialogues", "conversations"],
        *([],) * 4,
    ]


@pytest.mark.slow
def test_what_is_alone_below_a_gap_is_told_so(tmp_path: Path) -> None:
    """Whatever one person wrote below a gap is reply_without_context, also what answers a post of theirs there."""
    told = Told(
        tmp_path,
        [
            Says("carol", f"<p>{PEONIES}</p>"),
            Says("bob", f"<p>{AGREED}</p>", -1),
            Says("bob", f"<p>{QUINCE}</p>", 1),
            Says("bob", f"<p>{BREAD}</p>", 1),
            Says("bob", "<p>Oh no.</p>", 3),
        ],
    )
    assert told.reasons() == [None, *["reply_without_context"] * 4]
    assert told.law["texts"].dropped == {"reply_without_context": 4}
    assert told.run(3, "--consent", told.ledger).out.splitlines()[-1] == (
        "  not trained reply_without_context: a lone reply whose parent is not in the dataset"
    )


@pytest.mark.slow
def test_what_answers_a_post_without_words_is_told_so(tmp_path: Path) -> None:
    """A post of which nothing is shown is a gap that the links do not know: the reasons that it makes are told."""
    talk = [
        Says("carol", f"<p>{PEONIES}</p>"),
        Says("bob", "<p></p>", 0),
        Says("carol", f"<p>{QUINCE}</p>", 1),
        Says("bob", f"<p>{AGREED}</p>", 2),
    ]
    (tmp_path / "cut").mkdir()
    (tmp_path / "drop").mkdir()
    told = Told(tmp_path / "cut", talk)
    assert told.reasons() == ["first_of_tree", "empty_text", "first_of_fragment", None]
    assert told.tables(1) == []
    told = Told(tmp_path / "drop", talk, gap_policy="drop")
    assert [told.outcome(number)["reason"] for number in (2, 3)] == ["below_gap", "below_gap"]


@pytest.mark.slow
def test_only_strategies_that_may_have_left_a_post_out_are_told(tmp_path: Path) -> None:
    """Those that the build has, that it counted, and that look at such a post: of another voice no other one."""
    talk = [
        Says("carol", f"<p>{PEONIES}</p>"),
        Says("bob", f"<p>{FROST}</p>", 0),
        Says("carol", f"<p>{AGREED}</p>", 1),
        Says("bob", f"<p>{QUINCE}</p>", 2),
        Says("carol", f"<p>{BREAD}</p>"),
        Says("bob", f"<p>{AGREED}</p>", 0),
    ]
    (tmp_path / "voice").mkdir()
    (tmp_path / "paths").mkdir()
    voice = f"author={uri_of(talk, 1).partition('/statuses')[0]}"
    told = Told(tmp_path / "voice", talk, roles=voice, max_per_author=2)
    reasons = told.reasons()
    assert [reasons[number] for number in (0, 2, 4)] == [
        "first_of_tree",
        "other_voice",
        "other_voice",
    ]
    assert sorted(map(str, (reasons[number] for number in (1, 3, 5)))) == [
        "None",
        "None",
        "over_author_limit",
    ]
    told = Told(tmp_path / "paths", talk, roles="op-as-user", responses="longest-path")
    found = told.outcome(2)
    assert (found["reason"], found["possible"]) == (None, ["opener", "off_path"])
    assert told.run(2, "--consent", told.ledger).out.splitlines()[-1] == (
        "  by itself   not trained: one of opener, off_path"
    )


@pytest.mark.slow
def test_rows_of_several_responses_and_tokens_are_told(tmp_path: Path) -> None:
    """Every row that trains a post is named with its key, of whatever table."""
    told = Told(
        tmp_path,
        [
            Says("carol", f"<p>{PEONIES}</p>"),
            Says("bob", f"<p>{FROST}</p>", 0),
            Says("carol", f"<p>{AGREED}</p>", 1),
            Says("bob", f"<p>{QUINCE}</p>", 2),
        ],
        multi_turn=True,
    )
    save(SHAPES["chatml"], tmp_path / "tokenizer", template_of("chatml"))
    made = run("tokenize", told.release, "--tokenizer", tmp_path / "tokenizer")
    assert made.code == 0, made.err
    rows: dict[str, list[Row]] = {
        table: [
            row
            for path in sorted((told.release / table).glob("*.parquet"))
            for row in pq.read_table(path).to_pylist()
        ]
        for table in ("dialogues", "multi_turn", "tokens")
    }
    dialogue = next(row for row in rows["dialogues"] if row["response_turn"] == 1)["dialogue_key"]
    (shared,) = (row for row in rows["multi_turn"] if dialogue in row["dialogue_keys"])
    assert len(shared["dialogue_keys"]) == 2
    assert [dialogue in row["dialogue_keys"] for row in rows["tokens"]].count(True) == 1
    places = told.outcome(1)["places"]
    assert [(one["table"], one["key"], one["what"]) for one in places[:3]] == [
        ("dialogues", dialogue, "trained"),
        ("multi_turn", shared["multi_turn_key"], "trained"),
        ("tokens", dialogue, "trained"),
    ]
    assert [one["table"] for one in places[3:]] == ["conversations"]


@pytest.mark.slow
def test_the_ledger_is_the_one_that_the_workspace_recorded(tmp_path: Path) -> None:
    """With --release no --consent is needed; another one than recorded is taken where it is named."""
    told = Told(tmp_path, [Says("carol", f"<p>{PEONIES}</p>")])
    assert "  verdict     admitted" in told.run(0).out.splitlines()
    nobody = saved(tmp_path, "none.jsonl", b"".join(lines_of([given(accounts=(BOB,))])))
    ran = told.run(0, "--consent", nobody, "--json")
    assert ran.data["copies"][0]["reason"] == "no_consent"
