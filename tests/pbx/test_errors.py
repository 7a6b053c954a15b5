"""Tests of a PBX's errors in the words of Home Assistant."""

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.errors import PbxErrorCode
from custom_components.pbx.errors import (
    error_key,
    is_contact_fault,
    unknown_contact_error,
    user_error,
)

from .common import client_errors, sentences


@pytest.mark.parametrize("code", client_errors())
@pytest.mark.parametrize("kind_id", ["simotel", "asterisk"])
@pytest.mark.usefixtures("toy")
async def test_translated(
    hass: HomeAssistant, code: PbxErrorCode, kind_id: str
) -> None:
    """Every error of a backend becomes a sentence with the PBX's name in it."""
    key = error_key(KINDS[kind_id], code)
    for language in ("en", "fa"):
        text = (await sentences(hass, "exceptions", language))[f"{key}.message"]
        sentence = text.format(pbx="Reception", detail="its own words")
        assert "Reception" in sentence
        # No sentence of one kind's users names another kind.
        others = {kind.name for kind in KINDS.values() if kind.id != kind_id}
        assert not [name for name in others if name in sentence]


@pytest.mark.usefixtures("toy")
async def test_user_error() -> None:
    """An error in the data of the action is a validation error."""
    made = user_error("number_empty", field="callee")

    assert isinstance(made, HomeAssistantError)
    assert type(made) is ServiceValidationError
    assert "callee" in str(made)


def test_contact_fault() -> None:
    """Errors about a contact are recognized, and others are not."""
    assert is_contact_fault(unknown_contact_error("Mum", []))
    assert is_contact_fault(unknown_contact_error("Mum", ["Mother"]))
    assert is_contact_fault(unknown_contact_error("0" * 32, []))
    assert not is_contact_fault(user_error("number_empty", field="callee"))
