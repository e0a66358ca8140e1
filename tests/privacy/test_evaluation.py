"""Scoring a detector on gold: what counts as found, as wrong, as touched; files; the social set."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.errors import UsageError
from fedi_dataset.privacy.detector import LANGUAGES, Detector
from fedi_dataset.privacy.evaluation import IDENTIFYING, Piece, evaluate
from fedi_dataset.privacy.gold import Gold, GoldSpan, read_gold
from fedi_dataset.privacy.rates import wilson
from fedi_dataset.privacy.scrub import Scrubbed
from fedi_dataset.privacy.spans import Mark
from scripts.evaluate_privacy import main
from scripts.make_gold import GOLD, NAMES, record, records


def scrubbed(text: str, *marks: tuple[int, int, str]) -> Scrubbed:
    """Give a text as scrub would, with these marks."""
    return Scrubbed(text, tuple(Mark(begin, end, entity, "x") for begin, end, entity in marks))


def test_half_of_the_letters_is_found_whatever_they_are_masked_as() -> None:
    """A gold span counts as found from half of its non-blank characters on, under any name."""
    gold = Gold("Ada Falk", (GoldSpan(0, 8, "PERSON"),))
    recall = [
        evaluate([(gold, "en", scrubbed(gold.text, (0, end, "HANDLE")))]).to_dict()["identifying"][
            "recall"
        ]
        for end in (3, 4, 5, 8)
    ]
    assert recall == [0.0, 0.0, 1.0, 1.0]  # 3, 3, 4 and 7 of 7 letters: blanks do not count


def test_precision_leaves_other_labels_out() -> None:
    """Characters masked in a gold span of another label are neither right nor wrong."""
    text = "Ada met ACME on Monday"
    gold = Gold(text, (GoldSpan(0, 3, "PERSON"), GoldSpan(8, 12, "ORGANIZATION")))
    marks = [(0, 3, "PERSON"), (8, 12, "PERSON"), (16, 22, "PERSON")]
    result = evaluate([(gold, "en", scrubbed(text, *marks))])
    figures = result.to_dict()["identifying"]
    assert (figures["characters_right"], figures["characters_wrong"]) == (3, 6)
    assert figures["precision"] == round(3 / 9, 4)
    assert result.wrong == [Piece(1, 16, 22, "PERSON")]
    assert result.misses == []


def test_plain_touched_counts_texts_without_any_gold() -> None:
    """Only texts without any gold span are plain; one mark touches one."""
    plain, named = Gold("May is nice"), Gold("Acme", (GoldSpan(0, 4, "ORGANIZATION"),))
    cases = [
        (plain, "en", scrubbed(plain.text, (0, 3, "PERSON"))),
        (plain, "de", scrubbed(plain.text)),
        (named, "de", scrubbed(named.text, (0, 4, "PERSON"))),
    ]
    result = evaluate(cases).to_dict()
    assert (result["plain"], result["touched"], result["plain_touched"]) == (2, 1, 0.5)
    assert result["languages"]["de"]["plain_touched"] == 0.0
    assert result["identifying"]["recall"] is None


def test_refused_texts_are_counted_apart() -> None:
    """A refused text reaches no release: it is in no rate, and its identifying spans are told."""
    gold = Gold("Ada at Acme", (GoldSpan(0, 3, "PERSON"), GoldSpan(7, 11, "ORGANIZATION")))
    seen = Gold("Bob", (GoldSpan(0, 3, "PERSON"),))
    refused = Scrubbed("", refused="no_detector_for_language")
    cases = [(gold, "xx", refused), (seen, "en", scrubbed("Bob", (0, 3, "PERSON")))]
    result = evaluate(cases).to_dict()
    assert result["refused"] == {
        "texts": 1,
        "spans": 1,
        "reasons": {"no_detector_for_language": 1},
    }
    assert (result["texts"], result["identifying"]["recall"]) == (1, 1.0)


def test_labels_and_languages_have_their_own_figures() -> None:
    """Recall goes by the gold's label, precision by the mark's name; misses by label."""
    text = "Ada 555-0100"
    gold = Gold(text, (GoldSpan(0, 3, "PERSON"), GoldSpan(4, 12, "PHONE_NUMBER")))
    result = evaluate([(gold, "nl", scrubbed(text, (4, 12, "GEO")))], IDENTIFYING).to_dict()
    labels = result["labels"]
    assert [labels[one]["recall"] for one in ("PERSON", "PHONE_NUMBER", "GEO")] == [0.0, 1.0, None]
    assert [labels[one]["precision"] for one in ("PERSON", "GEO")] == [None, 1.0]
    assert result["misses"] == {"PERSON": 1}
    assert result["languages"]["nl"]["identifying"] == result["identifying"]


def test_other_identifying_labels_change_the_sides() -> None:
    """What identifies is the caller's choice: with organizations in it, they must be masked."""
    gold = Gold("Acme", (GoldSpan(0, 4, "ORGANIZATION"),))
    result = evaluate([(gold, "en", scrubbed("Acme"))], ["ORGANIZATION"])
    assert result.misses == [Piece(1, 0, 4, "ORGANIZATION")]


def test_scored_text_must_be_the_golds() -> None:
    """Marks of another text raise, with the record's number and without its words."""
    with pytest.raises(ValueError, match="record 1") as caught:
        evaluate([(Gold("Ada"), "en", scrubbed("Bob"))])
    assert "Ada" not in str(caught.value)


def test_wilson_is_what_the_books_say() -> None:
    """Known intervals: 0 of 10, 10 of 10, 5 of 10 and nothing at all."""
    rounded = [tuple(round(one, 4) for one in wilson(*of)) for of in ((0, 10), (10, 10), (5, 10))]
    assert rounded == [(0.0, 0.2775), (0.7225, 1.0), (0.2366, 0.7634)]
    assert wilson(0, 0) == (0.0, 1.0)


@settings(max_examples=50)
@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_share(trials: int, data: st.DataObject) -> None:
    """The share itself always lies in its interval, which lies in [0, 1]."""
    successes = data.draw(st.integers(0, trials))
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1


def written(folder: Path, content: str) -> Path:
    """Write a gold file."""
    path = folder / "gold.json"
    path.write_text(content, "utf-8")
    return path


RECORD = {
    "full_text": "🦔 Ada",
    "spans": [
        {"entity_type": "PERSON", "entity_value": "Ada", "start_position": 2, "end_position": 5}
    ],
}


def test_both_forms_of_file_read_alike(tmp_path: Path) -> None:
    """A JSON list and one record a line give the same gold; offsets count code points."""
    expected = [Gold("🦔 Ada", (GoldSpan(2, 5, "PERSON"),))] * 2
    assert read_gold(written(tmp_path, json.dumps([RECORD, RECORD]))) == expected
    lines = json.dumps(RECORD) + "\n\n" + json.dumps(RECORD, ensure_ascii=False) + "\n"
    assert read_gold(written(tmp_path, lines)) == expected


@pytest.mark.parametrize(
    ("extra", "language"),
    [
        ({}, None),
        ({"metadata": None}, None),
        ({"language": "nl"}, "nl"),
        ({"metadata": {"Language": "fr"}}, "fr"),
        ({"metadata": {"language": "pt-BR"}, "language": "nl"}, "pt-BR"),
    ],
)
def test_language_is_where_files_say_it(
    tmp_path: Path, extra: dict[str, object], language: str | None
) -> None:
    """The metadata's language comes before the record's."""
    [gold] = read_gold(written(tmp_path, json.dumps([RECORD | extra])))
    assert gold.language == language


def _broken(**changes: object) -> str:
    return json.dumps([RECORD, {**RECORD, "spans": [{**RECORD["spans"][0], **changes}]}])  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "gold.json holds no record"),
        ("[", "cannot read the gold file"),
        ("Ada Falk", "cannot read the gold file"),
        ('[{"text": "Ada"}]', "record 1 has no full_text"),
        ("[7]", "record 1 has no full_text"),
        ('[{"full_text": "Ada", "spans": 7}]', "record 1: its spans are not a list"),
        ('[{"full_text": "Ada", "language": 7}]', "record 1: its language"),
        (_broken(end_position=6), r"record 2, span 1: \[2, 6\) is not within 5 characters"),
        (_broken(start_position=-1), "record 2, span 1"),
        (_broken(start_position=5), "record 2, span 1"),
        (_broken(start_position="2"), "record 2, span 1: it needs entity_type"),
        (_broken(entity_value="Eve"), "record 2, span 1: entity_value is not what stands"),
        (_broken(start_position=1, end_position=2, entity_value=" "), "nothing but blanks"),
    ],
)
def test_bad_files_are_refused_without_their_words(tmp_path: Path, content: str, says: str) -> None:
    """What is not a gold file is a UsageError that names the record and never quotes it."""
    with pytest.raises(UsageError, match=says) as caught:
        read_gold(written(tmp_path, content))
    assert "Ada" not in str(caught.value)
    assert caught.value.__cause__ is None


def _bare(label: str, begin: int, end: int) -> dict[str, object]:
    return {"entity_type": label, "start_position": begin, "end_position": end}


def test_script_scores_a_file(
    tmp_path: Path, detector: Detector, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script prints one JSON object with the figures, or a table with examples, and exits 0."""
    mail = "Write to ada.falk@example.org, please."
    found = {"full_text": mail, "spans": [_bare("EMAIL_ADDRESS", 9, 29)]}
    plain = {"full_text": "We will see about that tomorrow.", "spans": []}
    missed = {"full_text": "see hedgehog", "spans": [_bare("HANDLE", 4, 12)]}
    path = str(written(tmp_path, json.dumps([found, plain, missed])))
    assert main([path, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["identifying"]["recall"] == 0.5
    assert result["identifying"]["precision"] == 1.0
    assert (result["plain_touched"], result["texts"]) == (0.0, 3)
    assert result["labels"]["EMAIL_ADDRESS"]["found"] == 1
    assert result["misses"] == {"HANDLE": 1}
    assert result["detector"] == detector.version
    assert "hedgehog" not in json.dumps(result)
    assert main([path, "--misses", "1", "--identifying", "HANDLE"]) == 0
    assert "'see >>hedgehog<<'" in capsys.readouterr().out


def test_script_refuses_what_it_cannot_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing file and a blank list of labels end with exit code 2 and a message on stderr."""
    assert main([str(tmp_path / "none.json")]) == 2
    path = written(tmp_path, json.dumps([RECORD]))
    assert main([str(path), "--identifying", " , "]) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.count("error: ") == 2


def test_marked_lines_become_records() -> None:
    """Marks, line breaks and escapes of the social set's source give text with right offsets."""
    made = record("mastodon: Hi {{PERSON|Ada}},⏎x\\u200by {{GEO|1, 2}}", "en")
    assert made["full_text"] == "Hi Ada,\nx\u200by 1, 2"
    assert [
        (one["entity_type"], made["full_text"][one["start_position"] : one["end_position"]])
        for one in made["spans"]
    ] == [("PERSON", "Ada"), ("GEO", "1, 2")]
    assert made["masked"] == "Hi {{PERSON}},\nx\u200by {{GEO}}"
    assert made["metadata"] == {"language": "en", "platform": "mastodon"}


@pytest.mark.parametrize(
    "line", ["no platform here", "mastodon: {{PERSON|Ada}", "mastodon: {{x|Ada}}"]
)
def test_unreadable_lines_are_refused(line: str) -> None:
    """A line without a platform, or with a mark that cannot be read, raises."""
    with pytest.raises(ValueError, match="line of en"):
        record(line, "en")


@pytest.mark.parametrize("name", NAMES)
def test_sets_are_what_their_sources_say(name: str) -> None:
    """The JSON of a set is written by make_gold, and reads as gold."""
    path = GOLD / f"{name}.json"
    assert json.loads(path.read_text("utf-8")) == records(name)
    assert len(read_gold(path)) == len(records(name))


def test_social_set_is_broad_enough_to_measure_with() -> None:
    """Seven languages, each with 30 posts or more; two in five posts hold nothing personal; every label occurs."""
    golds = read_gold(GOLD / "social.json")
    languages = Counter(gold.language for gold in golds)
    assert languages.keys() == LANGUAGES
    assert min(languages.values()) >= 30
    assert len({gold.text for gold in golds}) == len(golds) >= 420
    assert 0.40 <= sum(not gold.spans for gold in golds) / len(golds) <= 0.45
    assert set(IDENTIFYING) <= {span.label for gold in golds for span in gold.spans}
