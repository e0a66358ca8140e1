"""Secrets by prefix, by name, and by form."""

from __future__ import annotations

import pytest

from tests.privacy.finding import found, found_as

# Written in pieces, so that nobody's scanner takes this file for a leak.
_RANDOM = "q8Zr3TnW5xKb7LmV2cYd9HfJ4sGpA6eR"


@pytest.mark.parametrize(
    "key",
    [
        "AKIA" + "Q3ZRTNW5XKB7LMV2",
        "ghp" + "_" + _RANDOM + "abcd",
        "github_pat" + "_" + _RANDOM,
        "glpat" + "-" + _RANDOM[:20],
        "xoxb" + "-123456789012-" + _RANDOM,
        "sk" + "_live_" + _RANDOM,
        "sk" + "-proj-" + _RANDOM,
        "sk" + "-ant-api03-" + _RANDOM,
        "hf" + "_" + _RANDOM,
        "AIza" + "Sy" + _RANDOM + "x",
        "npm" + "_" + _RANDOM + "abcd",
        "pypi" + "-AgEIcHlwaS5vcmc" + _RANDOM,
        "SG." + _RANDOM[:22] + "." + _RANDOM + "abcdefghijk",
        "AC" + "0123456789abcdef" * 2,
        "123456789" + ":AA" + _RANDOM + "x",
        "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NSJ9." + _RANDOM,
        "postgres://ada:" + "hunter22" + "@db.example:5432/tea",
        "AGE-SECRET-" + "KEY-1" + "QZ5RTNW7XKB3LMV2CYD9HFJ4SGPA6ER8TU0WQZ5RTNW7XKB3LMV2CYD",
    ],
)
def test_keys(key: str) -> None:
    """A key with a known prefix is found whole, wherever it stands."""
    assert key in found_as("API_KEY", f"oops, {key}, sorry")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password: Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("mein Passwort ist Kaffee2024!", "Kaffee2024!"),
        ("mot de passe : Baguette42x", "Baguette42x"),
        ("contraseña=Tortilla99", "Tortilla99"),
        ("senha é Pastel2023", "Pastel2023"),
        ("wachtwoord: Stroopwafel7", "Stroopwafel7"),
        ('api_key = "' + _RANDOM + '"', _RANDOM),
        ("Authorization: Bearer " + _RANDOM, _RANDOM),
        ("Bluesky app password abcd-efgh-2345-wxyz", "abcd-efgh-2345-wxyz"),
        ("my access token " + _RANDOM, _RANDOM),
        ("Authorization: Basic " + _RANDOM, _RANDOM),
        ("https://api.telegram.org/bot123456789" + ":AA" + _RANDOM + "x/getMe", _RANDOM),
    ],
)
def test_secrets_that_are_named(text: str, secret: str) -> None:
    """What a text calls a password or a token is found if it looks like one."""
    assert any(secret in stretch for stretch in found_as("API_KEY", text))


def test_private_keys_are_found_whole() -> None:
    """A private key goes from its first line to its last."""
    begin, end = "-----BEGIN " + "RSA PRIVATE KEY-----", "-----END " + "RSA PRIVATE KEY-----"
    block = f"{begin}\nMIIEpAIBAAKCAQEA+/x=\nab\n{end}"
    assert found_as("API_KEY", f"look:\n{block}\nsee?") == [block]


@pytest.mark.parametrize(
    "text",
    [
        "password: changeme, password=$PASSWORD, token: <your-token>, api_key=xxxxxxxxxxxxxxxx",
        "the password is wrong. My password is secret! Passwort vergessen?",
        "sha256 b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8, id 123e4567-e89b-12d3-a456-426614174000",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "token = os.environ['TOKEN'], password=getpass.getpass()",
        "Donaudampfschifffahrtsgesellschaftskapitänsmütze",
    ],
)
def test_what_is_no_secret(text: str) -> None:
    """Stand-ins, variables, prose, hashes and long words are left alone."""
    assert found(text) == []
