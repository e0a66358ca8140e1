"""Compare threading rules: `python -m scripts.compare_threading [--trees N] [--seed N] [--json] [--write]`.

Takes twenty small trees, and as many made-up ones as asked for, through the rules of dolma's Reddit versions, PolyAI,
Open Assistant, ConvoKit and this package, and prints what each rule loses, repeats and invents. With --write the tables
go into docs/dialogues.md.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from scripts.threading_rules.findings import INVENTIONS, Findings, judge, replies
from scripts.threading_rules.rules import LEAF_PATHS, OURS, RULES, Example, Rule
from scripts.threading_rules.trees import TWENTY, Tree, generated, read, whole

__all__ = ["PAGE", "SEED", "TREES", "Comparison", "main", "marked", "written"]

PAGE = Path(__file__).parents[1] / "docs" / "dialogues.md"
TREES: Final = 10_000
SEED: Final = 1

_BEGIN: Final = "<!-- {}: written by python -m scripts.compare_threading --write -->"
_END: Final = "<!-- end of {} -->"
_SHOWN: Final = 4
"""Examples of a tree that are written out."""

Totals = dict[str, Counter[str]]
"""Rule → what it did, added up."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, print, and write if asked to; 1 if our own rule loses, repeats or invents anything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trees", type=int, default=TREES, help="trees to make up")
    parser.add_argument("--seed", type=int, default=SEED, help="what they are made up from")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", action="store_true", help="write the tables into the document")
    options = parser.parse_args(arguments)
    if options.trees < 1:
        parser.error("--trees must be at least 1")
    made = Comparison(options.trees, options.seed)
    parts = made.sections()
    print(json.dumps(made.data()) if options.json else "\n\n".join(parts.values()))
    if options.write:
        PAGE.write_text(written(PAGE.read_text("utf-8"), parts), "utf-8")
    return int(not made.ours_is_flawless)


def written(document: str, parts: Mapping[str, str]) -> str:
    """Put each part between its marks in a document."""
    for name, content in parts.items():
        before, begin, rest = document.partition(_BEGIN.format(name))
        _, end, after = rest.partition(_END.format(name))
        if not end:
            raise ValueError(f"the document lacks the marks of {name!r}")
        document = f"{before}{begin}\n\n{content}\n\n{end}{after}"
    return document


def marked(document: str, name: str) -> str:
    """Give what stands between the marks of a part."""
    return document.partition(_BEGIN.format(name))[2].partition(_END.format(name))[0].strip()


class Comparison:
    """All rules on the twenty trees, and on ``trees`` made up from a seed."""

    def __init__(self, trees: int, seed: int) -> None:
        self.trees, self.seed = trees, seed
        self.twenty = {tree: _judged(tree, RULES) for tree in TWENTY}
        self.totals = _added_up(generated(trees, seed), [*RULES, LEAF_PATHS])

    @property
    def ours_is_flawless(self) -> bool:
        """Whether our own rule loses, repeats and invents nothing."""
        kinds = ("lost", "repeated", *INVENTIONS)
        on_twenty = all(found[OURS.name].flawless for found in self.twenty.values())
        return on_twenty and not any(self.totals[OURS.name][kind] for kind in kinds)

    def data(self) -> dict[str, object]:
        """Give all numbers as plain data."""
        return {
            "trees": self.trees,
            "seed": self.seed,
            "made_up": self.totals,
            "twenty": {
                tree.drawn: {rule: _numbers(found) for rule, found in by_rule.items()}
                for tree, by_rule in self.twenty.items()
            },
        }

    def sections(self) -> dict[str, str]:
        """Give the generated parts of the page by their names."""
        return {
            "counts": self._counts(),
            "cost": self._cost(),
            "overview": self._overview(),
            "trees": "\n\n".join(_section(*one) for one in enumerate(self.twenty.items(), 1)),
        }

    def _counts(self) -> str:
        words = self.totals[LEAF_PATHS.name]["words"]
        rows = [
            [
                rule,
                f"{one['examples']:,}",
                _share(one["lost"], one["replies"]),
                f"{one['repeated']:,}",
                *(f"{one[kind]:,}" for kind in INVENTIONS),
                f"{one['headless']:,}",
                f"{one['words'] / words:.2f}",
            ]
            for rule, one in self.totals.items()
        ]
        head = ["rule", "examples", "loses", "repeats", *INVENTIONS, "begin in the middle", "words"]
        due = self.totals[OURS.name]["replies"]
        about = f"{self.trees:,} trees (seed {self.seed}) with {due:,} replies to be trained."
        return f"{about}\n\n{_table(head, rows, numbers=len(head) - 1)}"

    def _cost(self) -> str:
        rules = (OURS, LEAF_PATHS)
        complete = map(whole, generated(self.trees, self.seed))
        shapes = {
            "five answers to one post": _added_up([_star(5)], rules),
            **{f"{n} in turn": _added_up([_in_turn(n)], rules) for n in (2, 4, 8, 16, 32)},
            f"the {self.trees:,} trees of the comparison below": self.totals,
            "the same, had nobody refused or deleted anything": _added_up(complete, rules),
        }
        rows = [
            [shape, f"{one[OURS.name]['words'] / one[LEAF_PATHS.name]['words']:.2f}"]
            for shape, one in shapes.items()
        ]
        return _table(["shape", "words read, against leaf paths"], rows, numbers=1)

    def _overview(self) -> str:
        rows = [
            [
                f"[{number}](#{_anchor(number, tree)})",
                f"`{_short(tree)}`",
                *(_marks(found[rule.name]) for rule in RULES),
            ]
            for number, (tree, found) in enumerate(self.twenty.items(), 1)
        ]
        return _table(["", "tree", *(rule.name for rule in RULES)], rows)


# --- counting -------------------------------------------------------------------------------------


def _judged(tree: Tree, rules: Iterable[Rule]) -> dict[str, Findings]:
    """Take a tree through rules. Names are drawn from the tree's own, so that they are always the same."""
    due = replies(tree)
    return {
        rule.name: judge(due, rule, rule.make(tree, random.Random(tree.name))) for rule in rules
    }


def _added_up(trees: Iterable[Tree], rules: Sequence[Rule]) -> Totals:
    totals: Totals = {rule.name: Counter() for rule in rules}
    for tree in trees:
        for rule, found in _judged(tree, rules).items():
            totals[rule].update(_numbers(found))
    return totals


def _numbers(found: Findings) -> dict[str, int]:
    return {
        "replies": len(found.replies),
        "examples": len(found.examples),
        "lost": len(found.lost),
        "repeated": sum(found.repeated.values()),
        **{kind: len(found.invented.get(kind, ())) for kind in INVENTIONS},
        "headless": found.headless,
        "words": found.words,
    }


def _star(answers: int) -> Tree:
    return read(" ".join(["A1", *(f"{'BCDEFGH'[one]}{one + 2}/1" for one in range(answers))]))


def _in_turn(posts: int) -> Tree:
    return read(
        " ".join(["A1", *(f"{'BA'[one % 2]}{one}/{one - 1}" for one in range(2, posts + 1))])
    )


# --- tables ---------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """Write a Markdown table whose last ``numbers`` columns are numbers."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _share(part: int, all_of_them: int) -> str:
    return f"{part:,} ({part / all_of_them:.1%})" if part else "0"


def _short(tree: Tree) -> str:
    words = tree.drawn.split()
    return tree.drawn if len(words) < 7 else " ".join([*words[:3], "...", words[-1]])


def _marks(found: Findings) -> str:
    numbers = {
        "L": len(found.lost),
        "R": sum(found.repeated.values()),
        "I": sum(map(len, found.invented.values())),
    }
    return " ".join(f"{letter}{number}" for letter, number in numbers.items() if number) or "·"


def _anchor(number: int, tree: Tree) -> str:
    return f"{number}-{tree.name.replace(',', '').replace(' ', '-')}"


def _section(number: int, judged: tuple[Tree, dict[str, Findings]]) -> str:
    tree, found = judged
    rows = [[rule, *_cells(tree, one)] for rule, one in found.items()]
    table = _table(["rule", "examples", "loses", "repeats", "invents"], rows)
    return f"### {number}. {tree.name}\n\n`{tree.drawn}`. {tree.about}\n\n{table}"


def _cells(tree: Tree, found: Findings) -> Iterator[str]:
    names = {post.number: str(post) for post in tree.posts}
    yield "<br>".join(_written_out(found.examples)) or "none"
    yield ", ".join(names[number] for number in sorted(found.lost))
    yield ", ".join(f"{names[number]} ×{times + 1}" for number, times in found.repeated.items())
    yield "; ".join(
        f"{kind}: {', '.join(names[number] for number in sorted(posts))}"
        for kind, posts in found.invented.items()
    )


def _written_out(examples: Sequence[Example]) -> list[str]:
    """Write examples out, what is trained in bold; of many the first ones."""
    shown = [_spelled(example) for example in examples[:_SHOWN]]
    left = len(examples) - len(shown)
    return [*shown, f"and {left} more"] if left else shown


def _spelled(example: Example) -> str:
    words = [f"**{said.post}**" if said.trained else str(said.post) for said in example]
    return " ".join(words if len(words) < 8 else [*words[:3], "...", *words[-2:]])


if __name__ == "__main__":
    sys.exit(main())
