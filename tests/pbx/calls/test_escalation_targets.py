"""Tests of the list of an escalation: numbers, contacts and invalid items."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import CallRequest, Feature
from custom_components.pbx.backends.updates import CallState
from custom_components.pbx.const import DOMAIN

from ..common import pass_time, set_options, settle
from ..people import contact, device_of, set_up
from ..reporting import add_other_pbx
from ..toy import ToyBackend, Toys
from .escalating import (
    REFUSED,
    UNREACHABLE,
    begin,
    escalate,
    parties,
    report,
    values,
)
from .messages import message, raises

# --- Requests ---


async def test_requests_to_callers(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Each caller gets a complete request in each round."""
    await set_options(hass, toy_entry, timeout=20, call_limit=60)
    toy.error = REFUSED
    await escalate(hass, callers=["1 0 1", "102"], callee="200", rounds=2)

    assert [request.caller for request in toy.requests] == ["101", "102"] * 2
    first = toy.requests[0]
    assert first == CallRequest(
        call_id=first.call_id,
        caller="101",
        callee="200",
        context="main",
        caller_id="101",
        is_external=False,
        timeout=20,
        call_limit=60,
    )


async def test_requests_to_callees(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Each callee gets a request with the default caller."""
    await set_options(hass, toy_entry, caller="101")
    toy.error = REFUSED
    callees = ["102", "0912", "09121234567"]
    await escalate(hass, callees=callees, caller_id="557", trunk_name="t")

    assert [
        (request.caller, request.callee, request.caller_id) for request in toy.requests
    ] == [("101", callee, "557") for callee in callees]


@pytest.mark.parametrize("toy_features", [(), (Feature.INTERNAL_TRUNK,)])
async def test_trunk_to_callees(
    hass: HomeAssistant, toy: ToyBackend, toy_features: tuple[Feature, ...]
) -> None:
    """No trunk is used for an extension; only some kinds of PBX get the trunk."""
    toy.error = REFUSED
    callees = ["102", "0912", "09121234567"]
    await escalate(hass, caller="101", callees=callees, trunk_name="t")

    trunk = "t" if toy_features else None
    assert [request.trunk_name for request in toy.requests] == [None, None, trunk]


@pytest.mark.parametrize("toy_features", [(), (Feature.INTERNAL_TRUNK,)])
@pytest.mark.parametrize("at", ["action", "defaults"])
async def test_trunk_in_a_list(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, at: str
) -> None:
    """The trunk is only used for external callers, as is the caller ID for others."""
    data = {"callers": ["557", "0912 123 4567", "+98"], "callee": "200"}
    data |= {"trunk_name": "t"} if at == "action" else {}
    default = "t" if at == "defaults" else "other"
    await set_options(hass, toy_entry, trunk_name=default)
    toy.error = REFUSED
    await escalate(hass, **data)

    assert [
        (request.caller, request.caller_id, request.trunk_name)
        for request in toy.requests
    ] == [("557", "557", None), ("09121234567", None, "t"), ("+98", None, "t")]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({}, "one_list"),
        ({"caller": "101", "callee": "102"}, "one_list"),
        ({"callers": ["101"], "callees": ["102"]}, "one_list"),
        ({"callees": ["101"], "caller": "200", "mode": "together"}, "callees_in_turn"),
        ({"callees": ["101"], "caller": "200", "mode": "everyone"}, "callees_in_turn"),
        ({"callers": ["101"], "callee": "200", "caller": "102"}, "list_and_single"),
        ({"callees": ["101"], "caller": "200", "callee": "102"}, "list_and_single"),
        ({"callers": ["101"], "caller_contact": "Mum"}, "list_and_single"),
        ({"callers": ["101"]}, "number_empty"),
        ({"callers": ["101"], "callee": ""}, "number_empty"),
        ({"callees": ["101"]}, "missing_fields"),
        ({"callees": [""], "caller": "200"}, "number_empty"),
        ({"callers": [" "], "callee": "200"}, "missing_fields"),
        ({"callers": [None], "callee": "200"}, "number_no_state"),
        ({"callers": None, "callee": "200"}, "number_no_state"),
        ({"callers": "unknown", "callee": "200"}, "number_no_state"),
        ({"callers": ["10x", "10x"], "callee": "200"}, "unknown_contact"),
        ({"callers": ["10x", ""], "callee": "200"}, "nobody_to_ring"),
        ({"callers": ["10x,10y"], "callee": "200"}, "nobody_to_ring"),
        ({"callers": ["09121234567"], "callee": "200"}, "trunk_required"),
        ({"callers": {"contact": "Nobody"}, "callee": "200"}, "unknown_contact"),
        ({"callers": "", "callee": "200"}, "missing_fields"),
        ({"callers": ", ", "callee": "200"}, "missing_fields"),
        ({"callers": ["101"], "callee": "200", "mode": "twice"}, "given_no_choice"),
    ],
)
async def test_no_valid_target(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    data: dict[str, Any],
    key: str,
) -> None:
    """Without a valid target, an error has the reason and no one is called."""
    await set_up(hass, new_toy, contact("Mum", "09121234567"), caller="")
    with pytest.raises(ServiceValidationError) as caught:
        await escalate(hass, **data)

    assert caught.value.translation_key == key
    assert "{" not in str(caught.value)
    assert toys.latest.requests == []


# --- Contacts ---

MUM = contact("Mum", "09121234567", "Mama", timeout=5, call_limit=60, caller_id="2188")
GUARD = contact("Guard", "+98215555", trunk_name="main_trunk")
WORKSHOP = contact("Workshop", "103", timeout=9)


async def test_number_of_a_contact(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """A number that belongs to a contact is reported with its name."""
    hass.config.country = "IR"
    await set_up(hass, new_toy, MUM)
    running = await begin(hass, callees=["+98 912 123 4567"], caller="101")
    await report(hass, toys.latest, CallState.CONNECTED)

    response = await running
    assert response["answered_by_contact"] == "Mum"
    assert [each["contact"] for each in response["attempts"]] == ["Mum"]


async def test_contacts(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """Contacts and numbers are called in order; the one who answered is named."""
    made = await set_up(hass, new_toy, GUARD, WORKSHOP)
    toy = toys.latest
    people = [device_of(hass, made, "Workshop"), "102", " guard "]
    running = await begin(hass, callers=people, callee="200", rounds=2)
    for _ in range(5):
        await report(hass, toy, UNREACHABLE)
    await report(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    assert response["answered_by"] == "+98215555"
    assert response["answered_by_contact"] == "Guard"
    assert response["answered"] == [{"number": "+98215555", "contact": "Guard"}]
    assert [(each["number"], each["contact"]) for each in response["attempts"]] == [
        ("103", "Workshop"),
        ("102", None),
        ("+98215555", "Guard"),
    ] * 2
    assert values(response, "caller") == values(response, "number")
    assert values(response, "caller_contact") == values(response, "contact")
    assert values(response, "callee_contact") == [None] * 6
    trunks = [request.trunk_name for request in toy.requests]
    assert trunks == [None, None, "main_trunk"] * 2


async def test_contacts_as_callees(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Each callee has its own settings, and with them its own attempt timeout."""
    await set_up(hass, new_toy, MUM, WORKSHOP)
    toy = toys.latest
    running = await begin(hass, callees=["Mama", "Workshop"], caller_contact="Workshop")
    for count, timeout in ((1, 80), (2, 28)):
        assert len(toy.requests) == count
        await pass_time(hass, freezer, timeout - 1)
        assert not running.done()
        await pass_time(hass, freezer, 1)

    response = await running
    assert values(response, "contact") == ["Mum", "Workshop"]
    assert values(response, "callee_contact") == ["Mum", "Workshop"]
    assert values(response, "caller_contact") == ["Workshop", "Workshop"]
    assert parties(toy) == [("103", "09121234567"), ("103", "103")]
    assert [
        (request.timeout, request.call_limit, request.caller_id)
        for request in toy.requests
    ] == [(5, 60, "2188"), (9, None, "103")]


async def test_contact_as_the_callee(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """The callee may be a contact, whose settings apply to all callers."""
    await set_up(hass, new_toy, MUM, WORKSHOP)
    toy = toys.latest
    toy.error = REFUSED
    await escalate(hass, callers=["Workshop", 102], callee_contact="Mum")

    assert parties(toy) == [("103", "09121234567"), ("102", "09121234567")]
    # The ring time of the workshop counts also when it rings first.
    assert [(each.timeout, each.caller_id) for each in toy.requests] == [
        (9, "2188"),
        (5, "2188"),
    ]


async def test_contacts_of_two_pbxs(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """The first contact in a list determines the PBX."""
    made = await set_up(hass, new_toy, MUM)
    await add_other_pbx(hass, made)
    first, second = toys.made
    first.error = REFUSED
    await escalate(hass, callees=["Mum", "102"])

    assert parties(first) == [("101", "09121234567"), ("101", "102")]
    assert second.requests == []


# --- Settings of one person ---


async def test_settings_of_a_person(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """A mapping counts more than the action, which counts more than the contact."""
    await set_up(hass, new_toy, GUARD, WORKSHOP, timeout=40, trunk_name="default")
    toy = toys.latest
    toy.error = REFUSED
    people = [
        {"contact": "Workshop", "timeout": 7, "caller_id": "557"},
        {"contact": "Guard", "trunk_name": "own", "call_limit": "00:01:00"},
        {"number": 102},
        "Guard",
    ]
    response = await escalate(
        hass, callers=people, callee="200", timeout=20, trunk_name="shared"
    )

    assert [
        (each.caller, each.timeout, each.caller_id, each.trunk_name, each.call_limit)
        for each in toy.requests
    ] == [
        ("103", 7, "557", None, None),
        ("+98215555", 20, None, "own", 60),
        ("102", 20, "102", None, None),
        ("+98215555", 20, None, "shared", None),
    ]
    assert not any(";" in error for error in values(response, "error"))


@pytest.mark.parametrize(
    ("setting", "key", "placeholders"),
    [
        ({"timeout": "soon"}, "given_no_seconds", {"value": "soon"}),
        ({"timeout": 0}, "given_out_of_range", {"value": "0", "low": "1"}),
        ({"mode": "together"}, "unknown_setting", {}),
        ({"callee": "300"}, "unknown_setting", {}),
        ({"caller_id": "Home"}, "number_invalid_character", {"character": "H"}),
    ],
)
async def test_invalid_setting(
    hass: HomeAssistant,
    toy: ToyBackend,
    setting: dict[str, Any],
    key: str,
    placeholders: dict[str, str],
) -> None:
    """An invalid setting of a person is ignored, and the attempt has the reason."""
    person = {"number": "101", "call_limit": 50, **setting}
    running = await begin(hass, callers=[person], callee="200")
    await report(hass, toy, CallState.RINGING_CALLEE)

    (attempt,) = (await running)["attempts"]
    assert attempt["result"] == "answered"
    known = "timeout, call_limit, caller_id, trunk_name"
    facts = {"field": next(iter(setting)), "high": "600", "known": known}
    assert attempt["error"] == message(key, **facts | placeholders)
    # The other settings apply.
    assert [(each.timeout, each.call_limit) for each in toy.requests] == [(30, 50)]


async def test_several_invalid_settings(hass: HomeAssistant, toy: ToyBackend) -> None:
    """All reasons are in one error, with that of the call."""
    toy.error = REFUSED
    person = {"number": "101", "color": "red", "caller_id": "Home", "trunk_name": "\n."}
    (attempt,) = (await escalate(hass, callers=[person], callee="200"))["attempts"]

    assert attempt["error"] == "; ".join(
        (
            message(
                "unknown_setting",
                field="color",
                known="timeout, call_limit, caller_id, trunk_name",
            ),
            message("number_invalid_character", field="caller_id", character="H"),
            message("refused", pbx="Toy", detail="No line for *********67"),
        )
    )


async def test_trunk_of_a_person(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A person may be reached only by their own trunk."""
    toy.error = REFUSED
    person = {"number": "0912 123 4567", "trunk_name": "own", "caller_id": "Home"}
    await escalate(hass, callers=[person], callee="200")

    assert [each.trunk_name for each in toy.requests] == ["own"]


# --- Ways to write the list ---


@pytest.mark.parametrize(
    "written",
    [
        "101, Smith, John, (09121234567)",
        "101;Smith, John؛09121234567;",
        "101\nSmith, John\n0912 123 4567\n",
        "۱۰۱، Smith, John، 0912-1234567",
        ("101", "Smith, John", "09121234567"),
        [101.0, {"contact": "smith, john"}, {"number": "09121234567"}],
        ["101", "Smith, John, 09121234567"],
    ],
)
async def test_ways_to_write_a_list(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry, written: object
) -> None:
    """Texts, lists and tuples name the same people, in the same order."""
    await set_up(hass, new_toy, contact("Smith, John", "104"), trunk_name="t")
    toy = toys.latest
    toy.error = REFUSED
    await escalate(hass, callers=written, callee="200")

    assert parties(toy) == [("101", "200"), ("104", "200"), ("09121234567", "200")]


async def test_template(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A template makes a tuple of numbers that are separated by commas."""
    toy.error = REFUSED
    step = {
        "action": "pbx.escalate",
        "data": {"callers": "{{ '101, 102' }}", "callee": "200"},
    }
    assert await async_setup_component(
        hass, "script", {"script": {"alarm": {"sequence": [step]}}}
    )
    await hass.services.async_call("script", "alarm", {}, blocking=True)

    assert parties(toy) == [("101", "200"), ("102", "200")]


# --- Modes that a PBX may not have ---


@pytest.mark.parametrize("toy_features", [(Feature.HANG_UP,)])
async def test_together_is_not_supported(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The error names the way out, and no one is called."""
    with raises("together_not_supported") as caught:
        await escalate(hass, callers=["101"], callee="200", mode="together")

    assert caught.value.translation_placeholders == {"pbx": "Toy"}
    assert "in_turn" in str(caught.value)
    assert "ring group" in str(caught.value)
    assert toy.requests == []


# --- Invalid items ---

DEVICE = "7d2f0123456789abcdef0123456789ab"


@pytest.mark.parametrize(
    ("item", "key", "placeholders"),
    [
        ("Nobody", "no_contacts", {"contact": "Nobody"}),
        (DEVICE, "contact_removed", {"device": "7d2f…"}),
        ({"contact": "Nobody"}, "no_contacts", {"contact": "Nobody"}),
        ({"contact": "103"}, "no_contacts", {"contact": "103"}),
        ({"contact": "unknown"}, "given_no_state", {"value": "unknown"}),
        ({"contact": ""}, "given_nothing", {}),
        ({"contact": ["Mum"]}, "given_list", {}),
        ({"contact": "Mum", "number": "102"}, "list_mapping", {}),
        ({"contact": None}, "list_mapping", {}),
        ({"timeout": 30}, "list_mapping", {}),
        ({}, "list_mapping", {}),
        ({"number": ""}, "missing_fields", {"fields": "caller"}),
        ({"number": ["102"]}, "given_list", {}),
        ("unknown", "number_no_state", {}),
        ("unavailable", "number_no_state", {}),
        (None, "number_no_state", {}),
        ("", "missing_fields", {"fields": "caller"}),
        (True, "given_boolean", {}),
        ([["102"]], "given_list", {}),
        ([], "given_nothing", {}),
        (10.5, "given_quantity", {}),
        (491234567, "number_unquoted", {}),
        ("10x", "no_contacts", {"contact": "10x"}),
    ],
)
async def test_invalid_item(
    hass: HomeAssistant,
    toy: ToyBackend,
    item: object,
    key: str,
    placeholders: dict[str, str],
) -> None:
    """An invalid item is a failed attempt; the others are called."""
    running = await begin(hass, callers=[item, "101"], callee="200")
    await report(hass, toy, CallState.RINGING_CALLEE)

    response = await running
    assert response["answered_by"] == "101"
    failed, _ = response["attempts"]
    field = "callers" if key.startswith(("given_", "list_")) else "caller"
    assert failed.pop("error") == message(key, field=field, **placeholders)
    assert failed == {
        "number": None,
        "contact": None,
        "caller": None,
        "callee": None,
        "caller_contact": None,
        "callee_contact": None,
        "round": 1,
        "cause": None,
        "result": "failed",
        "caller_answered": None,
        "ring_time": None,
        "talk_time": None,
        "originated_call_id": None,
        "played": None,
        "confirmed": None,
    }
    assert parties(toy) == [("101", "200")]


async def test_external_caller_without_a_trunk(
    hass: HomeAssistant, toy: ToyBackend
) -> None:
    """An external caller without a trunk fails with its number; others are called."""
    running = await begin(hass, callers=["0912 123 4567", "101"], callee="200")
    await report(hass, toy, CallState.RINGING_CALLEE)

    failed, answered = (await running)["attempts"]
    assert (failed["number"], failed["result"]) == ("09121234567", "failed")
    assert failed["error"] == message(
        "trunk_required", caller="*********67", internal_digits="5"
    )
    assert answered["result"] == "answered"


async def test_all_items_are_invalid(hass: HomeAssistant, toy: ToyBackend) -> None:
    """If all items are invalid, the error has all reasons."""
    with raises("nobody_to_ring") as caught:
        await escalate(
            hass,
            callers=[DEVICE, "unknown", "09121234567"],
            callee="200",
        )

    reasons = (
        message("contact_removed", device="7d2f…"),
        message("number_no_state", field="caller"),
        message("trunk_required", caller="*********67", internal_digits="5"),
    )
    assert str(caught.value) == message("nobody_to_ring", reasons="; ".join(reasons))
    assert DEVICE[4:8] not in str(caught.value)
    assert toy.requests == []


@pytest.mark.parametrize("removed", [DEVICE, "Nobody"])
async def test_first_contact_found_determines_the_pbx(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry, removed: str
) -> None:
    """With several PBXs, the first contact found determines the PBX."""
    made = await set_up(hass, new_toy, MUM)
    await add_other_pbx(hass, made)
    first, _ = toys.made
    first.error = REFUSED
    response = await escalate(hass, callees=[removed, "Mum"])

    assert values(response, "contact") == [None, "Mum"]
    assert parties(first) == [("101", "09121234567")]
    key = "contact_removed" if removed == DEVICE else "unknown_contact"
    with raises(key):
        await escalate(hass, callees=[removed])


@pytest.mark.parametrize(
    "data",
    [
        {"callers": [], "callee": "200"},
        {"callees": []},
        {"callers": (), "callee": "200", "mode": "everyone"},
        {"callers": [], "callees": []},
    ],
)
async def test_empty_lists(
    hass: HomeAssistant, toy: ToyBackend, data: dict[str, Any]
) -> None:
    """Empty lists call no one, and are not an error."""
    assert await escalate(hass, **data) == {
        "ended_by": "nobody",
        "answered_by": None,
        "answered_by_contact": None,
        "answered": [],
        "attempts": [],
    }
    assert toy.requests == []


async def test_other_list_is_empty(hass: HomeAssistant, toy: ToyBackend) -> None:
    """An empty list that the editor left behind is ignored."""
    toy.error = REFUSED
    await escalate(hass, callers=["101"], callees=[], callee="200")

    assert parties(toy) == [("101", "200")]


def repairs(hass: HomeAssistant) -> list[dict[str, str]]:
    """Return the placeholders of the repair issues about escalations."""
    return [
        issue.translation_placeholders or {}
        for (domain, _), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
        and issue.translation_key == "escalation_incomplete"
        and not issue.is_fixable
        and not issue.is_persistent
    ]


@pytest.mark.parametrize("automation_id", [{"id": "42"}, {}])
@pytest.mark.parametrize("others", ["101", ""])
async def test_repair_names_the_automation(
    hass: HomeAssistant, toy: ToyBackend, automation_id: dict[str, str], others: str
) -> None:
    """The repair issue names the automation until it runs without faults."""
    toy.error = REFUSED
    step = {
        "action": "pbx.escalate",
        "data": {"callers": "{{ trigger.event.data.people }}", "callee": "200"},
        "continue_on_error": True,
    }
    alarm = {
        **automation_id,
        "alias": "Night alarm",
        "triggers": [{"trigger": "event", "event_type": "alarm"}],
        "actions": [step],
    }
    assert await async_setup_component(hass, "automation", {"automation": [alarm]})
    await settle(hass)
    hass.bus.async_fire("alarm", {"people": ["unknown", others]})
    await settle(hass)

    (issue,) = repairs(hass)
    assert issue["automation"] == "Night alarm"
    assert issue["pbx"] == "Toy"
    assert message("number_no_state", field="caller") in issue["detail"]
    hass.bus.async_fire("alarm", {"people": ["101"]})
    await settle(hass)
    assert repairs(hass) == []


async def test_repair_names_the_script(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """The repair issue names the script, and is removed with the PBX."""
    toy.error = REFUSED
    data = {"callers": [DEVICE, "101"], "callee": "200"}
    step = {"action": "pbx.escalate", "data": data}
    alarm = {"alias": "Night alarm", "sequence": [step]}
    assert await async_setup_component(hass, "script", {"script": {"alarm": alarm}})
    await hass.services.async_call("script", "alarm", {}, blocking=True)

    (issue,) = repairs(hass)
    assert issue["automation"] == "Night alarm"
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    assert repairs(hass) == []


async def test_no_repair_for_a_person(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A user who runs the action gets no repair issue."""
    toy.error = REFUSED
    await escalate(hass, callers=[DEVICE, "101"], callee="200")

    assert repairs(hass) == []


async def test_repair_shows_stars(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Markdown does not take the stars of a masked number for emphasis."""
    toy.error = REFUSED
    step = {
        "action": "pbx.escalate",
        "data": {"callers": ["09121234567", "101"], "callee": "200"},
    }
    alarm = {"alias": "Night alarm", "sequence": [step]}
    assert await async_setup_component(hass, "script", {"script": {"alarm": alarm}})
    await hass.services.async_call("script", "alarm", {}, blocking=True)

    (issue,) = repairs(hass)
    assert r"\*" * 9 + "67" in issue["detail"]
