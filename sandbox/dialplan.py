"""What is drawn in the dialplan for speech: the way of a call through its boxes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from .announcements import Announcements
from .asking import BoxError, Question, ask
from .calls import SandboxCall
from .clock import Clock
from .commands import CommandError
from .config import SandboxConfig
from .console import Console
from .faults import Faults
from .line import Line
from .performance import Performance
from .phones import Phones
from .prompts import PromptMaker
from .speech import DEFAULT_APP_NAME, DIAL, ERROR, HANG_UP, Box, BoxRole, Speech

# Requests that are kept.
KEPT_QUESTIONS = 10_000
# Boxes that a call passes. More are a circle that no time passes in.
MAX_VISITS = 100

type Leave = Callable[[SandboxCall, "Onward | None"], None]


@dataclass(frozen=True, slots=True)
class Onward:
    """The number that a call leads to after the boxes, and its limit in seconds."""

    number: str
    limit: int | None


@dataclass(slots=True)
class Dialplan:
    """Leads calls through the boxes."""

    config: Callable[[], SandboxConfig]
    clock: Clock
    phones: Phones
    announcements: Announcements
    faults: Faults
    console: Console
    questions: list[Question] = field(default_factory=list)
    _lines: dict[str, Line] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def route(self, number: str, context: str) -> Speech | None:
        """Return what is drawn for a number in a context."""
        speech = self.config().speech
        if speech is None or (speech.number, speech.context) != (number, context):
            return None
        return speech

    def enter(self, call: SandboxCall, speech: Speech, leave: Leave) -> None:
        """Lead a call through the boxes, and then call back.

        Args:
            call: whose caller is on the line.
            speech: what is drawn.
            leave: gets the call, and where it leads; None: it ends.
        """
        phone = self.phones.find(call.caller)
        line = Line(self.clock, phone, call.heard, is_heard=speech.is_heard)
        self._lines[call.id] = line
        task = asyncio.create_task(
            self._lead(call, speech, line, leave), name="sandbox dialplan"
        )
        self._tasks[call.id] = task

    def leave(self, call: SandboxCall) -> None:
        """Stop leading a call, which has ended."""
        self._lines.pop(call.id, None)
        if (task := self._tasks.pop(call.id, None)) is not None:
            task.cancel()

    def press(self, call_id: str, keys: str) -> None:
        """Press keys on the phone of the person who hears an announcement.

        Raises:
            KeyError: nobody hears one in this call.
        """
        self._lines[call_id].press(keys)

    def is_on(self, call: SandboxCall) -> bool:
        """Return whether a call is in the boxes."""
        return call.id in self._lines

    async def stop(self) -> None:
        """Stop leading all calls."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        self._lines.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _lead(
        self, call: SandboxCall, speech: Speech, line: Line, leave: Leave
    ) -> None:
        """Lead a call from box to box."""
        prompts = PromptMaker(self.announcements, speech)
        performance = Performance(speech, line, prompts)
        target: str = "say"
        for _ in range(MAX_VISITS):
            if target in {HANG_UP, DIAL}:
                break
            role = cast("BoxRole", target)
            box = speech.box(role)
            if box is None:
                break
            output = await self._visit(call, role, box, performance)
            self.console.say(f"{call.caller} → {call.callee}  box {role}: {output}")
            target = box.outputs.get(output, HANG_UP)
        # The call has left the boxes: its end must not cancel this task.
        self._lines.pop(call.id, None)
        self._tasks.pop(call.id, None)
        is_dialed = target == DIAL and performance.exten
        leave(call, Onward(performance.exten, performance.limit) if is_dialed else None)

    async def _visit(
        self, call: SandboxCall, role: BoxRole, box: Box, performance: Performance
    ) -> str:
        """Return the output by which a call leaves a box."""
        speech = performance.speech
        for _ in range(1 + speech.retries):
            for _ in range(speech.copies):
                fields = self._fields(call, box, performance)
                question = Question(call.id, role, fields, self.clock.time())
                await self._ask(question, speech)
            if question.answer is not None:
                break
        if not question.error:
            try:
                question.output = await performance.run(question.commands, box)
            except CommandError as error:
                question.error = str(error)
        if question.error:
            self.console.say(f"box {role}: {question.error}")
            question.output = ERROR
        return question.output

    async def _ask(self, question: Question, speech: Speech) -> None:
        self.questions.append(question)
        # Limit the memory of a sandbox that runs for weeks.
        del self.questions[:-KEPT_QUESTIONS]
        fault = self.faults.take(f"/box/{question.box}", by_star=False)
        try:
            await ask(question, speech, self.clock, fault)
        except BoxError as error:
            question.error = str(error)

    def _fields(
        self, call: SandboxCall, box: Box, performance: Performance
    ) -> dict[str, str]:
        speech = performance.speech
        fields = {
            "src": call.src,
            "dst": call.dst,
            "data": performance.data,
            "unique_id": call.unique_id if speech.with_unique_id else "",
            "app_name": box.name if speech.app_names == "own" else DEFAULT_APP_NAME,
        }
        if speech.with_originated_call_id:
            fields["originated_call_id"] = call.id
        return fields
