"""The seam: what every kind of PBX offers, and the errors it may answer with.

A kind of PBX is a package beside this module (`simotel`) that meets `PbxClient`.
Nothing above the seam knows which kind it talks to.
"""

from collections.abc import AsyncIterator, Mapping, Sequence, Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from .updates import CallEvidence, CallState, PbxEvent, ReportPage


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """One complete request for a call, checked and normalised.

    Attributes:
        caller: the number that is rung first.
        callee: the number that is rung when the caller has answered.
        context: the routing of the PBX that finds its way to the callee.
        caller_id: the number that the other side sees, or the name where the PBX
            takes one. None, for an external caller alone, leaves it to the PBX.
        caller_name: the name that goes with it; None is none. Not every PBX
            can show one.
        trunk_name: the line by which an outside caller is reached, if any. It is
            an internal caller's only where the PBX keeps such a call inside.
        timeout: seconds for which each of the two may ring.
        call_limit: seconds after which the talk is ended; None is no limit.
        call_id: how the PBX is to call it; empty where it names its calls itself.
    """

    caller: str
    callee: str
    context: str
    caller_id: str | None
    caller_name: str | None = None
    trunk_name: str | None
    timeout: int
    call_limit: int | None
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Extension:
    """A phone in the PBX's own directory."""

    number: str
    name: str


class Settled(NamedTuple):
    """What has become of calls.

    Attributes:
        evidence: about those that are on, and those that are gone.
        missing: what is known of the PBX here, but not there.
    """

    evidence: Sequence[CallEvidence]
    missing: AbstractSet[str]


class CallReport(Protocol):
    """What a PBX has written down of calls that are over, read page by page."""

    def call_time(self, originated_call_id: str) -> float | None:
        """Return the Unix time, by the PBX's clock, that a call's id tells."""

    def report_cursor(self, since: float, known: str) -> str:
        """Return where to begin to read the call report.

        Args:
            since: Unix time by the PBX's clock, before which nothing matters.
            known: the cursor that the last page ended with; empty if none was
                ever read. What was read once need not be read again, but for
                a little before it.
        """

    async def read_report(self, cursor: str, known: str) -> ReportPage:
        """Return the page of the call report that begins at a cursor.

        Args:
            cursor: as `report_cursor` or the last page told.
            known: where to go on from instead, if the PBX does not take a
                cursor that is no row of its own; empty is the very first row.
        """


class PushedEvents(Protocol):
    """What a PBX sends to an address of ours as things happen."""

    def parse_event(self, fields: Mapping[str, object]) -> PbxEvent | None:
        """Return what a PBX sent to the address for its events.

        None is an event that nobody here knows. Never raises.
        """


class EventStream(Protocol):
    """What a PBX tells on a connection that we open and keep."""

    def listen(
        self,
    ) -> AbstractAsyncContextManager[AsyncIterator[PbxEvent | CallEvidence]]:
        """Connect, and return what the PBX tells from then on.

        The iterator ends by a `PbxError` alone, when the connection is lost;
        a silent one counts as lost.

        Raises:
            PbxError: there is no connection.
            StreamTakenOverError: by somebody with the same name.
        """

    async def settle(
        self, calls: Mapping[str, CallState | None], missed: AbstractSet[str]
    ) -> Settled:
        """Return what has become of calls, whoever listens.

        What the PBX does not know is gone at the second look only: until then its
        end may be on its way as an event.

        Args:
            calls: by their ids, each with the state that it is known to have
                come to; None for one that may not have been placed.
            missed: what was missing at the look before, a little earlier.

        Raises:
            PbxError: the PBX did not tell.
        """

    async def is_abandoned(self) -> bool:
        """Return whether nobody listens under our name, by the PBX's word.

        A connection of ours of which the PBX knows nothing is ended.

        Raises:
            PbxError: the PBX did not tell.
        """


class PbxClient(Protocol):
    """A PBX, asked over the network; every method may raise `PbxError`.

    By which ways a PBX tells of calls is said by the three attributes that may
    be None; each kind has one of them at least.
    """

    manufacturer: ClassVar[str]
    """The maker's name, for the device page."""

    enforces_limits: ClassVar[bool]
    """Whether the PBX itself ends a callee's ringing and a talk in time.

    Where it does not, `hang_up` does it.
    """

    can_hang_up: ClassVar[bool]
    """Whether a call can be ended from here."""

    keeps_internal_calls: ClassVar[bool]
    """Whether an internal caller is rung inside, even if a trunk is named.

    Where they are not, none may be named.
    """

    takes_named_caller_id: ClassVar[bool]
    """Whether a caller ID may be a name, in place of a number."""

    @property
    def report(self) -> CallReport | None:
        """The call report, where the PBX has one that can be read."""

    @property
    def pushed_events(self) -> PushedEvents | None:
        """The events, where the PBX sends them to an address of ours."""

    @property
    def event_stream(self) -> EventStream | None:
        """The events, where they come on a connection of ours."""

    async def ping(self) -> None:
        """Ask whether the PBX is there and knows us."""

    def name_call(self) -> str:
        """Return the id for a new call; empty where the PBX names its calls."""

    async def originate(self, request: CallRequest) -> str | None:
        """Place a call and return its id: None if the PBX told none.

        The call is queued then, nobody has answered yet.

        Raises:
            CallUncertainError: the call may have been placed, or not. It must
                not be sent again.
            CallerUnreachableError: it was placed, and has ended already.
            PbxError: any other class says that the call was not placed.
        """

    async def hang_up(self, originated_call_id: str) -> None:
        """End a call, whoever is ringing or talking.

        Raises:
            CallNotFoundError: there is no such call, or not any more.
            HangUpNotSupportedError: this kind of PBX cannot do it.
        """

    async def extensions(self) -> list[Extension]:
        """Return the phones in the PBX's directory, in order of number."""

    async def trunks(self) -> list[str]:
        """Return the names of the lines to the telephone network, in order."""

    @property
    def clock_offset(self) -> float:
        """Seconds that the PBX's clock was ahead of ours at its last answer."""


class PbxError(Exception):
    """A request to the PBX did not succeed.

    Attributes:
        translation_key: the sentence that tells a person what to do about it.
        detail: what the network or the PBX said, cleaned of private data.
    """

    translation_key: ClassVar[str]
    summary: ClassVar[str]

    def __init__(self, detail: str) -> None:
        """Keep what the network or the PBX said."""
        super().__init__(f"{self.summary}: {detail}")
        self.detail = detail


class CannotConnectError(PbxError):
    """No connection: refused, unreachable, or never got as far as sending."""

    translation_key = "cannot_connect"
    summary = "Cannot connect"


class HostNotFoundError(CannotConnectError):
    """The host's name is not known."""

    translation_key = "host_not_found"
    summary = "Host not found"


class TlsError(CannotConnectError):
    """No trust: the certificate, or the other side speaks no TLS."""

    translation_key = "ssl_error"
    summary = "No secure connection"


class RequestTimeoutError(PbxError):
    """The PBX did not answer in time."""

    translation_key = "timeout_connect"
    summary = "No answer in time"


class InvalidCredentialsError(PbxError):
    """The PBX does not know these credentials."""

    translation_key = "invalid_auth"
    summary = "Wrong credentials"


class AccessDeniedError(PbxError):
    """Right credentials, but this account may not make the request in `detail`."""

    translation_key = "access_denied"
    summary = "Request not allowed for this account"


class AddressNotPermittedError(PbxError):
    """The PBX takes no requests from this machine's network address."""

    translation_key = "ip_not_permitted"
    summary = "This machine's address is not permitted"


class UnexpectedAnswerError(PbxError):
    """The answer is not one that this kind of PBX gives, which says so in its words."""


class NotSupportedError(PbxError):
    """The PBX has no such service: too old, or a module is missing."""

    translation_key = "not_supported"
    summary = "No such service"


class RefusedError(PbxError):
    """The PBX understood the request and refused it in its own words."""

    translation_key = "refused"
    summary = "Refused"


class TooManyRequestsError(PbxError):
    """The PBX is asked too often, and has not looked at the request."""

    translation_key = "too_many_requests"
    summary = "Too many requests"


class HangUpNotSupportedError(PbxError):
    """This kind of PBX has no request that ends a call."""

    translation_key = "hang_up_not_supported"
    summary = "Calls cannot be ended"


class CallNotFoundError(PbxError):
    """The PBX has no such call, or not any more."""

    translation_key = "call_not_found"
    summary = "No such call"


class StreamTakenOverError(PbxError):
    """Somebody else listens to the PBX under our name, and we do not any more."""

    translation_key = "stream_taken_over"
    summary = "Somebody else took the events over"


class CallError(PbxError):
    """An error whose call there was, or may have been.

    Attributes:
        originated_call_id: of that call; empty where nobody knows it.
    """

    def __init__(self, detail: str, originated_call_id: str = "") -> None:
        """Keep which call it is about."""
        super().__init__(detail)
        self.originated_call_id = originated_call_id


class CallUncertainError(CallError):
    """The request went out and its answer was lost: a phone may be ringing."""

    translation_key = "call_uncertain"
    summary = "The call may have been placed"


class CallerUnreachableError(CallError):
    """The call has ended as soon as it was placed: the caller cannot be rung.

    It has a result like any other call, so it reaches nobody as an error.
    """

    translation_key = "caller_unreachable"
    summary = "The caller cannot be rung"
