"""Which incoming calls of a real Asterisk are missed, and who they are from."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.updates import CallState
from custom_components.pbx.const import DOMAIN
from scripts.support.asterisk import Behavior
from tests.pbx.reporting import automate

from .house import House, add_dialplan, until

NEVER, BUSY, ANSWER = Behavior.NEVER_ANSWER, Behavior.BUSY, Behavior.ANSWER
CALLER = "0215551234"

# What the trunk may dial, beside the phones.
DIALPLAN = (
    "exten => 700,1,Answer()",
    " same => n,Wait(1)",
    " same => n,Hangup()",
    "exten => 710,1,Dial(PJSIP/552,1)",
    " same => n,Answer()",
    " same => n,Wait(1)",
    " same => n,Hangup()",
    "exten => 720,1,Dial(PJSIP/551&PJSIP/552,20)",
    " same => n,Hangup()",
    "exten => 730,1,Answer()",
    " same => n,Wait(1)",
    " same => n,Dial(PJSIP/552,20)",
    " same => n,Hangup()",
)


@pytest.fixture
async def reports(house: House) -> list[Event[dict[str, Any]]]:
    """Return the list of missed calls, with their results and names."""
    await add_dialplan(house.asterisk, *DIALPLAN, context="from-trunk")
    trigger = {"trigger": "pbx.missed_call"}
    return await automate(house.hass, trigger, "result", "name")


def add_contact(house: House, name: str) -> ConfigSubentry:
    """Add the caller to the phone book."""
    subentry = ConfigSubentry(
        data=MappingProxyType({"number": CALLER, "aliases": []}),
        subentry_type="contact",
        title=name,
        unique_id=f"contact_{CALLER}",
    )
    house.hass.config_entries.async_add_subentry(house.entry, subentry)
    return subentry


async def call_in(house: House, callee: str, **manner: float) -> None:
    """Call from outside, and wait until the call has ended."""
    outside = await house.asterisk.dial(CALLER, callee, **manner)
    await outside.ended()
    await until(lambda: house.calls and not house.open_calls)
    await house.hass.async_block_till_done()


@pytest.mark.parametrize(
    ("callee", "phones", "manner", "result"),
    [
        ("552", {"552": NEVER}, {"give_up_after": 1}, "no_answer"),
        ("552", {"552": BUSY}, {}, "busy"),
        ("720", {"551": NEVER, "552": NEVER}, {"give_up_after": 1}, "no_answer"),
        ("720", {"551": NEVER, "552": BUSY}, {"give_up_after": 1}, "no_answer"),
        # A menu or an announcement, of which the caller hears the end, or not.
        ("700", {}, {}, "answered"),
        ("700", {}, {"hang_up_after": 0.3}, "answered"),
        # A mailbox.
        ("710", {"552": NEVER}, {}, "no_answer"),
        # A menu, then a phone.
        ("730", {"552": BUSY}, {}, "busy"),
    ],
)
async def test_missed(
    house: House,
    reports: list[Event[dict[str, Any]]],
    callee: str,
    phones: Mapping[str, Behavior],
    manner: Mapping[str, float],
    result: str,
) -> None:
    """No person has answered, whatever the dialplan has done."""
    for number, behavior in phones.items():
        await house.asterisk.phone(number, behavior)
    await call_in(house, callee, **manner)

    assert [each.data["result"] for each in reports] == [result]


@pytest.mark.parametrize(
    ("callee", "phones"),
    [
        ("552", {"552": ANSWER}),
        ("720", {"551": NEVER, "552": ANSWER}),
        ("720", {"551": BUSY, "552": ANSWER}),
        ("730", {"552": ANSWER}),
    ],
)
async def test_answered(
    house: House,
    reports: list[Event[dict[str, Any]]],
    callee: str,
    phones: Mapping[str, Behavior],
) -> None:
    """A person has answered, perhaps after a menu."""
    for number, behavior in phones.items():
        await house.asterisk.phone(number, behavior, ring=0.5)
    await call_in(house, callee, hang_up_after=2.5)

    (call,) = house.calls
    assert (call.result, call.answered_by) == ("answered", "552")
    assert reports == []


async def test_withheld(house: House, reports: list[Event[dict[str, Any]]]) -> None:
    """A caller without a number is not one with the number *anonymous*."""
    await house.asterisk.phone("552", NEVER)
    outside = await house.asterisk.dial("anonymous", "552", give_up_after=1)
    await outside.ended()
    await until(lambda: house.calls and not house.open_calls)
    await house.hass.async_block_till_done()

    assert len(reports) == 1
    response: Mapping[str, Any] | None = await house.hass.services.async_call(
        DOMAIN, "get_calls", {}, blocking=True, return_response=True
    )
    assert response is not None
    (row,) = response["calls"]
    assert (row["missed"], row["anonymous"], row["number"]) == (True, True, None)


@pytest.mark.parametrize("behavior", [NEVER, ANSWER])
async def test_hung_up_from_here(house: House, behavior: Behavior) -> None:
    """A call that came in is ended by the id of its row, ringing or talking."""
    callee = await house.asterisk.phone("552", behavior)
    outside = await house.asterisk.dial(CALLER, "552", give_up_after=60)
    await callee.saw("180")
    if behavior is ANSWER:
        (call,) = house.calls
        await until(lambda: call.state is CallState.CONNECTED)
    response = await house.hass.services.async_call(
        DOMAIN, "get_calls", {}, blocking=True, return_response=True
    )
    assert response is not None
    (row,) = cast("list[dict[str, Any]]", response["calls"])
    assert row["ended_at"] is None
    data = {"originated_call_id": row["id"]}
    await house.hass.services.async_call(DOMAIN, "hang_up", data, blocking=True)
    await outside.ended()
    await until(lambda: not house.open_calls)
    (call,) = house.calls
    assert call.is_missed is (behavior is NEVER)


async def test_contact_edited_while_it_rings(
    house: House, reports: list[Event[dict[str, Any]]]
) -> None:
    """The name is that of the phone book at the end of the call."""
    subentry = add_contact(house, "Mum")
    await house.hass.async_block_till_done()
    callee = await house.asterisk.phone("552", NEVER)
    outside = await house.asterisk.dial(CALLER, "552", give_up_after=2)
    await callee.saw("180")
    house.hass.config_entries.async_update_subentry(
        house.entry, subentry, title="Grandma"
    )
    await outside.ended()
    await until(lambda: reports)

    assert house.is_listening
    (call,) = house.calls
    assert call.state is CallState.ENDED
    assert reports[0].data["name"] == "Grandma"


async def test_one_name_in_two_pbxs(hass: HomeAssistant, house: House) -> None:
    """A name that two PBXs have is an error that names both, unless one is named."""
    other = MockConfigEntry(
        domain=DOMAIN,
        title="Office",
        data={**house.entry.data, "application": "office", "webhook_id": "office"},
        options=house.entry.options,
        subentries_data=[
            {
                "data": {"number": "553", "aliases": []},
                "subentry_type": "contact",
                "title": "Mum",
                "unique_id": "contact_553",
            }
        ],
    )
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    await hass.async_block_till_done()
    add_contact(house, "Mum")
    await hass.async_block_till_done()
    await house.asterisk.phone("557")
    mum = await house.asterisk.phone("553", hang_up_after=0.5)

    with pytest.raises(ServiceValidationError, match="Office") as raised:
        await house.call("Mum")
    assert house.entry.title in str(raised.value)
    outcome = await house.call("Mum", config_entry_id=other.entry_id)
    assert outcome["result"] == "answered"
    assert (await mum.stop()).successful == 1
