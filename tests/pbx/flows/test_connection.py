"""Tests of the connection forms of all kinds of PBX."""

from typing import Any

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.base import Channel, ChannelState
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import CallState, CallUpdate, Direction
from custom_components.pbx.const import CONF_KIND
from custom_components.pbx.flows import FORMS
from custom_components.pbx.flows.connection import (
    async_test_connection,
    create_trial_backend,
    form_error,
)
from sandbox import Sandbox

from ..common import PING, change_account, settle
from ..reporting import begin_call, state_of
from ..toy import ToyBackend, Toys


def test_every_kind_has_a_form() -> None:
    """Every kind of PBX has a form, in the same order."""
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
    """The PBX is pinged, and its error is returned."""
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
    """A form has an error key, and the detail from the PBX."""
    data = {CONF_KIND: kind_id, CONF_URL: "http://pbx.lan/api/v4"}

    assert form_error(PbxError(code, "x"), data) == shown


async def test_trial(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """The temporary backend of a form has no calls and ignores updates."""
    await begin_call(hass, toy_entry)
    create_trial_backend(hass, toy_entry.data)
    trial = toys.latest
    assert trial is not toy
    assert list(trial.sink.open_calls()) == []
    trial.sink.health(Channel.STREAM, ChannelState.TAKEN_OVER)
    trial.sink.call(
        CallUpdate(state=CallState.PLACED, call_id="1.2", direction=Direction.INCOMING)
    )
    await settle(hass)

    assert state_of(hass, "sensor.toy_active_calls") == "1"
    connected = hass.states.get("binary_sensor.toy_connected")
    assert connected is not None
    assert connected.attributes["stream"] == "ok"
