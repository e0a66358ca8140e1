"""Plays a talk: from a plan to posts that read as a conversation.

Who says what follows the scene (see grammar.py): the lead opens, replies and gives thanks, others
answer and advise. Each talk depends on the seed, its number and the people only, so that any one of
a million can be made alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.world.asides import ASIDES, AsideKind
from tests.world.draft import Block, Draft, Run, Talk
from tests.world.grammar import STEPS, WORDS, Play, Words
from tests.world.people import LANGUAGES, Person, outsider
from tests.world.plans import Plan, Shape
from tests.world.stage import Company, Stage, paragraph

__all__ = ["play_talk"]

ASIDE_AT: Mapping[AsideKind, int] = {"participant": 4, "mention": 1, "link": 1, "handle": 1}
"""The step of a scene that an aside of this kind is added to; the advice, if not listed."""


def play_talk(
    rng: random.Random,
    company: Company,
    plan: Plan,
    topic: str,
    sizes: Mapping[int, int],
    number: int,
    begin: datetime,
) -> Talk:
    """One talk. ``sizes`` are the numbers of posts of an exchange (2 or more), with their weights."""
    stage = Stage(rng, company, plan, number, begin)
    play = Play(rng, "weather" if plan.shape == "bot" else topic)
    if plan.shape == "exchange":
        size = rng.choices(list(sizes), list(sizes.values()))[0]
        _exchange(stage, play, max(size, 5) if plan.role or plan.spice else size)
    else:
        _SHAPES[plan.shape](stage, play)
    stage.applaud()
    return Talk(number, tuple(stage.posts), tuple(stage.likes))


# --- two people in turns -----------------------------------------------------------------------------


def _open(stage: Stage, play: Play) -> Draft:
    """The lead's opening post, with a block of hashtags now and then."""
    more: dict[str, Any] = {}
    if stage.plan.spice == "tags" or stage.rng.random() < 0.3:
        more["tags"] = play.tags(stage.language)
    if stage.plan.spice == "warning":
        more["warning"] = stage.rng.choice(WORDS[stage.language].warnings)
    if stage.plan.spice == "alt_text":
        more["alt_texts"] = (stage.rng.choice(WORDS[stage.language].alt_texts),)
    return stage.say(stage.lead, _sentences(stage, play.say("open", stage.language)), **more)


def _exchange(stage: Stage, play: Play, size: int) -> list[Draft]:
    """A chain: opening, answer, reply, advice, thanks, then remarks and their answers."""
    first = stage.guest or stage.partner()
    third = stage.guest or (stage.plan.spice is None and stage.rng.random() < 0.25)
    second = stage.partner() if third else first
    chain = [_open(stage, play)]
    for at in range(1, size):
        author = stage.lead if at % 2 == 0 else first if at == 1 else second
        chain.append(_turn(stage, play, author, chain[-1], at))
    return chain


def _turn(stage: Stage, play: Play, author: Person, parent: Draft, at: int) -> Draft:
    """Turn ``at`` of a chain, with the talk's special thing where it belongs."""
    spice = stage.plan.spice
    language = _mixed(stage, author) if spice == "mixed" and at in {1, 3} else stage.language
    if at < len(STEPS):
        text = play.say(STEPS[at], language)
    else:
        text = play.pair((at - len(STEPS)) // 2, (at - len(STEPS)) % 2, language)
    more: dict[str, Any] = {"language": language}
    blocks = _sentences(stage, text)
    if at == 1 and spice == "edited":
        blocks = (*blocks, paragraph(stage.rng.choice(WORDS[language].edited)))
    draft = stage.say(author, blocks, parent, aside_of=_aside_kind(stage, at), **more)
    if at == 1 and spice == "edited":
        stage.posts[-1] = draft = _edited(stage, draft)
    if at == 2:
        _quiet(stage, parent)
    return draft


def _aside_kind(stage: Stage, at: int) -> AsideKind | None:
    """What turn ``at`` gives away besides: the talk's special thing, else something now and then."""
    if stage.plan.spice is not None:
        chosen = next((kind for kind in ASIDES if kind == stage.plan.spice), None)
    else:
        chosen = stage.rng.choice(ASIDES) if stage.rng.random() < 0.6 else None
    return chosen if chosen is not None and at == ASIDE_AT.get(chosen, 3) else None


def _edited(stage: Stage, draft: Draft) -> Draft:
    minutes = stage.rng.randrange(2, 50)
    return replace(draft, edited_at=draft.created_at + timedelta(minutes=minutes))


def _quiet(stage: Stage, parent: Draft) -> None:
    """An answer that is not for everybody."""
    words = WORDS[stage.language]
    texts = {"direct": words.direct, "followers": words.followers, "unlisted": words.unlisted}
    for visibility, part in texts.items():
        if stage.plan.spice == visibility:
            text = stage.rng.choice(part)
            stage.say(stage.lead, [paragraph(text)], parent, visibility=visibility)


def _mixed(stage: Stage, author: Person) -> str:
    """Another language that the author speaks, or any other."""
    others = [one for one in author.languages if one != stage.language]
    return stage.rng.choice(others or [one for one in LANGUAGES if one != stage.language])


# --- other shapes ------------------------------------------------------------------------------------


def _star(stage: Stage, play: Play) -> None:
    root = _open(stage, play)
    for at, author in enumerate(stage.crowd(stage.rng.randrange(4, 9))):
        text = (
            play.say("answer", stage.language, parts=1)
            if at < 3
            else play.pick("reactions", _words(stage).reactions)
        )
        answer = stage.say(author, [paragraph(text)], root)
        if at % 3 == 1:
            _acknowledge(stage, play, answer)


def _branching(stage: Stage, play: Play) -> None:
    root = _open(stage, play)
    first, second, third = stage.partner(), stage.partner(), stage.partner()
    answer = _turn(stage, play, first, root, 1)
    claim = stage.say(second, [paragraph(play.say("answer", stage.language, parts=1))], root)
    reply = _turn(stage, play, stage.lead, answer, 2)
    _acknowledge(stage, play, claim)
    advice = _turn(stage, play, first, reply, 3)
    other = stage.say(third, [paragraph(play.say("advice", stage.language, parts=1))], reply)
    _turn(stage, play, stage.lead, advice, 4)
    _acknowledge(stage, play, other)


def _deep(stage: Stage, play: Play) -> None:
    _exchange(stage, play, 9)


def _thread(stage: Stage, play: Play) -> None:
    story = stage.rng.choice(_words(stage).stories)
    post = None
    for part in story:
        post = stage.say(stage.lead, [paragraph(part)], post)
    if stage.rng.random() < 0.6:
        _react(stage, play, stage.partner(), stage.posts[-1])


def _single(stage: Stage, play: Play) -> None:
    _open(stage, play)


def _outside(stage: Stage, play: Play) -> None:
    stranger = outsider(stage.rng, stage.platform, stage.language)
    missing = Draft(stage.number, 0, stranger, stage.now - timedelta(hours=3), stage.language)
    post = stage.say(
        stage.lead,
        [paragraph(stage.rng.choice(_words(stage).outside))],
        outside=missing.uri,
        addressed=(stranger,),
    )
    text = stage.rng.choice(_words(stage).outside_answers)
    answer = stage.say(stage.partner(), [paragraph(text)], post)
    _acknowledge(stage, play, answer)


def _poll(stage: Stage, play: Play) -> None:
    poll = stage.rng.choice(_words(stage).polls)
    root = stage.say(stage.lead, [paragraph(poll.question)], options=poll.options)
    text = stage.rng.choice(_words(stage).poll_answers)
    _acknowledge(stage, play, stage.say(stage.partner(), [paragraph(text)], root))


def _list(stage: Stage, play: Play) -> None:
    listing = stage.rng.choice(_words(stage).lists)
    items = Block(tuple((Run(item),) for item in listing.items), "list")
    root = stage.say(stage.lead, [paragraph(listing.before), items, paragraph(listing.after)])
    text = stage.rng.choice(_words(stage).list_answers)
    _acknowledge(stage, play, stage.say(stage.partner(), [paragraph(text)], root))


def _code(stage: Stage, play: Play) -> None:
    snippet = stage.rng.choice(_words(stage).code)
    code = Block(((Run(snippet.text),),), "code")
    root = stage.say(stage.lead, [paragraph(snippet.before), code, paragraph(snippet.after)])
    text = stage.rng.choice(_words(stage).code_answers)
    _acknowledge(stage, play, stage.say(stage.partner(), [paragraph(text)], root))


def _blockquote(stage: Stage, play: Play) -> None:
    words = stage.rng.choice(_words(stage).blockquotes)
    quote = Block(((Run(words.quote),),), "quote")
    root = stage.say(stage.lead, [paragraph(words.before), quote, paragraph(words.after)])
    _react(stage, play, stage.partner(), root)


def _bot(stage: Stage, play: Play) -> None:
    """A station reports, and answers a question about the weather like everybody else."""
    bot = stage.bot()
    root = _open(stage, play)
    if bot is not None:
        stage.say(bot, [paragraph(_measured(stage))], root)
    answer = _turn(stage, play, stage.partner(), root, 1)
    _turn(stage, play, stage.lead, answer, 2)
    if bot is not None:
        stage.wait(1)
        stage.say(bot, [paragraph(_measured(stage))])


def _measured(stage: Stage) -> str:
    values = {"degrees": stage.rng.randrange(-4, 31), "rain": stage.rng.randrange(24)}
    texts = [stage.rng.choice(part) for part in _words(stage).bot]
    return " ".join(
        text.replace("$degrees", str(values["degrees"])).replace("$rain", str(values["rain"]))
        for text in texts
    )


def _quote_own(stage: Stage, play: Play) -> None:
    chain = _exchange(stage, play, 3)
    stage.wait(3)
    text = stage.rng.choice(_words(stage).quote_own)
    stage.say(stage.lead, [paragraph(text)], quote_of=chain[0])


def _quote_other(stage: Stage, play: Play) -> None:
    chain = _exchange(stage, play, 3)
    stage.wait(1)
    text = stage.rng.choice(_words(stage).quote_other)
    post = stage.say(chain[1].author, [paragraph(text)], quote_of=chain[0])
    _acknowledge(stage, play, post)


def _boost(stage: Stage, play: Play) -> None:
    chain = _exchange(stage, play, 4)
    stage.boost(chain[1].author, chain[0])
    stage.boost(stage.partner(), chain[-1])


_SHAPES: Mapping[Shape, Callable[[Stage, Play], None]] = {
    "star": _star,
    "branching": _branching,
    "deep": _deep,
    "thread": _thread,
    "single": _single,
    "outside": _outside,
    "poll": _poll,
    "list": _list,
    "code": _code,
    "bot": _bot,
    "quote_own": _quote_own,
    "quote_other": _quote_other,
    "boost": _boost,
    "blockquote": _blockquote,
}


# --- small talk --------------------------------------------------------------------------------------


def _words(stage: Stage) -> Words:
    return WORDS[stage.language]


def _react(stage: Stage, play: Play, author: Person, parent: Draft) -> Draft:
    text = play.pick("reactions", _words(stage).reactions)
    return stage.say(author, [paragraph(text)], parent)


def _acknowledge(stage: Stage, play: Play, parent: Draft) -> Draft:
    text = play.pick("acknowledgements", _words(stage).acknowledgements)
    return stage.say(stage.lead, [paragraph(text)], parent)


def _sentences(stage: Stage, text: str) -> tuple[Block, ...]:
    """A paragraph; now and then its first sentence stands on a line of its own."""
    head, stop, tail = text.partition(". ")
    if stop and stage.rng.random() < 0.15:
        return (paragraph(head + ".", tail),)
    return (paragraph(text),)
