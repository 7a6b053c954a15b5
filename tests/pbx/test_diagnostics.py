"""Tests of the diagnostics: what a maintainer needs, and nothing private."""

import json
from typing import Any

from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.pbx.backends.base import Channel, ChannelState
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
)
from custom_components.pbx.const import CONF_API_KEY, CONF_EXTERNAL_CHANNEL
from sandbox import Fault, Sandbox

from .common import (
    ORIGINATE,
    all_answered,
    let_time_pass,
    lift_limits,
    place_call,
)
from .people import contact, phone, set_up
from .toy import ToyBackend

OPTIONS = {
    "context": "main_routing",
    "caller": "101",
    "caller_id": "02188881234",
    "caller_name": "Sara at home",
    "trunk_name": "line 02188885678",
    "timeout": 45,
    "internal_digits": 5,
    "allowed_numbers": ["0912*", "???", "02188881234"],
    "forbidden_numbers": ["09127654321"],
    "emergency_numbers": ["110", "115"],
    "speech_number": "8801",
    "test_phone": "09123456789",
}


@pytest.fixture
async def named_entry(
    hass: HomeAssistant, entry: MockConfigEntry, known_host: str
) -> MockConfigEntry:
    """Return an entry that is set up by its host's name, and called by a person's."""
    address = URL(entry.data[CONF_URL]).with_host(known_host)
    hass.config_entries.async_update_entry(
        entry,
        title="Sara",
        data={**entry.data, CONF_URL: str(address)},
        options=OPTIONS,
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def test_contents(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    sandbox: Sandbox,
    named_entry: MockConfigEntry,
) -> None:
    """Address, options, connection and calls are there, without what is private."""
    trunk = OPTIONS["trunk_name"]
    await place_call(hass, callee="09121234567", call_limit=60, trunk_name=trunk)
    sandbox.faults.set(ORIGINATE, Fault("refuse", message="No route to 09121234567"))
    with pytest.raises(HomeAssistantError):
        await place_call(hass, caller="102", callee="0912 123 4567")

    for _ in range(2):
        with pytest.raises(ServiceValidationError):
            await place_call(hass, callee="0912 765 4321")

    dump = await get_diagnostics_for_config_entry(hass, hass_client, named_entry)
    (placed,) = json.loads(json.dumps(dump.pop("open_calls")))
    (refused,) = json.loads(json.dumps(dump.pop("recent_calls")))
    assert dump == {
        "state": "loaded",
        "reason": None,
        "data": {
            "kind": "simotel",
            "url": f"http://**REDACTED**:{URL(sandbox.url).port}/api/v4",
            "username": "**REDACTED**",
            "password": "**REDACTED**",
            "api_key": "**REDACTED**",
            "verify_ssl": True,
            "webhook_id": "**REDACTED**",
            "event_username": "**REDACTED**",
            "event_password": "**REDACTED**",
        },
        "options": {
            **OPTIONS,
            "caller": "***",
            "caller_id": "*********34",
            "caller_name": "**REDACTED**",
            "trunk_name": "line *********78",
            "allowed_numbers": ["***2*", "***", "*********34"],
            "forbidden_numbers": ["*********21"],
            "test_phone": "*********89",
        },
        "contacts": [],
        "health": {},
        "refused_calls": {"number_forbidden": 2},
        "connected": True,
        "version": None,
        "last_error": None,
        "events": {
            "last_event_at": None,
            "received": {},
            "refused": {},
            "unknown": 0,
        },
    }
    assert placed["originated_call_id"] == sandbox.calls[0].id
    assert (placed["state"], placed["result"]) == ("placed", None)
    assert placed["request"] == {
        "call_id": placed["request"]["call_id"],
        "caller": "***",
        "callee": "*********67",
        "caller_id": "*********34",
        "caller_name": "**REDACTED**",
        "context": "main_routing",
        "is_external": False,
        "trunk_name": "line *********78",
        "timeout": 45,
        "call_limit": 60,
        "group": None,
        "is_signal": False,
        "auto_answer": False,
        "ring_tone": None,
        "announcement": None,
        "takes_keys": False,
        "held_call": None,
        "hold_time": None,
    }
    assert refused["error"] == "refused: No route to *********67"
    assert (refused["state"], refused["result"]) == ("ended", "failed")


async def test_not_loaded(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    sandbox: Sandbox,
    entry: MockConfigEntry,
) -> None:
    """A PBX whose setup failed has the key of the reason."""
    sandbox.faults.set("*", Fault("html"))
    await hass.config_entries.async_setup(entry.entry_id)

    dump = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert (dump["state"], dump["reason"]) == (
        "setup_retry",
        "simotel_unexpected_answer",
    )
    assert "connected" not in dump


@pytest.mark.parametrize(
    ("channel", "shown"),
    [
        ("PJSIP/{number}@{trunk}", "PJSIP/{number}@{trunk}"),
        (
            "PJSIP/{trunk}/sip:{number}@sip.provider.test:5060",
            "PJSIP/{trunk}/<>:{number}@<>:<>",
        ),
        ("IAX2/{trunk}:swordfish@10.0.0.5/{number}", "IAX2/{trunk}:<>@<>/{number}"),
        ("SIP/{trunk}/02188885678{number}", "SIP/{trunk}/<>{number}"),
    ],
)
async def test_channels(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    asterisk_entry: MockConfigEntry,
    channel: str,
    shown: str,
) -> None:
    """Channel templates keep their structure, without names and secrets."""
    data = {**asterisk_entry.data, CONF_EXTERNAL_CHANNEL: channel}
    hass.config_entries.async_update_entry(asterisk_entry, data=data)

    dump = await get_diagnostics_for_config_entry(hass, hass_client, asterisk_entry)
    assert dump["data"] == {
        "kind": "asterisk",
        "url": f"http://**REDACTED**:{URL(data[CONF_URL]).port}/ari",
        "username": "**REDACTED**",
        "password": "**REDACTED**",
        "verify_ssl": True,
        "application": "home-assistant-test",
        "internal_channel": "PJSIP/{number}",
        "external_channel": shown.replace("<>", "**REDACTED**"),
    }


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset"),
        Fault("refuse", message="PBX.test: sandbox-key unknown to 02188881234"),
        Fault("redirect", location="http://pbx.test/login?user=homeassistant"),
        None,
    ],
    ids=["reset", "refuse", "redirect", "gone"],
)
async def test_nothing_private(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    sandbox: Sandbox,
    named_entry: MockConfigEntry,
    fault: Fault | None,
) -> None:
    """No secret, no number and no host stands in it, whatever went wrong."""
    if fault is None:
        await sandbox.__aexit__(None, None, None)
    else:
        sandbox.faults.set("*", fault)
    with pytest.raises(HomeAssistantError):
        await place_call(hass, callee="09121234567")
    await let_time_pass(hass, 61)
    await all_answered(hass)

    dump = await get_diagnostics_for_config_entry(hass, hass_client, named_entry)
    text = json.dumps(dump).casefold()
    assert dump["connected"] is False
    assert dump["last_error"]
    private = [
        *(
            named_entry.data[name]
            for name in (CONF_USERNAME, CONF_PASSWORD, CONF_API_KEY)
        ),
        *("09121234567", "02188881234", "02188885678", '"101"'),
        *("pbx.test", "127.0.0.1", "sara"),
    ]
    assert [word for word in private if word in text] == []


async def test_caller_name(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
) -> None:
    """The caller name is redacted: it may be a person's."""
    data = {"caller": "557", "callee": "552", "caller_name": "Sara"}
    await place_call(hass, **data)
    toy.error = PbxError(PbxErrorCode.REFUSED, "No")
    with pytest.raises(HomeAssistantError):
        await place_call(hass, **data | {"callee": "553"})

    dump: Any = await get_diagnostics_for_config_entry(hass, hass_client, toy_entry)
    (on,), (ended,) = dump["open_calls"], dump["recent_calls"]
    for call in (on, ended):
        assert call["request"]["caller_name"] == "**REDACTED**"
    assert "Sara" not in json.dumps(dump)


async def test_latest_calls(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
) -> None:
    """The latest fifty calls that are over are there, the oldest first."""
    await lift_limits(hass, toy_entry)
    for _ in range(51):
        await place_call(hass, caller="101", callee="200")
        toy.end(CallResult.BUSY)

    dump: Any = await get_diagnostics_for_config_entry(hass, hass_client, toy_entry)
    calls = dump["recent_calls"]
    assert [call["originated_call_id"] for call in calls] == [
        request.call_id for request in toy.requests[1:]
    ]
    assert {call["source"] for call in calls} == {"event"}


async def test_calls_of_others(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
) -> None:
    """Numbers of calls that were not placed by Home Assistant are redacted, too."""
    toy.sink.call(
        CallUpdate(
            state=CallState.CONNECTED,
            call_id="1.2",
            direction=Direction.INCOMING,
            caller="09121234567",
            callee="101",
            answered_by="101",
            trunk="line 02188885678",
        )
    )

    dump: Any = await get_diagnostics_for_config_entry(hass, hass_client, toy_entry)
    (call,) = dump["open_calls"]
    assert (call["call_id"], call["state"]) == ("1.2", "connected")
    assert (call["caller"], call["callee"]) == ("*********67", "***")
    assert (call["answered_by"], call["trunk"]) == ("***", "line *********78")


async def test_health(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
) -> None:
    """The error of a channel is included, without the address."""
    error = PbxError(PbxErrorCode.CANNOT_CONNECT, "Connection to toy.test refused")
    toy.sink.health(Channel.STREAM, ChannelState.RECONNECTING, error)

    dump = await get_diagnostics_for_config_entry(hass, hass_client, toy_entry)
    assert dump["health"] == {
        "stream": {
            "state": "reconnecting",
            "error": "cannot_connect: Connection to **REDACTED** refused",
        }
    }


async def test_version(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    asterisk_entry: MockConfigEntry,
) -> None:
    """The version is included, if the PBX reports it."""
    dump = await get_diagnostics_for_config_entry(hass, hass_client, asterisk_entry)
    assert dump["version"] == "22.10.1"


async def test_people(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, new_toy: MockConfigEntry
) -> None:
    """Contacts have what they override, but no names, also in other places."""
    mum = contact(
        "Mum",
        "09121234567",
        "Mother",
        person="person.sara",
        voice=False,
        caller="Kitchen",
        caller_name="Reception",
        timeout=20,
    )
    kitchen = phone("Kitchen", "103", areas=["cellar", "attic"])
    made = await set_up(hass, new_toy, mum, kitchen, caller="Kitchen")
    await place_call(hass, callee="Mum")

    dump: Any = await get_diagnostics_for_config_entry(hass, hass_client, made)
    assert dump["contacts"] == [
        {
            "number": "*********67",
            "is_extension": False,
            "aliases": 1,
            "areas": 0,
            "by_voice": False,
            "has_person": True,
            "overrides": ["caller", "caller_name", "timeout"],
        },
        {
            "number": "***",
            "is_extension": True,
            "aliases": 0,
            "areas": 2,
            "by_voice": True,
            "has_person": False,
            "overrides": [],
        },
    ]
    assert len(dump["open_calls"]) == 1
    text = json.dumps(dump).casefold()
    private = ("mum", "mother", "kitchen", "sara", "reception", "cellar", "attic")
    assert [name for name in private if name in text] == []
