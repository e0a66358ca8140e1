"""The documents say what is so: commands, options, snippets, links, the map of the code."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

import fedi_dataset
from fedi_dataset.cli import main
from fedi_dataset.config import BuildConfig
from scripts.make_cli_docs import PAGE, cli_page, commands
from scripts.make_map import code_map
from scripts.make_readme import demo_output, shortened

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "docs/canaries.md",
    "docs/cli.md",
    "docs/dialogues.md",
    "docs/erasure.md",
    "docs/hub.md",
    "docs/privacy.md",
)
COMMANDS = dict(commands())
LEAVES = [path for path, one in COMMANDS.items() if not isinstance(one, click.Group)]

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def text_of(document: str) -> str:
    """Read a document of the repository."""
    return (ROOT / document).read_text("utf-8")


def fenced(document: str, language: str) -> list[str]:
    """Give the contents of a document's fenced blocks of a language, in their order."""
    return [body for kind, body in FENCE.findall(text_of(document)) if kind == language]


def shell_lines(document: str) -> Iterator[list[str]]:
    """Give the command lines of a document's shell blocks as words, continued lines joined."""
    for block in fenced(document, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def anchor(heading: str) -> str:
    """Spell a heading as the fragment by which links reach it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    """docs/cli.md equals what --help says; `make docs` writes it."""
    assert PAGE.read_text("utf-8") == cli_page()


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_documented(path: str) -> None:
    """Each command and group has a help text, and a heading in docs/cli.md."""
    assert COMMANDS[path].help
    assert f"\n## {path}\n" in text_of("docs/cli.md")


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_has_an_example_of_itself(path: str) -> None:
    """The help of each command ends with examples, of itself first, whose commands and options exist."""
    command = COMMANDS[path]
    examples = (command.epilog or "").replace("\\\n", " ").splitlines()
    calls = [shlex.split(line) for line in examples if line.strip().startswith("fedi-dataset")]
    assert " ".join(calls[0]).startswith(f"{path} ")
    for words in calls:
        assert unknown_words(words) == []


@pytest.mark.parametrize("path", LEAVES)
def test_readme_shows_every_command(path: str) -> None:
    """Each command is named in README.md, so that none is found by chance only."""
    assert path in text_of("README.md")


def unknown_words(words: list[str]) -> list[str]:
    """Give the commands and options in a call of fedi-dataset that do not exist."""
    command: click.Command = main
    rest = words[1:]
    while isinstance(command, click.Group) and rest:
        found = command.commands.get(rest[0])
        if found is None:
            return [rest[0]]
        command, rest = found, rest[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_shell_blocks_call_what_exists(document: str) -> None:
    """Every fedi-dataset and make line of a document names commands, options and targets that exist."""
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.M))
    for words in shell_lines(document):
        if words[0] == "fedi-dataset":
            assert unknown_words(words) == []
        if words[0] == "make":
            assert set(words[1:]) <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_named_in_prose_exist(document: str) -> None:
    """`fedi-dataset ...` in running text names a command that exists."""
    for call in re.findall(r"`(fedi-dataset [^`]+)`", text_of(document)):
        first, *others = call.split("|")  # as in `fedi-dataset consent give|renew`
        words = shlex.split(first)
        assert unknown_words(words) == []
        for other in others:
            assert unknown_words([*words[:-1], other]) == []


@pytest.mark.parametrize("snippet", fenced("README.md", "python"))
def test_python_snippets_compile_and_import_what_exists(snippet: str) -> None:
    """Every Python snippet of README.md compiles, and takes public names only from this package."""
    tree = ast.parse(snippet)
    compile(tree, "README.md", "exec")
    taken = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fedi_dataset")
        for alias in node.names
    ]
    assert set(taken) <= set(fedi_dataset.__all__)


def test_the_config_shown_is_valid() -> None:
    """The config file that README.md shows is one that build takes."""
    (shown,) = fenced("README.md", "yaml")
    config = BuildConfig.from_dict(yaml.safe_load(shown))
    assert config.languages == ("en", "de")
    assert config.minimum_age == 18


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    """Every link inside the repository names a file that exists and, if any, a heading in it."""
    for link in LINK.findall(text_of(document)):
        if link.startswith("https://"):
            continue
        path, _, fragment = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.is_file(), link
        if fragment:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.M)
            assert fragment in map(anchor, headings), link


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    """CHANGELOG.md has an Unreleased section, and it is the first one."""
    assert re.findall(r"^## (.+)$", text_of("CHANGELOG.md"), re.M)[0] == "[Unreleased]"


def test_the_map_has_every_module() -> None:
    """CONTRIBUTING.md's map is made of all modules and what they say of themselves; `make docs` writes it."""
    assert f"\n## The map\n\n{code_map()}\n" in text_of("CONTRIBUTING.md")
    assert "| `pipeline.py` | build(): " in code_map()


@pytest.mark.slow
def test_readme_shows_what_the_demo_prints() -> None:
    """The output in README.md is that of the demo, shortened by rule; `make docs` writes it."""
    assert fenced("README.md", "text")[0].splitlines() == shortened(demo_output())


def test_shortening_says_where_it_left_something_out() -> None:
    """Whatever is left out has `...` in its place, once for lines that follow each other."""
    printed = [
        "items: 9 in, 4 kept, 5 dropped",
        *(f"        {rows}  {'a' * rows}_reason  a sentence" for rows in range(6, 0, -1)),
        "posts: 4 in, 4 kept, 0 dropped",
        "release written to demo-release",
        "One dialogue:",
        *("       user  Yes?", "  assistant  No.") * 3,
        "             and so on",
        "",
        "Load it:",
        "  from datasets import load_dataset",
    ]
    assert shortened(printed) == [
        *printed[:5],
        "...",
        printed[7],
        "...",
        "One dialogue:",
        *("       user  Yes?", "  assistant  No.") * 2,
        "...",
    ]
