"""Tests of what Assist answers: the texts in all languages."""

import json
from pathlib import Path
import re
from string import Formatter
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.pbx import const
from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.errors import PbxErrorCode
from custom_components.pbx.calls.rules import Rule
from custom_components.pbx.errors import error_key
from custom_components.pbx.voice.answers import async_reason
from custom_components.pbx.voice.sentences import LANGUAGES

TRANSLATIONS = Path(const.__file__).parent / "translations"
# Their files hold nothing else.
PARTIAL = sorted(set(LANGUAGES) - {"en", "fa"})
RIGHT_TO_LEFT = ("ar", "fa")
# What no call by voice can end with.
OTHERS = {
    PbxErrorCode.CALL_NOT_FOUND,
    PbxErrorCode.ANSWERED_ELSEWHERE,
    PbxErrorCode.NO_STREAM,
    PbxErrorCode.NO_RING_TONE,
    # After the answer, they are logged.
    PbxErrorCode.NO_SPEECH,
    PbxErrorCode.NO_KEYS,
    PbxErrorCode.CALLER_GONE,
}


def load(language: str) -> dict[str, Any]:
    """Return the texts of a language."""
    text = (TRANSLATIONS / f"{language}.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def texts_of(language: str) -> dict[str, str]:
    """Return the answers and the errors of a language."""
    loaded = load(language)
    errors = {key: each["message"] for key, each in loaded["exceptions"].items()}
    common = loaded["common"].items()
    return errors | {key: text for key, text in common if key.startswith("voice_")}


def placeholders(text: str) -> set[str]:
    """Return the names that a text leaves open."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


EN = texts_of("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_complete(language: str) -> None:
    """Every answer is there, and every error that a call by voice can end with."""
    codes = set(PbxErrorCode) - OTHERS
    needed = {str(code) for code in codes} | set(map(str, Rule))
    needed |= {error_key(kind, code) for kind in KINDS.values() for code in codes}
    needed |= {"no_control", "unknown_contact", "missing_fields", "trunk_required"}
    needed |= {"pbx_not_loaded", "stopping", "no_contacts", "ambiguous_contact"}
    needed |= {"contact_disabled", "not_by_voice", "contacts_of_different_pbxs"}
    needed |= {"unknown_default_caller", "unknown_own_caller"}
    needed |= {key for key in EN if key.startswith("voice_")}

    assert needed <= set(texts_of(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders(language: str) -> None:
    """Every text has the placeholders of the English one, or English is answered."""
    for key, text in texts_of(language).items():
        assert placeholders(text) == placeholders(EN[key]), key


@pytest.mark.parametrize("language", PARTIAL)
def test_partial(language: str) -> None:
    """The further languages hold the answers and the errors alone."""
    loaded = load(language)
    assert set(loaded) == {"exceptions", "common"}
    assert all(key.startswith("voice_") for key in loaded["common"])
    for key, text in texts_of(language).items():
        assert text != EN[key]


@pytest.mark.parametrize("language", RIGHT_TO_LEFT)
def test_isolated(language: str) -> None:
    """Between letters that run from right to left, all others are isolated."""
    for key, text in texts_of(language).items():
        if language == "fa" and not key.startswith("voice_"):
            continue
        rest = re.sub("\u2068[^\u2068\u2069]*\u2069", "", text)
        assert not re.search("[A-Za-z{}\u2068\u2069]", rest), key


@pytest.mark.parametrize("language", ["de", "fa"])
async def test_other_errors(hass: HomeAssistant, language: str) -> None:
    """An error of others is answered as it is: without a text in the language."""
    error = HomeAssistantError("The disk is full")

    assert await async_reason(hass, language, error) == "The disk is full"
