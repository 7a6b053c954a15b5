"""How a box asks, how long it waits, and which responses it takes."""

import asyncio
import contextlib

from aiohttp import web
from hypothesis import example, given, strategies as st
import pytest

from sandbox import Fault, Speech
from sandbox.asking import BoxError, read_commands
from sandbox.faults import FAULT_KINDS

from .helpers import Pbx, Service, until

SPEECH = Speech(number="8801", url="http://127.0.0.1/")


async def _reach(pbx: Pbx, service: Service) -> None:
    """Let a person answer, so that `say` asks, and wait until it has."""
    await pbx.speak("106")
    await pbx.clock.advance(1, patiently=False)
    await until(lambda: service.asked)


@pytest.mark.parametrize("limit", [1, 5])
async def test_no_response_in_time(pbx: Pbx, service: Service, limit: int) -> None:
    """The documents have one second, and five."""
    pbx.draw(service, give_up_after=limit)
    service.is_awake.clear()
    await _reach(pbx, service)
    question = pbx.sandbox.questions[0]
    await pbx.clock.advance(limit - 0.1, patiently=False)
    assert (question.output, len(service.asked)) == ("", 1)
    await pbx.clock.advance(0.1, patiently=False)
    assert question.output == "e"
    assert question.error == f"no response within {limit} s"
    assert question.answer is None
    await until(lambda: len(service.asked) == 2)
    assert service.fields()[1]["app_name"] == "key"


async def test_a_response_just_in_time(pbx: Pbx, service: Service) -> None:
    """The box waits for it."""
    pbx.draw(service)
    service.is_awake.clear()
    await _reach(pbx, service)
    await pbx.clock.advance(0.9, patiently=False)
    service.is_awake.set()
    await pbx.clock.settle()
    assert pbx.sandbox.questions[0].output == "done"


@pytest.mark.parametrize(
    ("fault", "delay", "asked", "error"),
    [
        (Fault("hang", times=1), 1, 2, "no response within 1 s"),
        (Fault("slow", times=1, seconds=3), 1, 2, "no response within 1 s"),
        (Fault("slow", times=1, seconds=0.5), 0.5, 1, ""),
        (Fault("reset", times=1), 0, 1, "cannot connect"),
        (Fault("wrong_shape", times=1), 0, 2, "wrong response (wrong_shape)"),
        (Fault("html", times=1), 0, 2, "wrong response (html)"),
    ],
)
async def test_faults(
    pbx: Pbx, service: Service, fault: Fault, delay: float, asked: int, error: str
) -> None:
    """They are those of one box, and count down as those of the API."""
    pbx.draw(service)
    pbx.sandbox.faults.set("/box/say", fault)
    call = await pbx.speak("106")
    await pbx.clock.advance(60)
    assert call.ended is not None
    assert call.started + 1 + delay == call.ended
    assert len(service.asked) == asked
    question = pbx.sandbox.questions[0]
    assert question.error == error
    assert question.output == ("e" if error else "done")
    assert pbx.sandbox.faults.active() == {}


@pytest.mark.parametrize("kind", FAULT_KINDS)
async def test_every_fault_has_an_end(pbx: Pbx, service: Service, kind: str) -> None:
    """None of them keeps a call."""
    pbx.draw(service)
    pbx.sandbox.faults.set("/box/say", Fault(kind))  # type: ignore[arg-type]
    call = await pbx.speak("106")
    await pbx.clock.advance(3)
    assert call.state == "ended"
    assert pbx.sandbox.questions[0].output == "e"
    assert pbx.clock.pending == 0


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (web.Response(status=401), "401 Unauthorized"),
        (web.Response(status=302, headers={"Location": "/"}), "302 Found"),
        (web.Response(status=200), "not JSON: application/octet-stream"),
        (web.Response(text='{"ok": "1"}'), "not JSON: text/plain"),
        (
            web.Response(body=b"\xff", content_type="application/json"),
            "'utf-8' codec can't decode",
        ),
        ({"ok": 0}, "the response is a refusal"),
    ],
)
async def test_responses_that_are_none(
    pbx: Pbx, service: Service, response: object, error: str
) -> None:
    """The box is left by `e`."""
    pbx.draw(service)
    service.answers["say"] = [response]
    await pbx.speak("106")
    await pbx.clock.advance(60)
    question = pbx.sandbox.questions[0]
    assert question.output == "e"
    assert question.error.startswith(error)


async def test_nobody_listens(pbx: Pbx, service: Service) -> None:
    """The box cannot connect."""
    pbx.draw(service, url="http://127.0.0.1:9/")
    call = await pbx.speak("106")
    await pbx.clock.advance(60)
    assert "Cannot connect" in pbx.sandbox.questions[0].error
    assert call.result == "answered"


async def test_a_service_that_goes_away(pbx: Pbx, service: Service) -> None:
    """A request that is on its way when the sandbox stops is given up."""
    pbx.draw(service)
    service.is_awake.clear()
    await _reach(pbx, service)
    await pbx.sandbox.__aexit__(None, None, None)
    assert pbx.clock.pending == 0
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not {"sandbox box", "sandbox dialplan"} & names


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("", "is not JSON"),
        ("[" * 9_000, "is not JSON"),
        ("[]", "is not a JSON object"),
        ('{"commands": "Exit()"}', "is a refusal"),
        ('{"ok": true, "commands": ""}', "is a refusal"),
        ('{"ok": "yes", "commands": ""}', "is a refusal"),
        ('{"ok": ["1"], "commands": ""}', "is a refusal"),
        ('{"ok": "1"}', "has no commands"),
        ('{"ok": "1", "commands": ["Exit()"]}', "has no commands"),
    ],
)
def test_bodies_that_are_not_valid(answer: str, error: str) -> None:
    """Each says what is wrong."""
    with pytest.raises(BoxError, match=error):
        read_commands(answer, SPEECH)


@pytest.mark.parametrize(
    ("ok", "text", "number"),
    [("any", True, True), ("string", True, False), ("number", False, True)],
)
def test_types_of_ok(ok: str, *, text: bool, number: bool) -> None:
    """The documents have a text, the library of the vendor a number."""
    speech = Speech(number="1", url="http://a/", ok=ok)  # type: ignore[arg-type]
    for value, is_taken in (('"1"', text), ("1", number)):
        answer = f'{{"ok": {value}, "commands": "x"}}'
        with contextlib.nullcontext() if is_taken else pytest.raises(BoxError):
            assert read_commands(answer, speech) == "x"


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
@example('{"ok": NaN, "commands": ""}')
@example('{"ok": 1e999, "commands": ""}')
def test_any_answer_is_read_or_refused(answer: str) -> None:
    """Nothing that a web service sends breaks the box."""
    with contextlib.suppress(BoxError):
        read_commands(answer, SPEECH)
