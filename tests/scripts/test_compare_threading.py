"""The comparison of threading rules: what each rule makes of a tree, what counts as wrong, and the page about it."""

from __future__ import annotations

import json
import random
from itertools import islice
from math import prod

import pytest

from scripts.compare_threading import PAGE, SEED, TREES, Comparison, main, marked, written
from scripts.threading_rules.findings import Findings, judge, replies
from scripts.threading_rules.rules import LEAF_PATHS, OURS, RULES, Rule, parents
from scripts.threading_rules.trees import TWENTY, Post, Tree, generated, read, whole

BY_NAME = {rule.name: rule for rule in (*RULES, LEAF_PATHS)}


def examples(rule: str, drawn: str) -> list[str]:
    """Give a rule's examples of a tree, `!` after what is trained."""
    made = BY_NAME[rule].make(read(drawn), random.Random(0))
    return [" ".join(f"{one.post}{'!' * one.trained}" for one in example) for example in made]


def found(rule: Rule, tree: Tree) -> Findings:
    """Judge what a rule makes of a tree."""
    return judge(replies(tree), rule, rule.make(tree, random.Random(tree.name)))


def chain(length: int) -> str:
    """Draw two people in turn."""
    return " ".join(["A1", *(f"{'BA'[n % 2]}{n}/{n - 1}" for n in range(2, length + 1))])


# --- trees ----------------------------------------------------------------------------------------


def test_the_notation_says_who_answers_whom_and_what_a_post_is() -> None:
    """Author, number, parent and state are read from a word; marks are optional."""
    assert read("A1 B2/1x C3/9? D4/2~").posts == (
        Post(1, "A", None, "free"),
        Post(2, "B", 1, "deleted"),
        Post(3, "C", 9, "refused"),
        Post(4, "D", 2, "read-only"),
    )


@pytest.mark.parametrize("drawn", ["a1", "A", "A1/", "A1!", "A1/b"])
def test_what_is_no_tree_is_refused(drawn: str) -> None:
    """A word that is no post is an error that shows it."""
    with pytest.raises(ValueError, match="is no post"):
        read(drawn)


def test_made_up_trees_depend_on_their_seed_alone() -> None:
    """The same seed gives the same trees, the first of many are those of few, another seed gives others."""
    few = list(generated(20, 5))
    assert few == list(islice(generated(100, 5), 20))
    assert [tree.posts for tree in few] != [tree.posts for tree in generated(20, 6)]


def test_made_up_trees_hold_every_case() -> None:
    """All states occur, parents come before their answers, and the whole tree has the same links and no holes."""
    trees = list(generated(200, 1))
    assert {post.state for tree in trees for post in tree.posts} == {
        "free",
        "deleted",
        "refused",
        "read-only",
    }
    assert all(post.parent is None or post.parent < post.number for t in trees for post in t.posts)
    complete = whole(trees[0])
    assert [post.parent for post in complete.posts] == [post.parent for post in trees[0].posts]
    assert {post.state for tree in map(whole, trees) for post in tree.posts} == {"free"}


def test_circles_are_cut_at_their_smallest_number() -> None:
    """A circle, whatever hangs below it, and a post that answers itself: one link less each."""
    assert parents(read("A1/3 B2/1 C3/2 D4/3 E5/5 F6/5 G7/8").posts) == {
        1: None,
        2: 1,
        3: 2,
        4: 3,
        5: None,
        6: 5,
        7: 8,
    }


def test_replies_are_what_answers_somebody() -> None:
    """Openings, monologues, what hangs on a gap alone and what may not be trained are no replies."""
    assert replies(read("A1 A2/1 B3/2 A4/3 C5/3~ A6/5 D7/9 E8/7 F9/1x G10/9")) == {3, 4, 6, 8}


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "drawn", "made"),
    [
        ("dolma v1", "A1 B2/1 A3/2 C4/2", ["A1! B2! A3!", "A1! B2! C4!"]),
        ("dolma v1", "A1 B2/1 A3/2x", []),
        ("dolma v1", "A1 B2/1x A3/2 B4/3", ["A1! B2! A3! B4!"]),
        ("dolma v1", "B2/1 C3/2", ["B2! C3!"]),
        ("dolma v2", "A1 B2/1 C3/1 A4/3 B5/4", ["A1! C3! A4! B5!"]),
        ("dolma v2", "A1 B2/1 A3/2x B4/3", ["A1! B2!"]),
        ("dolma v3, v5", "A1 B2/1x A3/2", ["A1!", "A3!"]),
        ("dolma v4", "A1 B2/1 C3/1 A4/2", ["A1! B2! A4! C3!"]),
        ("dolma v4", "A1 B2/1x A3/2 B4/3 C5/1", ["A1! C5!"]),
        ("dolma v4", "B2/1 C3/2", []),
        ("PolyAI", "A1 B2/1 C3/1 A4/2", ["A1 B2!", "A1 C3!", "A1 B2 A4!"]),
        ("PolyAI", "A1 B2/8 C3/2 D5/9 E6/5", ["B2 C3!", "D5 E6!"]),
        ("PolyAI", "A1 B2/1x A3/2 B4/3", ["A1 B2 A3 B4!"]),
        ("PolyAI", "A1/1", []),
        ("PolyAI", "A1/3 B2/1 C3/2", []),
        ("OASST", "A1 B2/1 A3/2 B4/3 C5/3", ["A1 B2! A3 B4!", "A1 B2! A3 C5!"]),
        ("OASST", "A1 B2/1 A3/2 C4/2", ["A1 B2!"]),
        ("OASST", "A1 B2/1 A3/2x", []),
        ("OASST", "A1 B2/1 B2/1", ["A1 B2!", "A1 B2!"]),
        ("ConvoKit", "A1 B2/1 A3/2 C4/2", ["A1 B2! A3!", "A1 B2! C4!"]),
        ("ConvoKit", "A1 B2/1? A3/2 C4/1", []),
        ("ConvoKit", "A1 B2/2", []),
        ("ConvoKit", "A1 B2", []),
        ("ConvoKit", "A1 B2/1 C3/4 D4/3", ["A1 B2!"]),
        ("ConvoKit", "A1 B2/1 C3/4 D4/3 E5/4", []),
        ("leaf paths", "A1 B2/1? A3/2 B4/3 C5/1", ["A3 B4!", "A1 C5!"]),
        ("ours", "A1 B2/1 A3/2", ["A1 B2!", "A1 B2 A3!"]),
        ("ours", "A1 B2/1? A3/2 B4/3", ["A3 B4!"]),
        ("ours", "A1 A2/1 B3/1", ["A1 B3!"]),
        ("ours", "A1 B2/1 B3/2", ["A1 B2! B3!"]),
        ("ours", "A1/2 B2/1", ["A1 B2!"]),
    ],
)
def test_a_rule_makes_of_a_tree_what_its_source_says(
    rule: str, drawn: str, made: list[str]
) -> None:
    """Examples are those that the rule's source gives for the same posts, in its order."""
    assert examples(rule, drawn) == made


def test_windows_are_as_long_as_their_sources_say() -> None:
    """dolma's hold 13 posts and move on with every post beyond, PolyAI's 11, ours as many as max_turns."""
    assert [len(one.split()) for one in examples("dolma v1", chain(15))] == [13, 13, 13]
    assert max(len(one.split()) for one in examples("PolyAI", chain(20))) == 11
    assert max(len(one.split()) for one in examples("ours", chain(20))) == 16


def test_drawn_names_collide_as_often_as_the_page_says() -> None:
    """Of 200 people with numbers from 1 to 9,999, two or more share one in 86.5 % of threads."""
    assert round(1 - prod(1 - one / 9_999 for one in range(200)), 3) == 0.865
    crowd = Tree(
        "crowd", tuple(Post(n, f"author {n}", 1 if n > 1 else None) for n in range(1, 201))
    )
    (example,) = BY_NAME["dolma v4"].make(crowd, random.Random(1))
    assert len({said.name for said in example}) < len(example) == 200


# --- findings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "drawn", "lost", "repeated", "invented"),
    [
        ("dolma v1", "A1 B2/1 A3/2 C4/2", set(), {1: 1, 2: 1}, {}),
        ("dolma v1", "B2/1 C3/2", set(), {}, {"openings": {2}}),
        ("dolma v1", "A1 B2/1x C3/2x A4/3 D5/4", set(), {}, {"bodies": {2, 3}, "names": {2, 3}}),
        ("dolma v2", "A1 B2/1 C3/1", {2}, {}, {}),
        ("dolma v3, v5", "A1 B2/1~", set(), {}, {"openings": {2}, "permissions": {2}}),
        ("dolma v4", "A1 B2/1x A3/2 B4/3 C5/1", {4}, {}, {}),
        ("PolyAI", "A1 A2/1 B3/2", set(), {}, {"answers": {2}}),
        ("PolyAI", "A1 B2/1x A3/2 B4/3", set(), {}, {"bodies": {2}}),
        ("OASST", "A1 B2/1 C3/2 A4/3", {3}, {}, {"names": {2, 4}}),
        ("ConvoKit", "A1 B2/1? A3/2 B4/3", {4}, {}, {}),
        ("ConvoKit", "A1 B2/1 A3/2x", set(), {}, {"bodies": {3}}),
        ("leaf paths", "A1 B2/1 A3/2 C4/2", set(), {2: 1}, {}),
    ],
)
def test_what_a_rule_does_wrong_is_found(
    rule: str,
    drawn: str,
    lost: set[int],
    repeated: dict[int, int],
    invented: dict[str, set[int]],
) -> None:
    """Lost, repeated and invented posts are exactly these."""
    one = found(BY_NAME[rule], read(drawn))
    assert set(one.lost) == lost
    assert one.repeated == repeated
    assert {kind: set(posts) for kind, posts in one.invented.items()} == invented
    assert not one.flawless


def test_our_rule_does_nothing_wrong() -> None:
    """On the twenty trees and 500 made-up ones it loses, repeats and invents nothing, and trains what is due alone."""
    for tree in (*TWENTY, *generated(500, 3)):
        one = found(OURS, tree)
        assert one.flawless, tree
        trained = [said.post.number for example in one.examples for said in example if said.trained]
        assert sorted(trained) == sorted(replies(tree)), tree


def test_each_of_the_twenty_trees_tells_rules_apart() -> None:
    """There are twenty, each with a name of its own, and on each but ours some rule does something wrong."""
    assert len({tree.name for tree in TWENTY}) == len({tree.drawn for tree in TWENTY}) == 20
    for tree in TWENTY:
        assert not all(found(rule, tree).flawless for rule in RULES), tree


# --- command and page -----------------------------------------------------------------------------


def test_the_command_prints_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    """--json has the numbers of all rules on made-up and small trees, and the exit code is 0 as ours is flawless."""
    assert main(["--json", "--trees", "30", "--seed", "2"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["trees"], data["seed"], len(data["twenty"])) == (30, 2, 20)
    assert list(data["made_up"]) == [*(rule.name for rule in RULES), "leaf paths"]
    assert data["twenty"]["A1 B2/1 A3/2"]["ours"] == {
        "replies": 2,
        "examples": 2,
        "lost": 0,
        "repeated": 0,
        "openings": 0,
        "bodies": 0,
        "names": 0,
        "answers": 0,
        "permissions": 0,
        "headless": 0,
        "words": 50,
    }


def test_the_command_prints_tables_and_refuses_no_trees(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without options tables come out, the same every time; --trees 0 is wrong usage."""
    assert main(["--trees", "30"]) == 0
    once = capsys.readouterr().out
    assert main(["--trees", "30"]) == 0
    assert capsys.readouterr().out == once
    assert once.startswith("30 trees (seed 1) with ")
    with pytest.raises(SystemExit) as ended:
        main(["--trees", "0"])
    assert ended.value.code == 2


def test_parts_go_between_their_marks() -> None:
    """Writing replaces what stood between the marks and nothing else; a page without marks is an error."""
    page = PAGE.read_text("utf-8")
    once = written(page, {"cost": "| a |"})
    assert marked(once, "cost") == "| a |"
    assert marked(once, "trees") == marked(page, "trees")
    assert written(once, {"cost": marked(page, "cost")}) == page
    with pytest.raises(ValueError, match="lacks the marks of 'cost'"):
        written("a page", {"cost": ""})


@pytest.mark.slow
def test_the_page_says_what_comes_out() -> None:
    """docs/dialogues.md holds the command's tables; `python -m scripts.compare_threading --write` writes them."""
    page = PAGE.read_text("utf-8")
    for name, part in Comparison(TREES, SEED).sections().items():
        assert marked(page, name) == part, name
