"""Tests of the dialing rules through the actions."""

import asyncio
from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_USER
from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    UnknownUser,
)
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import CLIENT_ID, MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.pbx.backends.base import Channel, ChannelState
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallResult, CallState
from custom_components.pbx.calls.rules import Rule
from custom_components.pbx.const import DOMAIN

from ..common import pass_time, place_call, set_options
from ..toy import ToyBackend, Toys
from .messages import message, raises

NUMBER = "09121234567"


def add_contact(
    hass: HomeAssistant, entry: MockConfigEntry, number: str, **overrides: str
) -> None:
    """Add a contact to a PBX."""
    contact = ConfigSubentry(
        data=MappingProxyType({"number": number, **overrides}),
        subentry_type="contact",
        title="Sara",
        unique_id=f"contact_{number}",
    )
    hass.config_entries.async_add_subentry(entry, contact)


def add_phone(hass: HomeAssistant, entry: MockConfigEntry, number: str) -> None:
    """Add an extension to a PBX."""
    phone = ConfigSubentry(
        data=MappingProxyType({"number": number, "is_extension": True}),
        subentry_type="contact",
        title="Kitchen",
        unique_id=f"extension_{number}",
    )
    hass.config_entries.async_add_subentry(entry, phone)


async def refused(hass: HomeAssistant, **data: object) -> ServiceValidationError:
    """Request a call that a rule refuses, and return the error."""
    with pytest.raises(ServiceValidationError) as caught:
        await place_call(hass, **{"caller": "101", "callee": "200", **data})
    return caught.value


@pytest.mark.parametrize("field", ["caller", "callee"])
@pytest.mark.parametrize(
    ("options", "number", "rule", "masked"),
    [
        ({}, "9 1 1", Rule.EMERGENCY, "***"),
        (
            {"forbidden_numbers": ["0912*"]},
            "0912 123 4567",
            Rule.FORBIDDEN,
            "*********67",
        ),
        ({"allowed_numbers": ["101", "200"]}, "102", Rule.NOT_ALLOWED, "***"),
    ],
)
async def test_numbers(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    field: str,
    options: dict[str, Any],
    number: str,
    rule: Rule,
    masked: str,
) -> None:
    """Both numbers are checked; the error has the rule, but not the number."""
    await set_options(hass, toy_entry, trunk_name="main_trunk", **options)

    error = await refused(hass, **{field: number})

    assert error.translation_key == rule
    assert str(error) == message(rule, field=field, number=masked, pbx="Toy")
    assert len(toy.requests) == 0


async def test_country(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend
) -> None:
    """Emergency numbers follow the country of Home Assistant, without a restart."""
    hass.config.country = "IR"
    assert (await refused(hass, callee="125")).translation_key == Rule.EMERGENCY
    hass.config.country = "DE"
    await place_call(hass, caller="101", callee="125")
    assert (await refused(hass, callee="0110")).translation_key == Rule.EMERGENCY

    # Additional numbers do not replace those of the country.
    await set_options(hass, toy_entry, emergency_numbers=["125"])
    assert (await refused(hass, callee="125")).translation_key == Rule.EMERGENCY
    assert (await refused(hass, callee="110")).translation_key == Rule.EMERGENCY
    assert len(toy.requests) == 1


async def test_contacts(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend
) -> None:
    """A contact is allowed, unless its number is forbidden."""
    add_contact(hass, toy_entry, NUMBER)
    await hass.async_block_till_done()
    await set_options(hass, toy_entry, allowed_numbers=["???"])

    await place_call(hass, caller="101", callee=NUMBER)
    assert len(toy.requests) == 1
    error = await refused(hass, callee="09121234568")
    assert error.translation_key == Rule.NOT_ALLOWED

    await set_options(hass, toy_entry, forbidden_numbers=["0912*"])
    assert (await refused(hass, callee=NUMBER)).translation_key == Rule.FORBIDDEN


async def test_extension_needs_no_pattern(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend
) -> None:
    """An extension needs no pattern until it is removed."""
    await set_options(hass, toy_entry, allowed_numbers=["200"], admins_only=True)
    add_phone(hass, toy_entry, "101")
    await hass.async_block_till_done()
    await place_call(hass, caller="101", callee="200")
    (subentry_id,) = toy_entry.subentries
    hass.config_entries.async_remove_subentry(toy_entry, subentry_id)
    await hass.async_block_till_done()

    assert (await refused(hass)).translation_key == Rule.NOT_ALLOWED
    assert len(toy.requests) == 1


@pytest.mark.parametrize(
    ("country", "contact", "same", "others"),
    [
        ("IR", "0200", [], ["200", "+200"]),
        ("IR", "44123456", [], ["0044123456", "+44123456", "044123456"]),
        (
            "IR",
            "09121234567",
            ["+989121234567", "0098 912 123 4567"],
            ["9121234567", "989121234567", "909121234567"],
        ),
        ("GB", "02079460000", ["+442079460000"], ["2079460000", "442079460000"]),
        ("AT", "57123", [], ["+4357123"]),
        (None, "09121234567", [], ["+989121234567", "00989121234567"]),
    ],
)
async def test_contact_allows_its_number_only(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    country: str | None,
    contact: str,
    same: list[str],
    others: list[str],
) -> None:
    """A contact allows all forms of its number, but no similar number."""
    hass.config.country = country
    await set_options(hass, toy_entry, allowed_numbers=["101"], calls_at_once=0)
    add_contact(hass, toy_entry, contact)
    await hass.async_block_till_done()

    for number in (contact, *same):
        await place_call(hass, caller="101", callee=number)
    for number in others:
        error = await refused(hass, callee=number)
        assert error.translation_key == Rule.NOT_ALLOWED, number


async def test_country_changes_identities(
    hass: HomeAssistant, toy_entry: MockConfigEntry
) -> None:
    """The identity of numbers follows the country, without a restart."""
    await set_options(hass, toy_entry, allowed_numbers=["101"])
    add_contact(hass, toy_entry, NUMBER)
    await hass.async_block_till_done()
    international = {"callee": "+989121234567"}
    assert (await refused(hass, **international)).translation_key == Rule.NOT_ALLOWED

    await hass.config.async_update(country="IR")
    await place_call(hass, caller="101", **international)

    await hass.config.async_update(country="DE")
    assert (await refused(hass, **international)).translation_key == Rule.NOT_ALLOWED


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("US", "*67911"),
        ("CA", "*67 911"),
        ("CA", "*82 9 911"),
        ("DE", "0112"),
        ("DE", "00 112"),
        ("DE", "+1 911"),
        ("ES", "091"),
        ("ES", "061"),
        (None, "119"),
    ],
)
@pytest.mark.usefixtures("toy_entry")
async def test_emergency(
    hass: HomeAssistant, toy: ToyBackend, country: str | None, number: str
) -> None:
    """Codes and prefixes do not hide an emergency number."""
    hass.config.country = country

    assert (await refused(hass, callee=number)).translation_key == Rule.EMERGENCY
    assert len(toy.requests) == 0


@pytest.mark.parametrize(
    ("country", "number"),
    [("ES", "900123112"), ("IR", "*8112"), ("IR", "0098 2112"), ("DE", "125")],
)
@pytest.mark.usefixtures("toy_entry")
async def test_not_an_emergency_number(
    hass: HomeAssistant, toy: ToyBackend, country: str, number: str
) -> None:
    """A number that only ends like an emergency number is allowed."""
    hass.config.country = country
    await place_call(hass, caller="101", callee=number)

    assert len(toy.requests) == 1


@pytest.mark.parametrize(
    "number", ["+49 900 1234567", "0049(0)9001234567", "*31#09001234567", "09 00/1"]
)
async def test_forbidden_in_any_form(
    hass: HomeAssistant, toy_entry: MockConfigEntry, number: str
) -> None:
    """A forbidden number is refused in every form."""
    hass.config.country = "DE"
    await set_options(hass, toy_entry, forbidden_numbers=["0900*"])

    assert (await refused(hass, callee=number)).translation_key == Rule.FORBIDDEN


async def test_cooldown(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The cooldown refuses another call to a callee; the action may override it."""
    await set_options(hass, toy_entry, cooldown=60)
    await place_call(hass, caller="101", callee="200")
    await place_call(hass, caller="101", callee="201")
    await pass_time(hass, freezer, 3)

    error = await refused(hass, callee="2 0 0")
    assert str(error) == message(Rule.COOLDOWN, pbx="Toy", seconds="60")
    await place_call(hass, caller="101", callee="200", cooldown=0)
    await pass_time(hass, freezer, 60)
    error = await refused(hass, cooldown=120)
    assert str(error) == message(Rule.COOLDOWN, pbx="Toy", seconds="120")
    await place_call(hass, caller="101", callee="200")
    assert len(toy.requests) == 4


async def test_cooldown_of_the_same_number(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The cooldown applies to all forms of a number, but not to similar numbers."""
    hass.config.country = "IR"
    await set_options(hass, toy_entry, cooldown=60)
    await place_call(hass, caller="101", callee="210")
    await place_call(hass, caller="101", callee="0210")
    await place_call(hass, caller="101", callee=NUMBER)
    await pass_time(hass, freezer, 3)

    error = await refused(hass, callee="+98 912 123 4567")
    assert error.translation_key == Rule.COOLDOWN
    assert len(toy.requests) == 3


@pytest.fixture
def add_user(
    hass: HomeAssistant, hass_owner_user: User
) -> Callable[[str], Awaitable[tuple[User, str]]]:
    """Return a function that adds a user and returns an access token."""
    assert hass_owner_user.is_owner  # the first one, who may do all

    async def add(group: str) -> tuple[User, str]:
        user = await hass.auth.async_create_user("Guest 02188881234", group_ids=[group])
        token = await hass.auth.async_create_refresh_token(user, CLIENT_ID)
        return user, hass.auth.async_create_access_token(token)

    return add


@pytest.mark.parametrize(
    ("group", "data", "error"),
    [
        (GROUP_ID_ADMIN, {"callee": "200"}, None),
        (GROUP_ID_USER, {"callee": NUMBER}, None),
        (GROUP_ID_USER, {"callee": "200"}, "contacts_only"),
        (GROUP_ID_USER, {"callee": NUMBER, "caller": "102"}, "contacts_only"),
        (GROUP_ID_USER, {"callee": NUMBER, "caller": NUMBER}, None),
        # Only the default caller is allowed, and only as the caller.
        (GROUP_ID_USER, {"callee": "101"}, "contacts_only"),
        (GROUP_ID_USER, {"callee": "911"}, "emergency_number"),
    ],
)
async def test_admins_only(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    hass_ws_client: WebSocketGenerator,
    add_user: Callable[[str], Awaitable[tuple[User, str]]],
    group: str,
    data: dict[str, str],
    error: str | None,
) -> None:
    """Over the WebSocket API, users who are not administrators call contacts only."""
    assert await async_setup_component(hass, "websocket_api", {})
    add_contact(hass, toy_entry, NUMBER)
    await set_options(
        hass, toy_entry, admins_only=True, caller="101", trunk_name="main_trunk"
    )
    _, token = await add_user(group)
    client = await hass_ws_client(hass, token)

    await client.send_json_auto_id(
        {
            "type": "call_service",
            "domain": DOMAIN,
            "service": "originate",
            "service_data": data,
        }
    )
    answer = await client.receive_json()

    assert answer["success"] is (error is None)
    if error is not None:
        assert answer["error"]["translation_key"] == error
    assert len(toy.requests) == (error is None)


async def test_admins_only_is_off(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    add_user: Callable[[str], Awaitable[tuple[User, str]]],
) -> None:
    """By default, all users may call all numbers."""
    user, _ = await add_user(GROUP_ID_USER)
    data = {"caller": "101", "callee": "200"}
    context = Context(user_id=user.id)
    await hass.services.async_call(
        DOMAIN, "originate", data, blocking=True, context=context
    )
    assert len(toy.requests) == 1
    toy.end()

    await set_options(hass, toy_entry, admins_only=True)
    # An automation has no user, and is allowed.
    await place_call(hass, **data)
    assert len(toy.requests) == 2
    # A user who was deleted meanwhile is unknown.
    await hass.auth.async_remove_user(user)
    with pytest.raises(UnknownUser):
        await hass.services.async_call(
            DOMAIN, "originate", data, blocking=True, context=context
        )


async def test_edited_number(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toys: Toys,
    add_user: Callable[[str], Awaitable[tuple[User, str]]],
) -> None:
    """A contact's new number is allowed once it is saved, and the old one is not."""
    await set_options(hass, toy_entry, admins_only=True, caller="101")
    add_contact(hass, toy_entry, NUMBER)
    user, _ = await add_user(GROUP_ID_USER)
    context = Context(user_id=user.id)
    (subentry,) = toy_entry.subentries.values()
    hass.config_entries.async_update_subentry(
        toy_entry, subentry, data={"number": "09121234568"}
    )

    with pytest.raises(ServiceValidationError) as caught:
        await hass.services.async_call(
            DOMAIN, "originate", {"callee": NUMBER}, blocking=True, context=context
        )
    assert caught.value.translation_key == Rule.CONTACTS_ONLY
    await hass.services.async_call(
        DOMAIN, "originate", {"callee": "09121234568"}, blocking=True, context=context
    )
    assert [each.callee for each in toys.latest.requests] == ["09121234568"]
    assert len(toys.made) == 1


async def test_refusal_has_no_number(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A refusal logs nothing, and its error has no complete number."""
    await set_options(hass, toy_entry, forbidden_numbers=["0912*"])
    caplog.clear()
    error = await refused(hass, callee=NUMBER)

    assert NUMBER not in str(error)
    assert NUMBER not in str(error.translation_placeholders)
    assert not [record for record in caplog.records if record.levelname != "DEBUG"]


# --- Limits ---


async def test_ten_at_once(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Of fifteen concurrent actions, ten place a call; one more after one ends."""
    results = await asyncio.gather(
        *(place_call(hass, caller="101", callee=f"2{last:02}") for last in range(15)),
        return_exceptions=True,
    )

    errors = [each for each in results if isinstance(each, ServiceValidationError)]
    assert len(errors) == 5
    assert {error.translation_key for error in errors} == {Rule.AT_ONCE}
    assert len(toy.requests) == 10
    toy.end()
    await place_call(hass, caller="101", callee="298")
    assert (await refused(hass, callee="299")).translation_key == Rule.AT_ONCE


async def test_per_hour(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The hourly limit also holds after a reload."""
    await set_options(hass, toy_entry, calls_per_hour=2)
    for _ in range(2):
        await place_call(hass, caller="101", callee="200")
        toy.end()
        await pass_time(hass, freezer, 1000)

    assert (await refused(hass)).translation_key == Rule.PER_HOUR
    await hass.config_entries.async_reload(toy_entry.entry_id)
    await refused(hass)
    await pass_time(hass, freezer, 1600)
    await place_call(hass, caller="101", callee="200")
    await refused(hass, callee="201")


async def test_not_placed(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A refused request does not count for the cooldown; an uncertain one does."""
    await set_options(hass, toy_entry, calls_per_hour=1, cooldown=60)
    toy.error = PbxError(PbxErrorCode.REFUSED, "no line")
    for _ in range(2):
        with raises("refused"):
            await place_call(hass, caller="101", callee="200")
    toy.error = CallUncertainError("nothing came")
    with pytest.raises(HomeAssistantError):
        await place_call(hass, caller="101", callee="200")
    toy.error = None
    await pass_time(hass, freezer, 3)

    assert (await refused(hass)).translation_key == Rule.PER_HOUR


@pytest.mark.parametrize("limit", ["calls_at_once", "calls_per_hour"])
async def test_uncertain_calls(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
    limit: str,
) -> None:
    """An uncertain call counts while its caller may be ringing."""
    await set_options(hass, toy_entry, **{limit: 5})
    toy.error = CallUncertainError("nothing came")
    for callee in range(200, 205):
        with raises("call_uncertain"):
            await place_call(hass, caller="101", callee=callee, timeout=30)
    # Also over a reload.
    await hass.config_entries.async_reload(toy_entry.entry_id)
    await pass_time(hass, freezer, 28)
    await refused(hass)
    await pass_time(hass, freezer, 2)

    await place_call(hass, caller="101", callee="205", timeout=30)
    assert len(toys.latest.requests) == 1
    # The phone of the other call may have rung anyway.
    error = await refused(hass, cooldown=60)
    assert error.translation_key == Rule.COOLDOWN


async def test_uncertain_call_is_confirmed(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An uncertain call counts as placed after its first update."""
    await set_options(hass, toy_entry, calls_per_hour=1)
    toy.error = CallUncertainError("nothing came")
    with pytest.raises(HomeAssistantError):
        await place_call(hass, caller="101", callee="200")
    toy.report(CallState.CONNECTED)
    toy.end()
    await pass_time(hass, freezer, 600)

    assert (await refused(hass)).translation_key == Rule.PER_HOUR


async def test_uncertain_call_failed(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An uncertain call that the PBX reports as failed no longer counts."""
    await set_options(hass, toy_entry, calls_per_hour=1, cooldown=60)
    toy.error = CallUncertainError("nothing came")
    with pytest.raises(HomeAssistantError):
        await place_call(hass, caller="101", callee="200")
    toy.error = None
    await pass_time(hass, freezer, 3)
    await refused(hass)
    toy.end(CallResult.FAILED)

    await place_call(hass, caller="101", callee="200")
    assert len(toy.requests) == 2


async def test_without_updates(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Without updates, a call counts as active for its ring time and a minute."""
    await set_options(hass, toy_entry, calls_at_once=1, max_talk_time=86_400)
    toy.sink.health(Channel.STREAM, ChannelState.FAILING)
    await place_call(hass, caller="101", callee="200", timeout=30)
    await pass_time(hass, freezer, 89)
    assert (await refused(hass)).translation_key == Rule.AT_ONCE
    await pass_time(hass, freezer, 1)

    # Or for its call limit.
    await place_call(hass, caller="102", callee="200", timeout=30, call_limit=120)
    await pass_time(hass, freezer, 149)
    assert (await refused(hass)).translation_key == Rule.AT_ONCE
    await pass_time(hass, freezer, 1)
    await place_call(hass, caller="103", callee="200")

    # With updates, calls are active until their end is reported.
    toy.sink.health(Channel.STREAM, ChannelState.OK)
    await pass_time(hass, freezer, 600)
    assert (await refused(hass)).translation_key == Rule.AT_ONCE
    toy.sink.health(Channel.STREAM, ChannelState.FAILING)
    await place_call(hass, caller="101", callee="200")


async def test_over_a_restart(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """The history is stored and restored, without old calls."""
    key = f"pbx.{new_toy.entry_id}"
    now = freezer.time_to_freeze.timestamp()
    data = {"address": new_toy.data["url"], "history": [[now - 86_401, "1"]]}
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    assert await hass.config_entries.async_setup(new_toy.entry_id)
    await place_call(hass, caller="101", callee="200")
    toys.latest.end()
    await pass_time(hass, freezer, 2)
    file = hass_storage[key]
    assert file["data"]["history"] == [[now, "200"]]

    # The next run of Home Assistant only knows what is stored.
    options = {**new_toy.options, "calls_per_hour": 2}
    again = MockConfigEntry(
        domain=DOMAIN,
        entry_id=new_toy.entry_id,
        data=dict(new_toy.data),
        options=options,
    )
    await hass.config_entries.async_remove(new_toy.entry_id)
    hass_storage[key] = file
    again.add_to_hass(hass)
    assert await hass.config_entries.async_setup(again.entry_id)

    assert (await refused(hass, cooldown=60)).translation_key == Rule.COOLDOWN
    await place_call(hass, caller="101", callee="0201")
    assert (await refused(hass)).translation_key == Rule.PER_HOUR
    await pass_time(hass, freezer, 3599)
    await place_call(hass, caller="101", callee="200")


async def test_limit_is_reached(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A refusal by the hourly limit creates a repair issue, as it may be a loop."""
    issue = (DOMAIN, f"limit_{toy_entry.entry_id}")
    issues = ir.async_get(hass).issues
    await set_options(hass, toy_entry, calls_per_hour=1, forbidden_numbers=["0912*"])
    await refused(hass, callee=NUMBER)
    await place_call(hass, caller="101", callee="200")
    toy.end()
    assert issue not in issues

    error = await refused(hass)
    assert str(error) == message(Rule.PER_HOUR, pbx="Toy", limit="1")
    assert issues[issue].translation_placeholders == {"pbx": "Toy", "limit": "1"}
    # Other rules do not affect the issue.
    await refused(hass, callee=NUMBER)
    assert issue in issues

    await pass_time(hass, freezer, 3600)
    await place_call(hass, caller="101", callee="200")
    assert issue not in issues
    assert len(toy.requests) == 2


@pytest.mark.parametrize(
    ("kind", "allowed", "call"),
    [
        ("contact", ["101"], {"caller": "101", "callee": "{}"}),
        ("caller", ["200"], {"caller": "{}", "callee": "200"}),
        ("extension", ["101"], {"caller": "101", "callee": "{}"}),
    ],
)
async def test_edited_contact(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    kind: str,
    allowed: list[str],
    call: dict[str, str],
) -> None:
    """A changed number is allowed at once, and the old one is not."""
    await set_options(hass, toy_entry, allowed_numbers=allowed)
    if kind == "extension":
        add_phone(hass, toy_entry, "102")
    elif kind == "caller":
        add_contact(hass, toy_entry, "200", caller="102")
    else:
        add_contact(hass, toy_entry, "102")
    await hass.async_block_till_done()
    (subentry,) = toy_entry.subentries.values()

    def numbered(number: str) -> dict[str, str]:
        return {field: value.format(number) for field, value in call.items()}

    await place_call(hass, **numbered("102"))
    toy.end()
    for old, new in (("102", "103"), ("103", "102")):
        field = "caller" if kind == "caller" else "number"
        hass.config_entries.async_update_subentry(
            toy_entry, subentry, data={**subentry.data, field: new}
        )
        await hass.async_block_till_done()
        await place_call(hass, **numbered(new))
        error = await refused(hass, **numbered(old))
        assert error.translation_key == Rule.NOT_ALLOWED
    assert len(toy.requests) == 3
