"""The templates that TRL ships for training: each is rendered as the library does, or refused with its reason."""

from __future__ import annotations

import re
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import pytest
from tokenizers import AddedToken

from fedi_dataset.errors import UsageError
from fedi_dataset.tokens import Rendered, Renderer, load_tokenizer
from fedi_dataset.tokens.messages import said
from fedi_dataset.tokens.rendering import IGNORED, Row
from tests.tokens.shapes import Shape, save

_TRL = find_spec("trl")
FOLDER = Path(_TRL.origin).parent / "chat_templates" if _TRL and _TRL.origin else Path("absent")
NAMES = sorted(path.stem for path in FOLDER.glob("*.jinja"))

MARKS = re.compile(r"<[|｜/]?[\w▁]+[|｜]?>|\[/?[A-Z_]+\]|<\|[\w]+:?|<｜[\w▁]+｜>")

DIALOGUE = (
    "Where does the heron wait?",
    "In the shallow water.",
    "  And the fish?\n\nDoes it wait too? ",
    "Yes 👩\u200d🚀, it does.",
)


def tokenizer_of(name: str, folder: Path) -> str:
    """Give a folder with a tokenizer that has every mark of a template, and the template."""
    template = (FOLDER / f"{name}.jinja").read_text("utf-8")
    marks = sorted({*MARKS.findall(template), "<s>", "</s>"})
    shape = Shape(
        tuple(AddedToken(mark, special=True, normalized=False) for mark in marks),
        "</s>",
        bos="<s>",
        eos="</s>",
    )
    return str(save(shape, folder, template))


REFUSED = {
    "deepseek_r1_distill": "rewrites a prompt",
    "deepseekv3": "rewrites a prompt",
    "nemotron_3_5_lightning": "rewrites a prompt",
    "nemotron_3_nano": "rewrites a prompt",
    "nemotron_3_super": "rewrites a prompt",
    "nemotron_3_ultra": "rewrites a prompt",
    "glm4moe": "no end-of-turn token",
    "gptoss": "today's date",
    "gptoss_training": "today's date",
    "llama3_2": "today's date",
    "muse_glimmer": "today's date",
    "muse_glimmer_training": "today's date",
    "idefics3": "leaves out or alters a turn",
    "idefics3_training": "leaves out or alters a turn",
    "smolvlm": "leaves out or alters a turn",
    "smolvlm_training": "leaves out or alters a turn",
    "llava_next": "does not take a user's turn",
    "llava_next_training": "does not take a user's turn",
}
"""Templates that cannot be used, and what is said of them; the last six are made for pictures."""

pytestmark = pytest.mark.skipif(not NAMES, reason="TRL's templates come with the extra train")


@pytest.mark.parametrize("name", REFUSED)
def test_unusable_templates_are_refused_with_their_reason(name: str, tmp_path: Path) -> None:
    """What rewrites a prompt, has no end of turn, writes the date or wants no text is not trained with."""
    with pytest.raises(UsageError, match=rf"chat template .*{REFUSED[name]}"):
        Renderer(load_tokenizer(tokenizer_of(name, tmp_path), None))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_ids_and_labels_are_the_librarys(name: str, tmp_path: Path) -> None:
    """Ids equal apply_chat_template's; labels are the last run of its assistant mask where it has one."""
    loaded = load_tokenizer(tokenizer_of(name, tmp_path), None)
    renderer = Renderer(loaded)
    messages = [
        {"role": ("user", "assistant")[place % 2], "content": content}
        for place, content in enumerate(DIALOGUE)
    ]
    rendered = renderer.render(messages[:-1], messages[-1:])
    assert isinstance(rendered, Rendered)
    theirs = loaded.tokenizer.apply_chat_template(
        messages, return_dict=True, return_assistant_tokens_mask=True
    )
    assert rendered.input_ids == theirs["input_ids"]
    mask = [label != IGNORED for label in rendered.labels]
    trained = [label for label in rendered.labels if label != IGNORED]
    assert rendered.labels == [
        one if kept else IGNORED for one, kept in zip(rendered.input_ids, mask, strict=True)
    ]
    if any(theirs["assistant_masks"]):
        runs = [(value, len(list(run))) for value, run in groupby(theirs["assistant_masks"])]
        last = max(place for place, (value, _) in enumerate(runs) if value)
        assert mask == [
            place == last for place, (_, length) in enumerate(runs) for _ in range(length)
        ]
    else:
        assert trained[-1] == renderer.end_of_turn_id
    assert renderer.end_of_turn_id in trained


ONE_RESPONSE = dict.fromkeys(
    ("qwen3_5_nothink", "qwen3_5_think", "qwen3_6"), "opens a reply differently once it is answered"
)
"""Templates that write an answered reply in another way than the last, by what is said of them."""


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_several_responses_are_the_masks_of_theirs(name: str, tmp_path: Path) -> None:
    """Of two replies both are trained: as the library's mask has them, or as each has it alone; or it is refused."""
    loaded = load_tokenizer(tokenizer_of(name, tmp_path), None)
    renderer = Renderer(loaded)
    row = Row(said(*DIALOGUE), (1, 3))
    if name in ONE_RESPONSE:
        with pytest.raises(UsageError, match=ONE_RESPONSE[name]):
            renderer.render_rows([row])
        return
    (shared,) = renderer.render_rows([row])
    ((_, both),) = shared.rendered
    theirs = loaded.tokenizer.apply_chat_template(
        list(row.messages), return_dict=True, return_assistant_tokens_mask=True
    )
    assert both.input_ids == theirs["input_ids"]
    last = renderer.render(row.messages[:3], row.messages[3:])
    assert isinstance(last, Rendered)
    begin = next(place for place, label in enumerate(last.labels) if label != IGNORED)
    first = both.labels[:begin]
    assert both.labels[len(first) :] == last.labels[len(first) :]
    assert [one for one in first if one == renderer.end_of_turn_id] == [renderer.end_of_turn_id]
    if any(theirs["assistant_masks"]):
        assert [label != IGNORED for label in both.labels] == list(
            map(bool, theirs["assistant_masks"])
        )
