"""The Simotel backend: places calls, and reports them by events and the CDR report."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
import math
from typing import Final

from ..announcement import Audio, Message, SpeechTrace
from ..base import (
    CallRequest,
    Channel,
    ChannelState,
    Clock,
    Directory,
    Memory,
    OpenCall,
    Placed,
    Sink,
)
from ..errors import CredentialsError, DeniedError, PbxError, PbxErrorCode
from ..reconnect import Backoff, first_of, wait_for
from ..ring_result import RingResult
from ..updates import (
    CallResult,
    CallState,
    CallUpdate,
    Received,
    Side,
    Source,
    VoicemailUpdate,
)
from .announcer import Announcer
from .boxes import NO_SPEECH, SpeechSetup, is_question, parse_request
from .client import SimotelClient
from .events import parse_event
from .fields import call_time
from .report import ReportPage, best_first, cursor_before, later_cursor
from .ring import ring_phones
from .sound_api import SoundApi
from .sounds import Sounds

# Seconds between two requests for the report, which increase. If the account is not
# permitted to read it, the request is repeated, in case the permission is granted.
FIRST_DELAY: Final = 1
MAX_DELAY: Final = 15
GROWTH: Final = 1.5
DENIED_DELAY: Final = 900

# Seconds before the oldest open call from which the report is read, and the maximum
# difference between the time in a call's id and the PBX's clock for it to be trusted.
MARGIN: Final = 60
MAX_ID_TIME_OFFSET: Final = 86_400

# Seconds that an unconfirmed call without a call limit is assumed to last at most, and
# seconds by which its row in the report may be late.
PRESUMED_TALK_TIME: Final = 60
GRACE: Final = 10

# Maximum number of pages per reading. The report of some PBXs can only be read from
# its first row, and contains years of calls.
MAX_PAGES: Final = 50

# Number of voice messages that are remembered, so that none is reported twice.
MAX_MESSAGES: Final = 1024

# A Simotel that sends events also sends an event for each ping. After this many pings
# without any event, events count as missing.
MAX_UNANSWERED_PINGS: Final = 2

_CURSOR: Final = "cursor"
_EVENTS_SEEN: Final = "heard"


class SimotelBackend:
    """A backend for one Simotel; implements `Backend`.

    Events report most changes as they happen. The CDR report contains the end of every
    call, including one whose caller was unreachable; it is read while a call of this
    integration is open.
    """

    def __init__(
        self,
        client: SimotelClient,
        memory: Memory,
        sink: Sink,
        clock: Clock,
        speech: SpeechSetup = NO_SPEECH,
    ) -> None:
        """Initialize the backend; nothing is sent.

        Args:
            client: of the PBX.
            memory: keeps values across restarts.
            sink: receives the reports.
            clock: for all times.
            speech: what is drawn in the dialplan for announcements.
        """
        self._client = client
        self._memory = memory
        self._sink = sink
        self._clock = clock
        self._wake = asyncio.Event()
        self._speech = speech
        self._announcer = Announcer(client, speech, sink, clock)
        self._sounds = Sounds(
            SoundApi(client),
            speech.installation,
            memory,
            clock,
            self._announcer.sounds_in_use,
        )
        self._unanswered_pings = 0
        # A dictionary as an ordered set.
        self._messages: dict[tuple[str, VoicemailUpdate], None] = {}

    async def ping(self) -> str:
        """Check the connection and the credentials (``/setting/ping/act``).

        Returns:
            An empty text: the API does not report the version.
        """
        await self._client.ping()
        self._unanswered_pings += 1
        if (
            self._memory.get(_EVENTS_SEEN)
            and self._unanswered_pings >= MAX_UNANSWERED_PINGS
        ):
            self._sink.health(Channel.EVENTS, ChannelState.SILENT)
        return ""

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call, and start reading the report."""
        announcement = request.announcement
        try:
            if announcement is None:
                return Placed(await self._client.originate(request))
            self._sounds.note_use(announcement.audio.playlist)
            return Placed(await self._announcer.place(request))
        finally:
            self._wake.set()

    async def check_speech(self, request: CallRequest) -> None:
        """Check that announcements are drawn in the dialplan."""
        del request
        self._announcer.check()

    async def prepare_audio(self, request: CallRequest, message: Message) -> Audio:
        """Return a message whose sounds are stored on the PBX."""
        announcement = request.announcement
        pause = 0 if announcement is None else announcement.repeat_pause
        return await self._sounds.prepare(message, pause)

    def speech_trace(self, call_id: str) -> SpeechTrace | None:
        """Return what the boxes asked for in a recent call."""
        return self._announcer.trace(call_id)

    async def remove_audio(self, audio: Audio) -> None:
        """Remove the sounds of a message, unless a call needs them."""
        await self._sounds.remove(audio)

    async def remove_sounds(self) -> None:
        """Remove all sounds of this installation, as far as possible."""
        if self._speech.number or not self._sounds.is_empty:
            await self._sounds.remove_all()

    async def send_keys(self, call_id: str, keys: str, to: Side) -> None:
        """Raise an error, as the API cannot send keys."""
        del call_id, keys, to
        raise DeniedError(PbxErrorCode.NO_KEYS)

    async def ring(self, request: CallRequest) -> RingResult:
        """Connect the caller and the callee for a few seconds."""
        return await ring_phones(self._client, request, self._clock)

    async def hang_up(self, call_id: str) -> None:
        """Raise an error, as the API cannot hang up calls."""
        del call_id
        raise PbxError(PbxErrorCode.HANG_UP_NOT_SUPPORTED)

    async def directory(self) -> Directory:
        """Return the active users and trunks that the account may read."""
        extensions, trunks = await asyncio.gather(
            _or_empty(self._client.extensions()), _or_empty(self._client.trunks())
        )
        return Directory(extensions, trunks)

    async def receive(self, fields: Mapping[str, object]) -> Received:
        """Handle an event of the Event API, or answer a box."""
        if is_question(fields):
            commands = await self._announcer.answer(parse_request(fields))
            return Received("", {"ok": "1", "commands": commands})
        event = parse_event(fields)
        if not event.name:
            return Received("")
        self._unanswered_pings = 0
        self._memory.set(_EVENTS_SEEN, "yes")
        self._sink.health(Channel.EVENTS, ChannelState.OK)
        if event.call is not None:
            self._report_call(event.call)
        if event.extension is not None:
            self._sink.extension(event.extension)
        if event.voicemail is not None:
            self._report_voicemail(event.unique_id, event.voicemail)
        return Received(event.name)

    def _report_voicemail(self, unique_id: str, update: VoicemailUpdate) -> None:
        """Report a message once: the PBX repeats events whose response it missed."""
        message = unique_id, update
        if unique_id and message in self._messages:
            return
        self._messages[message] = None
        if len(self._messages) > MAX_MESSAGES:
            del self._messages[next(iter(self._messages))]
        self._sink.voicemail(update)

    async def run(self) -> None:
        """Read the report while a call of this integration is open."""
        if not self._speech.number:
            await self._read_reports()
            return
        await first_of(self._read_reports(), self._announcer.run(), self._sounds.run())

    async def _read_reports(self) -> None:
        backoff = Backoff(FIRST_DELAY, MAX_DELAY, growth=GROWTH, jitter=0)
        delay = backoff.next()
        while True:
            if not self._own_calls():
                await self._wake.wait()
            if await wait_for(self._wake, self._clock, delay):
                # Read the report soon after a new call, however old the others are.
                backoff.reset()
                await self._clock.sleep(backoff.next())
            delay = await self._read(backoff) if self._own_calls() else backoff.next()

    async def _read(self, backoff: Backoff) -> float:
        """Read the report, and return the seconds until it is read again."""
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
        beginning = min(map(self._requested_at, self._own_calls()))
        cursor = start = later_cursor(cursor_before(beginning - MARGIN), known)
        pages: list[ReportPage] = []
        try:
            while len(pages) < MAX_PAGES and not (pages and pages[-1].is_last):
                pages.append(await self._client.read_report(cursor, known))
                cursor = pages[-1].cursor
        finally:
            # Also keep the pages before an error: they are not read again.
            self._report_updates(pages)
            if cursor not in {start, known}:
                self._memory.set(_CURSOR, cursor)
        if pages[-1].is_last:
            self._end_unconfirmed(began)

    async def catch_up(self, cursor: str) -> str:
        """Report the ends of all calls since a reading, and return its new cursor.

        It has a cursor of its own: the report is also read from the calls of this
        integration onward.

        Args:
            cursor: that was returned before; empty to begin now, with no call.

        Raises:
            PbxError: the request failed; the same cursor can be used again.
        """
        if not cursor:
            return cursor_before(self._clock.time() + self._client.clock_offset)
        known = cursor
        cursor = start = later_cursor("", known)
        for _ in range(MAX_PAGES):
            page = await self._client.read_report(cursor, known)
            self._report_updates([page])
            cursor = page.cursor
            if page.is_last:
                break
        # Without a new row, it must not go back a little further each time.
        return known if cursor == start else cursor

    def _report_updates(self, pages: Sequence[ReportPage]) -> None:
        """Report the updates; the rows of a call may be on several pages."""
        for update in best_first(each for page in pages for each in page.updates):
            self._report_call(update)

    def _report_call(self, update: CallUpdate) -> None:
        """Report an update, which is by the PBX's clock."""
        complete = self._announcer.complete(self._to_local_time(update))
        if complete is not None:
            self._sink.call(complete)

    def _end_unconfirmed(self, began: float) -> None:
        """End unconfirmed calls whose row would be in the report by now.

        Args:
            began: Unix time at which the report was read, by the local clock.
        """
        for call in self._own_calls():
            if _is_unconfirmed(call) and _row_deadline(call) <= began:
                self._sink.call(
                    CallUpdate(
                        state=CallState.ENDED,
                        source=Source.REPORT,
                        originated_call_id=call.call_id,
                        result=CallResult.UNDETERMINED,
                    )
                )

    def _to_local_time(self, update: CallUpdate) -> CallUpdate:
        offset = self._client.clock_offset
        return replace(
            update,
            at=update.at and update.at - offset,
            began_at=update.began_at and update.began_at - offset,
        )

    def _own_calls(self) -> Sequence[OpenCall]:
        """Return the open calls of this integration, for which the report is read."""
        return [each for each in self._sink.open_calls() if each.request is not None]

    def _requested_at(self, call: OpenCall) -> float:
        """Return the Unix time of a call's request, by the PBX's clock."""
        by_clock = call.began_at + self._client.clock_offset
        by_id = call_time(call.call_id)
        # The id might not contain a time.
        if by_id is None or abs(by_id - by_clock) > MAX_ID_TIME_OFFSET:
            return by_clock
        return min(by_id, by_clock)


async def _or_empty[RowT](rows: Awaitable[Sequence[RowT]]) -> Sequence[RowT]:
    """Return the rows of a request; empty if it fails.

    Raises:
        CredentialsError: the PBX rejected the credentials.
    """
    try:
        return await rows
    except CredentialsError:
        raise
    except PbxError:
        return ()


def _is_unconfirmed(call: OpenCall) -> bool:
    """Return whether it is unknown if a call was placed."""
    return call.is_uncertain and not call.is_requested


def _row_deadline(call: OpenCall) -> float:
    """Return the Unix time by which a call has ended and its row is in the report."""
    request = call.request
    if request is None:
        return math.inf
    talk_time = request.message_time + (request.call_limit or PRESUMED_TALK_TIME)
    return call.began_at + 2 * request.timeout + talk_time + GRACE
