"""What each test of the gate looks at, in one line: events by their ids, signals by their names, terms by their source.

Facts of accounts, events and config; never a word of a post.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from fedi_dataset.config import BuildConfig
from fedi_dataset.consent.admission import day_of, servers_of
from fedi_dataset.consent.gate import spellings_of
from fedi_dataset.consent.ledger import Given, Ledger, Renewed, Standing, Withdrawn
from fedi_dataset.consent.licenses import parse_license
from fedi_dataset.consent.proofs import evidence_grade
from fedi_dataset.consent.targets import target_of, verdict
from fedi_dataset.consent.terms import HostTerms, InstanceTerms
from fedi_dataset.posts import Export, Post

__all__ = ["Case", "evidence_of"]


@dataclass(frozen=True)
class Case:
    """A post, and all that it is judged by."""

    post: Post
    export: Export
    ledger: Ledger
    config: BuildConfig
    as_of: datetime
    terms: InstanceTerms

    @cached_property
    def standing(self) -> Standing:
        """What the ledger says of the export's owner."""
        return self.ledger.standing(spellings_of(self.export.owner), self.as_of)

    @cached_property
    def events(self) -> list[tuple[int, Given | Withdrawn]]:
        """Events about the owner, all of their accounts, with their lines from 1."""
        names = spellings_of(self.export.owner)
        accounts = {one for name in names for one in (name, *self.ledger.accounts_with(name))}
        return self.ledger.naming(sorted(accounts))


def evidence_of(code: str, case: Case, detail: str | None) -> str:
    """Say on what a test rests; ``detail`` is the gate's, of a refusal that has one."""
    consent = case.standing.deciding
    if code in _OF_POST:
        return _OF_POST[code](case)
    if consent is None:
        return "no consent"
    return _OF_CONSENT[code](case, consent, detail)


def _deciding(case: Case) -> str:
    consent = case.standing.deciding
    if consent is None:
        names = ", ".join(spellings_of(case.export.owner))
        return f"no event up to {_time(case.as_of)} gives consent for {names}"
    line = next((line for line, event in case.events if event.id == consent.id), None)
    event = "renewed" if isinstance(consent, Renewed) else "given"
    where = f", line {line}" if line is not None else ""
    return f"{event} {consent.id} of {_time(consent.at)}{where}"


def _withdrawals(case: Case, consent: Given, _: str | None) -> str:
    given = max((line for line, event in case.events if event.id == consent.id), default=0)
    later = [
        f"{type(event).__name__.lower()} {event.id} of {_time(event.at)}, line {line}"
        + (f" ({len(event.posts)} posts)" if event.posts is not None else "")
        for line, event in case.events
        if isinstance(event, Withdrawn) and line > given
    ]
    if not later and case.standing.withdrawn:
        return "redacted lines took it back"
    return "; ".join(later) or "nothing on a later line"


def _recipients(case: Case, consent: Given, _: str | None) -> str:
    special = "with" if consent.special_categories else "without"
    return (
        f"reaches {consent.recipients}, {', '.join(consent.purposes)}, {special} special categories; "
        f"the build is for {case.config.recipients}"
    )


def _dates(case: Case, consent: Given, _: str | None) -> str:
    begin, end = consent.from_, consent.until
    covered = [f"from {_time(begin)}"] if begin else []
    covered += [f"until {_time(end)}"] if end else []
    return f"written {_written(case)}; covered {' '.join(covered) or 'at any time'}"


def _excluded(_: Case, consent: Given, __: str | None) -> str:
    left_out = consent.exclude
    tags = f" and the tags {_listed(left_out.tags)}" if left_out.tags else " and no tag"
    return f"leaves out {len(left_out.posts)} posts{tags}"


def _evidence(case: Case, consent: Given, _: str | None) -> str:
    ref = f", {consent.evidence.ref}" if consent.evidence.ref else ""
    return f"{evidence_grade(consent)}{ref}; the source is {case.export.format}"


def _age(case: Case, consent: Given, detail: str | None) -> str:
    asked = f"the build asks for {case.config.minimum_age}"
    for host, terms in _servers(case).items():
        if terms.minimum_age:
            asked += f", {host} for {terms.minimum_age}"
    refusing = f"; too young for {detail}" if detail else ""
    return f"declared {consent.age_at_least}; {asked}{refusing}"


def _signals(case: Case, consent: Given, detail: str | None) -> str:
    if detail:
        return f"denied by {detail}"
    seen = sorted({one.name for one in (*case.export.owner.signals, *case.post.signals)})
    known = f"; acknowledged: {_listed(consent.acknowledged)}" if consent.acknowledged else ""
    return f"seen: {_listed(seen) or 'none'}{known}"


def _terms(case: Case, consent: Given, detail: str | None) -> str:
    told = []
    for host, terms in _servers(case).items():
        told.append(f"{host} {'is in the list' if terms.known else 'is in no list'}")
        told += [
            f"{term.host} forbids it since {term.since or 'ever'} ({term.source})"
            for term in terms.forbidding
        ]
    overridden = _listed(consent.terms_override)
    if detail and not told:
        told.append(detail)
    told += [f"overruled for {overridden}"] if overridden else []
    return "; ".join(told) or "of no server"


def _license(case: Case, consent: Given, _: str | None) -> str:
    license_ = parse_license(consent.license)
    said = "" if license_ == consent.license else f"{consent.license}, that is "
    answer = verdict(license_, target_of(case.config.allow_licenses))
    return f"{said}{license_}: {answer}"


_OF_POST: Final[dict[str, Callable[[Case], str]]] = {
    "not_own": lambda case: f"by {case.post.account}, in the export of {case.export.owner.uri}",
    "not_a_post": lambda case: f"a {case.post.kind.value}",
    "not_public": lambda case: (
        case.post.visibility.value + (", unlisted ones are taken" if case.config.unlisted else "")
    ),
    "deleted": lambda case: "a deletion or a draft" if case.post.deleted else "it stands",
    "no_consent": _deciding,
}

_OF_CONSENT: Final[dict[str, Callable[[Case, Given, str | None], str]]] = {
    "consent_withdrawn": _withdrawals,
    "consent_expired": lambda case, consent, _: (
        f"expires {_time(consent.expires) if consent.expires else 'never'}; as of {_time(case.as_of)}"
    ),
    "purpose_not_covered": lambda case, consent, _: (
        f"for {', '.join(consent.purposes)}; the build is for {case.config.purpose}"
    ),
    "recipients_not_covered": _recipients,
    "outside_dates": _dates,
    "visibility_not_covered": lambda case, consent, _: (
        f"{case.post.visibility.value}; covered: {', '.join(consent.visibilities)}"
    ),
    "excluded_by_author": _excluded,
    "no_date": lambda case, _, __: f"written {_written(case)}",
    "acquisition_not_covered": lambda case, consent, _: (
        f"{case.export.acquisition}; covered: {', '.join(consent.acquisition)}"
    ),
    "weak_evidence": _evidence,
    "under_age": _age,
    "signal_denied": _signals,
    "instance_terms": _terms,
    "license_refused": _license,
}


def _servers(case: Case) -> dict[str, HostTerms]:
    on = day_of(case.as_of)
    return {host: case.terms.of(host, on) for host in servers_of(case.export.owner, case.post)}


def _written(case: Case) -> str:
    return _time(case.post.created_at) if case.post.created_at else "at no time that can be read"


def _time(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
