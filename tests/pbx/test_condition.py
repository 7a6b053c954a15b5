"""Tests of the condition in a real automation."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import async_get_all_descriptions
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.backends.updates import CallState, CallUpdate, Direction
from custom_components.pbx.condition import CallActiveCondition

from .common import place_call
from .reporting import add_other_pbx, automate
from .toy import ToyBackend


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
    assert set(description["fields"]) == {"config_entry_id", "number"}


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


async def test_calls_of_others(toy: ToyBackend, question: Question) -> None:
    """Only calls that Home Assistant placed count."""
    await question.set_up(active())
    toy.sink.call(
        CallUpdate(
            state=CallState.CONNECTED,
            call_id="1",
            direction=Direction.INTERNAL,
            caller="101",
            callee="200",
        )
    )

    assert not await question.ask()


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
        {"number": "door"},
        {"number": ""},
        {"number": 4917012345678},
        {"colour": "red"},
    ],
)
async def test_invalid(hass: HomeAssistant, options: dict[str, object]) -> None:
    """Invalid options are refused when the automation is saved."""
    with pytest.raises(vol.Invalid):
        await CallActiveCondition.async_validate_config(hass, {"options": options})
