"""Links: to persons, to their posts, to sites of their own, and to nobody."""

from __future__ import annotations

import pytest

from fedi_dataset.privacy.patterns.urls import link_entity
from tests.privacy.finding import found


@pytest.mark.parametrize(
    ("link", "entity"),
    [
        ("https://mastodon.example/@ada", "PROFILE_URL"),
        ("https://mastodon.example/@ada/112233", "POST_URL"),
        ("https://mastodon.example/users/ada/statuses/112233", "POST_URL"),
        ("https://mastodon.example/ap/users/112233", "PROFILE_URL"),
        ("mastodon.example/@ada", "PROFILE_URL"),
        ("https://misskey.example/notes/9abc3def", "POST_URL"),
        ("https://lemmy.example/u/ada", "PROFILE_URL"),
        ("https://lemmy.example/post/1234", "POST_URL"),
        ("https://lemmy.example/comment/1234", "POST_URL"),
        ("https://lemmy.example/c/gardening", None),
        ("https://peertube.example/video-channels/ada", "PROFILE_URL"),
        ("https://friendica.example/profile/ada", "PROFILE_URL"),
        ("https://pixelfed.example/ada", "PROFILE_URL"),
        ("https://pixelfed.example/p/ada/1234", "POST_URL"),
        ("https://akkoma.example/notice/AbC1", "POST_URL"),
        ("https://bsky.app/profile/ada.bsky.social", "PROFILE_URL"),
        ("https://bsky.app/profile/did:plc:abc/post/3k", "POST_URL"),
        ("https://clearsky.example/ada.bsky.social", "PROFILE_URL"),
        ("https://nostr.com/npub1qqqsyqcyq5rqwzqf", "PROFILE_URL"),
        ("https://en.wikipedia.org/wiki/User:Ada", "PROFILE_URL"),
        ("https://de.wikipedia.org/wiki/Benutzerin:Ada", "PROFILE_URL"),
        ("https://en.wikipedia.org/wiki/User_interface", None),
        ("https://www.tumblr.com/ada", "PROFILE_URL"),
        ("https://mobile.twitter.com/ada", "PROFILE_URL"),
        ("https://x.com/ada/status/123", "POST_URL"),
        ("https://x.com/i/status/123", "POST_URL"),
        ("https://x.com/search?q=tea", None),
        ("https://www.threads.com/@ada/post/Abc", "POST_URL"),
        ("https://old.reddit.com/u/ada", "PROFILE_URL"),
        ("https://www.reddit.com/r/gardening/", None),
        ("https://www.linkedin.com/in/ada-f", "PROFILE_URL"),
        ("https://www.linkedin.com/company/tea", None),
        ("https://www.instagram.com/ada/", "PROFILE_URL"),
        ("https://www.youtube.com/@ada", "PROFILE_URL"),
        ("https://www.youtube.com/channel/UC123", "PROFILE_URL"),
        ("https://www.youtube.com/watch?v=abc123", None),
        ("https://open.spotify.com/user/ada", "PROFILE_URL"),
        ("https://open.spotify.com/track/123abc", None),
        ("https://steamcommunity.com/profiles/7656119", "PROFILE_URL"),
        ("https://t.me/ada_f", "PROFILE_URL"),
        ("https://wa.me/4915112345678", "PROFILE_URL"),
        ("https://www.paypal.me/ada", "PROFILE_URL"),
        ("https://matrix.to/#/@ada:matrix.example", "PROFILE_URL"),
        ("https://ada.tumblr.com", "PROFILE_URL"),
        ("https://ada.wordpress.com/2024/05/tea/", "POST_URL"),
        ("https://ada:pw@files.example/x", "PROFILE_URL"),
        ("https://tilde.example/~ada/", "PROFILE_URL"),
        ("https://github.com/ada", "PROFILE_URL"),
        ("https://github.com/ada/dotfiles", "PROFILE_URL"),
        ("https://github.com/tea-club/kettle", None),
        ("https://gist.github.com/ada/0123abc", "POST_URL"),
        ("https://unpkg.com/@tea/kettle", None),
        ("https://news.example/post/what-happened-in-2024", None),
        ("https://news.example/stories/8794.html", None),
        ("https://ada-falk.example/", "WEBSITE"),
        ("http://www.ada-falk.example", "WEBSITE"),
        ("https://ada-falk.example/2024/tea", None),
        ("https://www.theguardian.com/", None),
        ("https://docs.python.org", None),
        ("https://www.gov.uk", None),
        ("https://www.cs.stanford.edu/", None),
        ("https://localhost:8080/", None),
        ("https://192.0.2.1/", None),
    ],
)
def test_link_entity(link: str, entity: str | None) -> None:
    """A link leads to a person, to a person's post, to a site of somebody's own, or to nobody."""
    assert link_entity(link) == entity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(see https://x.com/ada).", [("PROFILE_URL", "https://x.com/ada")]),
        ("https://x.com/ada_(b)!", [("PROFILE_URL", "https://x.com/ada_(b)")]),
        ("ada.tumblr.com, yes", [("PROFILE_URL", "ada.tumblr.com")]),
        ("visit www.ada-falk.example!", [("WEBSITE", "www.ada-falk.example")]),
        ("my blog: https://falk.example/2024/tea", [("WEBSITE", "https://falk.example/2024/tea")]),
        ("meine Homepage ist falk.example", [("WEBSITE", "falk.example")]),
        ("my site is on wikipedia.org", []),
        ("slides at trangthu.example.", [("WEBSITE", "trangthu.example")]),
        ("in room:trangthu.example, tab.example and example.com", []),
        ("read https://news.example/2024/05/some-article-7 please", []),
        ("file.txt, main.rs, e.g. this", []),
        ("https://news.example/4111111111111111/+4930901820?u=12345678Z", []),
    ],
)
def test_links_in_text(text: str, expected: list[tuple[str, str]]) -> None:
    """Links end before the sentence's punctuation; the words before them say whose site it is;
    numbers that are parts of links are nobody's."""
    assert found(text) == expected
