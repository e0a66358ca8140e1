"""People with tokens who push and load in processes of their own, as one does by hand."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from huggingface_hub import close_session, constants

from fedi_dataset.cli import main
from fedi_dataset.config import BuildConfig
from fedi_dataset.errors import MissingExtra
from fedi_dataset.pipeline import BuildReport, build
from fedi_dataset.release.erasure import withdraw
from fedi_dataset.samples import samples
from tests.conftest import AS_OF, ReleaseCopy, copy_of
from tests.hub import Hub, OtherHub, hub, loopback
from tests.world import World, WrittenWorld

__all__ = ["hub", "loopback"]

REPO = "lab/talks"
CHECKOUT = Path(__file__).parents[2]
PUSH = "from fedi_dataset.commands.push import push; push(prog_name='fedi-dataset push')"


class Done(NamedTuple):
    """What a process did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        assert self.code in (0, 1), self.err
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def error(self) -> str:
        """The message of a command that failed: one on stderr, nothing on stdout, no traceback."""
        assert (self.out, self.err.count("rror: ")) == ("", 1), self.out + self.err
        assert "Traceback" not in self.err
        return self.err.partition("rror: ")[2].strip()


class Person:
    """Somebody with a token, or none, and a home of their own."""

    def __init__(self, hub: Hub | OtherHub, home: Path, token: str | None) -> None:
        self.token = token
        self._home = home
        home.mkdir(exist_ok=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(CHECKOUT),
            "HOME": str(home),
            "HF_HOME": str(home / "hf"),
            **hub.environment(),
            **({"HF_TOKEN": token} if token else {}),
        }

    def start(self, code: str, *arguments: object) -> subprocess.Popen[str]:
        """Start Python code with arguments in a new process."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env=self.environment,
            cwd=self._home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str, *arguments: object) -> Done:
        """Run Python code to its end; whatever it says, it never says the token."""
        process = self.start(code, *arguments)
        out, err = process.communicate(timeout=120)
        assert self.token is None or self.token not in out + err
        return Done(process.returncode, out, err)

    def push(self, release: Path, target: str, *options: object) -> Done:
        """Run the command, in this process, which is quicker, as if it had this environment."""
        arguments = [str(one) for one in (release, target, "--json", *options)]
        with self._here():
            result = CliRunner().invoke(main, ["push", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert self.token is None or self.token not in result.output
        return Done(result.exit_code, result.stdout, result.stderr)

    @contextmanager
    def _here(self) -> Iterator[None]:
        """Let huggingface_hub, which reads the environment when it is imported, be as in a process of this person's."""
        home, endpoint = Path(self.environment["HF_HOME"]), self.environment["HF_ENDPOINT"]
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("HF_TOKEN", raising=False)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            for name in ("HF_HUB_DISABLE_TELEMETRY", "HF_UPDATE_DOWNLOAD_COUNTS"):
                patch.setenv(name, "unset")
            patch.setattr(constants, "ENDPOINT", endpoint)
            template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
            patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
            patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
            patch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
            patch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
            patch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
            close_session()  # it would keep the proxies of another environment
            try:
                yield
            finally:
                close_session()


@pytest.fixture
def person(hub: Hub | OtherHub, tmp_path: Path) -> Callable[[str], Person]:
    """Give somebody by name."""
    return lambda name: Person(hub, tmp_path / name, hub.token(name))


@pytest.fixture
def owner(person: Callable[[str], Person]) -> Person:
    """Somebody who may write."""
    return person("owner")


@pytest.fixture
def reader(person: Callable[[str], Person]) -> Person:
    """Somebody who may read, with the switch set that the documents ask for."""
    found = person("reader")
    found.environment["HF_UPDATE_DOWNLOAD_COUNTS"] = "0"
    return found


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    """A release for everybody, of samples whose authors agreed to that; read only."""
    folder = tmp_path_factory.mktemp("published")
    with samples() as shipped:
        ledger = widened(shipped.ledger, folder / "ledger.jsonl")
        try:
            return build(
                shipped.exports,
                consent=ledger,
                out=folder / "release",
                config=BuildConfig(recipients="public"),
                as_of=AS_OF,
            )
        except MissingExtra as error:
            pytest.skip(str(error))


def widened(ledger: Path, target: Path) -> Path:
    """Write a ledger anew in which everybody agrees to publication."""
    prev = "0" * 64
    lines = []
    for line in ledger.read_bytes().splitlines():
        event = {**json.loads(line), "prev": prev}
        if event["event"] == "given":
            event["recipients"] = "public"
            event["purposes"] = ["llm-fine-tuning", "dataset-publication"]
            event["special_categories"] = True
        lines.append(json.dumps(event, separators=(",", ":")).encode())
        prev = hashlib.sha256(lines[-1]).hexdigest()
    target.write_bytes(b"".join(line + b"\n" for line in lines))
    return target


WITHDRAWN_AT = datetime(2026, 7, 15, 12, tzinfo=UTC)
EVENT = "urn:uuid:00000000-0000-4000-8000-00000000000b"


@pytest.fixture(scope="session")
def withdrawn(
    built: BuildReport,
    world: WrittenWorld,
    small_world: World,
    tmp_path_factory: pytest.TempPathFactory,
) -> ReleaseCopy:
    """The shared release after somebody who talks a lot withdrew; read only."""
    copy = copy_of(built, world, tmp_path_factory.mktemp("withdrawn"))
    who = small_world.people[0].uri
    withdraw(copy.release, [who], now=WITHDRAWN_AT, event_id=EVENT)
    return copy


@pytest.fixture
def erase(withdrawn: ReleaseCopy) -> Callable[[ReleaseCopy], None]:
    """Bring a copy of the shared release to the state after that withdrawal."""

    def run(copy: ReleaseCopy) -> None:
        record = copy.work / "hub.jsonl"
        kept = record.read_bytes() if record.exists() else None
        for old, new in ((copy.release, withdrawn.release), (copy.work, withdrawn.work)):
            shutil.rmtree(old)
            shutil.copytree(new, old)
        if kept is not None:
            record.write_bytes(kept)

    return run
