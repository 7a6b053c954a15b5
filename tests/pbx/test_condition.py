"""Tests of the condition in a real automation."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.condition import (
    async_from_config,
    async_get_all_descriptions,
    async_validate_condition_config,
)
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
)
from custom_components.pbx.condition import _SCHEMA, CallActiveCondition

from .calls.messages import message
from .common import place_call
from .people import contact, phone, rename, set_up
from .reporting import add_other_pbx, automate
from .toy import ToyBackend, Toys

TALK = CallUpdate(
    state=CallState.CONNECTED,
    call_id="1",
    direction=Direction.INTERNAL,
    caller="101",
    callee="200",
)
END = CallUpdate(state=CallState.ENDED, call_id="1", result=CallResult.ANSWERED)


def active(**options: object) -> dict[str, Any]:
    """Return the condition for an active call."""
    return {"condition": "pbx.call_active", "options": options}


class Question:
    """An automation that reports whether its condition is true."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize the automation."""
        self._hass = hass

    async def set_up(self, condition: dict[str, Any]) -> None:
        """Set up the automation."""
        trigger = {"trigger": "event", "event_type": "question"}
        self._reports = await automate(self._hass, trigger, condition=condition)

    async def ask(self) -> bool:
        """Return the result of the condition."""
        before = len(self._reports)
        self._hass.bus.async_fire("question")
        await self._hass.async_block_till_done()
        return len(self._reports) > before


@pytest.fixture
def question(hass: HomeAssistant) -> Question:
    """Return an automation that is not set up yet."""
    return Question(hass)


@pytest.mark.usefixtures("toy_entry")
async def test_described(hass: HomeAssistant) -> None:
    """The condition and all its options have descriptions."""
    description = (await async_get_all_descriptions(hass))["pbx.call_active"]

    assert description is not None
    options = _SCHEMA.schema["options"]
    assert set(description["fields"]) == {str(each) for each in options}
    assert set(description["fields"]) == {
        "config_entry_id",
        "contact",
        "number",
        "placed_here",
    }


@pytest.mark.parametrize("condition", [{"condition": "pbx.call_active"}, active()])
async def test_call_active(
    hass: HomeAssistant,
    toy: ToyBackend,
    question: Question,
    condition: dict[str, Any],
) -> None:
    """It is true from the request of the first call to the end of the last."""
    await question.set_up(condition)
    assert not await question.ask()

    await place_call(hass, caller="101", callee="200")
    assert await question.ask()
    await place_call(hass, caller="101", callee="201")
    first, second = toy.requests
    toy.end(originated_call_id=first.call_id)
    assert await question.ask()

    toy.end(originated_call_id=second.call_id)
    assert not await question.ask()


@pytest.mark.parametrize(("placed_here", "counts"), [(False, True), (True, False)])
async def test_calls_of_others(
    toy: ToyBackend, question: Question, placed_here: bool, counts: bool
) -> None:
    """All calls count, or only those that Home Assistant placed."""
    await question.set_up(active(placed_here=placed_here))
    toy.sink.call(TALK)
    assert await question.ask() is counts

    # A better end may follow, but nobody talks.
    toy.sink.call(replace(END, is_provisional=True))
    assert not await question.ask()


@pytest.mark.parametrize("placed_here", [False, True])
async def test_placed_here(
    hass: HomeAssistant, toy: ToyBackend, question: Question, placed_here: bool
) -> None:
    """A call that Home Assistant placed always counts."""
    await question.set_up(active(placed_here=placed_here))
    toy.sink.call(END)
    assert not await question.ask()

    await place_call(hass, caller="101", callee="200")
    assert await question.ask()


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        ({"contact": "Mum"}, True),
        ({"contact": ["Dad", "mum"]}, True),
        ({"contact": "Dad"}, False),
        # The extension that was called, and the one that answered.
        ({"contact": "Kitchen"}, True),
        ({"contact": "Office"}, True),
        ({"contact": []}, True),
        ({"number": "Mum"}, True),
        ({"number": "0912*"}, True),
        ({"number": "0913*"}, False),
        ({"number": "102", "contact": "Mum"}, True),
        ({"number": "103", "contact": "Mum"}, False),
        ({"number": "Nobody"}, False),
    ],
)
async def test_contacts(
    hass: HomeAssistant,
    toys: Toys,
    toy_entry: MockConfigEntry,
    question: Question,
    options: dict[str, object],
    fits: bool,
) -> None:
    """Contacts and numbers of all who take part in a call match."""
    await hass.config_entries.async_unload(toy_entry.entry_id)
    people = [
        contact("Mum", "09121234567"),
        contact("Dad", "09127654321"),
        phone("Kitchen", "101"),
        phone("Office", "102"),
    ]
    await set_up(hass, toy_entry, *people)
    await question.set_up(active(**options))
    incoming = replace(
        TALK,
        direction=Direction.INCOMING,
        caller="09121234567",
        callee="101",
        answered_by="102",
    )
    toys.latest.sink.call(incoming)

    assert await question.ask() is fits


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("101", True),
        ("۲۰۰", True),
        (["300", "2 0 0"], True),
        (200, True),
        ("0200", False),
        ("300", False),
        ([], True),
    ],
)
@pytest.mark.usefixtures("toy_entry")
async def test_number(
    hass: HomeAssistant,
    question: Question,
    number: object,
    fits: bool,
) -> None:
    """The number of the caller or the callee matches in any notation."""
    await question.set_up(active(number=number))
    assert not await question.ask()

    await place_call(hass, caller="101", callee="200")

    assert await question.ask() is fits


async def test_two_pbxs(
    hass: HomeAssistant, toy_entry: MockConfigEntry, question: Question
) -> None:
    """Two PBXs are distinguished."""
    other = await add_other_pbx(hass, toy_entry)
    await question.set_up(active(config_entry_id=other.entry_id))

    parties = {"caller": "101", "callee": "200"}
    await place_call(hass, config_entry_id=toy_entry.entry_id, **parties)
    assert not await question.ask()
    await place_call(hass, config_entry_id=other.entry_id, **parties)
    assert await question.ask()


async def test_reload_and_unload(
    hass: HomeAssistant, toy_entry: MockConfigEntry, question: Question
) -> None:
    """A call survives a reload; a PBX that is not loaded has no active calls."""
    await question.set_up(active(config_entry_id=toy_entry.entry_id))
    await place_call(hass, caller="101", callee="200")

    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    await hass.async_block_till_done()
    assert await question.ask()

    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    assert not await question.ask()


@pytest.mark.parametrize(
    "options",
    [
        {"config_entry_id": "nobody"},
        {"contact": ""},
        {"placed_here": "perhaps"},
        {"number": ""},
        {"number": 4917012345678},
        {"colour": "red"},
    ],
)
async def test_invalid(hass: HomeAssistant, options: dict[str, object]) -> None:
    """Invalid options are refused when the automation is saved."""
    with pytest.raises(vol.Invalid):
        await CallActiveCondition.async_validate_config(hass, {"options": options})


async def test_missing_contact(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry, question: Question
) -> None:
    """A repair names the automation, until the contact is back."""
    entry = await set_up(hass, new_toy, contact("Mum", "09121234567"))
    await question.set_up(active(contact=["Nanny", "Mum"], number="Nanny"))
    assert contact_issues(hass) == []

    for _ in range(2):
        assert not await question.ask()
    detail = message("unknown_contact", contact="Nanny", known="Mum")
    assert contact_issues(hass) == [{"automation": "Test", "detail": detail}]
    assert "Nanny" not in str(ir.async_get(hass).issues.keys())

    rename(hass, entry, "Mum", "Nanny")
    toys.latest.sink.call(replace(TALK, callee="09121234567"))
    assert await question.ask()
    assert contact_issues(hass) == []


@pytest.mark.usefixtures("toys")
async def test_missing_contact_of_a_removed_automation(
    hass: HomeAssistant, new_toy: MockConfigEntry, question: Question
) -> None:
    """The repair is gone with the condition."""
    await set_up(hass, new_toy, contact("Mum", "09121234567"))
    await question.set_up(active(contact="Nanny"))
    await question.ask()
    assert len(contact_issues(hass)) == 1

    with patch(
        "homeassistant.config.load_yaml_config_file", return_value={"automation": []}
    ):
        await hass.services.async_call("automation", "reload", blocking=True)
    assert contact_issues(hass) == []


@pytest.mark.usefixtures("toys")
async def test_missing_contact_without_an_automation(
    hass: HomeAssistant, new_toy: MockConfigEntry
) -> None:
    """A condition that no automation checks has no repair."""
    await set_up(hass, new_toy, contact("Mum", "09121234567"))
    config = await async_validate_condition_config(hass, active(contact="Nanny"))
    condition = await async_from_config(hass, config)

    assert condition.async_check() is False
    condition.async_unload()
    assert contact_issues(hass) == []


def contact_issues(hass: HomeAssistant) -> list[dict[str, str]]:
    """Return the placeholders of the issues about contacts."""
    return [
        issue.translation_placeholders or {}
        for issue in ir.async_get(hass).issues.values()
        if issue.translation_key == "contact_not_usable" and issue.active
    ]
