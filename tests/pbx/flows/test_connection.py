"""Tests of what the forms of all kinds of PBX have in common."""

from typing import Any

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
import pytest

from custom_components.pbx.backends.base import (
    AccessDeniedError,
    CannotConnectError,
    HostNotFoundError,
    PbxError,
    RefusedError,
    RequestTimeoutError,
    TlsError,
)
from custom_components.pbx.flows.connection import (
    FORMS,
    async_test_connection,
    form_error,
)
from custom_components.pbx.kinds import PbxKind
from sandbox import Sandbox

from ..common import PING, change_account


@pytest.mark.parametrize("kind", PbxKind)
def test_forms(kind: PbxKind) -> None:
    """Every kind has a form, whose secrets are fields of its credentials."""
    form = FORMS[kind]
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
    assert isinstance(error, AccessDeniedError)


@pytest.mark.parametrize(
    ("err", "shown"),
    [
        (CannotConnectError("x"), ("cannot_connect", "x")),
        (HostNotFoundError("x"), ("cannot_connect", "Host not found: pbx.lan")),
        (TlsError("x"), ("ssl_error", "x")),
        (RequestTimeoutError("x"), ("timeout_connect", "x")),
        (RefusedError("x"), ("refused", "x")),
    ],
)
def test_form_error(err: PbxError, shown: tuple[str, str]) -> None:
    """A form has few words for what is wrong, and the PBX's own beside them."""
    assert form_error(err, {CONF_URL: "http://pbx.lan/api/v4"}) == shown
