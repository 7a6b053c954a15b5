"""Tests of the phones of the house: their form, and what they are doing."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.dispatcher import async_dispatcher_send
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.updates import PbxEvent, PbxEventType
from custom_components.pbx.calls.extensions import extensions_of
from custom_components.pbx.coordinator import PING_INTERVAL
from custom_components.pbx.intake import async_take_event
from custom_components.pbx.signals import SIGNAL_PBX_EVENT
from sandbox import Fault, Sandbox

from ..ari import StubAri
from ..common import CONNECTED, PING, pass_time
from ..people import entity_of, phone, set_up
from ..test_event_stream import lost, settled, until

INTERVAL = PING_INTERVAL.total_seconds() + 1
KITCHEN = phone("Kitchen", "101")


def tell(hass: HomeAssistant, entry: MockConfigEntry, **attributes: str) -> None:
    """Let the PBX tell the state of a phone."""
    event = PbxEvent(type=PbxEventType.EXTENSION_STATE, attributes=attributes)
    async_take_event(hass, entry, event)


def event_stream(hass: HomeAssistant) -> object:
    """Return what *Connected* says of the events."""
    state = hass.states.get(CONNECTED)
    assert state is not None
    return state.attributes["event_stream"]


def shown(hass: HomeAssistant, entry: MockConfigEntry) -> tuple[str, object]:
    """Return what the kitchen's phone is doing, and with whom."""
    state = hass.states.get(entity_of(hass, entry, "Kitchen", "extension_state"))
    assert state is not None
    return state.state, state.attributes.get("participant")


async def test_states(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Nothing is known until the first event; then it is what the PBX says."""
    made = await set_up(hass, entry, KITCHEN)
    assert shown(hass, made) == ("unknown", None)
    told = []
    for attributes in (
        {"extension": "101", "state": "ringing", "participant": "0912"},
        {"extension": "102", "state": "idle"},
        {"extension": "101", "state": "in_use", "participant": "0912"},
        {"extension": "101", "state": "idle", "participant": "0912"},
        {"extension": "101", "state": "paused"},
        {"extension": "101", "state": "offline"},
        {"extension": "101", "state": "something_new"},
    ):
        tell(hass, made, **attributes)
        await hass.async_block_till_done()
        told.append(shown(hass, made))

    assert told == [
        ("ringing", "0912"),
        ("ringing", "0912"),
        ("in_use", "0912"),
        ("idle", None),
        ("paused", None),
        ("offline", None),
        ("unknown", None),
    ]
    async_dispatcher_send(
        hass,
        SIGNAL_PBX_EVENT,
        "other",
        PbxEvent(
            type=PbxEventType.EXTENSION_STATE,
            attributes={"extension": "101", "state": "idle"},
        ),
    )
    await hass.async_block_till_done()
    assert shown(hass, made) == ("unknown", None)


async def test_events_are_off(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """Before the first event nothing is known; when they stop, nothing any more."""
    made = await set_up(hass, entry, KITCHEN)
    for _ in range(3):
        await pass_time(hass, freezer, INTERVAL)
        assert shown(hass, made) == ("unknown", None)
        assert event_stream(hass) is None

    tell(hass, made, extension="101", state="ringing")
    await hass.async_block_till_done()
    assert event_stream(hass) == "connected"
    await pass_time(hass, freezer, INTERVAL)
    assert shown(hass, made)[0] == "ringing"
    await pass_time(hass, freezer, INTERVAL)
    assert shown(hass, made)[0] == "unavailable"
    assert event_stream(hass) == "silent"

    # Whatever comes, events are heard again; what the phone does is not known yet.
    async_take_event(hass, made, PbxEvent(type=PbxEventType.PONG))
    await hass.async_block_till_done()
    assert shown(hass, made)[0] == "unknown"
    tell(hass, made, extension="101", state="ringing")
    await hass.async_block_till_done()
    assert shown(hass, made)[0] == "ringing"


async def test_echoes(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """As long as pings are echoed, a phone is as quiet as it seems."""
    made = await set_up(hass, entry, KITCHEN)
    tell(hass, made, extension="101", state="idle")
    for _ in range(5):
        await pass_time(hass, freezer, INTERVAL)
        async_take_event(hass, made, PbxEvent(type=PbxEventType.PONG))

    assert shown(hass, made)[0] == "idle"


async def test_pbx_is_away(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Of a PBX that cannot be reached nobody knows whether it would tell."""
    made = await set_up(hass, entry, KITCHEN)
    tell(hass, made, extension="101", state="in_use")
    sandbox.faults.set(PING, Fault("reset", times=1))
    await pass_time(hass, freezer, INTERVAL)
    assert shown(hass, made)[0] == "unavailable"
    await pass_time(hass, freezer, INTERVAL)
    assert shown(hass, made)[0] == "unknown"


async def test_connection_lost(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """What was known before the connection was lost is not known after it."""
    await settled(hass, asterisk_entry)
    made = await set_up(hass, asterisk_entry, KITCHEN, title="Two")
    await settled(hass, made)
    tell(hass, made, extension="101", state="in_use")
    await hass.async_block_till_done()
    await ari.drop()
    await lost(made)
    await hass.async_block_till_done()
    assert shown(hass, made)[0] == "unavailable"
    await settled(hass, made)
    await until(lambda: shown(hass, made)[0] == "unknown")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ({"number": "101"}, "Kitchen"),
        ({"number": "101", "name": " Cook "}, "Cook"),
        ({"number": "9-9-9"}, "999"),
    ],
)
async def test_add(
    hass: HomeAssistant, entry: MockConfigEntry, typed: dict[str, Any], name: str
) -> None:
    """The PBX's own phones are offered; any number is taken."""
    made = await set_up(hass, entry, phone("Living room", "102"))
    flow = hass.config_entries.subentries
    context: Any = {"source": SOURCE_USER}
    step = await flow.async_init((made.entry_id, "extension"), context=context)
    schema = step["data_schema"]
    assert schema is not None
    offered = [each["value"] for each in schema.schema["number"].config["options"]]
    assert "101" in offered
    assert "102" not in offered
    places = {"areas": ["kitchen"], "satellites": []}
    step = await flow.async_configure(step["flow_id"], {**typed, **places})
    await hass.async_block_till_done()

    assert step["type"] is FlowResultType.CREATE_ENTRY
    added = extensions_of(made)[1]
    assert (added.name, added.areas) == (name, ("kitchen",))


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"number": "101"}, {"number": "number_taken"}),
        ({"number": "1-0-1"}, {"number": "number_taken"}),
        ({"number": "+"}, {"number": "number_empty"}),
        ({"number": "x"}, {"number": "number_invalid_character"}),
        ({"number": "1", "name": "a\nb"}, {"name": "name_invalid"}),
    ],
)
async def test_wrong(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    typed: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """What is wrong is said, and nothing is added."""
    made = await set_up(hass, entry, KITCHEN)
    flow = hass.config_entries.subentries
    context: Any = {"source": SOURCE_USER}
    step = await flow.async_init((made.entry_id, "extension"), context=context)
    step = await flow.async_configure(step["flow_id"], typed)

    assert step["errors"] == errors
    assert len(extensions_of(made)) == 1


async def test_change(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A phone is changed in place."""
    made = await set_up(hass, entry, KITCHEN)
    (subentry_id,) = made.subentries
    step = await made.start_subentry_reconfigure_flow(hass, subentry_id)
    flow = hass.config_entries.subentries
    await flow.async_configure(step["flow_id"], {"number": "x"})
    done = await flow.async_configure(
        step["flow_id"], {"number": "101", "name": "Cook", "areas": ["kitchen"]}
    )
    await hass.async_block_till_done()

    assert done["reason"] == "reconfigure_successful"
    (changed,) = extensions_of(made)
    assert (changed.name, changed.areas) == ("Cook", ("kitchen",))
