"""The independent pass over a release: what it suspects, which texts it draws, what it says of how many."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedi_dataset.pipeline import BuildReport
from fedi_dataset.privacy.operators import Operators
from fedi_dataset.privacy.rates import upper_bound
from fedi_dataset.release.audit import audit
from fedi_dataset.release.manifest import MANIFEST, read_manifest
from fedi_dataset.release.residual import (
    Residual,
    Sampled,
    residual_of,
    sample,
    suspects,
    texts_of,
)
from fedi_dataset.release.second_opinion import opinions, review
from tests.conftest import AS_OF, ReleaseCopy


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Write to kim@post.example, please", ["address"]),
        ("kim (at) post (dot) example", ["address"]),
        ("ask @kim or u/kim_o", ["handle"]),
        ("I am did:plc:abcdefgh12345", ["DID"]),
        ("see https://social.example/@kim/11", ["profile"]),
        ("call +44 20 7946 0958", ["telephone"]),
        ("call (202) 555-0173", ["telephone"]),
        ("pay 4111 1111 1111 1111", ["card"]),
        ("to NL91 ABNA 0417 1643 00", ["IBAN"]),
        ("from 8.8.8.8 again", ["IP"]),
        ("0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae", ["wallet"]),
        ("at 55.97641, -3.17258", ["coordinates"]),
        ("token Zx81kQ7mT4vR9bW2nY6hJ3dL5sE0aGuPq", ["secret"]),
        ("ja, ich heiße Mareike", ["introduction"]),
        ("kim@post.example, +44 20 7946 0958", ["address", "telephone"]),
    ],
)
def test_every_kind_is_suspected(text: str, kinds: list[str]) -> None:
    """An identifier in plain form is seen for what it is."""
    assert suspects(text, Operators()) == kinds


@pytest.mark.parametrize(
    "text",
    [
        "[HANDLE_1] wrote to [EMAIL_ADDRESS_12] and [PERSON_0123456789ab]",
        "ask !gardening@lemmy.example or git@host.example",
        "ping 192.168.1.20 and 127.0.0.1",
        "4111 1111 1111 1112 is no card, 1234567 no phone, NL00 ABNA 0417 1643 00 no account",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "version 1.2.3.4567, 3.14, 2.72",
        "the first of May, at 10:30",
    ],
)
def test_what_stands_for_an_identifier_is_none(text: str) -> None:
    """Placeholders, communities, private hosts, numbers with wrong check digits, hashes."""
    assert suspects(text, Operators()) == []


def test_surrogates_are_none_where_the_build_made_them() -> None:
    """The same words are suspected in a release that has no surrogates."""
    text = "Alva Example 2 is @user1@example.org, at https://example.org/@user3, (202) 555-0104"
    assert suspects(text, Operators("placeholder", {"DID": "surrogate"})) == []
    assert suspects(text, Operators()) == ["address", "handle", "profile", "telephone"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "a@",
        "1 ",
        "1.",
        "+1 ",
        "AB12",
        "did:",
        "//u/",
        "a.a",
        "-1.1111,",
        "[(at)",
        "_",
        "aA1",
        "@a.",
    ],
)
def test_time_is_linear_in_the_text(piece: str) -> None:
    """A third of a megabyte of what patterns begin with takes seconds; if time grew by the square, it took hours."""
    began = time.process_time()
    suspects(piece * (300_000 // len(piece)), Operators())
    assert time.process_time() - began < 10


def test_rates_have_an_upper_bound_that_is_not_zero() -> None:
    """Nothing found: three in the number of trials; else Wilson's upper end."""
    assert upper_bound(0, 1000) == 0.003
    assert upper_bound(0, 2) == upper_bound(0, 0) == 1.0
    assert round(upper_bound(5, 10), 4) == 0.7634


@given(st.integers(1, 10**6), st.data())
def test_the_bound_lies_above_the_rate(trials: int, data: st.DataObject) -> None:
    """Whatever was found."""
    found = data.draw(st.integers(0, trials))
    assert found / trials <= upper_bound(found, trials) <= 1
    assert upper_bound(found, trials) > 0


def test_figures_count_texts() -> None:
    """A text with two suspicions is one text; kinds are counted apart; without texts there is no figure."""
    texts = ["kim@post.example or +44 20 7946 0958", "@kim", "hello", "hello again"]
    sampled = [Sampled("posts/train-b.parquet", n, text, "en") for n, text in enumerate(texts)]
    residual, kinds = residual_of(sampled, 80, Operators())
    assert residual is not None
    assert (residual.texts, residual.sampled, residual.suspected, residual.rate) == (80, 4, 2, 0.5)
    assert residual.upper == round(upper_bound(2, 4), 6)
    assert kinds == {"address": 1, "handle": 1, "telephone": 1}
    assert residual_of([], 0, Operators()) == (None, {})


def test_no_figure_is_zero_percent() -> None:
    """Also when nothing was found, the sentence says what there may be at most."""
    sampled = [Sampled("posts/train-b.parquet", 0, "hello", "en")] * 400
    residual, _ = residual_of(sampled, 9000, Operators())
    assert residual is not None
    assert residual.sentence == (
        "0 of 400 texts sampled from 9000 are suspected to hold an identifier: at most 0.75 % (95 % confidence)"
    )


def test_samples_are_drawn_from_all_texts(built: BuildReport) -> None:
    """The same files give the same sample; a large one is everything, in order; a small one a part of it."""
    files = built.manifest.files

    def drawn(size: int) -> list[Sampled]:
        return sample(files, lambda path: built.release / path, size)[0]

    everything = [one.text for one in drawn(10**6)]
    assert everything == list(texts_of(files, lambda path: built.release / path))
    assert sample(files, lambda path: built.release / path, 1)[1] == len(everything) > 50
    some = drawn(45)
    assert drawn(45) == some
    assert len({(one.path, one.number) for one in some}) == 45
    assert {one.text for one in some} <= set(everything)
    assert len({one.path for one in drawn(10**6)}) > 1


def test_a_release_tells_its_residual_risk(built: BuildReport) -> None:
    """Manifest and card have the figure, with its bound; the steward's review has the same and the kinds."""
    residual = built.manifest.residual
    assert residual is not None
    assert residual.sampled == residual.texts > 50
    assert residual.upper >= round(3 / residual.sampled, 6)
    card = (built.release / "README.md").read_text("utf-8")
    assert residual.sentence in " ".join(card.split())
    assert review(built.release).residual == residual


def test_audit_looks_again(release_copy: ReleaseCopy) -> None:
    """A manifest that gives another figure than its files is broken."""
    manifest = read_manifest(release_copy.release)
    assert manifest is not None
    assert manifest.residual is not None
    better: Residual = msgspec.structs.replace(manifest.residual, suspected=0, upper=0.0, rate=-1.0)
    changed = msgspec.structs.replace(manifest, residual=better)
    (release_copy.release / MANIFEST).write_bytes(changed.encode())
    checks = {check.name: check for check in audit(release_copy.release, now=AS_OF).checks}
    assert checks["residual"].ok is False
    assert checks["residual"].problems == ("the manifest and card give another figure",)


def test_another_model_says_what_it_sees() -> None:
    """Where a spaCy model of the language is installed, it looks; placeholders are nobody to it."""
    import spacy

    texts = ["Yesterday I met Margaret Thompson in London.", "[PERSON_1] met Alva Example.", "so it goes"]  # fmt: skip
    sampled = [Sampled("posts/train-b.parquet", n, one, "en") for n, one in enumerate(texts)]
    found = opinions(sampled, Operators("surrogate"))
    if not any(name.startswith("en_") for name in spacy.util.get_installed_models()):
        assert found == []
        pytest.skip("no English spaCy model is installed")
    (opinion,) = found
    assert (opinion.language, opinion.sampled, opinion.suspected) == ("en", 3, 1)
    assert opinion.upper == round(upper_bound(1, 3), 6)
