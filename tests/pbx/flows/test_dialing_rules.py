"""Tests of the form of the dialing rules, and of the resulting rules."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.selector import TextSelector
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.calls.number_plan import NumberPlan
from custom_components.pbx.calls.rules import (
    DEFAULT_RULES,
    check_number,
    rules_of,
)
from custom_components.pbx.flows.dialing_rules import (
    DIALING_RULES_SCHEMA,
    parse_dialing_rules,
)

from ..dialog import Dialog, open_options

DEFAULTS = dict(DEFAULT_RULES)
IRAN = NumberPlan(region="IR", internal_digits=5)


async def open_dialing_rules(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Open the page through the menu."""
    dialog = await open_options(hass, entry)
    await dialog.submit({"next_step_id": "dialing_rules"})
    return dialog


def test_never_opened() -> None:
    """A PBX without stored rules has the default rules."""
    rules = rules_of({"context": "main_routing", "timeout": 30}, IRAN)

    assert not any((rules.allowed, rules.forbidden, rules.emergency))
    assert rules.blocks_emergency
    assert (rules.calls_at_once, rules.calls_per_hour, rules.cooldown) == (10, 60, 0)
    assert not rules.admins_only


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ({}, {}),
        (
            {"allowed_numbers": ["0912 *", " ", "۱؟؟"]},
            {"allowed_numbers": ["0912*", "1??"]},
        ),
        ({"forbidden_numbers": ["1", "1", "01"]}, {"forbidden_numbers": ["1", "01"]}),
        ({"emergency_numbers": ["1 1 0"]}, {"emergency_numbers": ["110"]}),
        ({"emergency_numbers": []}, {}),
        ({"block_emergency": False}, {"block_emergency": False}),
        ({"calls_at_once": 0}, {"calls_at_once": 0}),
        ({"calls_per_hour": 600}, {"calls_per_hour": 600}),
        ({"cooldown": 60}, {"cooldown": 60}),
        ({"admins_only": True}, {"admins_only": True}),
    ],
)  # fmt: skip
def test_parse(typed: dict[str, Any], stored: dict[str, Any]) -> None:
    """The input is normalized; default values are not stored."""
    assert parse_dialing_rules(DEFAULTS | typed) == (stored, {}, "")


def test_emptied_lists() -> None:
    """A list that is missing in the input is empty."""
    lists = {name for name, value in DEFAULTS.items() if isinstance(value, list)}
    typed = {name: value for name, value in DEFAULTS.items() if name not in lists}

    options, errors, _ = parse_dialing_rules(typed)

    assert not errors
    assert options == {}


@pytest.mark.parametrize(
    ("field", "texts", "error", "unread"),
    [
        ("allowed_numbers", ["0912*", "home"], "pattern_invalid", "home"),
        ("forbidden_numbers", ["1" * 33, "-"], "pattern_invalid", f"{'1' * 33}, -"),
        ("emergency_numbers", ["110", "+112"], "emergency_number_invalid", "+112"),
        ("emergency_numbers", ["1234567"], "emergency_number_invalid", "1234567"),
    ],
)
def test_errors(field: str, texts: list[str], error: str, unread: str) -> None:
    """Invalid items are named in the error of their field."""
    _, errors, named = parse_dialing_rules(DEFAULTS | {field: texts})

    assert errors == {field: error}
    assert named == unread


@given(
    st.fixed_dictionaries(
        {
            name: st.lists(st.text(max_size=8) | st.text("0123456789*?+ ", max_size=8))
            for name in ("allowed_numbers", "forbidden_numbers", "emergency_numbers")
        }
    ),
    st.text("0123456789+*#", min_size=1, max_size=12),
)
def test_any_texts(lists: dict[str, list[str]], number: str) -> None:
    """Any input is refused, or gives rules that can check any number."""
    options, errors, unread = parse_dialing_rules(DEFAULTS | lists)

    assert bool(errors) == bool(unread)
    if not errors:
        rules = rules_of(options, IRAN)
        check_number(number, rules, in_phone_book=False)
        again, errors, _ = parse_dialing_rules(DEFAULTS | options)
        assert (again, errors) == (options, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("calls_at_once", -1),
        ("calls_at_once", 1001),
        ("calls_per_hour", 1001),
        ("calls_per_hour", 1.5),
        ("cooldown", 86_401),
    ],
)
def test_ranges(name: str, value: float) -> None:
    """Numbers outside of the limits are refused."""
    with pytest.raises(vol.Invalid):
        DIALING_RULES_SCHEMA(DEFAULTS | {name: value})


async def test_page(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """The page shows the current rules, and keeps the other options."""
    before = dict(loaded_entry.options)
    dialog = await open_dialing_rules(hass, loaded_entry)
    dialog.expect_form("dialing_rules")
    assert dialog.values == DEFAULTS
    assert isinstance(dialog.fields["allowed_numbers"], TextSelector)
    for text in await dialog.step_texts():
        assert "{" not in text

    await dialog.submit(DEFAULTS | {"forbidden_numbers": ["0909 *"]})

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded_entry.options == before | {"forbidden_numbers": ["0909*"]}
    dialog = await open_dialing_rules(hass, loaded_entry)
    assert dialog.values == DEFAULTS | {"forbidden_numbers": ["0909*"]}
    # Back to what it was.
    await dialog.submit(DEFAULTS)
    assert loaded_entry.options == before


@pytest.mark.parametrize("language", ["en", "fa"])
async def test_page_with_an_error(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, language: str
) -> None:
    """Invalid items are named, and the input is kept."""
    dialog = await open_dialing_rules(hass, loaded_entry)
    typed = DEFAULTS | {"allowed_numbers": ["0912*", "home"], "calls_at_once": 7}
    await dialog.submit(typed)

    dialog.expect_form("dialing_rules", {"allowed_numbers": "pattern_invalid"})
    assert dialog.values == typed
    assert "home" in await dialog.error_text(language)

    await dialog.submit(DEFAULTS | {"calls_at_once": 7})
    assert loaded_entry.options["calls_at_once"] == 7
