"""Addresses and numbers: blocks from the model's parts and from forms, and what is none."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fedi_dataset.privacy.addresses import addresses
from fedi_dataset.privacy.context import Context
from fedi_dataset.privacy.detector import Detector
from fedi_dataset.privacy.lexicon import lexicon
from fedi_dataset.privacy.numbers import numbers
from fedi_dataset.privacy.rampart import RampartModel, find_files
from fedi_dataset.privacy.reading import COLUMNS, Reading


@pytest.fixture(scope="module")
def model(detector: Detector) -> RampartModel:
    """The model alone."""
    assert detector.version
    return RampartModel(find_files("rampart"))


def unread(text: str) -> Reading:
    """A reading in which the model saw nothing."""
    return Reading([], [], np.zeros((0, len(COLUMNS)), np.float32))


def blocks(text: str, reading: Reading, language: str = "en") -> list[tuple[str, str]]:
    """The addresses and codes that are found, in order."""
    context = Context(text, language, lexicon()).with_reading(reading)
    return [(span.entity, text[span.begin : span.end]) for span in addresses(context, reading)]


@pytest.mark.parametrize(
    "address",
    [
        "14 Larkspur Ave",
        "88 W. Granby Blvd",
        "Flat 3, 12 Kiln Close",
        "P.O. Box 1184",
        "Postfach 4711",
        "Lindenstr. 17",
        "Am Hang 3b",
        "Berliner Allee 45",
        "Kerkstraat 12",
        "Looiersgracht 27-hs",
        "Calle Mayor 23",
        "c/ Alcalá 45",
        "via Garibaldi 18",
        "Rua das Flores, 123",
        "12 bis, rue des Lilas",
        "Unit 0822 Box 8858\nDPO AA 01708",
    ],
)
def test_forms_are_found_without_the_model(address: str) -> None:
    """Streets with numbers, boxes and their kin are addresses by their form, whole."""
    text = f"here: {address}; ok"
    assert blocks(text, unread(text)) == [("STREET_ADDRESS", address)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Ann\n935 Gordon Terrace\nSuite 828\nBashall\nUnited Kingdom 89800",
            [("STREET_ADDRESS", "935 Gordon Terrace\nSuite 828\nBashall\nUnited Kingdom 89800")],
        ),
        ("My zip code is 880", [("ZIP_CODE", "880")]),
        ("i am in EH6 9ZZ now", [("ZIP_CODE", "EH6 9ZZ")]),
        ("We met in Berlin last week, in Bavaria.", []),
        ("Avenida Libertador is closed", []),
        ("Version 4.2.1 is out", []),
        ("Order 5530-118 is late", []),
        ("17° and rain, 30% off, 3 for 2", []),
    ],
)
def test_blocks(model: RampartModel, text: str, expected: list[tuple[str, str]]) -> None:
    """Lines of one address are one block; towns, streets as places and other numbers are none."""
    assert blocks(text, model.read(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my driver's license number is 2270-66-1551", ["2270-66-1551"]),
        ("Order 2270-66-1551 has not shipped", []),
        ("commit 9f2c1ab4d7e8f0a1b2c3 broke it", []),
        ("ping 203.0.113.199 twice", []),
        ("I was born in 1984", []),
    ],
)
def test_numbers(model: RampartModel, text: str, expected: list[str]) -> None:
    """A number counts if it is somebody's; orders, commits, hosts and years are nobody's."""
    reading = model.read(text)
    found = numbers(Context(text, "en", lexicon()).with_reading(reading), reading)
    assert [text[span.begin : span.end] for span in found] == expected


@pytest.mark.parametrize(
    "piece",
    ["A-", "1 A ", "rue de ", "the corner of a ", "Straße", "12 ", "c/ A ", ", ", "Unit 1 ", "1º "],
)
def test_forms_take_time_in_proportion_to_the_text(piece: str) -> None:
    """Eight times the text takes not much more than eight times as long, whatever it repeats."""

    def cost(length: int) -> float:
        text = piece * (length // len(piece))
        reading = unread(text)
        context = Context("", "en", lexicon()).with_reading(reading)
        context.text = text
        begin = time.process_time()
        list(addresses(context, reading))
        numbers(context, reading)
        return time.process_time() - begin

    cost(1_000)
    assert cost(80_000) < 24 * max(cost(10_000), 0.005)
