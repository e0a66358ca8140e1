"""One post under one id, once: ids that mean the same post are merged, and of its copies one is kept.

A post comes in several exports: its author's archive, a capture, an older archive. Two ids are merged when the author's
own export gives one of them as another name of the other, and all that was seen of both is the same account's:
nobody merges other people's posts. The smallest id stands for all, admitted or not, so that no withdrawal moves
a conversation.

Tables in: ``posts, verdicts, links, aliases`` (schema.py). Tables out: ``same`` (each merged id with the one that
stands for it), ``judged`` (every verdict, under that id), ``recurring`` (ids with more than one), ``ranked_posts``
(every copy of a recurring post: 1 is kept, unless the id is denied; the others are dropped).
"""

from __future__ import annotations

from fedi_dataset.engines import Engine

__all__ = ["merge_ids", "rank_copies"]


def merge_ids(engine: Engine) -> int:
    """Make ``same``; return how many ids were merged into another."""
    engine.sql("claims", CLAIMS)
    agreed = engine.sql("agreed", AGREED)
    engine.sql("same", "select distinct post_key, post_key as same_key from agreed")
    while agreed:
        engine.sql("lowered", LOWERED)
        engine.sql("lowered", SHORTENED)
        changed = engine.sql("changed", CHANGED)
        engine.sql("same", "select * from lowered")
        if not changed:
            break
    return engine.sql("same", "select * from same where same_key <> post_key")


def rank_copies(engine: Engine) -> None:
    """Make ``judged``, ``recurring`` and ``ranked_posts``."""
    engine.sql("judged", JUDGED)
    engine.sql("recurring", "select post_key from judged group by post_key having count(*) > 1")
    engine.sql("ranked_posts", RANKED_POSTS)


CLAIMS = """
select distinct aliases.post_key, aliases.alias_key
from aliases
where aliases.alias_key <> aliases.post_key
  and exists (select 1 from links where links.post_key = aliases.alias_key)"""
"""Other names of posts that are themselves ids of posts seen."""

AGREED = """
with accounts as (
  select post_key, min(account_key) as account_key
  from verdicts
  where exists (select 1 from claims where claims.post_key = verdicts.post_key)
     or exists (select 1 from claims where claims.alias_key = verdicts.post_key)
  group by post_key
  having min(account_key) = max(account_key)),
both_ways as (
  select post_key, alias_key from claims
  union
  select alias_key as post_key, post_key as alias_key from claims)
select both_ways.post_key, both_ways.alias_key
from both_ways
join accounts ours on ours.post_key = both_ways.post_key
join accounts theirs on theirs.post_key = both_ways.alias_key
where ours.account_key = theirs.account_key"""

LOWERED = """
select post_key, min(same_key) as same_key
from (
  select agreed.post_key, theirs.same_key
  from agreed join same theirs on theirs.post_key = agreed.alias_key
  union all
  select ours.same_key as post_key, theirs.same_key
  from agreed
  join same ours on ours.post_key = agreed.post_key
  join same theirs on theirs.post_key = agreed.alias_key
  union all
  select post_key, same_key from same) near
group by post_key"""
"""Each id, and whatever stood for it, takes the smallest that stands for a neighbor (Shiloach, Vishkin 1982)."""

SHORTENED = """
select here.post_key, above.same_key
from lowered here join lowered above on above.post_key = here.same_key"""

CHANGED = """
select same.post_key
from same join lowered on lowered.post_key = same.post_key
where lowered.same_key <> same.same_key"""

JUDGED = """
select coalesce(same.same_key, verdicts.post_key) as post_key, verdicts.account_key,
       case when verdicts.reason is null then 0 when verdicts.reason = 'deleted' then 2 else 1 end
         as standing,
       coalesce(verdicts.reason in ('deleted', 'not_public', 'signal_denied', 'license_refused'),
                false) as denies
from verdicts left join same on same.post_key = verdicts.post_key"""
"""Standing: 0 admitted, 1 refused, 2 deleted. Numbers, because a join of millions of rows carries them along."""

RANKED_POSTS = """
select copies.post_key, copies.subject_key, copies.export_id, copies.position,
       denied.post_key is not null as denied,
       row_number() over (
         partition by copies.post_key
         order by copies.taken, copies.said_at desc, copies.export_id, copies.position) as copy
from (
  select coalesce(same.same_key, posts.post_key) as post_key, posts.account_key,
         posts.subject_key, posts.export_id, posts.position,
         case when posts.acquisition = 'own-export' then 0 else 1 end as taken,
         coalesce(posts.edited_at, posts.created_at) as said_at
  from posts left join same on same.post_key = posts.post_key) copies
join recurring on recurring.post_key = copies.post_key
left join (
  select distinct judged.post_key, judged.account_key
  from judged join recurring on recurring.post_key = judged.post_key
  where judged.denies) denied
  on denied.post_key = copies.post_key and denied.account_key = copies.account_key"""
"""Copies in the order of preference: the author's archive before a capture, then the latest edit. Of a denied one
no copy by that account is kept."""
