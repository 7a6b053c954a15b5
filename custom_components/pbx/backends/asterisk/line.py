"""A caller in our application, who is connected to one or several callees in turn.

The callee is called by a Local channel into the dialplan, whose rules stay in force. It
has two sides: one is in our application, and the dialplan runs on the other.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from ..base import CallRequest
from .leg import DIALING_SUFFIX
from .models import absolute_limit, quoted_caller_id

# The suffixes of the callee's channel and of the bridge, after the id of the call.
_CALLEE_SUFFIX: Final = "-c"
_BRIDGE_SUFFIX: Final = "-b"
# Seconds after which Asterisk itself ends a call without a limit.
_LONGEST: Final = 24 * 60 * 60
# Seconds after which a key that was sent to the callee is reported, at most.
_ECHO_TIME: Final = 2
_KEY_TIME: Final = 0.3


class Stage(Enum):
    """What a caller is doing.

    `CALLED`: the caller's phone rings. `WAITING`: the callee is called. `HELD`: the
    callee has not answered, and another one may be called.
    """

    CALLED = auto()
    WAITING = auto()
    TALKING = auto()
    HELD = auto()
    OVER = auto()


@dataclass(slots=True, eq=False)
class Line:
    """A caller, and the call to the current callee.

    Attributes:
        request: of the current call.
        stage: what the caller is doing.
        caller_id: that the caller's phone has; empty if unknown.
        status: dial status of the callee's channel; empty if none was reported.
        is_placing: whether the request for that channel has no response yet.
        is_released: whether the caller is not held any more.
        is_gone: whether the caller's channel has ended before the callee's.
    """

    request: CallRequest
    stage: Stage
    caller_id: str = ""
    status: str = ""
    is_placing: bool = False
    is_released: bool = False
    is_gone: bool = False
    # Keys that were sent to the callee and are still reported as those of the caller,
    # and the Unix time until which they may be.
    _echoes: str = ""
    _echoes_until: float = 0

    @property
    def caller(self) -> str:
        """The id of the caller's channel."""
        return caller_of(self.request)

    @property
    def callee(self) -> str:
        """The id of the callee's channel in our application."""
        return callee_of(self.request)

    @property
    def dialing(self) -> str:
        """The id of the channel that runs the dialplan."""
        return self.request.call_id + DIALING_SUFFIX

    @property
    def bridge(self) -> str:
        """The id of the bridge in which both parties talk."""
        return self.request.call_id + _BRIDGE_SUFFIX

    @property
    def takes_keys(self) -> bool:
        """Whether keys are taken, and can be sent, now."""
        return self.request.takes_keys and self.stage is Stage.TALKING

    @property
    def progress(self) -> tuple[CallRequest, Stage]:
        """What changes as the calls of the caller go on."""
        return self.request, self.stage

    def begin(self, request: CallRequest) -> None:
        """Begin to call a callee."""
        self.request, self.stage = request, Stage.WAITING
        self.status = self._echoes = ""
        self.is_placing = True

    def expect_echoes(self, keys: str, now: float) -> None:
        """Expect keys that are sent to the callee to be reported.

        Args:
            keys: that are sent.
            now: Unix time.
        """
        if now > self._echoes_until:
            self._echoes = ""
        self._echoes += keys
        self._echoes_until = now + _ECHO_TIME + _KEY_TIME * len(self._echoes)

    def forget_echoes(self, keys: str) -> None:
        """Process that keys were not sent to the callee."""
        self._echoes = self._echoes.replace(keys, "", 1)

    def is_echo(self, key: str, now: float) -> bool:
        """Return whether a reported key was sent to the callee; each is, once.

        Keys of several requests may be sent in any order.
        """
        if now > self._echoes_until or key not in self._echoes:
            return False
        self._echoes = self._echoes.replace(key, "", 1)
        return True

    def body(self, application: str) -> dict[str, Any]:
        """Return the body of the request for the callee's channel."""
        request = self.request
        number = request.callee
        if request.announcement is not None and request.announcement.connect_to:
            number = request.announcement.connect_to
        body = {
            "endpoint": f"Local/{number}@{request.context}/n",
            "app": application,
            "appArgs": self.caller,
            "channelId": self.callee,
            "otherChannelId": self.dialing,
            "originator": self.caller,
            "timeout": request.timeout,
            "variables": {"TIMEOUT(absolute)": str(longest(request))},
        }
        if request.caller_id is not None:
            name = request.caller_name or ""
            return body | {"callerId": quoted_caller_id(name, request.caller_id)}
        return body | ({"callerId": self.caller_id} if self.caller_id else {})


def caller_of(request: CallRequest) -> str:
    """Return the id of the caller's channel."""
    return request.held_call or request.call_id


def callee_of(request: CallRequest) -> str:
    """Return the id of the callee's channel in our application.

    It is that of the call where the caller is on the line from an earlier one.
    """
    suffix = _CALLEE_SUFFIX if request.held_call is None else ""
    return request.call_id + suffix


def longest(request: CallRequest) -> int:
    """Return the seconds after which Asterisk itself ends a conversation."""
    return absolute_limit(request) or _LONGEST
