"""What stands in the place of identifiers, by every operator, in any script, and in whole releases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.commands.options import config_of, config_options
from fedi_dataset.config import BuildConfig, Operator
from fedi_dataset.errors import UsageError
from fedi_dataset.privacy.operators import MASK, OPERATORS, Operators, unnumbered
from fedi_dataset.privacy.placeholders import Placeholders, resolve, without_removed
from fedi_dataset.privacy.spans import ENTITIES, Mark, Span

SALT = b"0123456789abcdef"
TEXT = "Alva, ask @kim (or kim@mail.example), then call 555 0100!"
MARKS = [
    Mark(0, 4, "PERSON", "a"),
    Mark(10, 14, "HANDLE", "k"),
    Mark(19, 35, "EMAIL_ADDRESS", "k"),
    Mark(48, 56, "PHONE_NUMBER", "p"),
]


def rendered(operator: Operator, text: str = TEXT, marks: list[Mark] = MARKS) -> str:
    """Render a text as the first of its row."""
    return Placeholders(Operators(operator, salt=SALT)).render(text, marks)


def test_every_operator_leaves_the_words_and_the_punctuation_beside() -> None:
    """What is masked differs, and nothing else does."""
    expected = "[PERSON_1], ask [HANDLE_2] (or [EMAIL_ADDRESS_2]), then call [PHONE_NUMBER_3]!"
    assert rendered("placeholder") == expected
    assert rendered("mask") == "*****, ask ***** (or *****), then call *****!"
    assert rendered("remove") == ", ask (or), then call!"
    expected = "Alva Example, ask @user2@example.org (or user2@example.org), then call 555-0103!"
    assert rendered("surrogate") == expected
    assert re.fullmatch(
        r"\[PERSON_\w{12}\], ask \[HANDLE_(\w{12})\] \(or \[EMAIL_ADDRESS_\1\]\), "
        r"then call \[PHONE_NUMBER_\w{12}\]!",
        rendered("hash"),
    )


def test_operators_by_entity_come_before_the_one_for_all() -> None:
    """What is removed or masked takes no number."""
    operators = Operators("placeholder", {"PERSON": "remove", "HANDLE": "mask"})
    done = Placeholders(operators).render(TEXT, MARKS)
    assert done == ", ask ***** (or [EMAIL_ADDRESS_1]), then call [PHONE_NUMBER_2]!"


@pytest.mark.parametrize(
    ("text", "removed", "expected"),
    [
        ("I met X today.", "X", "I met today."),
        ("I met X.", "X", "I met."),
        ("X met me", "X", "met me"),
        ("hello X", "X", "hello"),
        ("Dear X,\nhello", "X", "Dear,\nhello"),
        ("a\nX b\nc", "X", "a\nb\nc"),
        ("a X\nb", "X", "a\nb"),
        ("a  X  b", "X", "a   b"),
        ("(X)", "X", "()"),
        ("tu viens X ?", "X", "tu viens ?"),
        ("so«X»s", "X", "so«»s"),
        ("X", "X", ""),
        ("הי X, מה", "X", "הי, מה"),
    ],
)
def test_removal_closes_the_gap(text: str, removed: str, expected: str) -> None:
    """One blank goes where two would meet, or stand at an end or before punctuation; lines stay lines."""
    at = text.index(removed)
    assert rendered("remove", text, [Mark(at, at + len(removed), "PERSON", "x")]) == expected


def test_two_that_are_removed_side_by_side_keep_their_neighbors_apart() -> None:
    """Removing between kept placeholders never glues words together."""
    operators = Operators("placeholder", {"PERSON": "remove"})
    marks = [Mark(3, 4, "PERSON", "x"), Mark(4, 6, "HANDLE", "y"), Mark(7, 8, "PERSON", "z")]
    assert Placeholders(operators).render("hi X@y Z you", marks) == "hi [HANDLE_1] you"


def test_hashes_are_equal_for_one_thing_under_one_salt_alone() -> None:
    """The same referent has one hash in a conversation, another in the next; without a salt there is none."""
    one, other = (Operators("hash", salt=salt).stand_in("PERSON", 0, "a") for salt in (SALT, b"x"))
    assert one != other
    assert one == Operators("hash", salt=SALT).stand_in("PERSON", 7, "a")
    assert one != Operators("hash", salt=SALT).stand_in("PERSON", 0, "b")
    with pytest.raises(ValueError, match="salt"):
        Operators("hash").stand_in("PERSON", 0, "a")


def test_masks_do_not_tell_lengths() -> None:
    """Five asterisks, whatever stood there."""
    operators = Operators("mask")
    assert {operators.stand_in(one, 1, one) for one in ENTITIES} == {MASK}


def test_surrogates_come_from_reserved_spaces_and_end_with_them() -> None:
    """Example hosts, TEST-NET-1, 555-01xx; a number beyond a space's last is a placeholder again."""
    operators = Operators("surrogate")

    def stand_ins(entity: str, *numbers: int) -> list[str]:
        return [operators.stand_in(entity, number, "x") for number in numbers]

    assert stand_ins("PHONE_NUMBER", 1, 99, 100) == ["555-0101", "555-0199", "[PHONE_NUMBER_100]"]
    assert stand_ins("IP_ADDRESS", 254, 255) == ["192.0.2.254", "[IP_ADDRESS_255]"]
    assert stand_ins("PERSON", 2, 24, 25) == ["Bero Example", "Yaro Example", "Alva Example 2"]
    assert stand_ins("PROFILE_URL", 3) == ["https://example.org/@user3"]
    assert stand_ins("ZIP_CODE", 3) == ["[ZIP_CODE_3]"]  # every code may be somewhere's


@given(st.sampled_from(sorted(ENTITIES)), st.integers(1, 10**4), st.integers(1, 10**4))
def test_no_two_have_the_same_surrogate(entity: str, one: int, other: int) -> None:
    """Numbers that differ give surrogates that differ, and unnumbered, they are the same."""
    operators = Operators("surrogate")
    first, second = (operators.stand_in(entity, number, "x") for number in (one, other))
    assert (first == second) == (one == other)
    if first.startswith("[") == second.startswith("["):
        assert unnumbered(f"a {first}, b") == unnumbered(f"a {second}, b")


def test_unnumbered_texts_differ_only_in_words() -> None:
    """Numbers go, words stay."""
    assert unnumbered("[PERSON_1] and [FIGURE_1]") == "[PERSON] and [FIGURE]"
    text = "I'm Alva Example 2, at https://example.org/@user4/1."
    assert unnumbered(text) == "I'm [SURROGATE], at [SURROGATE]."


def test_what_looks_like_ours_is_taken_for_nobody_elses() -> None:
    """Somebody writes a surrogate's name or a hash: it gets a stand-in of its own."""
    text = "Alva Example met Dora and [PERSON_0123456789ab]"
    marks = resolve(text, [Span(17, 21, "PERSON", 0.9)], [], [])
    assert (
        rendered("surrogate", text, list(marks))
        == "Alva Example met Bero Example and Cilla Example"
    )
    assert len({mark.referent for mark in marks}) == 3


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, list[Mark], list[str]]:
    """Texts of many scripts, some of whose stretches are marked, and what stands between those."""
    alphabet = st.characters(exclude_categories=["Cs"]) | st.sampled_from(
        "🦔👩‍👧é\u0301שלוםمرحبا𝔄 \n\t.,"
    )
    plain = st.text(alphabet, max_size=8)
    between, text = [draw(plain)], ""
    marks: list[Mark] = []
    text = between[0]
    for number in range(draw(st.integers(0, 5))):
        secret = draw(st.text(alphabet, min_size=1, max_size=6))
        entity = draw(st.sampled_from(sorted(ENTITIES)))
        marks.append(Mark(len(text), len(text) + len(secret), entity, f"{number % 3}"))
        between.append(draw(plain))
        text += secret + between[-1]
    return text, marks, between


@settings(max_examples=150)
@given(marked_texts(), st.sampled_from(get_args(Operator)))
def test_offsets_hold_in_every_script(
    made: tuple[str, list[Mark], list[str]], operator: Operator
) -> None:
    """Astral, combining and right-to-left characters beside a mark all stay, and none of those in it."""
    text, marks, between = made
    operators = Operators(operator, salt=SALT)
    done = Placeholders(operators).render(text, marks)
    if operator == "remove":
        kept = [char for char in "".join(between) if char not in " \t"]
        assert [char for char in done if char not in " \t"] == kept
        assert len("".join(between)) - len(done) <= len(marks)
    else:
        fresh = Placeholders(operators)
        stands = [fresh.render("x", [Mark(0, 1, mark.entity, mark.referent)]) for mark in marks]
        pairs = zip(between, [*stands, ""], strict=True)
        assert done == "".join(part + stand for part, stand in pairs)


@given(marked_texts())
def test_what_is_removed_is_all_that_is_missing(made: tuple[str, list[Mark], list[str]]) -> None:
    """A text without what is removed is the text itself where nothing is."""
    text, marks, _ = made
    assert without_removed(text, marks, Operators()) == text
    assert without_removed(text, marks, Operators("remove")) == rendered("remove", text, marks)


def test_config_takes_operators_by_entity() -> None:
    """From YAML's data; an entity or operator that is not known is a usage error that lists those known."""
    config = BuildConfig.from_dict({"operator": "mask", "operators": {"DID": "hash"}})
    operators = Operators.of(config)
    assert (operators.of_entity("DID"), operators.of_entity("PERSON")) == ("hash", "mask")
    with pytest.raises(UsageError, match=r"operators names NAME; entities are .*PERSON"):
        BuildConfig.from_dict({"operators": {"NAME": "mask"}})
    with pytest.raises(UsageError, match="operator"):
        BuildConfig.from_dict({"operator": "encrypt"})


def test_every_operator_is_described() -> None:
    """The card has a sentence for each."""
    assert OPERATORS.keys() == set(get_args(Operator))


def test_the_command_line_has_the_operator_for_all_and_the_file_those_by_entity(
    tmp_path: Path,
) -> None:
    """The flag comes before the file's, and leaves the file's operators by entity."""
    file = tmp_path / "config.yaml"
    file.write_text("operator: remove\noperators: {EMAIL_ADDRESS: mask}\n", "utf-8")
    seen: list[BuildConfig] = []

    @click.command
    @config_options
    def command(config_file: Path | None, **fields: object) -> None:
        seen.append(config_of(config_file, fields))

    done = CliRunner().invoke(command, ["--config", str(file), "--operator", "hash"])
    assert (done.exit_code, done.output) == (0, "")
    assert (seen[0].operator, seen[0].operators) == ("hash", {"EMAIL_ADDRESS": "mask"})
    assert CliRunner().invoke(command, ["--operator", "encrypt"]).exit_code == 2
