"""The line to a person during an announcement: what is heard, and keys."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from .clock import Clock, Timer
from .model import Phone
from .prompts import Heard, Prompt

# Seconds between two keys that a phone presses.
KEY_INTERVAL = 0.3
# The key that ends the input.
END = "#"


@dataclass(slots=True)
class Line:
    """A line that prompts are played on."""

    clock: Clock
    phone: Phone
    # Prompts that were heard, the latest last.
    heard: list[Heard]
    # Whether there is sound at all.
    is_heard: bool = True
    _keys: deque[str] = field(default_factory=deque)
    _pressed: asyncio.Event = field(default_factory=asyncio.Event)

    def press(self, keys: str) -> None:
        """Press keys, now."""
        self._keys.extend(keys)
        self._pressed.set()

    async def play(self, prompt: Prompt) -> None:
        """Play a prompt to its end. Keys have no effect, and are forgotten."""
        await self._play(prompt)
        self._keys.clear()

    async def listen(
        self, prompts: Sequence[Prompt], wait: float, max_digits: int
    ) -> str:
        """Play prompts, and return the keys that are pressed meanwhile and after.

        The first key stops the prompts. The input ends with `#`, which is returned,
        too, with the last of the digits, or if no key follows within `wait` seconds.
        """
        self._keys.clear()
        timers = self._plan(sum(prompt.seconds for prompt in prompts))
        try:
            typed = await self._first_key(prompts, wait)
            while typed and typed[-1] != END and len(typed) < max_digits:
                key = await self._key(wait)
                if not key:
                    break
                typed += key
        finally:
            for timer in timers:
                timer.cancel()
        self._keys.clear()
        return typed

    async def _first_key(self, prompts: Sequence[Prompt], wait: float) -> str:
        for prompt in prompts:
            key = await self._play(prompt, stops=True)
            if key:
                return key
        return await self._key(wait)

    async def _play(self, prompt: Prompt, *, stops: bool = False) -> str:
        """Play a prompt; return the key that has stopped it."""
        heard = Heard(prompt, self.clock.time())
        if self.is_heard:
            self.heard.append(heard)
        end = heard.since + prompt.seconds
        try:
            while (left := end - self.clock.time()) > 0:
                key = await self._key(left)
                if key and stops:
                    return key
        finally:
            heard.seconds = min(self.clock.time() - heard.since, prompt.seconds)
        return ""

    async def _key(self, wait: float) -> str:
        """Return the next key, or nothing after `wait` seconds."""
        if not self._keys:
            self._pressed.clear()
            timer = self.clock.call_later(wait, self._pressed.set)
            try:
                await self._pressed.wait()
            finally:
                timer.cancel()
        return self._keys.popleft() if self._keys else ""

    def _plan(self, length: float) -> list[Timer]:
        """Let the phone press its keys, if it hears what is played."""
        if not self.is_heard:
            return []
        phone = self.phone
        start = length + phone.keys_after if phone.keys_at is None else phone.keys_at
        return [
            self.clock.call_later(
                start + index * KEY_INTERVAL, partial(self.press, key)
            )
            for index, key in enumerate(phone.keys)
        ]
