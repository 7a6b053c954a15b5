"""The seam: what every kind of PBX offers, and the errors it may answer with.

A kind of PBX is a package beside this module (`simotel`) that meets `PbxClient`.
Nothing above the seam knows which kind it talks to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from .evidence import PbxEvent, ReportPage


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """One complete request for a call, checked and normalised.

    Attributes:
        caller: the number that is rung first.
        callee: the number that is rung when the caller has answered.
        context: the routing of the PBX that finds its way to the callee.
        caller_id: the number that the other side sees.
        trunk_name: the line by which an outside caller is reached, if any.
        timeout: seconds to wait for an answer.
        call_limit: seconds after which the talk is ended; None is no limit.
    """

    caller: str
    callee: str
    context: str
    caller_id: str
    trunk_name: str | None
    timeout: int
    call_limit: int | None


@dataclass(frozen=True, slots=True)
class Extension:
    """A phone in the PBX's own directory."""

    number: str
    name: str


class PbxClient(Protocol):
    """A PBX, asked over the network; every method may raise `PbxError`."""

    manufacturer: ClassVar[str]
    """The maker's name, for the device page."""

    async def ping(self) -> None:
        """Ask whether the PBX is there and knows us."""

    async def originate(self, request: CallRequest) -> str | None:
        """Place a call and return its id: None if the PBX told none.

        The call is queued then, nobody has answered yet.

        Raises:
            CallUncertainError: the call may have been placed, or not. It must
                not be sent again.
            PbxError: any other class says that the call was not placed.
        """

    async def extensions(self) -> list[Extension]:
        """Return the phones in the PBX's directory, in order of number."""

    async def trunks(self) -> list[str]:
        """Return the names of the lines to the telephone network, in order."""

    @property
    def clock_offset(self) -> float:
        """Seconds that the PBX's clock was ahead of ours at its last answer."""

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

    def parse_event(self, fields: Mapping[str, object]) -> PbxEvent | None:
        """Return what a PBX sent to the address for its events.

        None is an event that nobody here knows. Never raises.
        """


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


class CallUncertainError(PbxError):
    """The request went out and its answer was lost: a phone may be ringing."""

    translation_key = "call_uncertain"
    summary = "The call may have been placed"
