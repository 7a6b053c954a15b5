"""Reads the PBX's call report while a call is outstanding, and only then.

The report tells the end of every call, also of one whose caller was never
reached, of which no event tells.
"""

from collections.abc import Sequence
from datetime import datetime
import logging

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .backends.base import (
    AccessDeniedError,
    CallReport,
    InvalidCredentialsError,
    NotSupportedError,
    PbxError,
)
from .backends.updates import CallState, ReportPage, best_first
from .calls.call import Call
from .const import DOMAIN
from .coordinator import PbxConfigEntry
from .signals import SIGNAL_CALL

_LOGGER = logging.getLogger(__name__)

# Seconds between two readings: quickly at first, then less and less often.
FIRST_DELAY = 1
MAX_DELAY = 15
GROWTH = 1.5

# Seconds before a call, by the PBX's clock, from which its row is looked for,
# and how far the time in a call's id may be from that clock to be believed.
MARGIN = 60
PLAUSIBLE = 86_400

# Pages at one reading. A history of years is not walked in one go, where a PBX
# lets us begin at its first row only.
MAX_PAGES = 50


class ReportReader:
    """Reads the call report of a config entry, on behalf of its tracker."""

    def __init__(
        self, hass: HomeAssistant, entry: PbxConfigEntry, report: CallReport
    ) -> None:
        """Read nothing yet."""
        self._hass = hass
        self._entry = entry
        self._report = report
        self._tracking = entry.runtime_data.tracking
        self._delay: float = FIRST_DELAY
        # Unix time of the next reading, while one is arranged.
        self._due: float = 0
        self._cancel: CALLBACK_TYPE | None = None
        self._is_reading = False
        self._is_failing = False
        self._issue_id = _issue_id(entry)

    @callback
    def async_start(self) -> None:
        """Read whenever a call is outstanding, until the entry is unloaded."""
        self._entry.async_on_unload(
            async_dispatcher_connect(self._hass, SIGNAL_CALL, self._call_changed)
        )
        self._entry.async_on_unload(self._stop)
        self._schedule()

    @callback
    def _call_changed(self, entry_id: str, _call: Call, state: CallState) -> None:
        if entry_id != self._entry.entry_id or state is not CallState.PLACED:
            return
        self._delay = FIRST_DELAY
        # One call after the other must not put the reading off and off.
        if self._cancel is None or self._due > _now() + FIRST_DELAY:
            self._schedule()

    @callback
    def _schedule(self) -> None:
        """Arrange the next reading, if there is anything to read for."""
        self._stop()
        if self._is_reading:
            return
        if not self._tracking.tracker.active:
            return
        self._due = _now() + self._delay
        self._cancel = async_call_later(
            self._hass, self._delay, HassJob(self._read, cancel_on_shutdown=True)
        )

    @callback
    def _stop(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    @callback
    def _read(self, _now: datetime) -> None:
        self._cancel = None
        if not self._tracking.tracker.active:
            # An event was faster.
            return
        self._is_reading = True
        self._entry.async_create_background_task(
            self._hass, self._async_read(), f"pbx report {self._entry.entry_id}"
        )

    async def _async_read(self) -> None:
        self._delay = min(self._delay * GROWTH, MAX_DELAY)
        may_go_on = True
        try:
            await self._async_read_pages()
        except (AccessDeniedError, NotSupportedError) as err:
            self._raise_issue(err)
            may_go_on = False
        except PbxError as err:
            self._failed(err)
        else:
            self._succeeded()
        finally:
            self._is_reading = False
        if may_go_on:
            self._schedule()

    async def _async_read_pages(self) -> None:
        tracking = self._tracking
        began, known = _now(), tracking.cursor
        cursor = start = self._report.report_cursor(self._beginning() - MARGIN, known)
        pages: list[ReportPage] = []
        try:
            while len(pages) < MAX_PAGES and not (pages and pages[-1].is_last):
                pages.append(await self._report.read_report(cursor, known))
                cursor = pages[-1].cursor
        finally:
            # Also of a reading that failed on the way: it is not read again.
            self._take(pages)
            if cursor not in {start, known}:
                tracking.cursor = cursor
                tracking.async_save()
        if pages[-1].is_last:
            tracking.tracker.report_read(began)

    @callback
    def _take(self, pages: Sequence[ReportPage]) -> None:
        """Take what was read; the rows of one call may stand on two pages."""
        tracker = self._tracking.tracker
        for evidence in best_first(each for page in pages for each in page.evidence):
            tracker.observe(evidence)
        for dialed in (each for page in pages for each in page.others):
            tracker.dismiss(dialed)

    def _beginning(self) -> float:
        """Return the time of the oldest outstanding call, by the PBX's clock."""
        return min(map(self._time_of, self._tracking.tracker.outstanding))

    def _time_of(self, call: Call) -> float:
        by_clock = call.requested_at_pbx
        by_id = self._report.call_time(call.originated_call_id)
        # An id may hold something else than a time.
        if by_id is None or abs(by_id - by_clock) > PLAUSIBLE:
            return by_clock
        return min(by_id, by_clock)

    def _failed(self, err: PbxError) -> None:
        self._entry.runtime_data.is_report_read = False
        self._delay = MAX_DELAY
        if isinstance(err, InvalidCredentialsError):
            self._entry.async_start_reauth(self._hass)
        if not self._is_failing:
            self._is_failing = True
            _LOGGER.warning(
                "The call report of %s cannot be read: %s", self._entry.title, err
            )

    def _succeeded(self) -> None:
        self._entry.runtime_data.is_report_read = True
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id)
        if self._is_failing:
            self._is_failing = False
            _LOGGER.info("The call report of %s can be read again", self._entry.title)

    def _raise_issue(self, err: PbxError) -> None:
        """Tell the owner what to allow; until then there are events alone."""
        self._entry.runtime_data.is_report_read = False
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=f"report_{err.translation_key}",
            translation_placeholders={"pbx": self._entry.title, "detail": err.detail},
        )


@callback
def async_forget_report(hass: HomeAssistant, entry: PbxConfigEntry) -> None:
    """Take back what was said of the report of an entry that is removed."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(entry))


def _now() -> float:
    return dt_util.utcnow().timestamp()


def _issue_id(entry: PbxConfigEntry) -> str:
    return f"report_not_readable_{entry.entry_id}"
