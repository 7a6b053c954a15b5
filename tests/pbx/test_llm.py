"""Tests of the tool of language models."""

from typing import TYPE_CHECKING, Any, cast

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import conversation
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import area_registry as ar, llm
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx import llm as pbx_llm
from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import CallResult, Direction

from .common import set_options
from .logs import row
from .people import contact, disable, entity_of, give_aliases, phone, rename, set_up
from .toy import SPEECH, Toys
from .voice.test_sentence_triggers import MUM, satellite_in

if TYPE_CHECKING:
    from .speech.engines import Engine

pytest.importorskip("hassil")

DAD = contact("Dad", "103", voice=False)
SPEAKING = (*SPEECH, Feature.OPTIONAL_TRUNK)
NO_NAME = "There is no contact with this name."


@pytest.fixture(autouse=True)
async def _assist(hass: HomeAssistant) -> None:
    """Set up Assist and its tools for language models."""
    for component in ("homeassistant", "conversation", "llm"):
        assert await async_setup_component(hass, component, {})
    await hass.async_block_till_done()


async def api(hass: HomeAssistant, device_id: str | None = None) -> llm.APIInstance:
    """Return what a language model is offered."""
    context = llm.LLMContext(
        platform="test",
        context=Context(),
        language="en",
        assistant=conversation.DOMAIN,
        device_id=device_id,
    )
    return await llm.async_get_api(hass, llm.LLM_API_ASSIST, context)


async def call(
    hass: HomeAssistant, name: str, device_id: str | None = None
) -> dict[str, Any]:
    """Run the tool as a language model does, and return its result."""
    tool_input = llm.ToolInput(tool_name="pbx__call", tool_args={"contact": name})
    result: Any = await (await api(hass, device_id)).async_call_tool(tool_input)
    if isinstance(result, dict):
        return result  # before 2026.10
    assert result.error is ("error" in result.data)
    return cast("dict[str, Any]", result.data)


async def announce(
    hass: HomeAssistant, name: str, message: str = "Dinner is ready"
) -> dict[str, Any]:
    """Run the tool that says a message, and return its result."""
    args = {"contact": name, "message": message}
    tool_input = llm.ToolInput(tool_name="pbx__announce", tool_args=args)
    result: Any = await (await api(hass)).async_call_tool(tool_input)
    if isinstance(result, dict):
        return result  # before 2026.10
    assert result.error is ("error" in result.data)
    return cast("dict[str, Any]", result.data)


async def names(hass: HomeAssistant) -> list[str]:
    """Return the names of the tools that are offered."""
    return [tool.name for tool in (await api(hass)).tools]


async def test_off_by_default(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """The tool is not offered unless an option allows it."""
    await set_up(hass, new_toy, MUM)

    assert "pbx__call" not in await names(hass)


async def test_assist_only(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """It belongs to the tools of Assist, and to no other."""
    await set_up(hass, new_toy, MUM, llm_tool=True)
    context = llm.LLMContext("test", Context(), "en", conversation.DOMAIN, None)

    assert pbx_llm.async_get_tools(hass, context, "other") is None
    tools = pbx_llm.async_get_tools(hass, context, llm.LLM_API_ASSIST)
    assert tools is not None
    assert [tool.name for tool in tools.tools] == ["pbx__call"]


async def test_calls(hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys) -> None:
    """Once it is allowed, it calls contacts, without an exposed button."""
    await set_up(hass, new_toy, MUM, DAD, llm_tool=True)

    assert await call(hass, "Mum") == {"calling": "Mum"}
    (request,) = toys.latest.requests
    assert request.callee == "09121234567"


@pytest.mark.parametrize("toy_features", [(Feature.RING_TONE,)])
async def test_no_microphone(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """No phone answers by itself for it, whatever is stored."""
    mum = contact("Mum", "103", auto_answer=True)
    await set_up(hass, new_toy, mum, llm_tool=True, auto_answer=True)
    (tool,) = [each for each in (await api(hass)).tools if each.name == "pbx__call"]
    assert [str(field) for field in tool.parameters.schema] == ["contact"]

    assert await call(hass, "Mum") == {"calling": "Mum"}
    assert toys.latest.requests[0].auto_answer is False


async def test_names(hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys) -> None:
    """All names are offered, those that are given in Home Assistant among them."""
    made = await set_up(hass, new_toy, contact("Mum", "103", "Mama"), llm_tool=True)
    rename(hass, made, "Mum", "Granny")
    give_aliases(hass, made, "Mum", "Nana")
    (tool,) = [each for each in (await api(hass)).tools if each.name == "pbx__call"]
    assert tool.parameters.schema["contact"].container == [
        "Granny",
        "Mama",
        "Mum",
        "Nana",
    ]

    assert await call(hass, "granny") == {"calling": "Mum"}
    toys.latest.end()
    assert await call(hass, "Nana") == {"calling": "Mum"}
    assert len(toys.latest.requests) == 2


@pytest.mark.parametrize("name", ["Bob", "103", "09121234567", ""])
async def test_nobody_else(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, name: str
) -> None:
    """Neither a number nor an unknown name can be called; no other name is given."""
    await set_up(hass, new_toy, MUM, DAD, llm_tool=True)

    answer = await call(hass, name)
    assert answer == {"error": "There is no contact with this name."}
    assert toys.latest.requests == []


async def test_not_by_voice(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A contact for which voice is off is neither offered nor called."""
    made = await set_up(hass, new_toy, MUM, DAD, llm_tool=True)
    button = entity_of(hass, made, "Dad", "call")
    async_expose_entity(hass, conversation.DOMAIN, button, should_expose=True)
    (tool,) = [each for each in (await api(hass)).tools if each.name == "pbx__call"]
    assert "Dad" not in tool.parameters.schema["contact"].container

    assert await call(hass, "dad") == {
        "error": "Calls by voice are turned off for Dad. To allow them, edit the"
        " contact under Settings > Devices & services"
    }
    assert toys.latest.requests == []


async def test_accents(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Of two names that differ by an accent only, the exact one is meant."""
    jose = contact("José", "104", voice=False)
    await set_up(hass, new_toy, contact("Jose", "103"), jose, llm_tool=True)

    assert await call(hass, "Jose") == {"calling": "Jose"}
    assert "turned off for José" in (await call(hass, "José"))["error"]
    assert len(toys.latest.requests) == 1


async def test_phone_near(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The phone in the area of the user's device rings first."""
    area = ar.async_get(hass).async_create("Kitchen")
    near = phone("Kitchen", "102", areas=[area.id])
    await set_up(hass, new_toy, MUM, near, llm_tool=True)
    await call(hass, "Mum", satellite_in(hass, area.id))

    (request,) = toys.latest.requests
    assert request.caller == "102"


async def test_two_pbxs(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A name that two PBXs have is called where the phone near the user is."""
    area = ar.async_get(hass).async_create("Kitchen")
    near = phone("Kitchen", "102", areas=[area.id])
    await set_up(hass, new_toy, MUM, title="One", llm_tool=True)
    await set_up(hass, new_toy, MUM, near, title="Two", llm_tool=True)

    assert await call(hass, "Mum") == {
        "error": "More than one contact has this name: Mum (One), Mum (Two)."
    }
    answer = await call(hass, "Mum", satellite_in(hass, area.id))
    assert answer == {"calling": "Mum"}
    assert [len(toy.requests) for toy in toys.made] == [0, 1]


async def test_one_of_two_pbxs(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A PBX that does not allow language models to call does not count."""
    await set_up(hass, new_toy, MUM, title="One")
    await set_up(hass, new_toy, MUM, title="Two", llm_tool=True)

    assert await call(hass, "Mum") == {"calling": "Mum"}
    assert [len(toy.requests) for toy in toys.made] == [0, 1]


@pytest.mark.parametrize("what", ["device", "button"])
async def test_disabled(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, what: str
) -> None:
    """A disabled contact is not called, and without contacts there is no tool."""
    made = await set_up(hass, new_toy, MUM, contact("Dad", "103"), llm_tool=True)
    disable(hass, made, "Mum", what)
    assert "The contact Mum is disabled." in (await call(hass, "Mum"))["error"]
    disable(hass, made, "Dad", what)

    assert "pbx__call" not in await names(hass)
    assert toys.latest.requests == []


async def test_refused(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A refusal is returned to the language model as a sentence."""
    await set_up(hass, new_toy, MUM, llm_tool=True)
    toys.latest.error = PbxError(PbxErrorCode.REFUSED, "Full")

    assert "the request (Full)" in (await call(hass, "Mum"))["error"]


# --- Messages ---


@pytest.mark.parametrize("toy_features", [SPEAKING])
async def test_announces(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """Once it is allowed, it calls a contact with a message."""
    await set_up(hass, new_toy, MUM, DAD, llm_announce=True)
    (tool,) = [each for each in (await api(hass)).tools if "pbx" in each.name]
    assert tool.name == "pbx__announce"
    assert [str(field) for field in tool.parameters.schema] == ["contact", "message"]
    assert "Dad" not in tool.parameters.schema["contact"].container

    assert await announce(hass, "mum") == {"calling": "Mum"}
    (request,) = toys.latest.requests
    assert request.callee == "09121234567"
    assert request.announcement is not None
    assert [each[0] for each in engine.asked] == ["Dinner is ready"]


@pytest.mark.parametrize(
    ("toy_features", "options"),
    [
        (SPEAKING, {}),
        # The other tool is allowed by an option of its own.
        (SPEAKING, {"llm_tool": True}),
        ((), {"llm_announce": True}),
    ],
)
async def test_no_messages(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, options: dict[str, Any]
) -> None:
    """It is not offered without its option, or by a PBX that cannot say messages."""
    assert toys.made == []
    await set_up(hass, new_toy, MUM, **options)

    assert "pbx__announce" not in await names(hass)


@pytest.mark.parametrize("toy_features", [SPEAKING])
async def test_both(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """Both tools are offered where both are allowed."""
    await set_up(hass, new_toy, MUM, llm_tool=True, llm_announce=True)

    assert {"pbx__call", "pbx__announce"} <= {*await names(hass)}


@pytest.mark.parametrize(
    ("name", "message", "reason"),
    [
        ("Bob", "Hello", NO_NAME),
        ("103", "Hello", NO_NAME),
        ("Dad", "Hello", "Calls by voice are turned off for Dad."),
        ("Mum", "", "The message is empty."),
        ("Mum", "  ", "The message is empty."),
        ("Aunt", "Hello", "Aunt"),
    ],
)
@pytest.mark.parametrize("toy_features", [SPEAKING])
async def test_no_message_to(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    engine: Engine,
    name: str,
    message: str,
    reason: str,
) -> None:
    """Nothing is said to others, and no empty message."""
    aunts = contact("Aunt", "104"), contact("Aunt", "105")
    await set_up(hass, new_toy, MUM, DAD, *aunts, llm_announce=True)

    assert reason in (await announce(hass, name, message))["error"]
    assert (toys.latest.requests, engine.asked) == ([], [])


@pytest.mark.parametrize("toy_features", [SPEAKING])
async def test_message_refused(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """A refusal of the PBX, or of a rule, is returned as a sentence."""
    made = await set_up(hass, new_toy, MUM, llm_announce=True)
    toys.latest.speech_error = PbxError(PbxErrorCode.NO_SPEECH, "no module")
    assert "no module" in (await announce(hass, "Mum"))["error"]
    toys.latest.speech_error = None

    await set_options(hass, made, forbidden_numbers=["0912*"])
    assert "error" in await announce(hass, "Mum")
    assert (toys.latest.requests, engine.asked) == ([], [])


async def get_calls(
    hass: HomeAssistant,
    **args: Any,  # noqa: ANN401 - any argument of the tool
) -> dict[str, Any]:
    """Run the tool that returns calls, and return its result."""
    tool_input = llm.ToolInput(tool_name="pbx__get_calls", tool_args=args)
    result: Any = await (await api(hass)).async_call_tool(tool_input)
    if isinstance(result, dict):
        return result  # before 2026.10
    assert result.error is ("error" in result.data)
    return cast("dict[str, Any]", result.data)


async def test_get_calls(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A language model is told of calls by name and without numbers, if allowed."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2027-11-28 08:00:00+00:00")
    made = await set_up(hass, new_toy, MUM)
    assert "pbx__get_calls" not in await names(hass)
    await set_options(hass, made, llm_calls=True)
    assert "pbx__get_calls" in await names(hass)
    freezer.tick(60)
    internal: dict[str, Any] = {"callee": "102", "direction": Direction.INTERNAL}
    for each in (
        row("1"),
        row("2", caller="0914"),
        row("3", CallResult.ANSWERED, ""),
        row("4", caller="101", **internal),
        row("5", caller="0915", direction=Direction.OUTGOING, callee="09121234567"),
    ):
        toys.latest.sink.call(each)

    found = (await get_calls(hass))["calls"]
    assert [each["with"] for each in found] == [
        "Mum",
        "internal",
        "withheld number",
        "unknown number",
        "Mum",
    ]
    assert found[-1] == {
        "with": "Mum",
        "direction": "incoming",
        "time": "2027-11-28T08:01+00:00",
        "result": "no_answer",
        "missed": True,
    }
    assert "0912" not in str(found)
    assert len((await get_calls(hass, missed=True))["calls"]) == 2
    assert len((await get_calls(hass, contact="mum"))["calls"]) == 2
    assert "error" in await get_calls(hass, contact="Nobody")

    await set_options(hass, made, log_readers="administrators")
    assert await get_calls(hass) == {
        "error": "Only administrators may ask about calls."
    }
