"""Helpers for tests of the call log, which is read as users read it."""

from typing import Any

from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant

from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    Source,
)
from custom_components.pbx.const import DOMAIN

from .common import settle
from .toy import ToyBackend

MISSED = "sensor.toy_missed_calls"
MUM = "09121234567"


async def calls(
    hass: HomeAssistant,
    user: User | None = None,
    **data: Any,  # noqa: ANN401 - any field of the action
) -> list[dict[str, Any]]:
    """Return the calls that the action returns."""
    response = await hass.services.async_call(
        DOMAIN,
        "get_calls",
        data,
        blocking=True,
        return_response=True,
        context=Context(user_id=user.id) if user else None,
    )
    assert response is not None
    found: Any = response["calls"]
    return list(found)


async def mark_seen(hass: HomeAssistant, user: User | None = None) -> None:
    """Perform the action that marks missed calls as seen."""
    context = Context(user_id=user.id) if user else None
    await hass.services.async_call(
        DOMAIN, "mark_missed_calls_seen", {}, blocking=True, context=context
    )


def ring(call_id: str, caller: str = MUM, **facts: Any) -> CallUpdate:  # noqa: ANN401 - any field of an update
    """Return the update of a call that comes in."""
    known = {"callee": "101", "direction": Direction.INCOMING, "call_id": call_id}
    return CallUpdate(state=CallState.PLACED, caller=caller, **{**known, **facts})


def end(
    call_id: str,
    result: CallResult = CallResult.NO_ANSWER,
    caller: str = MUM,
    **facts: Any,  # noqa: ANN401 - as above
) -> CallUpdate:
    """Return the end of a call that has come in."""
    known = {"callee": "101", "direction": Direction.INCOMING, "call_id": call_id}
    known |= {"result": result}
    return CallUpdate(state=CallState.ENDED, caller=caller, **{**known, **facts})


def row(
    call_id: str,
    result: CallResult = CallResult.NO_ANSWER,
    caller: str = MUM,
    **facts: Any,  # noqa: ANN401 - as above
) -> CallUpdate:
    """Return the end of a call that has come in, as the report has it."""
    return end(call_id, result, caller, source=Source.REPORT, **facts)


async def report(hass: HomeAssistant, toy: ToyBackend, *updates: CallUpdate) -> None:
    """Let the PBX report updates."""
    for each in updates:
        toy.sink.call(each)
    await settle(hass)
