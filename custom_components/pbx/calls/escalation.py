"""Call people in turn, together or all of them, until they answer or it is called off.

One escalation runs in the handler of its action. If that is canceled, because the
script or the automation stops, whatever still rings is hung up in the background: the
one that stops it does not wait.
"""

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Sequence,
)
from dataclasses import replace
from typing import Any, Final

from ..backends.base import CallRequest, Feature
from ..const import CONF_CALLEES
from ..errors import action_error, user_error
from .attempts import Attempt
from .calling_off import async_call_off, async_wait_for_ends, calls_to_end
from .escalation_calls import CallerGoneError, EscalationCalls, OverError
from .escalation_targets import Escalation, Mode
from .held_caller import (
    async_let_go,
    held_call,
    keep_caller,
    was_placed,
)
from .manager import CallManager
from .request import new_call_id
from .rules import CallOrigin
from .targets import Target
from .tasks import cancel, gather
from .until import Until

ENDED_BY_ANSWER: Final = "answered"
ENDED_BY_NOBODY: Final = "nobody"
ENDED_BY_UNTIL: Final = "until"
ENDED_BY_CALLER_GONE: Final = "caller_gone"

# Seconds in which the PBX reports the ends of the phones that lost.
_LOSERS_END: Final = 2


class EscalationRun:
    """One escalation while it runs."""

    def __init__(
        self,
        manager: CallManager,
        escalation: Escalation,
        origin: CallOrigin,
        until: Until,
    ) -> None:
        """Initialize the escalation; nothing is called."""
        self._calls = EscalationCalls(manager, escalation, origin, until)
        self._manager = manager
        self._escalation = escalation
        self._until = until

    @property
    def attempts(self) -> list[Attempt]:
        """Calls so far, in the order in which they began."""
        return self._calls.attempts

    async def run(self) -> str:
        """Call the people, and return what has ended it.

        Raises:
            ServiceValidationError: no one in the list can be called, or the user can
                correct what is said.
            HomeAssistantError: the PBX is not loaded or was removed, or Home Assistant
                is stopping, or the message cannot be played. No error is raised if no
                one answered.
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
                ended_by = _ended_by(calling)
                await self._calls.wait_until_heard()
                await asyncio.shield(self._let_go())
                return ENDED_BY_ANSWER if self._calls.is_answered else ended_by
        except OverError:
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

    async def in_turn(self) -> None:
        """Call one person after another until one answers."""
        has_rung = False
        rounds = list(self._rounds())
        last = max(n for n, (_, target) in enumerate(rounds) if target.request)
        for position, (round_, target) in enumerate(rounds):
            # There is no pause before a target that is not called.
            if has_rung and target.request is not None and not self._calls.is_answered:
                await self._pause_in_turn()
            # An attempt that timed out may have been answered during the pause.
            if self._calls.is_answered:
                return
            request = target.request
            if request is not None and self._keeps_caller():
                pause, is_last = self._escalation.pause, position == last
                request = keep_caller(request, self.attempts, pause, is_last=is_last)
            await self._calls.attempt(target, round_, request)
            has_rung |= request is not None

    async def _pause_in_turn(self) -> None:
        is_held = held_call(self.attempts) is not None
        # A caller on the line does not wait after a call that was refused.
        if not is_held or was_placed(self.attempts[-1]):
            await self._manager.waiters.pause(self._escalation.pause)

    def _keeps_caller(self) -> bool:
        """Return whether the caller stays on the line between two attempts.

        This needs news of the calls, unless the caller is already on the line.
        """
        link = self._manager.link
        return (
            self._escalation.list_field == CONF_CALLEES
            and link.supports(Feature.KEYS)
            and (link.can_follow or held_call(self.attempts) is not None)
        )

    async def together(self) -> None:
        """Call all at once until the first answers; the calls of the others end."""
        for round_ in range(1, self._escalation.rounds + 1):
            if round_ > 1:
                await self._manager.waiters.pause(self._escalation.pause)
            # An attempt that timed out may have been answered during the pause.
            if self._calls.is_answered:
                self._calls.end_others(next(filter(_is_answered, self.attempts)))
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
        await gather([self._one_of_everyone(target) for target in targets])

    def _rounds(self) -> Iterable[tuple[int, Target]]:
        for round_ in range(1, self._escalation.rounds + 1):
            for target in self._escalation.targets:
                yield round_, target

    def _group(self) -> list[tuple[Target, CallRequest | None]]:
        """Return the targets with the requests of one group.

        Phones that already ring, as the same was asked for just before, are joined by
        the others. With a message, each phone rings by itself, as more than one person
        may hear it.
        """
        targets = self._escalation.targets
        if self._escalation.announcement is not None:
            return [(each, each.request) for each in targets]
        group = new_call_id()
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
            attempt = await self._calls.attempt(target, round_, request)
        except OverError:
            if not self._calls.is_answered:
                raise
        else:
            if attempt.is_answered:
                self._calls.end_others(attempt)
            elif attempt.call is not None:
                self._manager.release(attempt.call)

    async def _one_of_everyone(self, target: Target) -> None:
        attempts: list[Attempt] = []
        for round_ in range(1, self._escalation.rounds + 1):
            if round_ > 1:
                await self._manager.waiters.pause(self._escalation.pause)
            # An attempt that timed out may have been answered during the pause.
            if any(attempt.is_answered for attempt in attempts):
                return
            attempt = await self._calls.attempt(target, round_, target.request)
            attempts.append(attempt)
            if attempt.call is not None and self._escalation.announcement is None:
                # The next one may be called, even while this one talks.
                self._manager.release(attempt.call)
            if attempt.is_answered or target.request is None:
                return

    async def _until_answered(self, calls: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Wait until one of some attempts is answered, or all have ended."""
        tasks = pending = {asyncio.ensure_future(each) for each in calls}
        try:
            while pending and not self._calls.is_answered:
                ended, pending = await asyncio.wait(
                    pending, return_when=asyncio.FIRST_COMPLETED
                )
                for task in ended:
                    task.result()
            if pending:
                # The others end, with their results.
                await asyncio.wait(pending, timeout=_LOSERS_END)
        finally:
            await cancel(tasks)

    def _let_go(self) -> asyncio.Task[None]:
        """End the call of a caller who waits on the line, in the background."""
        return self._manager.hass.async_create_task(
            async_let_go(self._manager, self.attempts), "pbx let go of a caller"
        )

    def _call_off(self, calling: asyncio.Task[None]) -> asyncio.Task[None]:
        """End what still rings, in the background; place no more calls."""
        self._calls.is_called_off = True
        calling.cancel()
        # At once, as the same may be asked for again before the background task runs.
        calls_to_end(self._manager, self.attempts)
        return self._manager.hass.async_create_task(
            self._async_call_off(calling), "pbx call off an escalation"
        )

    async def _async_call_off(self, calling: asyncio.Task[None]) -> None:
        # A call may have begun until the end of the task.
        await cancel([calling])
        await async_call_off(self._manager, self.attempts)
        await async_let_go(self._manager, self.attempts)


_MODES: Final[dict[Mode, Callable[[EscalationRun], Awaitable[None]]]] = {
    Mode.IN_TURN: EscalationRun.in_turn,
    Mode.TOGETHER: EscalationRun.together,
    Mode.EVERYONE: EscalationRun.everyone,
}


def _ended_by(calling: asyncio.Task[None]) -> str:
    """Return what has ended the calls if no one has answered."""
    try:
        calling.result()
    except CallerGoneError:
        return ENDED_BY_CALLER_GONE
    return ENDED_BY_NOBODY


def _is_answered(attempt: Attempt) -> bool:
    return attempt.is_answered


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
