"""Find the callers in our application again, after events were missed.

Their channels and bridges live on in Asterisk while the event stream is down, or Home
Assistant restarts. This module does no I/O: it takes lists of both.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from ..base import OpenCall
from ..updates import CallState
from .fields import STASIS, mapping_in, running_app, text_in
from .line import Line, Stage, callee_of
from .models import is_line

_STAGES: Final = {
    CallState.PLACED: Stage.CALLED,
    CallState.RINGING_CALLEE: Stage.WAITING,
    CallState.CONNECTED: Stage.TALKING,
}
# Prefix of channels of calls that were placed by this or another Home Assistant.
_OWN_PREFIX: Final = "ha-"

type Channels = Mapping[str, Mapping[str, Any]]


def lines_of(calls: Iterable[OpenCall]) -> Iterator[Line]:
    """Yield the callers of open calls, as after a restart."""
    for call in calls:
        request = call.request
        if request is not None and is_line(request) and not call.is_requested:
            is_held = request.held_call is not None and call.state is CallState.PLACED
            yield Line(request, Stage.WAITING if is_held else _STAGES[call.state])


def lines_of_announcements(
    calls: Iterable[OpenCall], channels: Channels
) -> Iterator[Line]:
    """Yield the persons who are connected to the second party of an announcement."""
    for call in calls:
        request = call.request
        is_spoken = request is not None and request.announcement is not None
        if request is not None and is_spoken and callee_of(request) in channels:
            yield Line(request, Stage.WAITING)


def bridged(bridges: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the bridges in which two or more channels are."""
    rows = ((text_in(bridge, "id"), bridge.get("channels")) for bridge in bridges)
    return {name for name, ids in rows if isinstance(ids, list) and len(ids) > 1}


def is_in_application(channel: Mapping[str, Any]) -> bool:
    """Return whether a channel was answered, and is in an ARI application."""
    return text_in(channel, "state") == "Up" and running_app(channel) == STASIS


def orphans(
    channels: Channels, application: str, known: Collection[str]
) -> Iterator[str]:
    """Yield the ids of channels in our application that belong to no call.

    Args:
        channels: by their ids.
        application: our ARI application.
        known: ids of the open calls, and of the callers on the line.
    """
    for channel_id, channel in channels.items():
        data = text_in(mapping_in(channel, "dialplan"), "app_data")
        is_ours = is_in_application(channel) and channel_id.startswith(_OWN_PREFIX)
        if is_ours and data.partition(",")[0] == application:
            call_ids = (channel_id, channel_id[:-2])
            if not any(each in known for each in call_ids):
                yield channel_id
