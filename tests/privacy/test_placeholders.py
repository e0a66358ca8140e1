"""Evidence joined into marks, and marks rendered as numbered placeholders."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.errors import PrivacyError
from fedi_dataset.privacy.identities import PeopleMatcher
from fedi_dataset.privacy.placeholders import Placeholders, mostly_placeholders, resolve
from fedi_dataset.privacy.spans import ENTITIES, Mark, Person, Span


def mark(text: str, stretch: str, entity: str, referent: str) -> Mark:
    """Mark the first occurrence of a stretch."""
    begin = text.index(stretch)
    return Mark(begin, begin + len(stretch), entity, referent)


def test_mentions_come_before_people_before_detections() -> None:
    """Overlapping evidence becomes one mark, named by the most certain of it."""
    text = "hi @alice@mastodon.example!"
    mention = mark(text, "@alice", "HANDLE", "by mention")
    person = mark(text, "alice@mastodon", "HANDLE", "by name")
    span = Span(3, 26, "EMAIL_ADDRESS", 1.0)
    assert resolve(text, [span], [mention], [person]) == (Mark(3, 26, "HANDLE", "by mention"),)
    assert resolve(text, [span], [], [person]) == (Mark(3, 26, "HANDLE", "by name"),)


def test_of_detections_the_higher_score_then_the_longer_one_names_the_mark() -> None:
    """Score decides, then length."""
    text = "write to @a@mail.example"
    low, high = Span(10, 24, "EMAIL_ADDRESS", 0.95), Span(9, 24, "HANDLE", 1.0)
    assert [m.entity for m in resolve(text, [low, high], [], [])] == ["HANDLE"]
    short, long = Span(9, 11, "PERSON", 1.0), Span(9, 24, "HANDLE", 1.0)
    assert [m.entity for m in resolve(text, [short, long], [], [])] == ["HANDLE"]


def test_whole_words_go_and_punctuation_stays() -> None:
    """A piece of a word takes the word; the comma behind it survives."""
    text = "Dear Alicia, hello"
    marks = resolve(text, [Span(5, 8, "PERSON", 0.6)], [], [])
    assert Placeholders().render(text, marks) == "Dear [PERSON_1], hello"


def test_parts_of_one_name_become_one_placeholder() -> None:
    """Neighbors of one person and type are joined within a line, not across lines."""
    people = [Mark(0, 5, "PERSON", "a"), Mark(6, 12, "PERSON", "a")]
    assert resolve("Alice Miller", [], [], people) == (Mark(0, 12, "PERSON", "a"),)
    assert len(resolve("Alice\nMiller", [], [], people)) == 2


def test_equal_values_are_one_thing() -> None:
    """Case and punctuation of a detected value do not give it a second number."""
    text = "Dora, +1 555 0100; DORA, +15550100; Edda"
    spans = [
        Span(0, 4, "PERSON", 0.9),
        Span(6, 17, "PHONE_NUMBER", 0.9),
        Span(19, 23, "PERSON", 0.9),
        Span(25, 34, "PHONE_NUMBER", 0.9),
        Span(36, 40, "PERSON", 0.9),
    ]
    rendered = Placeholders().render(text, resolve(text, spans, [], []))
    assert rendered == "[PERSON_1], [PHONE_NUMBER_2]; [PERSON_1], [PHONE_NUMBER_2]; [PERSON_3]"


def test_numbers_belong_to_referents_and_run_through_the_row() -> None:
    """One counter over all types, in order of first appearance, over all texts of the row."""
    row = Placeholders()
    first = [Mark(0, 3, "HANDLE", "b"), Mark(4, 7, "PERSON", "a")]
    second = [Mark(0, 3, "HANDLE", "a"), Mark(4, 7, "PERSON", "c"), Mark(8, 11, "DID", "b")]
    assert row.render("@bb Ann", first) == "[HANDLE_1] [PERSON_2]"
    assert row.render("@an Cat did", second) == "[HANDLE_2] [PERSON_3] [DID_1]"
    assert Placeholders().render("@an", second[:1]) == "[HANDLE_1]"


def test_a_placeholder_typed_by_somebody_cannot_be_taken_for_a_person() -> None:
    """What looks like ours in the input gets a number that no person has."""
    text = "[PERSON_1] and Alice, says [FIGURE_1]"
    marks = resolve(text, [], [], [mark(text, "Alice", "PERSON", "alice")])
    assert Placeholders().render(text, marks) == "[PERSON_1] and [PERSON_2], says [FIGURE_1]"
    row = Placeholders()
    row.render("Alice", [Mark(0, 5, "PERSON", "alice")])
    assert row.render(text, marks) == "[PERSON_2] and [PERSON_1], says [FIGURE_1]"


def test_people_and_detections_together() -> None:
    """A name that the model found and a handle of the same person share their number."""
    matcher = PeopleMatcher([Person("alice", ("@alice@mastodon.example",), ("Alice Miller",))])
    text = "@alice@mastodon.example thanks, alice"
    spans = [Span(0, 23, "HANDLE", 1.0), Span(32, 37, "PERSON", 0.8)]
    marks = resolve(text, spans, [], matcher.marks(text, spans))
    assert Placeholders().render(text, marks) == "[HANDLE_1] thanks, [PERSON_1]"


def test_a_name_inside_somebody_elses_address_does_not_make_it_the_persons() -> None:
    """Another Bob's handle and mail address get numbers of their own."""
    text = "Bob, @bob@elsewhere.example, bob.m@mail.example"
    spans = [Span(5, 27, "HANDLE", 1.0), Span(29, 47, "EMAIL_ADDRESS", 0.95)]
    people = PeopleMatcher([Person("bob", ("@robert@mastodon.example",), ("Bob",))]).marks(text)
    assert [m.referent for m in people] == ["bob"]
    rendered = Placeholders().render(text, resolve(text, spans, [], people))
    assert rendered == "[PERSON_1], [HANDLE_2], [EMAIL_ADDRESS_3]"


@pytest.mark.parametrize("span", [Span(0, 9, "PERSON", 1.0), Span(4, 2, "PERSON", 1.0)])
def test_evidence_of_another_text_is_refused(span: Span) -> None:
    """Offsets outside of the text raise, without the text."""
    with pytest.raises(PrivacyError) as caught:
        resolve("Ladybug", [span], [], [])
    assert "Ladybug" not in str(caught.value)


def test_render_refuses_marks_that_overlap() -> None:
    """Marks must come from resolve."""
    with pytest.raises(ValueError, match="overlap"):
        Placeholders().render("abcdef", [Mark(0, 4, "DID", "a"), Mark(2, 6, "DID", "b")])


STRETCH = st.tuples(
    st.integers(0, 40), st.integers(0, 12), st.sampled_from(sorted(ENTITIES)), st.floats(0.4, 1.0)
)
TEXT = st.text(st.sampled_from("ab Z_9.,@\n\u0301😀𝒜אבי田[]'-"), max_size=40)


@settings(max_examples=200, deadline=None)
@given(TEXT, *[st.lists(STRETCH, max_size=4)] * 3)
def test_no_covered_character_survives(
    text: str,
    detected: list[tuple[int, int, str, float]],
    mentioned: list[tuple[int, int, str, float]],
    named: list[tuple[int, int, str, float]],
) -> None:
    """Marks cover all evidence, are sorted and apart, and its order does not matter."""

    def inside(item: tuple[int, int, str, float]) -> tuple[int, int]:
        begin = min(item[0], len(text))
        return begin, min(begin + item[1], len(text))

    spans = [Span(*inside(item), item[2], item[3]) for item in detected]
    mentions = [Mark(*inside(item), item[2], "m") for item in mentioned]
    people = [Mark(*inside(item), item[2], "p") for item in named]
    marks = resolve(text, spans, mentions, people)
    evidence: list[Span | Mark] = [*spans, *mentions, *people]
    covered = {i for m in marks for i in range(m.begin, m.end)}
    assert covered >= {i for e in evidence for i in range(e.begin, e.end)}
    assert all(one.end <= two.begin for one, two in pairwise(marks))
    assert resolve(text, spans[::-1], mentions[::-1], people[::-1]) == marks
    outside = "".join(char for i, char in enumerate(text) if i not in covered)
    rendered = Placeholders().render(text, marks)
    for m in marks:
        rendered = rendered.replace(f"[{m.entity}_", "\0", 1)
    assert rendered.count("\0") == len(marks)
    assert len(rendered) == len(outside) + sum(1 + len(n) + 1 for n in _numbers(marks))


def _numbers(marks: tuple[Mark, ...]) -> list[str]:
    order: dict[str, int] = {}
    return [str(order.setdefault(m.referent, len(order) + 1)) for m in marks]


@pytest.mark.parametrize(
    ("text", "stretches", "expected"),
    [
        ("@alice @bob thanks a lot", ["@alice", "@bob"], False),
        ("@alice thanks", ["@alice"], True),  # one word
        ("@alice @bob @carla see you", ["@alice", "@bob", "@carla"], True),
        ("see you @alice@long.mastodon.example", ["@alice@long.mastodon.example"], False),
        ("see you", [], False),
        ("@alice 🎉 …", ["@alice"], True),
        ("", [], True),
    ],
)
def test_mostly_placeholders(text: str, stretches: list[str], expected: bool) -> None:
    """Fewer than two words, or fewer words than placeholders, are too little."""
    marks = [mark(text, stretch, "HANDLE", stretch) for stretch in stretches]
    assert mostly_placeholders(text, marks) is expected
