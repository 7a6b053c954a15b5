"""The seam: what every kind of PBX offers, and the errors that it may raise.

A kind of PBX is a package beside this module that provides a `PbxKind`. Nothing
above the seam knows which kind it talks to, or how that kind reports its calls.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
import time
from typing import Any, ClassVar, Final, NamedTuple, Protocol, Self

import aiohttp

from .redaction import clean_text, mask_number
from .updates import (
    CallResult,
    CallState,
    CallUpdate,
    ExtensionUpdate,
    VoicemailUpdate,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """One complete request for a call, checked and normalized.

    Attributes:
        call_id: unique name of the call; a PBX that accepts one calls it by it.
        caller: number that is rung first.
        callee: number that is rung when the caller has answered.
        context: routing of the PBX that finds its way to the callee.
        is_external: whether the caller is reached through a trunk.
        caller_id: number or name that phones show; None leaves it to the PBX.
        caller_name: name that goes with it; None is none. Not every PBX can show one.
        trunk_name: trunk that reaches the caller; or None.
        timeout: seconds for which each of the two may ring.
        call_limit: seconds after which the conversation is ended; None is no limit.
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

    def redacted(self) -> dict[str, Any]:
        """Return the request as it may stand in a diagnostics file."""
        shown = asdict(self)
        # Some PBXs take a name as the caller ID, which is starred as well.
        for name in ("caller", "callee", "caller_id"):
            shown[name] = shown[name] and mask_number(shown[name])
        shown["caller_name"] = shown["caller_name"] and "**REDACTED**"
        # A trunk is often called by its number.
        for name in ("context", "trunk_name"):
            shown[name] = shown[name] and clean_text(shown[name])
        return shown


class Placed(NamedTuple):
    """What a PBX answers to a request that it carried out.

    Attributes:
        call_id: how it names the call; None where it does not tell.
        ended: the result of a call that ended as soon as it was placed.
    """

    call_id: str | None
    ended: CallResult | None = None


class OpenCall(NamedTuple):
    """A call that has not ended, as a backend has to know it.

    Attributes:
        call_id: how the PBX names it: the request's name where it tells nothing.
        state: how far it has come.
        since: Unix time at which it came there, by our clock.
        began_at: Unix time at which it began, by our clock.
        is_requested: whether the request is still under way.
        is_uncertain: whether it is not known that there is such a call.
        request: None for a call of somebody else.
    """

    call_id: str
    state: CallState
    since: float
    began_at: float
    is_requested: bool
    is_uncertain: bool
    request: CallRequest | None


class Clock(NamedTuple):
    """The time, which tests drive.

    Attributes:
        time: returns the Unix time.
        sleep: waits for a number of seconds.
    """

    time: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Memory(Protocol):
    """What a backend remembers over a restart, until its address changes."""

    def get(self, key: str) -> str:
        """Return a value; empty where there is none."""

    def set(self, key: str, value: str) -> None:
        """Store a value."""


class DirectoryExtension(NamedTuple):
    """An extension in the PBX's own directory."""

    number: str
    name: str


class Directory(NamedTuple):
    """What a PBX offers to choose from.

    Attributes:
        extensions: in order of number.
        trunks: names, in order.
    """

    extensions: Sequence[DirectoryExtension] = ()
    trunks: Sequence[str] = ()


# The name of the event by which a PBX answers a ping.
PING: Final = "ping"


class Channel(StrEnum):
    """A way on which a PBX reports its calls."""

    STREAM = "stream"
    EVENTS = "events"
    REPORT = "report"


class ChannelState(StrEnum):
    """Whether a PBX can be heard on a channel."""

    OK = "ok"
    RECONNECTING = "reconnecting"
    FAILING = "failing"
    DENIED = "denied"
    TAKEN_OVER = "taken_over"
    SILENT = "silent"


class Feature(StrEnum):
    """What not every kind of PBX can do.

    `HANG_UP`: calls can be ended from here. `CALLER_NAME`: phones show a name beside
    the caller ID. `NAMED_CALLER_ID`: the caller ID itself may be a name.
    `PUSHED_EVENTS`: events come to an address of ours. `INTERNAL_TRUNK`: a trunk may
    be named for an internal caller, who is rung inside all the same. `OWN_WAY_OUT`: a
    caller outside is reached without naming a trunk.
    """

    HANG_UP = "hang_up"
    CALLER_NAME = "caller_name"
    NAMED_CALLER_ID = "named_caller_id"
    PUSHED_EVENTS = "pushed_events"
    INTERNAL_TRUNK = "internal_trunk"
    OWN_WAY_OUT = "own_way_out"


class Sink(Protocol):
    """What a backend reports to; one belongs to each backend."""

    def call(self, update: CallUpdate) -> None:
        """Report a fact about a call."""

    def extension(self, update: ExtensionUpdate) -> None:
        """Report what an extension is doing."""

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Report a voice message."""

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Report whether the PBX can be heard on a channel, and why not."""

    def open_calls(self) -> Sequence[OpenCall]:
        """Return the calls that have not ended, the oldest first."""


class Backend(Protocol):
    """One PBX, asked over the network. Every method may raise `PbxError`."""

    async def ping(self) -> None:
        """Return once the PBX has let us in."""

    async def originate(self, request: CallRequest) -> Placed:
        """Place a call, at most once. It is queued then; nobody has answered yet.

        Raises:
            CallUncertainError: the call may have been placed, or not. It must not
                be requested again.
            PbxError: the call was not placed.
        """

    async def hang_up(self, call_id: str) -> None:
        """End a call, whoever is ringing or talking.

        Raises:
            CallNotFoundError: there is no such call, or not anymore.
        """

    async def directory(self) -> Directory:
        """Return the extensions and trunks, as far as this account may read them.

        Raises:
            CredentialsError: the PBX does not know the credentials.
        """

    async def run(self) -> None:
        """Report what happens to the sink, until this is canceled."""

    async def receive(self, fields: Mapping[str, object]) -> str:
        """Take one request of the PBX to us.

        Returns:
            The name of the event in lowercase letters, such as `PING`'s; empty for
            one that is not known.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxKind:
    """A kind of PBX.

    Attributes:
        id: as it stands in a config entry's data.
        name: the maker's, for the device page and the default title.
        features: what it can do.
        channels: the ways on which it reports calls.
        create: makes a backend of a session, the entry's data, a memory, a sink and
            a clock; sends nothing.
        more_features: returns what one PBX can do besides, by the entry's data.
    """

    id: str
    name: str
    features: frozenset[Feature]
    channels: frozenset[Channel]
    create: Callable[
        [aiohttp.ClientSession, Mapping[str, Any], Memory, Sink, Clock], Backend
    ]
    more_features: Callable[[Mapping[str, Any]], frozenset[Feature]] | None = None

    def as_set_up(self, data: Mapping[str, Any]) -> Self:
        """Return it with all that one PBX of it can do, by its entry's data."""
        more = self.more_features(data) if self.more_features else frozenset()
        return replace(self, features=self.features | more) if more else self


class PbxErrorCode(StrEnum):
    """What went wrong; each is the key of a translated sentence."""

    CANNOT_CONNECT = "cannot_connect"
    HOST_NOT_FOUND = "host_not_found"
    SSL_ERROR = "ssl_error"
    TIMEOUT = "timeout_connect"
    INVALID_AUTH = "invalid_auth"
    ACCESS_DENIED = "access_denied"
    IP_NOT_PERMITTED = "ip_not_permitted"
    NOT_SUPPORTED = "not_supported"
    UNEXPECTED_ANSWER = "unexpected_answer"
    TOO_MANY_REQUESTS = "too_many_requests"
    REFUSED = "refused"
    ENDPOINT_NOT_FOUND = "endpoint_not_found"
    HANG_UP_NOT_SUPPORTED = "hang_up_not_supported"
    CALL_NOT_FOUND = "call_not_found"
    CALL_UNCERTAIN = "call_uncertain"
    TAKEN_OVER = "stream_taken_over"
    INTERNAL = "internal_error"


class PbxError(Exception):
    """A request to a PBX did not succeed.

    Attributes:
        code: what went wrong.
        detail: what the network or the PBX said, cleaned of private data.
    """

    code: PbxErrorCode

    def __init__(self, code: PbxErrorCode, detail: str = "") -> None:
        """Keep what went wrong."""
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class _CodedError(PbxError):
    """An error that code branches on: its class says which it is."""

    CODE: ClassVar[PbxErrorCode]

    def __init__(self, detail: str = "") -> None:
        """Keep what the network or the PBX said."""
        super().__init__(self.CODE, detail)


class CredentialsError(_CodedError):
    """The PBX does not know these credentials."""

    CODE = PbxErrorCode.INVALID_AUTH


class DeniedError(PbxError):
    """The PBX knows us, but does not offer or allow this; asking again is no use."""


class CallNotFoundError(_CodedError):
    """The PBX has no such call, or not anymore."""

    CODE = PbxErrorCode.CALL_NOT_FOUND


class CallUncertainError(_CodedError):
    """The request went out and its answer was lost: a phone may be ringing."""

    CODE = PbxErrorCode.CALL_UNCERTAIN

    def __init__(self, detail: str = "", call_id: str = "") -> None:
        """Keep how the PBX would name the call; empty where nobody knows."""
        super().__init__(detail)
        self.call_id = call_id


class TakenOverError(_CodedError):
    """Another client took over the event stream."""

    CODE = PbxErrorCode.TAKEN_OVER
