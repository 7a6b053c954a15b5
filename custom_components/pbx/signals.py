"""What the integration tells its own entities, triggers and waiting actions."""

from homeassistant.util.signal_type import SignalType

from .backends.updates import CallState, PbxEvent
from .calls.call import Call
from .const import DOMAIN

SIGNAL_CALL: SignalType[str, Call, CallState] = SignalType(f"{DOMAIN}_call")
"""A call of a config entry (its id) has come to a state."""

SIGNAL_PING: SignalType[str] = SignalType(f"{DOMAIN}_ping")
"""The PBX of a config entry (its id) has answered a ping."""

SIGNAL_PBX_EVENT: SignalType[str, PbxEvent] = SignalType(f"{DOMAIN}_event")
"""The PBX of a config entry (its id) has sent an event."""
