"""The errors that every kind of PBX may raise."""

from enum import StrEnum
from typing import ClassVar


class PbxErrorCode(StrEnum):
    """What went wrong; each code is the key of a translated message."""

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
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    NO_STREAM = "no_stream"
    NO_RING_TONE = "no_ring_tone"
    NO_SPEECH = "no_speech"
    NO_KEYS = "no_keys"
    CALLER_GONE = "caller_gone"
    INTERNAL = "internal_error"


class PbxError(Exception):
    """A request to a PBX failed.

    Attributes:
        code: what went wrong.
        detail: the message of the network or the PBX, without private data.
    """

    code: PbxErrorCode

    def __init__(self, code: PbxErrorCode, detail: str = "") -> None:
        """Initialize the error."""
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class _CodedError(PbxError):
    """An error with a fixed code, whose class can be caught."""

    CODE: ClassVar[PbxErrorCode]

    def __init__(self, detail: str = "") -> None:
        """Initialize the error with the message of the network or the PBX."""
        super().__init__(self.CODE, detail)


class CredentialsError(_CodedError):
    """The PBX rejected the credentials."""

    CODE = PbxErrorCode.INVALID_AUTH


class DeniedError(PbxError):
    """The account is valid, but the request is not supported or not permitted.

    Retrying does not help.
    """


class CallNotFoundError(_CodedError):
    """The PBX has no such call, or it has ended."""

    CODE = PbxErrorCode.CALL_NOT_FOUND


class CallUncertainError(_CodedError):
    """The request was sent, but its response was lost: a phone may be ringing."""

    CODE = PbxErrorCode.CALL_UNCERTAIN

    def __init__(self, detail: str = "", call_id: str = "") -> None:
        """Initialize the error with the PBX's id of the call; empty if unknown."""
        super().__init__(detail)
        self.call_id = call_id


class TakenOverError(_CodedError):
    """Another client took over the event stream."""

    CODE = PbxErrorCode.TAKEN_OVER
