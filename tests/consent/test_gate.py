"""The gate: every reason can be reached, the first failure names it, and nothing slips through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as generated
from hypothesis import settings
from hypothesis import strategies as st

from fedi_dataset import reasons
from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.gate import Gate, Grant, Verdict
from fedi_dataset.consent.ledger import Event, Evidence, Exclude, Standing
from fedi_dataset.consent.terms import InstanceTerms, Term
from fedi_dataset.errors import UsageError
from fedi_dataset.posts import (
    Account,
    Acquisition,
    Body,
    Export,
    Post,
    PostKind,
    Quarantined,
    Signal,
    Visibility,
)
from fedi_dataset.readers.detect import open_export
from tests.consent.events import (
    ALICE,
    BOB,
    CAROL,
    day,
    given,
    ledger_of,
    objected,
    renewed,
    withdrawn,
)

ORDER = (
    "not_own",
    "not_a_post",
    "not_public",
    "deleted",
    "no_consent",
    "consent_withdrawn",
    "consent_expired",
    "purpose_not_covered",
    "recipients_not_covered",
    "outside_dates",
    "visibility_not_covered",
    "excluded_by_author",
    "no_date",
    "acquisition_not_covered",
    "weak_evidence",
    "under_age",
    "signal_denied",
    "instance_terms",
    "license_refused",
)
POST = "https://mastodon.example/users/alice/statuses/1"
AS_OF = day(10)


def no_body() -> Body:
    """Stands where a post's words are; the gate must never ask for them."""
    raise AssertionError("the gate read a post's words")


@dataclass
class StandIn:
    """An export of one account, as far as the gate looks at it."""

    owner: Account
    format: str = "mastodon-archive"
    acquisition: Acquisition = "own-export"
    export_id: str = "00" * 32
    platform: str = "mastodon"

    def posts(self) -> Iterator[Post | Quarantined]:
        """Nothing: posts are handed to the gate one by one."""
        return iter(())


@dataclass
class World:
    """A post, its export, a ledger and a config: admitted, until something is changed."""

    post: dict[str, Any] = field(default_factory=dict)
    owner: dict[str, Any] = field(default_factory=dict)
    export: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    consent: dict[str, Any] = field(default_factory=dict)
    later: list[Event] = field(default_factory=list)
    terms: InstanceTerms = field(default_factory=InstanceTerms.load)
    as_of: datetime = AS_OF

    def gate(self) -> Gate:
        """The gate of this world."""
        ledger = ledger_of(given(**self.consent), *self.later)
        return Gate(ledger, BuildConfig(**self.config), self.as_of, self.terms)

    def the_export(self) -> Export:
        """The export of this world."""
        return StandIn(Account(**{"uri": ALICE, **self.owner}), **self.export)

    def the_post(self) -> Post:
        """The post of this world."""
        fields: dict[str, Any] = {
            "position": 0,
            "uri": POST,
            "account": self.owner.get("uri", ALICE),
            "kind": PostKind.POST,
            "visibility": Visibility.PUBLIC,
            "created_at": day(5),
            "tags": ("tea",),
            "body": no_body,
        }
        return Post(**{**fields, **self.post})

    def verdict(self) -> Verdict:
        """What the gate says of the post."""
        return self.gate().judge(self.the_post(), self.the_export())

    def reason(self) -> str | None:
        """Its reason."""
        return self.verdict().reason


def listed(**fields: Any) -> InstanceTerms:
    """Terms that list the server of everybody here, and forbid unless told otherwise."""
    about: dict[str, Any] = {
        "host": "mastodon.example",
        "forbids": True,
        "rule": "no training",
        "since": None,
        "minimum_age": None,
        "source": "https://mastodon.example/terms",
        "checked_on": date(2026, 5, 1),
    }
    return InstanceTerms((Term(**{**about, **fields}),))


def breakage(reason: str, world: World) -> None:
    """Change a world so that this test of the gate fails, and no other one by it."""
    match reason:
        case "not_own":
            world.post["account"] = BOB
        case "not_a_post":
            world.post["kind"] = PostKind.BOOST
        case "not_public":
            world.post["visibility"] = Visibility.FOLLOWERS
        case "deleted":
            world.post["deleted"] = True
        case "no_consent":
            world.consent["accounts"] = (BOB,)
        case "consent_withdrawn":
            world.later.append(withdrawn())
        case "consent_expired":
            world.consent["expires"] = AS_OF
        case "purpose_not_covered":
            world.consent["purposes"] = ("research", "dataset-publication")
        case "recipients_not_covered":
            world.config["recipients"] = "gated"
        case "outside_dates":
            world.consent["until"] = day(5)
        case "visibility_not_covered":
            world.consent["visibilities"] = ("unlisted",)
        case "excluded_by_author":
            world.consent["exclude"] = Exclude(posts=(POST,))
        case "no_date":
            world.post["created_at"] = None
        case "acquisition_not_covered":
            world.consent["acquisition"] = ("capture",)
        case "weak_evidence":
            world.export["format"] = "atproto-repo"
        case "under_age":
            world.consent["age_at_least"] = 15
        case "signal_denied":
            world.owner["signals"] = (Signal("bio:#noai"),)
        case "instance_terms":
            world.terms = listed()
        case "license_refused":
            world.consent["license"] = "CC-BY-NC-4.0"
        case _:
            raise AssertionError(f"no breakage for {reason}")


def test_the_order_holds_every_reason_of_the_gate() -> None:
    """No reason is untested here, and none is unknown."""
    assert set(ORDER) == set(reasons.GATE)


def test_a_post_that_passes_every_test_is_admitted_with_its_grant() -> None:
    """The verdict names the event and what it allows; no words are read."""
    world = World(
        consent={
            "license": "CC BY 4.0",
            "use": "context",
            "expires": day(20),
            "subject": "urn:uuid:alice",
            "attribution": "Alice A.",
        }
    )
    grant = Grant(
        "urn:uuid:0", "CC-BY-4.0", "context", day(20), "urn:uuid:alice", "Alice A.", "unchecked"
    )
    assert world.verdict() == Verdict(None, grant)


@pytest.mark.parametrize("reason", ORDER)
def test_every_reason_is_reached_and_refuses(reason: str) -> None:
    """One thing wrong gives that reason, and no grant; the last three say which."""
    world = World()
    breakage(reason, world)
    details = {
        "signal_denied": "bio:#noai",
        "instance_terms": "mastodon.example",
        "license_refused": "CC-BY-NC-4.0",
    }
    assert world.verdict() == Verdict(reason, None, details.get(reason))


@settings(max_examples=150, deadline=None)
@generated(st.sets(st.sampled_from(ORDER), min_size=1))
def test_the_first_failure_names_the_reason(broken: set[str]) -> None:
    """Whatever else is wrong, the earliest test decides."""
    if "no_date" in broken:
        broken = broken - {"outside_dates"}  # a post without a date has none to be outside of
    world = World()
    for reason in broken:
        breakage(reason, world)
    assert world.reason() == min(broken, key=ORDER.index)


@pytest.mark.parametrize("visibility", list(Visibility))
@pytest.mark.parametrize("unlisted", [False, True])
@pytest.mark.parametrize("covered", [("public",), ("unlisted",), ("public", "unlisted")])
def test_only_public_posts_and_unlisted_ones_where_both_sides_say_so(
    visibility: Visibility, unlisted: bool, covered: tuple[str, ...]
) -> None:
    """Config and consent must both name unlisted; followers, direct, local and unknown never."""
    world = World(
        post={"visibility": visibility},
        config={"unlisted": unlisted},
        consent={"visibilities": covered},
    )
    taken = {Visibility.PUBLIC, Visibility.UNLISTED} if unlisted else {Visibility.PUBLIC}
    expected = (
        "not_public"
        if visibility not in taken
        else None
        if visibility.value in covered
        else "visibility_not_covered"
    )
    assert world.reason() == expected


@pytest.mark.parametrize("kind", [PostKind.BOOST, PostKind.VOTE, PostKind.OTHER])
def test_only_posts_are_admitted(kind: PostKind) -> None:
    """Boosts are others' words, votes and the rest have none."""
    assert World(post={"kind": kind}).reason() == "not_a_post"


@pytest.mark.parametrize(
    ("created", "from_", "until", "reason"),
    [
        (day(5), day(5), None, None),
        (day(4), day(5), None, "outside_dates"),
        (day(5), None, day(6), None),
        (day(6), None, day(6), "outside_dates"),
        (day(5), day(4), day(6), None),
    ],
)
def test_the_dates_that_consent_covers(
    created: datetime, from_: datetime | None, until: datetime | None, reason: str | None
) -> None:
    """From its first instant on, up to but not including its last."""
    world = World(post={"created_at": created}, consent={"from_": from_, "until": until})
    assert world.reason() == reason


@pytest.mark.parametrize(
    ("edited", "reason"), [(None, None), (day(6), None), (day(7), "outside_dates")]
)
def test_words_of_a_later_edit_are_words_of_a_later_day(
    edited: datetime | None, reason: str | None
) -> None:
    """An export has a post as it was last edited: consent until a day does not cover what came after."""
    world = World(post={"edited_at": edited}, consent={"until": day(7)})
    assert world.reason() == reason


@pytest.mark.parametrize(
    ("expires", "reason"),
    [(day(9), "consent_expired"), (AS_OF, "consent_expired"), (day(11), None)],
)
def test_consent_ends_at_the_time_at_which_it_expires(
    expires: datetime, reason: str | None
) -> None:
    """As of that time it is over."""
    assert World(consent={"expires": expires}).reason() == reason


ALL_PURPOSES = ("llm-fine-tuning", "dataset-publication")


@pytest.mark.parametrize(
    ("build", "consented", "purposes", "special", "covered"),
    [
        ("private", "private", ("llm-fine-tuning",), False, True),
        ("private", "public", ("llm-fine-tuning",), False, True),
        ("gated", "private", ALL_PURPOSES, True, False),
        ("gated", "gated", ALL_PURPOSES, True, True),
        ("gated", "public", ALL_PURPOSES, True, True),
        ("gated", "gated", ALL_PURPOSES, False, False),
        ("gated", "gated", ("llm-fine-tuning",), True, False),
        ("public", "gated", ALL_PURPOSES, True, False),
        ("public", "public", ALL_PURPOSES, True, True),
        ("public", "public", ALL_PURPOSES, False, False),
    ],
)
def test_how_far_consent_reaches(
    build: str, consented: str, purposes: tuple[str, ...], special: bool, covered: bool
) -> None:
    """To as many as were named; beyond own machines with publication and article 9 data only."""
    world = World(
        config={"recipients": build},
        consent={"recipients": consented, "purposes": purposes, "special_categories": special},
    )
    assert world.reason() == (None if covered else "recipients_not_covered")


@pytest.mark.parametrize(
    ("format_", "acquisition", "method", "ref", "suffices"),
    [
        ("mastodon-archive", "own-export", "self-asserted", "", True),
        ("mastodon-archive", "own-export", "proof", "", True),
        ("mastodon-archive", "capture", "self-asserted", "seen", False),
        ("mastodon-archive", "capture", "account-field", "", False),
        ("mastodon-archive", "capture", "account-field", "seen", True),
        ("atproto-repo", "own-export", "self-asserted", "seen", False),
        ("atproto-repo", "own-export", "account-field", " ", False),
        ("atproto-repo", "own-export", "account-field", "seen", True),
        ("atproto-repo", "own-export", "proof", "seen", False),
        ("unheard-of", "own-export", "self-asserted", "seen", False),
    ],
)
def test_the_least_evidence(
    format_: str, acquisition: Acquisition, method: Any, ref: str, suffices: bool
) -> None:
    """An archive that only a login gives needs a word; what anyone can fetch needs a public one."""
    world = World(
        export={"format": format_, "acquisition": acquisition},
        consent={
            "acquisition": ("own-export", "capture"),
            "evidence": Evidence(method=method, ref=ref),
        },
    )
    assert world.reason() == (None if suffices else "weak_evidence")


@pytest.mark.parametrize(
    ("excluded", "reason"),
    [
        (Exclude(posts=("https://Mastodon.example/@alice/1/",)), "excluded_by_author"),
        (Exclude(tags=("#TEA",)), "excluded_by_author"),
        (Exclude(tags=("ＴＥＡ",)), "excluded_by_author"),
        (Exclude(posts=("https://mastodon.example/@alice/2",), tags=("coffee",)), None),
    ],
)
def test_what_the_author_leaves_out(excluded: Exclude, reason: str | None) -> None:
    """By any id of the post, and by hashtag in any case and width."""
    world = World(
        post={"aliases": ("https://mastodon.example/@alice/1",)}, consent={"exclude": excluded}
    )
    assert world.reason() == reason


@pytest.mark.parametrize("id_", [POST, "https://mastodon.example/@alice/1"])
def test_a_withdrawn_post_is_refused_and_its_neighbor_is_not(id_: str) -> None:
    """Named by any of its ids; before consent's scope is looked at."""
    aliases = ("https://mastodon.example/@alice/1",)
    later: list[Event] = [withdrawn(posts=(id_,))]
    consent = {"expires": day(9)}
    assert World(post={"aliases": aliases}, later=later).reason() == "consent_withdrawn"
    assert (
        World(post={"aliases": aliases}, later=later, consent=consent).reason()
        == "consent_withdrawn"
    )
    assert World(post={"uri": f"{POST}0"}, later=later).reason() is None


def test_consent_is_found_by_a_profile_url_on_the_same_host_only() -> None:
    """An alias elsewhere speaks for nobody, whatever the export says."""
    aliases = ("https://mastodon.example/@alice", "https://evil.example/@alice")
    for account, reason in (
        ("https://mastodon.example/@alice", None),
        ("https://evil.example/@alice", "no_consent"),
    ):
        world = World(owner={"aliases": aliases}, consent={"accounts": (account,)})
        assert world.reason() == reason


@pytest.mark.parametrize(
    "account", [CAROL, f"at://{CAROL}", f"https://bsky.app/profile/{CAROL}", f"at://{CAROL}/"]
)
def test_consent_of_a_did_in_any_of_its_spellings(account: str) -> None:
    """The profile page and the at:// URI name the DID."""
    world = World(
        owner={"uri": CAROL},
        export={"format": "atproto-repo"},
        consent={
            "accounts": (account,),
            "evidence": Evidence(method="account-field", ref="at://profile"),
        },
    )
    verdict = world.verdict()
    assert verdict.reason is None
    assert verdict.grant is not None
    assert verdict.grant.subject == CAROL


# --- terms of servers -----------------------------------------------------------------------------

SOCIAL = "https://mastodon.social/users/alice"


@pytest.mark.parametrize(
    ("override", "acquisition", "reason"),
    [
        (("mastodon.social",), "own-export", None),
        (("https://Mastodon.Social/about",), "own-export", None),
        (("other.example", "mastodon.social"), "own-export", None),
        ((), "own-export", "instance_terms"),
        (("mastodon.example",), "own-export", "instance_terms"),
        (("social",), "own-export", "instance_terms"),
        (("mastodon.social",), "capture", "instance_terms"),
    ],
)
def test_only_the_author_opens_a_refusing_server(
    override: tuple[str, ...], acquisition: Acquisition, reason: str | None
) -> None:
    """By handing over their own export and naming that server; the crossing is told apart."""
    world = World(
        owner={"uri": SOCIAL},
        export={"acquisition": acquisition},
        consent={
            "accounts": (SOCIAL,),
            "terms_override": override,
            "acquisition": ("own-export", "capture"),
            "evidence": Evidence(method="account-field", ref="seen"),
        },
    )
    verdict = world.verdict()
    assert (verdict.reason, verdict.detail) == (reason, reason and "mastodon.social")
    assert reason or (verdict.grant is not None and verdict.grant.terms == "crossed")


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("x.com", None),
        ("twitter.com", None),
        ("m.twitter.com", None),
        ("x.example", "instance_terms"),
    ],
)
def test_a_service_may_be_named_by_any_of_its_hosts(named: str, reason: str | None) -> None:
    """The account's own host, or one that the list knows the service by."""
    uri = "https://m.twitter.com/alice"
    world = World(owner={"uri": uri}, consent={"accounts": (uri,), "terms_override": (named,)})
    assert world.reason() == reason


def test_every_entry_that_forbids_must_be_overruled() -> None:
    """Naming the domain above a server opens that one's terms, not the server's own."""
    uri = "https://social.mastodon.example/users/alice"
    both = (*listed().terms, *listed(host="social.mastodon.example").terms)
    for override, reason in ((("mastodon.example",), "instance_terms"), ((uri,), None)):
        world = World(
            owner={"uri": uri},
            consent={"accounts": (uri,), "terms_override": override},
            terms=InstanceTerms(both),
        )
        assert world.reason() == reason


@pytest.mark.parametrize(
    ("fields", "age", "reason", "standing"),
    [
        ({"forbids": False}, 18, None, "checked"),
        ({"host": "elsewhere.example"}, 18, None, "unchecked"),
        ({"since": date(2026, 5, 10)}, 18, "instance_terms", None),
        ({"since": date(2026, 5, 11)}, 18, None, "checked"),
        ({"forbids": False, "minimum_age": 18}, 18, None, "checked"),
        ({"forbids": False, "minimum_age": 19}, 18, "under_age", None),
        ({"forbids": False, "minimum_age": 19, "since": date(2026, 5, 11)}, 18, None, "checked"),
        ({"forbids": False, "minimum_age": 13}, 16, None, "checked"),
        ({"forbids": False, "minimum_age": 13}, 15, "under_age", None),
    ],
)
def test_what_a_servers_terms_come_to(
    fields: dict[str, Any], age: int, reason: str | None, standing: str | None
) -> None:
    """From their first day they refuse, or raise the age, and never lower it."""
    verdict = World(terms=listed(**fields), consent={"age_at_least": age}).verdict()
    assert verdict.reason == reason
    assert (verdict.grant.terms if verdict.grant else None) == standing


@pytest.mark.parametrize(
    ("aliases", "reason", "standing"),
    [
        ((), None, "no_server"),
        (("https://mastodon.social/users/alice/statuses/1",), "instance_terms", None),
        (("https://mastodon.example/users/alice/statuses/1",), None, "unchecked"),
    ],
)
def test_a_bridged_post_is_bound_by_the_terms_of_its_origin(
    aliases: tuple[str, ...], reason: str | None, standing: str | None
) -> None:
    """A DID names no server, but a post that a bridge copied came from one."""
    verdict = World(
        post={"aliases": aliases},
        owner={"uri": CAROL},
        export={"format": "atproto-repo"},
        consent={
            "accounts": (CAROL,),
            "evidence": Evidence(method="account-field", ref="at://profile"),
        },
    ).verdict()
    assert verdict.reason == reason
    assert (verdict.grant.terms if verdict.grant else None) == standing


def test_an_account_whose_server_cannot_be_told_is_refused() -> None:
    """No host to look up in the terms is no reason to admit."""
    uri = "https://[broken/alice"
    assert World(owner={"uri": uri}, consent={"accounts": (uri,)}).reason() == "instance_terms"


@pytest.mark.parametrize(
    ("kind", "acknowledged", "reason"),
    [
        (renewed, ("bio:#noai", "actor:memorial"), None),
        (renewed, ("bio:#noai",), "signal_denied"),
        (given, ("bio:#noai", "actor:memorial"), "signal_denied"),
    ],
)
def test_signals_deny_until_they_are_acknowledged_in_renewing(
    kind: Any, acknowledged: tuple[str, ...], reason: str | None
) -> None:
    """Every one of them, by name, and by a renewal only."""
    world = World(
        owner={"signals": (Signal("actor:memorial"), Signal("bio:#noai"))},
        later=[kind(at=day(2), acknowledged=acknowledged)],
    )
    assert world.reason() == reason


def test_a_refusal_names_every_signal_that_stands() -> None:
    """Those of the account and of the post, and none that was acknowledged."""
    world = World(
        post={"signals": (Signal("post:SPC"),), "tags": ("NoBot",)},
        owner={"signals": (Signal("actor:memorial"), Signal("bio:#noai"))},
        later=[renewed(at=day(2), acknowledged=("bio:#noai",))],
    )
    assert world.verdict() == Verdict("signal_denied", None, "actor:memorial, post:SPC, tag:#nobot")


@pytest.mark.parametrize(
    ("declared", "reason"), [(day(1), None), (day(2), None), (day(3), "signal_denied")]
)
def test_a_signal_said_after_the_renewal_denies_again(
    declared: datetime, reason: str | None
) -> None:
    """Nobody acknowledges what was not said yet, in a record or in a post."""
    later: list[Event] = [renewed(at=day(2), acknowledged=("record:x", "tag:#noai"))]
    record = World(owner={"signals": (Signal("record:x", declared_at=declared),)}, later=later)
    assert record.reason() == reason
    post = {"tags": ("noai",), "created_at": day(1), "edited_at": declared}
    assert World(post=post, later=later).reason() == reason


@pytest.mark.parametrize(
    ("controller", "configured", "reason"),
    [
        ("https://steward.example", None, None),
        ("https://badcorp.example/privacy", None, "signal_denied"),
        ("https://steward.example", "https://badcorp.example", "signal_denied"),
        (None, "https://steward.example", None),
        (None, None, "signal_denied"),
    ],
)
def test_a_record_that_speaks_of_one_consumer(
    controller: str | None, configured: str | None, reason: str | None
) -> None:
    """It denies the controller that it means; whoever has no name has to take it for their own."""
    world = World(
        owner={"signals": (Signal("record:x", entity="badcorp.example"),)},
        consent={"controller": controller},
        config={"controller": configured},
    )
    assert world.reason() == reason


def test_what_one_export_denies_every_spelling_of_the_account_denies() -> None:
    """The case of a host does not make two accounts of one."""
    loud = ALICE.replace("mastodon", "MASTODON")
    denying = StandIn(Account(loud, signals=(Signal("bio:#noai"),)), export_id="11" * 32)
    quiet = StandIn(Account(ALICE))
    gate = Gate(ledger_of(given()), BuildConfig(), AS_OF, InstanceTerms.load(), [denying, quiet])
    assert gate.judge(World().the_post(), quiet).reason == "signal_denied"


@pytest.mark.parametrize(
    ("signal", "reason"),
    [
        (Signal("a", before=day(5)), None),
        (Signal("a", before=day(6)), "signal_denied"),
        (Signal("a", older_than=timedelta(days=30)), None),
        (Signal("a", older_than=timedelta(days=3)), "signal_denied"),
        (Signal("a", visibility=Visibility.UNLISTED), None),
        (Signal("a", visibility=Visibility.PUBLIC), "signal_denied"),
    ],
)
def test_a_signal_may_deny_some_posts_only(signal: Signal, reason: str | None) -> None:
    """Older ones, or those of one visibility; the post is of 5 May, the build of the 10th."""
    assert World(owner={"signals": (signal,)}).reason() == reason


# --- words ----------------------------------------------------------------------------------------


def judged(text: str, world: World | None = None, **fields: Any) -> Verdict:
    """What the gate says of a post with these words."""
    world = world or World()
    gate, export, post = world.gate(), world.the_export(), world.the_post()
    body = Body(text, "text/html", **fields)
    return gate.judge_words(post, body, export, gate.judge(post, export))


LINK = '<a href="https://creativecommons.org/licenses/by-nc-sa/4.0/">my terms</a>'


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("<p>Tea is best hot.</p>", None, None),
        ("<p>Tea is best hot.</p><p>CC BY 4.0</p>", None, None),
        ("<p>Tea.</p><p>CC BY-NC-SA 4.0</p>", "license_refused", "CC-BY-NC-SA-4.0"),
        (f"<p>Tea.</p><p>{LINK}</p>", "license_refused", "CC-BY-NC-SA-4.0"),
        ("<p>Tea.</p><p>by-nd</p>", "license_refused", "CC-BY-ND without its version"),
        ("<p>Tea. All rights reserved.</p>", "license_refused", "one that cannot be read"),
        ("<p>Tea.</p><p>No AI training!</p>", "signal_denied", "footer:no-ai-training"),
        ("<p>Tea.</p><p>#NoAI CC BY-NC 4.0</p>", "signal_denied", "tag:#noai"),
        (
            "<p>Anti Commercial-AI license (CC BY-NC-SA 4.0)</p>",
            "signal_denied",
            "footer:no-ai-training",
        ),
    ],
)
def test_a_footer_narrows_the_post(text: str, reason: str | None, detail: str | None) -> None:
    """A license or a refusal in the last lines counts against the grant, and names itself."""
    verdict = judged(text)
    assert (verdict.reason, verdict.detail) == (reason, detail)
    assert (verdict.grant is None) == (reason is not None)


@pytest.mark.parametrize(
    ("text", "fields", "reason"),
    [
        ("<p>Dear #Diary, tea.</p><p>And</p><p>so</p><p>on.</p>", {}, "excluded_by_author"),
        (
            '<p>Tea. <a href="https://h.example/t">#<span>diary</span></a></p>',
            {},
            "excluded_by_author",
        ),
        ("<p>Tea.</p>", {"summary": "＃ｄｉａｒｙ"}, "excluded_by_author"),
        ("<p>Tea.</p>", {"poll_options": ("#diary", "tea")}, "excluded_by_author"),
        ("<p>Tea, diary. #diaries</p>", {}, None),
    ],
)
def test_a_hashtag_that_is_left_out_counts_in_the_words_too(
    text: str, fields: dict[str, Any], reason: str | None
) -> None:
    """Where a client made no tag of it; whole hashtags, in any case and width."""
    world = World(consent={"exclude": Exclude(tags=("diary",))})
    assert judged(text, world, **fields).reason == reason
    assert judged(text, **fields).reason is None


def test_a_content_warning_counts_as_a_footer() -> None:
    """What stands above the words is as much a statement about them."""
    assert judged("<p>Tea.</p>", summary="no AI training").reason == "signal_denied"


@pytest.mark.parametrize(
    ("stated", "config", "reason", "row"),
    [
        ("https://creativecommons.org/licenses/by/3.0/de/", {}, None, "CC-BY-4.0"),
        ("CC-BY-SA-4.0", {}, "license_refused", None),
        (
            "CC-BY-SA-4.0",
            {"allow_licenses": ("CC-BY-SA-4.0",)},
            None,
            "CC-BY-4.0 AND CC-BY-SA-4.0",
        ),
        ("LicenseRef-unreadable", {}, "license_refused", None),
    ],
)
def test_a_license_that_a_post_states_narrows_it(
    stated: str, config: dict[str, Any], reason: str | None, row: str | None
) -> None:
    """It is joined to the grant where the build takes it, and refuses where not; it never widens."""
    verdict = judged("<p>Tea.</p>", World(config=config), license=stated)
    assert verdict.reason == reason
    assert (verdict.grant.license if verdict.grant else None) == row


def test_a_footer_that_was_acknowledged_is_overruled() -> None:
    """A renewal names it as it names any signal, and it holds for what was written before."""
    text = "<p>Tea.</p><p>No AI training</p>"
    later: list[Event] = [renewed(at=day(6), acknowledged=("footer:no-ai-training",))]
    assert judged(text, World(later=later)).reason is None
    assert judged(text, World(post={"created_at": day(7)}, later=later)).reason == "signal_denied"


def test_words_change_nothing_for_whoever_is_not_admitted() -> None:
    """A refusal stays what it was, whatever the post says."""
    world = World(later=[withdrawn()])
    assert judged("<p>No AI training</p>", world) == Verdict("consent_withdrawn", None)


# --- repos of another implementation --------------------------------------------------------------

REPOS = Path(__file__).parents[2] / "../shared/fixtures/bluesky/synthetic"
DENIED = (
    "bio:#noai",
    "record:community.lexicon.preference.ai",
    "record:org.user-intents.declaration",
)


@pytest.mark.parametrize(
    ("name", "acknowledged", "detail"),
    [
        ("repo_allow_training_deep_mst", (), "bio:#noai"),
        ("repo_allow_training_deep_mst", ("bio:#noai",), None),
        ("repo_deny_training", (), ", ".join(DENIED)),
        ("repo_deny_training", ("bio:#noai",), ", ".join(DENIED[1:])),
        ("repo_deny_training", DENIED, None),
    ],
)
def test_what_the_records_of_a_repo_come_to(
    name: str, acknowledged: tuple[str, ...], detail: str | None
) -> None:
    """Denied by what truly denies posts and us; overrides for reposts and for others do not."""
    path = REPOS / f"{name}.car"
    if not path.exists():
        pytest.skip("the shared fixtures are not here")
    export = open_export(path)
    consent = renewed(
        at=day(3),
        accounts=(export.owner.uri,),
        controller="https://steward.example",
        evidence=Evidence(method="account-field", ref=f"at://{export.owner.uri}"),
        acknowledged=acknowledged,
    )
    gate = Gate(ledger_of(consent), BuildConfig(), AS_OF, InstanceTerms.load())
    posts = [item for item in export.posts() if isinstance(item, Post)]
    own = [gate.judge(post, export) for post in posts if post.kind is PostKind.POST]
    assert {verdict.detail for verdict in own} == {detail}
    assert {verdict.reason for verdict in own} == {"signal_denied" if detail else None}


# --- the digest -----------------------------------------------------------------------------------


def digest_of(world: World) -> str:
    """The gate's digest of the export of a world."""
    return world.gate().digest(world.the_export())


DECIDED_BY_ACCOUNT = [one for one in ORDER[4:] if one not in ("no_date", "recipients_not_covered")]
"""Reasons that the ledger, the account or the terms give: not the post, nor the config."""


@pytest.mark.parametrize("reason", DECIDED_BY_ACCOUNT)
def test_what_changes_a_verdict_changes_the_digest(reason: str) -> None:
    """A part that was read under another ledger, account or terms is not taken for this one."""
    world = World()
    breakage(reason, world)
    assert digest_of(world) != digest_of(World())


def test_time_changes_the_digest_only_where_it_may_change_a_verdict() -> None:
    """Another hour never, another day for ages, the first day of a rule for terms."""
    aged: dict[str, Any] = {"owner": {"signals": (Signal("a", older_than=timedelta(days=3)),)}}
    ruled: dict[str, Any] = {"terms": listed(since=date(2026, 5, 11))}
    cases: list[tuple[dict[str, Any], bool]] = [({}, False), (aged, True), (ruled, True)]
    for about, changed in cases:
        before = digest_of(World(**about))
        assert digest_of(World(**about, as_of=AS_OF + timedelta(hours=1))) == before
        assert (digest_of(World(**about, as_of=AS_OF + timedelta(days=1))) != before) is changed


def test_a_withdrawal_dated_after_the_build_refuses() -> None:
    """Its line counts, not its time."""
    assert World(later=[withdrawn(at=day(28))]).reason() == "consent_withdrawn"
    assert World(later=[objected(at=day(1))]).reason() == "consent_withdrawn"


def test_the_config_decides_age_and_licenses() -> None:
    """A floor above the declared age refuses, an allowed license admits, NoDerivatives is an error."""
    assert World(config={"minimum_age": 19}).reason() == "under_age"
    assert World(config={"minimum_age": 18}).reason() is None
    license_ = {"license": "CC-BY-NC-4.0"}
    assert World(config={"allow_licenses": ("cc by-nc 4.0",)}, consent=license_).reason() is None
    with pytest.raises(UsageError, match="allows no adaptations"):
        World(config={"allow_licenses": ("CC-BY-ND-4.0",)}).gate()


def test_a_time_without_zone_is_refused() -> None:
    """Whether consent has expired cannot be told by it."""
    with pytest.raises(UsageError, match="time zone"):
        World(as_of=AS_OF.replace(tzinfo=None)).gate()


def test_each_export_is_settled_once_and_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is asked once for an export, and one export's answer is not another's."""
    world = World()
    gate = world.gate()
    asked: list[set[str]] = []
    standing = gate._ledger.standing

    def counted(spellings: Iterable[str], as_of: datetime) -> Standing:
        asked.append(set(spellings))
        return standing(asked[-1], as_of)

    monkeypatch.setattr(gate._ledger, "standing", counted)
    bob = StandIn(Account(BOB), export_id="11" * 32)
    for _ in range(3):
        assert gate.judge(world.the_post(), world.the_export()).reason is None
        post = World(post={"account": BOB}).the_post()
        assert gate.judge(post, bob).reason == "no_consent"
    assert asked == [{ALICE}, {BOB}]


def test_an_error_in_settling_admits_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised, again for the next post, and leaves no verdict behind."""
    world = World()
    gate = world.gate()

    def broken(*_: object) -> str | None:
        raise RuntimeError("terms are broken")

    monkeypatch.setattr(gate, "_account_reason", broken)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="terms are broken"):
            gate.judge(world.the_post(), world.the_export())
