"""Tests of the spellings of names, and of the templates of sentences."""

import re

from hypothesis import example, given, settings, strategies as st
import pytest

from custom_components.pbx.voice.sentences import LANGUAGES, templates, understand
from custom_components.pbx.voice.spelling import folded, spoken

CALLS = {
    "en": "call {}",
    "fa": "زنگ بزن به {}",
    "de": "ruf {} an",
    "fr": "appelle {}",
    "es": "llama a {}",
    "ar": "كلم {}",
}
LETTERS = st.characters(categories=["L", "M", "N", "P", "S", "Z"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mum", "mum"),
        ("  Élodie  ", "elodie"),
        ("علي", "علی"),
        ("كيك", "کیک"),
        ("می\u200cروم", "میروم"),
        ("أحمد", "احمد"),
        ("مـــامان", "مامان"),
        ("طبقه ۳", "طبقه3"),
        ("St. John's", "stjohns"),
    ],
)
def test_folded(text: str, expected: str) -> None:
    """Neither case, accents, keyboards nor spaces make a difference."""
    assert folded(text) == expected


@given(st.text())
def test_spoken(text: str) -> None:
    """Nothing that means something in a template is left in a name."""
    assert not set(spoken(text)) & set("()[]{}<>|:;.,?!\\")
    assert spoken(spoken(text)) == spoken(text)


@settings(deadline=None)
@given(st.text(), st.sampled_from(sorted(LANGUAGES)))
def test_any_text(name: str, language: str) -> None:
    """Every template that is made can be read, whatever the name."""
    parse = pytest.importorskip("hassil.parse_expression").parse_sentence
    names = ["Mum", name] if folded(name) else ["Mum"]
    for template in templates(language, names, names):
        parse(template)
    # So does every sentence.
    understand(language, name, [folded(each) for each in names], ["kitchen"])


@settings(deadline=None)
@given(st.text(LETTERS, min_size=1), st.sampled_from(sorted(LANGUAGES)))
@example("İpek", "en")
@example("Weiß", "de")
@example("½", "fr")
@example("⑴", "en")
@example("0㋀", "ar")
@example("ﷺ", "ar")
@example("مُحَمَّد", "fa")
def test_own_spelling(name: str, language: str) -> None:
    """Every name that has a letter or a digit is called in its own spelling."""
    hassil = pytest.importorskip("hassil.intents")
    recognize = pytest.importorskip("hassil.recognize").recognize
    if not (key := folded(name)):
        return
    sentence = CALLS[language].format(spoken(name))
    made = templates(language, [name, "Mum"], [])
    intent = {"data": [{"sentences": made}]}
    intents = hassil.Intents.from_dict({"language": "en", "intents": {"a": intent}})
    assert recognize(sentence, intents) is not None, (sentence, made)
    understood = understand(language, sentence, [key, "mum"], [])
    assert understood is not None
    assert understood.name == key


def test_templates_without_names() -> None:
    """Without names, the only sentences are those that hang up."""
    assert {language for language in LANGUAGES if templates(language, [], [])} == {
        "en",
        "fa",
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_templates(language: str) -> None:
    """Each template of a call has one place for a name, and one for a phone."""
    words = LANGUAGES[language]
    for template in words.calls:
        assert template.count("NAME") == 1
        assert "FROM" in template
    assert words.from_phone.count("PHONE") == 1
    for template in templates(language, ["Mum"], ["Kitchen"]):
        assert not re.search("NAME|FROM|PHONE", template)
