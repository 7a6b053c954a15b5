"""The trigger for keys that are pressed while two parties talk."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.trigger import TriggerConfig
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .backends.updates import Side
from .base_trigger import PbxTrigger, options_schema
from .calls.action_data import MAX_KEYS, SENT_KEYS
from .calls.changes import Change, KeyPressed
from .calls.manager import CallManager
from .calls.number import ascii_digits
from .calls.people import describe_side, number_of
from .const import CONF_DIGITS
from .filters import number_given

# Seconds between two keys of a sequence.
MAX_PAUSE: Final = 3


def _sequence(value: object) -> str:
    """Return a key or a sequence as text, of which YAML may make an integer.

    Raises:
        vol.Invalid: it is anything else; the message does not contain it.
    """
    keys = ascii_digits(str(number_given(value))).strip().upper()
    if not keys or len(keys) > MAX_KEYS or not set(keys) <= set(SENT_KEYS):
        raise vol.Invalid(
            f"expected a key or a sequence of up to {MAX_KEYS} keys: 0-9, *, #, or A-D"
        )
    return keys


class KeySequence:
    """The latest keys that one party has pressed, one soon after the other."""

    def __init__(self, wanted: Sequence[str]) -> None:
        """Initialize without keys.

        Args:
            wanted: keys and sequences; without any, each key is wanted.
        """
        self._wanted = wanted
        self._keys = ""
        self._at = 0.0

    def is_over(self, now: float) -> bool:
        """Return whether the next key begins a new sequence."""
        return not 0 <= now - self._at <= MAX_PAUSE

    def press(self, key: str, now: float) -> str | None:
        """Return the wanted sequence that a key completes; None if there is none.

        Of several, the longest counts. Its keys count only once, unless a longer
        sequence begins with them.
        """
        if not self._wanted:
            return key
        keys = key if self.is_over(now) else self._keys + key
        completed = [each for each in self._wanted if keys.endswith(each)]
        found = max(completed, key=len, default=None)
        starts = range(len(keys) - len(found or key) + 1)
        beginnings = (keys[start:] for start in starts)
        self._keys = next(filter(self._continues, beginnings), "")
        self._at = now
        return found

    def _continues(self, keys: str) -> bool:
        return any(
            each.startswith(keys) and len(each) > len(keys) for each in self._wanted
        )


class KeyPressedTrigger(PbxTrigger):
    """A key is pressed in a call that takes keys, while both parties talk.

    Keys that are pressed during an announcement are not reported: they may be a PIN.

    Options:
        contact: who has pressed it.
        number: who has pressed it, as a number, or a pattern, or a name.
        digits: one or several keys or sequences; without it, each key. The keys of a
            sequence are pressed by one party of one call, each within `MAX_PAUSE`
            seconds of the one before.

    Variables, beneath `trigger`: the last key as `digit`, the whole sequence as
    `digits`, `side`, and those of `people.describe_side`.
    """

    _schema = options_schema(
        {vol.Optional(CONF_DIGITS): vol.All(cv.ensure_list, [_sequence])}
    )
    _reason = "pressed key"

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize without keys."""
        super().__init__(hass, config)
        self._pressed: dict[tuple[str, Side], KeySequence] = {}

    @callback
    @override
    def _payload(
        self, manager: CallManager, change: Change
    ) -> Mapping[str, Any] | None:
        if not isinstance(change, KeyPressed) or not self._filter.is_about(manager):
            return None
        self._report_missing()
        call, digit, side = change
        numbers = [number_of(call, side)]
        if not self._filter.matches(manager, numbers, numbers):
            return None
        if (digits := self._press(call.request_id, digit, side)) is None:
            return None
        return {
            "originated_call_id": call.originated_call_id or call.request_id,
            "digit": digit,
            "digits": digits,
            "side": side.value,
            **describe_side(self._hass, call, side, manager.book),
        }

    @callback
    def _press(self, call_id: str, digit: str, side: Side) -> str | None:
        """Return the sequence that a key completes; None if there is none."""
        now = dt_util.utcnow().timestamp()
        for each, sequence in tuple(self._pressed.items()):
            if sequence.is_over(now):
                del self._pressed[each]
        wanted = self._options.get(CONF_DIGITS, ())
        sequence = self._pressed.setdefault((call_id, side), KeySequence(wanted))
        return sequence.press(digit, now)
