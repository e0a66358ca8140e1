"""Threads: every post seen, and the top of its chain of known parents.

Links of refused and withdrawn posts are followed like all others, so that no withdrawal moves a conversation.
They are followed by pointer doubling (Hillis and Steele 1986): after k rounds a pointer leads 2^k links up. A
round works on the posts that are not yet at their top, and on those that they point at, so that a chain of
100,000 posts costs 17 rounds over its own rows. Unlike a recursive query this keeps every row of a doubled
id, and neither loops on a cycle nor loses what hangs below one.

Tables in: ``links, aliases`` (schema.py), ``same, judged, recurring, ranked_posts`` (duplicates.py).
Tables out: ``linked`` (a row for every post seen), ``reached`` (the tops of those that are not next to theirs),
``rehung`` (posts whose parent is not what their own row names, with the parent).
"""

from __future__ import annotations

from dataclasses import dataclass

from fedi_dataset.engines import Engine

__all__ = ["Threads", "make_threads"]


@dataclass(frozen=True, slots=True)
class Threads:
    """What following the links counted."""

    posts: int
    anchors: int
    by_alias: int
    """Names other than their ids by which posts are answered."""
    disputed: int
    """Posts of which copies name different parents."""
    self_replies: int
    cycles: int
    """Links that were cut because a chain of parents came back to where it began."""


def make_threads(engine: Engine) -> Threads:
    """Make ``linked``, ``reached`` and ``rehung``."""
    engine.sql("dangling", DANGLING)
    by_alias = engine.sql("aliased", ALIASED)
    engine.sql("names", NAMES)
    engine.sql("retold", RETOLD)
    engine.sql("retold_links", RETOLD_LINKS)
    engine.sql("retold_parents", RETOLD_PARENTS)
    disputed = engine.sql("disputed", DISPUTED)
    posts = engine.sql("seen", SEEN)
    self_replies = engine.sql("self_replies", "select post_key from seen where cut")
    engine.sql("rehung", "select post_key, parent_key from seen where renamed")
    engine.sql("linked", LINKED)
    tops = engine.sql("tops", TOPS)
    cycles = _climb(engine)
    return Threads(posts, tops + cycles, by_alias, disputed, self_replies, cycles)


DANGLING = """
select distinct replies.reply_to_key as alias_key
from links replies
where replies.reply_to_key is not null
  and not exists (select 1 from links where links.post_key = replies.reply_to_key)"""
"""What is answered and was not seen under this name."""

ALIASED = """
select named.alias_key, min(named.post_key) as post_key
from (
  select aliases.alias_key, coalesce(same.same_key, aliases.post_key) as post_key
  from aliases
  join dangling on dangling.alias_key = aliases.alias_key
  left join same on same.post_key = aliases.post_key
  where aliases.own_ground) named
group by named.alias_key
having min(named.post_key) = max(named.post_key)"""
"""An alias counts if nothing else goes by it and only one post claims it, on its author's own ground: nobody draws
answers to themselves that were given to a post elsewhere."""

NAMES = """
select alias_key, post_key from aliased
union all
select post_key as alias_key, same_key as post_key from same"""
"""Every name by which a post is answered that is not the id it has here."""

RETOLD = """
select coalesce(same.same_key, links.post_key) as post_key
from links left join same on same.post_key = links.post_key
group by coalesce(same.same_key, links.post_key)
having count(*) > 1"""

TOLD = """
select coalesce(same.same_key, links.post_key) as post_key,
       coalesce(names.post_key, links.reply_to_key) as parent_key,
       names.post_key is not null as renamed, coalesce(links.own, false) as own
from links
left join same on same.post_key = links.post_key
left join names on names.alias_key = links.reply_to_key"""
"""Every link, both of its ends under the ids that posts have here."""

RETOLD_LINKS = f"""
select told.post_key, told.parent_key, told.own
from ({TOLD}) told join retold on retold.post_key = told.post_key"""  # noqa: S608 - our own text

RETOLD_PARENTS = """
select distinct parent_key from retold_links
where exists (select 1 from links where links.post_key = retold_links.parent_key)"""
"""Parents of these that were seen themselves."""

DISPUTED = """
select post_key from retold_links
group by post_key
having min(parent_key) <> max(parent_key)"""

SEEN = f"""
select hung.post_key, case when hung.parent_key <> hung.post_key then hung.parent_key end as parent_key,
       coalesce(hung.parent_key = hung.post_key, false) as cut, hung.renamed,
       one.account_key, coalesce(one.standing, 1) as standing
from (
  select told.post_key, told.parent_key, told.renamed
  from ({TOLD}) told
  where not exists (select 1 from retold where retold.post_key = told.post_key)
  union all
  select post_key, min(parent_key) as parent_key, true as renamed
  from (
    select post_key, parent_key, worth, min(worth) over (partition by post_key) as best
    from (
      select retold_links.post_key, retold_links.parent_key,
             case when retold_links.own then 0 else 3 end
               + case when retold_parents.parent_key is not null then 0
                      when retold_links.parent_key is not null then 1 else 2 end as worth
      from retold_links
      left join retold_parents on retold_parents.parent_key = retold_links.parent_key) weighed) copies
  where worth = best
  group by post_key) hung
left join (
  select judged.post_key, judged.account_key, judged.standing
  from judged
  where not exists (select 1 from recurring where recurring.post_key = judged.post_key)
  union all
  select judged.post_key, min(judged.account_key) as account_key,
         case when max(kept.copy) is not null then 0
              when max(judged.standing) = 2 then 2 else 1 end as standing
  from judged
  join recurring on recurring.post_key = judged.post_key
  left join (select post_key, copy from ranked_posts where copy = 1 and not denied) kept
    on kept.post_key = judged.post_key
  group by judged.post_key) one
  on one.post_key = hung.post_key"""  # noqa: S608 - our own text
"""One row for every post seen. If its copies name several parents, the author's own word goes before others', a parent
that was seen before one that was not (of a bridged answer only one of both may be known), then the smaller key: a
choice that does not depend on who is admitted, so that no withdrawal moves a conversation."""

LINKED = """
select here.post_key, here.account_key, here.standing,
       case when here.cut then 4
            when here.parent_key is null or above.standing = 0 then 0
            else coalesce(above.standing, 3) end as gap,
       case when here.parent_key is null then here.post_key
            when above.parent_key is null then here.parent_key end as anchor,
       coalesce(above.parent_key, here.parent_key) as ancestor,
       here.parent_key is not null and above.post_key is null as parent_unseen
from seen here left join seen above on above.post_key = here.parent_key"""
"""Each post with the gap above it: 0 none, 1 refused, 2 deleted, 3 not exported, 4 cut. ``anchor`` is known of those
that answer nothing, or a top; all others have two links to go up at least."""

TOPS = """
select post_key from linked where ancestor is null
union all
select distinct ancestor as post_key from linked where parent_unseen"""

RUNGS = """
select post_key, ancestor, anchor is not null as done from linked where ancestor is not null"""

STEP = """
select here.post_key, coalesce(above.ancestor, here.ancestor) as ancestor,
       coalesce(above.done, true) as done
from rungs here left join rungs above on above.post_key = here.ancestor
where not here.done"""
"""One doubling: whoever pointed 2^k links up now points 2^(k+1) links up, or at the top."""

REACHED = "select post_key, ancestor as anchor, false as cut from step where done"

NEXT_RUNGS = """
select post_key, ancestor, done from step where not done
union all
select there.post_key, there.ancestor, true as done
from (
  select post_key, ancestor from rungs where done
  union all
  select post_key, ancestor from step where done) there
where exists (select 1 from step where not step.done and step.ancestor = there.post_key)"""
"""Whoever is not yet at the top, and whom they point at: in later rounds they point at nobody else."""

LOOP_STEP = """
select here.post_key, above.ancestor,
       case when above.lowest < here.lowest then above.lowest else here.lowest end as lowest
from loops here join loops above on above.post_key = here.ancestor"""

CYCLES = """
select here.post_key, above.lowest as anchor, here.post_key = above.lowest as cut
from loops here join loops above on above.post_key = here.ancestor"""


def _climb(engine: Engine) -> int:
    """Make ``reached``; return how many cycles were met.

    While some chain is not yet at its top, every round takes some posts to theirs; once it takes none, only
    cycles and what hangs below them are left.
    """
    engine.sql("rungs", RUNGS)
    below = engine.sql("climbing", "select post_key from rungs where not done")
    rounds: list[str] = []
    cycles = 0
    while below:
        rounds.append(f"reached_{len(rounds)}")
        engine.sql("step", STEP)
        reached = engine.sql(rounds[-1], REACHED)
        if not reached:
            cycles = _cut_cycles(engine, below, rounds[-1])
            break
        below -= reached
        engine.sql("rungs", NEXT_RUNGS)
    nobody = "select post_key, ancestor as anchor, false as cut from rungs where false"
    everybody = [nobody, *(f"select * from {one}" for one in rounds)]  # noqa: S608 - our own names
    engine.sql("reached", " union all ".join(everybody))
    return cycles


def _cut_cycles(engine: Engine, members: int, name: str) -> int:
    """Cut each cycle at its smallest key, the anchor of all on it and below; return how many there were.

    ``members`` posts are on cycles or below one. After as many doublings as that has bits, every pointer leads
    to a post on a cycle, and has gone around it.
    """
    engine.sql(
        "loops",
        "select seen.post_key, seen.parent_key as ancestor, seen.post_key as lowest "
        "from seen join step on step.post_key = seen.post_key",
    )
    for _ in range(members.bit_length()):
        engine.sql("loops", LOOP_STEP)
    engine.sql(name, CYCLES)
    return engine.sql("cuts", f"select post_key from {name} where cut")  # noqa: S608 - our own name
