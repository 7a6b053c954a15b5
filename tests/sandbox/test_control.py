"""The sandbox's own page, and what a person can do there."""

from typing import Any

import pytest

from sandbox import Fault
from sandbox.control import is_loopback

from .helpers import ORIGINATE, PING, Pbx, Reply, Service, wav


async def _act(pbx: Pbx, path: str, body: object, method: str = "POST") -> Reply:
    return await pbx.raw(f"{pbx.sandbox.url}/sandbox/{path}", method, json=body)


async def _state(pbx: Pbx) -> dict[str, Any]:
    reply = await pbx.raw(f"{pbx.sandbox.url}/sandbox/state", "GET")
    state: dict[str, Any] = reply.json
    return state


async def test_the_page_needs_nothing_from_elsewhere(pbx: Pbx) -> None:
    """One file, and a policy that allows no other."""
    async with pbx.client.get(pbx.sandbox.url) as response:
        text = await response.text()
        assert response.content_type == "text/html"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "<title>Sandbox PBX</title>" in text
    assert "http://" not in text
    assert "https://" not in text


async def test_the_state_of_everything(pbx: Pbx) -> None:
    """Phones, calls with the newest first, and faults."""
    await pbx.originate("101", "102")
    await pbx.clock.advance(3)
    newest = await pbx.originate("103", "106")
    await pbx.clock.advance(2)
    pbx.sandbox.faults.set(ORIGINATE, Fault("hang", times=2))
    state = await _state(pbx)
    phones = {phone["number"]: phone["state"] for phone in state["phones"]}
    assert (phones["101"], phones["102"]) == ("InUse", "Ringing")
    assert (phones["105"], phones["104"]) == ("Unavailable", "Idle")
    first, second = state["calls"]
    assert (first["id"], first["state"]) == (newest.id, "ended")
    assert first["outcome"] == "caller unreachable after 1 s"
    assert (second["state"], second["outcome"]) == ("ringing_callee", "")
    assert state["now"] - second["since"] == 3
    assert state["faults"] == [{"path": ORIGINATE, "kind": "hang", "times": 2}]
    assert pbx.sandbox.requests[-1].path == ORIGINATE


async def test_only_the_last_calls_are_shown(pbx: Pbx) -> None:
    """The page stays short."""
    for _ in range(40):
        pbx.sandbox.incoming("0915", "99")
    state = await _state(pbx)
    assert len(state["calls"]) == 30
    assert state["calls"][0]["id"] == pbx.sandbox.calls[-1].id


async def test_faults(pbx: Pbx) -> None:
    """On, and off again, one or all."""
    body = {"path": ORIGINATE, "kind": "slow", "times": 1, "seconds": 3, "placed": True}
    assert (await _act(pbx, "faults", body)).json == {"faults": [ORIGINATE]}
    assert pbx.sandbox.faults.active() == {
        ORIGINATE: Fault("slow", times=1, seconds=3, placed=True)
    }
    await _act(pbx, "faults", {"path": "*", "kind": "html"})
    reply = await _act(pbx, "faults", {"path": ORIGINATE}, "DELETE")
    assert reply.json == {"faults": ["*"]}
    assert (await _act(pbx, "faults", {}, "DELETE")).json == {"faults": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"path": "/x", "kind": "explode"},
        {"path": "/x", "kind": "html", "times": 0},
        {"path": "call", "kind": "html"},
        {"path": "*", "kind": "slow", "seconds": 10**400},
    ],
)
async def test_a_fault_that_is_none(pbx: Pbx, body: dict[str, object]) -> None:
    """It says what is wrong."""
    reply = await _act(pbx, "faults", body)
    assert reply.status == 400
    assert reply.text
    assert pbx.sandbox.faults.active() == {}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_fault_that_lasts_no_time_there_is(pbx: Pbx, number: str) -> None:
    """It is refused in words, and the next request is answered."""
    body = f'{{"path": "*", "kind": "slow", "seconds": {number}}}'
    headers = {"Content-Type": "application/json"}
    url = f"{pbx.sandbox.url}/sandbox/faults"
    reply = await pbx.raw(url, data=body.encode(), headers=headers)
    assert reply.status == 400
    assert "NaN" in reply.text or "finite" in reply.text
    assert pbx.sandbox.faults.active() == {}
    assert (await pbx.post(PING)).json["success"] == 1


async def test_calling_in_and_hanging_up(pbx: Pbx) -> None:
    """The page can start an incoming call."""
    reply = await _act(pbx, "incoming", {"number": "0915", "exten": "101"})
    (call,) = pbx.sandbox.calls
    assert reply.json == {"id": call.id}
    assert (await _act(pbx, "hang_up", {"call_id": call.id})).status == 200
    assert call.result == "no_answer"
    assert (await _act(pbx, "hang_up", {"call_id": "other"})).status == 404
    assert (await _act(pbx, "hang_up", {})).status == 400
    assert (await _act(pbx, "incoming", {"number": "0915", "exten": 1})).status == 400


async def test_what_a_phone_hears(pbx: Pbx, service: Service) -> None:
    """The page shows it, plays it, and can press keys."""
    pbx.draw(service)
    sound = await pbx.add_sound("water", 4)
    service.says("say", f"SayNumber(7);GetData('id:{sound}', 5, 1);Exit('next')")
    call = await pbx.speak("106")
    await pbx.clock.advance(1 + 0.4 + 3)
    (shown,) = (await _state(pbx))["calls"]
    assert shown["is_speaking"]
    since = shown["started"] + 1
    assert shown["heard"] == [
        {"text": "number:7", "title": "", "seconds": 0.4, "since": since}
        | {"heard": pytest.approx(0.4)},
        {"text": f"id:{sound}", "title": "water", "seconds": 4}
        | {"since": pytest.approx(since + 0.4), "heard": 0},
    ]
    body = {"call_id": call.id, "keys": "5"}
    assert (await _act(pbx, "press", body | {"keys": "A"})).status == 400
    assert (await _act(pbx, "press", {"keys": "5"})).status == 400
    assert (await _act(pbx, "press", body)).status == 200
    await pbx.clock.advance(0)
    assert service.fields()[1]["data"] == "5"
    assert (await _act(pbx, "press", body)).status == 404
    assert not (await _state(pbx))["calls"][0]["is_speaking"]

    url = f"{pbx.sandbox.url}/sandbox/sounds/"
    async with pbx.client.get(url + sound) as response:
        assert response.content_type == "audio/wav"
        assert await response.read() == wav(4)
    assert (await pbx.raw(url + "0" * 24, "GET")).status == 404


async def test_other_sites_cannot_act(pbx: Pbx) -> None:
    """What a page elsewhere can send without asking is not taken."""
    url = f"{pbx.sandbox.url}/sandbox/faults"
    reply = await pbx.raw(url, data=b'{"path": "*", "kind": "html"}')
    assert reply.status == 415
    headers = {"Content-Type": "application/json"}
    assert (await pbx.raw(url, data=b"[]", headers=headers)).status == 400


async def test_other_machines_cannot_act(
    pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control is for this machine alone."""
    monkeypatch.setattr("sandbox.control.is_loopback", lambda _: False)
    reply = await _act(pbx, "faults", {"path": "*", "kind": "html"})
    assert reply.status == 403
    url = f"{pbx.sandbox.url}/sandbox/sounds/{await pbx.add_sound('water', 1)}"
    assert (await pbx.raw(url, "GET")).status == 403


@pytest.mark.parametrize(
    ("remote", "own"),
    [("127.0.0.1", True), ("::1", True), ("192.0.2.1", False), (None, False)],
)
def test_which_addresses_are_this_machine(remote: str | None, *, own: bool) -> None:
    """Loopback, of either kind."""
    assert is_loopback(remote) is own
