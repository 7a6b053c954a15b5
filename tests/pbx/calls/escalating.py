"""Helpers for the tests of escalations."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant

from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import CallResult, CallState
from custom_components.pbx.const import DOMAIN

from ..common import settle
from ..toy import ToyBackend

REFUSED = PbxError(PbxErrorCode.REFUSED, "No line for *********67")
UNREACHABLE = CallResult.CALLER_UNREACHABLE


async def escalate(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Run the action and return its response."""
    response = await hass.services.async_call(
        DOMAIN, "escalate", data, blocking=True, return_response=True
    )
    assert response is not None
    return response


async def begin(hass: HomeAssistant, **data: object) -> asyncio.Task[dict[str, Any]]:
    """Run the action until it waits, and return its task."""
    running = asyncio.create_task(escalate(hass, **data))
    await settle(hass)
    return running


async def report(
    hass: HomeAssistant,
    toy: ToyBackend,
    *steps: CallState | CallResult,
    **facts: Any,  # noqa: ANN401 - any field of an update
) -> None:
    """Let the PBX report states and results of the latest call."""
    for step in steps:
        if isinstance(step, CallState):
            toy.report(step, **facts)
        else:
            toy.end(step, **facts)
    await settle(hass)


async def report_of(
    hass: HomeAssistant,
    toy: ToyBackend,
    number: str,
    *steps: CallState | CallResult,
) -> None:
    """Let the PBX report states and results of the latest call that rings a number."""
    latest = [each for each in toy.requests if each.caller == number][-1]
    await report(hass, toy, *steps, originated_call_id=latest.call_id)


def parties(*toys: ToyBackend) -> list[tuple[str, str]]:
    """Return the caller and the callee of each request, in order."""
    return [
        (request.caller, request.callee) for toy in toys for request in toy.requests
    ]


def values(response: dict[str, Any], name: str) -> list[Any]:
    """Return the value of a field in each attempt."""
    return [attempt[name] for attempt in response["attempts"]]
