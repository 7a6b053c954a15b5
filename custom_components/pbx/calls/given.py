"""What an action was given, as templates give it: checked, and told in words.

A schema's error ends a script even where it is to go on after errors. So the schemas
take every value, and what is wrong with one is found here.
"""

from collections.abc import Callable, Mapping, Sequence
import math
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID

from ..backends.redaction import clean_text
from ..const import (
    CALL_LIMIT_RANGE,
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLEE_CONTACT,
    CONF_CALLEE_CONTACTS,
    CONF_CALLEES,
    CONF_CALLER,
    CONF_CALLER_CONTACT,
    CONF_CALLER_CONTACTS,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CALLERS,
    CONF_CONTEXT,
    CONF_COOLDOWN,
    CONF_PAUSE,
    CONF_ROUNDS,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    PAUSE_RANGE,
    ROUNDS_RANGE,
    TIMEOUT_RANGE,
)
from ..errors import user_error
from .rules import COOLDOWN_RANGE

ATTR_ORIGINATED_CALL_ID: Final = "originated_call_id"
ATTR_WAIT_UNTIL: Final = "wait_until"
WAIT_UNTIL: Final = ("answered", "ended")

# How a template prints an entity without a state. A name in the PBX may be anything
# else, so these are told apart by case.
_NO_STATES: Final = frozenset({"None", "none", "unavailable", "unknown"})

# What is so many times too much is shown as it is.
_NEAR: Final = 10

_SECONDS: Final = {
    CONF_TIMEOUT: TIMEOUT_RANGE,
    CONF_CALL_LIMIT: CALL_LIMIT_RANGE,
    CONF_COOLDOWN: COOLDOWN_RANGE,
    CONF_PAUSE: PAUSE_RANGE,
}


def given(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of an action as they are meant.

    What stands in a list is left as it is: one that is wrong does not count for the
    others.

    Raises:
        ServiceValidationError: a field holds what it cannot take.
    """
    return {name: _FIELDS[name](name, value) for name, value in data.items()}


def given_number(name: str, value: object) -> str | int:
    """Return a number as text, or as the integer that YAML or a template makes of it.

    Nothing is text, too: what a template says of an entity without a state.

    Raises:
        ServiceValidationError: it is anything else.
    """
    if value is None:
        return str(value)
    value = _single(name, value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) or (isinstance(value, int) and value >= 0):
        return value
    raise user_error("given_quantity", field=name)


def given_text(name: str, value: object) -> str:
    """Return the text that names something, which is perhaps empty.

    Raises:
        ServiceValidationError: it is no text, or says that an entity had no state.
    """
    if value is None:
        raise user_error("given_nothing", field=name)
    text = str(_single(name, value))
    if text.strip() in _NO_STATES:
        raise user_error("given_no_state", field=name, value=text.strip())
    return text


def given_reference(name: str, value: object) -> str:
    """Return the text that names something that there is.

    Raises:
        ServiceValidationError: it is no text, or an empty one.
    """
    text = given_text(name, value)
    if not text.strip():
        raise user_error("given_nothing", field=name)
    return text


def _single(name: str, value: object) -> str | float:
    """Return one value, which is no list or the like.

    Raises:
        ServiceValidationError: it is.
    """
    if isinstance(value, bool):
        raise user_error("given_boolean", field=name)
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        raise user_error("given_mapping", field=name)
    raise user_error("given_list", field=name)


def _whole(name: str, value: object) -> int:
    """Return a whole number, which a template gives as text and the editor as a float.

    Raises:
        ServiceValidationError: it is none, or out of its range.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        raise user_error("given_nothing", field=name)
    single = _single(name, value)
    if isinstance(single, str) and single.strip() in _NO_STATES:
        raise user_error("given_no_state", field=name, value=single.strip())
    try:
        number = float(single)
    except ValueError, OverflowError:
        number = math.nan
    if not number.is_integer() and name in _SECONDS:
        raise user_error("given_no_seconds", field=name, value=clean_text(value))
    if not number.is_integer():
        raise user_error("given_no_whole_number", field=name, value=clean_text(value))
    low, high = _SECONDS.get(name, ROUNDS_RANGE)
    if not low <= number <= high:
        # A telephone number in the wrong field is starred.
        is_near = abs(number) <= _NEAR * high
        raise user_error(
            "given_out_of_range",
            field=name,
            value=str(int(number)) if is_near else clean_text(value),
            low=str(low),
            high=str(high),
        )
    return int(number)


def _list(_name: str, value: object) -> Sequence[object]:
    """Return a list; what is none is the only one in it, also nothing at all."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return sorted(value, key=str) if isinstance(value, set) else [value]


def _wait_until(name: str, value: object) -> str:
    text = given_reference(name, value)
    if text not in WAIT_UNTIL:
        raise user_error(
            "given_no_choice",
            field=name,
            value=clean_text(text),
            choices=", ".join(WAIT_UNTIL),
        )
    return text


_FIELDS: Final[Mapping[str, Callable[[str, object], object]]] = {
    ATTR_CONFIG_ENTRY_ID: given_reference,
    CONF_CALLER: given_number,
    CONF_CALLEE: given_number,
    CONF_CALLER_ID: given_number,
    CONF_CALLEE_CONTACT: given_reference,
    CONF_CALLER_CONTACT: given_reference,
    CONF_CONTEXT: given_text,
    CONF_CALLER_NAME: given_text,
    CONF_TRUNK_NAME: given_text,
    **dict.fromkeys((*_SECONDS, CONF_ROUNDS), _whole),
    CONF_CALLERS: _list,
    CONF_CALLEES: _list,
    CONF_CALLER_CONTACTS: _list,
    CONF_CALLEE_CONTACTS: _list,
    ATTR_WAIT_UNTIL: _wait_until,
    ATTR_ORIGINATED_CALL_ID: given_reference,
}
