"""Tests of the reading of the call report, over HTTP to the sandbox."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import webhook
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import CONF_URL, CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx import report
from custom_components.pbx.backends.simotel.report import PAGE_ROWS
from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallResult,
    CallState,
    EvidenceSource,
)
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.request import async_dial, build_request
from custom_components.pbx.calls.tracker import CallTracker
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.report import FIRST_DELAY, MAX_DELAY
from sandbox import (
    Account,
    Fault,
    ManualClock,
    ReportStyle,
    Sandbox,
    SandboxCall,
    SandboxConfig,
)

from .common import ORIGINATE, lift_limits, pass_time

REPORT = "/reports/cdr/ordered/id"


async def dial(
    hass: HomeAssistant, entry: MockConfigEntry, caller: str, callee: str
) -> Call:
    """Place a call."""
    data = {"caller": caller, "callee": callee}
    request = build_request(data, entry.options, entry.runtime_data.client)
    return await async_dial(hass, entry, request)


def readings(sandbox: Sandbox) -> list[Any]:
    """Return the ids from which the report was read."""
    return [
        request.json["_id"]  # type: ignore[index]
        for request in sandbox.requests
        if request.path == REPORT
    ]


@pytest.fixture
def report_style() -> ReportStyle:
    """Return how the PBX's report is; tests give others."""
    return ReportStyle()


@pytest.fixture
async def sandbox(
    clock: ManualClock, report_style: ReportStyle
) -> AsyncIterator[Sandbox]:
    """Return a sandbox PBX with such a report."""
    config = SandboxConfig(report=report_style)
    async with Sandbox(config, clock=clock) as running:
        yield running


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the integration warned of."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelname == "WARNING" and record.name.startswith("custom_comp")
    ]


def tracker_of(entry: MockConfigEntry) -> CallTracker:
    """Return the tracker of an entry."""
    tracker: CallTracker = entry.runtime_data.tracking.tracker
    return tracker


@pytest.mark.parametrize(
    ("caller", "callee", "result", "talk_time"),
    [
        ("101", "200", CallResult.ANSWERED, 8),
        ("101", "103", CallResult.BUSY, 0),
        ("101", "104", CallResult.NO_ANSWER, 0),
        ("101", "105", CallResult.FAILED, 0),
        ("104", "101", CallResult.CALLER_UNREACHABLE, 0),
    ],
)
async def test_every_end(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
    caller: str,
    callee: str,
    result: CallResult,
    talk_time: int,
) -> None:
    """The report alone tells how each call ended, one without a caller too."""
    call = await dial(hass, loaded_entry, caller, callee)
    await clock.advance(120)
    await pass_time(hass, freezer, FIRST_DELAY)

    assert call.result is result
    assert call.evidence is EvidenceSource.REPORT
    assert call.talk_time == talk_time


async def test_only_while_a_call_is_outstanding(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nothing is read without a call; with one quickly at first, then every 15 s."""
    await pass_time(hass, freezer, 30)
    assert readings(sandbox) == []

    call = await dial(hass, loaded_entry, "101", "200")
    await pass_time(hass, freezer, FIRST_DELAY)
    assert len(readings(sandbox)) == 1
    for _ in range(60):
        await pass_time(hass, freezer, 1)
    in_a_minute = len(readings(sandbox))
    for _ in range(MAX_DELAY * 4):
        await pass_time(hass, freezer, 1)

    assert 6 < in_a_minute < 12
    assert len(readings(sandbox)) - in_a_minute == 4
    await clock.advance(120)
    await pass_time(hass, freezer, MAX_DELAY)
    assert call.result is CallResult.ANSWERED
    at_the_end = len(readings(sandbox))
    await pass_time(hass, freezer, 60)
    assert len(readings(sandbox)) == at_the_end


async def test_event_is_faster(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A call that an event has ended is not read for."""
    call = await dial(hass, loaded_entry, "101", "200")
    tracker_of(loaded_entry).observe(
        CallEvidence(
            source=EvidenceSource.EVENT,
            state=CallState.ENDED,
            result=CallResult.ANSWERED,
            originated_call_id=call.originated_call_id,
        )
    )
    await pass_time(hass, freezer, 60)

    assert readings(sandbox) == []
    assert call.evidence is EvidenceSource.EVENT


async def test_next_call_is_read_for_quickly(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A new call starts the quick reading again."""
    await dial(hass, loaded_entry, "101", "200")
    for _ in range(60):
        await pass_time(hass, freezer, 1)
    before = len(readings(sandbox))
    await dial(hass, loaded_entry, "102", "104")
    await pass_time(hass, freezer, FIRST_DELAY)

    assert len(readings(sandbox)) == before + 1


async def test_many_calls_do_not_put_the_reading_off(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However fast one call follows the other, the report is read."""
    monkeypatch.setattr(report, "FIRST_DELAY", 10)
    await lift_limits(hass, loaded_entry)
    first = await dial(hass, loaded_entry, "101", "103")
    await clock.advance(10)
    for _ in range(12):
        await dial(hass, loaded_entry, "101", "104")
        await pass_time(hass, freezer, 4)

    assert 3 <= len(readings(sandbox)) <= 5
    assert first.result is CallResult.BUSY


@pytest.mark.parametrize(
    "report_style",
    [
        ReportStyle(history=500),
        ReportStyle(history=500, empty_last_id="empty", numbers="numbers"),
        ReportStyle(history=500, dates="mongo"),
    ],
)
async def test_history_is_not_walked(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A long history is passed over, and the next call goes on from the last row."""
    call = await dial(hass, loaded_entry, "101", "103")
    await clock.advance(60)
    await pass_time(hass, freezer, FIRST_DELAY)

    assert call.result is CallResult.BUSY
    assert len(readings(sandbox)) < 4
    cursor = loaded_entry.runtime_data.tracking.cursor
    assert cursor == sandbox.report.rows()[-1]["_id"]
    second = await dial(hass, loaded_entry, "101", "103")
    await clock.advance(60)
    await pass_time(hass, freezer, FIRST_DELAY)
    assert second.result is CallResult.BUSY


@pytest.mark.parametrize(
    "report_style",
    [ReportStyle(history=150, accepts_unknown_cursor=False)],
)
async def test_history_that_must_be_walked(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A PBX that takes only ids of its own rows is walked once, a piece at a time."""
    monkeypatch.setattr(report, "MAX_PAGES", 5)
    call = await dial(hass, loaded_entry, "101", "103")
    await clock.advance(60)
    await pass_time(hass, freezer, FIRST_DELAY)
    assert call.result is None
    assert len(readings(sandbox)) <= 5 + 2
    await pass_time(hass, freezer, MAX_DELAY)
    assert call.result is CallResult.BUSY

    walked = len(readings(sandbox))
    second = await dial(hass, loaded_entry, "101", "103")
    await clock.advance(60)
    await pass_time(hass, freezer, FIRST_DELAY)
    assert second.result is CallResult.BUSY
    assert len(readings(sandbox)) - walked <= 3


async def test_restart_in_the_middle(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A call that ends while its PBX is not loaded ends with the truth afterwards."""
    call = await dial(hass, loaded_entry, "101", "103")
    await hass.config_entries.async_unload(loaded_entry.entry_id)
    await clock.advance(60)
    await pass_time(hass, freezer, 60)
    assert call.result is None

    assert await hass.config_entries.async_setup(loaded_entry.entry_id)
    await pass_time(hass, freezer, FIRST_DELAY)
    assert call.result is CallResult.BUSY


@pytest.mark.parametrize("reason", ["access_denied", "not_supported"])
async def test_not_readable(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
    issue_registry: ir.IssueRegistry,
    caplog: pytest.LogCaptureFixture,
    reason: str,
) -> None:
    """What must be allowed is said once; the next call tries again."""
    accounts = sandbox.config.accounts
    if reason == "access_denied":
        permitted = ("/call/originate/act", "/setting/ping/act")
        sandbox.configure(accounts=(replace(accounts[0], permissions=permitted),))
    else:
        sandbox.configure(missing_services=(REPORT,))
    call = await dial(hass, loaded_entry, "101", "103")
    for _ in range(4):
        await pass_time(hass, freezer, 20)

    assert len(readings(sandbox)) == 1
    (issue,) = issue_registry.issues.values()
    assert issue.translation_key == f"report_{reason}"
    assert issue.translation_placeholders == {"pbx": "Sandbox", "detail": REPORT}
    assert warnings(caplog) == []

    sandbox.configure(accounts=accounts, missing_services=())
    await dial(hass, loaded_entry, "102", "103")
    await clock.advance(60)
    await pass_time(hass, freezer, FIRST_DELAY)
    assert not issue_registry.issues
    assert call.result is CallResult.BUSY


async def test_issue_goes_with_the_pbx(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A PBX that is removed leaves no repair behind."""
    sandbox.configure(missing_services=(REPORT,))
    await dial(hass, loaded_entry, "101", "103")
    await pass_time(hass, freezer, FIRST_DELAY)
    assert issue_registry.issues
    await hass.config_entries.async_remove(loaded_entry.entry_id)

    assert not issue_registry.issues


async def test_failing_report(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A failing read backs off, is logged once, and recovers by itself."""
    sandbox.faults.set(REPORT, Fault("reset"))
    call = await dial(hass, loaded_entry, "101", "103")
    await clock.advance(60)
    for _ in range(31):
        await pass_time(hass, freezer, 1)
    assert len(readings(sandbox)) == 3
    (warning,) = warnings(caplog)
    assert warning.startswith("The call report of Sandbox cannot be read: Cannot conn")

    sandbox.faults.clear()
    await pass_time(hass, freezer, MAX_DELAY)
    assert call.result is CallResult.BUSY
    assert caplog.text.count("can be read again") == 1


async def test_wrong_credentials(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A 401 from the report asks for new credentials."""
    await dial(hass, loaded_entry, "101", "103")
    sandbox.configure(accounts=(Account(api_key="changed", mode="key"),))
    await pass_time(hass, freezer, FIRST_DELAY)

    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == SOURCE_REAUTH


async def test_pbx_with_another_clock(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The place to read from is found by the PBX's clock, not by ours."""
    freezer.tick(timedelta(days=3))
    call = await dial(hass, loaded_entry, "101", "103")
    await clock.advance(60)
    await pass_time(hass, freezer, FIRST_DELAY)

    assert len(readings(sandbox)) >= 1
    beginning = int(readings(sandbox)[0][:8], 16)
    assert beginning <= call.requested_at_pbx - 60


# --- Calls whose answer was lost ---


async def lose(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, *, placed: bool
) -> Call:
    """Place a call whose answer is lost."""
    sandbox.faults.set(ORIGINATE, Fault("reset", times=1, placed=placed))
    with pytest.raises(HomeAssistantError) as caught:
        await dial(hass, entry, "101", "103")
    assert caught.value.translation_key == "call_uncertain"
    return tracker_of(entry).outstanding[-1]


async def test_lost_and_placed(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The report tells what became of a call whose answer was lost, and its id."""
    call = await lose(hass, loaded_entry, sandbox, placed=True)
    assert call.is_uncertain
    await clock.advance(60)
    await pass_time(hass, freezer, FIRST_DELAY)

    assert call.result is CallResult.BUSY
    assert call.originated_call_id == sandbox.calls[0].id


async def test_lost_and_never_placed(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A call that never was ends as soon as the report would have its row."""
    call = await lose(hass, loaded_entry, sandbox, placed=False)
    for _ in range(8):
        await pass_time(hass, freezer, MAX_DELAY)
    assert call.result is None
    await pass_time(hass, freezer, MAX_DELAY)

    assert call.result is CallResult.UNDETERMINED
    assert call.evidence is EvidenceSource.REPORT
    at_the_end = len(readings(sandbox))
    await pass_time(hass, freezer, 60)
    assert len(readings(sandbox)) == at_the_end


async def test_lost_without_a_report(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Where the report tells nothing, the deadline counts."""
    sandbox.configure(missing_services=(REPORT,))
    call = await lose(hass, loaded_entry, sandbox, placed=False)
    await pass_time(hass, freezer, 600)
    assert call.result is None
    assert call.is_uncertain

    await pass_time(hass, freezer, 3600)
    assert call.result is CallResult.UNDETERMINED
    assert call.evidence is EvidenceSource.DEADLINE


async def test_no_id_and_long(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A call that was placed is waited for, though the PBX did not tell its id."""
    sandbox.change_phone("102", hang_up_after=600)
    sandbox.change_phone("101", hang_up_after=None)
    sandbox.faults.set(ORIGINATE, Fault("no_id", placed=True))
    call = await dial(hass, loaded_entry, "101", "102")
    for _ in range(20):
        await clock.advance(MAX_DELAY)
        await pass_time(hass, freezer, MAX_DELAY)
    assert call.result is None

    await clock.advance(400)
    await pass_time(hass, freezer, 400)
    assert call.result is CallResult.ANSWERED


# --- Several rows, and rows of others ---


async def test_best_row(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Of the rows of a group of phones, the one that was answered counts."""
    call = await dial(hass, loaded_entry, "101", "200")
    leg = replace(sandbox.calls[0], result="no_answer", ended=clock.time() + 1)
    sandbox.report.add(leg)
    await clock.advance(60)
    await pass_time(hass, freezer, FIRST_DELAY)

    first, second = sandbox.report.rows()
    assert (first["disposition"], second["disposition"]) == ("NO ANSWER", "ANSWERED")
    assert call.result is CallResult.ANSWERED
    assert call.talk_time == 8


async def test_best_row_on_the_next_page(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It counts as well where a page ends between the rows of a group."""
    call = await dial(hass, loaded_entry, "101", "200")
    now = clock.time()
    other = replace(sandbox.calls[0], id="x", type="incoming", result="busy", ended=now)
    for _ in range(PAGE_ROWS - 1):
        sandbox.report.add(other)
    sandbox.report.add(replace(sandbox.calls[0], result="no_answer", ended=now + 1))
    await clock.advance(60)
    await pass_time(hass, freezer, FIRST_DELAY)

    assert len(sandbox.report.rows()) == PAGE_ROWS + 1
    assert call.result is CallResult.ANSWERED


async def test_call_dialed_by_hand(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """Its event is not taken for our own call's, once the report has told of it."""
    http = await hass_client_no_auth()
    call = await dial(hass, loaded_entry, "101", "104")
    now = clock.time()
    row = SandboxCall(
        id="x",
        unique_id=f"{int(now)}.99",
        caller="101",
        callee="104",
        started=now,
        # Only such a row has no id of a request.
        type="incoming",
    )
    row.state, row.result, row.ended = "ended", "answered", now + 1
    sandbox.report.add(row)
    await pass_time(hass, freezer, FIRST_DELAY)
    cdr = {"event_name": "Cdr", "src": "101", "dst": "104", "type": "local"}
    cdr |= {"disposition": "ANSWERED", "unique_id": row.unique_id}
    path = webhook.async_generate_path(loaded_entry.data[CONF_WEBHOOK_ID])
    await http.post(path, json=cdr)
    await hass.async_block_till_done()

    assert call.result is None
    await clock.advance(90)
    await pass_time(hass, freezer, MAX_DELAY)
    assert call.result is CallResult.NO_ANSWER


async def test_another_pbx(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    clock: ManualClock,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The report of another PBX is not read from where the old one was left."""
    await dial(hass, loaded_entry, "101", "103")
    await clock.advance(60)
    await pass_time(hass, freezer, FIRST_DELAY)
    old = loaded_entry.runtime_data.tracking.cursor
    assert old

    async with Sandbox(
        SandboxConfig(base_path="/api/v4.1"), clock=ManualClock(clock.time() - 3600)
    ) as other:
        data = {**loaded_entry.data, CONF_URL: other.api_url}
        hass.config_entries.async_update_entry(loaded_entry, data=data)
        await hass.async_block_till_done()
        call = await dial(hass, loaded_entry, "101", "103")
        await pass_time(hass, freezer, FIRST_DELAY)
        (cursor,) = readings(other)
        assert call.result is None

    # This one's clock is an hour behind.
    assert int(cursor[:8], 16) < int(old[:8], 16) - 3600
