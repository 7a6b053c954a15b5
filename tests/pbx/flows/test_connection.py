"""Tests of what the forms of all kinds of PBX have in common."""

from typing import Any

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
import pytest

from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.base import PbxError, PbxErrorCode
from custom_components.pbx.const import CONF_KIND
from custom_components.pbx.flows import FORMS
from custom_components.pbx.flows.connection import async_test_connection, form_error
from sandbox import Sandbox

from ..common import PING, change_account


def test_every_kind_has_a_form() -> None:
    """Whoever adds a kind adds its form, in the same order."""
    assert list(FORMS) == list(KINDS)


@pytest.mark.parametrize("kind_id", FORMS)
def test_forms(kind_id: str) -> None:
    """The secrets of a form are fields of its credentials."""
    form = FORMS[kind_id]
    credentials = {str(name) for name in form.credentials.schema}

    assert form.secrets < credentials < {str(name) for name in form.connection.schema}


async def test_connection(
    hass: HomeAssistant, sandbox: Sandbox, entry_data: dict[str, Any]
) -> None:
    """The PBX is pinged, and what it objects to comes back."""
    assert await async_test_connection(hass, entry_data) is None
    assert [request.path for request in sandbox.requests] == [PING]

    change_account(sandbox, permissions=())
    error = await async_test_connection(hass, entry_data)
    assert error is not None
    assert error.code is PbxErrorCode.ACCESS_DENIED


@pytest.mark.parametrize(
    ("kind_id", "code", "shown"),
    [
        ("simotel", PbxErrorCode.CANNOT_CONNECT, ("cannot_connect", "x")),
        (
            "simotel",
            PbxErrorCode.HOST_NOT_FOUND,
            ("cannot_connect", "Host not found: pbx.lan"),
        ),
        ("asterisk", PbxErrorCode.REFUSED, ("refused", "x")),
        (
            "asterisk",
            PbxErrorCode.UNEXPECTED_ANSWER,
            ("asterisk_unexpected_answer", "x"),
        ),
    ],
)
def test_form_error(kind_id: str, code: PbxErrorCode, shown: tuple[str, str]) -> None:
    """A form has few words for what is wrong, and the PBX's own beside them."""
    data = {CONF_KIND: kind_id, CONF_URL: "http://pbx.lan/api/v4"}

    assert form_error(PbxError(code, "x"), data) == shown
