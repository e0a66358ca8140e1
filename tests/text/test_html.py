"""HTML to marked text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.posts import Mention
from fedi_dataset.text.html import is_shortened, to_marked
from fedi_dataset.text.marked import Marked, MentionRange
from fedi_dataset.text.writer import DEEPEST

PASTURE = Path(__file__).parents[2] / "../shared/fixtures/activitypub-pasture"
BOB = Mention("https://social.example/users/bob", "@bob@social.example")


def _examples(name: str) -> list[str]:
    path = PASTURE / f"{name}.json"
    if not path.exists():
        pytest.skip("the fixtures are not here")
    return [example["content"] for example in json.loads(path.read_text("utf-8"))["examples"]]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One\n two</p><p>Three</p>", "One two\n\nThree"),
        ("one<br>two<br/><br />three", "one\ntwo\n\nthree"),
        ("<p> a <b> b </b> c</p>", "a b c"),
        ("<h1>Title</h1>text<hr>more", "Title\n\ntext\n\nmore"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<p></p><p><br></p><p>a</p><p> </p>", "a"),
        ("Tom &amp; Jerry &lt;3 &#x1F600;&nbsp;!", "Tom & Jerry <3 😀 !"),
        ("Fernstra&szlig;en<wbr />bau", "Fernstraßenbau"),
        ("<table><tr><td>a</td> <td>b</td></tr><tr><td>c</td></tr></table>", "a | b\nc"),
        ("she said <q>no</q><q></q>", 'she said "no"'),
        (":blobcat: <img class='custom-emoji' alt=':fox:'>", ":blobcat: :fox:"),
        ("see <img src='https://a.example/x.png' alt='A fox asleep'>", "see"),
        ("e&#x301;<b>e</b>&#x301;", "éé"),
    ],
)
def test_layout_is_what_a_reader_sees(html: str, text: str) -> None:
    """Blocks, breaks, white space, entities and emoji come out as a reader sees them."""
    assert to_marked(html) == Marked(text)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ul><li>a</li><li>b</li></ul>c", "- a\n- b\n\nc"),
        ("<ol start=9><li>a<li><p>b</p><p>c</p></ol>", "9. a\n\n10. b\n\n    c"),
        ("<ol start=x><li>a</ol>", "1. a"),
        ("<ul><li>a<ol><li>b</li></ol></li><li>c</ul>", "- a\n  1. b\n- c"),
        ("<li>stray</li>", "- stray"),
    ],
)
def test_lists_keep_their_markers_and_nesting(html: str, text: str) -> None:
    """Items begin with a dash or their number; what is nested in them is indented."""
    assert to_marked(html).text == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("run <code>ls  -l</code>", "run `ls -l`"),
        ("<code>a`b</code><code></code>", "`` a`b ``"),
        ("<code>a<code>b</code></code>", "`ab`"),
        (
            "x<pre><code>def f():\n\n    return 1\n</code></pre>y",
            "x\n\n```\ndef f():\n\n    return 1\n```\n\ny",
        ),
        ("<pre>```\na</pre>", "````\n```\na\n````"),
        ("<pre>a<br>  b\tc</pre>", "```\na\n  b\tc\n```"),
        ("<pre> \n</pre>", ""),
    ],
)
def test_code_stays_readable(html: str, text: str) -> None:
    """Code stands in backticks, more of them than it holds; blocks keep their spaces and lines."""
    assert to_marked(html).text == text


def test_what_is_no_text_is_left_out() -> None:
    """Scripts, styles, media, controls and comments leave nothing behind."""
    html = (
        "a<script>s()</script><style>p{}</style><video>v</video><textarea>t</textarea>"
        "<select><option>o</select><iframe>i</iframe><svg><text>x</text></svg><!-- c --><title>t</title>b"
    )
    assert to_marked(html).text == "ab"


def test_mastodon_links_are_written_in_full() -> None:
    """Mastodon hides the ends of a long address in spans; the whole address is put back."""
    href = "https://www.example.com/a/very/long/path?x=1&amp;y=2"
    html = (
        f'see <a href="{href}"><span class="invisible">https://www.</span>'
        '<span class="ellipsis">example.com/a/very/lo</span>'
        '<span class="invisible">ng/path?x=1&amp;y=2</span></a>.'
    )
    assert to_marked(html).text == "see https://www.example.com/a/very/long/path?x=1&y=2."


@pytest.mark.parametrize(
    ("visible", "target", "shortened"),
    [
        ("example.com/a…", "https://example.com/abc", True),
        ("https://example.com/a...", "https://www.example.com/abc", True),
        ("example.com/käse…", "https://example.com/k%C3%A4sekuchen", True),
        ("example.com/b…", "https://example.com/abc", False),
        ("e…", "https://example.com", False),
        ("…", "https://example.com", False),
        ("example.com/a…", "https://example.com/a b", False),
    ],
)
def test_is_shortened(visible: str, target: str, shortened: bool) -> None:
    """A shortened address is a beginning of the target that shows its host."""
    assert is_shortened(visible, target) is shortened


def test_a_link_with_words_of_its_own_keeps_them() -> None:
    """A link that is no shortened address shows its text, even if that looks like an address."""
    html = '<a href="https://evil.example/x">good.example</a> <a href="https://a.example/b">a.example</a>'
    assert to_marked(html).text == "good.example a.example"


@pytest.mark.parametrize(
    ("html", "said", "account"),
    [
        (
            '<span class="h-card"><a href="https://social.example/@bob" class="u-url mention">'
            "@<span>bob</span></a></span>",
            "@bob",
            BOB.account,
        ),
        ('<a href="https://social.example/users/bob">my friend</a>', "my friend", BOB.account),
        (
            '<a href="https://social.example/@bob">@bob@social.example</a>',
            "@bob@social.example",
            BOB.account,
        ),
        ('@<a class="u-url" href="https://social.example/@bob">Bob</a>', "@Bob", BOB.account),
        (
            '<a class="mention" href="https://b.example/@bob">@bob</a>',
            "@bob",
            "https://b.example/@bob",
        ),
        ('<a class="mention">@eve</a>', "@eve", "@eve"),
    ],
)
def test_mention_anchors_are_marked(html: str, said: str, account: str) -> None:
    """A mention is known by class or by a Mention tag, and takes the tag's account where one fits."""
    marked = to_marked(f"<p>ask {html} now</p>", [BOB])
    assert marked == Marked(f"ask {said} now", (MentionRange(4, 4 + len(said), account),))


def test_links_to_others_are_no_mentions() -> None:
    """A plain link is none, not even to the server of somebody mentioned, or with a broken address."""
    html = (
        '<a href="https://social.example/about">@bob2</a> <a href="http://[x/" class="u-url">b</a>'
    )
    assert to_marked(html, [BOB]).mentions == ()


def test_hashtags_are_marked() -> None:
    """Hashtag anchors are known by class or rel, the # inside the link or before it."""
    html = (
        '<a href="https://s.example/tags/a" class="mention hashtag" rel="tag">#<span>a</span></a> '
        '#<a rel="tag" href="/b">b</a> <a class="hashtag" href="/c">c</a>'
    )
    assert to_marked(html) == Marked("#a #b c", (), ((0, 2), (3, 5)))


def test_quotes_are_marked_and_written_as_quotes() -> None:
    """Block quotes and h-cite microformats are words of others; nested ones are one range."""
    html = (
        "<blockquote><p>one</p><blockquote>two</blockquote></blockquote>own"
        '<div class="h-cite">card</div><ul><li><blockquote>q</blockquote>own</ul>'
    )
    marked = to_marked(html)
    assert marked.text == "> one\n>\n> > two\n\nown\n\n> card\n\n- > q\n\n  own"
    assert [marked.text[begin:end] for begin, end in marked.quoted] == [
        "> one\n>\n> > two",
        "> card",
        "- > q",
    ]


@pytest.mark.parametrize("name", ["quote-inline", "reference-link-inline"])
def test_quote_fallbacks_go_only_when_the_post_quotes(name: str) -> None:
    """The fallback link to a quoted post is left out where the quote itself is known."""
    html = f'<p>mine</p><p class="{name}">RE: <a href="https://q.example/1">https://q.example/1</a></p>'
    assert to_marked(html, quotes=True).text == "mine"
    assert to_marked(html).text == "mine\n\nRE: https://q.example/1"


def test_pasture_tags() -> None:
    """The element examples of fediverse-pasture-inputs come out as a reader would write them."""
    assert [to_marked(html).text for html in _examples("html_tags")] == [
        "bold", "strong", "italic", "italic with. See Issue 142", "emphasis", "oldnew", "stricken",
        "mark", "find x (a variable)", "1. ordered", "- unordered", "h1", "h2", "h3", "h4", "h5",
        "h1\n\nh2", "`code`", "```\npre\n```", "> blockquote", "line\nbreak", "paragraph", "small",
        "sup", "sub", "funfedi", "", "", "wbr: Fernstraßenbauprivatfinanzierungsgesetz", "Audio",
        "Video",
    ]  # fmt: skip


def test_pasture_anchors() -> None:
    """Of the anchor examples, only the one of class mention is a mention, and none a hashtag."""
    marked = [to_marked(html) for html in _examples("html_anchor")]
    assert [one.text for one in marked if one.mentions] == ["class mention"]
    assert [one.hashtags for one in marked] == [()] * len(marked)


def test_pasture_bad_tags_are_text() -> None:
    """``<$body>`` begins no tag by the HTML standard, and is text; its bogus end tag is not."""
    assert to_marked(_examples("html_bad")[0]).text == "<$body>$body"


def test_deep_nesting_is_walked_and_its_margins_are_bounded() -> None:
    """A post nested five thousand deep is read, without recursion and without endless margins."""
    text = to_marked("<blockquote>" * 5_000 + "deep").text
    assert text == "> " * DEEPEST + "deep"


TAGS = [
    "<p>", "</p>", "<br>", "<a href='https://a.example/@b' class='mention'>", "</a>", "<blockquote>",
    "</blockquote>", "<ul>", "<li>", "</ul>", "<ol start=5>", "<pre>", "</pre>", "<code>", "</code>",
    "<a class=hashtag rel=tag>#", "<span class=invisible>", "</span>", "<table>", "<td>", "<q>", "</q>",
    "<script>", "<!--", "&#x301;", "&#xD800;", "@", "#", "`", " ", "\n", "a", "é", "e\u0301", "\u200b", "> ",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(TAGS), max_size=25).map("".join)))
def test_any_html_gives_sound_ranges(html: str) -> None:
    """Nothing is raised, and all ranges are in bounds, sorted and apart from each other."""
    marked = to_marked(html, [BOB], quotes=True)
    mentions = [(one.begin, one.end) for one in marked.mentions]
    for ranges in (mentions, list(marked.hashtags), list(marked.quoted)):
        edges = [edge for pair in ranges for edge in pair]
        assert edges == sorted(edges)
        assert all(0 <= begin < end <= len(marked.text) for begin, end in ranges)
