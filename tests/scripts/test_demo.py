"""Tests of the demo: its calls, how they run concurrently, and their checks."""

import asyncio
from collections.abc import AsyncIterator
import json
import socket
import subprocess
from typing import Any, cast

import pytest

from sandbox import Heard, ManualClock, Prompt, Sandbox
from sandbox.multipart import Upload
from scripts.support.booted.client import Json
from scripts.support.booted.home_assistant import BootedHomeAssistant
from scripts.support.demo.calls import CALLS, DemoCall, at_once, identify
from scripts.support.demo.dashboard import (
    PATH,
    TELEPHONE,
    add_dashboard,
    add_telephone,
)
from scripts.support.demo.house import CONTACTS, EXTENSIONS, PERSONS, furnish
from scripts.support.demo.printing import DemoTerminal
from scripts.support.demo.results import FOLLOWED, follow
from scripts.support.demo.simotel import Outcome, conclude
from scripts.support.demo.speech import (
    PERSON,
    SILENT,
    SpeechReport,
    announce,
    escalate,
)
from scripts.support.machine import free_port

from ..sandbox.helpers import wav
from .test_help import ROOT

ANSWERED, BUSY, _NO_ANSWER, UNREACHABLE = FOLLOWED


class _Client:
    """Records requests, and has two entities of each kind."""

    def __init__(self) -> None:
        self.saved: Json = {}
        self.dashboards = [PATH]
        self.core: Json = {}

    async def post(self, _path: str, _data: Json) -> None:
        """Take anything."""

    async def command(self, command: str, **fields: Any) -> Any:  # noqa: ANN401 - as the real one
        """Answer what the dashboard asks for."""
        if command == "lovelace/dashboards/list":
            return [{"url_path": path} for path in self.dashboards]
        if command == "lovelace/dashboards/create":
            return self.dashboards.append(fields["url_path"])
        if command == "frontend/set_system_data":
            return self.core.update(fields["value"])
        if command == "config/entity_registry/list":
            keys = ("connected", "active_calls")
            return [
                {
                    "unique_id": f"entry_{key}",
                    "entity_id": f"x.{key}",
                    "config_entry_id": "entry",
                    "config_subentry_id": None,
                }
                for key in keys
            ] + [
                {
                    "unique_id": f"subentry_{key}",
                    "entity_id": f"x.{key}",
                    "config_entry_id": "entry",
                    "config_subentry_id": "subentry",
                }
                for key in ("call", "extension_state")
            ]
        self.saved = fields
        return None


class _HomeAssistant:
    """Places a call at the sandbox, and answers what the test says."""

    def __init__(self, sandbox: Sandbox | None = None, **response: object) -> None:
        self.client = _Client()
        self._sandbox = sandbox
        self._response = response

    async def call_action(self, *_args: object, **_kwargs: object) -> Json:
        """Answer, with the id and the names of the call that is there."""
        assert self._sandbox is not None
        return {**identify(self._sandbox.calls[0], self._sandbox), **self._response}


def _as_booted(stand_in: _HomeAssistant) -> BootedHomeAssistant:
    return cast("BootedHomeAssistant", stand_in)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Return a sandbox in which a caller was not reached."""
    clock = ManualClock()
    async with Sandbox(clock=clock) as running:
        call = running.incoming("09121234567", "102")
        await clock.advance(4)
        running.hang_up(call.id)
        yield running


def test_no_two_calls_have_the_same_parties() -> None:
    """Each call has unique parties."""
    assert len({call.parties for call in CALLS}) == len(CALLS)


async def test_calls_of_one_phone_take_turns() -> None:
    """All others are placed at once, and the results come in order."""
    under_way: list[DemoCall] = []
    together: set[frozenset[str]] = set()

    async def place(call: DemoCall) -> str:
        under_way.append(call)
        callers = [each.parties[0] for each in under_way]
        assert len(callers) == len(set(callers))
        together.add(frozenset(callers))
        await asyncio.sleep(0.01)
        under_way.remove(call)
        return call.title

    assert await at_once(CALLS, place) == [call.title for call in CALLS]
    assert max(map(len, together)) == len({call.parties[0] for call in CALLS})


RESPONSE: Json = {
    "caller": "09121234567",
    "callee": "102",
    "caller_contact": "Sara",
    "callee_contact": "Living room",
    "result": "answered",
    "caller_answered": True,
    "ring_time": 4,
    "talk_time": 0,
    "cause": None,
}


@pytest.mark.parametrize(
    ("call", "change", "is_right"),
    [
        (ANSWERED, {}, True),
        (ANSWERED, {"ring_time": None}, False),
        (ANSWERED, {"talk_time": 1}, False),
        (ANSWERED, {"callee_contact": None}, False),
        (ANSWERED, {"originated_call_id": "another"}, False),
        (BUSY, {}, False),
        (UNREACHABLE, {"result": "caller_unreachable", "caller_answered": False}, True),
        (UNREACHABLE, {"result": "caller_unreachable"}, False),
    ],
)
async def test_a_result_is_judged(
    sandbox: Sandbox, call: DemoCall, change: Json, *, is_right: bool
) -> None:
    """Every value has to be what happened at the phones."""
    home_assistant = _HomeAssistant(sandbox, **{**RESPONSE, **change})

    report = await follow(call, _as_booted(home_assistant), sandbox)

    assert (not report.problems) == is_right


@pytest.mark.parametrize(
    ("arguments", "is_terminal", "has_json"),
    [([], True, False), ([], False, True), (["--json"], True, True)],
)
@pytest.mark.parametrize("problems", [[], ["It rang twice."]])
def test_json(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    problems: list[str],
    *,
    is_terminal: bool,
    has_json: bool,
) -> None:
    """A program reads it in the last line; a person sees it where it is asked for."""
    monkeypatch.setattr("sys.argv", ["demo", *arguments])
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)

    status = conclude(DemoTerminal(), Outcome(problems=problems))

    last = capsys.readouterr().out.splitlines()[-1]
    assert status == bool(problems)
    assert last.startswith("{") == has_json
    if has_json:
        assert json.loads(last)["problems"] == problems


def test_the_family() -> None:
    """Each contact has a phone of this name, and each extension is in the PBX."""
    sandbox = Sandbox()
    furnish(sandbox)

    names = {contact["number"]: contact["name"] for contact in CONTACTS}
    assert {number: sandbox.phones.find(number).name for number in names} == names
    assert set(EXTENSIONS) < {phone.number for phone in sandbox.config.phones}
    persons = {f"person.{name.lower()}" for name in PERSONS}
    assert {contact.get("person") for contact in CONTACTS} == {None, *persons}


async def test_calls_to_try() -> None:
    """Each kind of call has a button, and what happens is below."""
    home_assistant = _HomeAssistant()

    async with Sandbox() as sandbox:
        await add_dashboard(_as_booted(home_assistant), sandbox, "entry")
        assert sandbox.url in str(home_assistant.client.saved)

    assert home_assistant.client.saved["url_path"] == PATH
    view = str(home_assistant.client.saved["config"])
    assert "{'entity_id': ['x.call', 'x.connected']}" in view
    for action in ("pbx.originate", "pbx.escalate", "script.call_and_notify"):
        assert f"'perform_action': '{action}'" in view


async def test_telephone() -> None:
    """Home Assistant opens with it, until somebody wants another dashboard."""
    home_assistant = _HomeAssistant()
    client = home_assistant.client

    await add_telephone(_as_booted(home_assistant))
    assert client.core == {"default_panel": TELEPHONE}
    strategy = {"strategy": {"type": "custom:pbx-telephone"}}
    assert client.saved == {"url_path": TELEPHONE, "config": strategy}
    client.core = {"default_panel": "home"}
    await add_telephone(_as_booted(home_assistant))
    assert client.core == {"default_panel": "home"}


HEARD = ["id:1", "number:21", "id:2"]
CONFIRMED: Json = {"result": "answered", "played": "full", "confirmed": True}


class _Speaking(_HomeAssistant):
    """Lets a phone hear something, and answers what the test says."""

    def __init__(self, sandbox: Sandbox, heard: list[str], **response: object) -> None:
        super().__init__(sandbox, **response)
        self._phones = sandbox
        self._heard = heard

    async def call_action(self, *_args: object, **_kwargs: object) -> Json:
        """Place a call in which the person hears what the test says."""
        assert all(call.state == "ended" for call in self._phones.calls)
        call = self._phones.incoming(PERSON, "104")
        sounds = iter(each.id for each in self._phones.announcements)
        call.heard += [
            Heard(Prompt(f"id:{next(sounds)}" if text[:3] == "id:" else text, 1), 0, 1)
            for text in self._heard
        ]
        return self._response


async def _speech(
    heard: list[str], response: Json, *, escalates: bool = False
) -> SpeechReport:
    """Run a part of the demo in which a phone hears something."""
    async with Sandbox(clock=ManualClock()) as sandbox:
        for name in ("first", "second"):
            filename = sandbox.announcements.upload(Upload("a.wav", wav(1)))
            sandbox.announcements.add({"name": name, "filename": filename})
        home_assistant = _as_booted(_Speaking(sandbox, heard, **response))
        speak = escalate if escalates else announce
        return await speak(home_assistant, sandbox)


@pytest.mark.parametrize(
    ("heard", "change", "is_right"),
    [
        (HEARD, {}, True),
        (HEARD[:2], {}, False),
        ([], {}, False),
        (["id:1", "number:22", "id:2"], {}, False),
        (HEARD, {"played": "part"}, False),
        (HEARD, {"confirmed": False}, False),
        (HEARD, {"result": "no_answer"}, False),
    ],
)
async def test_an_announcement_is_judged(
    heard: list[str], change: Json, *, is_right: bool
) -> None:
    """By what the phone has heard, and by what Home Assistant says of it."""
    report = await _speech(heard, {**CONFIRMED, **change})
    assert (not report.problems) == is_right
    assert report.as_json()["heard"] == report.heard


@pytest.mark.parametrize(
    ("first", "by", "is_right"),
    [(False, PERSON, True), (True, PERSON, False), (False, SILENT, False)],
)
async def test_an_escalation_with_a_message_is_judged(
    first: bool,
    by: str,
    *,
    is_right: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first person does not confirm, the second one does."""
    attempts = [
        {"number": SILENT, "played": "full", "confirmed": first},
        {"number": PERSON, "played": "full", "confirmed": True},
    ]
    response = {"attempts": attempts, "answered_by": by}
    report = await _speech(HEARD, response, escalates=True)
    assert (not report.problems) == is_right
    DemoTerminal().speech(report)
    assert "number:21" in capsys.readouterr().out


def test_a_port_that_is_taken() -> None:
    """Another port is found, which is not an ephemeral port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        port = free_port(taken)

    assert port != taken
    assert 20_000 <= port < 32_768
    assert free_port(port) == port


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--nonsense"], "unknown argument: --nonsense"),
        (["--pbx", "nonsense", "--json"], "unknown PBX: nonsense"),
        (["--json", "--pbx"], "unknown PBX: "),
        (["--serve", "--json"], "--serve takes no other argument: --json"),
    ],
)
def test_wrong_arguments(arguments: list[str], complaint: str) -> None:
    """It says so before it begins."""
    ran = subprocess.run(  # noqa: S603 - one of our own
        [ROOT / "scripts/demo", *arguments],
        check=False,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr == f"scripts/demo: {complaint} (see --help)\n"
