"""The relational plane: which posts belong together, where each one hangs, and which cell works on it.

All of it is SQL that DuckDB and Spark both run (tests/conversations/test_forest_portable.py holds it to that), over
narrow tables of keys: words are touched once, at the end, in a join whose other side fits in memory. Posts are
made unique (duplicates.py), links are followed to the top of each conversation (threads.py), and
here the conversations get their rows and their cells.

Tables in: ``posts, verdicts, links, aliases, persons, mentioned, identities, detections`` (schema.py).
Table out: ``cell_rows``: for every conversation its people (rank 0), then its posts (rank 1).
Also made: ``ranked_posts`` (copies of posts that were met more than once), ``cells`` (the distinct cells).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fedi_dataset.conversations.duplicates import merge_ids, rank_copies
from fedi_dataset.conversations.threads import make_threads
from fedi_dataset.engines import Engine

__all__ = ["Forest", "cell_bits", "make_forest"]


@dataclass(frozen=True, slots=True)
class Forest:
    """What making the forest counted."""

    unique: int
    """Posts admitted, each once."""
    seen: int
    """Posts seen, each once, admitted or not."""
    anchors: int
    """Conversations seen."""
    bits: int
    cells: int
    merged: int
    """Ids of which another one of the same post was taken."""
    by_alias: int
    """Posts answered under another name than their id."""
    disputed: int
    """Posts of which copies name different parents, and claims that a post is another one, by somebody else."""
    self_replies: int
    cycles: int
    """Links that were cut because a chain of parents came back to where it began."""

    @property
    def met(self) -> dict[str, int]:
        """How often each oddity of ids and links was met and resolved."""
        names = ("merged", "by_alias", "disputed", "self_replies", "cycles")
        return {name: getattr(self, name) for name in names}


def cell_bits(anchors: int) -> int:
    """Bits of a cell for ``anchors`` conversations seen: cells of 16 to 1,000 of them (design 5).

    A function of what was seen, admitted or not, so that no withdrawal changes it.
    """
    if anchors <= 1:
        return 0
    return max(0, math.ceil(math.log2(anchors / 1000)), min(12, math.ceil(math.log2(anchors / 16))))


def make_forest(engine: Engine) -> Forest:
    """Make ``cell_rows`` from the workspace's tables, and count what was met on the way."""
    merged = merge_ids(engine)
    rank_copies(engine)
    threads = make_threads(engine)
    bits = cell_bits(threads.anchors)
    admitted, others = ANCHORED.format(which="= 0"), ANCHORED.format(which="<> 0")
    unique = engine.sql("placed", PLACED.format(anchored=admitted, cell=_cell(bits)))
    engine.sql("refused", others)
    engine.sql("named", NAMED)
    engine.sql("people", PEOPLE)
    engine.sql("known", KNOWN)
    engine.sql("forms", FORMS)
    engine.sql("cell_people", CELL_PEOPLE)  # by itself: the join of the words needs all the memory
    engine.sql("detected_twice", DETECTED_TWICE)
    engine.sql("cell_rows", CELL_ROWS)
    cells = engine.sql("cells", "select distinct cell from placed")
    return Forest(
        unique=unique,
        seen=threads.posts,
        anchors=threads.anchors,
        bits=bits,
        cells=cells,
        merged=merged.ids,
        by_alias=threads.by_alias,
        disputed=threads.disputed + merged.refused,
        self_replies=threads.self_replies,
        cycles=threads.cycles,
    )


ANCHORED = """
select post_key, account_key, gap, anchor
from linked where anchor is not null and standing {which}
union all
select linked.post_key, linked.account_key, case when reached.cut then 4 else linked.gap end as gap,
       reached.anchor
from linked join reached on reached.post_key = linked.post_key
where linked.standing {which}"""

PLACED = """
select post_key, account_key, gap, anchor, {cell} as cell from ({anchored}) anchored"""
"""Every post admitted: its conversation, and the cell that works on it."""

NAMED = """
select anchored.anchor, mentioned.account_key,
       case when owned.form_key is null and mentioned.form is not null
            then mentioned.form_key end as form_key
from mentioned
left join same on same.post_key = mentioned.post_key
join (select post_key, anchor from placed
      union all
      select post_key, anchor from refused) anchored
  on anchored.post_key = coalesce(same.same_key, mentioned.post_key)
left join (select distinct form_key from identities) owned
  on owned.form_key = mentioned.form_key"""
"""Who is mentioned where, and by which form, if it is none that an export of theirs gives."""

PEOPLE = """
select distinct cell, anchor, account_key
from (
  select cell, anchor, account_key from placed
  union all
  select conversations.cell, spoken.anchor, spoken.account_key
  from (
    select anchor, account_key from refused
    union all
    select anchored.anchor, judged.account_key
    from judged
    join recurring on recurring.post_key = judged.post_key
    join (select post_key, anchor from placed
          union all
          select post_key, anchor from refused) anchored
      on anchored.post_key = judged.post_key
    union all
    select anchor, account_key from named) spoken
  join (select distinct anchor, cell from placed) conversations
    on conversations.anchor = spoken.anchor) everybody"""
"""Whoever speaks in a conversation of admitted posts, admitted or not, or is mentioned in it."""

KNOWN = """
select account_key, min(form_key) as form_key, array_sort(array_agg(concat(kind, ' ', form))) as forms
from (select distinct form_key, account_key, kind, form from identities where form is not null) given
group by account_key"""
"""What names a person by exports of theirs, in one row, so that it is one row too in every conversation of theirs."""

FORMS = """
select account_key, form_key, array_agg(concat(kind, ' ', form)) as forms
from (
  select distinct form_key, account_key, kind, form
  from mentioned
  where exists (select 1 from named where named.form_key = mentioned.form_key)) given
group by account_key, form_key"""

DETECTED_TWICE = "select post_key from detections group by post_key having count(*) > 1"
"""Posts with two earlier detections, which would double their rows: what is in them is detected anew."""

CELL_PEOPLE = """
select people.cell, people.anchor, known.form_key, known.account_key, known.forms
from people join known on known.account_key = people.account_key
union all
select here.cell, here.anchor, forms.form_key, forms.account_key, forms.forms
from (
  select distinct conversations.cell, named.anchor, named.form_key
  from named
  join (select distinct anchor, cell from placed) conversations
    on conversations.anchor = named.anchor
  where named.form_key is not null) here
join forms on forms.form_key = here.form_key"""
"""What names the people of a conversation: by their own export, or by a mention in this very conversation."""

CELL_ROWS = """
select placed.cell, placed.anchor, 1 as rank, posts.created_at, placed.post_key,
       case when placed.gap <> 0 then null
            when rehung.post_key is not null then rehung.parent_key
            else posts.reply_to_key end as parent_key,
       case placed.gap when 1 then 'refused' when 2 then 'deleted' when 3 then 'not_exported'
                       when 4 then 'cut' end as gap,
       posts.account_key, posts.subject_key, posts.platform, posts.edited_at, posts.text,
       posts.mentions, posts.quoted, posts.language, posts.sensitive, posts.is_bot, posts.license,
       posts.use, posts.event_id, null as forms, detected.detector as detected_by,
       detected.text_key as detected_text, detected.spans as detected
from posts
left join same on same.post_key = posts.post_key
join placed on placed.post_key = coalesce(same.same_key, posts.post_key)
left join rehung on rehung.post_key = placed.post_key
left join (
  select * from detections
  where not exists (
    select 1 from detected_twice where detected_twice.post_key = detections.post_key)) detected
  on detected.post_key = placed.post_key
where not exists (
  select 1 from ranked_posts
  where (ranked_posts.copy > 1 or ranked_posts.denied)
    and ranked_posts.export_id = posts.export_id and ranked_posts.position = posts.position)
union all
select cell, anchor, 0 as rank, null as created_at, form_key as post_key, null as parent_key,
       null as gap, account_key, null as subject_key, null as platform, null as edited_at,
       null as text, null as mentions, null as quoted, null as language, null as sensitive,
       null as is_bot, null as license, null as use, null as event_id, forms,
       null as detected_by, null as detected_text, null as detected
from cell_people"""
"""Posts with their words, and the people of their conversation."""


def _cell(bits: int) -> str:
    """SQL for the cell of a row: the first ``bits`` bits of its anchor, as a number.

    An anchor is a keyed hash already, so that its leading bits are uniform. Binary has no portable
    arithmetic, hex digits do.
    """
    places = -(-bits // 4)
    digits = " + ".join(
        f"(instr('0123456789ABCDEF', substr(hex(anchor), {place + 1}, 1)) - 1)"
        f" * {16 ** (places - 1 - place)}"
        for place in range(places)
    )
    return f"cast(floor(({digits or 0}) / {2 ** (4 * places - bits)}) as int)"
