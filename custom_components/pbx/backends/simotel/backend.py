"""A Simotel: calls are placed by its API, and reported by its events and its report."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
import math
from typing import Final

from ..base import (
    CallRequest,
    Channel,
    ChannelState,
    Clock,
    CredentialsError,
    DeniedError,
    Directory,
    Memory,
    OpenCall,
    PbxError,
    PbxErrorCode,
    Placed,
    Sink,
)
from ..reconnect import Backoff, wait_for
from ..updates import CallResult, CallState, CallUpdate, Source, VoicemailUpdate
from .client import SimotelClient
from .events import parse_event
from .fields import call_time
from .report import ReportPage, best_first, cursor_before, later_cursor

# Seconds between two readings of the report, which grow; and after one that the
# account may not make, so that a right that is granted later is noticed.
FIRST_DELAY: Final = 1
MAX_DELAY: Final = 15
GROWTH: Final = 1.5
DENIED_DELAY: Final = 900

# Seconds before a call, by the PBX's clock, from which its row is looked for, and
# how far the time in a call's id may be from that clock to be believed.
MARGIN: Final = 60
PLAUSIBLE: Final = 86_400

# Seconds that a conversation without a limit is presumed to last at most, where
# nothing has ever told that there is such a call; and that a row may be late.
PRESUMED_TALK_TIME: Final = 60
GRACE: Final = 10

# Pages of one reading. A history of years is not walked in one go, where a PBX lets
# us begin at its first row only.
MAX_PAGES: Final = 50

# Messages that are remembered, lest one is told of again.
MAX_MESSAGES: Final = 1024

# A Simotel that sends events answers each ping by one.
SILENT_PINGS: Final = 2

_CURSOR: Final = "cursor"
_HEARD: Final = "heard"


class SimotelBackend:
    """One Simotel; meets `Backend`.

    Events tell most, as they happen; the report tells the end of every call, also
    of one whose caller was never reached. It is read while a call from here is open.
    """

    def __init__(
        self, client: SimotelClient, memory: Memory, sink: Sink, clock: Clock
    ) -> None:
        """Initialize the backend; nothing is sent."""
        self._client = client
        self._memory = memory
        self._sink = sink
        self._clock = clock
        self._wake = asyncio.Event()
        self._unanswered_pings = 0
        # Serves as a set that keeps the order of the messages.
        self._messages: dict[tuple[str, VoicemailUpdate], None] = {}

    async def ping(self) -> None:
        """Ask whether the PBX is there and knows us (``/setting/ping/act``)."""
        await self._client.ping()
        self._unanswered_pings += 1
        if self._memory.get(_HEARD) and self._unanswered_pings >= SILENT_PINGS:
            self._sink.health(Channel.EVENTS, ChannelState.SILENT)

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call; the report is read from then on."""
        try:
            return Placed(await self._client.originate(request))
        finally:
            self._wake.set()

    async def hang_up(self, call_id: str) -> None:
        """Refuse: the API has no request that ends a call."""
        del call_id
        raise PbxError(PbxErrorCode.HANG_UP_NOT_SUPPORTED)

    async def directory(self) -> Directory:
        """Return the active users and trunks, as far as they may be read."""
        extensions, trunks = await asyncio.gather(
            _or_nothing(self._client.extensions()), _or_nothing(self._client.trunks())
        )
        return Directory(extensions, trunks)

    async def receive(self, fields: Mapping[str, object]) -> str:
        """Take an event of the Event API, and return its name; empty if unknown."""
        event = parse_event(fields)
        if not event.name:
            return ""
        self._unanswered_pings = 0
        self._memory.set(_HEARD, "yes")
        self._sink.health(Channel.EVENTS, ChannelState.OK)
        if event.call is not None:
            self._sink.call(self._by_our_clock(event.call))
        if event.extension is not None:
            self._sink.extension(event.extension)
        if event.voicemail is not None:
            self._take_voicemail(event.unique_id, event.voicemail)
        return event.name

    def _take_voicemail(self, unique_id: str, update: VoicemailUpdate) -> None:
        """Report a message once: events come again whose answer the PBX has missed."""
        message = unique_id, update
        if unique_id and message in self._messages:
            return
        self._messages[message] = None
        if len(self._messages) > MAX_MESSAGES:
            del self._messages[next(iter(self._messages))]
        self._sink.voicemail(update)

    async def run(self) -> None:
        """Read the report while a call from here is open."""
        backoff = Backoff(FIRST_DELAY, MAX_DELAY, growth=GROWTH, jitter=0)
        delay = backoff.next()
        while True:
            if not self._requests():
                await self._wake.wait()
            if await wait_for(self._wake, self._clock, delay):
                # A new call is looked for soon, however long the last one takes.
                backoff.reset()
                await self._clock.sleep(backoff.next())
            delay = await self._read(backoff) if self._requests() else backoff.next()

    async def _read(self, backoff: Backoff) -> float:
        """Read the report, and return the seconds until the next reading."""
        try:
            await self._read_pages()
        except DeniedError as err:
            self._sink.health(Channel.REPORT, ChannelState.DENIED, err)
            return DENIED_DELAY
        except PbxError as err:
            self._sink.health(Channel.REPORT, ChannelState.FAILING, err)
            backoff.slow_down()
        else:
            self._sink.health(Channel.REPORT, ChannelState.OK)
        return backoff.next()

    async def _read_pages(self) -> None:
        began, known = self._clock.time(), self._memory.get(_CURSOR)
        beginning = min(map(self._time_of, self._requests()))
        cursor = start = later_cursor(cursor_before(beginning - MARGIN), known)
        pages: list[ReportPage] = []
        try:
            while len(pages) < MAX_PAGES and not (pages and pages[-1].is_last):
                pages.append(await self._client.read_report(cursor, known))
                cursor = pages[-1].cursor
        finally:
            # Also of a reading that failed on the way: it is not read again.
            self._take(pages)
            if cursor not in {start, known}:
                self._memory.set(_CURSOR, cursor)
        if pages[-1].is_last:
            self._end_unknown(began)

    def _take(self, pages: Sequence[ReportPage]) -> None:
        """Report what was read; the rows of one call may stand on two pages."""
        for update in best_first(each for page in pages for each in page.updates):
            self._sink.call(self._by_our_clock(update))

    def _end_unknown(self, began: float) -> None:
        """End the calls whose answer was lost, and whose row would have to be there.

        Args:
            began: Unix time by our clock at which the report was read.
        """
        for call in self._requests():
            if _is_unknown(call) and _latest_row(call) <= began:
                self._sink.call(
                    CallUpdate(
                        state=CallState.ENDED,
                        source=Source.REPORT,
                        originated_call_id=call.call_id,
                        result=CallResult.UNDETERMINED,
                    )
                )

    def _by_our_clock(self, update: CallUpdate) -> CallUpdate:
        offset = self._client.clock_offset
        return replace(
            update,
            at=update.at and update.at - offset,
            began_at=update.began_at and update.began_at - offset,
        )

    def _requests(self) -> Sequence[OpenCall]:
        """Return the open calls from here: nothing else is read for."""
        return [each for each in self._sink.open_calls() if each.request is not None]

    def _time_of(self, call: OpenCall) -> float:
        """Return when a call was requested, by the PBX's clock."""
        by_clock = call.began_at + self._client.clock_offset
        by_id = call_time(call.call_id)
        # An id may hold something else than a time.
        if by_id is None or abs(by_id - by_clock) > PLAUSIBLE:
            return by_clock
        return min(by_id, by_clock)


async def _or_nothing[RowT](rows: Awaitable[Sequence[RowT]]) -> Sequence[RowT]:
    """Return what the account may read; nothing where it may not.

    Raises:
        CredentialsError: the PBX does not know the credentials.
    """
    try:
        return await rows
    except CredentialsError:
        raise
    except PbxError:
        return ()


def _is_unknown(call: OpenCall) -> bool:
    """Return whether nothing has ever told that there is such a call."""
    return call.is_uncertain and not call.is_requested


def _latest_row(call: OpenCall) -> float:
    """Return the Unix time at which a call has ended and is in the report, if it is."""
    request = call.request
    if request is None:
        return math.inf
    talk_time = request.call_limit or PRESUMED_TALK_TIME
    return call.began_at + 2 * request.timeout + talk_time + GRACE
