"""Call people in turn, together or all of them, until they answer or it is called off.

One escalation runs in the handler of its action. If that is canceled, because the
script or the automation stops, whatever still rings is hung up in the background: the
one that stops it does not wait.
"""

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Sequence,
)
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util

from ..backends.base import CallRequest
from ..errors import action_error, translated_error, user_error
from .attempts import Attempt
from .call import Call
from .calling_off import async_call_off, async_wait_for_ends, calls_to_end
from .escalation_targets import Escalation, Mode, Target
from .manager import CallManager
from .people import parties
from .request import new_call_id
from .rules import CallOrigin, Rule
from .tracker import GRACE
from .until import Until

ENDED_BY_ANSWER: Final = "answered"
ENDED_BY_NOBODY: Final = "nobody"
ENDED_BY_UNTIL: Final = "until"

# Seconds in which the PBX reports the ends of the phones that lost.
_LOSERS_END: Final = 2


class _OverError(Exception):
    """No more calls are placed: the conditions are met, or someone has answered."""


class EscalationRun:
    """One escalation while it runs.

    Attributes:
        attempts: calls so far, in the order in which they began.
    """

    def __init__(
        self,
        manager: CallManager,
        escalation: Escalation,
        origin: CallOrigin,
        until: Until,
    ) -> None:
        """Initialize the escalation; nothing is called."""
        self.attempts: list[Attempt] = []
        self._manager = manager
        self._escalation = escalation
        self._until = until
        self._is_called_off = False
        is_in_turn = escalation.mode is Mode.IN_TURN
        # The calls of the escalation itself do not count for the cooldown.
        began = dt_util.utcnow().timestamp()
        self._origin = replace(origin, escalation_began=began, is_in_turn=is_in_turn)

    async def run(self) -> str:
        """Call the people, and return what has ended it.

        Raises:
            ServiceValidationError: no one in the list can be called.
            HomeAssistantError: the PBX is not loaded or was removed, or Home Assistant
                is stopping. No error is raised if no one answered.
        """
        _check_targets(self._escalation.targets)
        # Without a backend, an answer could not be detected.
        await self._manager.link.wait_for_backend()
        if self._manager.is_closing:
            raise action_error("stopping")
        calling = asyncio.ensure_future(_MODES[self._escalation.mode](self))
        watching = asyncio.ensure_future(self._until.wait())
        try:
            await asyncio.wait((calling, watching), return_when=asyncio.FIRST_COMPLETED)
            if calling.done():
                calling.result()
                return ENDED_BY_ANSWER if self._is_answered else ENDED_BY_NOBODY
        except _OverError:
            pass
        except BaseException:
            # In the background: what stops the script or automation does not wait.
            self._call_off(calling)
            raise
        finally:
            watching.cancel()
        await asyncio.shield(self._call_off(calling))
        await async_wait_for_ends(self._manager, self.attempts)
        return ENDED_BY_UNTIL

    @property
    def _is_answered(self) -> bool:
        return any(attempt.is_answered for attempt in self.attempts)

    async def in_turn(self) -> None:
        """Call one person after another until one answers."""
        has_rung = False
        for round_, target in self._rounds():
            # There is no pause before a target that is not called.
            if has_rung and target.request is not None and not self._is_answered:
                await self._manager.pause(self._escalation.pause)
            # An attempt that timed out may have been answered during the pause.
            if self._is_answered:
                return
            await self._attempt(target, round_, target.request)
            has_rung |= target.request is not None

    async def together(self) -> None:
        """Call all at once until the first answers; the PBX stops the others."""
        for round_ in range(1, self._escalation.rounds + 1):
            if round_ > 1:
                await self._manager.pause(self._escalation.pause)
            if self._is_answered:
                return
            await self._until_answered(
                [
                    self._one_of_group(target, round_, request)
                    for target, request in self._group()
                ]
            )

    async def everyone(self) -> None:
        """Call each person until they answer or their rounds are used up."""
        targets = self._escalation.targets
        await _gather([self._one_of_everyone(target) for target in targets])

    def _rounds(self) -> Iterable[tuple[int, Target]]:
        for round_ in range(1, self._escalation.rounds + 1):
            for target in self._escalation.targets:
                yield round_, target

    def _group(self) -> list[tuple[Target, CallRequest | None]]:
        """Return the targets with the requests of one group.

        Phones that already ring, as the same was asked for just before, are joined by
        the others.
        """
        group = new_call_id()
        targets = self._escalation.targets
        requests = [
            each.request and replace(each.request, group=group) for each in targets
        ]
        manager = self._manager
        known = manager.requests.group_of(filter(None, requests), manager.book.plan)
        return [
            (target, request and replace(request, group=known or group))
            for target, request in zip(targets, requests, strict=True)
        ]

    async def _one_of_group(
        self, target: Target, round_: int, request: CallRequest | None
    ) -> None:
        try:
            attempt = await self._attempt(target, round_, request)
        except _OverError:
            if not self._is_answered:
                raise
        else:
            if attempt.call is not None and not attempt.is_answered:
                self._manager.release(attempt.call)

    async def _one_of_everyone(self, target: Target) -> None:
        attempts: list[Attempt] = []
        for round_ in range(1, self._escalation.rounds + 1):
            if round_ > 1:
                await self._manager.pause(self._escalation.pause)
            # An attempt that timed out may have been answered during the pause.
            if any(attempt.is_answered for attempt in attempts):
                return
            attempt = await self._attempt(target, round_, target.request)
            attempts.append(attempt)
            if attempt.call is not None:
                # The next one may be called, even while this one talks.
                self._manager.release(attempt.call)
            if attempt.is_answered or target.request is None:
                return

    async def _until_answered(self, calls: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Wait until one of some attempts is answered, or all have ended."""
        tasks = pending = {asyncio.ensure_future(each) for each in calls}
        try:
            while pending and not self._is_answered:
                ended, pending = await asyncio.wait(
                    pending, return_when=asyncio.FIRST_COMPLETED
                )
                for task in ended:
                    task.result()
            if pending:
                # The PBX ends the others, with their results.
                await asyncio.wait(pending, timeout=_LOSERS_END)
        finally:
            await _cancel(tasks)

    async def _attempt(
        self, target: Target, round_: int, request: CallRequest | None
    ) -> Attempt:
        """Call one person and return when they answered or the call ended.

        Raises:
            _OverError: the person is not called any more.
            HomeAssistantError: the PBX was removed, or Home Assistant is stopping.
        """
        self._check_over()
        manager = self._manager
        attempt = Attempt(
            target=target,
            round=round_,
            answered_state=self._escalation.answered_state,
            parties=parties(request, manager.book) if request else {},
            error=target.note,
        )
        if request is None:
            attempt.add_error(str(target.fault))
            self.attempts.append(attempt)
            return attempt
        # Each attempt is a separate call.
        request = replace(request, call_id=new_call_id())
        try:
            attempt.call = await self._place(request)
        except HomeAssistantError as err:
            if manager.is_closing:
                raise
            attempt.add_error(str(err))
            self.attempts.append(attempt)
            return attempt
        self.attempts.append(attempt)
        await self._follow(attempt, attempt.call, request)
        return attempt

    async def _place(self, request: CallRequest) -> Call:
        """Place a call as soon as the rules allow another concurrent call.

        Raises:
            _OverError: the person is not called any more.
            ServiceValidationError: a dialing rule refused the call.
            HomeAssistantError: the PBX is not loaded.
        """
        while True:
            self._check_over()
            try:
                return await self._manager.begin(request, self._origin)
            except ServiceValidationError as err:
                if err.translation_key != Rule.AT_ONCE:
                    raise
            await self._manager.wait_for_place(self._origin)

    async def _follow(self, attempt: Attempt, call: Call, request: CallRequest) -> None:
        """Wait until a person has answered, or their call has ended."""
        error = await self._manager.response(call)
        if error is not None:
            translated = translated_error(HomeAssistantError, error, self._manager)
            attempt.add_error(str(translated))
        # Wait for an uncertain call, too: a phone may be ringing, and no other phone
        # should ring at the same time.
        with suppress(TimeoutError):
            async with asyncio.timeout(_attempt_timeout(request)):
                await self._manager.wait(call, attempt.answered_state)

    def _check_over(self) -> None:
        """Check that another call may be placed.

        Raises:
            _OverError: it is called off, or another phone was answered.
        """
        is_won = self._escalation.mode is Mode.TOGETHER and self._is_answered
        if self._is_called_off or is_won or self._until.is_met():
            raise _OverError

    def _call_off(self, calling: asyncio.Task[None]) -> asyncio.Task[None]:
        """End what still rings, in the background; place no more calls."""
        self._is_called_off = True
        calling.cancel()
        # At once, as the same may be asked for again before the background task runs.
        calls_to_end(self._manager, self.attempts)
        return self._manager.hass.async_create_task(
            self._async_call_off(calling), "pbx call off an escalation"
        )

    async def _async_call_off(self, calling: asyncio.Task[None]) -> None:
        # A call may have begun until the end of the task.
        await _cancel([calling])
        await async_call_off(self._manager, self.attempts)


_MODES: Final[dict[Mode, Callable[[EscalationRun], Awaitable[None]]]] = {
    Mode.IN_TURN: EscalationRun.in_turn,
    Mode.TOGETHER: EscalationRun.together,
    Mode.EVERYONE: EscalationRun.everyone,
}


def _check_targets(targets: Sequence[Target]) -> None:
    """Check that at least one target can be called.

    Raises:
        ServiceValidationError: there is none; the error contains all reasons.
    """
    faults = {str(each.fault): each.fault for each in targets if each.fault}
    if not all(each.fault for each in targets):
        return
    if len(faults) > 1:
        raise user_error("nobody_to_ring", reasons="; ".join(faults))
    # A fault that all targets share usually has a cause outside the list.
    raise next(iter(faults.values()))


async def _gather(coroutines: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run coroutines concurrently, and cancel the others if one fails."""
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        await _cancel(tasks)


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel the tasks that have not ended, and ignore the errors of all."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _attempt_timeout(request: CallRequest) -> float:
    """Return the seconds after which an attempt times out.

    Each party may ring for the whole timeout. The talk time is included, as some PBXs
    only report the end of a call. A call without a limit may last too long to wait
    for its end.
    """
    return 2 * request.timeout + (request.call_limit or 0) + GRACE
