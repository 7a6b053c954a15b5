"""Tests of the buttons of contacts."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    mock_restore_cache,
)

from custom_components.pbx.backends.base import (
    CallRequest,
    PbxError,
    PbxErrorCode,
    Placed,
)
from custom_components.pbx.backends.updates import CallResult, CallState, CallUpdate

from .common import set_options
from .people import contact, entity_of, set_up
from .reporting import attributes, begin_call, end_call, observe, ring_in
from .toy import Toys

MUM = contact("Mum", "09121234567", call_limit=60)
WORKSHOP = contact("Workshop", "102")
NOTHING = {"last_result": None, "last_called": None}


async def press(hass: HomeAssistant, entity_id: str) -> None:
    """Press a button."""
    data = {"entity_id": entity_id}
    await hass.services.async_call("button", "press", data, blocking=True)


async def test_press(hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys) -> None:
    """The button calls its contact, by the contact's own settings."""
    made = await set_up(hass, new_toy, MUM, WORKSHOP)
    await press(hass, entity_of(hass, made, "Mum", "call"))

    (request,) = toys.latest.requests
    assert (request.callee, request.call_limit) == ("09121234567", 60)


async def test_refused(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The error is shown to the user who pressed the button."""
    made = await set_up(hass, new_toy, WORKSHOP, caller="")
    button = entity_of(hass, made, "Workshop", "call")
    with pytest.raises(ServiceValidationError, match="Missing: caller"):
        await press(hass, button)
    toys.latest.error = PbxError(PbxErrorCode.REFUSED, "No way")
    await set_options(hass, made, caller="101")
    with pytest.raises(HomeAssistantError, match="No way"):
        await press(hass, button)
    assert attributes(hass, button) == NOTHING


async def test_last_result(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The result of a placed call is shown only at its contact."""
    made = await set_up(hass, new_toy, MUM, WORKSHOP)
    began_at = dt_util.utcnow().isoformat()
    call_id = await begin_call(hass, made, callee="0912 123 4567", caller="102")
    freezer.tick(5)
    await observe(hass, toys.latest, call_id, CallState.CONNECTED)
    mum, workshop = (
        entity_of(hass, made, name, "call") for name in ("Mum", "Workshop")
    )
    assert attributes(hass, mum) == NOTHING
    await end_call(hass, toys.latest, call_id, CallResult.BUSY)
    shown = {"last_result": "busy", "last_called": began_at}
    assert attributes(hass, mum) == shown

    # A call that comes in is not one to the contact.
    await ring_in(hass, toys.latest, callee="09121234567")
    toys.latest.sink.call(
        CallUpdate(state=CallState.ENDED, call_id="1.2", result=CallResult.ANSWERED)
    )
    assert attributes(hass, mum) == shown
    assert attributes(hass, workshop) == NOTHING


async def test_restored(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """The last result is known after a restart."""
    shown = {"last_result": "busy", "last_called": "2026-11-01T10:00:00+00:00"}
    mock_restore_cache(hass, [State("button.mum_call", "unknown", shown)])
    made = await set_up(hass, new_toy, MUM)

    assert attributes(hass, entity_of(hass, made, "Mum", "call")) == shown


async def test_contact_removed(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Removing a contact during a call only removes its button."""
    made = await set_up(hass, new_toy, MUM, WORKSHOP)
    button = entity_of(hass, made, "Mum", "call")
    call_id = await begin_call(hass, made, callee="09121234567")
    subentry_id = next(
        each.subentry_id for each in made.subentries.values() if each.title == "Mum"
    )
    hass.config_entries.async_remove_subentry(made, subentry_id)
    await hass.async_block_till_done()
    await end_call(hass, toys.latest, call_id)

    assert hass.states.get(button) is None
    assert len(toys.made) == 1
    assert attributes(hass, entity_of(hass, made, "Workshop", "call")) == NOTHING


async def test_ended_during_a_reload(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A call that ends during a reload is shown, but not a refused one."""
    made = await set_up(hass, new_toy, MUM, WORKSHOP)
    button = entity_of(hass, made, "Mum", "call")
    call_id = await begin_call(hass, made, callee="09121234567")
    assert await hass.config_entries.async_unload(made.entry_id)
    await end_call(hass, toys.latest, call_id, CallResult.BUSY)
    assert await hass.config_entries.async_setup(made.entry_id)
    assert attributes(hass, button)["last_result"] == "busy"
    assert attributes(hass, entity_of(hass, made, "Workshop", "call")) == NOTHING

    toys.latest.error = PbxError(PbxErrorCode.REFUSED)
    with pytest.raises(HomeAssistantError):
        await press(hass, button)
    assert await hass.config_entries.async_reload(made.entry_id)
    assert attributes(hass, button)["last_result"] == "busy"


async def test_removed_in_this_moment(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A contact that is removed while its button is being pressed is not called."""
    made = await set_up(hass, new_toy, WORKSHOP, MUM)
    buttons = [entity_of(hass, made, name, "call") for name in ("Workshop", "Mum")]
    toy = toys.latest
    real = toy.originate

    async def originate(request: CallRequest) -> Placed:
        for subentry_id, subentry in dict(made.subentries).items():
            if subentry.data["number"] != request.callee:
                hass.config_entries.async_remove_subentry(made, subentry_id)
        return await real(request)

    monkeypatch.setattr(toy, "originate", originate)
    data = {"entity_id": buttons}
    await hass.services.async_call("button", "press", data, blocking=True)

    assert len(toy.requests) == len(made.subentries) == 1
