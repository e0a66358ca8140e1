"""What is known of sites: where a path names a person, whose host is a person's, and which sites
everybody knows (data/public_sites.yaml)."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from fedi_dataset.privacy.patterns.rules import word_set

__all__ = [
    "BEFORE_NAME",
    "BEFORE_POST",
    "HANDLE_DOMAINS",
    "NAME_FIRST",
    "NAME_HOST",
    "NO_NAME",
    "PACKAGES",
    "PERSONAL_PROJECTS",
    "PROJECTS",
    "WIKI_USERS",
    "is_listed",
    "is_public_site",
]


NAME_FIRST: Final = word_set(
    """
    x.com twitter.com nitter.net facebook.com fb.com fb.me m.me instagram.com instagr.am threads.net
    threads.com tiktok.com snapchat.com twitch.tv github.com gist.github.com gitlab.com codeberg.org
    bitbucket.org sr.ht sourcehut.org t.me telegram.me telegram.dog wa.me signal.me paypal.me
    ko-fi.com patreon.com liberapay.com buymeacoffee.com gofundme.com venmo.com cash.app linktr.ee
    beacons.ai bio.link lnk.bio carrd.co allmylinks.com keybase.io keyoxide.org about.me
    soundcloud.com mixcloud.com bandcamp.com flickr.com vk.com ok.ru orcid.org ello.co dribbble.com
    behance.net deviantart.com artstation.com unsplash.com 500px.com vsco.co letterboxd.com
    goodreads.com trakt.tv last.fm chess.com lichess.org geocaching.com strava.com xing.com
    polywork.com kaggle.com huggingface.co hub.docker.com replit.com codepen.io dev.to hashnode.com
    substack.com medium.com write.as wattpad.com fanfiction.net archiveofourown.org inaturalist.org
    onlyfans.com fansly.com depop.com vinted.com etsy.com calendly.com cal.com matrix.to
    warpcast.com farcaster.xyz primal.net njump.me snort.social iris.to ravelry.com untappd.com
    tumblr.com pinterest.com vimeo.com gravatar.com fiverr.com throne.com cohost.org pillowfort.social
    gab.com meetup.com couchsurfing.com revolut.me wise.com tellonym.me curiouscat.live ngl.link
    """
)
"""Sites where the first part of the path names a person."""

NO_NAME: Final = word_set(
    """
    home search explore i intent share sharer sharer.php hashtag settings login signin signup join
    about help privacy tos terms policy policies legal watch groups events pages marketplace topics
    features pricing orgs directory tag tags discover trending popular top new latest feed news blog
    docs documentation api apps app download downloads store shop games game category categories
    browse channel-directory jobs careers press security status contact support business enterprise
    developers developer reel reels stories story p tv live video videos music playlist album track
    artist book books film films movie movies show list lists joinchat addstickers addemoji proxy
    s share.php dialog plugins learn competitions datasets models spaces collections papers
    notifications messages compose bookmarks library sponsors readme site customer-stories
    photos product products item items listing works observations taxa play training analysis
    opening openings puzzle puzzles tournament tournaments swiss study editor member
    routes segments clubs challenges geocache map maps recipes patterns pattern o
    """
)
"""What stands there instead of a name."""

HANDLE_DOMAINS: Final = (
    ".bsky.social",
    ".bsky.team",
    ".brid.gy",
    ".blacksky.app",
    ".northsky.social",
    ".eurosky.social",
    ".myatproto.social",
    ".tngl.sh",
)
"""Domains under which every name is a handle."""

NAME_HOST: Final = (
    ".bsky.social",
    ".tumblr.com",
    ".livejournal.com",
    ".dreamwidth.org",
    ".carrd.co",
    ".substack.com",
    ".medium.com",
    ".wordpress.com",
    ".blogspot.com",
    ".blogger.com",
    ".github.io",
    ".gitlab.io",
    ".codeberg.page",
    ".srht.site",
    ".neocities.org",
    ".itch.io",
    ".bandcamp.com",
    ".write.as",
    ".micro.blog",
    ".bearblog.dev",
    ".omg.lol",
    ".mataroa.blog",
    ".prose.sh",
    ".hashnode.dev",
    ".ghost.io",
    ".weebly.com",
    ".wixsite.com",
    ".squarespace.com",
    ".jimdofree.com",
    ".jimdosite.com",
    ".over-blog.com",
    ".canalblog.com",
    ".blog.de",
    ".deviantart.com",
    ".artstation.com",
    ".newgrounds.com",
    ".myportfolio.com",
    ".format.com",
    ".about.me",
    ".tilde.club",
    ".tilde.team",
    ".netlify.app",
    ".vercel.app",
    ".pages.dev",
    ".surge.sh",
    ".glitch.me",
    ".altervista.org",
    ".vivaldi.net",
    ".straw.page",
    ".crd.co",
    ".uwu.ai",
    ".gay.sh",
)
"""Domains that give every person a host of their own."""

BEFORE_NAME: Final = word_set(
    """
    users user u profile profiles profil perfil accounts account actors actor people author authors
    autor auteur members member membre miembro video-channels video-channel channel
    """
)
"""Parts of a path after which a person's name or number follows: Mastodon, Pleroma, Misskey,
Lemmy, PeerTube, Friendica, Pixelfed, Bluesky, Reddit, YouTube, Steam, Spotify."""

BEFORE_POST: Final = word_set(
    """
    status statuses notes notice objects post posts comment comments reel reels activities
    display stories story permalink
    """
)
"""Parts of a path after which one post follows."""

PROJECTS: Final = word_set(
    "github.com gitlab.com codeberg.org bitbucket.org huggingface.co hub.docker.com kaggle.com"
)
"""Sites of code: a second part of the path is a project, not a post."""

PERSONAL_PROJECTS: Final = word_set(
    "dotfiles .dotfiles nixos-config nix-config homelab resume cv portfolio website blog"
)
"""Projects that say more about their owner than about what they do."""

WIKI_USERS: Final = word_set(
    """
    user user_talk benutzer benutzerin benutzer_diskussion utilisateur utilisatrice usuario usuaria
    utente usuário usuária gebruiker
    """
)
"""Namespaces of MediaWiki in which every page is of one person."""

PACKAGES: Final = word_set(
    """
    npmjs.com npmjs.org unpkg.com jsdelivr.net esm.sh skypack.dev deno.land jsr.io packagist.org
    """
)
"""Sites where an @ in the path begins the name of a package."""

# Institutions, by where their names are registered.
_INSTITUTION = re.compile(
    r"(?:^|\.)(?:(?:gov|mil|edu|int|museum|aero|post)"
    r"|(?:gov|gob|gouv|gv|govt|go|mil|edu|ac|nhs|police|admin|bund|europa|canada|overheid|bayern"
    r"|nrw|gc|parliament)\.[a-z]{2})$"
)


@cache
def _public_sites() -> frozenset[str]:
    text = files("fedi_dataset").joinpath("data", "public_sites.yaml").read_text("utf-8")
    kinds: dict[str, str] = yaml.safe_load(text)
    return frozenset(host for hosts in kinds.values() for host in hosts.split())


def is_public_site(host: str) -> bool:
    """Say whether everybody knows this site, or an institution has it; ``host`` in lower case."""
    if _INSTITUTION.search(host):
        return True
    parts = host.split(".")
    public = _public_sites()
    return any(".".join(parts[index:]) in public for index in range(len(parts) - 1))


def is_listed(host: str) -> bool:
    """Say whether the list has this very host, in lower case."""
    return host in _public_sites()
