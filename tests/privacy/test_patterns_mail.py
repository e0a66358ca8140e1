"""E-mail addresses, plain and disguised in seven languages."""

from __future__ import annotations

import pytest

from tests.privacy.finding import found, found_as


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mail a@b.c now", "a@b.c"),
        ("ada.m+x@mail.internal.", "ada.m+x@mail.internal"),
        ("o'brien@mail.example", "o'brien@mail.example"),
        ("'bo@mail.example'", "bo@mail.example"),
        ("x!bo@mail.example", "bo@mail.example"),
        ("me@bo@mail.example", "bo@mail.example"),
        ("info@gmail.com", "info@gmail.com"),
        ("ada [at] mail [dot] example", "ada [at] mail [dot] example"),
        ("ada(at)mail.example", "ada(at)mail.example"),
        ("ada {at} mail {dot} example", "ada {at} mail {dot} example"),
        ("ada.falk _at_ mail _dot_ example", "ada.falk _at_ mail _dot_ example"),
        ("ada <at> mail.example", "ada <at> mail.example"),
        ("ada[@]mail[.]example", "ada[@]mail[.]example"),
        ("schreib an ada (ät) mail (punkt) de", "ada (ät) mail (punkt) de"),
        ("ada dot falk at mail dot com", "ada dot falk at mail dot com"),
        ("ada ät mail punkt de", "ada ät mail punkt de"),
        ("ada arobase mail point fr", "ada arobase mail point fr"),
        ("ada chez mail point fr", "ada chez mail point fr"),
        ("ada arroba correo punto es", "ada arroba correo punto es"),
        ("ada arroba correio ponto pt", "ada arroba correio ponto pt"),
        ("ada chiocciola posta punto it", "ada chiocciola posta punto it"),
        ("ada apenstaartje mail punt nl", "ada apenstaartje mail punt nl"),
        ("ada @ mail . com", "ada @ mail . com"),
        ("ada@mail dot com", "ada@mail dot com"),
        ("ada.falk at gmail", "ada.falk at gmail"),
        ("email me: falk at posteo.de", "falk at posteo.de"),
        ("ada@mail[.]example", "ada@mail[.]example"),
        ("ada@mail(dot)com", "ada@mail(dot)com"),
        ("ada (at) mail (dot) example. I do", "ada (at) mail (dot) example"),
        ("ada (at) mail (dot) example. i do", "ada (at) mail (dot) example"),
        ("ada at mail dot co dot uk", "ada at mail dot co dot uk"),
        ("ada arroba correio ponto com ponto br", "ada arroba correio ponto com ponto br"),
    ],
)
def test_addresses(text: str, address: str) -> None:
    """Addresses are found on any domain, however their @ and dots are written."""
    assert address in found_as("EMAIL_ADDRESS", text)


@pytest.mark.parametrize(
    "text",
    [
        "noreply@shop.example, support@shop.example or git@code.example:tea/kettle.git",
        "!gardening@lemmy.example is a community",
        "meet me at noon. dot your i's",
        "I work at amazon dot com, look at this dot",
        "he was at home (at last), on point",
        "estoy en el punto de partida, chez nous, point final",
        "lunch @ noon . then tea",
        "typescript@5.4.0 and vue@next",
        "I bought it at ikea.com",
    ],
)
def test_what_is_no_personal_address(text: str) -> None:
    """Roles, communities and ordinary words are left alone."""
    assert found(text) == []


def test_a_handle_behind_a_word_is_no_address() -> None:
    """The word before a handle stays."""
    assert found("Maybe @ada.meadow.test knows") == [("HANDLE", "@ada.meadow.test")]
