"""The interface that every kind of PBX implements.

A kind of PBX is a package next to this module that provides a `PbxKind`. Code outside
of these packages does not depend on the kind, or on how it reports calls.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
import time
from typing import Any, Final, NamedTuple, Protocol, Self

from .announcement import NO_AUDIO, Announced, Announcement, Audio, Message, SpeechTrace
from .errors import PbxError
from .redaction import clean_text, mask_number
from .ring_result import RingResult
from .updates import (
    CallResult,
    CallState,
    CallUpdate,
    ExtensionUpdate,
    KeyUpdate,
    Received,
    Side,
    VoicemailUpdate,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """A complete call request, validated and normalized.

    Attributes:
        call_id: unique id of the call; a PBX that accepts ids uses it.
        caller: number that rings first.
        callee: number that is dialed after the caller has answered.
        context: dialplan context in which the PBX looks up the callee.
        is_external: whether the caller is an external number.
        caller_id: number or name that phones show; None leaves it to the PBX.
        caller_name: name shown with the caller ID, if any. Not every PBX can show one.
        trunk_name: trunk that reaches the caller; None for the PBX's own routing.
        timeout: seconds that each of the two may ring.
        call_limit: seconds after which the conversation is ended; None for no limit.
        group: id of the calls that ring together: the callers of all of them ring, and
            only the one that answers first is connected. None for a single call.
        is_signal: whether the caller only hears a short tone, and no callee is dialed.
        auto_answer: whether the caller's phone answers by itself, as an intercom does.
        ring_tone: of the caller's phone, as its manufacturer names it; None for none.
        announcement: what the person who is called hears; None for a call between two
            parties. That person rings first, and is the caller and the callee.
        takes_keys: whether keys are taken, and can be sent, while both parties talk.
        held_call: id of the call whose caller is on the line, and is connected to the
            callee of this one; None to ring the caller.
        hold_time: seconds for which the caller stays on the line if the callee does
            not answer; None to end the call.
    """

    call_id: str
    caller: str
    callee: str
    context: str
    is_external: bool = False
    caller_id: str | None = None
    caller_name: str | None = None
    trunk_name: str | None = None
    timeout: int
    call_limit: int | None = None
    group: str | None = None
    is_signal: bool = False
    auto_answer: bool = False
    ring_tone: str | None = None
    announcement: Announcement | None = None
    takes_keys: bool = False
    held_call: str | None = None
    hold_time: int | None = None

    def without_message(self) -> Self:
        """Return the request without what is said and which keys are sent."""
        if self.announcement is None:
            return self
        announcement = replace(self.announcement, audio=NO_AUDIO, send_keys="")
        return replace(self, announcement=announcement)

    @property
    def is_bridged(self) -> bool:
        """Whether the backend itself connects the two parties."""
        is_held = self.held_call is not None or self.hold_time is not None
        return self.announcement is None and (self.takes_keys or is_held)

    @property
    def message_time(self) -> float:
        """The seconds that an announcement may last; 0 without one."""
        return 0 if self.announcement is None else self.announcement.longest

    @property
    def numbers(self) -> dict[str, str]:
        """The numbers that the PBX dials, by the name of their field."""
        numbers = {"caller": self.caller, "callee": self.callee}
        if self.announcement is None:
            return numbers
        del numbers["caller"]
        if self.announcement.connect_to is not None:
            numbers["connect_to"] = self.announcement.connect_to
        return numbers

    @property
    def ring_group(self) -> str | None:
        """Id of the calls that ring together; None if the PBX connects the call."""
        return self.call_id if self.group is None and self.is_signal else self.group

    def redacted(self) -> dict[str, Any]:
        """Return the request without private data, for diagnostics."""
        shown = asdict(replace(self, announcement=None))
        shown["announcement"] = self.announcement and self.announcement.redacted()
        # Some PBXs accept a name as the caller ID, which is masked as well.
        for name in ("caller", "callee", "caller_id"):
            shown[name] = shown[name] and mask_number(shown[name])
        shown["caller_name"] = shown["caller_name"] and "**REDACTED**"
        # Trunks are often named after their number.
        for name in ("context", "trunk_name"):
            shown[name] = shown[name] and clean_text(shown[name])
        return shown


class Placed(NamedTuple):
    """A call that a PBX has placed.

    Attributes:
        call_id: the PBX's id of the call; None if it did not return one.
        ended: the result of a call that ended as soon as it was placed.
    """

    call_id: str | None
    ended: CallResult | None = None


class OpenCall(NamedTuple):
    """A call that has not ended, as backends see it.

    Attributes:
        call_id: the PBX's id of the call; the request's if the PBX returned none.
        state: the current state.
        since: Unix time of the last change of state, by the local clock.
        began_at: Unix time at which the call began, by the local clock.
        is_requested: whether the PBX has not answered the request yet.
        is_uncertain: whether it is unknown if the call was placed.
        request: None for a call that was not placed by this integration.
        announced: what came of its announcement so far; None without one.
    """

    call_id: str
    state: CallState
    since: float
    began_at: float
    is_requested: bool
    is_uncertain: bool
    request: CallRequest | None
    announced: Announced | None = None


class Clock(NamedTuple):
    """A clock that tests can control.

    Attributes:
        time: returns the Unix time.
        sleep: waits for a number of seconds.
    """

    time: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Memory(Protocol):
    """Values that a backend keeps across restarts, until the PBX's address changes."""

    def get(self, key: str) -> str:
        """Return a value; empty if it is not set."""

    def set(self, key: str, value: str) -> None:
        """Store a value."""


class DirectoryExtension(NamedTuple):
    """An extension in the PBX's own directory."""

    number: str
    name: str


class Directory(NamedTuple):
    """The extensions and trunks of a PBX.

    Attributes:
        extensions: sorted by number.
        trunks: sorted names.
    """

    extensions: Sequence[DirectoryExtension] = ()
    trunks: Sequence[str] = ()


# The name of the event that a PBX sends when it is pinged.
PING: Final = "ping"


class Channel(StrEnum):
    """A channel through which a PBX reports its calls."""

    STREAM = "stream"
    EVENTS = "events"
    REPORT = "report"


class ChannelState(StrEnum):
    """The health of a channel."""

    OK = "ok"
    RECONNECTING = "reconnecting"
    FAILING = "failing"
    DENIED = "denied"
    TAKEN_OVER = "taken_over"
    SILENT = "silent"


class Feature(StrEnum):
    """A feature that not every kind of PBX has.

    `HANG_UP`: calls can be hung up by a request. `CALLER_NAME`: phones show a name next
    to the caller ID. `NAMED_CALLER_ID`: the caller ID itself may be a name.
    `PUSHED_EVENTS`: the PBX sends events to a webhook. `INTERNAL_TRUNK`: a request with
    an internal caller may name a trunk; the caller's extension rings regardless.
    `OPTIONAL_TRUNK`: an external caller can be reached without naming a trunk.
    `RING_ALONE`: a phone can be rung without connecting it to another one.
    `WEB_INTERFACE`: the origin of the address is a website for browsers.
    `GROUPS`: calls of one group ring together, and a call may be a signal.
    `RING_TONE`: the caller's phone can be given a ring tone, and can answer by itself.
    `SPEECH`: the PBX can play an announcement. `SPEECH_KEYS`: it takes keys meanwhile.
    `SPEECH_CONNECT`: it can connect a second party after it. `SPEECH_SENDS`: it can
    send keys before it, and `#` can confirm it. `SPOKEN_VALUES`: it speaks numbers,
    times and dates with a voice of its own. `DRAWN_SPEECH`: what plays announcements
    has to be set up in its dialplan, and in the options.
    `KEYS`: keys are taken and can be sent while two parties talk, and a caller can be
    held on the line while several callees are tried.
    """

    HANG_UP = "hang_up"
    CALLER_NAME = "caller_name"
    NAMED_CALLER_ID = "named_caller_id"
    PUSHED_EVENTS = "pushed_events"
    INTERNAL_TRUNK = "internal_trunk"
    OPTIONAL_TRUNK = "optional_trunk"
    RING_ALONE = "ring_alone"
    WEB_INTERFACE = "web_interface"
    GROUPS = "groups"
    RING_TONE = "ring_tone"
    SPEECH = "speech"
    SPEECH_KEYS = "speech_keys"
    SPEECH_CONNECT = "speech_connect"
    SPEECH_SENDS = "speech_sends"
    SPOKEN_VALUES = "spoken_values"
    DRAWN_SPEECH = "drawn_speech"
    KEYS = "keys"


class Sink(Protocol):
    """Receives the reports of one backend."""

    def call(self, update: CallUpdate) -> None:
        """Report an update of a call."""

    def extension(self, update: ExtensionUpdate) -> None:
        """Report the state of an extension."""

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Report a voice message."""

    def key(self, update: KeyUpdate) -> None:
        """Report a key that was pressed while two parties talk."""

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Report the health of a channel, and the error that caused it."""

    def speech_failed(self, call_id: str) -> None:
        """Report that the PBX could not play an announcement in an answered call."""

    def open_calls(self) -> Sequence[OpenCall]:
        """Return the calls that have not ended, oldest first."""


class Backend(Protocol):
    """A PBX on the network. Every method may raise `PbxError`."""

    async def ping(self) -> str:
        """Check the connection and the credentials.

        Returns:
            The version of the PBX; empty if it is unknown.
        """

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call, at most once. Return before the caller has answered.

        Raises:
            CallUncertainError: the call may have been placed, or not. It must not
                be requested again.
            PbxError: the call was not placed.
        """

    async def check_speech(self, request: CallRequest) -> None:
        """Check that an announcement can be played; nothing is called.

        Raises:
            DeniedError: the PBX cannot play it; the code names what is missing.
            PbxError: a request failed.
        """

    async def prepare_audio(self, request: CallRequest, message: Message) -> Audio:
        """Return a message, ready to be played in a call; nothing is called.

        `check_speech` comes first.

        Args:
            request: of one of the calls, without audio.
            message: what is to be heard.

        Raises:
            PbxError: a request failed. Errors of making the audio are passed on.
        """

    def speech_trace(self, call_id: str) -> SpeechTrace | None:
        """Return what the PBX asked for in a recent call; None if that is not known."""

    async def remove_audio(self, audio: Audio) -> None:
        """Remove what was stored on the PBX for a message, unless a call needs it.

        Raises:
            PbxError: a request failed.
        """

    async def remove_sounds(self) -> None:
        """Remove everything that was stored on the PBX, as far as possible."""

    async def send_keys(self, call_id: str, keys: str, to: Side) -> None:
        """Send keys of ``0-9*#A-D`` to one party of a call that takes keys.

        Raises:
            CallNotFoundError: there is no such call, or it has ended.
            DeniedError: the call was placed without keys, or that party is not
                connected yet.
            PbxError: the request failed.
        """

    async def ring(self, request: CallRequest) -> RingResult:
        """Ring the caller, and return what that has shown when the call has ended.

        The call is not reported to the sink, and ends if this is canceled. With
        `Feature.RING_ALONE`, the person who answers hears a sound, and the callee is
        only checked; without it, the callee is called.

        Raises:
            PbxError: the call was not placed, or the connection was lost.
        """

    async def hang_up(self, call_id: str) -> None:
        """Hang up a call in any state.

        Raises:
            CallNotFoundError: the PBX has no such call, or it has ended.
        """

    async def directory(self) -> Directory:
        """Return the extensions and trunks that this account may read.

        Raises:
            CredentialsError: the PBX rejected the credentials.
        """

    async def run(self) -> None:
        """Report updates to the sink until canceled."""

    async def receive(self, fields: Mapping[str, object]) -> Received:
        """Handle a request that the PBX has sent to the webhook.

        Args:
            fields: of an event, or of a question, which is answered from memory.
        """
