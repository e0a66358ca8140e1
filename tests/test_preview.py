"""Preview: which rows are shown, how they are laid out, what marks what is trained, and that no text is obeyed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.preview import Shown, Wanted, lines_of, preview
from fedi_dataset.preview.terminal import visible
from fedi_dataset.preview.tokens import Pieces
from fedi_dataset.release.manifest import MANIFEST, FileRecord, TokensRecord
from fedi_dataset.release.statistics import Statistics
from fedi_dataset.schema import PACKED_TOKENS, RELEASE_TABLES, TOKENS
from tests.commands import run
from tests.conftest import ReleaseCopy
from tests.release.test_manifest import MADE
from tests.tokens.shapes import SHAPES, save, template_of

Row = dict[str, Any]
Shards = Mapping[tuple[str, str], Sequence[Row]]
"""(Table, split) → rows; each is a row group of its own."""

ABOUT: Row = {"platform": "mastodon", "license": "CC0-1.0", "grants": []}


def dialogue(key: str, *said: str, response: int = 1, turns: int = 2, **about: object) -> Row:
    """Write a row of dialogues: messages in turn, of the conversation ``c`` and the key's last letter."""
    roles = ["user", "assistant"] * (len(said) // 2)
    messages = [
        {"role": role, "content": content} for role, content in zip(roles, said, strict=True)
    ]
    return {
        "dialogue_key": key,
        "conversation_key": f"c{key[-1]}",
        "response_turn": response,
        "prompt": messages[:-1],
        "completion": messages[-1:],
        "n_turns": turns,
        "n_speakers": 2,
        "language": "en",
        "context_languages": ["en"],
        **ABOUT,
        **about,
    }


def turn(number: int, speaker: int, parent: int | None, text: str, *, gap: bool = False) -> Row:
    """Write a turn of a conversation."""
    return {
        "turn": number,
        "speaker": speaker,
        "reply_to_turn": parent,
        "text": text,
        "language": "en",
        "gap": gap,
        "trainable": True,
    }


def conversation(key: str, *turns: Row, **about: object) -> Row:
    """Write a row of conversations."""
    return {"conversation_key": key, "turns": list(turns), "language": "en", **ABOUT, **about}


def post(key: str, text: str, **about: object) -> Row:
    """Write a row of posts."""
    row = {"post_key": key, "conversation_key": f"c{key}", "text": text, "language": "en"}
    return {**row, **ABOUT, **about}


def release(folder: Path, shards: Shards) -> Path:
    """Write shards and their manifest."""
    files = {}
    for (table, split), rows in shards.items():
        path = f"{table}/{split}-b.parquet"
        (folder / table).mkdir(parents=True, exist_ok=True)
        data = pa.Table.from_pylist(list(rows), RELEASE_TABLES[table])
        pq.write_table(data, folder / path, row_group_size=1)
        files[path] = FileRecord("00" * 32, 1, len(rows), table, split)
    tables = [table for table in RELEASE_TABLES if any(one == table for one, _ in shards)]
    manifest = msgspec.structs.replace(
        MADE, files=files, default_config=next(iter(tables), None), tokens=None
    )
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_bytes(manifest.encode())
    return folder


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A release with two dialogues of one conversation, and a fork below a gap."""
    return release(
        tmp_path / "release",
        {
            ("dialogues", "train"): [
                dialogue("aa1", "Is it open?", "Yes."),
                dialogue(
                    "ab1", "Is it open?", "Yes.", "Speaker 3: Sure?", "It is.", response=3, turns=4
                ),
                dialogue("ac2", "Until [PERSON_1] comes.", "Late, then.", response=1),
            ],
            ("dialogues", "test"): [
                dialogue("ba3", "Eins.", "Zwei.", language="de", platform="bluesky"),
            ],
            ("conversations", "train"): [
                conversation(
                    "c1",
                    turn(0, 1, None, "Is it open?"),
                    turn(1, 2, 0, "Yes."),
                    turn(2, 3, 1, "Sure?"),
                    turn(3, 2, 2, "It is."),
                ),
                conversation(
                    "c2",
                    turn(0, 1, None, "Until [PERSON_1] comes.", gap=True),
                    turn(1, 2, 0, "Late, then."),
                    turn(2, 1, None, "Which day?"),
                    turn(3, 3, 0, "At ten.\n\nNot before."),
                ),
            ],
            ("posts", "train"): [post("pa", "All mine.")],
        },
    )


def printed(*arguments: object) -> list[str]:
    """Run preview; give the lines on stdout."""
    ran = run("preview", *arguments)
    assert ran.code == 0, ran.err
    return ran.out.splitlines()


def keys(*arguments: object) -> list[str]:
    """Run preview; give the keys of the rows that it shows."""
    rows = json.loads("\n".join(printed(*arguments, "--json")))["rows"]
    return [row[RELEASE_TABLES[row["config"]].names[0]] for row in rows]


# --- what is shown --------------------------------------------------------------------------------


def test_a_dialogue_is_shown_with_what_is_trained_marked(talk: Path) -> None:
    """Messages stand below each other with their roles; what is trained begins with >, also without colors."""
    assert printed(talk, "--limit", 2) == [
        "dialogues aa1  train, en, mastodon, 2 turns, 2 speakers, CC0-1.0",
        "  user      Is it open?",
        "> assistant Yes.",
        "",
        "dialogues ab1  train, en, mastodon, 4 turns, 2 speakers, CC0-1.0",
        "  user      Is it open?",
        "  assistant Yes.",
        "  user      Speaker 3: Sure?",
        "> assistant It is.",
    ]


def test_a_gap_above_a_dialogue_is_shown(talk: Path) -> None:
    """A dialogue that begins below a gap says so, as its conversation knows."""
    assert printed(talk, "--key", "ac")[1:] == [
        "  [gap] what this answers is not in the dataset",
        "  user      Until [PERSON_1] comes.",
        "> assistant Late, then.",
    ]


def test_turns_that_were_left_out_are_shown(tmp_path: Path) -> None:
    """A dialogue that is shorter than its way says so."""
    turns = [
        turn(number, 1 + number % 2, number - 1 if number else None, "x") for number in range(4)
    ]
    folder = release(
        tmp_path / "release",
        {
            ("dialogues", "train"): [dialogue("a1", "Two.", "Three.", response=3, turns=2)],
            ("conversations", "train"): [conversation("c1", *turns)],
        },
    )
    assert printed(folder)[1] == "  [...] older turns were left out"
    assert json.loads(printed(folder, "--json")[0])["rows"][0]["above"] == "cut"


@pytest.mark.parametrize(
    ("responses", "above"), [((1, 2), [None, None]), ((2,), [None]), ((4,), ["cut"])]
)
def test_what_stands_in_another_row_was_not_left_out(
    tmp_path: Path, responses: tuple[int, ...], above: list[str | None]
) -> None:
    """Of a conversation of several rows the opener stands in the first alone, and is above what answers it elsewhere.

    Turns that really were left out are told of there too.
    """
    parts = [
        conversation("c1", turn(0, 1, None, "Open?"), turn(1, 2, 0, "Yes.")),
        conversation("c1", turn(2, 1, 0, "No."), turn(3, 2, 2, "Oh."), turn(4, 1, 3, "Well.")),
    ]
    rows = [dialogue(f"a{n}1", "Open?", "So.", response=n) for n in responses]
    shards = {("dialogues", "train"): rows, ("conversations", "train"): parts}
    folder = release(tmp_path / "r", shards)
    shown = json.loads(printed(folder, "--json")[0])["rows"]
    assert [row["above"] for row in shown] == above


def test_of_a_turn_that_is_missing_nothing_is_said(tmp_path: Path) -> None:
    """Where the way above a response cannot be climbed, neither a gap nor a cut is told."""
    shards = {
        ("dialogues", "train"): [dialogue("a21", "Open?", "No.", response=2)],
        ("conversations", "train"): [conversation("c1", turn(2, 1, 0, "No."))],
    }
    assert printed(release(tmp_path / "r", shards))[1:] == [
        "  user      Open?",
        "> assistant No.",
    ]


def test_a_conversation_is_a_tree(talk: Path) -> None:
    """Answers are indented below what they answer, gaps are shown, and only responses of dialogues are marked."""
    assert printed(talk, "--config", "conversations", "--key", "c2") == [
        "conversations c2  train, en, mastodon, 4 turns, 3 speakers, CC0-1.0",
        "  [gap] what this answers is not in the dataset",
        "    Speaker 1: Until [PERSON_1] comes.",
        ">     Speaker 2: Late, then.",
        "      Speaker 3: At ten.",
        "",
        "                 Not before.",
        "  Speaker 1: Which day?",
    ]


def test_a_long_chain_is_shown_without_end_of_the_margin(tmp_path: Path) -> None:
    """Beyond twenty levels the level is told instead of indented; a chain of thousands is no problem."""
    turns = [turn(n, 1 + n % 2, n - 1 if n else None, "x") for n in range(3_000)]
    folder = release(tmp_path / "r", {("conversations", "train"): [conversation("c1", *turns)]})
    lines = printed(folder)
    assert lines[21] == "  " * 21 + "Speaker 1: x"
    assert lines[22] == "  " * 21 + "(21) Speaker 2: x"
    assert lines[3_000] == "  " * 21 + "(2999) Speaker 2: x"


def test_part_of_a_long_conversation_says_what_it_hangs_on(tmp_path: Path) -> None:
    """In a row of its own a subtree names the turn that it answers, which stands in another row."""
    rows = [conversation("c1", turn(7, 2, 0, "Yes."), turn(9, 1, 7, "Good."))]
    assert printed(release(tmp_path / "r", {("conversations", "train"): rows}))[1:] == [
        "  [...] turn 0 stands in another row",
        "    Speaker 2: Yes.",
        "      Speaker 1: Good.",
    ]


def test_posts_are_trained_as_a_whole(talk: Path) -> None:
    """A row of posts is text that is trained."""
    assert printed(talk, "--config", "posts") == [
        "posts pa  train, en, mastodon, CC0-1.0",
        "> All mine.",
    ]


def test_rows_of_several_responses_mark_each_of_them(tmp_path: Path) -> None:
    """In multi_turn every message says for itself whether it is trained."""
    said = [("user", "One?", False), ("assistant", "Two.", True), ("user", "Three?", False)]
    said.append(("assistant", "Four.", True))
    row = {
        "multi_turn_key": "m1",
        "conversation_key": "c1",
        "dialogue_keys": ["a1", "b1"],
        "messages": [{"role": role, "content": text, "train": on} for role, text, on in said],
        "n_turns": 4,
        "n_speakers": 2,
        "language": "en",
        "context_languages": ["en"],
        **ABOUT,
    }
    folder = release(tmp_path / "r", {("multi_turn", "train"): [row]})
    assert printed(folder)[1:] == [
        "  user      One?",
        "> assistant Two.",
        "  user      Three?",
        "> assistant Four.",
    ]


@pytest.mark.parametrize(
    ("begin", "turns", "said"),
    [
        (True, 4, ["  [gap] what this answers is not in the dataset"]),
        (False, 4, []),
        (False, 2, ["  [...] older turns were left out"]),
    ],
)
def test_what_stands_above_rows_of_several_responses_is_shown(
    tmp_path: Path, begin: bool, turns: int, said: list[str]
) -> None:
    """In multi_turn as in the dialogue of the last response: a gap, or turns that were left out."""
    texts = ["One?", "Two.", "Three?", "Four."][-turns:]
    last = dialogue("b31", *texts, response=3, turns=turns)
    row = {
        **{name: last[name] for name in RELEASE_TABLES["multi_turn"].names if name in last},
        "multi_turn_key": "m1",
        "dialogue_keys": ["a11", "b31"][4 - turns and 1 :],
        "messages": [{**one, "train": False} for one in last["prompt"]]
        + [{**one, "train": True} for one in last["completion"]],
    }
    shards = {
        ("dialogues", "train"): [dialogue("a11", "One?", "Two."), last],
        ("multi_turn", "train"): [row],
        ("conversations", "train"): [
            conversation(
                "c1",
                turn(0, 1, None, "One?", gap=begin),
                *(turn(n, 1 + n % 2, n - 1, text) for n, text in enumerate(["2", "3", "4"], 1)),
            )
        ],
    }
    folder = release(tmp_path / "r", shards)
    shown = printed(folder, "--config", "multi_turn")
    assert [line for line in shown[1:] if line.startswith("  [")] == said
    assert shown[1 : 1 + len(said)] == said
    above = {"[gap]": "gap", "[...]": "cut"}[said[0].split()[0]] if said else None
    found = json.loads(printed(folder, "--config", "multi_turn", "--json")[0])
    assert found["rows"][0]["above"] == above


# --- which rows -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], ["aa1", "ab1", "ac2", "ba3"]),
        (["--limit", 1], ["aa1"]),
        (["--split", "test"], ["ba3"]),
        (["--language", "de"], ["ba3"]),
        (["--language", "de", "--language", "en", "--limit", 9], ["aa1", "ab1", "ac2", "ba3"]),
        (["--language", "DE"], ["ba3"]),
        (["--language", "und"], []),
        (["--platform", "mastodon"], ["aa1", "ab1", "ac2"]),
        (["--platform", "Bluesky"], ["ba3"]),
        (["--min-turns", 3], ["ab1"]),
        (["--max-turns", 2, "--platform", "mastodon"], ["aa1", "ac2"]),
        (["--key", "A"], ["aa1", "ab1", "ac2"]),
        (["--config", "conversations"], ["c1", "c2"]),
        (["--config", "conversations", "--min-turns", 5], []),
        (["--config", "conversations", "--max-turns", 4], ["c1", "c2"]),
    ],
)
def test_filters_pick_rows(talk: Path, filters: list[object], found: list[str]) -> None:
    """Every filter narrows; train comes before test, rows in the order of their shards."""
    assert keys(talk, *filters) == found


def test_no_row_is_said_on_stderr(talk: Path) -> None:
    """Filters that nothing meets print nothing on stdout and end well."""
    ran = run("preview", talk, "--language", "fr")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("no row is like that")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--config", "tokens"], "has no config tokens; it has dialogues, conversations, posts"),
        (["--split", "tset"], "has no split tset; it has train, test"),
        (["--config", "posts", "--min-turns", 2], "posts have no turns"),
        (["--config", "posts", "--tokens"], "--tokens does not go with posts"),
        (["--tokens"], "has no tokens; make them first: fedi-dataset tokenize"),
        (["--language", "en-US"], "'en-us' is not a language that the detectors know"),
        (["--language", "xx"], "'xx' is not a language that the detectors know"),
        (["--min-turns", 3, "--max-turns", 2], "--min-turns 3 is more than --max-turns 2"),
    ],
)
def test_what_cannot_be_shown_is_wrong_usage(talk: Path, options: list[object], said: str) -> None:
    """What the release does not have is exit 2 and a sentence that says what it has."""
    ran = run("preview", talk, *options)
    assert ran.code == 2
    assert said in ran.error


def test_no_release_and_no_rows_are_told(tmp_path: Path) -> None:
    """A folder that is no release, and one without rows, are exit 2."""
    assert "no release at" in run("preview", tmp_path / "none").error
    assert "has no rows" in run("preview", release(tmp_path / "empty", {})).error


def test_a_shard_that_is_not_what_it_was_is_told(talk: Path) -> None:
    """A shard that is gone or no Parquet file is exit 1, with the way to find out more."""
    shard = talk / "dialogues" / "train-b.parquet"
    shard.write_bytes(b"nothing")
    ran = run("preview", talk)
    assert ran.code == 1
    assert "`fedi-dataset audit` tells what is wrong" in ran.error
    shard.unlink()
    assert "cannot be read" in run("preview", talk).error


def test_the_first_rows_come_before_the_rest_is_read(talk: Path) -> None:
    """Rows are given as they are found: what lies behind the last one asked for is not opened."""
    (talk / "dialogues" / "test-b.parquet").unlink()
    assert [one.key for one in preview(talk, limit=3)] == ["aa1", "ab1", "ac2"]
    assert run("preview", talk, "--limit", 4).code == 1


def test_rows_are_data_too(talk: Path) -> None:
    """--json gives the row as the release has it, with where it stands and what other tables say."""
    shown = json.loads(printed(talk, "--key", "aa", "--json")[0])
    row = dialogue("aa1", "Is it open?", "Yes.")
    place = {"config": "dialogues", "split": "train", "path": "dialogues/train-b.parquet"}
    assert shown == {"release": str(talk), "rows": [{**place, **row, "above": None}]}
    shown = json.loads(printed(talk, "--config", "conversations", "--key", "c1", "--json")[0])
    assert shown["rows"][0]["trained_turns"] == [1, 3]


# --- other people's text --------------------------------------------------------------------------

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J[bold]red[/bold] \x9b31m :smile:\r\u202egnp.exe\u2066\x7f\u2028end"
)
HARMLESS = (
    "<U+001B>]0;owned<U+0007><U+001B>[2J[bold]red[/bold] <U+009B>31m :smile:<U+000D><U+202E>gnp.exe"
    "<U+2066><U+007F><U+2028>end"
)


def test_nothing_in_a_text_is_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Escape sequences, C1, bidi overrides, markup: all of it is shown, on a terminal and off it, and in JSON."""
    folder = release(
        tmp_path / "r", {("dialogues", "train"): [dialogue("a1", HOSTILE, HOSTILE + "\tx")]}
    )
    assert printed(folder)[1:] == [f"  user      {HARMLESS}", f"> assistant {HARMLESS} x"]
    data = run("preview", folder, "--json").out
    assert data.isascii()
    assert "\x7f" not in data
    assert json.loads(data)["rows"][0]["prompt"][0]["content"] == HOSTILE
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "400")
    shown = run("preview", folder).out
    assert HARMLESS in shown
    assert set(colors(shown)) <= {"0", "1", "32", "36", "1;36"}


def colors(text: str) -> list[str]:
    """Give what stands in escape sequences; each begins a color or ends one."""
    parts = [part.partition("m")[0] for part in text.split("\x1b[")[1:]]
    assert text.count("\x1b") == len(parts)
    return parts


@given(st.text())
@settings(max_examples=200)
def test_whatever_is_printed_is_seen(text: str) -> None:
    """No character of any text is left that a terminal obeys or nobody sees; letters and emoji stay."""
    import unicodedata

    shown = visible(text)
    kinds = {unicodedata.category(one) for one in shown if one not in "\u200c\u200d"}
    assert kinds.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert visible("Grüße, 日本 👩\u200d🚀 می\u200cخواهم") == "Grüße, 日本 👩\u200d🚀 می\u200cخواهم"


def test_colors_are_for_terminals(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is trained is green on a terminal, placeholders and gaps differ; NO_COLOR takes all of it away."""
    assert "\x1b" not in run("preview", talk).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    lines = run("preview", talk, "--key", "ac").out.splitlines()
    assert lines[-4:] == [
        "  \x1b[33m[gap] what this answers is not in the \x1b[0m",
        "  \x1b[33mdataset\x1b[0m",
        "  \x1b[1muser      \x1b[0mUntil \x1b[35m[PERSON_1]\x1b[0m comes.",
        "\x1b[32m> \x1b[0m\x1b[1massistant \x1b[0m\x1b[32mLate, then.\x1b[0m",
    ]
    monkeypatch.setenv("NO_COLOR", "1")
    shown = run("preview", talk, "--key", "ac").out
    assert set(colors(shown)) <= {"0", "1"}
    assert shown.splitlines()[-1].endswith("Late, then.")


def test_wrapped_lines_keep_their_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a narrow terminal a long text goes on below itself, and each of its lines says that it is trained."""
    folder = release(
        tmp_path / "r", {("dialogues", "train"): [dialogue("a1", "Why?", "word " * 12 + "end")]}
    )
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    lines = [
        line.replace("\x1b[1m", "").replace("\x1b[0m", "")
        for line in run("preview", folder).out.splitlines()
    ]
    assert [line.rstrip() for line in lines[-3:]] == [
        "> assistant word word word word word",
        ">           word word word word word",
        ">           word word end",
    ]


def test_a_terminal_of_few_characters_shows_the_others_as_numbers(talk: Path) -> None:
    """Where stdout cannot spell a character, it is written out instead of ending in an error."""
    from click.testing import CliRunner

    from fedi_dataset.cli import main

    shutil.rmtree(talk)
    folder = release(talk, {("posts", "train"): [post("pa", "Grüße 日本")]})
    result = CliRunner(charset="ascii").invoke(main, ["preview", str(folder)])
    assert (result.exit_code, result.stdout_bytes.splitlines()[1]) == (
        0,
        b"> Gr\\xfc\\xdfe \\u65e5\\u672c",
    )


# --- tokens ---------------------------------------------------------------------------------------


def tokenized(folder: Path, *, packed: bool = False) -> tuple[Path, Path]:
    """Give a release with tokens, and its tokenizer's folder; dialogue ab1 has none."""
    from fedi_dataset.tokens import Rendered, Renderer, load_tokenizer

    tokenizer = save(SHAPES["chatml"], folder / "tokenizer", template_of("chatml"))
    loaded = load_tokenizer(str(tokenizer), None)
    rows = [
        dialogue("aa1", "Fish?", "Ω waits."),
        dialogue("ab1", "Is", "x"),
        dialogue("ac1", "Hm", "the"),
    ]
    made = release(folder / "release", {("dialogues", "train"): rows})
    encoded = [
        {"dialogue_key": row["dialogue_key"], "input_ids": one.input_ids, "labels": one.labels}
        for row in (rows[0], rows[2])
        for one in [Renderer(loaded).render(row["prompt"], row["completion"])]
        if isinstance(one, Rendered)
    ]
    assert len(encoded) == 2
    table = pa.Table.from_pylist(encoded, TOKENS)
    if packed:
        table = pa.Table.from_pylist(
            [
                {
                    "dialogue_keys": [one["dialogue_key"] for one in encoded],
                    "input_ids": [i for one in encoded for i in one["input_ids"]],
                    "labels": [i for one in encoded for i in one["labels"]],
                    "seq_lengths": [len(one["input_ids"]) for one in encoded],
                    "position_ids": [p for one in encoded for p in range(len(one["input_ids"]))],
                }
            ],
            PACKED_TOKENS,
        )
    (made / "tokens").mkdir()
    pq.write_table(table, made / "tokens" / "train-b.parquet", row_group_size=1)
    (made / "tokens" / "chat_template.jinja").write_text(loaded.template)
    manifest = msgspec.json.decode((made / MANIFEST).read_bytes(), type=type(MADE))
    record = TokensRecord(
        tokenizer=str(tokenizer),
        tokenizer_sha256=loaded.tokenizer_sha256,
        template_sha256=loaded.template_sha256,
        max_length=64,
        dialogues="",
        dropped_turns=0,
        statistics=Statistics(),
    )
    changed = msgspec.structs.replace(
        manifest,
        files={
            **manifest.files,
            "tokens/train-b.parquet": FileRecord("00" * 32, 1, table.num_rows, "tokens", "train"),
        },
        tokens=record,
    )
    (made / MANIFEST).write_bytes(changed.encode())
    return made, tokenizer


@pytest.mark.parametrize("packed", [False, True])
def test_tokens_are_shown_with_boundaries_and_mask(tmp_path: Path, packed: bool) -> None:
    """Each token ends with |, what is trained stands on lines that begin with >, packed or not.

    A character of several tokens says of how many; a dialogue without tokens says why it may have none.
    """
    made, _ = tokenized(tmp_path, packed=packed)
    assert printed(made, "--tokens") == [
        "dialogues aa1  train, en, mastodon, 2 turns, 2 speakers, CC0-1.0",
        "  user      Fish?",
        "> assistant Ω waits.",
        "  17 ids, 5 of them trained",
        "  <|im_start|>|user|\\n|",
        "  F|ish|?|<|im_end|>|\\n|",
        "  <|im_start|>|assistant|\\n|",
        "> Ω<2>| waits|.|<|im_end|>|",
        "  \\n|",
        "",
        "dialogues ab1  train, en, mastodon, 2 turns, 2 speakers, CC0-1.0",
        "  user      Is",
        "> assistant x",
        "  no tokens: too long for max_length, or it holds the template's marks",
        "",
        "dialogues ac1  train, en, mastodon, 2 turns, 2 speakers, CC0-1.0",
        "  user      Hm",
        "> assistant the",
        "  14 ids, 3 of them trained",
        "  <|im_start|>|user|\\n|",
        "  H|m|<|im_end|>|\\n|",
        "  <|im_start|>|assistant|\\n|",
        "> t|he|<|im_end|>|",
        "  \\n|",
    ]


def test_tokens_are_data_too(tmp_path: Path) -> None:
    """--json gives pieces whose ids are those of the release, in order."""
    made, _ = tokenized(tmp_path)
    rows = json.loads(printed(made, "--tokens", "--json")[0])["rows"]
    ids = pq.read_table(made / "tokens" / "train-b.parquet")["input_ids"].to_pylist()
    assert [i for one in rows[0]["tokens"] for i in one["ids"]] == ids[0]
    assert rows[1]["tokens"] is None
    (omega,) = (one for one in rows[0]["tokens"] if one["text"] == "Ω")
    assert (len(omega["ids"]), omega["trained_ids"]) == (2, 2)


def test_a_tokenizer_that_is_gone_or_another_is_told(tmp_path: Path) -> None:
    """Ids are never shown by a tokenizer that did not make them; the error says what to do."""
    made, tokenizer = tokenized(tmp_path)
    shutil.rmtree(tokenizer)
    save(SHAPES["qwen3"], tokenizer, template_of("qwen3"))
    ran = run("preview", made, "--tokens")
    assert ran.code == 2
    assert "is not the one that made the tokens" in ran.error
    shutil.rmtree(tokenizer)
    ran = run("preview", made, "--tokens")
    assert ran.code == 2
    assert "cannot be shown" in ran.error
    assert "or look at it without --tokens" in ran.error
    assert printed(made)[0].startswith("dialogues aa1")


@given(st.text(alphabet="ab é日🎉\u200d\ufffd\n", max_size=30))
@settings(max_examples=60)
def test_pieces_are_the_text(text: str) -> None:
    """Pieces joined are what the ids decode to, and hold every id once, in order."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from tokenizers.trainers import BpeTrainer

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=256, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator([], trainer)
    ids = backend.encode(text).ids
    pieces = Pieces(backend).of(ids, [-100] * len(ids))
    assert [token for one in pieces for token in one.ids] == ids
    assert "".join(one.text for one in pieces) == text
    assert not any(one.trained for one in pieces)


# --- a built release ------------------------------------------------------------------------------


def test_a_built_release_is_shown_whole(release_copy: ReleaseCopy) -> None:
    """Of every table of a real release every row is shown, and every dialogue's response is marked in its thread."""
    folder = release_copy.release
    files = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=type(MADE)).files.values()
    configs = {one.table for one in files if one.table in RELEASE_TABLES}
    shown = {config: list(preview(folder, Wanted(config), limit=10_000)) for config in configs}
    responses = {
        (one.row["conversation_key"], one.row["response_turn"]) for one in shown["dialogues"]
    }
    marked = {(one.key, number) for one in shown["conversations"] for number in one.trained}
    assert responses == marked
    assert marked
    gaps = {one.above for one in shown["dialogues"]}
    assert gaps == {None, "gap"}
    every: list[Shown] = [one for rows in shown.values() for one in rows]
    assert all(list(lines_of(one)) for one in every)
    assert len(every) == sum(one.rows or 0 for one in files if one.table in configs)


def test_a_shard_with_bytes_that_are_no_text_is_told_of(release_copy: ReleaseCopy) -> None:
    """What no longer is UTF-8 is a damaged file, said in a sentence that quotes none of it."""
    path = next((release_copy.release / "dialogues").glob("train-*.parquet"))
    table = pq.read_table(path)
    said: str = table["completion"][0].as_py()[0]["content"]
    pq.write_table(table, path, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(said.encode(), b"\xff" * len(said.encode())))
    ran = run("preview", release_copy.release, "--limit", 1000)
    assert ran.code != 0
    assert f"{path} cannot be read as the manifest says" in ran.err
    assert said not in ran.err
