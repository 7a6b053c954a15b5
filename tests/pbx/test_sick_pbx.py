"""A PBX that misbehaves, in every way that the sandbox can, as a person sees it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
import logging
from typing import Any, NamedTuple

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.const import (
    CONF_CONTEXT,
    CONF_INTERNAL_DIGITS,
    CONF_KIND,
    CONF_TIMEOUT,
    DOMAIN,
)
from sandbox import Fault, Sandbox
from sandbox.faults import FAULT_KINDS, FaultKind

from .common import ORIGINATE, PING
from .dialog import open_user

CALL = {"caller": "101", "callee": "200"}
DEFAULTS = {CONF_CONTEXT: "main_routing", CONF_TIMEOUT: 30, CONF_INTERNAL_DIGITS: 5}


class Outcome(NamedTuple):
    """The expected error of a fault; None if the call succeeds."""

    setup: str | None
    originate: str | None


# If it is unknown whether the call was placed, the error says so.
UNCERTAIN = "call_uncertain"
OUTCOMES: dict[FaultKind, Outcome] = {
    "refuse": Outcome("refused", "refused"),
    "hang": Outcome("timeout_connect", UNCERTAIN),
    "reset": Outcome("cannot_connect", UNCERTAIN),
    "status_500": Outcome("simotel_unexpected_answer", UNCERTAIN),
    "html": Outcome("simotel_unexpected_answer", UNCERTAIN),
    "truncated": Outcome("simotel_unexpected_answer", UNCERTAIN),
    "slow": Outcome("timeout_connect", UNCERTAIN),
    "flood": Outcome("simotel_unexpected_answer", UNCERTAIN),
    "redirect": Outcome("simotel_unexpected_answer", "simotel_unexpected_answer"),
    "no_id": Outcome(None, None),
    "success_as_string": Outcome(None, None),
    "wrong_shape": Outcome("simotel_unexpected_answer", UNCERTAIN),
}
each_fault = pytest.mark.parametrize("kind", FAULT_KINDS)


def test_table_has_every_fault() -> None:
    """A fault that the sandbox learns has to be borne as well."""
    assert set(OUTCOMES) == set(FAULT_KINDS)


@pytest.fixture(autouse=True)
def _hurried(hurried: None) -> None:
    """Reduce the timeout of requests to the PBX."""


def ours() -> set[asyncio.Task[Any]]:
    """Return the tasks that run, without those of the sandbox's web server."""
    return {
        task
        for task in asyncio.all_tasks()
        if "RequestHandler" not in repr(task.get_coro())
        and not task.get_name().startswith("sandbox")
    }


@contextmanager
def nothing_left_behind(hass: HomeAssistant) -> Iterator[None]:
    """Check that no task and no connection is left of what is done."""
    before = ours()
    yield
    assert ours() <= before
    connector = async_get_clientsession(hass).connector
    assert connector is not None
    assert not connector._acquired  # noqa: SLF001 - nothing else tells


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the integration has written that a person would read."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and DOMAIN in record.name
    ]


def sick(sandbox: Sandbox, path: str, kind: FaultKind, **more: Any) -> None:  # noqa: ANN401 - any field of a fault
    """Let every request to a path meet a fault."""
    sandbox.faults.set(path, Fault(kind, megabytes=2, **more))


async def originate(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Run the action."""
    response = await hass.services.async_call(
        DOMAIN, "originate", {**CALL, **data}, blocking=True, return_response=True
    )
    assert response is not None
    return response


async def error_of(hass: HomeAssistant) -> HomeAssistantError | None:
    """Run the action, and return its error if there is one."""
    try:
        await originate(hass)
    except HomeAssistantError as err:
        error = err
    else:
        return None
    assert not isinstance(error, ServiceValidationError)
    assert "Sandbox" in str(error)
    assert "{" not in str(error)
    return error


def originates(sandbox: Sandbox) -> int:
    """Return how many calls the PBX was asked for."""
    return sum(request.path == ORIGINATE for request in sandbox.requests)


@each_fault
async def test_setup(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry_data: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    kind: FaultKind,
) -> None:
    """The form says what is wrong; as soon as it is mended, it is accepted."""
    sick(sandbox, PING, kind)
    form = {name: value for name, value in entry_data.items() if name != CONF_KIND}
    dialog = await open_user(hass, "simotel")
    with nothing_left_behind(hass):
        await dialog.submit(form)

    error = OUTCOMES[kind].setup
    assert (dialog.result["errors"] or {}) == ({"base": error} if error else {})
    assert lines(caplog) == []
    assert sum(request.path == PING for request in sandbox.requests) == 1

    sandbox.faults.clear()
    if error:
        assert "{" not in await dialog.error_text()
        await dialog.submit(form)
    await dialog.submit(DEFAULTS)
    dialog.expect_form("import_extensions")


@each_fault
@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.usefixtures("loaded_entry")
async def test_originate(
    hass: HomeAssistant,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    kind: FaultKind,
    *,
    placed: bool,
) -> None:
    """One clear error, one request, at most one call; and the next one succeeds."""
    sick(sandbox, ORIGINATE, kind, placed=placed)
    error = OUTCOMES[kind].originate
    with nothing_left_behind(hass):
        raised = await error_of(hass)

    assert (raised and raised.translation_key) == error
    assert originates(sandbox) == 1
    assert len(sandbox.calls) <= 1
    # A call without an id can be followed less well; the owner should know.
    assert len(lines(caplog)) == (1 if kind == "no_id" else 0)

    calls = len(sandbox.calls)
    sandbox.faults.clear()
    # The caller of the call that may be on is busy with it.
    assert (await originate(hass, caller="102"))["originated_call_id"]
    assert (originates(sandbox), len(sandbox.calls)) == (2, calls + 1)


@pytest.mark.parametrize(
    "kind", [k for k, outcome in OUTCOMES.items() if outcome.setup]
)
async def test_start(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    kind: FaultKind,
) -> None:
    """A PBX that is sick when Home Assistant starts is tried again by itself."""
    sick(sandbox, PING, kind)
    with nothing_left_behind(hass):
        assert not await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state.recoverable
    assert entry.reason
    assert entry.data[CONF_URL] not in entry.reason
    assert lines(caplog) == []

    sandbox.faults.clear()
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert (await originate(hass))["originated_call_id"]
