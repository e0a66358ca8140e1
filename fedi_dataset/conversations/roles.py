"""Roles: whose voice is the assistant's, where a config names one person.

A config is recorded in the workspace and in the manifest, so that it must not name anybody: the account is
turned into its key before anything else happens. The key finds the person's posts (columns.py), of all
accounts of the subject, also where that account has none, and says nothing without the workspace's secret.
It is an account's, which stays what it is: what a subject is called changes when the ledger joins accounts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from fedi_dataset.config import AUTHOR, KEYED, BuildConfig
from fedi_dataset.consent.gate import spellings_of
from fedi_dataset.consent.ledger import Ledger, spelling
from fedi_dataset.errors import UsageError
from fedi_dataset.posts import Account
from fedi_dataset.privacy.keys import key_hex

__all__ = ["without_names"]


def without_names(
    config: BuildConfig,
    ledger: Ledger,
    owners: Iterable[Account],
    recorded: Collection[str],
    secret: bytes,
) -> BuildConfig:
    """Give the config with the key of an account in place of the account that its ``roles`` name.

    ``owners`` are those of the exports that are open: any spelling of one of them, or of another account of the same
    subject, is taken. A key stays as it is. Raises UsageError for an account that neither they nor the ledger know,
    and for a key of none that they or the ledger know, nor among the ``recorded`` keys of accounts. Who withdrew is
    known, but none of their posts is there to be trained.
    """
    voice = config.voice
    if voice is None:
        return config
    spelled = {owner.uri: spellings_of(owner) for owner in owners}
    if voice.startswith(KEYED):
        _check_key(voice.removeprefix(KEYED), ledger, spelled.values(), recorded, secret)
        return config
    subject = ledger.index.of(voice)
    named = [uri for uri, names in spelled.items() if spelling(voice) in map(spelling, names)]
    theirs = [uri for uri, names in spelled.items() if subject in map(ledger.index.of, names)]
    account = min(named or (theirs if subject is not None else ()), default=None)
    if account is None and subject is None:
        raise UsageError(
            f"roles author={voice}: neither the ledger {ledger.path} nor an export knows this account. "
            "`fedi-dataset inspect EXPORT` and `fedi-dataset consent list LEDGER` show how accounts are written"
        )
    keyed = key_hex(secret, "account", account or spelling(voice))
    return msgspec.structs.replace(config, roles=f"{AUTHOR}{KEYED}{keyed}")


def _check_key(
    keyed: str,
    ledger: Ledger,
    owners: Iterable[Iterable[str]],
    recorded: Collection[str],
    secret: bytes,
) -> None:
    """Refuse the key of nobody: of another workspace, or of an account whose lines were redacted."""
    names = {*ledger.accounts(), *(name for spelled in owners for name in spelled)}
    if keyed not in recorded and not any(
        key_hex(secret, "account", name) == keyed for name in names
    ):
        raise UsageError(
            f"roles author={KEYED}{keyed}: this is the key of no account that the ledger {ledger.path} or an export "
            "knows; a key holds in the workspace that made it alone. Name the account instead"
        )
