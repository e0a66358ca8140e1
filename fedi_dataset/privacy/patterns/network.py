"""Addresses of machines: IP addresses that somebody can be reached or found by, and the numbers of
their devices.

Spared are addresses that stand for no machine of anybody's: private, loopback, link-local and
unspecified ones, networks, the resolvers that everybody knows, and versions that look like
addresses.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from presidio_analyzer import EntityRecognizer

from fedi_dataset.privacy.patterns.checksums import digits_of, luhn
from fedi_dataset.privacy.patterns.rules import (
    Rule,
    RuleRecognizer,
    both,
    gate,
    mentions,
    terms_of,
    word_set,
    words,
)

__all__ = ["network_recognizers"]

_RESOLVERS: Final = frozenset(
    map(
        ipaddress.ip_address,
        word_set("""
        8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220
        4.4.4.4 4.2.2.1 4.2.2.2 2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111
        2606:4700:4700::1001 2620:fe::fe 1.2.3.4
        """),
    )
)
# Kept for documents (RFC 5737, RFC 3849); where somebody writes one as theirs it is masked.
_DOCUMENTATION: Final = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),
    )
)
# Global unicast (RFC 4291): what else parses is hexadecimal words with colons between them.
_UNICAST: Final = ipaddress.ip_network("2000::/3")
_VERSION = re.compile(
    r"(?:\bv(?:er(?:si[oó]n|sione|são|sie)?)?\.?|version|release|build|firmware|update|patch|kernel"
    r"|driver|chrome|firefox|edge|section|chapter|kapitel|§|rfc|asn|oid)\s{0,2}[:=]?\s{0,2}$",
    re.IGNORECASE,
)
_IP_WORDS = words("ip")
_SMALL: Final = 32
"""Four numbers all below this look more like a version or a section than like an address."""


def _is_address(match: re.Match[str]) -> bool:
    written, _, length = _DOT.sub(".", match.group()).partition("/")
    try:
        address = ipaddress.ip_address(written.partition("%")[0])
    except ValueError:
        return False
    if length and int(length) < address.max_prefixlen - (0 if address.version == 4 else 64):
        return False
    documented = any(address in network for network in _DOCUMENTATION)
    if address in _RESOLVERS or not (address.is_global or documented):
        return False
    if address.version == 6:
        return address in _UNICAST
    text, begin = match.string, match.start()
    if _VERSION.search(text, max(0, begin - 16), begin):
        return False
    small = all(int(octet) < _SMALL for octet in written.split("."))
    return not small or _IP_WORDS.is_near(text, *match.span())


# as those write it who want no link: 198[.]51[.]100[.]7
_DOT: Final = re.compile(r"\.|[\[(](?:\.|dot)[\])]", re.IGNORECASE)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPS: Final = (
    Rule(
        "IPv4 address",
        "IP_ADDRESS",
        re.compile(
            rf"(?<![\w.-])(?:{_OCTET}(?:{_DOT.pattern})){{3}}{_OCTET}(?:/\d{{1,2}})?(?![\w-]|\.\w|/\d)",
            re.ASCII,
        ),
        check=_is_address,
    ),
    Rule(
        "IPv6 address",
        "IP_ADDRESS",
        re.compile(
            r"(?<![\w:.])(?=[0-9a-f:]{0,39}:[0-9a-f]{0,4}:)[0-9a-f:]{2,39}(?:[0-9a-f]|(?<=:):)"
            r"(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?(?:%\w{1,15})?(?:/\d{1,3})?(?!\w|:[0-9a-f:])",
            re.IGNORECASE,
        ),
        check=_is_address,
    ),
)
_MACS: Final = (
    Rule(
        "MAC address",
        "DEVICE_ID",
        re.compile(
            r"(?<![\w:-])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?![\w:-])",
            re.IGNORECASE,
        ),
        check=lambda match: len({*match.group().lower()} - {":", "-"}) > 2,
    ),
)
_IMEIS: Final = (
    Rule(
        "IMEI",
        "DEVICE_ID",
        re.compile(r"(?<![\w.-])\d{2}[ -]?\d{6}[ -]?\d{6}[ -]?\d(?![\w]|[.-]\d)"),
        near=words("imei"),
        check=lambda match: luhn(digits_of(match.group())),
    ),
)


def network_recognizers() -> list[EntityRecognizer]:
    """Give the recognizers of IP addresses and device numbers."""
    return [
        RuleRecognizer(
            "IP addresses",
            gate(r"\d\.\d{1,3}\.\d{1,3}\.\d|:[0-9a-f]{0,4}:|\d[\[(](?:\.|dot)[\])]\d"),
            _IPS,
        ),
        RuleRecognizer("MAC addresses", gate(r"[:-]\w\w[:-]\w\w[:-]"), _MACS),
        RuleRecognizer("IMEIs", both(gate(r"\d{6}"), mentions(terms_of("imei"))), _IMEIS),
    ]
