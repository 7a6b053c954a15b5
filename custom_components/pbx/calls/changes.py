"""The changes of a PBX that its listeners are notified of."""

from collections.abc import Callable
from typing import NamedTuple

from ..backends.base import Channel, ChannelState
from ..backends.updates import CallState, ExtensionUpdate, VoicemailUpdate
from .call import Call


class CallChanged(NamedTuple):
    """A call reached a state."""

    call: Call
    state: CallState


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
    | ExtensionUpdate
    | VoicemailUpdate
    | HealthChanged
    | LimitChanged
    | SettingsChanged
)
type Listener = Callable[[Change], None]
