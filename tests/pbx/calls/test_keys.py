"""Tests of sending keys, through the action."""

from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.announcement import Played
from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.errors import (
    CallNotFoundError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallState, Side
from custom_components.pbx.const import DOMAIN

from ..common import lift_limits, settle
from ..reporting import add_other_pbx, begin_call, end_call, observe
from ..toy import ToyBackend, Toys
from .messages import message, raises


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Return what the toys can do."""
    return (Feature.KEYS,)


@pytest.fixture
async def toy_entry(hass: HomeAssistant, toy_entry: MockConfigEntry) -> MockConfigEntry:
    """Return a PBX without call limits."""
    await lift_limits(hass, toy_entry)
    return toy_entry


async def send(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Run the action, and return its response."""
    response = await hass.services.async_call(
        DOMAIN, "send_keys", {"keys": "9", **data}, blocking=True, return_response=True
    )
    assert response is not None
    return response


async def talk(hass: HomeAssistant, toy: ToyBackend, entry: MockConfigEntry) -> str:
    """Connect a call that takes keys, and return its id."""
    call_id = await begin_call(hass, entry, keys=True)
    await observe(hass, toy, call_id, CallState.CONNECTED)
    return call_id


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        ({}, ("9", Side.CALLEE)),
        ({"to": "callee"}, ("9", Side.CALLEE)),
        ({"to": "caller"}, ("9", Side.CALLER)),
        ({"keys": "*71#ad"}, ("*71#AD", Side.CALLEE)),
        # As YAML reads it.
        ({"keys": 0}, ("0", Side.CALLEE)),
        ({"keys": "*۱۲۳#"}, ("*123#", Side.CALLEE)),
        ({"keys": "٤٥٦"}, ("456", Side.CALLEE)),
    ],
)
async def test_sent(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    data: dict[str, object],
    sent: tuple[str, Side],
) -> None:
    """The keys go to one party of the only call that takes keys."""
    await begin_call(hass, toy_entry, callee="300")
    await begin_call(hass, toy_entry, callee="301", keys=True)
    call_id = await talk(hass, toy, toy_entry)

    assert await send(hass, **data) == {"originated_call_id": call_id}
    assert toy.sent_keys == [(call_id, *sent)]


async def test_one_of_several(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """Where several calls take keys, the ID says which one, whatever its PBX."""
    other = await add_other_pbx(hass, toy_entry)
    await lift_limits(hass, other)
    first, second = toys.made
    one = await talk(hass, first, toy_entry)
    two = await talk(hass, second, other)

    with raises("several_calls_for_keys"):
        await send(hass)
    await send(hass, originated_call_id=two)
    assert (first.sent_keys, second.sent_keys) == ([], [(two, "9", Side.CALLEE)])

    await send(hass, config_entry_id=toy_entry.entry_id)
    await end_call(hass, first, one)
    await send(hass, keys="8")
    assert first.sent_keys == [(one, "9", Side.CALLEE)]
    assert second.sent_keys[1:] == [(two, "8", Side.CALLEE)]


async def test_no_such_call(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Without a call, or with the ID of another one, an error says so."""
    with raises("no_call_for_keys"):
        await send(hass)
    await talk(hass, toy, toy_entry)
    with raises("no_call_for_keys"):
        await send(hass, originated_call_id="ha-other")

    toy.end()
    await settle(hass)
    with raises("no_call_for_keys"):
        await send(hass)
    assert toy.sent_keys == []


async def test_without_keys(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A call that was placed without keys does not take any."""
    call_id = await begin_call(hass, toy_entry)
    await observe(hass, toy, call_id, CallState.CONNECTED)

    for data in ({}, {"originated_call_id": call_id}):
        with raises("placed_without_keys") as caught:
            await send(hass, **data)
        assert str(caught.value) == message("placed_without_keys", pbx="Toy")
    assert toy.sent_keys == []


async def test_before_connected(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Keys are only sent while both parties talk."""
    call_id = await begin_call(hass, toy_entry, keys=True)
    await observe(hass, toy, call_id, CallState.RINGING_CALLEE)

    with raises("keys_before_connected"):
        await send(hass)
    assert toy.sent_keys == []


async def test_during_an_announcement(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """In a call with an announcement, keys are sent when the parties are connected."""
    call_id = await begin_call(hass, toy_entry, keys=True)

    toy.announce(Played.FULL, connected=False)
    with raises("keys_before_connected"):
        await send(hass)
    toy.announce(Played.FULL, connected=True)
    await send(hass)

    assert toy.sent_keys == [(call_id, "9", Side.CALLEE)]


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (CallNotFoundError(), "no_call_for_keys"),
        (DeniedError(PbxErrorCode.NO_KEYS), "no_keys"),
        (PbxError(PbxErrorCode.CANNOT_CONNECT, "no route"), "cannot_connect"),
    ],
)
async def test_refused(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    error: PbxError,
    key: str,
) -> None:
    """An error of the PBX is translated; no key is in it or in the log."""
    caplog.set_level("DEBUG", "custom_components.pbx")
    await talk(hass, toy, toy_entry)

    toy.error = error
    with raises(key) as caught:
        await send(hass, keys="7654")

    assert "7654" not in f"{caught.value}{caplog.text}"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"keys": "12E"}, "given_no_keys"),
        ({"keys": ""}, "given_no_keys"),
        ({"keys": "1" * 33}, "given_no_keys"),
        ({"keys": None}, "given_no_keys"),
        ({"keys": True}, "given_boolean"),
        ({"to": "both"}, "given_no_choice"),
    ],
)
@pytest.mark.usefixtures("toy_entry")
async def test_invalid(hass: HomeAssistant, data: dict[str, object], key: str) -> None:
    """Invalid data are refused in words."""
    with raises(key):
        await send(hass, **data)


@pytest.mark.usefixtures("toy_entry")
async def test_no_field(hass: HomeAssistant) -> None:
    """The keys have to be given."""
    with raises("missing_fields"):
        await hass.services.async_call(DOMAIN, "send_keys", {}, blocking=True)


@pytest.mark.parametrize("toy_features", [()])
async def test_not_supported(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """Not every PBX knows keys: neither of the actions accepts them."""
    call_id = await begin_call(hass, toy_entry, keys=False)

    with raises("keys_not_supported"):
        await send(hass, originated_call_id=call_id)
    with raises("field_not_supported"):
        await begin_call(hass, toy_entry, keys=True)
    with raises("keys_no_boolean") as caught:
        await begin_call(hass, toy_entry, keys="*7193")
    assert "7193" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "takes"), [(True, True), ("on", True), (False, False), ("no", False)]
)
async def test_request(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    keys: object,
    takes: bool,
) -> None:
    """The call of an action takes keys if the action says so."""
    await begin_call(hass, toy_entry, keys=keys)

    assert toy.requests[-1].takes_keys is takes
