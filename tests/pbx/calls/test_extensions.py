"""Tests of the extensions: their form, and what they are doing."""

from typing import Any

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import (
    Channel,
    ChannelState,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import (
    Direction,
    ExtensionState,
    ExtensionUpdate,
)

from ..common import let_time_pass, settle
from ..people import entity_of, phone, set_up
from ..toy import Toys

KITCHEN = phone("Kitchen", "101")
IN_USE = ExtensionUpdate("101", ExtensionState.IN_USE, "0912", Direction.INCOMING)


def shown(hass: HomeAssistant, entry: MockConfigEntry) -> tuple[str, object, object]:
    """Return what the kitchen's phone is doing, with whom, and which way."""
    state = hass.states.get(entity_of(hass, entry, "Kitchen", "extension_state"))
    assert state is not None
    attributes = state.attributes
    return state.state, attributes.get("participant"), attributes.get("direction")


async def test_states(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Nothing is known until the first report; then it is what the PBX says."""
    made = await set_up(hass, new_toy, KITCHEN)
    assert shown(hass, made) == ("unknown", None, None)
    sink = toys.latest.sink
    for state in ExtensionState:
        sink.extension(ExtensionUpdate("101", state, "0912", Direction.INCOMING))
        # Another phone's is another's.
        sink.extension(ExtensionUpdate("102", ExtensionState.RINGING))
        is_busy = state in {ExtensionState.RINGING, ExtensionState.IN_USE}
        party = ("0912", "incoming") if is_busy else (None, None)
        assert shown(hass, made) == (state, *party)
    sink.extension(ExtensionUpdate("101", None))
    assert shown(hass, made) == ("unknown", None, None)


async def test_reload(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """After a reload nothing is known until it is told again, by the new backend."""
    made = await set_up(hass, new_toy, KITCHEN)
    old = toys.latest.sink
    old.extension(IN_USE)
    assert await hass.config_entries.async_reload(made.entry_id)
    await settle(hass)
    assert shown(hass, made)[0] == "unknown"
    old.extension(IN_USE)
    assert shown(hass, made)[0] == "unknown"
    toys.latest.sink.extension(IN_USE)
    assert shown(hass, made)[0] == "in_use"


async def test_not_heard(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """While the PBX is not heard nothing is known, nor right after."""
    made = await set_up(hass, new_toy, KITCHEN)
    sink = toys.latest.sink
    sink.extension(IN_USE)
    sink.health(Channel.STREAM, ChannelState.RECONNECTING)
    assert shown(hass, made)[0] == "unavailable"
    sink.health(Channel.STREAM, ChannelState.OK)
    assert shown(hass, made)[0] == "unknown"
    sink.extension(IN_USE)
    assert shown(hass, made)[0] == "in_use"


async def test_pbx_is_away(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Of a PBX that cannot be reached nobody knows whether it would tell."""
    made = await set_up(hass, new_toy, KITCHEN)
    toys.latest.sink.extension(IN_USE)
    toys.latest.error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    await let_time_pass(hass, 61)
    assert shown(hass, made)[0] == "unavailable"
    toys.latest.error = None
    await let_time_pass(hass, 61)
    assert shown(hass, made) == ("unknown", None, None)


async def test_told_while_the_pbx_is_away(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """What is told while the API cannot be reached is known when it can be again."""
    made = await set_up(hass, new_toy, KITCHEN)
    toys.latest.error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    await let_time_pass(hass, 61)
    toys.latest.sink.extension(IN_USE)
    await let_time_pass(hass, 61)
    assert shown(hass, made)[0] == "unavailable"
    toys.latest.error = None
    await let_time_pass(hass, 61)
    assert shown(hass, made)[0] == "in_use"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ({"number": "101"}, "Kitchen"),
        ({"number": "101", "name": " Cook "}, "Cook"),
        ({"number": "9-9-9"}, "999"),
    ],
)
async def test_add(
    hass: HomeAssistant, new_toy: MockConfigEntry, typed: dict[str, Any], name: str
) -> None:
    """The PBX's own phones are offered; any number is taken."""
    made = await set_up(hass, new_toy, phone("Living room", "102"))
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
    added = list(made.subentries.values())[1]
    assert (added.title, added.data["areas"]) == (name, ["kitchen"])


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
    new_toy: MockConfigEntry,
    typed: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """What is wrong is said, and nothing is added."""
    made = await set_up(hass, new_toy, KITCHEN)
    flow = hass.config_entries.subentries
    context: Any = {"source": SOURCE_USER}
    step = await flow.async_init((made.entry_id, "extension"), context=context)
    step = await flow.async_configure(step["flow_id"], typed)

    assert step["errors"] == errors
    assert len(made.subentries) == 1


async def test_change(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A phone is changed in place."""
    made = await set_up(hass, new_toy, KITCHEN)
    (subentry_id,) = made.subentries
    step = await made.start_subentry_reconfigure_flow(hass, subentry_id)
    flow = hass.config_entries.subentries
    await flow.async_configure(step["flow_id"], {"number": "x"})
    done = await flow.async_configure(
        step["flow_id"], {"number": "101", "name": "Cook", "areas": ["kitchen"]}
    )
    await hass.async_block_till_done()

    assert done["reason"] == "reconfigure_successful"
    (changed,) = made.subentries.values()
    assert (changed.title, changed.data["areas"]) == ("Cook", ["kitchen"])
