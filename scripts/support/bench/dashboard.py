"""The telephone on a dashboard: from an event of the PBX to what a page has painted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
import json
from statistics import median
import sys
import time

from playwright.async_api import Error, Locator, Page, WebSocket

from sandbox import Phone, Sandbox

from ..booted.browser import NoBrowserError, run_browser, sign_in
from ..booted.client import ApiError, FlowError
from ..booted.home_assistant import BootedHomeAssistant, BootError
from ..booted.log import problems
from ..booted.pbx import add_contact, add_pbx, connect_events
from ..terminal.program import run

GOAL_MS = 100
_CALLS, _WARM_UP = 40, 5
# Calls that are in the list before: what comes with the state.
_BEFORE = 50
_EXTENSION = "104"
# Seconds until it is answered. A call that nobody answers is shown as missed later:
# other phones may still answer it.
_RINGS = 0.2
_ANSWERED = "answered by"
_DASHBOARD = "pbx-bench"
_VIEW = {"views": [{"cards": [{"type": "custom:pbx-phone-card"}]}]}

# Resolves to the time of the frame in which the list of live calls has a text, or does
# not have it anymore.
_EXPECT = """
(card, [text, isThere]) => {
  const list = card.shadowRoot.querySelector(".live");
  card.painted = new Promise((resolve) => {
    const look = () => {
      if (list.textContent.includes(text) !== isThere) return;
      observer.disconnect();
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.timeOrigin + performance.now());
        port2.postMessage(null);
      });
    };
    const observer = new MutationObserver(look);
    observer.observe(list, { subtree: true, childList: true, characterData: true });
    look();
  });
  card.painted.catch(() => {});
}
"""
_PAINTED = "(card) => card.painted"


@dataclass(frozen=True, slots=True)
class Shown:
    """How fast a change is shown.

    Attributes:
        what: has happened at the PBX.
        changes: that were measured.
        ms: from before the event is sent to the painted frame: the median.
        ms_most: likewise, of the slowest.
    """

    what: str
    changes: int
    ms: float
    ms_most: float


@dataclass(frozen=True, slots=True)
class Sent:
    """How much a page receives.

    Attributes:
        change: bytes of a message about a call: the median.
        change_most: likewise, of the longest.
        changes_per_call: messages about an incoming call that is answered.
        state: bytes of the state, with 50 calls.
    """

    change: float
    change_most: int
    changes_per_call: float
    state: int

    @property
    def text(self) -> str:
        """For people."""
        return (
            f"A change of a call is {self.change:.0f} bytes for each page (at most"
            f" {self.change_most}), an incoming call {self.changes_per_call:.1f} of"
            f" them; the state with {_BEFORE} calls is {self.state} bytes."
        )


def shown(what: str, seconds: Sequence[float]) -> Shown:
    """Return how fast changes were shown."""
    return Shown(
        what=what,
        changes=len(seconds),
        ms=round(1000 * median(seconds), 1),
        ms_most=round(1000 * max(seconds), 1),
    )


def as_table(results: Sequence[Shown]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        f"| From the PBX's event to the card | Median | Slowest of {_CALLS} | Goal |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {each.what} | {each.ms} ms | {each.ms_most} ms | ≤ {GOAL_MS} ms |"
        for each in results
    ]
    return "\n".join(lines)


class Traffic:
    """What a page receives about calls."""

    def __init__(self, page: Page) -> None:
        """Listen to the page, which is not opened yet."""
        self.rows: list[int] = []
        self.states: list[int] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._receive)

    def _receive(self, data: str | bytes) -> None:
        """Count our messages, which may be collected in one frame."""
        messages = json.loads(data)
        for message in messages if isinstance(messages, list) else [messages]:
            event = message.get("event")
            kind = event.get("type") if isinstance(event, dict) else None
            size = len(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
            if kind == "row":
                self.rows.append(size)
            elif kind == "state" and "pbxs" in event:
                self.states.append(size)


class _Bench:
    """The PBX, and a page with the card."""

    def __init__(self, sandbox: Sandbox, page: Page, traffic: Traffic) -> None:
        """Initialize the benchmark."""
        self._sandbox = sandbox
        self._card: Locator = page.locator("pbx-phone-card")
        self._traffic = traffic

    async def measure(self) -> tuple[list[Shown], Sent]:
        """Let calls come in and end, one after the other."""
        come: list[float] = []
        go: list[float] = []
        for number in range(_WARM_UP + _CALLS):
            if number == _WARM_UP:
                come.clear()
                go.clear()
                self._traffic.rows.clear()
            caller = f"0770090{number:04}"
            began = await self._expect(caller, is_there=True)
            call = self._sandbox.incoming(caller, _EXTENSION)
            come.append(await self._painted() - began)
            # Nobody measures when the phone is answered: the PBX does that by itself.
            await self._expect(_ANSWERED, is_there=True)
            await self._painted()
            began = await self._expect(caller, is_there=False)
            self._sandbox.hang_up(call.id)
            go.append(await self._painted() - began)
        rows = self._traffic.rows
        sent = Sent(
            change=median(rows),
            change_most=max(rows),
            changes_per_call=round(len(rows) / _CALLS, 1),
            state=max(self._traffic.states),
        )
        return [shown("A call comes in", come), shown("A call ends", go)], sent

    async def _expect(self, text: str, *, is_there: bool) -> float:
        """Begin to watch the card, and return the time."""
        await self._card.evaluate(_EXPECT, [text, is_there])
        return time.time()

    async def _painted(self) -> float:
        """Return the time of the frame with what was expected."""
        at: float = await self._card.evaluate(_PAINTED)
        return at / 1000


@asynccontextmanager
async def _scene() -> AsyncIterator[_Bench]:
    """Start Home Assistant with a sandbox PBX, and open the card in a browser."""
    async with (
        run_browser() as browser,
        Sandbox() as sandbox,
        BootedHomeAssistant() as booted,
    ):
        phone = Phone(_EXTENSION, "Garden", after=_RINGS)
        sandbox.configure(phones=(phone,))
        entry = await add_pbx(booted, sandbox, extensions=[_EXTENSION])
        await connect_events(booted, sandbox, entry["entry_id"])
        await add_contact(booted, entry["entry_id"], name="Mum", number="07700900118")
        command = booted.client.command
        await command(
            "lovelace/dashboards/create", url_path=_DASHBOARD, title="Telephone"
        )
        await command("lovelace/config/save", url_path=_DASHBOARD, config=_VIEW)
        for number in range(_BEFORE):
            call = sandbox.incoming(f"0770080{number:04}", _EXTENSION)
            sandbox.hang_up(call.id)
        context = await sign_in(browser, booted.url, booted.token)
        page = await context.new_page()
        traffic = Traffic(page)
        await page.goto(f"/{_DASHBOARD}")
        await page.get_by_role("tab", name="Calls").click()
        await page.locator("pbx-phone-card .calls .row").nth(_BEFORE - 1).wait_for()
        yield _Bench(sandbox, page, traffic)
        await context.close()
        await booted.stop()
        for problem in problems(booted.log_text()):
            print(problem, file=sys.stderr)


async def main() -> int:
    """Measure the card, and print the results."""
    try:
        async with _scene() as bench:
            results, sent = await bench.measure()
    except (ApiError, BootError, Error, FlowError, NoBrowserError) as err:
        print(err, file=sys.stderr)
        return 1
    if "--json" not in sys.argv[1:]:
        print(as_table(results))
        print(f"\n{sent.text}\n")
    print(
        json.dumps({"shown": [asdict(each) for each in results], "sent": asdict(sent)})
    )
    return 0


if __name__ == "__main__":
    sys.exit(run(main()))
