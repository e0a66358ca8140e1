"""The relational plane: which posts belong together, where each one hangs, and which cell works on it.

All of it is SQL that DuckDB and Spark both run, over tables of keys. Parent links are followed by
pointer doubling (Hillis and Steele 1986), which needs log2(depth) joins, keeps every row of a doubled
id, and, unlike a recursive query, neither loops on a cycle nor loses what hangs below one.

Tables in: ``posts, verdicts, links, aliases, mentioned, identities, detections`` (schema.py).
Table out: ``cell_rows``: for every conversation its people (rank 0), then its posts (rank 1).
Also made: ``ranked_posts`` (``copy`` > 1 are the duplicates), ``cells`` (the distinct cells).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fedi_dataset.engines import Engine

__all__ = ["Forest", "cell_bits", "make_forest"]

CELL_HEX_DIGITS = 5
"""Leading hex digits of an anchor from which cells are cut: up to 20 bits, a billion conversations."""


@dataclass(frozen=True, slots=True)
class Forest:
    """What making the forest counted."""

    unique: int
    anchors: int
    bits: int
    cells: int
    self_replies: int
    cycles: int
    """Links that were cut because a chain of parents came back to where it began."""


def cell_bits(anchors: int) -> int:
    """Bits of a cell for ``anchors`` conversations seen: cells of 16 to 1,000 of them (design 5).

    A function of what was seen, admitted or not, so that no withdrawal changes it.
    """
    if anchors <= 1:
        return 0
    return max(0, math.ceil(math.log2(anchors / 1000)), min(12, math.ceil(math.log2(anchors / 16))))


def make_forest(engine: Engine) -> Forest:
    """Make ``cell_rows`` from the workspace's tables, and count what was met on the way."""
    engine.sql("ranked_posts", RANKED_POSTS)
    unique = engine.sql("unique_posts", "select * from ranked_posts where copy = 1 and not denied")
    engine.sql("true_aliases", TRUE_ALIASES)
    engine.sql("edges", EDGES)
    self_replies = engine.sql(
        "self_replies", "select post_key from edges where parent_key = post_key"
    )
    engine.sql("edges", CUT_SELF_REPLIES)
    cycles = _cut_cycles(engine)
    _follow(engine)
    anchors = engine.sql("anchors", "select distinct anchor from anchored")
    bits = cell_bits(anchors)
    engine.sql("placed", PLACED)
    engine.sql("cell_people", CELL_PEOPLE)
    engine.sql("detected_posts", DETECTED_POSTS)
    engine.sql("cell_rows", CELL_ROWS.format(cell=_cell(bits)))
    cells = engine.sql("cells", "select distinct cell from cell_rows")
    return Forest(unique, anchors, bits, cells, self_replies, cycles)


RANKED_POSTS = """
select posts.*, denied.post_key is not null as denied, row_number() over (
  partition by posts.post_key
  order by case when acquisition = 'own-export' then 0 else 1 end,
           coalesce(edited_at, created_at) desc, export_id, position) as copy
from posts left join (
  select distinct post_key, account_key from verdicts
  where reason in ('deleted', 'not_public', 'signal_denied', 'license_refused')) denied
  on denied.post_key = posts.post_key and denied.account_key = posts.account_key"""
"""Copies of an id in the order of preference: the author's archive before a capture, then the latest edit."""

TRUE_ALIASES = """
select alias_key, min(post_key) as post_key
from aliases
where alias_key not in (select post_key from links)
group by alias_key
having count(distinct post_key) = 1"""
"""An alias counts if nothing else goes by it and only one post claims it."""

EDGES = """
select post_key, min(parent_key) as parent_key, false as cut
from (
  select links.post_key, coalesce(true_aliases.post_key, links.reply_to_key) as parent_key, links.own,
         max(case when links.own then 1 else 0 end) over (partition by links.post_key) as told
  from links left join true_aliases on true_aliases.alias_key = links.reply_to_key) named
where own or told = 0
group by post_key"""
"""One row for every post seen. Of a doubled id that names two parents the smaller key is taken:
a choice that does not depend on who is admitted, so that no withdrawal moves a conversation."""

CUT_SELF_REPLIES = """
select post_key, case when parent_key = post_key then null else parent_key end as parent_key,
       coalesce(parent_key = post_key, false) as cut
from edges"""

STEP = """
select here.post_key, coalesce(above.ancestor, here.ancestor) as ancestor,
       above.ancestor is not null as moved
from pointers here left join pointers above on above.post_key = here.ancestor"""
"""One doubling: whoever pointed at an ancestor 2^k links up now points 2^(k+1) links up."""

LOOP_STEP = """
select here.post_key, above.ancestor,
       case when above.lowest < here.lowest then above.lowest else here.lowest end as lowest
from loops here join loops above on above.post_key = here.ancestor"""

CUT_CYCLES = """
select edges.post_key,
       case when cuts.post_key is null then edges.parent_key end as parent_key,
       edges.cut or cuts.post_key is not null as cut
from edges left join cuts on cuts.post_key = edges.post_key"""

PLACED = """
select unique_posts.*, anchored.anchor,
       case when parents.post_key is not null then edges.parent_key end as parent_key,
       case when edges.cut then 'cut'
            when edges.parent_key is null or parents.post_key is not null then null
            when refused.deleted = 1 then 'deleted'
            when refused.deleted = 0 then 'refused'
            else 'not_exported' end as gap
from unique_posts
join edges on edges.post_key = unique_posts.post_key
join anchored on anchored.post_key = unique_posts.post_key
left join unique_posts parents on parents.post_key = edges.parent_key
left join (select post_key, max(case when reason = 'deleted' then 1 else 0 end) as deleted
           from verdicts where reason is not null group by post_key) refused
  on refused.post_key = edges.parent_key"""
"""Each admitted post with its parent, if that is admitted, or else the kind of gap above it."""

CELL_PEOPLE = """
select distinct anchor, form_key, account_key, kind, form
from (
  select named.anchor, identities.form_key, identities.account_key, identities.kind,
         identities.form
  from (
    select anchor, account_key from placed
    union
    select anchored.anchor, mentioned.account_key
    from mentioned join anchored on anchored.post_key = mentioned.post_key
    union
    select anchored.anchor, verdicts.account_key
    from verdicts join anchored on anchored.post_key = verdicts.post_key) named
  join identities on identities.account_key = named.account_key
  union all
  select anchored.anchor, mentioned.form_key, mentioned.account_key, mentioned.kind, mentioned.form
  from mentioned join anchored on anchored.post_key = mentioned.post_key
  where mentioned.form is not null) named_people
where anchor in (select anchor from placed)"""
"""Whoever speaks in a conversation, admitted or not, or is mentioned in it: a row for each form of what
names them, by their own export or by a mention in this very conversation."""

DETECTED_POSTS = """
select * from (
  select *, row_number() over (partition by post_key order by detector, text_key) as copy
  from detections) ranked
where copy = 1"""
"""One earlier detection a post at most: a second one would double its row."""

CELL_ROWS = """
select {cell} as cell, * from (
  select anchor, 1 as rank, created_at, placed.post_key, parent_key, gap, account_key, subject_key,
         platform, edited_at, text, mentions, quoted, language, sensitive, is_bot,
         license, use, event_id, null as kind, null as form,
         detector as detected_by, text_key as detected_text, spans as detected
  from placed left join detected_posts on detected_posts.post_key = placed.post_key
  union all
  select anchor, 0 as rank, null as created_at, form_key as post_key, null as parent_key,
         null as gap, account_key, null as subject_key,
         null as platform, null as edited_at, null as text, null as mentions, null as quoted,
         null as language, null as sensitive, null as is_bot,
         null as license, null as use, null as event_id, kind, form,
         null as detected_by, null as detected_text, null as detected
  from cell_people) rows_of_cells"""


def _follow(engine: Engine) -> None:
    """Make ``anchored``: every post seen with the top of its chain of known parents."""
    engine.sql("pointers", "select post_key, parent_key as ancestor, true as moved from edges")
    while engine.sql("still_moving", "select post_key from pointers where moved"):
        engine.sql("pointers", STEP)
    engine.sql("anchored", "select post_key, coalesce(ancestor, post_key) as anchor from pointers")


def _cut_cycles(engine: Engine) -> int:
    """Cut each cycle of ``edges`` at its smallest key; return how many there were.

    While some chain is not yet at its top, the number of pointers that move falls with every doubling;
    once it stays the same, only cycles and what hangs below them are left. They are few, so the exact
    work, the least key on each cycle, is done on them alone.
    """
    engine.sql("pointers", "select post_key, parent_key as ancestor, true as moved from edges")
    before = -1
    moving = engine.sql("moving", "select post_key from pointers where moved")
    while moving not in (0, before):
        engine.sql("pointers", STEP)
        before, moving = moving, engine.sql("moving", "select post_key from pointers where moved")
    if moving == 0:
        return 0
    engine.sql(
        "loops",
        "select edges.post_key, parent_key as ancestor, edges.post_key as lowest "
        "from edges join moving on moving.post_key = edges.post_key",
    )
    for _ in range(moving.bit_length()):
        engine.sql("loops", LOOP_STEP)
    cuts = engine.sql(
        "cuts",
        "select post_key from loops where post_key = lowest "
        "and post_key in (select ancestor from loops)",
    )
    engine.sql("edges", CUT_CYCLES)
    return cuts


def _cell(bits: int) -> str:
    """SQL for the cell of a row: the first ``bits`` bits of its anchor, as a number.

    An anchor is a keyed hash already, so that its leading bits are uniform. Binary has no portable
    arithmetic, hex digits do.
    """
    digits = " + ".join(
        f"(instr('0123456789ABCDEF', substr(hex(anchor), {place + 1}, 1)) - 1)"
        f" * {16 ** (CELL_HEX_DIGITS - 1 - place)}"
        for place in range(CELL_HEX_DIGITS)
    )
    return f"cast(floor(({digits}) / {2 ** (4 * CELL_HEX_DIGITS - bits)}) as int)"
