"""Score a detector on a gold file: `python scripts/evaluate_privacy.py GOLD.json [--misses N] [--json]`.

Each text is scrubbed as a build scrubs a post that stands alone: by the configured detector, with nobody known to take
part. A text is read in the language that its record gives; where it gives none, in --language, "en" unless told
otherwise (presidio-research's records give none, and are English). What the scores mean stands in
fedi_dataset/privacy/evaluation.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fedi_dataset.config import BuildConfig
from fedi_dataset.errors import FediDatasetError, UsageError
from fedi_dataset.privacy.detector import Detector, load_detector
from fedi_dataset.privacy.evaluation import IDENTIFYING, Piece, evaluate
from fedi_dataset.privacy.gold import Gold, read_gold
from fedi_dataset.privacy.scrub import Detect, Said, Scrubbed, scrub
from fedi_dataset.privacy.spans import Span

__all__ = ["main"]

_AROUND = 30  # characters of context on each side of an example


def main(arguments: Sequence[str] | None = None) -> int:
    """Score and print; 0, or 2 where the files or options cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except FediDatasetError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="Intervals are Wilson's, at 95 %. A text that is refused is in no rate; it is counted apart.",
    )
    parser.add_argument(
        "gold", type=Path, help="a file in presidio-research's format, or one record a line"
    )
    parser.add_argument(
        "--identifying",
        metavar="LABEL,...",
        default=",".join(IDENTIFYING),
        help="gold labels that must be masked (default: %(default)s)",
    )
    parser.add_argument(
        "--config", type=Path, help="a build's config, for its detector and policies"
    )
    parser.add_argument("--detector", metavar="NAME", help="another detector than the config's")
    parser.add_argument(
        "--language", default="en", help="of texts that do not give theirs (default: en)"
    )
    parser.add_argument(
        "--misses",
        metavar="N",
        type=int,
        default=0,
        help="show up to N missed and N wrongly masked pieces of each label, in their context: only for files of"
        " invented people",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _run(options: argparse.Namespace) -> int:
    identifying = tuple(label.strip() for label in options.identifying.split(",") if label.strip())
    if not identifying:
        raise UsageError("--identifying names no label")
    golds = read_gold(options.gold)
    config = BuildConfig.from_yaml(options.config) if options.config else BuildConfig()
    if options.detector:
        config = msgspec.structs.replace(config, detector=options.detector)
    detector = load_detector(config.detector, config.policy)
    evaluation = evaluate(_scrubbed(golds, detector, options.language), identifying)
    result: dict[str, Any] = {
        "gold": options.gold.name,
        "detector": detector.version,
        **evaluation.to_dict(),
    }
    if options.misses > 0:
        result["examples"] = {
            "missed": _examples(evaluation.misses, golds, options.misses),
            "wrong": _examples(evaluation.wrong, golds, options.misses),
        }
    print(json.dumps(result, ensure_ascii=False) if options.json else "\n".join(_lines(result)))
    return 0


def _scrubbed(
    golds: Sequence[Gold], detector: Detector, default: str
) -> Iterator[tuple[Gold, str, Scrubbed]]:
    """Scrub each text as a conversation of its own, in which nobody is known and nobody withdrew."""
    for gold in golds:
        language = (gold.language or default).lower().partition("-")[0]
        said = Said(gold.text, language)
        [one] = scrub([said], (), _detect(detector, said), lambda _: b"")
        yield gold, language, one


def _detect(detector: Detector, said: Said) -> Detect:
    def detect(_: int) -> Sequence[Span] | None:
        covered = detector.covers(said.text, said.language)
        return detector.detect(said.text, said.language) if covered else None

    return detect


def _examples(
    pieces: Sequence[Piece], golds: Sequence[Gold], most: int
) -> dict[str, list[dict[str, Any]]]:
    shown: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for found in pieces:
        if len(shown[found.label]) < most:
            text = golds[found.record - 1].text
            piece = text[found.begin : found.end]
            before = text[max(0, found.begin - _AROUND) : found.begin]
            after = text[found.end : found.end + _AROUND]
            example = {
                "record": found.record,
                "piece": piece,
                "context": f"{before}>>{piece}<<{after}",
            }
            shown[found.label].append(example)
    return dict(sorted(shown.items()))


def _lines(result: dict[str, Any]) -> Iterator[str]:
    refused = result["refused"]
    yield f"{result['gold']}: {result['texts']} texts; refused {refused['texts']} with {refused['spans']} spans"
    yield f"{'':18} {'spans':>6} {'recall':>22} {'precision':>22} {'plain':>6} {'touched':>22}"
    for name, part in [("all", result), *result["languages"].items()]:
        figures = part["identifying"]
        yield (
            f"{name:18} {figures['spans']:6} {_share(figures, 'recall')} {_share(figures, 'precision')}"
            f" {part['plain']:6} {_share(part, 'plain_touched')}"
        )
    yield ""
    yield f"{'label':18} {'spans':>6} {'recall':>22} {'marks':>6} {'precision':>22}   (* identifying)"
    for label, figures in result["labels"].items():
        star = "*" if figures["identifying"] else " "
        yield (
            f"{label:17}{star} {figures['spans']:6} {_share(figures, 'recall')} {figures['marks']:6}"
            f" {_share(figures, 'precision')}"
        )
    for kind, labels in result.get("examples", {}).items():
        for label, examples in labels.items():
            yield from ("", f"{kind}, {label}:")
            yield from (f"  {one['record']:5}  {one['context']!r}" for one in examples)


def _share(figures: dict[str, Any], name: str) -> str:
    if figures[name] is None:
        return f"{'-':>22}"
    low, high = figures[f"{name}_95"]
    return f"{figures[name]:.4f} [{low:.3f}, {high:.3f}]".rjust(22)


if __name__ == "__main__":
    sys.exit(main())
