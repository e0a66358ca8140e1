"""Cards, accounts, wallets, official numbers, addresses of machines."""

from __future__ import annotations

import pytest

from tests.privacy.finding import found, found_as


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("card 4111 1111 1111 1111", ("CREDIT_CARD", "4111 1111 1111 1111")),
        ("5555-5555-5555-4444", ("CREDIT_CARD", "5555-5555-5555-4444")),
        ("378282246310005", ("CREDIT_CARD", "378282246310005")),
        ("meine Kreditkarte 1234 5678 9012 3456", ("CREDIT_CARD", "1234 5678 9012 3456")),
        ("DE89370400440532013000", ("IBAN_CODE", "DE89370400440532013000")),
        (
            "FR14 2004 1010 0505 0001 3M02 606 merci",
            ("IBAN_CODE", "FR14 2004 1010 0505 0001 3M02 606"),
        ),
        ("gb82west12345698765432", ("IBAN_CODE", "gb82west12345698765432")),
        ("IBAN NL00 BANK 0123 4567 89", ("IBAN_CODE", "NL00 BANK 0123 4567 89")),
        ("Kontonummer: 123456789", ("BANK_ACCOUNT", "123456789")),
        ("sort code 20-00-00", ("BANK_ACCOUNT", "20-00-00")),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", ("CRYPTO", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")),
        (
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
            ("CRYPTO", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
        ),
        (
            "0x52908400098527886E0F7030069857D2E4169EE7",
            ("CRYPTO", "0x52908400098527886E0F7030069857D2E4169EE7"),
        ),
        ("send to adafalk.eth", ("CRYPTO", "adafalk.eth")),
    ],
)
def test_money(text: str, expected: tuple[str, str]) -> None:
    """Cards, accounts and wallets count by their check digits, or beside their word."""
    assert expected in found(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("536-90-4399", "536-90-4399"),
        ("my ssn is 536904399", "536904399"),
        ("12345678Z", "12345678Z"),
        ("mi NIE es X1234567L", "X1234567L"),
        ("RSSMRA85T10A562S", "RSSMRA85T10A562S"),
        ("1 85 05 78 006 084 91", "1 85 05 78 006 084 91"),
        ("131052-308T", "131052-308T"),
        ("811228-9874", "811228-9874"),
        ("529.982.247-25", "529.982.247-25"),
        ("12.345.678-5", "12.345.678-5"),
        ("756.1234.5678.97", "756.1234.5678.97"),
        ("85.07.30-033.28", "85.07.30-033.28"),
        ("AB 12 34 56 C", "AB 12 34 56 C"),
        ("ABCPE1234F", "ABCPE1234F"),
        ("mijn bsn is 111222333", "111222333"),
        ("PESEL 44051401359", "44051401359"),
        ("nif 123456789", "123456789"),
        ("Steuer-ID: 86095742719", "86095742719"),
        ("my driver's license number is 2270-66-1551", "2270-66-1551"),
        ("my drivers licence is F162823540116", "F162823540116"),
        ("passport no. C01X00T47", "C01X00T47"),
        ("Reisepassnummer lautet C01X00T47", "C01X00T47"),
        ("numéro de passeport : 12AB34567", "12AB34567"),
        ("il mio passaporto è YA1234567", "YA1234567"),
        ("DNI 30.123.456", "30.123.456"),
        ("NHS number 943 476 5919", "943 476 5919"),
    ],
)
def test_official_numbers(text: str, number: str) -> None:
    """Official numbers count by rare form and check digits, or beside their word."""
    assert number in found_as("GOVERNMENT_ID", text)


@pytest.mark.parametrize(
    ("text", "entity", "address"),
    [
        ("from 81.2.69.160 again", "IP_ADDRESS", "81.2.69.160"),
        ("from 198.51.100.7", "IP_ADDRESS", "198.51.100.7"),
        ("2a02:8109:9c40:1a2b::1", "IP_ADDRESS", "2a02:8109:9c40:1a2b::1"),
        (
            "from 2a02:8109:9c40:1a2b:0:0:0:1: stop",
            "IP_ADDRESS",
            "2a02:8109:9c40:1a2b:0:0:0:1",
        ),
        ("198[.]51[.]100[.]7 scans us", "IP_ADDRESS", "198[.]51[.]100[.]7"),
        ("my ip is 5.9.12.7", "IP_ADDRESS", "5.9.12.7"),
        ("http://81.2.69.160:8080/x", "IP_ADDRESS", "81.2.69.160"),
        ("mac 3c:22:fb:1a:2b:4c", "DEVICE_ID", "3c:22:fb:1a:2b:4c"),
        ("IMEI 490154203237518", "DEVICE_ID", "490154203237518"),
    ],
)
def test_machines(text: str, entity: str, address: str) -> None:
    """Addresses of machines are found."""
    assert address in found_as(entity, text)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1, ::1, 10.0.0.8, 192.168.1.20, fe80::1, 0.0.0.0/0, 8.8.8.8 and 1.1.1.1",
        "version 4.12.7.31, v5.15.146.1, section 3.4.2.1, std::vector<int> a::b",
        "on 2024-11-05 at 12:34:56, for 1,000,000 people, RFC 9110, CVE-2024-12345",
        "order 4012888888881882-x, #4111111111111111, ISBN 978-3-16-148410-0, EAN 4006381333931",
        "1700000000 seconds, 20241105, 3.14159265358979, 0x1f, 6.02214076e23",
        "id 113456789012345678, build 20240101.1234567890123456",
        "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6",
        "passport control took 45 minutes in 2024, my license plate frame, id 7",
        "sin 12345 razones, pan 123456 veces, nie 12345 gesehen",
        "transferencia de 250000 euros, DL 12345 files, the run 20240512 was slow",
        "0000 0000 0000 0000, 00:00:00:00:00:00, ff:ff:ff:ff:ff:ff",
        "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    ],
)
def test_what_is_nobodys_number(text: str) -> None:
    """Private and well-known addresses, versions, dates, orders, hashes and moves are left alone."""
    assert found(text) == []
