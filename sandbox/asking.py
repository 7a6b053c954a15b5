"""Requests of the Smart API boxes to a web service."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
import json

import aiohttp

from .access import basic_header
from .clock import Clock
from .faults import Fault
from .speech import BoxRole, Speech

_OK = 200


class BoxError(Exception):
    """There is no usable response: the box is left by `e`."""


@dataclass(slots=True)
class Question:
    """A request of a box, and what became of it."""

    call_id: str
    box: BoxRole
    fields: Mapping[str, str]
    # Unix time of the request.
    asked: float
    # Body of the response; None: there was none in time.
    answer: str | None = None
    # Commands of the response, if it is valid.
    commands: str = ""
    # Output that the box was left by; empty: not yet, or the call has ended.
    output: str = ""
    # Why it was left by `e`.
    error: str = ""


async def ask(
    question: Question, speech: Speech, clock: Clock, fault: Fault | None
) -> None:
    """Send a request, and add the commands of its response to it.

    Raises:
        BoxError: there is no response in time, or it is not valid.
    """
    if fault is not None:
        match fault.kind:
            case "reset":
                raise BoxError("cannot connect")
            case "hang" | "slow":
                pass
            case kind:
                await _ask_in_time(question, speech, clock)
                raise BoxError(f"wrong response ({kind})")
    await _ask_in_time(question, speech, clock, fault)
    question.commands = read_commands(question.answer or "", speech)


async def _ask_in_time(
    question: Question, speech: Speech, clock: Clock, fault: Fault | None = None
) -> None:
    """Send a request, and wait for the response as long as a box does."""
    # The result is whether there is a response.
    end: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def finish(*, is_answered: bool) -> None:
        if not end.done():
            end.set_result(is_answered)

    def receive(_: asyncio.Task[str]) -> None:
        if fault is None:
            finish(is_answered=True)
        elif fault.kind == "slow":
            later = partial(finish, is_answered=True)
            timers.append(clock.call_later(fault.seconds, later))

    limit = clock.call_later(speech.give_up_after, partial(finish, is_answered=False))
    timers = [limit]
    request = asyncio.create_task(_send(question.fields, speech), name="sandbox box")
    request.add_done_callback(receive)
    clock.watch(request)
    try:
        if not await end:
            raise BoxError(f"no response within {speech.give_up_after:g} s")
        question.answer = request.result()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise BoxError(str(error) or type(error).__name__) from error
    finally:
        request.remove_done_callback(receive)
        for timer in timers:
            timer.cancel()
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)


async def _send(fields: Mapping[str, str], speech: Speech) -> str:
    """Send a request, and return the body of the response.

    Raises:
        aiohttp.ClientError: it could not be sent, or was not accepted.
    """
    is_get = speech.method == "get"
    headers = {}
    if speech.username:
        headers["Authorization"] = basic_header(speech.username, speech.password)
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            speech.method.upper(),
            speech.url,
            params=fields if is_get else None,
            json=None if is_get else fields,
            headers=headers,
            ssl=speech.verify_ssl,
            allow_redirects=False,
        ) as response,
    ):
        if response.status != _OK:
            raise aiohttp.ClientError(f"{response.status} {response.reason}")
        if response.content_type != "application/json":
            raise aiohttp.ClientError(f"not JSON: {response.content_type}")
        return await response.text()


def read_commands(answer: str, speech: Speech) -> str:
    """Return the commands of a response.

    Raises:
        BoxError: it is not a response of the documented form, or a refusal.
    """
    try:
        body = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise BoxError("the response is not JSON") from error
    if not isinstance(body, dict):
        raise BoxError("the response is not a JSON object")
    ok, commands = body.get("ok"), body.get("commands")
    accepted: dict[str, tuple[object, ...]] = {
        "any": ("1", 1),
        "string": ("1",),
        "number": (1,),
    }
    if isinstance(ok, bool) or ok not in accepted[speech.ok]:
        raise BoxError("the response is a refusal")
    if not isinstance(commands, str):
        raise BoxError("the response has no commands")
    return commands
