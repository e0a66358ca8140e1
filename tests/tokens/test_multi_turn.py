"""Several responses in one row: each is trained once, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fedi_dataset.errors import UsageError
from fedi_dataset.schema import MULTI_TURN, MULTI_TURN_TOKENS
from fedi_dataset.tokens import Refused, Rendered, Renderer, encode_multi_turn, load_tokenizer
from fedi_dataset.tokens.messages import said
from fedi_dataset.tokens.rendering import FORGED, IGNORED, TOO_LONG, Row, Shared
from tests.tokens.conftest import Loaded
from tests.tokens.shapes import SHAPES, save

Shaped = Callable[[str], Loaded]

CONTENT = st.text(st.sampled_from("he .\n👩\u200d🚀日ß'1"), min_size=1, max_size=16).filter(
    lambda text: bool(text.strip())
)
MODEST = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def rows(draw: st.DrawFn, content: st.SearchStrategy[str] = CONTENT) -> Row:
    """Draw a row of up to four pairs, the last reply trained, others as it comes."""
    pairs = draw(st.integers(1, 4))
    contents = draw(st.lists(content, min_size=2 * pairs, max_size=2 * pairs))
    places = [place for place in range(1, 2 * pairs - 1, 2) if draw(st.booleans())]
    return Row(said(*contents), (*places, 2 * pairs - 1))


def whole(renderer: Renderer, row: Row) -> Rendered:
    """Render a row that is neither cut nor refused."""
    (shared,) = renderer.render_rows([row])
    assert not shared.refused
    ((places, rendered),) = shared.rendered
    assert places == range(len(row.trained))
    return rendered


def stretches(labels: list[int]) -> list[list[int]]:
    """Give the runs of labels on which loss is taken."""
    found: list[list[int]] = [[]]
    for label in labels:
        if label != IGNORED:
            found[-1].append(label)
        elif found[-1]:
            found.append([])
    return [one for one in found if one]


@pytest.mark.parametrize("name", SHAPES)
@given(row=rows())
@example(row=Row(said("  a", "\n\nhe\n", "b", "👩\u200d🚀"), (1, 3)))
@MODEST
def test_ids_are_the_librarys_and_each_flagged_reply_is_trained(
    shaped: Shaped, name: str, row: Row
) -> None:
    """Ids equal apply_chat_template's; trained is, reply by reply, what is flagged and its end of turn."""
    loaded, renderer = shaped(name)
    rendered = whole(renderer, row)
    assert rendered.input_ids == loaded.tokenizer.apply_chat_template(
        list(row.messages), return_dict=False
    )
    assert all(
        label in (IGNORED, token)
        for token, label in zip(rendered.input_ids, rendered.labels, strict=True)
    )
    trained = stretches(rendered.labels)
    assert len(trained) == len(row.trained)
    for place, ids in zip(row.trained, trained, strict=True):
        assert ids[-1] == renderer.end_of_turn_id
        text = loaded.tokenizer.decode(ids, skip_special_tokens=False)
        said_here = text.removesuffix(SHAPES[name].end_of_turn).removeprefix("<think>\n\n</think>")
        assert said_here.strip() == row.messages[place]["content"].strip()


@given(row=rows())
@example(row=Row(said("a", "\nhe", "b", "\n\nhe 👍"), (1, 3)))
@MODEST
def test_labels_are_the_assistant_mask_of_the_flagged(shaped: Shaped, row: Row) -> None:
    """Where a template marks what is generated, labels are transformers' mask of the flagged messages."""
    loaded, renderer = shaped("chatml_marked")
    encoded = loaded.tokenizer.apply_chat_template(
        list(row.messages), return_dict=True, return_assistant_tokens_mask=True
    )
    run, kept, former = -1, [], 0
    for one in encoded["assistant_masks"]:
        run += one and not former
        kept.append(bool(one) and 2 * run + 1 in row.trained)
        former = one
    assert [label != IGNORED for label in whole(renderer, row).labels] == kept


@pytest.mark.parametrize("name", SHAPES)
@given(row=rows(st.one_of(CONTENT, st.text(min_size=1, max_size=12).filter(str.strip))))
@MODEST
def test_the_fast_way_is_the_plain_one(shaped: Shaped, name: str, row: Row) -> None:
    """Whether a row is put together or rendered and encoded by the library makes no difference."""
    renderer = shaped(name)[1]
    (plain,) = renderer._plainly([row])
    (quick,) = renderer._attempt([row])
    assert quick == plain


@pytest.mark.parametrize("name", ["chatml", "llama3", "mistral"])
@given(
    row=rows(st.one_of(CONTENT, st.sampled_from(["he " * 30, "<|im_end|>", "</s> x"]))),
    limit=st.integers(8, 90),
)
@example(row=Row(said("a", "b", "c " * 40, "d"), (1, 3)), limit=40)
@example(row=Row(said("a", "b", "c", "d " * 60), (1, 3)), limit=40)
@MODEST
def test_each_response_is_trained_once_or_refused_as_its_dialogue_is(
    shaped: Shaped, name: str, row: Row, limit: int
) -> None:
    """However a row is cut, its responses are kept and refused as they would be one by one."""
    renderer = shaped(name)[1]
    (shared,) = renderer.render_rows([row], limit)
    alone = renderer.render_batch(
        [(row.messages[:place], [row.messages[place]]) for place in row.trained], limit
    )
    assert dict(shared.refused) == {
        place: one for place, one in enumerate(alone) if isinstance(one, Refused)
    }
    kept = [place for places, _ in shared.rendered for place in places]
    assert kept == [place for place, one in enumerate(alone) if isinstance(one, Rendered)]
    for places, one in shared.rendered:
        assert len(one.input_ids) <= limit
        assert len(stretches(one.labels)) == len(places)


def test_a_row_that_is_too_long_loses_its_oldest_turns(shaped: Shaped) -> None:
    """What was trained among them is trained before it, in a row of its own."""
    renderer = shaped("chatml")[1]
    row = Row(said("first?", "one", "second?", "two", "third?", "three"), (1, 3, 5))
    full = whole(renderer, row)
    (shared,) = renderer.render_rows([row], len(full.input_ids) - 1)
    (places, head), (others, tail) = shared.rendered
    assert (places, others) == (range(1), range(1, 3))
    assert (head.dropped_turns, tail.dropped_turns) == (0, 2)
    assert head == whole(renderer, Row(row.messages[:2], (1,)))
    cut = whole(renderer, Row(row.messages[2:], (1, 3)))
    assert (tail.input_ids, tail.labels) == (cut.input_ids, cut.labels)


def test_a_response_that_is_refused_takes_no_other_along(shaped: Shaped) -> None:
    """A forged turn refuses what stands behind it, a reply that is too long itself alone."""
    renderer = shaped("chatml")[1]
    forged = Row(said("a", "b", "c<|im_end|>", "d", "e", "f"), (1, 3, 5))
    long = Row(said("a", "b", "c", "he " * 90, "e", "f"), (1, 3, 5))
    results = renderer.render_rows([forged, long], 60)
    assert results[0].refused == ((1, Refused(FORGED)), (2, Refused(FORGED)))
    assert results[1].refused == ((1, Refused(TOO_LONG)),)
    assert [[*one.rendered[0][0]] for one in results] == [[0], [0]]
    assert [places for places, _ in results[1].rendered] == [range(1), range(2, 3)]


@pytest.mark.parametrize(
    "row",
    [
        Row(said("a", "b"), ()),
        Row(said("a", "b", "c", "d"), (1,)),
        Row(said("a", "b", "c", "d"), (2, 3)),
        Row(said("a", "b", "c", "d"), (3, 3)),
        Row(said("a", "b", "c"), (1,)),
        Row(said("", "a", "b")[1:], (1,)),
    ],
)
def test_a_row_out_of_turn_is_an_error(shaped: Shaped, row: Row) -> None:
    """Flags on anything but replies, or a last message without one, never get ids."""
    with pytest.raises(ValueError, match="what is trained are replies"):
        shaped("chatml")[1].render_rows([row])


_OPEN = "{% for m in messages %}<|im_start|>{{ m.role }}\n"
_ASK = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            _OPEN
            + "{% if m.role == 'assistant' and loop.last %}{% generation %}{{ m.content }}<|im_end|>"
            "{% endgeneration %}{% else %}{{ m.content }}<|im_end|>{% endif %}{% endfor %}" + _ASK,
            "marks the last reply alone",
        ),
        (
            "{% for m in messages %}<|im_start|>{{ m.role }}{{ '\\n' if loop.last or m.role == 'user' else ': ' }}"
            "{{ m.content }}<|im_end|>{% endfor %}" + _ASK,
            "opens a reply differently once it is answered",
        ),
        (
            _OPEN
            + "{{ m.content }}{% if loop.last or m.role == 'user' %}<|im_end|>{% endif %}{% endfor %}"
            + _ASK,
            "ends a reply differently once it is answered",
        ),
    ],
)
def test_a_template_that_rewrites_answered_replies_is_refused(
    tmp_path: Path, template: str, reason: str
) -> None:
    """It can train one response a row, and not several: the error says which and what helps."""
    renderer = Renderer(load_tokenizer(str(save(SHAPES["chatml"], tmp_path, template)), None))
    row = Row(said("a", "b", "c", "d"), (1, 3))
    (alone,) = renderer.render_rows([row._replace(trained=(3,))])
    assert alone.rendered
    with pytest.raises(UsageError, match=f"{reason}.*without multi_turn"):
        renderer.render_rows([row])


def table(*about: tuple[list[str], list[int]]) -> pa.Table:
    """Rows of multi_turn: contents, and the places of those that are trained."""
    return pa.Table.from_pylist(
        [
            {
                "multi_turn_key": f"{number:032x}",
                "dialogue_keys": [f"d{number}-{place}" for place in trained],
                "messages": [
                    {**message, "train": place in trained}
                    for place, message in enumerate(said(*contents))
                ],
                "language": "en",
                "license": "CC0-1.0",
                "platform": "bluesky",
            }
            for number, (contents, trained) in enumerate(about)
        ],
        MULTI_TURN,
    )


def test_rows_and_counts(shaped: Shaped) -> None:
    """The table names whose responses each row trains; dialogues in are dialogues kept and dropped."""
    renderer = shaped("chatml")[1]
    rows = table(
        (["a", "b", "c", "d"], [1, 3]),
        (["a", "b", "he " * 55, "d"], [1, 3]),
        (["a", "b", "c", "he " * 80], [1, 3]),
        (["a", "<|im_end|>"], [1]),
    )
    made, counts = encode_multi_turn(rows, renderer, 70, split="train")
    assert made.schema == MULTI_TURN_TOKENS
    assert made["dialogue_keys"].to_pylist() == [["d0-1", "d0-3"], ["d1-1"], ["d1-3"], ["d2-1"]]
    assert (counts.rows_in, counts.rows_kept, counts.dropped_turns) == (7, 5, 2)
    assert counts.dropped == {FORGED: 1, TOO_LONG: 1}
    assert counts.statistics.by["language"]["en"].dialogues == 5
    assert sum(counts.statistics.lengths.values()) == 4
    labels: Any = made["labels"].to_pylist()
    assert [len(stretches(one)) for one in labels] == [2, 1, 1, 1]


def test_nothing_comes_of_nothing(shaped: Shaped) -> None:
    """No rows give no rows."""
    made, counts = encode_multi_turn(table(), shaped("chatml")[1], None, split="train")
    assert (made.num_rows, made.schema, counts.rows_in) == (0, MULTI_TURN_TOKENS, 0)
    assert shaped("chatml")[1].render_rows([]) == []
    assert Shared((), ()) != Shared((), ((0, Refused(FORGED)),))
