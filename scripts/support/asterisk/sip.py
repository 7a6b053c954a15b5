"""SIP messages that a speaking phone sends."""

from dataclasses import dataclass
import re
from typing import Self
from uuid import uuid4

from .messages import Message

_EVENTS = re.compile(r"^a=rtpmap:(\d+) telephone-event/8000", re.MULTILINE)
_CONNECTION = re.compile(r"^c=IN IP4 (\S+)", re.MULTILINE)
_AUDIO = re.compile(r"^m=audio (\d+) ", re.MULTILINE)

_RESPONSE_HEADERS = ("From", "Call-ID", "CSeq")


@dataclass(frozen=True, slots=True)
class Media:
    """Where one side receives sound.

    Attributes:
        address: IP address.
        port: UDP port.
        events: RTP payload type of keys (RFC 4733); None if they are not supported.
    """

    address: str
    port: int
    events: int | None

    @classmethod
    def offered(cls, message: Message) -> Self:
        """Return what a message offers; Asterisk always offers PCMU to the phones.

        Raises:
            ValueError: it offers no sound.
        """
        connection = _CONNECTION.search(message.text)
        audio = _AUDIO.search(message.text)
        if not (connection and audio):
            raise ValueError(message.text)
        events = _EVENTS.search(message.text)
        return cls(connection[1], int(audio[1]), int(events[1]) if events else None)

    def description(self) -> str:
        """Return the answer to an offer."""
        formats, maps = "0", "a=rtpmap:0 PCMU/8000\r\n"
        if self.events is not None:
            formats += f" {self.events}"
            maps += f"a=rtpmap:{self.events} telephone-event/8000\r\n"
            maps += f"a=fmtp:{self.events} 0-16\r\n"
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self.address}\r\ns=-\r\n"
            f"c=IN IP4 {self.address}\r\nt=0 0\r\n"
            f"m=audio {self.port} RTP/AVP {formats}\r\n"
            f"{maps}a=ptime:20\r\na=sendrecv\r\n"
        )


class Dialog:
    """The messages of a phone in a call that it received."""

    def __init__(self, invite: Message, address: str, port: int) -> None:
        """Initialize the dialog of a call."""
        self._invite = invite
        self._here = f"{address}:{port}"
        self._tag = uuid4().hex
        self._last = 0

    def respond(
        self, request: Message, status: str, *, contact: str = "", body: str = ""
    ) -> str:
        """Return a response, such as `200 OK`, to one of the PBX's requests."""
        to = request.header("To")
        if ";tag=" not in to:
            to += f";tag={self._tag}"
        return _join(
            f"SIP/2.0 {status}",
            *(f"Via: {via}" for via in request.headers("Via")),
            *(f"{name}: {request.header(name)}" for name in _RESPONSE_HEADERS),
            f"To: {to}",
            f"Contact: <{contact or f'sip:{self._here}'}>",
            content_type="application/sdp",
            body=body,
        )

    def request(self, method: str, *, content_type: str = "", body: str = "") -> str:
        """Return a request within the call."""
        self._last += 1
        contact = self._invite.header("Contact")
        target = contact.partition("<")[2].partition(">")[0] or contact
        return _join(
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._here};branch=z9hG4bK{uuid4().hex}",
            f"From: {self._invite.header('To')};tag={self._tag}",
            f"To: {self._invite.header('From')}",
            f"Call-ID: {self._invite.header('Call-ID')}",
            f"CSeq: {self._last} {method}",
            f"Contact: <sip:{self._here}>",
            "Max-Forwards: 70",
            content_type=content_type,
            body=body,
        )


def _join(*head: str, content_type: str, body: str) -> str:
    lines = [*head]
    if body:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join((*lines, "", body))
