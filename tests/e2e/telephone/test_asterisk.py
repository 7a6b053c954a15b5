"""Browser test with a real Asterisk: a call is placed, answered, and hung up."""

from collections.abc import AsyncIterator
import os

from playwright.async_api import expect
import pytest
import pytest_asyncio

from scripts.support.asterisk import CONTEXT, Asterisk, NotInstalledError

from .house import House

LEAD, OTHER = "551", "552"


@pytest_asyncio.fixture(loop_scope="session")
async def asterisk() -> AsyncIterator[Asterisk]:
    """Return a running Asterisk; skip the test where there is none."""
    try:
        programs = Asterisk()
    except NotInstalledError as err:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(err))
    async with programs as running:
        yield running


async def test_a_call_through_asterisk(bare_house: House, asterisk: Asterisk) -> None:
    """The card places a call, shows that it is answered, and ends it."""
    house = bare_house
    await asterisk.phone(LEAD, ring=1)
    await asterisk.phone(OTHER, ring=1)
    entry = await house.home_assistant.add_config_entry(
        "pbx",
        [
            {"next_step_id": "asterisk"},
            {
                "url": asterisk.url,
                "username": asterisk.username,
                "password": asterisk.password,
                "verify_ssl": True,
            },
            {"context": CONTEXT, "caller": LEAD, "timeout": 15, "internal_digits": 5},
            {"extensions": []},
            # No phone is rung.
            {},
        ],
    )
    house.entry_id = entry["entry_id"]
    await house.add_contact("Workshop", OTHER, announcements={})
    seat = await house.open()
    await seat.contact("Workshop").click()
    await expect(seat.live).to_contain_text("Calling…")
    await expect(seat.live).to_contain_text("Ringing")
    await expect(seat.live).to_contain_text("Connected")
    assert len(await asterisk.channels()) > 1
    await seat.button("Hang up: \u2068Workshop\u2069").click()
    await expect(seat.live).to_have_count(0)
    await asterisk.idle()
    await seat.open_tab("Calls")
    await expect(seat.rows).to_contain_text("Workshop")
    await expect(seat.rows).to_contain_text("0:0")

    # A call that a phone places is shown, too, with the one that is rung.
    caller = await asterisk.dial(OTHER, LEAD, hang_up_after=2)
    await expect(seat.live).to_contain_text("Workshop")
    await expect(seat.live).to_contain_text("Connected")
    await expect(seat.live).to_have_count(0)
    await caller.ended()
    assert "Traceback" not in house.home_assistant.log_text()
