"""The changes of a PBX that its listeners are notified of."""

from collections.abc import Callable
from typing import NamedTuple

from ..backends.base import Channel, ChannelState
from ..backends.errors import PbxError
from ..backends.updates import CallState, ExtensionUpdate, Side, VoicemailUpdate
from .call import Call


class CallChanged(NamedTuple):
    """A call reached a state."""

    call: Call
    state: CallState


class KeyPressed(NamedTuple):
    """A key was pressed in a call that takes keys.

    Attributes:
        call: in which two parties talk.
        digit: the key.
        side: who has pressed it.
    """

    call: Call
    digit: str
    side: Side


class SpeechChecked(NamedTuple):
    """Whether the PBX can play announcements was checked.

    Attributes:
        error: why it cannot; None if it can.
    """

    error: PbxError | None


class SpeechFailed(NamedTuple):
    """The PBX could not play an announcement to a person who had answered."""


class HealthChanged(NamedTuple):
    """The health of a channel of the PBX changed."""

    channel: Channel
    state: ChannelState


class LimitChanged(NamedTuple):
    """The hourly limit began or stopped refusing calls, which may indicate a loop.

    Attributes:
        limit: calls that are allowed within an hour; None if it stopped refusing calls.
    """

    limit: int | None


class SettingsChanged(NamedTuple):
    """The options, the contacts or the title of the PBX changed."""


type Change = (
    CallChanged
    | KeyPressed
    | SpeechChecked
    | SpeechFailed
    | ExtensionUpdate
    | VoicemailUpdate
    | HealthChanged
    | LimitChanged
    | SettingsChanged
)
type Listener = Callable[[Change], None]
