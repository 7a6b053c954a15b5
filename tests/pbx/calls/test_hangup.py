"""Tests of ending calls that were placed from here."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.const import DOMAIN

from ..ari import NOT_FOUND, Reply, StubAri
from ..common import place_call

ENDED = Reply(204, text="")


async def hang_up(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Run the action, and return its response."""
    response = await hass.services.async_call(
        DOMAIN, "hangup", data, blocking=True, return_response=True
    )
    assert response is not None
    return response


@pytest.fixture
async def call_ids(hass: HomeAssistant, asterisk_entry: MockConfigEntry) -> list[str]:
    """Return the ids of two calls that are on."""
    for callee in ("552", "553"):
        await place_call(hass, caller="557", callee=callee)
    calls = asterisk_entry.runtime_data.tracking.tracker.outstanding
    return [call.originated_call_id for call in calls]


async def test_one(hass: HomeAssistant, ari: StubAri, call_ids: list[str]) -> None:
    """The call that is named is ended, and no other."""
    ari.reply("DELETE", "channels/", ENDED)
    ari.asked.clear()

    response = await hang_up(hass, originated_call_id=call_ids[1])
    assert response == {"hung_up": [call_ids[1]]}
    assert ari.paths("DELETE") == [f"channels/{call_ids[1]}"]


async def test_all(hass: HomeAssistant, ari: StubAri, call_ids: list[str]) -> None:
    """Without a name, all are; one that ends by itself meanwhile is no error."""
    ari.reply("DELETE", f"channels/{call_ids[0]}", ENDED)
    ari.asked.clear()

    assert await hang_up(hass) == {"hung_up": [call_ids[0]]}
    assert sorted(ari.paths("DELETE")) == sorted(f"channels/{i}" for i in call_ids)


@pytest.mark.usefixtures("asterisk_entry")
async def test_none(hass: HomeAssistant, ari: StubAri) -> None:
    """With no call on there is nothing to end, and nothing wrong."""
    ari.asked.clear()

    assert await hang_up(hass) == {"hung_up": []}
    assert ari.asked == []


@pytest.mark.parametrize("call_id", ["", "ha-other", "pbx-1.1", "../asterisk/info"])
@pytest.mark.usefixtures("asterisk_entry", "call_ids")
async def test_not_ours(hass: HomeAssistant, ari: StubAri, call_id: str) -> None:
    """Calls of others cannot be ended, and an empty id does not mean all."""
    ari.asked.clear()

    with pytest.raises(HomeAssistantError, match="has no such call") as raised:
        await hang_up(hass, originated_call_id=call_id)
    assert raised.value.translation_key == "call_not_found"
    assert ari.asked == []


@pytest.mark.parametrize("is_named", [True, False])
async def test_fails(
    hass: HomeAssistant, ari: StubAri, call_ids: list[str], is_named: bool
) -> None:
    """A PBX that does not end a call is an error, with its name in it."""
    ari.reply("DELETE", f"channels/{call_ids[0]}", Reply(fault="reset"))
    ari.reply("DELETE", "channels/", ENDED)
    data = {"originated_call_id": call_ids[0]} if is_named else {}

    with pytest.raises(HomeAssistantError, match="Stub cannot be reached"):
        await hang_up(hass, **data)
    # The other one has been asked for all the same.
    assert (f"channels/{call_ids[1]}" in ari.paths("DELETE")) is not is_named


async def test_has_ended(
    hass: HomeAssistant, ari: StubAri, call_ids: list[str]
) -> None:
    """A call that has ended a moment ago is told as such."""
    ari.reply("DELETE", "channels/", Reply(404, NOT_FOUND))

    with pytest.raises(HomeAssistantError, match="or not any more"):
        await hang_up(hass, originated_call_id=call_ids[0])


@pytest.mark.parametrize("data", [{}, {"originated_call_id": "orig.call.1.2"}])
@pytest.mark.usefixtures("loaded_entry")
async def test_simotel(hass: HomeAssistant, data: dict[str, str]) -> None:
    """A Simotel has no request for it, and says so whether or not a call is on."""
    with pytest.raises(HomeAssistantError, match="no request that ends a call"):
        await hang_up(hass, **data)
