"""What a Hub answers: its endpoints, as far as huggingface_hub 2.4 and datasets 5.2 use them.

A private repository does not exist for whoever may not read it: 404 for users, 401 for nobody in particular.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

import yaml

from tests.hub.http import Reply, Request, error, reply
from tests.hub.repos import Access, Commit, File, Repo, large_file, small_file

__all__ = ["Api"]

READ, WRITE, NOBODY = "read", "write", "none"
ID = r"([\w.-]+/[\w.-]+)"


class Refused(Exception):
    """Raised with the answer that ends a request."""

    def __init__(self, answer: Reply) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True)
class _Asked:
    """A request to a repository, by somebody who may make it."""

    request: Request
    repo: Repo
    words: tuple[str, ...]
    """What the path's groups match, unquoted, after the repository's id."""

    @property
    def commit(self) -> Commit:
        """The commit that the first word names."""
        found = self.repo.find(self.words[0])
        if found is None:
            raise Refused(error(404, "Invalid rev id", "RevisionNotFound"))
        return found

    @property
    def ref(self) -> str:
        """The ref that the first word names."""
        found = self.repo.full_ref(self.words[0])
        if found is None:
            raise Refused(error(404, "Invalid rev id", "RevisionNotFound"))
        return found


class Api:
    """The Hub's state, and its answers."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self.users = dict(users)
        """Token → user."""
        self.members: dict[str, dict[str, Access]] = {}
        """Organization → who may do what in it."""
        self.repos: dict[str, Repo] = {}
        self.url = self.storage_url = ""
        self._signed: dict[str, tuple[Repo, str]] = {}
        self._routes: list[tuple[str, re.Pattern[str], str, Callable[[_Asked], Reply]]] = [
            (method, re.compile(pattern), access, function)
            for method, pattern, access, function in (
                ("GET", rf"/api/datasets/{ID}", READ, self._info),
                ("GET", rf"/api/datasets/{ID}/revision/([^/]+)", READ, self._revision),
                ("PUT", rf"/api/datasets/{ID}/settings", WRITE, self._settings),
                ("GET", rf"/api/datasets/{ID}/tree/([^/]+)(?:/(.+))?", READ, self._tree),
                ("POST", rf"/api/datasets/{ID}/paths-info/([^/]+)", READ, self._paths),
                ("POST", rf"/api/datasets/{ID}/preupload/([^/]+)", WRITE, self._preupload),
                ("POST", rf"/api/datasets/{ID}/commit/([^/]+)", WRITE, self._commit),
                ("GET", rf"/api/datasets/{ID}/commits/([^/]+)", READ, self._commits),
                ("GET", rf"/api/datasets/{ID}/refs", READ, self._refs),
                ("POST", rf"/api/datasets/{ID}/branch/([^/]+)", WRITE, self._branch),
                ("DELETE", rf"/api/datasets/{ID}/branch/([^/]+)", WRITE, self._unbranch),
                ("POST", rf"/api/datasets/{ID}/tag/([^/]+)", WRITE, self._tag),
                ("DELETE", rf"/api/datasets/{ID}/tag/([^/]+)", WRITE, self._untag),
                ("POST", rf"/api/datasets/{ID}/super-squash/([^/]+)", WRITE, self._squash),
                ("GET", rf"/api/datasets/{ID}/lfs-files", WRITE, self._large_files),
                ("POST", rf"/api/datasets/{ID}/lfs-files/batch", WRITE, self._delete_large),
                ("POST", rf"/datasets/{ID}\.git/info/lfs/objects/batch", WRITE, self._batch),
                ("POST", rf"/datasets/{ID}\.git/info/lfs/verify", WRITE, self._verify),
                ("GET", rf"/datasets/{ID}/resolve/([^/]+)/(.+)", READ, self._resolve),
                ("HEAD", rf"/datasets/{ID}/resolve/([^/]+)/(.+)", READ, self._resolve),
            )
        ]

    def answer(self, request: Request) -> Reply:
        """Answer a request to the Hub."""
        try:
            user = self._user(request)
            if request.path == "/api/whoami-v2":
                return self._whoami(user)
            if request.path == "/api/repos/create":
                return self._create(request, user)
            if request.path == "/api/repos/delete":
                return self._delete(request, user)
            if request.path == "/api/validate-yaml":
                return _validate(request)
            for method, pattern, access, function in self._routes:
                found = pattern.fullmatch(request.path)
                if found and method == request.method:
                    words = tuple(unquote(one or "") for one in found.groups())
                    repo = self._repo(words[0], user, access)
                    if function == self._resolve:
                        self._check_gate(repo, user)
                    return function(_Asked(request, repo, words[1:]))
            return error(404, "Sorry, we can't find the page you are looking for.")
        except Refused as refused:
            return refused.answer

    def store(self, request: Request) -> Reply:
        """Answer a request to the storage: whoever has a signed URL may use it."""
        signature = request.path.rpartition("/")[2]
        if signature not in self._signed:
            return error(403, "this URL is not signed")
        request.who = "signed"
        repo, sha256 = self._signed[signature]
        if request.method == "PUT":
            if hashlib.sha256(request.body).hexdigest() != sha256:
                return error(400, "these are not the bytes that were announced")
            repo.objects[sha256] = request.body
            return Reply(200)
        if sha256 not in repo.objects:
            return error(404, "there is no such object")
        return _ranged(request, repo.objects[sha256], {"ETag": f'"{sha256}"'})

    def _user(self, request: Request) -> str | None:
        given = request.headers.get("authorization")
        if given is None:
            return None
        token = given.removeprefix("Bearer ")
        if token not in self.users:
            request.who = "bad token"
            raise Refused(error(401, "Invalid credentials in Authorization header"))
        request.who = self.users[token]
        return request.who

    def _may(self, namespace: str, user: str | None) -> Access:
        if user is None:
            return "none"
        if namespace == user:
            return "write"
        return self.members.get(namespace, {}).get(user, "none")

    def _repo(self, name: str, user: str | None, access: str) -> Repo:
        repo = self.repos.get(name)
        may = self._may(name.partition("/")[0], user)
        if repo is None or (repo.private and may == NOBODY):
            if user is None:
                raise Refused(error(401, "Invalid username or password.", "RepoNotFound"))
            raise Refused(error(404, "Repository not found", "RepoNotFound"))
        if access == WRITE and may != WRITE:
            raise Refused(error(403, "you need write access to this repository"))
        return repo

    def _check_gate(self, repo: Repo, user: str | None) -> None:
        if repo.gated and self._may(repo.id.partition("/")[0], user) == NOBODY:
            why = "Access to this dataset is restricted"
            raise Refused(error(401 if user is None else 403, why, "GatedRepo"))

    def _whoami(self, user: str | None) -> Reply:
        if user is None:
            return error(401, "Invalid username or password.")
        orgs = [{"name": name} for name, people in self.members.items() if user in people]
        return reply({"type": "user", "name": user, "orgs": orgs, "auth": {"type": "access_token"}})

    def _create(self, request: Request, user: str | None) -> Reply:
        if user is None:
            return error(401, "Invalid username or password.")
        asked = request.json
        namespace: str = asked.get("organization") or user
        name = f"{namespace}/{asked['name']}"
        if self._may(namespace, user) != WRITE:
            return error(403, f"You don't have the rights to create a dataset under {namespace}")
        if name in self.repos:
            return reply({"error": "You already created this dataset repo", "url": name}, 409)
        if asked.get("type") != "dataset":
            return error(400, "only datasets are kept here")
        self.repos[name] = Repo(name, private=asked.get("visibility") == "private")
        return reply({"url": f"/datasets/{name}", "name": name, "id": name})

    def _delete(self, request: Request, user: str | None) -> Reply:
        asked = request.json
        repo = self._repo(f"{asked.get('organization') or user}/{asked['name']}", user, WRITE)
        del self.repos[repo.id]
        return Reply(200)

    def _info(self, asked: _Asked) -> Reply:
        return reply(_about(asked.repo, asked.repo.head()))

    def _revision(self, asked: _Asked) -> Reply:
        return reply(_about(asked.repo, asked.commit))

    def _settings(self, asked: _Asked) -> Reply:
        given = asked.request.json
        if "visibility" in given:
            asked.repo.private = given["visibility"] == "private"
        if "gated" in given:
            asked.repo.gated = given["gated"]
        return reply({"private": asked.repo.private, "gated": asked.repo.gated})

    def _tree(self, asked: _Asked) -> Reply:
        files, folder = asked.commit.files, asked.words[1].rstrip("/")
        below = {path: file for path, file in files.items() if _is_below(path, folder)}
        if folder and not below:
            return error(404, f"{folder} does not exist", "EntryNotFound")
        entries: dict[str, dict[str, object]] = {}
        recursive = asked.request.query.get("recursive", ["false"])[0].lower() == "true"
        for path, file in below.items():
            parts = path.split("/")
            first = len(folder.split("/")) + 1 if folder else 1
            for depth in range(first, len(parts)):
                parent = "/".join(parts[:depth])
                if recursive or depth == first:
                    oid = hashlib.sha1(parent.encode()).hexdigest()
                    entries[parent] = {"type": "directory", "oid": oid, "size": 0, "path": parent}
            if recursive or len(parts) == first:
                entries[path] = _entry(path, file)
        return reply(list(entries.values()))

    def _paths(self, asked: _Asked) -> Reply:
        body = asked.request.body.decode()
        if asked.request.headers.get("content-type", "").startswith("application/json"):
            wanted = json.loads(body)["paths"]
        else:
            wanted = parse_qs(body).get("paths", [])
        files = asked.commit.files
        return reply([_entry(path, files[path]) for path in wanted if path in files])

    def _preupload(self, asked: _Asked) -> Reply:
        there = asked.commit.files
        files = []
        for one in asked.request.json["files"]:
            path, size = one["path"], one["size"]
            files.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if asked.repo.is_large(path, size) else "regular",
                    "shouldIgnore": False,
                    "oid": there[path].oid if path in there else None,
                }
            )
        return reply({"files": files})

    def _batch(self, asked: _Asked) -> Reply:
        return reply(
            {
                "transfer": "basic",
                "objects": [self._action(asked.repo, one) for one in asked.request.json["objects"]],
            }
        )

    def _action(self, repo: Repo, wanted: Mapping[str, Any]) -> dict[str, object]:
        about: dict[str, object] = {"oid": wanted["oid"], "size": wanted["size"]}
        if wanted["oid"] in repo.objects:
            return about
        return {
            **about,
            "actions": {
                "upload": {"href": self._sign(repo, wanted["oid"])},
                "verify": {"href": f"{self.url}/datasets/{repo.id}.git/info/lfs/verify"},
            },
        }

    def _sign(self, repo: Repo, sha256: str) -> str:
        signature = secrets.token_hex(16)
        self._signed[signature] = (repo, sha256)
        return f"{self.storage_url}/{signature}"

    def _verify(self, asked: _Asked) -> Reply:
        there = asked.request.json["oid"] in asked.repo.objects
        return Reply(200) if there else error(404, "there is no such object")

    def _commit(self, asked: _Asked) -> Reply:
        repo, ref = asked.repo, asked.ref
        lines = [json.loads(line) for line in asked.request.body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        if header.get("parentCommit") not in (None, repo.refs[ref]):
            return error(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repo.commits[repo.refs[ref]].files)
        for line in lines:
            _apply(repo, files, line["key"], line["value"])
        if asked.request.query.get("create_pr"):
            number = 1 + sum(name.startswith("refs/pr/") for name in repo.refs)
            repo.refs[f"refs/pr/{number}"] = repo.refs[ref]
            ref = f"refs/pr/{number}"
        sha = repo.commit(ref, files, header["summary"])
        url = f"/datasets/{repo.id}"
        told = {"success": True, "commitOid": sha, "commitUrl": f"{url}/commit/{sha}"}
        return reply({**told, "hookOutput": "", "pullRequestUrl": f"{url}/discussions/1"})

    def _commits(self, asked: _Asked) -> Reply:
        return reply(
            [
                {
                    "id": one.sha,
                    "title": one.title,
                    "message": "",
                    "authors": [{"user": "owner"}],
                    "date": one.at,
                }
                for one in asked.repo.history(asked.commit.sha)
            ]
        )

    def _refs(self, asked: _Asked) -> Reply:
        kinds = {"branches": "refs/heads/", "tags": "refs/tags/", "converts": "refs/convert/"}
        if asked.request.query.get("include_prs"):
            kinds["pullRequests"] = "refs/pr/"
        return reply(
            {
                kind: [
                    {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": sha}
                    for ref, sha in asked.repo.refs.items()
                    if ref.startswith(prefix)
                ]
                for kind, prefix in kinds.items()
            }
        )

    def _branch(self, asked: _Asked) -> Reply:
        ref = f"refs/heads/{asked.words[0]}"
        if ref in asked.repo.refs:
            return error(409, "Reference already exists")
        start = (asked.request.json or {}).get("startingPoint", "main")
        found = asked.repo.find(start)
        if found is None:
            return error(404, "Invalid rev id", "RevisionNotFound")
        asked.repo.refs[ref] = found.sha
        return Reply(201)

    def _unbranch(self, asked: _Asked) -> Reply:
        ref = asked.ref
        if ref == "refs/heads/main" or ref.startswith("refs/pr/"):
            return error(403, f"{ref} cannot be deleted")
        del asked.repo.refs[ref]
        return Reply(204)

    def _tag(self, asked: _Asked) -> Reply:
        asked.repo.refs[f"refs/tags/{asked.request.json['tag']}"] = asked.commit.sha
        return Reply(201)

    def _untag(self, asked: _Asked) -> Reply:
        if asked.repo.refs.pop(f"refs/tags/{asked.words[0]}", None) is None:
            return error(404, "Invalid rev id", "RevisionNotFound")
        return Reply(204)

    def _squash(self, asked: _Asked) -> Reply:
        asked.repo.squash(asked.ref, asked.request.json["message"])
        return Reply(200)

    def _large_files(self, asked: _Asked) -> Reply:
        return reply(
            [
                {
                    "fileOid": sha256,
                    "filename": path,
                    "oid": hashlib.sha1(sha256.encode()).hexdigest(),
                    "pushedAt": "2026-07-01T00:00:00.000Z",
                    "ref": "main",
                    "size": len(asked.repo.objects[sha256]),
                }
                for sha256, path in asked.repo.named().items()
            ]
        )

    def _delete_large(self, asked: _Asked) -> Reply:
        deletions = asked.request.json["deletions"]
        asked.repo.delete_objects(deletions["sha"], rewrite=deletions["rewriteHistory"])
        return Reply(200)

    def _resolve(self, asked: _Asked) -> Reply:
        commit, path = asked.commit, asked.words[1]
        file = commit.files.get(path)
        known = {"X-Repo-Commit": commit.sha}
        missing = error(404, "Entry not found", "EntryNotFound")
        if file is None:
            return Reply(404, missing.body, {**missing.headers, **known})
        if file.sha256 is None:
            return _ranged(asked.request, file.content, {**known, "ETag": f'"{file.blob}"'})
        if file.sha256 not in asked.repo.objects:
            return Reply(404, missing.body, {**missing.headers, **known})
        return Reply(
            302,
            b"",
            {
                **known,
                "ETag": f'"{file.sha256}"',
                "X-Linked-Etag": f'"{file.sha256}"',
                "X-Linked-Size": str(file.size),
                "Location": self._sign(asked.repo, file.sha256),
            },
        )


def _apply(repo: Repo, files: dict[str, File], kind: str, value: Mapping[str, Any]) -> None:
    """Carry out one line of a commit."""
    if kind == "file":
        files[value["path"]] = small_file(base64.b64decode(value["content"]))
    elif kind == "lfsFile":
        if value["oid"] not in repo.objects:
            raise Refused(error(400, f"the object {value['oid']} was not uploaded"))
        files[value["path"]] = large_file(value["oid"], len(repo.objects[value["oid"]]))
    elif kind == "deletedFile":
        if files.pop(value["path"], None) is None:
            raise Refused(error(404, "A file with this name doesn't exist", "EntryNotFound"))
    elif kind == "deletedFolder":
        for path in [one for one in files if _is_below(one, value["path"].rstrip("/"))]:
            del files[path]
    elif kind != "header":
        raise Refused(error(400, f"there is no operation {kind}"))


def _validate(request: Request) -> Reply:
    """Answer what the Hub says of a card's head."""
    head = request.json["content"].split("---\n")
    try:
        data = yaml.safe_load(head[1]) if len(head) > 2 else {}
    except yaml.YAMLError:
        return reply({"errors": [{"message": "the head is not YAML"}], "warnings": []}, 400)
    errors = [
        {"message": f'"{name}" must be a list'}
        for name in ("configs", "tags", "language")
        if name in data and not isinstance(data[name], list)
    ]
    return reply({"errors": errors, "warnings": []}, 400 if errors else 200)


def _about(repo: Repo, commit: Commit) -> dict[str, object]:
    return {
        "_id": hashlib.sha1(repo.id.encode()).hexdigest()[:24],
        "id": repo.id,
        "author": repo.id.partition("/")[0],
        "sha": commit.sha,
        "lastModified": commit.at,
        "createdAt": commit.at,
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "siblings": [{"rfilename": path} for path in commit.files],
    }


def _entry(path: str, file: File) -> dict[str, object]:
    about: dict[str, object] = {"type": "file", "oid": file.blob, "size": file.size, "path": path}
    if file.sha256 is not None:
        size = len(file.content)
        about["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": size}
    return about


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _ranged(request: Request, content: bytes, headers: Mapping[str, str]) -> Reply:
    """Answer with a content, or the range of it that was asked for."""
    about = {**headers, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if asked is None:
        return Reply(200, content, {**about, "Content-Length": str(len(content))})
    first, last = asked.groups()
    begin = int(first) if first else max(0, len(content) - int(last))
    end = min(int(last) + 1, len(content)) if first and last else len(content)
    if begin >= len(content):
        return Reply(416, b"", {"Content-Range": f"bytes */{len(content)}"})
    told = {"Content-Range": f"bytes {begin}-{end - 1}/{len(content)}"}
    part = content[begin:end]
    return Reply(206, part, {**about, **told, "Content-Length": str(len(part))})
