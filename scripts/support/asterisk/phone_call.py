"""A call that a speaking phone receives, and what the person does."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
import time

from .messages import PATIENCE, Message
from .rtp import Packet, Voice, sound
from .sip import Dialog, Media

# A key as most phones send it.
HOLD, GAP = 0.1, 0.1
_POLL_INTERVAL = 0.01
_REPETITION = 0.5
_REPETITIONS = 20
_END_PATIENCE = 5
_OK = "200 OK"

type Person = Callable[[SpeakingPhoneCall], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Manner:
    """What a speaking phone does when it is called.

    Attributes:
        ring: ring time in seconds; None: it rings forever.
        refusal: SIP status, such as `486 Busy Here`, instead of an answer.
        forward_to: number to which it forwards (302) instead of an answer.
        person: what the person does from the answer; the call goes on afterwards.
        hang_up_after: seconds of talk after which it hangs up; None: never.
        by_info: whether keys are sent by SIP INFO instead of RFC 4733.
        is_silent: whether it sends no sound, like a muted phone.
        says: what the person says over and over: 16 kHz, 16 bit, mono; empty: silence.
    """

    ring: float | None = 0.2
    refusal: str | None = None
    forward_to: str | None = None
    person: Person | None = None
    hang_up_after: float | None = None
    by_info: bool = False
    is_silent: bool = False
    says: bytes = b""


def presses(
    keys: str, *, after: float = 1, hold: float = HOLD, gap: float = GAP
) -> Person:
    """Return a person who presses keys some seconds after the first sound."""

    async def press(call: SpeakingPhoneCall) -> None:
        first = await call.hears()
        await asyncio.sleep(first + after - time.time())
        await call.press(keys, hold=hold, gap=gap)

    return press


class SpeakingPhoneCall:
    """A call that a speaking phone receives.

    Times are in seconds since 1970.

    Attributes:
        invite: the request that rang the phone.
        answered_at: when the phone answered; None: not yet, or never.
        ended_at: when the call ended, or was refused; None: not yet.
        hung_up_by_phone: whether the phone has hung up, not the PBX.
    """

    def __init__(
        self,
        invite: Message,
        manner: Manner,
        address: tuple[str, int],
        send: Callable[[str], None],
    ) -> None:
        """Initialize the call; it does not ring yet."""
        self.invite = invite
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.hung_up_by_phone = False
        self._manner = manner
        self._send = send
        self._address = address[0]
        self._dialog = Dialog(invite, *address)
        self._voice = Voice(address[0], is_silent=manner.is_silent, says=manner.says)
        self._final = ""
        self._is_acknowledged = asyncio.Event()
        self._has_ended = asyncio.Event()
        self._ok = asyncio.Event()
        self._tasks = [asyncio.create_task(self._live())]

    @property
    def packets(self) -> list[Packet]:
        """The RTP packets received so far, in order of arrival."""
        return self._voice.packets

    @property
    def heard(self) -> bytes:
        """The sound received so far: 8 kHz, 16 bit, mono, little endian."""
        return sound(self.packets)

    @property
    def first_sound(self) -> float | None:
        """Seconds from the answer to the first sound but silence, as far as known."""
        if self.answered_at is None:
            return None
        times = (packet.time for packet in self.packets if packet.is_loud)
        return next((first - self.answered_at for first in times), None)

    @property
    def largest_gap(self) -> float:
        """Seconds of the longest time between two packets; 0 if there are not two."""
        gaps = pairwise(packet.time for packet in self.packets)
        return max((end - start for start, end in gaps), default=0)

    @property
    def received_keys(self) -> str:
        """The keys that the PBX has sent so far (RFC 4733)."""
        return self._voice.keys

    async def answered(self, patience: float = PATIENCE) -> float:
        """Wait for the answer, and return its time.

        Raises:
            TimeoutError: there was none within `patience` seconds.
        """
        async with asyncio.timeout(patience):
            while self.answered_at is None:  # noqa: ASYNC110 - polled like messages
                await asyncio.sleep(_POLL_INTERVAL)
        return self.answered_at

    async def hears(self, patience: float = PATIENCE) -> float:
        """Wait for the first sound that is not silence, and return its time.

        Raises:
            TimeoutError: there was none within `patience` seconds.
        """
        checked = 0
        async with asyncio.timeout(patience):
            while True:
                packets = self.packets
                for packet in packets[checked:]:
                    if packet.is_loud:
                        return packet.time
                checked = len(packets)
                await asyncio.sleep(_POLL_INTERVAL)

    async def ended(self, patience: float = PATIENCE) -> None:
        """Wait for the end.

        Raises:
            TimeoutError: it did not end within `patience` seconds.
        """
        async with asyncio.timeout(patience):
            await self._has_ended.wait()

    async def press(self, keys: str, *, hold: float = HOLD, gap: float = GAP) -> None:
        """Press keys (`0-9*#A-D`), and return after the last one.

        Args:
            keys: to press.
            hold: seconds that each is held.
            gap: seconds after each.
        """
        await self.answered()
        if not self._manner.by_info:
            await self._voice.press(keys, hold=hold, gap=gap)
            return
        for key in keys:
            await self._request(
                "INFO",
                content_type="application/dtmf-relay",
                body=f"Signal={key}\r\nDuration={round(hold * 1000)}\r\n",
            )
            await asyncio.sleep(hold + gap)

    async def hang_up(self) -> None:
        """Hang up, or decline while it rings."""
        if self.ended_at is not None:
            return
        if self.answered_at is None:
            self._refuse("603 Decline")
            return
        with suppress(TimeoutError):  # a phone must not hang up before
            await asyncio.wait_for(self._is_acknowledged.wait(), _END_PATIENCE)
        if self.ended_at is None:
            self.hung_up_by_phone = True
            self._end()
            await self._request("BYE")

    async def close(self) -> None:
        """End all tasks, without sending anything; raise what a person raised."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        self._end()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await self._voice.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    def handle(self, message: Message) -> None:
        """Handle a message of the PBX."""
        match message.what:
            case "INVITE" if message.header("CSeq") == self.invite.header("CSeq"):
                if self._final:  # repeated
                    self._send(self._final)
            case "INVITE":
                self._answer_again(message)
            case "ACK":
                self._is_acknowledged.set()
            case "CANCEL":
                self._send(self._dialog.respond(message, _OK))
                if not self._final:
                    self._refuse("487 Request Terminated")
            case "BYE":
                self._send(self._dialog.respond(message, _OK))
                self._end()
            case "200":
                self._ok.set()
            case what if not what.isdigit():
                self._send(self._dialog.respond(message, _OK))

    async def _live(self) -> None:
        """Ring, then answer or refuse."""
        manner = self._manner
        if manner.ring is None or manner.ring > 0:
            self._send(self._dialog.respond(self.invite, "180 Ringing"))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_ended.wait(), manner.ring)
        if self.ended_at is not None:
            return
        if manner.forward_to or manner.refusal:
            self._refuse(manner.refusal or "302 Moved Temporarily", manner.forward_to)
            return
        self._answer()
        if manner.person:
            self._tasks.append(asyncio.ensure_future(self._act(manner.person)))
        if manner.hang_up_after is not None:
            await asyncio.sleep(manner.hang_up_after)
            await self.hang_up()

    async def _act(self, person: Person) -> None:
        """Let the person act until the call ends."""
        acting = asyncio.ensure_future(person(self))
        ending = asyncio.ensure_future(self._has_ended.wait())
        try:
            await asyncio.wait({acting, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (acting, ending):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await acting

    def _answer(self) -> None:
        self._final = self._dialog.respond(
            self.invite, _OK, body=self._media(self.invite).description()
        )
        self.answered_at = time.time()
        self._send_final()
        self._voice.start(Media.offered(self.invite))

    def _answer_again(self, invite: Message) -> None:
        """Answer an offer during the call."""
        body = self._media(invite).description()
        self._send(self._dialog.respond(invite, _OK, body=body))
        if self.answered_at is not None:
            self._voice.start(Media.offered(invite))

    def _media(self, invite: Message) -> Media:
        """Return where this phone receives sound."""
        media = Media.offered(invite)
        events = None if self._manner.by_info else media.events
        return replace(
            media, address=self._address, port=self._voice.port, events=events
        )

    def _refuse(self, status: str, forward_to: str | None = None) -> None:
        contact = f"sip:{forward_to}@{self._address}" if forward_to else ""
        self._final = self._dialog.respond(self.invite, status, contact=contact)
        self._send_final()
        self._end()

    def _send_final(self) -> None:
        self._send(self._final)
        self._tasks.append(asyncio.create_task(self._repeat()))

    async def _repeat(self) -> None:
        """Repeat the final response until it is acknowledged."""
        for _ in range(_REPETITIONS):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_acknowledged.wait(), _REPETITION)
                return
            self._send(self._final)

    def _end(self) -> None:
        if self.ended_at is None:
            self.ended_at = time.time()
            self._has_ended.set()
            self._voice.stop()

    async def _request(
        self, method: str, *, content_type: str = "", body: str = ""
    ) -> None:
        """Send a request, and wait for its response for a few seconds."""
        self._ok.clear()
        self._send(self._dialog.request(method, content_type=content_type, body=body))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ok.wait(), _END_PATIENCE)
