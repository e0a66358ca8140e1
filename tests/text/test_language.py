"""Language identification."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import langdetect
import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from fedi_dataset.errors import UsageError
from fedi_dataset.text.language import LANGUAGES, UNDETERMINED, check_language, identify

SENTENCES = {
    "en": [
        "I can't believe it's already Friday",
        "That is exactly what I meant",
        "Has anyone tried the new release yet?",
        "Thanks, this helped me a lot",
    ],
    "de": [
        "Ich glaube, das stimmt so nicht ganz",
        "Wir waren heute Morgen auf dem Markt",
        "Hat jemand die neue Version schon getestet?",
        "Der Zug hatte heute wieder Verspätung",
    ],
    "fr": [
        "Je ne suis pas sûr que ce soit vrai",
        "C'est exactement ce que je voulais dire",
        "Mon chat refuse de quitter le clavier",
        "Le train était encore en retard",
    ],
    "es": [
        "Esta mañana fuimos al mercado",
        "Eso es justo lo que quería decir",
        "¿Alguien ha probado la nueva versión?",
        "El tren llegó tarde otra vez",
    ],
    "it": [
        "Non sono sicuro che sia vero",
        "È proprio quello che volevo dire",
        "Qualcuno ha provato la nuova versione?",
        "Il treno era di nuovo in ritardo",
    ],
    "pt": [
        "Não tenho certeza de que seja verdade",
        "Alguém já testou a nova versão?",
        "O meu gato não sai de cima do teclado",
        "Muito obrigado, isso ajudou bastante",
    ],
    "nl": [
        "Ik weet niet zeker of dat klopt",
        "Dat is precies wat ik bedoelde",
        "Mijn kat wil niet van het toetsenbord af",
        "De trein was vandaag weer te laat",
    ],
    "pl": [
        "Nie jestem pewien, czy to prawda",
        "Czy ktoś już próbował nowej wersji?",
        "Mój kot nie chce zejść z klawiatury",
        "Pociąg znowu się dzisiaj spóźnił",
    ],
    "sv": [
        "Jag är inte säker på att det stämmer",
        "Har någon provat den nya versionen?",
        "Min katt vägrar lämna tangentbordet",
        "Tåget var försenat igen i dag",
    ],
    "ja": ["今日はとても天気がいいですね"],
    "uk": ["Я не впевнений, що це правда"],
    "eo": ["Mi ne certas, ke tio estas vera"],
}
PAIRS = [(language, text) for language, texts in SENTENCES.items() for text in texts]


def test_short_sentences_are_named() -> None:
    """Of short sentences in twelve languages, without a declaration, none is named wrongly."""
    answers = {text: identify(text) for _, text in PAIRS}
    assert {text: answers[text] for language, text in PAIRS if answers[text] != language} == {}


@pytest.mark.parametrize("claim", ["en", "de-AT"])
def test_a_wrong_declaration_misleads_nobody(claim: str) -> None:
    """A client's default language is overruled, or makes the language unknown, never wrong."""
    answers = [(language, identify(text, (claim,))) for language, text in PAIRS]
    assert {answer for language, answer in answers if answer != language} <= {UNDETERMINED}
    assert sum(answer == language for language, answer in answers) >= 0.9 * len(answers)


@pytest.mark.parametrize(
    ("text", "declared", "language"),
    [
        ("Guten Morgen", (), "und"),
        ("Guten Morgen", ("de",), "de"),
        ("boa noite", ("pt-BR",), "pt"),
        ("ja bitte schön", ("en-US", "DE"), "de"),
        ("na klar", ("en-US", "DE"), "und"),
        ("早上好", ("zh-Hant",), "zh"),
        ("Доброе утро", ("en",), "und"),
        ("Guten Morgen", ("xx", "", "-", "klingon"), "und"),
        ("takk for hjelpen", ("nb",), "no"),
        ("😂😂 12 !!", ("en",), "und"),
        ("https://a.example/das-ist-nicht-ganz-richtig @jemand #wochenende", ("de",), "und"),
        ("```\nfor value in the_list: print(value)\n```", ("en",), "und"),
        ("", (), "und"),
        ("zzzz qqqq xxxx wwww zzzz qqqq", (), "und"),
    ],
)
def test_the_declaration_is_a_prior(text: str, declared: tuple[str, ...], language: str) -> None:
    """It decides what is too short to tell, unless impossible; where nothing is known, und."""
    assert identify(text, declared) == language


def test_answers_do_not_depend_on_order_thread_or_global_seed() -> None:
    """The same text gets the same answer after others, in other threads, whatever the seed."""
    texts = [text for _, text in PAIRS] + ["Bu sabah pazara gittik", "Dnes ráno jsme šli na trh"]
    first = {text: identify(text, ("en",)) for text in texts}
    langdetect.DetectorFactory.seed = 17
    random.Random(5).shuffle(texts)
    with ThreadPoolExecutor(4) as pool:
        again = dict(zip(texts, pool.map(lambda text: identify(text, ("en",)), texts), strict=True))
    langdetect.DetectorFactory.seed = None
    assert again == first


def test_known_languages_are_those_of_the_detectors() -> None:
    """The list that configs are checked against is the union of what the detectors can answer."""
    labels = set(LanguageIdentifier.from_model_file(MODEL_FILE).labels) - {"zxx"}
    profiles = {
        path.name.partition("-")[0] for path in Path(langdetect.PROFILES_DIRECTORY).iterdir()
    }
    assert labels | profiles == LANGUAGES


def test_check_language() -> None:
    """A known subtag is given back; a spelling of one is answered with it; others with the list."""
    assert check_language("pt") == "pt"
    with pytest.raises(UsageError, match="Write 'en'"):
        check_language("en-US")
    with pytest.raises(UsageError, match="Write 'de'"):
        check_language("DE")
    with pytest.raises(UsageError, match="Known are: ace af "):
        check_language("klingon")


def test_checking_loads_no_detector() -> None:
    """A config is made without loading numpy or a language model."""
    code = (
        "import sys; from fedi_dataset.text.language import check_language; check_language('en'); "
        "sys.exit(not {'numpy', 'py3langid', 'langdetect'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
