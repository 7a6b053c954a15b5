"""Tests of how a PBX is held to its dialling rules, over HTTP to the sandbox."""

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
from pytest_homeassistant_custom_component.common import (
    CLIENT_ID,
    MockConfigEntry,
    flush_store,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallState,
    EvidenceSource,
    PbxEvent,
    PbxEventType,
)
from custom_components.pbx.calls.guard import async_get_guard, known_numbers
from custom_components.pbx.calls.number_plan import NumberPlan
from custom_components.pbx.calls.rules import Rule
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.intake import async_take_event, async_take_evidence
from sandbox import Fault, Sandbox

from ..common import ORIGINATE, pass_time, place_call, sentences, set_options
from ..scene import REPORT, Scene
from ..telling import end_call

NUMBER = "09121234567"


def add_contact(
    hass: HomeAssistant, entry: MockConfigEntry, number: str, **overrides: str
) -> None:
    """Give a PBX a contact."""
    contact = ConfigSubentry(
        data=MappingProxyType({"number": number, **overrides}),
        subentry_type="contact",
        title="Sara",
        unique_id=f"contact_{number}",
    )
    hass.config_entries.async_add_subentry(entry, contact)


def add_phone(hass: HomeAssistant, entry: MockConfigEntry, number: str) -> None:
    """Give a PBX a phone of the house."""
    phone = ConfigSubentry(
        data=MappingProxyType({"number": number}),
        subentry_type="extension",
        title="Kitchen",
        unique_id=f"extension_{number}",
    )
    hass.config_entries.async_add_subentry(entry, phone)


async def refused(hass: HomeAssistant, **data: object) -> ServiceValidationError:
    """Ask for a call that a rule is against, and return the error."""
    with pytest.raises(ServiceValidationError) as caught:
        await place_call(hass, **{"caller": "101", "callee": "200", **data})
    return caught.value


def issue(hass: HomeAssistant, entry: MockConfigEntry, kind: str) -> Any:  # noqa: ANN401 - an entry of the registry, or None
    """Return the repair issue of a kind."""
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{kind}_{entry.entry_id}")


def requests(sandbox: Sandbox) -> int:
    """Return how many calls the PBX was asked for."""
    return sum(request.path == ORIGINATE for request in sandbox.requests)


# --- Numbers ---


@pytest.mark.parametrize("field", ["caller", "callee"])
@pytest.mark.parametrize(
    ("options", "number", "rule", "words"),
    [
        (
            {},
            "9 1 1",
            Rule.EMERGENCY,
            "The number in {field} (***) is an emergency number",
        ),
        (
            {"forbidden_numbers": ["0912*"]},
            "0912 123 4567",
            Rule.FORBIDDEN,
            "The number in {field} (*********67) is forbidden",
        ),
        (
            {"allowed_numbers": ["101", "200"]},
            "102",
            Rule.NOT_ALLOWED,
            "The number in {field} (***) is not among those",
        ),
    ],
)
async def test_numbers(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    field: str,
    options: dict[str, Any],
    number: str,
    rule: Rule,
    words: str,
) -> None:
    """Both parties are checked; the error names the rule, and not the number."""
    await set_options(hass, loaded_entry, trunk_name="main_trunk", **options)

    error = await refused(hass, **{field: number})

    assert error.translation_key == rule
    assert str(error).startswith(words.format(field=field))
    assert "Sandbox" in str(error)
    assert requests(sandbox) == 0
    assert loaded_entry.runtime_data.tracking.tracker.active == 0


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("rule", Rule)
async def test_sentences(hass: HomeAssistant, rule: Rule, language: str) -> None:
    """Every rule has its sentence."""
    texts = await sentences(hass, "exceptions", language)

    assert "{pbx}" in texts[f"{rule}.message"]


async def test_country(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """The list follows the country of Home Assistant, without a restart."""
    hass.config.country = "IR"
    assert (await refused(hass, callee="125")).translation_key == Rule.EMERGENCY
    hass.config.country = "DE"
    await place_call(hass, caller="101", callee="125")
    assert (await refused(hass, callee="0110")).translation_key == Rule.EMERGENCY

    # The owner may add to it, and takes nothing away by that.
    await set_options(hass, loaded_entry, emergency_numbers=["125"])
    assert (await refused(hass, callee="125")).translation_key == Rule.EMERGENCY
    assert (await refused(hass, callee="110")).translation_key == Rule.EMERGENCY
    assert requests(sandbox) == 1


async def test_contacts(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """A contact is allowed, unless it is forbidden."""
    add_contact(hass, loaded_entry, NUMBER)
    await hass.async_block_till_done()
    await set_options(hass, loaded_entry, allowed_numbers=["???"])

    await place_call(hass, caller="101", callee=NUMBER)
    assert requests(sandbox) == 1
    error = await refused(hass, callee="09121234568")
    assert error.translation_key == Rule.NOT_ALLOWED

    await set_options(hass, loaded_entry, forbidden_numbers=["0912*"])
    assert (await refused(hass, callee=NUMBER)).translation_key == Rule.FORBIDDEN


def test_known_numbers(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Whom the owner has named is known by the identity of the number."""
    plan = NumberPlan(region="IR", internal_digits=5)
    assert known_numbers(entry, plan) == set()
    add_contact(hass, entry, "00989121234567", caller="0102")
    add_phone(hass, entry, "103")

    assert known_numbers(entry, plan) == {"+989121234567", "0102", "103"}


async def test_a_phone_is_known(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """A phone of the house needs no pattern; as soon as it is gone, it does."""
    await set_options(hass, loaded_entry, allowed_numbers=["200"], admins_only=True)
    add_phone(hass, loaded_entry, "101")
    await hass.async_block_till_done()
    await place_call(hass, caller="101", callee="200")
    (subentry_id,) = loaded_entry.subentries
    hass.config_entries.async_remove_subentry(loaded_entry, subentry_id)
    await hass.async_block_till_done()

    assert (await refused(hass)).translation_key == Rule.NOT_ALLOWED
    assert requests(sandbox) == 1


async def edit(
    hass: HomeAssistant, entry: MockConfigEntry, form: dict[str, Any]
) -> None:
    """Change the only contact or phone of a PBX by its form."""
    (subentry_id,) = entry.subentries
    step = await entry.start_subentry_reconfigure_flow(hass, subentry_id)
    flow = hass.config_entries.subentries
    done = await flow.async_configure(step["flow_id"], form)
    assert done["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()


async def test_edited_contact(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """The new number of a contact opens at once, and the old one closes."""
    await set_options(hass, loaded_entry, allowed_numbers=["101"])
    add_contact(hass, loaded_entry, "200")
    await hass.async_block_till_done()
    await place_call(hass, caller="101", callee="200")

    await edit(hass, loaded_entry, {"name": "Sara", "number": "201", "overrides": {}})

    await place_call(hass, caller="101", callee="201")
    assert (await refused(hass, callee="200")).translation_key == Rule.NOT_ALLOWED
    # Again, as it was.
    await edit(hass, loaded_entry, {"name": "Sara", "number": "200", "overrides": {}})
    await place_call(hass, caller="101", callee="200")
    assert (await refused(hass, callee="201")).translation_key == Rule.NOT_ALLOWED
    assert requests(sandbox) == 3


async def test_edited_caller_of_a_contact(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """So does the phone that is rung first for a contact."""
    await set_options(hass, loaded_entry, allowed_numbers=["200"])
    add_contact(hass, loaded_entry, "200", caller="102")
    await hass.async_block_till_done()
    await place_call(hass, caller="102", callee="200")

    form = {"name": "Sara", "number": "200", "overrides": {"caller": "103"}}
    await edit(hass, loaded_entry, form)

    await place_call(hass, caller="103", callee="200")
    assert (await refused(hass, caller="102")).translation_key == Rule.NOT_ALLOWED
    assert requests(sandbox) == 2


async def test_edited_phone(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """So does a phone of the house."""
    await set_options(hass, loaded_entry, allowed_numbers=["101"])
    add_phone(hass, loaded_entry, "102")
    await hass.async_block_till_done()
    await place_call(hass, caller="101", callee="102")

    await edit(hass, loaded_entry, {"number": "103"})

    await place_call(hass, caller="101", callee="103")
    assert (await refused(hass, callee="102")).translation_key == Rule.NOT_ALLOWED
    assert requests(sandbox) == 2


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
async def test_contact_opens_itself_only(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    country: str | None,
    contact: str,
    same: list[str],
    others: list[str],
) -> None:
    """A contact opens its number in all its forms, and no number like it."""
    hass.config.country = country
    await set_options(hass, loaded_entry, allowed_numbers=["101"], calls_at_once=0)
    add_contact(hass, loaded_entry, contact)
    await hass.async_block_till_done()

    for number in (contact, *same):
        await place_call(hass, caller="101", callee=number)
    for number in others:
        error = await refused(hass, callee=number)
        assert error.translation_key == Rule.NOT_ALLOWED, number


async def test_country_decides_at_once(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """What is the same number follows the country, without a restart."""
    await set_options(hass, loaded_entry, allowed_numbers=["101"])
    add_contact(hass, loaded_entry, NUMBER)
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
@pytest.mark.usefixtures("loaded_entry")
async def test_emergency(
    hass: HomeAssistant, sandbox: Sandbox, country: str | None, number: str
) -> None:
    """No code and no prefix in front makes an emergency call pass."""
    hass.config.country = country

    assert (await refused(hass, callee=number)).translation_key == Rule.EMERGENCY
    assert requests(sandbox) == 0


@pytest.mark.parametrize(
    ("country", "number"),
    [("ES", "900123112"), ("IR", "*8112"), ("IR", "0098 2112"), ("DE", "125")],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_no_emergency(
    hass: HomeAssistant, sandbox: Sandbox, country: str, number: str
) -> None:
    """A number that merely ends like one passes."""
    hass.config.country = country
    await place_call(hass, caller="101", callee=number)

    assert requests(sandbox) == 1


@pytest.mark.parametrize(
    "number", ["+49 900 1234567", "0049(0)9001234567", "*31#09001234567", "09 00/1"]
)
async def test_forbidden_in_any_form(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, number: str
) -> None:
    """A forbidden number stays forbidden, however it is written."""
    hass.config.country = "DE"
    await set_options(hass, loaded_entry, forbidden_numbers=["0900*"])

    assert (await refused(hass, callee=number)).translation_key == Rule.FORBIDDEN


# --- How often ---


async def test_ten_at_once(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """Of fifteen actions at once ten are placed; one more when one has ended."""
    results = await asyncio.gather(
        *(place_call(hass, caller="101", callee=f"2{last:02}") for last in range(15)),
        return_exceptions=True,
    )

    errors = [str(result) for result in results if result is not None]
    assert len(errors) == 5
    assert errors[0].startswith("The dialling rules of Sandbox allow 10 calls at once")
    assert requests(sandbox) == 10
    tracker = loaded_entry.runtime_data.tracking.tracker
    await end_call(hass, loaded_entry, tracker.outstanding[0])
    await place_call(hass, caller="101", callee="200")
    await refused(hass)


async def end_all(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Let all calls end."""
    for call in entry.runtime_data.tracking.tracker.outstanding:
        await end_call(hass, entry, call)


async def test_silent_pbx(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Where nothing tells of ends, a call is on for its ring time and a minute."""
    sandbox.configure(missing_services=(REPORT,))
    await set_options(hass, loaded_entry, calls_at_once=1, max_talk_time=86_400)
    await place_call(hass, caller="101", callee="200", timeout=30)
    await pass_time(hass, freezer, 5)
    await pass_time(hass, freezer, 84)
    assert (await refused(hass, caller="102")).translation_key == Rule.AT_ONCE
    await pass_time(hass, freezer, 1)

    await place_call(hass, caller="102", callee="200", timeout=30, call_limit=120)
    assert loaded_entry.runtime_data.tracking.tracker.active == 2
    await pass_time(hass, freezer, 149)
    assert (await refused(hass)).translation_key == Rule.AT_ONCE
    await pass_time(hass, freezer, 1)
    await place_call(hass, caller="103", callee="200")

    # An event shows that the end will be told, and that no end was told yet.
    event = PbxEvent(type=PbxEventType.EXTENSION_STATE, attributes={})
    async_take_event(hass, loaded_entry, event)
    await pass_time(hass, freezer, 50)
    assert (await refused(hass)).translation_key == Rule.AT_ONCE
    # Until none comes any more, not even the echo of a ping.
    await pass_time(hass, freezer, 61)
    await pass_time(hass, freezer, 61)
    await place_call(hass, caller="101", callee="200")


@pytest.mark.parametrize("limit", ["calls_at_once", "calls_per_hour"])
async def test_five_lost_answers(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
    limit: str,
) -> None:
    """A call that may not have been placed counts while its caller may ring."""
    sandbox.faults.set(ORIGINATE, Fault("reset", times=5))
    await set_options(hass, loaded_entry, **{limit: 5})
    for _ in range(5):
        with pytest.raises(HomeAssistantError, match="did not confirm"):
            await place_call(hass, caller="101", callee="200", timeout=30)
    # Over a reload, too.
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    await pass_time(hass, freezer, 28)
    await refused(hass)
    await pass_time(hass, freezer, 2)

    await place_call(hass, caller="101", callee="201", timeout=30)
    # The phone of the other may have rung all the same.
    assert (await refused(hass, cooldown=60)).translation_key == Rule.COOLDOWN
    assert requests(sandbox) == 6


async def test_lost_answers_do_not_stop_an_escalation(scene: Scene) -> None:
    """With the usual limits five lost answers hold up nobody at all."""
    scene.sandbox.faults.set(ORIGINATE, Fault("reset", times=5))
    for _ in range(5):
        with pytest.raises(HomeAssistantError, match="did not confirm"):
            await scene.run("originate", caller="101", callee="200")
    await scene.run("originate", caller="101", callee="200")
    running = await scene.begin("escalate", callers=["105", "105"], callee="200")
    await scene.live(10)

    assert len((await running)["attempts"]) == 2
    assert len(scene.rung) == 3


async def test_escalation_beside_other_calls(scene: Scene) -> None:
    """An escalation has one call on, and does not wait for others to end."""
    await set_options(scene.hass, scene.entry, calls_at_once=1, calls_per_hour=3)
    await scene.run("originate", caller="101", callee="200")
    running = await scene.begin("escalate", callers=["105", "105", "105"], callee="200")
    await scene.live(10)

    first, second, third = (await running)["attempts"]
    assert [first["result"], second["result"]] == ["caller_unreachable"] * 2
    # What it costs is limited all the same.
    assert "calls per hour" in third["error"]


async def test_lost_answer_of_a_call_that_is_on(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """One of which anything is heard was placed, and counts as any other."""
    await set_options(hass, loaded_entry, calls_per_hour=1, max_talk_time=86_400)
    sandbox.faults.set(ORIGINATE, Fault("reset", times=1))
    with pytest.raises(HomeAssistantError, match="did not confirm"):
        await place_call(hass, caller="101", callee="200")
    (call,) = loaded_entry.runtime_data.tracking.tracker.outstanding
    evidence = CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.CONNECTED,
        caller="101",
        callee="200",
    )
    async_take_evidence(loaded_entry, evidence)
    await pass_time(hass, freezer, 600)

    assert not call.is_uncertain
    assert (await refused(hass)).translation_key == Rule.PER_HOUR


async def test_report_is_permitted_later(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """As soon as the report can be read, calls are on until it tells their end."""
    sandbox.configure(missing_services=(REPORT,))
    await place_call(hass, caller="101", callee="200")
    await pass_time(hass, freezer, 5)
    assert not loaded_entry.runtime_data.is_followed
    sandbox.configure(missing_services=())
    await place_call(hass, caller="102", callee="200")
    await pass_time(hass, freezer, 5)

    assert loaded_entry.runtime_data.is_followed


async def test_per_hour(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """No more calls are placed within an hour, also after a reload."""
    await set_options(hass, loaded_entry, calls_per_hour=2)
    for _ in range(2):
        await place_call(hass, caller="101", callee="200")
        await end_all(hass, loaded_entry)
        await pass_time(hass, freezer, 1000)

    error = await refused(hass)
    assert error.translation_key == Rule.PER_HOUR
    assert "allow 2 calls per hour" in str(error)
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    await refused(hass)
    await pass_time(hass, freezer, 1600)
    await place_call(hass, caller="101", callee="200")
    await refused(hass)
    assert requests(sandbox) == 3


async def test_over_a_restart(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """The history is stored, and read at the next start."""
    now = freezer.time_to_freeze.timestamp()
    key = f"pbx.{entry.entry_id}"
    data = {"cursor": "", "calls": [], "history": [[now - 86_401, "1"], [now, "200"]]}
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    hass.config_entries.async_update_entry(
        entry, options=entry.options | {"calls_per_hour": 2}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert (await refused(hass, cooldown=60)).translation_key == Rule.COOLDOWN
    await place_call(hass, caller="101", callee="0201")
    assert (await refused(hass)).translation_key == Rule.PER_HOUR
    await flush_store(entry.runtime_data.tracking._store)  # noqa: SLF001
    assert hass_storage[key]["data"]["history"] == [[now, "200"], [now, "0201"]]


async def test_not_placed(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """Who tries again after an error of the PBX need not wait; after a doubt, yes."""
    await set_options(hass, loaded_entry, calls_per_hour=1, cooldown=60)
    sandbox.faults.set(ORIGINATE, Fault("refuse", times=2))
    for _ in range(2):
        with pytest.raises(HomeAssistantError, match="refused: "):
            await place_call(hass, caller="101", callee="200")
    sandbox.faults.set(ORIGINATE, Fault("html", times=1))
    with pytest.raises(HomeAssistantError, match="did not confirm"):
        await place_call(hass, caller="101", callee="200")

    assert (await refused(hass)).translation_key == Rule.PER_HOUR


async def test_cooldown(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The same callee is left in peace for a while; the action says for how long."""
    await set_options(hass, loaded_entry, cooldown=60)
    await place_call(hass, caller="101", callee="200")
    await place_call(hass, caller="101", callee="201")

    error = await refused(hass, callee="2 0 0")
    assert error.translation_key == Rule.COOLDOWN
    assert "want a pause of 60 seconds before" in str(error)
    await place_call(hass, caller="101", callee="200", cooldown=0)
    await pass_time(hass, freezer, 60)
    assert "120 seconds" in str(await refused(hass, cooldown=120))
    await place_call(hass, caller="101", callee="200")
    assert requests(sandbox) == 4


async def test_cooldown_of_the_same_number(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """To write a number otherwise evades nothing; a number like it is another."""
    hass.config.country = "IR"
    await set_options(hass, loaded_entry, cooldown=60)
    await place_call(hass, caller="101", callee="210")
    await place_call(hass, caller="101", callee="0210")
    await place_call(hass, caller="101", callee=NUMBER)

    error = await refused(hass, callee="+98 912 123 4567")
    assert error.translation_key == Rule.COOLDOWN
    assert requests(sandbox) == 3


# --- Escalations ---


async def test_escalation_is_checked_first(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """A number that may not be dialled is told before the first phone rings."""
    await set_options(hass, loaded_entry, forbidden_numbers=["103"])
    with pytest.raises(ServiceValidationError, match=r"caller \(\*\*\*\) is forbidden"):
        await hass.services.async_call(
            DOMAIN,
            "escalate",
            {"callers": ["104", "103"], "callee": "200"},
            blocking=True,
        )

    assert requests(sandbox) == 0
    assert async_get_guard(hass, loaded_entry).refused == {Rule.FORBIDDEN: 1}


async def test_attempts_are_checked(scene: Scene) -> None:
    """An attempt that is refused has failed, and the next one is made."""
    hass, entry = scene.hass, scene.entry
    await set_options(hass, entry, cooldown=30)
    await scene.run("originate", caller="101", callee="103")
    await scene.live(1)

    running = await scene.begin(
        "escalate", caller="200", callees=["103", "104", "103"], timeout=31
    )
    await scene.live(45)
    response = await running

    first, second, third = response["attempts"]
    assert first["result"] == "failed"
    assert first["error"].startswith("The dialling rules of Sandbox want a pause of 30")
    assert first["originated_call_id"] is None
    assert second["result"] == "no_answer"
    # By then the pause was over.
    assert third["result"] == "busy"
    assert scene.asked[1:] == [("200", "104"), ("200", "103")]


async def test_own_rounds_are_no_reason(scene: Scene) -> None:
    """An escalation calls the same callee over and over: it was asked to."""
    running = await scene.begin(
        "escalate", callers=["105", "105"], callee="200", rounds=2, cooldown=600
    )
    await scene.live(10)

    assert [each["result"] for each in (await running)["attempts"]] == [
        "caller_unreachable"
    ] * 4
    assert (await scene.run("escalate", callers=["105"], callee="200", cooldown=600))[
        "attempts"
    ][0]["result"] == "failed"


# --- Who asks ---


@pytest.fixture
def add_user(
    hass: HomeAssistant, hass_owner_user: User
) -> Callable[[str], Awaitable[tuple[User, str]]]:
    """Return what adds a user of a group, and returns an access token as well."""
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
        # Free for the default caller alone, and only as the caller.
        (GROUP_ID_USER, {"callee": "101"}, "contacts_only"),
        (GROUP_ID_USER, {"callee": "911"}, "emergency_number"),
    ],
)
async def test_admins_only(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    hass_ws_client: WebSocketGenerator,
    add_user: Callable[[str], Awaitable[tuple[User, str]]],
    group: str,
    data: dict[str, str],
    error: str | None,
) -> None:
    """Over the WebSocket API, who is no administrator calls contacts only."""
    assert await async_setup_component(hass, "websocket_api", {})
    add_contact(hass, loaded_entry, NUMBER)
    await set_options(
        hass, loaded_entry, admins_only=True, caller="101", trunk_name="main_trunk"
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
    assert requests(sandbox) == (error is None)


async def test_admins_only_is_off(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    sandbox: Sandbox,
    add_user: Callable[[str], Awaitable[tuple[User, str]]],
) -> None:
    """Unless the owner wants it, everybody calls everybody."""
    user, _ = await add_user(GROUP_ID_USER)
    data = {"caller": "101", "callee": "200"}
    context = Context(user_id=user.id)
    await hass.services.async_call(
        DOMAIN, "originate", data, blocking=True, context=context
    )
    assert requests(sandbox) == 1

    await set_options(hass, loaded_entry, admins_only=True)
    # An automation has no user, and may.
    await place_call(hass, **data)
    assert requests(sandbox) == 2
    # Somebody who was deleted meanwhile is nobody.
    await hass.auth.async_remove_user(user)
    with pytest.raises(UnknownUser):
        await hass.services.async_call(
            DOMAIN, "originate", data, blocking=True, context=context
        )


# --- The hourly limit ---


async def test_limit_is_reached(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """A call that the hourly limit refuses may be a loop: the owner is told of it."""
    await set_options(hass, loaded_entry, calls_per_hour=1, forbidden_numbers=["0912*"])
    await refused(hass, callee=NUMBER)
    await place_call(hass, caller="101", callee="200")
    assert issue(hass, loaded_entry, "calls_refused") is None

    await refused(hass, callee="200")
    await refused(hass, callee="200")
    raised = issue(hass, loaded_entry, "calls_refused")
    assert raised.severity is ir.IssueSeverity.WARNING
    assert raised.translation_placeholders == {"pbx": "Sandbox", "limit": "1"}
    guard = async_get_guard(hass, loaded_entry)
    assert guard.refused == {Rule.FORBIDDEN: 1, Rule.PER_HOUR: 2}

    await pass_time(hass, freezer, 3600)
    await place_call(hass, caller="101", callee="200")
    assert issue(hass, loaded_entry, "calls_refused") is None


async def test_removed(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """Nothing is left of a PBX that is removed."""
    await set_options(hass, loaded_entry, calls_per_hour=1)
    await place_call(hass, caller="101", callee="200")
    await refused(hass, callee="200")
    assert issue(hass, loaded_entry, "calls_refused") is not None
    guard = async_get_guard(hass, loaded_entry)
    await hass.config_entries.async_remove(loaded_entry.entry_id)
    await hass.async_block_till_done()

    assert issue(hass, loaded_entry, "calls_refused") is None
    assert async_get_guard(hass, loaded_entry) is not guard


async def test_no_word_of_numbers(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A refusal leaves nothing in the log, and no whole number in its error."""
    await set_options(hass, loaded_entry, forbidden_numbers=["0912*"])
    caplog.clear()
    error = await refused(hass, callee=NUMBER)

    assert NUMBER not in str(error)
    assert NUMBER not in str(error.translation_placeholders)
    assert not [record for record in caplog.records if record.levelname != "DEBUG"]
