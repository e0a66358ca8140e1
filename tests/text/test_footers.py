"""What stands at the end of a post."""

from __future__ import annotations

import pytest

from fedi_dataset.posts import Body, Facet
from fedi_dataset.text.footers import footer_of, license_mentions


@pytest.mark.parametrize(
    ("html", "footer"),
    [
        ("<p>One.</p>", "One."),
        ("<p>1</p><p>2</p><p>3</p><p>4<br>5</p>", "3\n4\n5"),
        (
            '<p>Tea.</p><p><a href="https://cc.example/by">my  terms</a></p>',
            "Tea.\nmy terms\nhttps://cc.example/by",
        ),
        ('<p><a href="https://early.example">up</a></p><p>1</p><p>2</p><p>3</p>', "1\n2\n3"),
        ("<p>" + "a" * 400 + "</p>", "a" * 300),
        ("", ""),
    ],
)
def test_the_footer_of_html(html: str, footer: str) -> None:
    """The last three lines as a reader sees them, the end of long ones, and where their links lead."""
    assert footer_of(Body(html, "text/html")) == footer


def test_the_footer_of_plain_text() -> None:
    """Links are facets with byte offsets, and a content warning stands last."""
    body = Body(
        content="früher\n\nähm\nmy terms",
        content_type="text/plain",
        facets=(
            Facet(15, 23, "link", "https://cc.example/by"),
            Facet(0, 7, "tag", "tea"),
        ),
        summary="no AI",
    )
    assert footer_of(body) == "früher\nähm\nmy terms\nhttps://cc.example/by\nno AI"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CC BY-NC-SA 4.0", ("cc by-nc-sa 4.0",)),
        ("(cc-by-nd/3.0)", ("cc-by-nd/3.0",)),
        ("ＣＣ　ＢＹ－ＮＣ", ("cc by-nc",)),
        ("CC0", ("cc0",)),
        ("By-NC-SA", ("by-nc-sa",)),
        (
            "Creative Commons Attribution-NonCommercial 4.0 International",
            ("creative commons attribution-noncommercial 4.0 international",),
        ),
        (
            "see https://creativecommons.org/licenses/by-nc/4.0/, thanks",
            ("https://creativecommons.org/licenses/by-nc/4.0/",),
        ),
        ("All  Rights Reserved", ("all rights reserved",)),
        ("CC BY 4.0 or CC BY 4.0 or CC0 1.0", ("cc by 4.0", "cc0 1.0")),
        ("written by Nick, with attribution; bye-bye; a by-path; ccc by-law", ()),
        ("", ()),
    ],
)
def test_what_names_a_license(text: str, found: tuple[str, ...]) -> None:
    """Short and long titles and addresses, whole words in any case and width, each once."""
    assert license_mentions(text) == found
