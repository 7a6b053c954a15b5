"""The calls of an escalation: placed within the rules, and followed."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util

from ..backends.base import CallRequest
from ..backends.errors import PbxErrorCode
from ..errors import translated_error
from .attempts import Attempt
from .call import Call
from .calling_off import async_call_off, calls_to_end
from .escalation_message import EscalationMessage
from .escalation_targets import Escalation, Mode
from .held_caller import is_caller_gone
from .manager import CallManager
from .people import Names, parties
from .request import new_call_id
from .rules import CallOrigin, Rule
from .targets import Target
from .tasks import gather
from .tracker import GRACE
from .until import Until


class OverError(Exception):
    """No more calls are placed: the conditions are met, or someone has answered."""


class CallerGoneError(Exception):
    """The caller who was on the line has hung up."""


class EscalationCalls:
    """The calls of one escalation.

    Attributes:
        attempts: calls so far, in the order in which they began.
        is_called_off: whether no more calls are placed.
    """

    def __init__(
        self,
        manager: CallManager,
        escalation: Escalation,
        origin: CallOrigin,
        until: Until,
    ) -> None:
        """Initialize without calls."""
        self.attempts: list[Attempt] = []
        self.is_called_off = False
        self._manager = manager
        self._escalation = escalation
        self._until = until
        # The first to answer of those who hear a message together.
        self._winner: Attempt | None = None
        is_in_turn = escalation.mode is Mode.IN_TURN
        # The calls of the escalation itself do not count for the cooldown.
        began = dt_util.utcnow().timestamp()
        self._origin = replace(origin, escalation_began=began, is_in_turn=is_in_turn)
        self._message = EscalationMessage(manager, escalation.speech, self._origin)

    @property
    def is_answered(self) -> bool:
        """Whether anyone has answered, as far as known."""
        return any(attempt.is_answered for attempt in self.attempts)

    async def attempt(
        self, target: Target, round_: int, request: CallRequest | None
    ) -> Attempt:
        """Call one person and return when they answered or the call ended.

        Raises:
            OverError: the person is not called any more.
            CallerGoneError: the caller has hung up.
            HomeAssistantError: the PBX was removed, or Home Assistant is stopping, or
                the message cannot be made or played.
        """
        self.check_over()
        manager = self._manager
        attempt = Attempt(
            target=target,
            round=round_,
            answered_state=self._escalation.answered_state,
            parties=_parties(request, manager) if request else {},
            announcement=self._escalation.announcement,
            error=target.note,
        )
        if request is None:
            attempt.add_error(str(target.fault))
            self.attempts.append(attempt)
            return attempt
        # Each attempt is a separate call.
        request = replace(request, call_id=new_call_id())
        try:
            request = await self._message.add_to(request)
            attempt.call = await self._place(request)
        except HomeAssistantError as err:
            if manager.is_closing or err is self._message.error:
                raise
            attempt.add_error(str(err))
            self.attempts.append(attempt)
            return attempt
        self.attempts.append(attempt)
        if self._winner is not None:
            # It began while another person answered.
            self._end_calls([attempt])
        await self._follow(attempt, attempt.call, request)
        if is_caller_gone(attempt):
            raise CallerGoneError
        return attempt

    async def _place(self, request: CallRequest) -> Call:
        """Place a call as soon as the rules allow another concurrent call.

        Raises:
            OverError: the person is not called any more.
            ServiceValidationError: a dialing rule refused the call.
            HomeAssistantError: the PBX is not loaded.
        """
        while True:
            self.check_over()
            try:
                return await self._manager.begin(request, self._origin)
            except ServiceValidationError as err:
                if err.translation_key != Rule.AT_ONCE:
                    raise
            await self._manager.wait_for_place(self._origin)

    async def _follow(self, attempt: Attempt, call: Call, request: CallRequest) -> None:
        """Wait until a person has answered, or their call has ended.

        Raises:
            CallerGoneError: the caller had hung up before this call.
            HomeAssistantError: the PBX was removed, or Home Assistant is stopping.
        """
        error = await self._manager.response(call)
        if error is not None and error.code is PbxErrorCode.CALLER_GONE:
            self.attempts.remove(attempt)
            raise CallerGoneError
        if error is not None:
            translated = translated_error(HomeAssistantError, error, self._manager)
            attempt.add_error(str(translated))
        # Wait for an uncertain call, too: a phone may be ringing, and no other phone
        # should ring at the same time.
        with suppress(TimeoutError):
            async with asyncio.timeout(_attempt_timeout(request)):
                await self._manager.waiters.wait_for(
                    call, lambda call: attempt.is_answered or call.result is not None
                )

    def check_over(self) -> None:
        """Check that another call may be placed.

        Raises:
            OverError: it is called off, or another phone was answered.
        """
        is_won = self._escalation.mode is Mode.TOGETHER and self.is_answered
        if self.is_called_off or is_won or self._until.is_met():
            raise OverError

    async def wait_until_heard(self) -> None:
        """Wait until those who have answered have heard the message.

        With a key, they have answered it.

        Raises:
            HomeAssistantError: the PBX was removed, or Home Assistant is stopping.
        """
        announcement = self._escalation.announcement
        if announcement is None or announcement.confirm_key is not None:
            return
        calls = [each.call for each in self.attempts if each.call and each.is_answered]
        await gather(
            self._hear(each, _attempt_timeout(each.request))
            for each in calls
            if each.request is not None
        )

    async def _hear(self, call: Call, seconds: float) -> None:
        """Wait until a message has been heard, but at most for some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._manager.waiters.wait_for(
                    call, lambda call: call.is_announced
                )

    def end_others(self, winner: Attempt) -> None:
        """End the calls of the others who would hear the message, in the background."""
        if self._winner is None and self._escalation.announcement is not None:
            self._winner = winner
            self._end_calls([each for each in self.attempts if each is not winner])

    def _end_calls(self, attempts: Sequence[Attempt]) -> None:
        calls_to_end(self._manager, attempts, talking=True)
        self._manager.hass.async_create_task(
            async_call_off(self._manager, attempts, talking=True),
            "pbx end the other calls of an escalation",
        )


def _parties(request: CallRequest, manager: CallManager) -> Names:
    """Return the parties of a call; a person who hears a message has no caller."""
    if request.announcement is not None:
        request = replace(request, caller="")
    return parties(request, manager.book)


def _attempt_timeout(request: CallRequest) -> float:
    """Return the seconds after which an attempt times out.

    Each party may ring for the whole timeout. The talk time is included, as some PBXs
    only report the end of a call. A call without a limit may last too long to wait
    for its end.
    """
    talk_time = request.message_time + (request.call_limit or 0)
    return 2 * request.timeout + talk_time + GRACE
