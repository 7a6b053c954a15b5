"""Tests of the buttons: of contacts, and to hang up."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    mock_restore_cache,
)

from custom_components.pbx.backends.base import CallRequest, Placed
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import CallResult, CallState, CallUpdate
from custom_components.pbx.calls.tracker import OTHER_CALL_SETTLE_TIME

from .common import pass_time, set_options
from .people import contact, entity_of, set_up
from .reporting import attributes, begin_call, end_call, observe, ring_in
from .toy import ToyBackend, Toys

MUM = contact("Mum", "09121234567", call_limit=60)
WORKSHOP = contact("Workshop", "102")
HANG_UP = "button.toy_hang_up"
NOTHING = dict.fromkeys(("last_result", "last_direction", "last_call_at"))


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
    """The error is shown to the user who pressed the button, and no last result."""
    made = await set_up(hass, new_toy, WORKSHOP, caller="")
    button = entity_of(hass, made, "Workshop", "call")
    with pytest.raises(ServiceValidationError, match="Missing: caller"):
        await press(hass, button)
    await set_options(hass, made, caller="101", forbidden_numbers=["102"])
    with pytest.raises(ServiceValidationError, match="forbidden"):
        await press(hass, button)
    assert toys.latest.requests == []
    toys.latest.error = PbxError(PbxErrorCode.REFUSED, "No way")
    await set_options(hass, made, forbidden_numbers=[])
    with pytest.raises(HomeAssistantError, match="No way"):
        await press(hass, button)
    assert attributes(hass, button) == NOTHING


async def test_name(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """The button has the name of its contact, and none of its own."""
    made = await set_up(hass, new_toy, MUM)
    button = entity_of(hass, made, "Mum", "call")
    state = hass.states.get(button)
    assert state is not None
    assert (button, state.name) == ("button.mum", "Mum")


async def test_last_call(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The latest call with a contact is shown, at the other side's button only."""
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
    shown = ("busy", "outgoing", began_at)
    assert attributes(hass, mum) == dict(zip(NOTHING, shown, strict=True))

    began_at = dt_util.utcnow().isoformat()
    await ring_in(hass, toys.latest, callee="102")
    freezer.tick(5)
    toys.latest.sink.call(
        CallUpdate(state=CallState.ENDED, call_id="1.2", result=CallResult.NO_ANSWER)
    )
    # Another phone may report that it has answered.
    await pass_time(hass, freezer, OTHER_CALL_SETTLE_TIME + 1)
    shown = ("no_answer", "incoming", began_at)
    assert attributes(hass, mum) == dict(zip(NOTHING, shown, strict=True))
    assert attributes(hass, workshop) == NOTHING


async def test_picture(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A contact that stands for a person has the person's picture."""
    hass.states.async_set("person.mum", "home", {"entity_picture": "/mum.jpg"})
    made = await set_up(
        hass, new_toy, contact("Mum", "09121234567", person="person.mum"), WORKSHOP
    )
    pictures = {}
    for name in ("Mum", "Workshop"):
        state = hass.states.get(entity_of(hass, made, name, "call"))
        assert state is not None
        pictures[name] = state.attributes.get("entity_picture")
    assert pictures == {"Mum": "/mum.jpg", "Workshop": None}


async def test_restored(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """The last call is known after a restart."""
    shown = {
        "last_result": "busy",
        "last_direction": "incoming",
        "last_call_at": "2026-11-01T10:00:00+00:00",
    }
    mock_restore_cache(hass, [State("button.mum", "unknown", shown)])
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


# --- hang up ---


async def test_hang_up(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """The button ends all calls that were placed from here, if there are any."""
    await press(hass, HANG_UP)
    assert toy.hung_up == []
    calls = [await begin_call(hass, toy_entry, callee=each) for each in ("200", "201")]
    await ring_in(hass, toy)
    await press(hass, HANG_UP)
    assert toy.hung_up == calls


async def test_hang_up_fails(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """An error is shown to the user, in words."""
    await begin_call(hass, toy_entry)
    toy.error = PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")
    with pytest.raises(HomeAssistantError) as caught:
        await press(hass, HANG_UP)
    assert caught.value.translation_key == "cannot_connect"


async def test_hang_up_by_a_user(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    hass_read_only_user: MockUser,
) -> None:
    """The user needs control of all entities of the PBX, as for the action."""
    await begin_call(hass, toy_entry)
    user = hass_read_only_user
    user.mock_policy({"entities": {"entity_ids": {HANG_UP: {"control": True}}}})
    data, context = {"entity_id": HANG_UP}, Context(user_id=user.id)
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            "button", "press", data, blocking=True, context=context
        )
    assert toy.hung_up == []

    user.mock_policy({"entities": True})
    await hass.services.async_call(
        "button", "press", data, blocking=True, context=context
    )
    assert len(toy.hung_up) == 1


@pytest.mark.parametrize("toy_features", [()])
@pytest.mark.usefixtures("toy")
async def test_pbx_that_cannot_hang_up(hass: HomeAssistant) -> None:
    """A PBX that cannot end calls has no button for it."""
    assert hass.states.get(HANG_UP) is None
