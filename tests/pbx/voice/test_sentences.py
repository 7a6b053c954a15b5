"""Tests of what people say to have somebody called."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.voice.sentences import LANGUAGES, commands, folded, spoken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mum", "mum"),
        ("  Élodie  ", "elodie"),
        ("علي", "علی"),
        ("كيك", "کیک"),
        ("می\u200cروم", "می روم"),
        ("أحمد", "احمد"),
        ("مـــامان", "مامان"),
        ("طبقه ۳", "طبقه 3"),
        ("St. John's", "st john's"),
    ],
)
def test_folded(text: str, expected: str) -> None:
    """Neither case nor keyboards make a difference."""
    assert folded(text) == expected


@given(st.text())
def test_spoken(text: str) -> None:
    """Nothing that means something in a template is left in a name."""
    assert not set(spoken(text)) & set("()[]{}<>|:;.,?!")
    assert spoken(spoken(text)) == spoken(text)


@given(st.text(min_size=1), st.sampled_from(sorted(LANGUAGES)))
def test_templates(name: str, language: str) -> None:
    """Every template that is made can be read."""
    parse = pytest.importorskip("hassil.parse_expression").parse_sentence
    if folded(name):
        for command in commands(LANGUAGES[language], name):
            parse(command)


def test_answers() -> None:
    """Every language has its own words, with the same things in them."""
    english = LANGUAGES["en"]
    for code, language in LANGUAGES.items():
        for field in ("calling", "which", "unknown_phone", "failed"):
            words, pattern = getattr(language, field), getattr(english, field)
            assert words.count("{") == pattern.count("{")
            assert code == "en" or words != pattern
