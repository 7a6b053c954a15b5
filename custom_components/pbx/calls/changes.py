"""What changes at a PBX, for whoever follows it."""

from collections.abc import Callable
from typing import NamedTuple

from ..backends.base import Channel, ChannelState
from ..backends.updates import CallState, ExtensionUpdate, VoicemailUpdate
from .call import Call


class CallChanged(NamedTuple):
    """A call has come to a state."""

    call: Call
    state: CallState


class HealthChanged(NamedTuple):
    """The PBX can be heard on a channel again, or not anymore."""

    channel: Channel
    state: ChannelState


class LimitChanged(NamedTuple):
    """A call was refused by the hourly limit, which may be a loop, or is not anymore.

    Attributes:
        limit: calls that may be placed within an hour; None where one was placed.
    """

    limit: int | None


class SettingsChanged(NamedTuple):
    """Options, contacts or the title have changed."""


type Change = (
    CallChanged
    | ExtensionUpdate
    | VoicemailUpdate
    | HealthChanged
    | LimitChanged
    | SettingsChanged
)
type Listener = Callable[[Change], None]
