"""Tests of the spellings of names, and of the templates of sentences."""

import re

from hypothesis import example, given, settings, strategies as st
import pytest

from custom_components.pbx.voice.sentences import (
    LANGUAGES,
    templates,
    understand,
    understand_message,
)
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
    for template in templates(language, names, names, with_messages=True):
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


@settings(deadline=None)
@given(st.text(LETTERS, min_size=1), st.text(LETTERS, min_size=1))
@example("Mum", "that")
@example("Ann", "a storm")
def test_any_message(name: str, message: str) -> None:
    """Every name is found, and the message is the end of the sentence."""
    hassil = pytest.importorskip("hassil.intents")
    recognize = pytest.importorskip("hassil.recognize").recognize
    if not (key := folded(name)) or key.isdigit() or not folded(message):
        return
    sentence = f"tell {spoken(name)} {spoken(message)}"
    made = templates("en", [name], [], with_messages=True)
    tells = [each for each in made if "tell" in each]
    intent = {"data": [{"sentences": tells}]}
    intents = hassil.Intents.from_dict({"language": "en", "intents": {"a": intent}})
    intents.slot_lists["message"] = hassil.WildcardSlotList("message")
    found = recognize(sentence, intents)
    assert found is not None
    heard = found.entities["message"].value

    understood = understand_message("en", sentence, heard, [key])
    assert understood is not None
    assert understood.name == key
    assert understood.message is not None
    assert folded(understood.message) == folded(heard)


def test_messages_to_names() -> None:
    """Messages are said to names, and not to numbers."""
    number = templates("en", ["101"], [], with_messages=True)
    assert number == templates("en", ["101"], [])
    both = templates("en", ["101", "Mum"], [], with_messages=True)
    assert [each for each in both if "{message}" in each and "101" in each] == []


def test_message_alone() -> None:
    """A message is not cut where its words are not those of the sentence."""
    assert understand_message("en", "tell mum hello", "good bye", ["mum"]) is None
    assert understand_message("en", "tell mum hello", "hello", ["dad"]) is None
    assert understand_message("de", "sag mum hallo", "hallo", ["mum"]) is None
    # Home Assistant's own form, where the sentence has no such word.
    understood = understand_message("en", "tell mum:hello", "hello", ["mum"])
    assert understood is not None
    assert understood.message == "hello"


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
    for template in words.tells:
        assert template.count("NAME") == 1
    found = templates(language, ["Mum"], ["Kitchen"], with_messages=True)
    assert sum(each.endswith(" {message}") for each in found) == len(words.tells)
    for template in found:
        assert not re.search("NAME|FROM|PHONE", template)
