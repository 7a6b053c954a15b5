"""Tests of letting phones ring as a signal, on a toy PBX."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.updates import CallResult
from custom_components.pbx.const import DOMAIN

from ..common import settle
from ..people import contact, set_up
from ..toy import ToyBackend, Toys
from .escalating import UNREACHABLE, report_of, values
from .messages import raises


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Let phones ring alone."""
    return (Feature.GROUPS, Feature.CALLER_NAME)


async def ring(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Run the action and return its response."""
    response = await hass.services.async_call(
        DOMAIN, "ring", data, blocking=True, return_response=True
    )
    assert response is not None
    return response


async def test_ring(hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry) -> None:
    """All phones ring at once, each once, until they are answered."""
    await set_up(hass, new_toy, contact("Kitchen", "101", timeout=9))
    toy = toys.latest
    people = ["Kitchen", "102", "101", "103"]
    running = asyncio.create_task(ring(hass, callers=people, timeout="00:00:15"))
    await settle(hass)
    assert [
        (each.caller, each.callee, each.is_signal, each.group, each.timeout)
        for each in toy.requests
    ] == [(number, number, True, None, 15) for number in ("101", "102", "103")]
    await report_of(hass, toy, "102", CallResult.ANSWERED)
    await report_of(hass, toy, "101", UNREACHABLE)
    assert not running.done()
    await report_of(hass, toy, "103", UNREACHABLE)

    response = await running
    assert response["answered"] == [{"number": "102", "contact": None}]
    results = ["caller_unreachable", "answered", "caller_unreachable"]
    assert values(response, "result") == results


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({}, "missing_fields"),
        ({"callers": ""}, "missing_fields"),
        ({"callers": ["Nobody"]}, "no_contacts"),
        ({"callers": ["101"], "timeout": 0}, "given_out_of_range"),
    ],
)
async def test_refused(
    hass: HomeAssistant, toy: ToyBackend, data: dict[str, Any], key: str
) -> None:
    """Without a phone to ring, an error has the reason."""
    with raises(key):
        await ring(hass, **data)
    assert toy.requests == []


@pytest.mark.parametrize("toy_features", [()])
async def test_not_supported(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The error names the recipe that does without."""
    with raises("ring_not_supported") as caught:
        await ring(hass, callers=["101"])
    assert "short-ring" in str(caught.value)
    assert toy.requests == []
