"""SIP messages of a phone, from SIPp's message trace."""

from abc import ABC, abstractmethod
import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
import csv
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
import re
from typing import Self

_HEAD = re.compile(
    r"^-{20,} (?P<time>.+)\n"
    r"UDP message (?P<direction>received|sent) ?\[\d+\] bytes ?:\n\n",
    re.MULTILINE,
)
_REFUSED = 300
_POLL_INTERVAL = 0.01
PATIENCE = 60
_START_LINE = re.compile(r"SIP/2.0 (?P<status>\d+)|(?P<method>[A-Z]+) ")


@dataclass(frozen=True, slots=True)
class Message:
    """A SIP message.

    Attributes:
        time: in seconds since 1970.
        received: whether it was received; otherwise it was sent.
        what: method of a request or status of a response: `INVITE`, `486`.
        text: of the whole message.
    """

    time: float
    received: bool
    what: str
    text: str

    @classmethod
    def parse(cls, text: str, *, time: float, received: bool) -> Self | None:
        """Return a message; None for a text that is none."""
        if not (start_line := _START_LINE.match(text)):
            return None
        what = start_line["status"] or start_line["method"]
        return cls(time, received, what, text)

    def header(self, name: str) -> str:
        """Return the value of a header, or an empty string."""
        return next(iter(self.headers(name)), "")

    def headers(self, name: str) -> list[str]:
        """Return the values of a header that can be repeated."""
        return re.findall(rf"^{name}:\s*(.*?)\s*$", self.text, re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """SIPp's call counters, and the number of messages of each kind.

    Retransmissions are not counted.
    """

    created: int = 0
    successful: int = 0
    failed: int = 0
    current: int = 0
    received: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)


class Traced(ABC):
    """Messages that can be waited for."""

    @property
    @abstractmethod
    def messages(self) -> Sequence[Message]:
        """The messages sent and received so far."""

    async def saw(
        self, what: str, times: int = 1, patience: float = PATIENCE
    ) -> Message:
        """Wait for the n-th message of a kind, and return it.

        Raises:
            TimeoutError: it was not received or sent within `patience` seconds.
        """
        async with asyncio.timeout(patience):
            while len(found := self._found(what)) < times:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(_POLL_INTERVAL)
        return found[times - 1]

    def _found(self, what: str) -> list[Message]:
        return [message for message in self.messages if message.what == what]


def read_messages(trace: Path) -> list[Message]:
    """Return the messages of the trace, which SIPp writes without delay."""
    return list(_messages(trace.read_text(errors="replace"))) if trace.exists() else []


def open_calls(messages: list[Message]) -> set[str]:
    """Return the IDs of the calls that have not ended."""
    seen: defaultdict[str, list[Message]] = defaultdict(list)
    for message in messages:
        seen[message.header("Call-ID")].append(message)
    return {call for call, those in seen.items() if not _is_over(those)}


def count(statistics: Path, messages: list[Message]) -> Counts:
    """Return the counts from SIPp's statistics and the messages."""
    with statistics.open(newline="") as file:
        *_, row = csv.DictReader(file, delimiter=";")
    return Counts(
        created=int(row["TotalCallCreated"]),
        successful=int(row["SuccessfulCall(C)"]),
        failed=int(row["FailedCall(C)"]),
        current=int(row["CurrentCall"]),
        received=_kinds(messages, received=True),
        sent=_kinds(messages, received=False),
    )


def _is_over(messages: list[Message]) -> bool:
    """Return whether the call was hung up, or its refusal was acknowledged."""
    kinds = {(each.what, each.header("CSeq").rpartition(" ")[2]) for each in messages}
    is_refused = any(
        what.isdigit() and int(what) >= _REFUSED and method == "INVITE"
        for what, method in kinds
    )
    return ("200", "BYE") in kinds or (is_refused and ("ACK", "ACK") in kinds)


def _messages(text: str) -> Iterator[Message]:
    heads = list(_HEAD.finditer(text))
    ends = [*(head.start() for head in heads), len(text)][1:]
    for head, end in zip(heads, ends, strict=False):
        if message := Message.parse(
            text[head.end() : end].strip(),
            time=_seconds(head["time"]),
            received=head["direction"] == "received",
        ):
            yield message


def _seconds(stamp: str) -> float:
    """Parse a time; older versions of SIPp append the seconds since 1970."""
    last = stamp.rsplit(maxsplit=1)[-1]
    return datetime.fromisoformat(last).timestamp() if "T" in last else float(last)


def _kinds(messages: list[Message], *, received: bool) -> Counter[str]:
    distinct = {
        (message.what, message.header("Call-ID"), message.header("CSeq"))
        for message in messages
        if message.received == received
    }
    return Counter(what for what, _, _ in distinct)
