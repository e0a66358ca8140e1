"""What is put together without rendering is what rendering gives, or is rendered."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedi_dataset.tokens import Renderer, load_tokenizer
from fedi_dataset.tokens.messages import ALTERED, Refused, said
from tests.tokens.conftest import Loaded
from tests.tokens.shapes import SHAPES, save
from tests.tokens.test_trl_templates import FOLDER, NAMES, REFUSED, tokenizer_of

Shaped = Callable[[str], Loaded]

TRL = [f"trl-{name}" for name in NAMES if name not in REFUSED]
MODEST = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def renderer_of(
    shaped: Shaped, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Renderer]:
    """Give the renderer of a shape, or of one of TRL's templates."""

    @cache
    def make(name: str) -> Renderer:
        if not name.startswith("trl-"):
            return shaped(name)[1]
        folder = tokenizer_of(name.removeprefix("trl-"), tmp_path_factory.mktemp("trl"))
        return Renderer(load_tokenizer(folder, None))

    return make


@pytest.mark.parametrize("name", [*SHAPES, *TRL])
@given(data=st.data())
@MODEST
def test_what_is_put_together_is_what_is_rendered(
    renderer_of: Callable[[str], Renderer], name: str, data: st.DataObject
) -> None:
    """Of its own words in any case, of white space and of any text: what is put together is what it renders."""
    renderer = renderer_of(name)
    assembly, template = renderer._assembly, renderer._template
    assert assembly is not None
    assert template.constants is not None
    strings = template.constants.strings
    plain = [" ", "\n", "x", "{{", "</think>", "1"]
    own = st.sampled_from([*strings, *map(str.upper, strings), *map(str.title, strings), *plain])
    content = st.one_of(st.lists(own, min_size=1, max_size=4).map("".join), st.text(min_size=1))
    pairs = data.draw(st.integers(1, 3))
    contents = data.draw(st.lists(content, min_size=2 * pairs, max_size=2 * pairs))
    messages = said(*contents)
    frame = renderer._framer.frame(len(messages))
    assembly._to_sample[len(messages)] = 0  # by the proof alone
    turns = assembly.turns(messages, frame)
    if turns is not None:
        assert [frame.weave(turns)] == template.render([messages])


def renderer(folder: Path, content: str, before: str = "") -> Renderer:
    """A ChatML template that writes a turn as it is told to, after what it sets."""
    template = (
        before + "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ " + content + " }}<|im_end|>"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return Renderer(load_tokenizer(str(save(SHAPES["chatml"], folder, template)), None))


def put_together(made: Renderer, *contents: str) -> bool:
    """Whether a dialogue is not rendered."""
    messages = said(*contents)
    assert made._assembly is not None
    frame = made._framer.frame(len(messages))
    return made._assembly.turns(messages, frame) is not None


@pytest.mark.parametrize(
    ("content", "held"),
    [
        ("'y' if 'magic' in m.content else m.content", "some magic here"),
        ("'y' if m.content.startswith('magic') else m.content", "magic here"),
        ("m.content.split('magic')[-1]", "a magic b"),
        ("m.content.replace('magic', 'y')", "magic"),
        ("'y' if m.content == 'magic' else m.content", "magic"),
        ("raise_exception('no') if 'magic' in m.content else m.content", "magic"),
        ("'y' if 'magic' in m.content | lower else m.content", "some MaGic here"),
        ("'y' if 'MAGIC' in m.content | upper else m.content", "some mag\u0131c here"),
        ("'y' if 'Magic' in m.content | title else m.content", "MAGIC here"),
    ],
)
def test_turns_that_a_template_reacts_to_are_rendered(
    tmp_path: Path, content: str, held: str
) -> None:
    """A turn that holds the string is left to the template, in whatever place; others are put together."""
    made = renderer(tmp_path, content)
    assert put_together(made, "mag", "ic")
    assert not put_together(made, held, "b")
    assert not put_together(made, "a", "b", "c", held)


@pytest.mark.parametrize(
    "content",
    [
        "m.content.rstrip('<|end|>')",
        "m.content[:500]",
        "'y' if m.content | length > 500 else m.content",
        "m.content if 'one' not in m.content or 'two' not in m.content else 'y'",
        "m.content | replace('{', '(') if loop.first else m.content",
        "'y' if m.content.isdigit() else m.content",
        "m.content if loop.index < 3 or not m.content.isupper() else 'y'",
        "m.content if 'one' not in m.content | lower or 'two' not in m.content | lower else 'y'",
        "m.content.split('\\n')[:12] | join('\\n')",
        "m.content.split('.')[:3] | join('.')",
        "'y' if m.content.split() | length == 37 else m.content",
        "'y' if m.content.split('\\n\\n') | length == 7 else m.content",
        "m.content if loop.first or m.content not in messages[0].content else 'y'",
    ],
)
def test_templates_that_react_to_anything_else_render_everything(
    tmp_path: Path, content: str
) -> None:
    """Letters, lengths, lines, several strings at once, kinds of text: nothing is proven, or put together."""
    assert renderer(tmp_path, content)._assembly is None


@pytest.mark.parametrize(
    ("content", "again"),
    [
        ("'y' if loop.index > 2 and m.content == messages[loop.index0 - 2].content", "hm"),
        ("'y' if m == messages[-1] and not loop.last", "hm"),
        ("'y' if loop.index > 1 and m.content | trim == messages[0].content | trim", " hm\n"),
        ("'y' if loop.index > 1 and m.content | lower == messages[0].content | lower", "HM"),
    ],
)
def test_turns_that_a_template_compares_are_rendered(
    tmp_path: Path, content: str, again: str
) -> None:
    """Dialogues that hold the same turn twice are left to a template that looks for it; others are put together."""
    made = renderer(tmp_path, content + " else m.content")
    assert put_together(made, "hm", "b", "c", "d")
    assert not put_together(made, "hm", "b", again, "d")
    assert not put_together(made, "hm", "b", "c", "d", "e", "b")


def test_templates_that_compare_nothing_put_the_same_turns_together(tmp_path: Path) -> None:
    """Saying the same twice, in whatever case, needs no rendering by itself."""
    made = renderer(tmp_path, "m.content | trim")
    assert put_together(made, "hm", "hm", " HM", "hm")


@pytest.mark.parametrize(
    ("content", "trap"),
    [
        ("'y' if 'magic' in m.content | lower else m.content", ["Magic", "b", "c", "d"]),
        ("m.content.split('\\n')[:12] | join('\\n')", ["a\n" * 20 + "a", "b", "c", "d"]),
        ("'y' if m == messages[-1] and not loop.last else m.content", ["a", "hm", "b", "hm"]),
    ],
)
def test_a_turn_that_is_altered_after_many_that_are_not_is_refused(
    tmp_path: Path, content: str, trap: list[str]
) -> None:
    """What a template does to one dialogue in twenty is seen, although no other showed it."""
    made = renderer(tmp_path, content)
    for number in range(20):
        made.render(said("a", "b", "c"), [{"role": "assistant", "content": f"d {number}"}])
    messages = said(*trap)
    assert made.render(messages[:-1], messages[-1:]) == Refused(ALTERED)


@pytest.mark.parametrize("content", ["m.content", "m.content | trim", "m.content.lstrip('\\n')"])
def test_blank_turns_are_rendered(tmp_path: Path, content: str) -> None:
    """What may be nothing once it is stripped is left to the template."""
    made = renderer(tmp_path, content)
    assert put_together(made, " a ", "\n\nb\n")
    assert not put_together(made, " ", "b")


def test_a_real_dialogue_that_differs_ends_it(tmp_path: Path) -> None:
    """What no proof foresaw is seen in the first dialogues, and from there on all of their length are rendered."""
    made = renderer(
        tmp_path, "m.content if messages[0].content != 'A' ~ 'b' else m.content | upper"
    )
    assert put_together(made, "a", "b")
    assert not put_together(made, "Ab", "b")
    assert not put_together(made, "a", "b")
    assert put_together(made, "a", "b", "c", "d")


def test_there_are_templates_to_try() -> None:
    """Those of the shapes, and TRL's where it is installed."""
    assert len(SHAPES) == 9
    assert not FOLDER.exists() or len(TRL) > 20
