"""Announcements: calls in which the boxes of the dialplan ask what to do.

The answer to a box waits for nothing but the id of a call that is being placed: Simotel
waits for one second.
"""

import asyncio
from dataclasses import replace
import logging
import math
from typing import Final

from ..announcement import SpeechTrace
from ..base import CallRequest, Clock, OpenCall, Sink
from ..errors import DeniedError, PbxErrorCode
from ..reconnect import wait_for
from ..updates import CallUpdate
from .boxes import BoxRequest, SpeechSetup
from .client import SimotelClient
from .commands import sound_ids
from .script import NOTHING, Script
from .speech_updates import (
    about_person,
    about_unknown_person,
    connected,
    is_same_number,
    is_second_party,
    other_party,
    overdue,
)

_LOGGER = logging.getLogger(__name__)

# Seconds that a box waits for the answer to the request that places its call, and
# between two looks.
HOLD_TIME: Final = 0.7
_LOOK_INTERVAL: Final = 0.1
# Seconds in which a call that was placed is known to the owner of the calls.
_CONFIRM_TIME: Final = 10
# Calls that are kept after their end, and seconds in which an event without an id may
# still be about one.
KEPT: Final = 20
_LATE: Final = 60
# Seconds by which Simotel itself ends a call that does not end.
_LIMIT_MARGIN: Final = 15


class Announcer:
    """Places announcements, answers the boxes, and completes the updates.

    Args:
        client: of the PBX.
        setup: what is drawn in its dialplan.
        sink: receives what the boxes show.
        clock: for all times.
    """

    def __init__(
        self, client: SimotelClient, setup: SpeechSetup, sink: Sink, clock: Clock
    ) -> None:
        """Initialize the announcer; nothing is sent."""
        self._client = client
        self._setup = setup
        self._sink = sink
        self._clock = clock
        self._scripts: dict[str, Script] = {}
        # Set by each change, and by each call that was placed.
        self._changed = asyncio.Event()
        self._placed = asyncio.Event()

    # --- what is asked of it ---------------------------------------------------

    def check(self) -> None:
        """Check that announcements are drawn.

        Raises:
            DeniedError: they are not.
        """
        if not self._setup.number:
            raise DeniedError(PbxErrorCode.NO_SPEECH)

    async def place(self, request: CallRequest) -> str | None:
        """Call a person, and return the id of the call.

        Raises:
            CallUncertainError: the call may have been placed, or not.
            PbxError: the call was not placed.
        """
        self.check()
        placed_at = self._clock.time()
        sent = call_to_boxes(request, self._setup)
        call_id = await self._client.originate(sent)
        if call_id is not None:
            self._add(
                Script(
                    call_id=call_id,
                    request=request,
                    placed_at=placed_at,
                    setup=self._setup,
                )
            )
        return call_id

    def trace(self, call_id: str) -> SpeechTrace | None:
        """Return what the boxes asked for in a recent call."""
        script = self._scripts.get(call_id)
        return None if script is None else script.trace()

    def sounds_in_use(self) -> set[str]:
        """Return the ids of the sounds that open calls play."""
        return {
            sound_id
            for _, request in self._announcements()
            if request.announcement is not None
            for sound_id in sound_ids(request.announcement.audio.playlist)
        }

    async def answer(self, box: BoxRequest) -> str:
        """Return the commands for a box."""
        script = self._open_script(box.call_id)
        looks = round(HOLD_TIME / _LOOK_INTERVAL) if box.call_id else 0
        until = self._clock.time() + HOLD_TIME
        for _ in range(looks):
            # Each look takes a little longer than its interval.
            left = until - self._clock.time()
            if script is not None or left <= 0 or not self._is_placing():
                break
            await wait_for(self._placed, self._clock, min(left, _LOOK_INTERVAL))
            script = self._open_script(box.call_id)
        if script is None:
            _LOGGER.debug("A box asked about an unknown call")
            return NOTHING
        before = script.announced, script.said_at, script.has_failed
        commands = script.answer(box, self._clock.time())
        if (script.announced, script.said_at, script.has_failed) != before:
            self._sink.call(connected(script))
        if script.has_failed and not before[2]:
            _LOGGER.debug("The PBX could not play an announcement")
            self._sink.speech_failed(script.call_id)
        self._changed.set()
        return commands

    def complete(self, update: CallUpdate) -> CallUpdate | None:
        """Return an update of any call; that of an announcement is about the person.

        Returns:
            None if it says nothing.
        """
        if not self._setup.number:
            return update
        if (script := self._script_of(update)) is not None:
            return about_person(script, update, self._clock.time())
        person = other_party(update, self._setup.number)
        if person is None:
            return update
        if update.originated_call_id:
            request = self._unnamed_request(person)
            return about_unknown_person(update, person, request)
        # Somebody may have dialed the number.
        may_be_ours = not update.result and any(self._announcements())
        return None if may_be_ours else update

    async def run(self) -> None:
        """End the calls of which no report comes, until canceled."""
        while True:
            now = self._clock.time()
            waits = [math.inf]
            for script in self._known_scripts():
                if script.due is not None and script.due <= now:
                    self._sink.call(overdue(script, now))
                elif script.due is not None:
                    waits.append(script.due - now)
            if (wait := min(waits)) == math.inf:
                await self._changed.wait()
                self._changed.clear()
            else:
                await wait_for(self._changed, self._clock, wait)

    # --- the calls --------------------------------------------------------------

    def _add(self, script: Script) -> None:
        self._scripts[script.call_id] = script
        is_open = {call.call_id for call in self._sink.open_calls()}
        is_open.add(script.call_id)
        ended = [each for each in self._scripts if each not in is_open]
        for call_id in ended[:-KEPT]:
            del self._scripts[call_id]
        self._changed.set()
        self._placed.set()

    def _announcements(self) -> list[tuple[OpenCall, CallRequest]]:
        """Return the open calls that are announcements, and their requests."""
        return [
            (call, call.request)
            for call in self._sink.open_calls()
            if call.request is not None and call.request.announcement is not None
        ]

    def _is_placing(self) -> bool:
        return any(call.is_requested for call, _ in self._announcements())

    def _open_script(self, call_id: str) -> Script | None:
        """Return the script of an open announcement, also of one begun before."""
        if not call_id:
            return None
        for call, request in self._announcements():
            if call.call_id == call_id:
                return self._resumed(call, request)
        script = self._scripts.get(call_id)
        if script is None or script.ended_at is not None:
            return None
        # The owner of the calls does not know its id yet.
        is_new = self._clock.time() - script.placed_at < _CONFIRM_TIME
        return script if is_new else None

    def _resumed(self, call: OpenCall, request: CallRequest) -> Script:
        """Return the script of a call, which may have been begun before a restart."""
        script = self._scripts.get(call.call_id)
        if script is None:
            script = Script.restored(call, request, self._setup)
            self._add(script)
        return script

    def _known_scripts(self) -> list[Script]:
        """Return the scripts of all open announcements that were placed."""
        return [
            self._resumed(call, request)
            for call, request in self._announcements()
            if not call.is_requested
        ]

    def _script_of(self, update: CallUpdate) -> Script | None:
        """Return the script of the announcement that an update is about."""
        call_id = update.originated_call_id
        if call_id:
            return self._open_script(call_id) or self._scripts.get(call_id)
        current = self._current_scripts()
        for script in current if update.call_id else ():
            if script.unique_id == update.call_id:
                return script
        # Without an id, only by the person, and by no more than one call.
        person = other_party(update, self._setup.number)
        found = [
            script
            for script in current
            if (person is not None and is_same_number(person, script.person))
            or is_second_party(script, update)
        ]
        return found[0] if len(found) == 1 else None

    def _current_scripts(self) -> list[Script]:
        """Return the scripts of which an update may come that has no id."""
        now = self._clock.time()
        known = {script.call_id: script for script in self._known_scripts()}
        for script in self._scripts.values():
            is_new = now - script.placed_at < _CONFIRM_TIME
            has_just_ended = now - (script.ended_at or 0) < _LATE
            if is_new or has_just_ended:
                known.setdefault(script.call_id, script)
        return list(known.values())

    def _unnamed_request(self, person: str) -> CallRequest | None:
        """Return the request of a call to a person whose id is not known."""
        for call, request in self._announcements():
            is_unnamed = call.call_id == request.call_id
            if is_unnamed and is_same_number(person, request.caller):
                return request
        return None


def call_to_boxes(request: CallRequest, setup: SpeechSetup) -> CallRequest:
    """Return the call of a person to the boxes, as the PBX places it.

    Args:
        request: of the announcement.
        setup: what is drawn in the dialplan.
    """
    limit = request.message_time + _LIMIT_MARGIN
    announcement = request.announcement
    connects = announcement is not None and announcement.connect_to is not None
    if connects:
        limit += request.timeout + (request.call_limit or math.inf)
    is_own = request.caller_id in (None, request.caller)
    return replace(
        request,
        callee=setup.number,
        # Networks block a call whose caller ID is the called number.
        caller_id=setup.number if is_own else request.caller_id,
        call_limit=math.ceil(limit) if math.isfinite(limit) else None,
        announcement=None,
    )
