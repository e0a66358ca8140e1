"""One post under one id, once: ids that mean the same post are merged, and of its copies one is kept.

A post comes in several exports: its author's archive, a capture, an older archive, the archive of another account of
theirs to which it was bridged. Two ids are merged when the author's own export gives one of them as another name of
the other, or of a page of the other, and both are one person's, by one account or by several that they consented
for: nobody merges other people's posts, nor keeps theirs apart by what another export says of them. Whether an
account is that person's is looked up in a table that only grows (persons.py), and who is admitted does not matter.
So no withdrawal undoes a merge.

The smallest id stands for all, admitted or not: which one it is must not hang on verdicts, dates or the order of
exports, because the anchor of a conversation may be this very id. Ids are keyed hashes, so that it is as good as
drawn by lot. Claims may go in circles: what they join is a set, without a direction.

Tables in: ``posts, verdicts, links, aliases, persons`` (schema.py). Tables out: ``same`` (each merged id with the one
that stands for it), ``judged`` (every verdict, under that id), ``recurring`` (ids with more than one),
``ranked_posts`` (every copy of a recurring post: 1 is kept, unless it is denied; the others are dropped).
"""

from __future__ import annotations

from dataclasses import dataclass

from fedi_dataset.engines import Engine
from fedi_dataset.reasons import SINGLE

__all__ = ["Merged", "merge_ids", "rank_copies"]


@dataclass(frozen=True, slots=True)
class Merged:
    """What merging ids counted."""

    ids: int
    """Ids of which another one of the same post was taken."""
    refused: int
    """Claims that a post is another one, which is not known to be by the same person."""


def merge_ids(engine: Engine) -> Merged:
    """Make ``same``."""
    engine.sql("foreign_claims", FOREIGN_CLAIMS)
    engine.sql("claimed_pages", CLAIMED_PAGES)
    claims = engine.sql("claims", CLAIMS)
    engine.sql("told_of", TOLD_OF)
    upheld = engine.sql("upheld", UPHELD)
    agreed = engine.sql("agreed", AGREED)
    engine.sql("same", "select distinct post_key, post_key as same_key from agreed")
    while agreed:
        engine.sql("lowered", LOWERED)
        engine.sql("lowered", SHORTENED)
        changed = engine.sql("changed", CHANGED)
        engine.sql("same", "select * from lowered")
        if not changed:
            break
    merged = engine.sql("same", "select * from same where same_key <> post_key")
    return Merged(merged, claims - upheld)


def rank_copies(engine: Engine) -> None:
    """Make ``judged``, ``recurring`` and ``ranked_posts``."""
    engine.sql("judged", JUDGED)
    engine.sql("recurring", "select post_key from judged group by post_key having count(*) > 1")
    engine.sql("denials", DENIALS)
    engine.sql("ranked_posts", RANKED_POSTS)


FOREIGN_CLAIMS = """
select distinct post_key, alias_key from aliases
where not own_ground and alias_key <> post_key"""
"""Posts that are said to be copies of what lies on another server."""

CLAIMED_PAGES = """
select pages.alias_key, min(pages.post_key) as post_key
from aliases pages
where pages.own_ground
  and exists (select 1 from foreign_claims where foreign_claims.alias_key = pages.alias_key)
  and not exists (select 1 from links where links.post_key = pages.alias_key)
group by pages.alias_key
having min(pages.post_key) = max(pages.post_key)"""
"""Names that such claims give, and that a post seen has on its author's own ground: a bridge names the page."""

CLAIMS = """
select aliases.post_key, aliases.alias_key as other_key
from aliases
where aliases.alias_key <> aliases.post_key
  and exists (select 1 from links where links.post_key = aliases.alias_key)
union
select foreign_claims.post_key, claimed_pages.post_key as other_key
from foreign_claims join claimed_pages on claimed_pages.alias_key = foreign_claims.alias_key
where foreign_claims.post_key <> claimed_pages.post_key"""
"""Other names of posts that lead to posts seen."""

TOLD_OF = """
select post_key, min(person_key) as person_key
from (
  select told.post_key, told.person_key, told.by_others, min(told.by_others) over (partition by told.post_key) as best
  from (
    select verdicts.post_key, coalesce(persons.person_key, verdicts.account_key) as person_key,
           case when verdicts.reason = 'not_own' then 1 else 0 end as by_others
    from verdicts left join persons on persons.account_key = verdicts.account_key
    where exists (select 1 from claims where claims.post_key = verdicts.post_key)
       or exists (select 1 from claims where claims.other_key = verdicts.post_key)) told) weighed
where by_others = best
group by post_key
having min(person_key) = max(person_key)"""
"""Whose a post is that is named in a claim: by the author's own export, whatever others say of it; of a post that only
others' exports hold, by all of them, if they agree."""

UPHELD = """
select claims.post_key, claims.other_key
from claims
join told_of ours on ours.post_key = claims.post_key
join told_of theirs on theirs.post_key = claims.other_key
where ours.person_key = theirs.person_key"""

AGREED = """
select post_key, other_key as alias_key from upheld
union
select other_key as post_key, post_key as alias_key from upheld"""

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

JUDGED = f"""
select coalesce(same.same_key, verdicts.post_key) as post_key, verdicts.account_key,
       case when verdicts.reason is null then 0 when verdicts.reason = 'deleted' then 2 else 1 end
         as standing,
       case when verdicts.reason in ('deleted', 'excluded_by_author', 'signal_denied') then 2
            when verdicts.reason = 'consent_withdrawn' and verdicts.detail = '{SINGLE}' then 2
            when verdicts.reason in ('not_public', 'license_refused') then 1 else 0 end as denies
from verdicts left join same on same.post_key = verdicts.post_key"""  # noqa: S608 - our own text
"""Standing: 0 admitted, 1 refused, 2 deleted. Denies: 1 copies of the same account, 2 all copies of the person, where
the author said of the post itself that it shall not be used. Numbers, because a join of millions of rows carries
them along."""

DENIALS = """
select distinct judged.post_key, judged.denies,
       case when judged.denies = 2 then coalesce(persons.person_key, judged.account_key)
            else judged.account_key end as denier_key
from judged
join recurring on recurring.post_key = judged.post_key
left join persons on persons.account_key = judged.account_key
where judged.denies > 0"""

RANKED_POSTS = """
select copies.post_key, copies.subject_key, copies.export_id, copies.position, copies.denied = 1 as denied,
       row_number() over (
         partition by copies.post_key
         order by copies.denied, copies.taken, copies.is_claim, copies.said_at desc, copies.export_id,
                  copies.position) as copy
from (
  select recurring.post_key, posts.subject_key, posts.export_id, posts.position,
         case when by_account.post_key is null and by_person.post_key is null then 0 else 1 end as denied,
         case when posts.acquisition = 'own-export' then 0 else 1 end as taken,
         case when claiming.post_key is null then 0 else 1 end as is_claim,
         coalesce(posts.edited_at, posts.created_at) as said_at
  from posts
  left join same on same.post_key = posts.post_key
  join recurring on recurring.post_key = coalesce(same.same_key, posts.post_key)
  left join persons on persons.account_key = posts.account_key
  left join (select distinct post_key from foreign_claims) claiming on claiming.post_key = posts.post_key
  left join denials by_account
    on by_account.post_key = recurring.post_key and by_account.denies = 1
   and by_account.denier_key = posts.account_key
  left join denials by_person
    on by_person.post_key = recurring.post_key and by_person.denies = 2
   and by_person.denier_key = coalesce(persons.person_key, posts.account_key)) copies"""
"""Copies in the order of preference: what nobody denies, the author's archive before a capture, an original before
what says that it is a copy of something elsewhere (bridges shorten), then the latest edit. Of what is denied no
copy is kept: by that account, or by any of that person's."""
