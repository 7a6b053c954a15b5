"""Voice with the real voice assistants, which the other tests only stand in for."""

import asyncio
from typing import Any

import pytest

from sandbox import Sandbox
from scripts.support.booted.home_assistant import BootedHomeAssistant
from scripts.support.booted.pbx import add_pbx

CALL_MOM = "به مامان زنگ بزن"
FLOW = "/api/config/config_entries/subentries/flow"


async def say(home_assistant: BootedHomeAssistant, text: str) -> dict[str, Any]:
    """Return Assist's response to a Persian sentence."""
    data = {"text": text, "language": "fa"}
    answer = await home_assistant.client.post("/api/conversation/process", data)
    response: dict[str, Any] = answer["response"]
    return response


@pytest.mark.timeout(900)
async def test_voice_assistant_is_added(sandbox: Sandbox) -> None:
    """A language is understood as soon as a voice assistant has it, and not before."""
    configuration = "conversation:\nassist_pipeline:\n"
    async with BootedHomeAssistant(configuration=configuration) as home_assistant:
        client = home_assistant.client
        entry = await add_pbx(home_assistant, sandbox)
        handler = {"handler": [entry["entry_id"], "contact"]}
        flow = await client.post(FLOW, handler)
        fields: dict[str, Any] = {"number": "103", "name": "مامان", "voice": True}
        fields |= {"overrides": {}, "extension": {}}
        created = await client.post(f"{FLOW}/{flow['flow_id']}", fields)
        assert created["type"] == "create_entry"

        assert (await say(home_assistant, CALL_MOM))["response_type"] == "error"
        assert not sandbox.calls

        (assistant,) = (await client.command("assist_pipeline/pipeline/list"))[
            "pipelines"
        ]
        del assistant["id"]
        persian = {"name": "Persian", "language": "fa", "conversation_language": "fa"}
        await client.command("assist_pipeline/pipeline/create", **assistant | persian)
        async with asyncio.timeout(120):
            while (await say(home_assistant, CALL_MOM))["response_type"] == "error":  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.1)

        (call,) = sandbox.calls
        assert call.callee == "103"
        assert "Traceback" not in home_assistant.log_text()
