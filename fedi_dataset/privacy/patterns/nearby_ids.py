"""Official numbers whose form other numbers share: they count near a word for such numbers.

Patterns and check digits are Presidio's where it has them; the words are ours, in seven languages
(Presidio's own are single English words that prose is full of: "social", "document", "fin").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from presidio_analyzer import EntityRecognizer, PatternRecognizer
from presidio_analyzer import predefined_recognizers as presidio

from fedi_dataset.privacy.patterns.checksums import bsn, compact, cpf, digits_of, is_date, nif_pt
from fedi_dataset.privacy.patterns.rules import (
    Rule,
    RuleRecognizer,
    both,
    gate,
    mentions,
    terms_of,
    words,
)

__all__ = ["nearby_id_recognizers"]

_ENTITY: Final = "GOVERNMENT_ID"
_NEAR: Final = words("government_id")

Check = Callable[[re.Match[str]], bool]


def _presidio(kind: type[PatternRecognizer], pattern: str | None = None) -> list[Rule]:
    """Take a recognizer's patterns (or ours, with its check digits), near a word for such numbers."""
    inner = kind()
    patterns = [pattern] if pattern else [one.regex for one in inner.patterns]
    return [
        Rule(
            f"{kind.__name__} {index}",
            _ENTITY,
            re.compile(_global_flags_first(regex), re.IGNORECASE),
            0.85,
            check=_checked(inner),
            near=_NEAR,
        )
        for index, regex in enumerate(patterns)
    ]


def _global_flags_first(regex: str) -> str:
    """Presidio compiles with the regex module, which takes (?i) anywhere; re wants it in front."""
    return regex.replace("(?i)", "")


def _checked(inner: PatternRecognizer) -> Check:
    def is_right(match: re.Match[str]) -> bool:
        found = match.group()
        return inner.validate_result(found) is not False and not inner.invalidate_result(found)

    return is_right


def _near(name: str, pattern: str, check: Check | None = None) -> Rule:
    return Rule(name, _ENTITY, re.compile(pattern, re.IGNORECASE), 0.85, check=check, near=_NEAR)


def _is_pesel(match: re.Match[str]) -> bool:
    digits = digits_of(match.group())
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    return sum(d * w for d, w in zip(digits, weights, strict=True)) % 10 == 0


def _is_cpr(match: re.Match[str]) -> bool:
    digits = digits_of(match.group())
    return is_date(2000, digits[2] * 10 + digits[3], digits[0] * 10 + digits[1])


def _is_affiliation(match: re.Match[str]) -> bool:
    digits = compact(match.group())
    return int(digits[:10]) % 97 == int(digits[10:])


# Forms that other numbers share.
_BESIDE: Final = (
    *_presidio(presidio.UsSsnRecognizer),
    *_presidio(presidio.UsItinRecognizer),
    *_presidio(presidio.UsMbiRecognizer),
    *_presidio(presidio.NhsRecognizer),
    *_presidio(presidio.DeTaxIdRecognizer),
    *_presidio(presidio.DeIdCardRecognizer),
    *_presidio(presidio.DeSocialSecurityRecognizer),
    *_presidio(presidio.DeHealthInsuranceRecognizer),
    *_presidio(presidio.CaSinRecognizer),
    *_presidio(presidio.AuTfnRecognizer),
    *_presidio(presidio.AuMedicareRecognizer),
    *_presidio(presidio.InAadhaarRecognizer),
    *_presidio(presidio.NgNinRecognizer),
    *_presidio(presidio.SgFinRecognizer, r"\b[STFGM]\d{7}[A-Z]\b"),
    *_presidio(presidio.ThTninRecognizer),
    *_presidio(presidio.TrNationalIdRecognizer),
    *_presidio(presidio.ZaIdNumberRecognizer),
    _near("PL PESEL", r"(?<![\w.-])\d{11}(?![\w-]|\.\d)", _is_pesel),
    _near(
        "NL BSN",
        r"(?<![\w-])\d{4}[. ]?\d{2}[. ]?\d{3}(?![\w-])",
        lambda m: bsn(digits_of(m.group())),
    ),
    _near(
        "PT NIF",
        r"(?<![\w-])[1-3]\d{2} ?\d{3} ?\d{3}(?![\w-])",
        lambda m: nif_pt(digits_of(m.group())),
    ),
    _near(
        "BR CPF without dots",
        r"(?<![\w.-])\d{9}-?\d{2}(?![\w-])",
        lambda m: cpf(digits_of(m.group())),
    ),
    _near("DK CPR", r"(?<![\w-])\d{6}[- ]?\d{4}(?![\w-])", _is_cpr),
    _near("ES social security", r"(?<![\w-])\d{2}[ /]?\d{8}[ /]?\d{2}(?![\w-])", _is_affiliation),
    _near("IE PPS", r"(?<!\w)\d{7}[A-W][A-IW]?(?!\w)"),
)


def nearby_id_recognizers() -> list[EntityRecognizer]:
    """Give the recognizer of official numbers near a word for them."""
    telling = both(gate(r"\d"), mentions(terms_of("government_id")))
    return [RuleRecognizer("Official numbers in context", telling, _BESIDE)]
