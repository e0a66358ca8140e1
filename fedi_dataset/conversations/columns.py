"""Columns that strategies need beside the rows of a cell, in SQL, attached only where the config asks for them.

What looks at an author's posts everywhere must be decided here, before cells, so that a cell's digest covers it. None
of it depends on whether somebody else is admitted, only on what was seen of others, so that a withdrawal
changes nobody else's rows.

Tables in: ``cell_rows`` and what the forest made on its way (``seen``, ``same``, ``ranked_posts``), ``posts, aliases,
persons`` (schema.py). Table out: ``cell_rows`` with, as the config asks:

* ``headings``, ``quote_of_key``: of the post as it was read; a quote under another name of the post is found;
* ``own_gap``: whether the missing post above it is of the same person;
* ``is_voice``: whether it is by the one person who may be the assistant, under whichever account of theirs;
* ``over_limit``, ``single_over_limit``: whether ``max_per_author`` posts of this person come before it, among those
  that may be responses, and among those that open a thread.

**The limit.** Which posts of an author will be responses is known in the cell only, so all posts of one person are
ranked, by key: first those that look like responses by what is seen of them (they may be trained, answer a post
that was seen, and do not go on with a turn of their own), then all others. A turn counts by its first post. So
at most ``max_per_author`` turns are trained, and nobody who has not more posts than that loses one. Fewer are
trained of whoever has posts that count and turn out to be no responses: below a post that was seen and is not
admitted, with too few words, left out for another reason. If others moved up in their place, one person's
withdrawal would change which posts of another are trained.
"""

from __future__ import annotations

from fedi_dataset.config import KEYED, BuildConfig
from fedi_dataset.engines import Engine

__all__ = ["attach_columns"]


def attach_columns(engine: Engine, config: BuildConfig) -> None:
    """Attach to ``cell_rows`` what the config's strategies ask for; nothing by default."""
    wanted = _wanted(config)
    if not wanted:
        return
    engine.sql("narrow_posts", NARROW_POSTS)
    tables = []
    for name, (query, _) in wanted.items():
        engine.sql(name, query)
        tables.append(
            f"left join {name} on cell_rows.rank = 1 and {name}.post_key = cell_rows.post_key"
        )
    columns = ", ".join(f"{name}.{one}" for name, (_, more) in wanted.items() for one in more)
    engine.sql("cell_rows", f"select cell_rows.*, {columns} from cell_rows {' '.join(tables)}")  # noqa: S608 - names of ours


def _wanted(config: BuildConfig) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Tables of columns: name → its query, and the columns to take of it."""
    wanted: dict[str, tuple[str, tuple[str, ...]]] = {}
    if config.splits_headings or config.quotes == "context":
        wanted["read_posts"] = READ_POSTS, ("headings", "quote_of_key")
    if config.gap_policy == "placeholder":
        wanted["own_gaps"] = OWN_GAPS, ("own_gap",)
    if config.voice is not None:
        account = config.voice.removeprefix(KEYED).upper()
        wanted["voices"] = VOICES.format(account=account), ("is_voice",)
    if config.max_per_author is not None:
        ranked = RANKED.format(
            trainable=_trainable(config),
            answers="seen.parent_key is not null"
            if config.gap_policy == "placeholder"
            else "above.post_key is not null",
            most=config.max_per_author,
        )
        wanted["ranked_turns"] = ranked, ("over_limit", "single_over_limit")
    return wanted


def _trainable(config: BuildConfig) -> str:
    """SQL for what is known of a post's permission before its words are scrubbed."""
    conditions = ["use = 'train'"]
    if not config.bots:
        conditions.append("not is_bot")
    if not config.sensitive:
        conditions.append("not sensitive")
    if config.languages:
        listed = ", ".join(f"'{tag}'" for tag in config.languages)
        conditions.append(f"language in ({listed})")
    return " and ".join(conditions)


NARROW_POSTS = """
select post_key, parent_key, gap, account_key, subject_key, created_at, use, is_bot, sensitive, language
from cell_rows where rank = 1"""
"""Posts without their words, which are many and not needed here."""

READ_POSTS = """
select coalesce(same.same_key, posts.post_key) as post_key, posts.headings,
       coalesce(meant.same_key, found.post_key, posts.quote_of_key) as quote_of_key
from posts
left join same on same.post_key = posts.post_key
left join (
  select alias_key, min(post_key) as post_key from aliases
  where own_ground and not exists (select 1 from seen where seen.post_key = aliases.alias_key)
  group by alias_key having min(post_key) = max(post_key)) found
  on found.alias_key = posts.quote_of_key
left join same meant on meant.post_key = coalesce(found.post_key, posts.quote_of_key)
where not exists (
  select 1 from ranked_posts
  where (ranked_posts.copy > 1 or ranked_posts.denied)
    and ranked_posts.export_id = posts.export_id and ranked_posts.position = posts.position)"""

OWN_GAPS = """
select narrow_posts.post_key,
       coalesce(coalesce(theirs.person_key, above.account_key) = coalesce(ours.person_key, narrow_posts.account_key),
                false) as own_gap
from narrow_posts
join seen on seen.post_key = narrow_posts.post_key
left join seen above on above.post_key = seen.parent_key
left join persons theirs on theirs.account_key = above.account_key
left join persons ours on ours.account_key = narrow_posts.account_key"""

VOICES = """
select narrow_posts.post_key, voice.subject_key is not null as is_voice
from narrow_posts
left join (
  select subject_key from posts where hex(account_key) = '{account}'
  union
  select posts.subject_key
  from posts
  join persons ours on ours.account_key = posts.account_key
  join persons named on named.person_key = ours.person_key
  where hex(named.account_key) = '{account}') voice
  on voice.subject_key = narrow_posts.subject_key"""
"""The account that is named may have no post that is admitted, and the person's other accounts have some."""

RANKED = """
select post_key,
       row_number() over (partition by subject_key order by is_response desc, post_key) > {most} as over_limit,
       row_number() over (partition by subject_key order by is_opening desc, post_key) > {most}
         as single_over_limit
from (
  select narrow_posts.post_key, narrow_posts.subject_key,
         case when {trainable} and {answers} and continued.post_key is null then 1 else 0 end as is_response,
         case when {trainable} and seen.parent_key is null then 1 else 0 end as is_opening
  from narrow_posts
  join seen on seen.post_key = narrow_posts.post_key
  left join seen above on above.post_key = seen.parent_key
  left join (
    select below.post_key, row_number() over (
             partition by below.parent_key order by below.created_at, below.post_key) as nth
    from narrow_posts below
    join narrow_posts parents
      on parents.post_key = below.parent_key and parents.subject_key = below.subject_key) continued
    on continued.post_key = narrow_posts.post_key and continued.nth = 1) turns"""
