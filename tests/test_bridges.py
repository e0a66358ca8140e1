"""One person's post under two accounts, an archive and the bridge's copy of it, is one post; nobody else's ever is."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libipld import encode_dag_cbor

from fedi_dataset.consent.ledger import Evidence, Exclude, Given, Withdrawn, append
from fedi_dataset.consent.redaction import redact
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.privacy.keys import key
from fedi_dataset.readers.detect import open_export
from fedi_dataset.release.audit import audit
from fedi_dataset.release.erasure import withdraw
from fedi_dataset.release.lookup import lookup
from fedi_dataset.workspace import Workspace, default_workspace
from tests import mst
from tests.commands import run
from tests.conftest import AS_OF
from tests.consent import events
from tests.readers.exports import create, members, note, post_record, saved, zipped
from tests.test_erasure import EVENT, NOW, OTHER_EVENT, data_of, strings_below
from tests.test_pipeline import rows_of, words_of

ADA = "https://first.example/users/ada"
ADAS_BRIDGE = "did:plc:adaadaadaadaadaadaadaada"
BOB = "https://other.example/users/bob"
CLEO = "did:plc:cleocleocleocleocleocleo"
MALLORY = "did:plc:mallorymallorymallorymal"
SUBJECT = "urn:uuid:ada"

QUESTION = "Where does one find seeds of the old blue poppy these days?"
ANSWER_OF_BOB = "The seed exchange at the botanical garden had some in spring."
ANSWER_OF_CLEO = "My neighbour grows them behind her greenhouse, ask around."
THANKS = "Then the botanical garden is where we are going on Saturday morning."
OTHER = "Nobody told me that the museum closes at five on Tuesdays."


def page(number: int) -> str:
    """The page of one of Ada's posts, by which bridges name it."""
    return f"https://first.example/@ada/{number}"


def status(number: int, account: str = ADA) -> str:
    """The id of a post in somebody's archive."""
    return f"{account}/statuses/{number}"


def at(number: int, did: str = ADAS_BRIDGE) -> str:
    """The address of a post in somebody's repository."""
    return f"at://{did}/{path(number)}"


def path(number: int) -> str:
    """A post's key in its repository."""
    return f"app.bsky.feed.post/3kaaaaaaaaa2{'abcdefgh'[number]}"


def time(minute: int) -> str:
    """A minute of a morning."""
    return (datetime(2025, 3, 1, 10, tzinfo=UTC) + timedelta(minutes=minute)).isoformat()


def archive(folder: Path, account: str, *notes: dict[str, Any]) -> Path:
    """Write somebody's archive."""
    host, _, name = account.partition("/users/")
    made = [
        create(
            note(number)
            | {"attributedTo": account, "id": status(number, account)}
            | {"url": f"{host}/@{name}/{number}", "contentMap": None}
            | {**one, "content": f"<p>{one['content']}</p>"},
            actor=account,
        )
        for number, one in enumerate(notes, start=1)
    ]
    about = {
        "id": account,
        "preferredUsername": name,
        "name": name.title(),
        "url": f"{host}/@{name}",
    }
    return saved(folder, f"{name}.zip", zipped(members(made, **about)))


def repository(folder: Path, did: str, name: str, **records: dict[str, Any]) -> Path:
    """Write somebody's repository: ``p1`` is the first post."""
    blocks = {
        path(int(number[1:])): bytes(encode_dag_cbor(post_record(**record)))
        for number, record in records.items()
    }
    return saved(folder, f"{name}.car", b"".join(mst.car(did, "3kaaaaaaaaa22", blocks)))


def answering(uri: str) -> dict[str, Any]:
    """The reply of a record."""
    there = {"uri": uri, "cid": "bafyreib"}
    return {"parent": there, "root": there}


def consent(*accounts: str, **more: Any) -> Given:
    """A consent that is enough for archives and repositories."""
    evidence = Evidence(method="account-field", ref="https://first.example/@ada")
    return events.given(accounts=accounts, evidence=evidence, **more)


@dataclass
class Village:
    """Ada, whose archive and bridged repository hold the same two posts, and those who answer either of them."""

    folder: Path
    exports: dict[str, Path] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.exports["ada"] = archive(
            self.folder,
            ADA,
            {"content": QUESTION},
            {"content": THANKS, "inReplyTo": status(1, BOB), "published": time(20)},
            {"content": OTHER, "published": time(30)},
        )
        self.exports["bridge"] = repository(
            self.folder,
            ADAS_BRIDGE,
            "bridge",
            p1={"text": QUESTION, "bridgyOriginalUrl": page(1)},
            p2={
                "text": THANKS,
                "createdAt": time(20),
                "bridgyOriginalUrl": page(2),
                "reply": answering("at://did:plc:bobsbridgebobsbridgebobs/app.bsky.feed.post/3kb"),
            },
        )
        self.exports["bob"] = archive(
            self.folder,
            BOB,
            {"content": ANSWER_OF_BOB, "inReplyTo": status(1), "published": time(10)},
        )
        self.exports["cleo"] = repository(
            self.folder,
            CLEO,
            "cleo",
            p1={"text": ANSWER_OF_CLEO, "createdAt": time(12), "reply": answering(at(1))},
        )

    @property
    def ledger(self) -> Path:
        """Where consents are."""
        return self.folder / "ledger.jsonl"

    @property
    def release(self) -> Path:
        """What is built."""
        return self.folder / "release"

    def say(self, *said: Given | Withdrawn) -> None:
        """Write events into the ledger."""
        for one in said:
            stored = type(one)(**{**_fields(one), "id": f"urn:uuid:e{next(self.ids)}"})
            append(self.ledger, stored)

    def built(self, *names: str, **options: Any) -> BuildReport:
        """Build from some exports, or all."""
        exports = [self.exports[name] for name in names or self.exports]
        asked: dict[str, Any] = {"as_of": AS_OF, "secret": bytes(32), **options}
        return build(exports, consent=self.ledger, out=self.release, **asked)


def _fields(event: Given | Withdrawn) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


def everybody() -> list[Given]:
    """Consents of all, Ada's two accounts as one subject's."""
    return [
        consent(ADA, subject=SUBJECT),
        consent(ADAS_BRIDGE, subject=SUBJECT),
        consent(BOB),
        consent(CLEO),
    ]


@pytest.fixture
def village(tmp_path: Path) -> Village:
    """All of them, consenting."""
    made = Village(tmp_path / "village")
    made.say(*everybody())
    return made


def dialogues(release: Path) -> list[tuple[list[str], str]]:
    """Give prompts and what is trained on them."""
    return sorted(
        (
            [message["content"] for message in row["prompt"]],
            "\n".join(message["content"] for message in row["completion"]),
        )
        for row in rows_of(release, "dialogues")
    )


def adds_up(report: BuildReport) -> bool:
    """Whether every row in is a row kept or dropped by reason, at each step."""
    return all(one.rows_in == one.kept + sum(one.dropped.values()) for one in report.law.values())


# --- one post -------------------------------------------------------------------------------------


def test_the_bridges_reader_says_what_its_posts_are_copies_of(village: Village) -> None:
    """A repository of a bridged account names the page of each original, which is not on its own ground."""
    (first, _) = open_export(village.exports["bridge"]).posts()
    assert first.aliases == (page(1),)  # type: ignore[union-attr]
    village.built()
    aliases = [
        row
        for file in Workspace(default_workspace(village.release)).table("aliases")
        for row in pq.read_table(file).to_pylist()
    ]
    bridge, ada = (key(bytes(32), "account", one) for one in (ADAS_BRIDGE, ADA))
    claimed = [row for row in aliases if not row["own_ground"]]
    assert [row["account_key"] for row in claimed] == [bridge, bridge]
    assert {row["alias_key"] for row in claimed} == {
        row["alias_key"] for row in aliases if row["own_ground"] and row["account_key"] == ada
    } - {key(bytes(32), "post", page(3))}


def test_a_post_and_its_bridged_copy_stand_once_with_all_answers_below(village: Village) -> None:
    """Answers to either copy see the same question; each response is trained once; the count adds up."""
    report = village.built()
    assert dialogues(village.release) == [
        ([f"Speaker 1: {QUESTION}\n\nSpeaker 2: {ANSWER_OF_BOB}"], THANKS),
        ([QUESTION], ANSWER_OF_CLEO),
        ([QUESTION], ANSWER_OF_BOB),
    ]
    (conversation,) = rows_of(village.release, "conversations")
    assert sorted(turn["text"] for turn in conversation["turns"]) == sorted(
        [QUESTION, ANSWER_OF_BOB, ANSWER_OF_CLEO, THANKS]
    )
    assert [turn["gap"] for turn in conversation["turns"]] == [False] * 4
    assert [row["text"] for row in rows_of(village.release, "posts")] == [OTHER]
    assert report.law["posts"].dropped == {"duplicate": 2}
    assert (report.threads["merged"], report.threads["disputed"]) == (2, 1)  # two parents of THANKS
    assert adds_up(report)
    assert audit(village.release, now=NOW).ok


def test_the_original_stands_for_the_copy_of_it(village: Village) -> None:
    """What says that it is a copy of something elsewhere may be shortened, however new it is."""
    village.exports["bridge"] = repository(
        village.folder,
        ADAS_BRIDGE,
        "short",
        p1={"text": "Where does one find ...", "createdAt": time(99), "bridgyOriginalUrl": page(1)},
    )
    report = village.built()
    assert all("find ..." not in text for text in words_of(report))
    assert {prompt[0] for prompt, _ in dialogues(village.release) if len(prompt) == 1} >= {QUESTION}
    assert all("find ..." not in text for text in words_of(village.built()))


@pytest.mark.parametrize("said", ["subject", "together"])
def test_accounts_of_one_subject_and_of_one_event_are_one_persons(
    tmp_path: Path, said: str
) -> None:
    """Two consents under one subject, or one for both accounts, say the same."""
    village = Village(tmp_path / "village")
    both = everybody()[:2] if said == "subject" else [consent(ADA, ADAS_BRIDGE)]
    village.say(*both, *everybody()[2:])
    assert village.built().threads["merged"] == 2


def test_without_such_a_word_nothing_is_merged(tmp_path: Path) -> None:
    """Two accounts that no consent joins are two people's: the claims are disputed, and both posts stand."""
    village = Village(tmp_path / "village")
    village.say(*map(consent, (ADA, ADAS_BRIDGE, BOB, CLEO)))
    report = village.built()
    assert (report.threads["merged"], report.threads["disputed"]) == (0, 2)
    assert report.law["posts"].dropped == {}
    assert sorted(words_of(report)).count(THANKS) >= 1
    assert len({row["conversation_key"] for row in rows_of(village.release, "dialogues")}) == 2


def test_an_account_that_joins_later_merges_then(village: Village, tmp_path: Path) -> None:
    """The next build re-runs the cells that it touches, and comes to what a first build with it comes to."""
    late = Village(tmp_path / "late")
    late.say(*map(consent, (ADA, ADAS_BRIDGE, BOB, CLEO)))
    assert late.built().threads["merged"] == 0
    late.say(consent(ADA, ADAS_BRIDGE))
    report = late.built()
    assert (report.threads["merged"], report.written) == (2, True)
    village.built()
    assert dialogues(late.release) == dialogues(village.release)
    keys = [
        sorted(row["conversation_key"] for row in rows_of(one.release, "dialogues"))
        for one in (late, village)
    ]
    assert keys[0] == keys[1]


def test_the_order_of_exports_and_of_events_is_irrelevant(village: Village, tmp_path: Path) -> None:
    """The same bytes in the data, whichever comes first."""
    village.built()
    other = Village(tmp_path / "other")
    other.say(*reversed(everybody()))
    other.built(*reversed(list(other.exports)), workers=1)
    assert dialogues(other.release) == dialogues(village.release)
    expected = data_of(village.release)
    shutil.rmtree(village.release)
    shutil.rmtree(default_workspace(village.release))
    village.built(*reversed(list(village.exports)))
    assert data_of(village.release) == expected


# --- one copy refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("refused", ["ada", "bridge"])
def test_if_a_license_refuses_one_copy_the_other_stands(tmp_path: Path, refused: str) -> None:
    """Whichever it is, and answers to both are below it."""
    village = Village(tmp_path / "village")
    licenses = {
        name: "CC-BY-ND-4.0" if name == refused else "CC-BY-4.0" for name in ("ada", "bridge")
    }
    village.say(
        consent(ADA, subject=SUBJECT, license=licenses["ada"]),
        consent(ADAS_BRIDGE, subject=SUBJECT, license=licenses["bridge"]),
        *everybody()[2:],
    )
    report = village.built()
    trained = [text for _, text in dialogues(village.release)]
    assert sorted(trained) == sorted([ANSWER_OF_BOB, ANSWER_OF_CLEO, THANKS])
    assert report.law["posts"].dropped == {}
    assert report.threads["merged"] == 2
    assert adds_up(report)
    assert audit(village.release, now=NOW).ok


@pytest.mark.parametrize("how", ["withdrawn", "excluded", "deleted"])
def test_what_its_author_takes_back_by_itself_is_gone_under_both_accounts(
    tmp_path: Path, how: str
) -> None:
    """A post withdrawn singly, left out in the consent, or deleted: its words come out under no name of it."""
    village = Village(tmp_path / "village")
    left_out = Exclude(posts=(status(1),)) if how == "excluded" else Exclude()
    village.say(consent(ADA, subject=SUBJECT, exclude=left_out), *everybody()[1:])
    if how == "withdrawn":
        village.say(Withdrawn(id="", at=NOW, accounts=(ADA,), posts=(status(1),)))
    if how == "deleted":
        gone = {
            "id": f"{status(1)}#delete",
            "type": "Delete",
            "actor": ADA,
            "object": {"id": status(1), "type": "Tombstone"},
        }
        with_deletion = members(
            [gone], id=ADA, preferredUsername="ada", url="https://first.example/@ada"
        )
        village.exports["deletion"] = saved(village.folder, "deletion.zip", zipped(with_deletion))
    report = village.built()
    assert all(QUESTION not in text for text in words_of(report))
    assert report.law["posts"].dropped["denied_by_copy"] >= 1
    assert THANKS in "\n".join(words_of(report))
    assert adds_up(report)
    assert audit(village.release, now=NOW).ok


# --- somebody else's ------------------------------------------------------------------------------


def test_nobody_claims_somebody_elses_post(village: Village) -> None:
    """Mallory's repository says that it holds copies of Ada's and Bob's posts: it changes nothing of theirs."""
    before = village.built()
    expected = dialogues(village.release)
    village.exports["mallory"] = repository(
        village.folder,
        MALLORY,
        "mallory",
        p1={"text": "Buy my seeds.", "bridgyOriginalUrl": page(1), "createdAt": time(90)},
        p2={"text": "Buy my other seeds.", "bridgyOriginalUrl": status(1), "createdAt": time(90)},
        p3={"text": "And these seeds.", "bridgyOriginalUrl": status(1, BOB), "createdAt": time(90)},
        p4={"text": "Seeds again.", "bridgyOriginalUrl": status(77, BOB), "createdAt": time(90)},
    )
    village.say(consent(MALLORY))
    report = village.built()
    assert report.threads["merged"] == before.threads["merged"] == 2
    assert report.threads["disputed"] == before.threads["disputed"] + 3
    assert dialogues(village.release) == expected
    assert report.law["posts"].dropped == before.law["posts"].dropped
    assert report.law["posts"].kept == before.law["posts"].kept + 4


def test_answers_to_a_post_that_is_in_no_export_are_not_drawn_to_who_claims_it(
    village: Village,
) -> None:
    """Bob's answer to a post that nobody handed over stays below a gap, whoever says they have a copy."""
    village.exports["bob"] = archive(
        village.folder,
        BOB,
        {"content": ANSWER_OF_BOB, "inReplyTo": "https://third.example/users/dan/statuses/1"},
    )
    village.exports["mallory"] = repository(
        village.folder,
        MALLORY,
        "mallory",
        p1={"text": "Mine.", "bridgyOriginalUrl": "https://third.example/users/dan/statuses/1"},
    )
    village.say(consent(MALLORY))
    village.built()
    assert all(text != ANSWER_OF_BOB for _, text in dialogues(village.release))


def test_a_withdrawal_of_a_post_that_somebody_claims_is_no_fault_of_theirs(
    village: Village,
) -> None:
    """Ada takes back one post: the audit does not ask for Mallory's, which says that it is a copy."""
    village.exports["mallory"] = repository(
        village.folder, MALLORY, "mallory", p1={"text": "Seeds.", "bridgyOriginalUrl": page(1)}
    )
    village.say(
        consent(MALLORY), Withdrawn(id="", at=NOW, accounts=(ADA,), posts=(page(1), status(1)))
    )
    village.built()
    assert audit(village.release, now=NOW).ok


# --- withdrawals ----------------------------------------------------------------------------------


def others(release: Path) -> dict[str, str]:
    """Where the others' words are: the conversation of each, and in which file."""
    found: dict[str, str] = {}
    for file in sorted(release.glob("conversations/*.parquet")):
        for row in pq.read_table(file).to_pylist():
            for turn in row["turns"]:
                if turn["text"] in (ANSWER_OF_BOB, ANSWER_OF_CLEO):
                    found[turn["text"]] = f"{file.name} {row['conversation_key']}"
    return found


def cells_of(village: Village) -> set[int]:
    """The numbers of the cells that the release is made of."""
    return set(Workspace(default_workspace(village.release)).state().cells.values())


@pytest.mark.parametrize("named", [ADA, ADAS_BRIDGE])
def test_a_withdrawal_moves_nobody_else(village: Village, named: str) -> None:
    """Both accounts leave, by whichever name, and the answers keep conversation, file, cell and split."""
    village.built()
    before, cells = others(village.release), cells_of(village)
    assert before.keys() == {ANSWER_OF_BOB, ANSWER_OF_CLEO}
    assert len(set(before.values())) == 1
    done = withdraw(village.release, [named], now=NOW, event_id=EVENT)
    assert others(village.release) == before
    assert cells_of(village) <= cells
    assert all(one not in "\n".join(words_of(done.report)) for one in (QUESTION, THANKS, OTHER))
    held = lookup(village.release, ADAS_BRIDGE, now=NOW)
    assert (held.rows, held.joined_accounts) == ((), 2)
    assert done.report.threads["merged"] == 2
    assert done.report.shortfalls == ()
    assert audit(village.release, now=NOW).ok
    for file, text in strings_below(default_workspace(village.release)):
        assert all(one not in text for one in (ADA, ADAS_BRIDGE)), file


def test_if_one_account_comes_back_its_copy_stands_and_nobody_moves(village: Village) -> None:
    """All is withdrawn, then the bridged account alone consents again."""
    village.built()
    before = others(village.release)
    village.say(
        Withdrawn(id="", at=NOW, accounts=(ADA,)),
        consent(ADAS_BRIDGE, subject=SUBJECT, at=NOW),
    )
    report = village.built(as_of=NOW)
    assert others(village.release) == before
    assert sorted(text for _, text in dialogues(village.release)) == sorted(
        [ANSWER_OF_BOB, ANSWER_OF_CLEO, THANKS]
    )
    assert all(OTHER not in text for text in words_of(report))
    assert audit(village.release, now=NOW).ok


def test_a_redacted_ledger_and_lost_exports_move_nobody(village: Village) -> None:
    """What the workspace once learned it keeps, though no line says it any more and no file is there."""
    village.built()
    before = others(village.release)
    withdraw(village.release, [ADA], now=NOW, event_id=EVENT, delete_exports=True)
    expected = data_of(village.release)
    redact(village.ledger, [ADA], OTHER_EVENT, NOW)
    report = village.built("bob", "cleo", fresh=True)
    assert report.threads["merged"] == 2
    assert others(village.release) == before
    after = data_of(village.release)
    assert {name for name in expected if expected[name] != after[name]} <= {
        "manifest.json",
        "README.md",
    }  # the ledger's head
    persons = pq.read_table(default_workspace(village.release) / "persons.parquet").to_pylist()
    smallest = min(key(bytes(32), "account", one) for one in (ADA, ADAS_BRIDGE))
    assert persons == [
        {"account_key": account, "person_key": smallest}
        for account in sorted(key(bytes(32), "account", one) for one in (ADA, ADAS_BRIDGE))
    ]


def test_an_erased_release_equals_a_fresh_build_of_its_workspace(village: Village) -> None:
    """Byte for byte, with everything worked on again, whether Ada's exports are there or gone."""
    village.built()
    withdraw(village.release, [ADA], now=NOW, event_id=EVENT)
    expected = data_of(village.release)
    for name, exports in (("present", list(village.exports)), ("gone", ["bob", "cleo"])):
        out = village.folder / name / "release"
        shutil.copytree(default_workspace(village.release), default_workspace(out))
        build(
            [village.exports[one] for one in exports],
            consent=village.ledger,
            out=out,
            as_of=AS_OF,
            fresh=True,
        )
        assert data_of(out) == expected


# --- what the workspace remembers -----------------------------------------------------------------


def persons_of(village: Village) -> Path:
    """The table of persons."""
    return default_workspace(village.release) / "persons.parquet"


def test_the_table_of_persons_holds_keys_and_is_private(village: Village) -> None:
    """No account can be read in it, and of whoever has one account alone there is no row."""
    village.built()
    file = persons_of(village)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(pq.read_table(file).to_pylist()) == 2
    raw = file.read_bytes()
    assert all(one.encode() not in raw for one in (ADA, ADAS_BRIDGE, BOB, SUBJECT))


def test_a_lost_table_of_persons_is_made_again_and_holds_up_no_withdrawal(village: Village) -> None:
    """From the ledger, and the certificate has a sentence that says what it cannot know."""
    village.built()
    before = others(village.release)
    persons_of(village).unlink()
    done = withdraw(village.release, [BOB], now=NOW, event_id=EVENT)
    (sentence,) = done.certificate.shortfalls
    assert "persons.parquet is missing and was made again from the ledger" in sentence
    assert others(village.release) == {ANSWER_OF_CLEO: before[ANSWER_OF_CLEO]}
    assert done.report.threads["merged"] == 2


# --- what is told ---------------------------------------------------------------------------------


def test_explain_tells_both_copies_and_which_one_stands(village: Village) -> None:
    """By the id of either, or by the page that they share."""
    village.built()
    for name in (status(1), page(1), at(1)):
        asked = (*village.exports.values(), "--consent", village.ledger, "--explain", name)
        told = run("inspect", *asked, "--release", village.release, "--json")
        assert told.code == 0, told.err
        copies = told.data["copies"]
        assert sorted(copy["account"] for copy in copies) == sorted([ADA, ADAS_BRIDGE])
        outcome = told.data["outcome"]
        assert (outcome["ids"], outcome["verdicts"]) == (2, [None, None])
        original = next(copy for copy in copies if copy["account"] == ADA)
        assert outcome["kept"] == [original["export_id"], original["position"]]
        assert outcome["reason"] == "first_of_tree"
        read = run("inspect", *asked, "--release", village.release).out
        assert "  merged      2 ids, which are one post of one person" in read
        assert f"  kept        copy {copies.index(original) + 1} of 2" in read


def test_explain_of_a_claim_by_somebody_else_tells_their_post_alone(village: Village) -> None:
    """Mallory's copy is no copy of Ada's post, and Ada's is none of Mallory's."""
    village.exports["mallory"] = repository(
        village.folder, MALLORY, "mallory", p1={"text": "Seeds.", "bridgyOriginalUrl": page(1)}
    )
    village.say(consent(MALLORY))
    for name, accounts in ((page(1), {ADA, ADAS_BRIDGE}), (at(1, MALLORY), {MALLORY})):
        told = run(
            "inspect",
            *village.exports.values(),
            "--consent",
            village.ledger,
            "--explain",
            name,
            "--json",
        )
        assert {copy["account"] for copy in told.data["copies"]} == accounts


# --- anything -------------------------------------------------------------------------------------


@st.composite
def claims(draw: st.DrawFn) -> list[tuple[str, int, str]]:
    """Who claims what: an account, the number of its post, and what it is said to be a copy of."""
    names = st.sampled_from([page(1), page(2), status(1), status(1, BOB), at(1, CLEO), page(9)])
    return draw(
        st.lists(
            st.tuples(st.sampled_from([ADAS_BRIDGE, CLEO, MALLORY]), st.integers(1, 3), names),
            max_size=6,
            unique_by=lambda one: one[:2],
        )
    )


@pytest.mark.slow
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(claims(), st.sampled_from([ADA, BOB, CLEO]))
def test_whatever_is_claimed_no_withdrawal_moves_anybody_else(
    tmp_path: Path, claimed: list[tuple[str, int, str]], leaving: str
) -> None:
    """Everybody's words stand once under every set of claims, and a withdrawal leaves the others where they were."""
    village = Village(tmp_path / f"v{next(FOLDERS)}")
    texts = {did: {n: f"Words number {n} of {name} about gardens and seeds." for n in (1, 2, 3)}
             for did, name in ((ADAS_BRIDGE, "one"), (CLEO, "two"), (MALLORY, "three"))}  # fmt: skip
    of = {(did, number): name for did, number, name in claimed}
    for did, file in ((ADAS_BRIDGE, "bridge"), (CLEO, "cleo"), (MALLORY, "mallory")):
        records = {}
        for number, text in texts[did].items():
            record: dict[str, Any] = {"text": text, "createdAt": time(40 + number)}
            if (did, number) in of:
                record["bridgyOriginalUrl"] = of[did, number]
            if did != ADAS_BRIDGE:
                record["reply"] = answering(at(number))
            records[f"p{number}"] = record
        village.exports[file] = repository(village.folder, did, file, **records)
    village.say(*everybody(), consent(MALLORY))
    report = village.built()
    assert adds_up(report)
    keys = [row["dialogue_key"] for row in rows_of(village.release, "dialogues")]
    assert len(keys) == len(set(keys))
    standing = "\n".join(words_of(report))
    for did in (CLEO, MALLORY):
        assert all(text in standing for text in texts[did].values())
    assert ANSWER_OF_BOB in standing
    assert QUESTION in standing
    before = where(village.release)
    withdraw(village.release, [leaving], now=NOW, event_id=EVENT)
    after = where(village.release)
    assert {text: place for text, place in before.items() if text in after} == after
    gone = {
        ADA: {QUESTION, THANKS, OTHER, *texts[ADAS_BRIDGE].values()},
        BOB: {ANSWER_OF_BOB},
        CLEO: set(texts[CLEO].values()),
    }[leaving]
    assert after.keys().isdisjoint(gone)
    assert audit(village.release, now=NOW).ok


FOLDERS = itertools.count()


def where(release: Path) -> dict[str, str]:
    """Give every text with the key of its conversation and its split."""
    found: dict[str, str] = {}
    for table in ("conversations", "posts"):
        for file in sorted(release.glob(f"{table}/*.parquet")):
            split = file.name.split("-")[0]
            for row in pq.read_table(file).to_pylist():
                said = [turn["text"] for turn in row["turns"]] if "turns" in row else [row["text"]]
                found |= dict.fromkeys(said, f"{split} {row['conversation_key']}")
    return found
