"""Coordinates and number plates."""

from __future__ import annotations

import pytest

from tests.privacy.finding import found, found_as


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("here: 52.51630, 13.37770.", "52.51630, 13.37770"),
        ("-33.8568 151.2153", "-33.8568 151.2153"),
        ("52.5163° N, 13.3777° E", "52.5163° N, 13.3777° E"),
        ("N52.5163 E13.3777", "N52.5163 E13.3777"),
        ("Koordinaten 52,5163 / 13,3777", "52,5163 / 13,3777"),
        ("GPS 52.52, 13.40", "52.52, 13.40"),
        ("52°31'12.0\"N 13°24'18.0\"E", "52°31'12.0\"N 13°24'18.0\"E"),
        ("52°31′12″ N, 13°24′18″ O", "52°31′12″ N, 13°24′18″ O"),
        ("N 52° 31.200 E 013° 24.300", "N 52° 31.200 E 013° 24.300"),
        ("lat: 52.52, lon: 13.405", "lat: 52.52, lon: 13.405"),
        ("geo:52.5163,13.3777;u=35", "geo:52.5163,13.3777;u=35"),
        ("9F4MGC8H+GX", "9F4MGC8H+GX"),
        ("GC8H+GX Berlin", "GC8H+GX"),
        ("33UVU9029819737", "33UVU9029819737"),
        ("///filled.count.soap", "///filled.count.soap"),
        ("what3words: filled.count.soap", "filled.count.soap"),
        ("QTH locator JO62qm", "JO62qm"),
        (
            "https://maps.example/place/@52.5163,13.3777,17z",
            "https://maps.example/place/@52.5163,13.3777,17z",
        ),
        (
            "https://www.openstreetmap.org/#map=19/52.51630/13.37770",
            "https://www.openstreetmap.org/#map=19/52.51630/13.37770",
        ),
        ("https://maps.app.goo.gl/AbCdEf123", "https://maps.app.goo.gl/AbCdEf123"),
    ],
)
def test_places(text: str, place: str) -> None:
    """Places that are exact enough are found, however they are written."""
    assert place in found_as("GEO", text)


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        ("license plate 7ABC123", "7ABC123"),
        ("Kennzeichen B-AF 1234", "B-AF 1234"),
        ("schwarzer Golf, M AF 1234, Fahrerflucht", "M AF 1234"),
        ("plaque AB-123-CD", "AB-123-CD"),
        ("matrícula 1234 BCD", "1234 BCD"),
        ("targa AB 123 CD", "AB 123 CD"),
        ("matrícula AA-12-BB", "AA-12-BB"),
        ("kenteken 12-ABC-3", "12-ABC-3"),
        ("a white van, reg AB12 CDE", "AB12 CDE"),
        ("placa ABC1D23", "ABC1D23"),
        ("mi coche, 1234 BCD", "1234 BCD"),
        ("parked across two bays again, ABC 1234", "ABC 1234"),
    ],
)
def test_plates(text: str, plate: str) -> None:
    """A plate is found beside a word for plates or, in a country's form, for vehicles."""
    assert plate in found_as("LICENSE_PLATE", text)


@pytest.mark.parametrize(
    "text",
    [
        "3.14159, 2.71828 and 0.9134, 0.8721",
        "[12.3456, 45.6789, 78.9012]",
        "12,345 67,890 and 1.5, 2.5",
        "it was 21°, then 35° and 40'",
        "part AB-123-CD of the ISO 27001 set, UTF-8, COVID-19, MP3",
        "my car is 12 years old, the van has 150 HP, a VW ID 3",
        "2222+22 = 2244, C++20, GPT-4",
        "my car does 120 MPH, cost 500 EUR, 6500 RPM; a BMW 320, Golf GTI 2020",
        "ISO 400 in auto mode, a mini PC with DDR 3200",
        "/// a comment. and more. words",
        "https://news.example/2024/05.1234",
    ],
)
def test_what_is_no_place_and_no_plate(text: str) -> None:
    """Constants, lists, temperatures, parts and comments are left alone."""
    assert found(text) == []
