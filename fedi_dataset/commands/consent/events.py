"""Events of consent from what was said on the command line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedi_dataset.commands.consent.recording import stamp

if TYPE_CHECKING:
    from fedi_dataset.consent.events import Evidence, Exclude, Given, Notice

__all__ = ["consent_of", "signed_of"]


def consent_of(
    kind: type[Given], accounts: tuple[str, ...], given: dict[str, Any], former: Given | None
) -> Given:
    """A consent event from the options of give and renew, and from the consent that it renews."""
    import msgspec

    from fedi_dataset.consent.licenses import parse_license
    from fedi_dataset.errors import UsageError

    if not accounts:
        raise UsageError("name an ACCOUNT, or a draft that came back with --signed")
    now = stamp(given.pop("at"))
    said = {
        "evidence": _evidence(given),
        "exclude": _exclude(given, former),
        "notice": _notice(given, former),
        **{name: value for name, value in given.items() if value not in (None, ())},
    }
    if "license" in said:
        said["license"] = parse_license(said["license"])
    kept = {} if former is None else msgspec.structs.asdict(former)
    fields = {"purposes": ("llm-fine-tuning",), "acquisition": ("own-export",), **kept, **said}
    fields |= {**now, "accounts": accounts, "prev": "", "proof": msgspec.UNSET}
    if missing := [
        f"--{name.replace('_', '-')}"
        for name in ("license", "age_at_least", "notice")
        if fields.get(name) is None
    ]:
        raise UsageError(f"missing option {', '.join(missing)}")
    if fields.get("expires") is not None and fields["expires"] <= now["at"]:
        raise UsageError("the consent would have expired already: say --expires")
    return kind(**fields)


def _notice(given: dict[str, Any], former: Given | None) -> Notice | None:
    from fedi_dataset.consent.events import Notice

    file, uri = given.pop("notice"), given.pop("notice_uri")
    lang, version = given.pop("notice_lang"), given.pop("notice_version")
    if file is None:
        return None if former is None else former.notice
    return Notice(
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(), uri=uri, lang=lang, version=version
    )


def _exclude(given: dict[str, Any], former: Given | None) -> Exclude:
    from fedi_dataset.consent.events import Exclude

    posts = given.pop("posts")
    tags = tuple(tag.removeprefix("#") for tag in given.pop("tags"))
    before = Exclude() if former is None else former.exclude
    return Exclude(posts=posts or before.posts, tags=tags or before.tags)


def _evidence(given: dict[str, Any]) -> Evidence:
    import msgspec

    from fedi_dataset.consent.events import Evidence
    from fedi_dataset.consent.proofs import statements_in
    from fedi_dataset.errors import UsageError

    method, ref = given.pop("method"), given.pop("evidence_ref")
    if method != "self-asserted" and not ref.strip():
        raise UsageError(f"--evidence {method} needs --evidence-ref: where can it be seen?")
    keys = _keys(given.pop("keys"))
    statements = tuple(
        statement
        for file in given.pop("statements")
        for statement in statements_in(_json_file(file))
    )
    return Evidence(
        method=method,
        ref=ref,
        keys=keys or msgspec.UNSET,
        statements=statements or msgspec.UNSET,
    )


def _keys(pairs: tuple[str, ...]) -> dict[str, str]:
    from fedi_dataset.errors import UsageError

    keys = {}
    for pair in pairs:
        account, equals, did = pair.rpartition("=")
        if not equals or not did.startswith("did:key:"):
            raise UsageError(f"--key {pair!r} is no ACCOUNT=did:key:...")
        keys[account] = did
    return keys


def signed_of(
    kind: type[Given], file: Path, accounts: tuple[str, ...], given: dict[str, Any]
) -> Given:
    """A draft that came back with its proof; what it says of evidence must be what the steward says."""
    import msgspec

    from fedi_dataset.errors import UsageError

    if accounts:
        raise UsageError("--signed takes the accounts from its file: name no ACCOUNT")
    try:
        event: Given = msgspec.convert(_json_file(file), kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{file} is no signed draft of this command: {error}") from error
    if event.proof is msgspec.UNSET:
        raise UsageError(f"{file} has no proof: it came back unsigned")
    keys = {} if event.evidence.keys is msgspec.UNSET else event.evidence.keys
    if (event.evidence.ref, keys) != (given["evidence_ref"], _keys(given["keys"])):
        raise UsageError(
            f"{file} comes from outside: repeat the --evidence-ref and each --key of the draft, "
            "so that it is you who says whose key it is"
        )
    return event


def _json_file(file: Path) -> Any:
    from fedi_dataset.errors import UsageError

    try:
        return json.loads(file.read_bytes())
    except ValueError as error:
        raise UsageError(f"{file} is no JSON: {error}") from error
