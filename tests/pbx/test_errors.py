"""Tests of a PBX's errors in the words of Home Assistant."""

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import (
    ConfigEntryNotReady,
    HomeAssistantError,
    ServiceValidationError,
)
import pytest

from custom_components.pbx.backends.base import PbxError, RefusedError
from custom_components.pbx.errors import invalid, translated

from .common import client_errors, sentences


@pytest.mark.parametrize("error", client_errors(), ids=lambda kind: kind.__name__)
@pytest.mark.usefixtures("loaded_entry")
async def test_translated(hass: HomeAssistant, error: type[PbxError]) -> None:
    """Every error of a client becomes a sentence with the PBX's name in it."""
    cause = error("its own words")
    made = translated(HomeAssistantError, cause, "Reception")

    assert type(made) is HomeAssistantError
    assert "Reception" in str(made)
    assert "{" not in str(made)
    for language in ("en", "fa"):
        text = (await sentences(hass, "exceptions", language))[
            f"{made.translation_key}.message"
        ]
        assert "Reception" in text.format(**made.translation_placeholders or {})


def test_class() -> None:
    """The class is whatever the place wants, and the cause is told apart."""
    made = translated(ConfigEntryNotReady, RefusedError("x"), "y")
    assert type(made) is ConfigEntryNotReady
    assert made.translation_placeholders == {"pbx": "y", "detail": "x"}


@pytest.mark.usefixtures("loaded_entry")
async def test_invalid() -> None:
    """A fault of the action's data is told as the user's own."""
    made = invalid("number_empty", field="callee")

    assert type(made) is ServiceValidationError
    assert str(made).startswith("There is no number in callee")
