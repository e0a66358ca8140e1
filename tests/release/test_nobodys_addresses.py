"""What looks like somebody's address and is nobody's stays in a release, and the audit does not take it for a leak."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from fedi_dataset.release.scan import needles_of
from fedi_dataset.workspace import Workspace
from tests.commands import run
from tests.talk import write_talk

LAST = (
    "<p>Thanks, ask in !gardening@lemmy.example about the boats, clone git@forge.example:boats and do not answer "
    "noreply@lists.example, write to al@post.example.org instead.</p>"
)


def test_communities_and_roles_are_no_leak(tmp_path: Path) -> None:
    """Communities and roles stay in a release and the audit passes; it looks for people's addresses."""
    talk = write_talk(tmp_path, LAST)
    release = tmp_path / "release"
    build = ("build", *talk.exports, "--consent", talk.ledger, "--out", release, "--workers", 1)
    ran = run(*build, "--as-of", "2026-07-01T00:00:00Z", "--patterns-only-language", "pl")
    assert ran.code == 0, ran.err
    (shard,) = (release / "conversations").glob("*.parquet")
    (row,) = pq.read_table(shard).to_pylist()
    last = row["turns"][-1]["text"]
    assert all(
        one in last for one in ("!gardening@lemmy.example", "git@forge", "noreply@lists.example")
    )
    assert "al@post" not in last
    audited = run("audit", release)
    assert audited.code == 0, audited.out + audited.err
    workspace = Workspace(Path(f"{release}.work"))
    assert needles_of(workspace).emails == {"al@post.example.org", "rob@post.example.org"}
