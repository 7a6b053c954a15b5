"""Tests of the repair issues and their fix flow."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from types import MappingProxyType

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryData,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.backends.announcement import Played
from custom_components.pbx.backends.base import Channel, ChannelState, Feature
from custom_components.pbx.backends.errors import (
    CredentialsError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import ExtensionState, ExtensionUpdate
from custom_components.pbx.const import DOMAIN

from .calls.messages import message, raises
from .common import (
    expect_state,
    pass_time,
    place_call,
    run_pending,
    set_options,
    settle,
    until,
)
from .people import (
    contact,
    device_of,
    disable as disable_contact,
    phone,
    rename,
    set_up,
)
from .toy import SPEECH, ToyBackend, Toys


async def test_listen_here_again(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    toys: Toys,
) -> None:
    """Confirming the fix flow takes the event stream back."""
    assert await async_setup_component(hass, "repairs", {})
    toy.sink.health(Channel.STREAM, ChannelState.TAKEN_OVER)
    client = await hass_client()
    path = "/api/repairs/issues/fix"
    issue_id = f"stream_{toy_entry.entry_id}"
    response = await client.post(path, json={"handler": DOMAIN, "issue_id": issue_id})
    assert response.status == HTTPStatus.OK
    step = await response.json()
    assert step["step_id"] == "confirm"
    assert step["description_placeholders"]["pbx"] == "Toy"
    await client.post(f"{path}/{step['flow_id']}", json={})
    await settle(hass)

    assert len(toys.made) == 2
    assert (DOMAIN, issue_id) not in ir.async_get(hass).issues


def issues(hass: HomeAssistant) -> list[str]:
    """Return the open issues."""
    registry = ir.async_get(hass)
    return [
        issue.translation_key or ""
        for (domain, _), issue in registry.issues.items()
        if domain == DOMAIN and issue.active
    ]


async def disable(hass: HomeAssistant, entry_id: str) -> None:
    """Disable a PBX."""
    await hass.config_entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)


async def unload(hass: HomeAssistant, entry_id: str) -> None:
    """Unload a PBX."""
    assert await hass.config_entries.async_unload(entry_id)


async def remove(hass: HomeAssistant, entry_id: str) -> None:
    """Remove a PBX."""
    await hass.config_entries.async_remove(entry_id)


each_end = pytest.mark.parametrize("end", [disable, unload, remove])
LOST = PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")


@each_end
async def test_not_in_use(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    end: Callable[[HomeAssistant, str], Awaitable[None]],
) -> None:
    """The issues of an unloaded PBX are deleted."""
    await set_options(hass, toy_entry, calls_per_hour=1)
    toy.sink.health(Channel.STREAM, ChannelState.FAILING, LOST)
    await place_call(hass, caller="101", callee="200")
    with pytest.raises(ServiceValidationError):
        await place_call(hass, caller="101", callee="201")
    assert sorted(issues(hass)) == ["calls_refused", "stream_down"]

    await end(hass, toy_entry.entry_id)
    assert issues(hass) == []


@each_end
async def test_not_in_use_while_retried(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    toys: Toys,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[HomeAssistant, str], Awaitable[None]],
) -> None:
    """The same applies to a PBX whose setup failed."""

    def fail(_toy: ToyBackend) -> None:
        raise LOST

    toy.sink.health(Channel.STREAM, ChannelState.FAILING, LOST)
    monkeypatch.setattr(ToyBackend, "_fail", fail)
    assert not await hass.config_entries.async_reload(toy_entry.entry_id)
    expect_state(toy_entry, ConfigEntryState.SETUP_RETRY)
    toys.latest.sink.health(Channel.STREAM, ChannelState.FAILING, LOST)
    assert issues(hass) == ["stream_down"]

    await end(hass, toy_entry.entry_id)
    assert issues(hass) == []


async def test_stream_down(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A stream that fails is an issue until it is connected again."""
    issue = (DOMAIN, f"stream_{toy_entry.entry_id}")
    toy.sink.health(Channel.STREAM, ChannelState.FAILING, LOST)
    made = ir.async_get(hass).issues[issue]
    assert made.severity is ir.IssueSeverity.ERROR
    assert not made.is_fixable

    toy.sink.health(Channel.STREAM, ChannelState.OK)
    assert issue not in ir.async_get(hass).issues


async def test_report_denied(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A report that cannot be read is an issue until it can be read."""
    issue = (DOMAIN, f"report_{toy_entry.entry_id}")
    error = DeniedError(PbxErrorCode.ACCESS_DENIED, "/reports")
    toy.sink.health(Channel.REPORT, ChannelState.DENIED, error)
    made = ir.async_get(hass).issues[issue]
    assert made.translation_key == "report_denied"
    assert made.translation_placeholders == {"pbx": "Toy", "detail": "/reports"}

    toy.sink.health(Channel.REPORT, ChannelState.OK)
    assert issue not in ir.async_get(hass).issues


class TestSpeech:
    """A PBX that plays announcements."""

    @pytest.fixture
    def toy_features(self) -> tuple[Feature, ...]:
        """Return the feature."""
        return (*SPEECH,)

    @pytest.mark.usefixtures("engine")
    async def test_speech_unavailable(
        self, hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
    ) -> None:
        """A missing module is an issue until an announcement can be played."""
        issue = (DOMAIN, f"speech_{toy_entry.entry_id}")
        data = {"callee": "200", "message": "Hello"}

        async def announce() -> None:
            await hass.services.async_call(DOMAIN, "announce", data, blocking=True)

        # Another error says nothing about what the PBX can do.
        for error in (
            PbxError(PbxErrorCode.CANNOT_CONNECT),
            DeniedError(PbxErrorCode.NO_SPEECH, "Asterisk 20.11.0"),
        ):
            assert issue not in ir.async_get(hass).issues
            toy.speech_error = error
            with raises(str(error.code)):
                await announce()
        made = ir.async_get(hass).issues[issue]
        assert made.translation_key == "speech_unavailable"
        placeholders = {"pbx": "Toy", "detail": "Asterisk 20.11.0"}
        assert made.translation_placeholders == placeholders
        toy.speech_error = PbxError(PbxErrorCode.CANNOT_CONNECT)
        with raises("cannot_connect"):
            await announce()
        assert issue in ir.async_get(hass).issues
        toy.speech_error = None
        running = hass.async_create_task(announce())
        await until(lambda: toy.requests)
        assert issue not in ir.async_get(hass).issues
        await run_pending()
        toy.end()
        await running

    @pytest.mark.usefixtures("engine")
    async def test_missing_right(
        self, hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
    ) -> None:
        """A right that is missing is an issue, which names it, until it is there."""
        issue = (DOMAIN, f"speech_{toy_entry.entry_id}")
        data = {"callee": "200", "message": "Hello"}
        path = "/pbx/announcements/upload"
        toy.error = DeniedError(PbxErrorCode.ACCESS_DENIED, path)
        with raises("access_denied"):
            await hass.services.async_call(DOMAIN, "announce", data, blocking=True)
        made = ir.async_get(hass).issues[issue]
        assert made.translation_key == "speech_denied"
        assert made.translation_placeholders == {"pbx": "Toy", "detail": path}
        toy.error = None
        running = hass.async_create_task(
            hass.services.async_call(DOMAIN, "announce", data, blocking=True)
        )
        await until(lambda: toy.requests)
        assert issue not in ir.async_get(hass).issues
        await run_pending()
        toy.end()
        await running

    @pytest.mark.usefixtures("engine")
    async def test_not_heard(self, hass: HomeAssistant, toy: ToyBackend) -> None:
        """A message that a PBX could not play is an issue until one is heard."""
        data = {"callee": "200", "message": "Hello", "cooldown": 0}
        for failed, shown in ((True, ["speech_failed"]), (False, [])):
            toy.requests.clear()
            running = hass.async_create_task(
                hass.services.async_call(DOMAIN, "announce", data, blocking=True)
            )
            await until(lambda: toy.requests)
            await run_pending()
            if failed:
                assert issues(hass) == []
                toy.sink.speech_failed(toy.requests[-1].call_id)
                toy.announce(Played.NONE)
            else:
                assert issues(hass) == ["speech_failed"]
                toy.announce(Played.PART)
            toy.end()
            await running
            assert issues(hass) == shown

    async def test_not_in_use(
        self, hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
    ) -> None:
        """The issue of a PBX that is removed is deleted."""
        toy.speech_error = DeniedError(PbxErrorCode.NO_SPEECH)
        data = {"callee": "200", "message": "Hello"}
        with raises("no_speech"):
            await hass.services.async_call(DOMAIN, "announce", data, blocking=True)
        assert issues(hass) == ["speech_unavailable"]
        await remove(hass, toy_entry.entry_id)
        assert issues(hass) == []


async def test_calls_refused(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Reaching the hourly limit is an issue until a call is placed again."""
    issue = (DOMAIN, f"limit_{toy_entry.entry_id}")
    await set_options(hass, toy_entry, calls_per_hour=1, cooldown=0)
    await place_call(hass, caller="101", callee="102")
    toy.end()
    assert issue not in ir.async_get(hass).issues
    with pytest.raises(ServiceValidationError) as refused:
        await place_call(hass, caller="101", callee="102")
    assert refused.value.translation_key == "too_many_per_hour"
    made = ir.async_get(hass).issues[issue]
    assert made.translation_key == "calls_refused"
    assert made.translation_placeholders == {"pbx": "Toy", "limit": "1"}

    freezer.tick(3601)
    await place_call(hass, caller="101", callee="102")
    assert issue not in ir.async_get(hass).issues


async def test_removed_with_its_pbx(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Removing a PBX deletes its issues."""
    toy.sink.health(Channel.REPORT, ChannelState.DENIED)
    await hass.config_entries.async_remove(toy_entry.entry_id)
    assert not [key for key in ir.async_get(hass).issues if key[0] == DOMAIN]


async def test_credentials_refused(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Rejected credentials on any channel start a reauthentication."""
    toy.sink.health(Channel.STREAM, ChannelState.FAILING, CredentialsError("401"))
    await settle(hass)
    (flow,) = toy_entry.async_get_active_flows(hass, {"reauth"})
    assert flow["handler"] == DOMAIN


# --- Contacts that automations name ---

MUM = contact("Mum", "09121234567", "Mama")
KITCHEN = phone("Kitchen", "101")


async def automate(hass: HomeAssistant, action: str, **data: object) -> None:
    """Set up an automation that runs an action; the event has its callee."""
    alarm = {
        "id": "42",
        "alias": "Night alarm",
        "triggers": [{"trigger": "event", "event_type": "alarm"}],
        "actions": [
            {
                "action": f"pbx.{action}",
                "data": {"callee": "{{ trigger.event.data.callee }}", **data},
                "continue_on_error": True,
            }
        ],
    }
    assert await async_setup_component(hass, "automation", {"automation": [alarm]})
    await settle(hass)


async def alarm(hass: HomeAssistant, callee: str) -> list[dict[str, str]]:
    """Run the automation, and return the placeholders of the issues about contacts."""
    hass.bus.async_fire("alarm", {"callee": callee})
    await settle(hass)
    return contact_issues(hass)


def contact_issues(hass: HomeAssistant) -> list[dict[str, str]]:
    """Return the placeholders of the issues about contacts."""
    return [
        issue.translation_placeholders or {}
        for issue in ir.async_get(hass).issues.values()
        if issue.translation_key == "contact_not_usable" and issue.active
    ]


each_action = pytest.mark.parametrize(
    ("action", "data"),
    [("originate", {"caller": "101"}), ("escalate", {"callers": ["101"]})],
)


@each_action
async def test_contact_of_an_automation(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    action: str,
    data: dict[str, object],
) -> None:
    """The issue names the automation and what is wrong, until it runs without fault."""
    await set_up(hass, new_toy, MUM, KITCHEN)
    await automate(hass, action, **data)
    toys.latest.error = LOST
    assert await alarm(hass, "Mum") == []

    (issue,) = await alarm(hass, "Nobody")
    assert issue["automation"] == "Night alarm"
    assert issue["detail"] == message(
        "unknown_contact", contact="Nobody", known="Kitchen, Mum"
    )
    # There is one issue, which has the latest fault.
    (issue,) = await alarm(hass, "Aunt")
    assert "Aunt" in issue["detail"]
    assert await alarm(hass, "Mama") == []
    (first, second) = toys.latest.requests
    assert first.callee == second.callee == "09121234567"


@each_action
@pytest.mark.usefixtures("toys")
async def test_contact_without_any_pbx(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    action: str,
    data: dict[str, object],
) -> None:
    """Once all PBXs were removed, the fault is that, and not the contact."""
    entry = await set_up(hass, new_toy, MUM, KITCHEN)
    await automate(hass, action, **data)
    await hass.config_entries.async_remove(entry.entry_id)

    assert await alarm(hass, "Mum") == []
    assert "Could not find config entry" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ("renamed", "unknown_contact"),
        ("removed", "contact_removed"),
        ("disabled", "contact_disabled"),
        ("ambiguous", "ambiguous_contact"),
    ],
)
async def test_contact_that_changed(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry, fault: str, key: str
) -> None:
    """An automation that worked has an issue after its contact was changed."""
    entry = await set_up(hass, new_toy, MUM, KITCHEN, cooldown=0)
    (mum,) = (each for each in entry.subentries.values() if each.title == "Mum")
    name = device_of(hass, entry, "Mum") if fault == "removed" else "Mum"
    await automate(hass, "originate", caller="101")
    assert await alarm(hass, name) == []
    toys.latest.end()

    if fault == "renamed":
        hass.config_entries.async_update_subentry(entry, mum, title="Mother")
    elif fault == "removed":
        hass.config_entries.async_remove_subentry(entry, mum.subentry_id)
    elif fault == "disabled":
        disable_contact(hass, entry, "Mum", "device")
    else:
        rename(hass, entry, "Kitchen", "Mum")
    await settle(hass)
    (issue,) = await alarm(hass, name)
    sentence = message(
        key, contact="Mum", known="Mother, Kitchen", device="…", pbx="Toy"
    )
    assert issue["detail"].split("(")[0] == sentence.split("(")[0]
    assert len(toys.latest.requests) == 1
    if fault == "removed":
        assert name not in issue["detail"]


async def test_contact_of_a_script(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """A script is named as well; a user who runs the action gets no issue."""
    await set_up(hass, new_toy, MUM)
    data = {"caller": "101", "callee": "Nobody"}
    with raises("unknown_contact"):
        await place_call(hass, **data)
    assert contact_issues(hass) == []

    step = {"action": "pbx.originate", "data": data}
    script = {"alias": "Bell", "sequence": [step]}
    assert await async_setup_component(hass, "script", {"script": {"bell": script}})
    with raises("unknown_contact"):
        await hass.services.async_call("script", "bell", {}, blocking=True)
    (issue,) = contact_issues(hass)
    assert issue["automation"] == "Bell"
    assert toys.latest.requests == []


async def test_contact_of_several_pbxs(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """The issue does not need a PBX, and is resolved by a call through any."""
    first = await set_up(hass, new_toy, MUM, title="First")
    second = await set_up(hass, first, MUM, phone("Hall", "102"), title="Second")
    await automate(hass, "originate", caller="101")
    (issue,) = await alarm(hass, "Mum")
    assert issue["detail"] == message(
        "contact_of_several_pbxs", contact="Mum", pbxs="First, Second"
    )
    assert await alarm(hass, "Hall") == []
    assert len(toys.latest.requests) == 1

    await alarm(hass, "Mum")
    await hass.config_entries.async_remove(second.entry_id)
    assert len(contact_issues(hass)) == 1
    await hass.config_entries.async_remove(first.entry_id)
    assert contact_issues(hass) == []


@each_end
async def test_contact_issue_of_a_pbx(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    end: Callable[[HomeAssistant, str], Awaitable[None]],
) -> None:
    """The issue is deleted with its PBX, and not with another one."""
    entry = await set_up(hass, new_toy, MUM, title="First")
    other = await set_up(hass, entry, title="Second")
    await automate(hass, "originate", config_entry_id=entry.entry_id, caller="101")
    assert len(await alarm(hass, "Nobody")) == 1
    assert len(toys.made) == 2

    await end(hass, other.entry_id)
    assert len(contact_issues(hass)) == 1
    await end(hass, entry.entry_id)
    assert contact_issues(hass) == []


# --- States of extensions that do not arrive ---

pushed = pytest.mark.parametrize("toy_features", [(Feature.PUSHED_EVENTS,)])
RINGING = ExtensionUpdate("101", ExtensionState.RINGING)


async def ten_minutes(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> list[str]:
    """Let ten minutes pass, and return the open issues."""
    await pass_time(hass, freezer, 599)
    assert issues(hass) == []
    await pass_time(hass, freezer, 2)
    return issues(hass)


@pushed
async def test_states_missing(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """If no state arrives within ten minutes, an issue says so until one does."""
    entry = await set_up(hass, new_toy, MUM, KITCHEN)
    assert await ten_minutes(hass, freezer) == ["states_missing"]
    issue = ir.async_get(hass).issues[DOMAIN, f"states_{entry.entry_id}"]
    assert issue.translation_placeholders == {"pbx": "Toy"}

    toys.latest.sink.extension(RINGING)
    assert issues(hass) == []
    await pass_time(hass, freezer, 601)
    assert issues(hass) == []


@pushed
async def test_states_seen_before(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A PBX that has reported a state once is not asked about after a restart."""
    entry = await set_up(hass, new_toy, KITCHEN)
    toys.latest.sink.extension(RINGING)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert await ten_minutes(hass, freezer) == []

    hass.config_entries.async_update_entry(entry, data={**entry.data, "url": "toy://b"})
    await settle(hass)
    assert await ten_minutes(hass, freezer) == ["states_missing"]


@pushed
async def test_states_arrive(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A state that arrives in time prevents the issue, also after it was lost."""
    await set_up(hass, new_toy, KITCHEN)
    toys.latest.sink.extension(RINGING)
    toys.latest.sink.health(Channel.STREAM, ChannelState.RECONNECTING)
    assert await ten_minutes(hass, freezer) == []


@pytest.mark.parametrize(
    ("toy_features", "contacts"),
    [
        ((), [KITCHEN]),
        ((Feature.PUSHED_EVENTS,), [MUM]),
        ((Feature.PUSHED_EVENTS,), []),
    ],
)
@pytest.mark.usefixtures("toys")
async def test_no_states_expected(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    contacts: list[ConfigSubentryData],
) -> None:
    """Without extensions, or with a PBX that is asked, there is no issue."""
    await set_up(hass, new_toy, *contacts)
    assert await ten_minutes(hass, freezer) == []


@pushed
@pytest.mark.usefixtures("toys")
async def test_states_of_a_later_extension(
    hass: HomeAssistant, new_toy: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """The ten minutes begin with the first extension, and end with the last."""
    entry = await set_up(hass, new_toy, MUM)
    await pass_time(hass, freezer, 601)
    kitchen = ConfigSubentry(
        subentry_id="kitchen",
        subentry_type=KITCHEN["subentry_type"],
        title=KITCHEN["title"],
        unique_id=KITCHEN["unique_id"],
        data=MappingProxyType(dict(KITCHEN["data"])),
    )
    hass.config_entries.async_add_subentry(entry, kitchen)
    await pass_time(hass, freezer, 300)
    await set_options(hass, entry, timeout=20)
    await pass_time(hass, freezer, 301)
    assert issues(hass) == ["states_missing"]

    hass.config_entries.async_remove_subentry(entry, "kitchen")
    await settle(hass)
    assert issues(hass) == []


@each_end
@pushed
@pytest.mark.usefixtures("toys")
async def test_states_of_a_pbx_not_in_use(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    end: Callable[[HomeAssistant, str], Awaitable[None]],
) -> None:
    """The issue of an unloaded PBX is deleted, and is not created again."""
    entry = await set_up(hass, new_toy, KITCHEN)
    other = await set_up(hass, entry, KITCHEN, title="Other")
    assert await ten_minutes(hass, freezer) == ["states_missing"] * 2
    await end(hass, entry.entry_id)
    assert issues(hass) == ["states_missing"]

    assert await hass.config_entries.async_reload(other.entry_id)
    await end(hass, other.entry_id)
    await pass_time(hass, freezer, 601)
    assert issues(hass) == []
