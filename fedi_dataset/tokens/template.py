"""A chat template: renders messages as ``apply_chat_template`` does, and says what it marks as generated."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from fedi_dataset.errors import UsageError
from fedi_dataset.tokens.messages import Messages
from fedi_dataset.tokens.tokenizer import LoadedTokenizer

__all__ = ["GIVE_ANOTHER", "Constants", "Template"]

_GENERATION = re.compile(r"\{%(-?\s*)generation(\s*-?)%\}")
_END_GENERATION = re.compile(r"\{%(-?\s*)endgeneration(\s*-?)%\}")

GIVE_ANOTHER: Final = "Give another: --chat-template FILE."


class Constants(NamedTuple):
    """What a template writes or compares with, each once."""

    strings: tuple[str, ...]
    numbers: tuple[int, ...]
    """Above 1."""


class Template:
    """The template of one tokenizer, with what stands before every dialogue."""

    def __init__(self, loaded: LoadedTokenizer, system_prompt: str | None) -> None:
        self._tokenizer = loaded.tokenizer
        self.system: Messages = (
            [] if system_prompt is None else [{"role": "system", "content": system_prompt}]
        )
        self.marked = _GENERATION.search(loaded.template) is not None
        """Whether it says itself what is generated."""
        self._call, self.constants = _compiled(loaded)
        """What renders it, and what it holds; that is None where it is not known."""

    def render(
        self, conversations: Sequence[Messages], *, add_generation_prompt: bool = False
    ) -> list[str]:
        """Render conversations, each after the system prompt. Raises UsageError if that fails."""
        try:
            return [
                self._call([*self.system, *messages], add_generation_prompt)
                for messages in conversations
            ]
        except Exception:  # noqa: BLE001 - a template's expressions raise anything, and may quote a turn
            raise UsageError(
                "the chat template raises an error on a dialogue of user and assistant in turn"
                + (" after a system prompt. Leave that out, or g" if self.system else ". G")
                + GIVE_ANOTHER[1:]
            ) from None

    def generated(self, messages: Messages) -> list[tuple[int, int]]:
        """Characters of a rendered conversation between ``{% generation %}`` and its end, in order."""
        from transformers.utils.chat_template_utils import render_jinja_template

        _, (spans,) = render_jinja_template(
            [[*self.system, *messages]],
            chat_template=self._tokenizer.chat_template,
            return_assistant_tokens_mask=True,
            **self._tokenizer.special_tokens_map,
        )
        return [(begin, end) for begin, end in spans]


def _compiled(
    loaded: LoadedTokenizer,
) -> tuple[Callable[[Messages, bool], str], Constants | None]:
    """Give what renders messages, with or without a generation prompt, as apply_chat_template does; and what it holds.

    The library's way there copies every message and takes thrice as long. What it compiles is private, so where it
    is not found the library's way is taken; a sample is compared in any case.
    """
    try:
        from transformers.utils.chat_template_utils import _compile_jinja_template
    except ImportError:
        tokenizer = loaded.tokenizer
        return lambda messages, generation: tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=generation
        ), None
    # what tracks generation costs as much as all the rest; "with" has the same scope and the same white space
    untracked = _GENERATION.sub(r"{%\g<1>with\g<2>%}", loaded.template)
    untracked = _END_GENERATION.sub(r"{%\g<1>endwith\g<2>%}", untracked)
    template = _compile_jinja_template(untracked)
    special = dict(loaded.tokenizer.special_tokens_map)
    return lambda messages, generation: template.render(
        messages=messages, tools=None, documents=None, add_generation_prompt=generation, **special
    ), _constants(template.environment.parse(untracked))


def _constants(tree: Any) -> Constants:
    from jinja2 import nodes

    found = [one.value for one in tree.find_all(nodes.Const)]
    found += [one.data for one in tree.find_all(nodes.TemplateData)]
    return Constants(
        tuple(dict.fromkeys(one for one in found if isinstance(one, str) and one)),
        tuple(dict.fromkeys(one for one in found if isinstance(one, int) and one > 1)),
    )
