"""Validation of action data, whose values often come from templates.

An error of an action's schema ends a script even with `continue_on_error`. The schemas
therefore accept every value, and this module raises translated errors.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
import math
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..backends.redaction import clean_text
from ..backends.updates import Direction
from ..const import (
    CALL_LIMIT_RANGE,
    CONF_AUTO_ANSWER,
    CONF_CALL_LIMIT,
    CONF_CALLEE,
    CONF_CALLEE_CONTACT,
    CONF_CALLEES,
    CONF_CALLER,
    CONF_CALLER_CONTACT,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CALLERS,
    CONF_CONFIRM_KEY,
    CONF_CONNECT_TO,
    CONF_CONTACT,
    CONF_CONTEXT,
    CONF_COOLDOWN,
    CONF_DECLINE_KEY,
    CONF_DIGITS,
    CONF_DIRECTION,
    CONF_KEY_TIMEOUT,
    CONF_KEYS,
    CONF_LANGUAGE,
    CONF_LIMIT,
    CONF_MEDIA,
    CONF_MESSAGE,
    CONF_MISSED,
    CONF_MODE,
    CONF_PAUSE,
    CONF_REPEAT,
    CONF_REPEAT_PAUSE,
    CONF_RING_TONE,
    CONF_RINGING_ONLY,
    CONF_ROUNDS,
    CONF_SEND_KEYS,
    CONF_SINCE,
    CONF_TIMEOUT,
    CONF_TO,
    CONF_TRUNK_NAME,
    CONF_TTS_ENGINE,
    CONF_TTS_OPTIONS,
    CONF_UNTIL,
    DIGITS_RANGE,
    KEY_TIMEOUT_RANGE,
    LIMIT_RANGE,
    PAUSE_RANGE,
    REPEAT_PAUSE_RANGE,
    REPEAT_RANGE,
    ROUNDS_RANGE,
    TIMEOUT_RANGE,
)
from ..errors import user_error
from .message_parts import NO_STATES, as_written
from .number import ascii_digits
from .rules import COOLDOWN_RANGE
from .seconds import parse_seconds

ATTR_ORIGINATED_CALL_ID: Final = "originated_call_id"
ATTR_WAIT_UNTIL: Final = "wait_until"

_CHOICES: Final = {
    ATTR_WAIT_UNTIL: ("answered", "ended"),
    CONF_MODE: ("in_turn", "together", "everyone"),
    CONF_TO: ("caller", "callee"),
    CONF_DIRECTION: tuple(Direction),
}

# The keys of a phone, and those that can also be sent.
PHONE_KEYS: Final = "0123456789*#"
SENT_KEYS: Final = f"{PHONE_KEYS}ABCD"
MAX_KEYS: Final = 32

# Values of up to this many times the maximum are shown in errors. Larger ones may be
# phone numbers in the wrong field, which are redacted.
_SHOWN_FACTOR: Final = 10

_SECONDS_FIELDS: Final = {
    CONF_TIMEOUT: TIMEOUT_RANGE,
    CONF_CALL_LIMIT: CALL_LIMIT_RANGE,
    CONF_COOLDOWN: COOLDOWN_RANGE,
    CONF_PAUSE: PAUSE_RANGE,
    CONF_REPEAT_PAUSE: REPEAT_PAUSE_RANGE,
    CONF_KEY_TIMEOUT: KEY_TIMEOUT_RANGE,
}

# Shorter than a second makes sense only for a pause.
_FRACTIONS: Final = (CONF_REPEAT_PAUSE,)

_NUMBER_FIELDS: Final = {
    CONF_ROUNDS: ROUNDS_RANGE,
    CONF_REPEAT: REPEAT_RANGE,
    CONF_DIGITS: DIGITS_RANGE,
    CONF_LIMIT: LIMIT_RANGE,
}


def validate_action_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the validated and converted data of an action.

    The items of lists are validated later, so that an invalid one does not affect
    the others.

    Raises:
        ServiceValidationError: a field has an invalid value.
    """
    return {name: _FIELDS[name](name, value) for name, value in data.items()}


def validate_number(name: str, value: object) -> str | int:
    """Return a number as text, or as the integer that YAML or a template made of it.

    None becomes the text that a template renders for an entity without a state.

    Raises:
        ServiceValidationError: the value is neither text nor a whole number.
    """
    if value is None:
        return str(value)
    value = without_parentheses(_scalar(name, value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) or (isinstance(value, int) and value >= 0):
        return value
    raise user_error("given_quantity", field=name)


def validate_text(name: str, value: object) -> str:
    """Return a text, which may be empty.

    Raises:
        ServiceValidationError: the value is not text, or the entity of a template
            had no state.
    """
    if value is None:
        raise user_error("given_nothing", field=name)
    text = str(_scalar(name, value))
    if text.strip() in NO_STATES:
        raise user_error("given_no_state", field=name, value=text.strip())
    return text


def _message(name: str, value: object) -> str | list[object]:
    """Return a text that is spoken, as written, or a list of parts.

    The parts are validated where they are used.

    Raises:
        ServiceValidationError: the value is not text, or the entity of a template
            had no state.
    """
    value = as_written(value)
    if isinstance(value, list):
        return value
    return validate_text(name, str(value) if isinstance(value, bool) else value)


def validate_reference(name: str, value: object) -> str:
    """Return a text that must not be empty.

    Raises:
        ServiceValidationError: the value is not text, or is empty.
    """
    text = without_parentheses(validate_text(name, value))
    if not text.strip():
        raise user_error("given_nothing", field=name)
    return text


def without_parentheses[ValueT](value: ValueT) -> ValueT | str:
    """Return a text without the parentheses around it.

    They keep the leading plus sign of a number in a template, which may return the
    name of a contact as well.
    """
    if isinstance(value, str) and (text := value.strip()).startswith("("):
        return text[1:-1].strip() if text.endswith(")") else text
    return value


def _scalar(name: str, value: object) -> str | float:
    """Return a single text or number.

    Raises:
        ServiceValidationError: the value is a boolean, a mapping or a list.
    """
    if isinstance(value, bool):
        raise user_error("given_boolean", field=name)
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        raise user_error("given_mapping", field=name)
    # A template makes an empty list of empty parentheses.
    if not value:
        raise user_error("given_nothing", field=name)
    raise user_error("given_list", field=name)


def _whole_number(name: str, value: object) -> int:
    """Return an integer from a number or a text.

    Templates pass text, and the editor passes floats.

    Raises:
        ServiceValidationError: the value is not a whole number, or is out of range.
    """
    try:
        number = float(_given(name, value))
    except ValueError, OverflowError:
        number = math.nan
    if not number.is_integer():
        raise user_error("given_no_whole_number", field=name, value=clean_text(value))
    return _in_range(name, number, _NUMBER_FIELDS[name])


def _seconds(name: str, value: object) -> float:
    """Return seconds of a duration, in any of its forms; for most fields, whole ones.

    Only a pause in speech may be a part of a second.

    Raises:
        ServiceValidationError: the value is not a duration, or is out of range.
    """
    given = value if value and isinstance(value, Mapping) else _given(name, value)
    number = parse_seconds(name, given)
    is_fraction = name in _FRACTIONS and math.isfinite(number)
    if not (number.is_integer() or is_fraction):
        shown = given
        if isinstance(given, Mapping):
            shown = ", ".join(f"{unit}: {part}" for unit, part in given.items())
        raise user_error("given_no_seconds", field=name, value=clean_text(shown))
    seconds = _in_range(name, number, _SECONDS_FIELDS[name])
    return number if is_fraction else seconds


def _given(name: str, value: object) -> str | float:
    """Return a single text or number that is not empty.

    Raises:
        ServiceValidationError: the value is nothing, or the entity of a template had
            no state.
    """
    is_empty_text = isinstance(value, str) and not value.strip()
    if value is None or is_empty_text or value == {}:
        raise user_error("given_nothing", field=name)
    scalar = _scalar(name, value)
    if isinstance(scalar, str) and scalar.strip() in NO_STATES:
        raise user_error("given_no_state", field=name, value=scalar.strip())
    return scalar


def _in_range(name: str, number: float, limits: tuple[int, int]) -> int:
    low, high = limits
    if not low <= number <= high:
        is_shown = abs(number) <= _SHOWN_FACTOR * high
        raise user_error(
            "given_out_of_range",
            field=name,
            value=f"{number:.15g}" if is_shown else clean_text(int(number)),
            low=str(low),
            high=str(high),
        )
    return int(number)


def _choice(name: str, value: object) -> str:
    text = validate_reference(name, value).strip()
    if text not in _CHOICES[name]:
        raise user_error(
            "given_no_choice",
            field=name,
            value=clean_text(text),
            choices=", ".join(_CHOICES[name]),
        )
    return text


def validate_switch(name: str, value: object) -> bool:
    """Return a boolean, as YAML, templates and the editor write it.

    Raises:
        ServiceValidationError: the value is nothing, or is not a boolean.
    """
    if isinstance(value, bool):
        return value
    given = _given(name, value)
    try:
        return cv.boolean(given)
    except vol.Invalid:
        raise user_error(
            "given_no_choice",
            field=name,
            value=clean_text(given),
            choices="true, false",
        ) from None


def _key(name: str, value: object) -> str:
    """Return one key, of which YAML makes an integer.

    Raises:
        ServiceValidationError: the value is not one key of a phone.
    """
    key = ascii_digits(str(validate_number(name, value))).strip()
    if len(key) != 1 or key not in PHONE_KEYS:
        raise user_error("given_no_key", field=name)
    return key


def validate_keys(name: str, value: object) -> str:
    """Return keys that are sent; the error does not contain them.

    Raises:
        ServiceValidationError: the value is not a text of keys.
    """
    keys = ascii_digits(str(validate_number(name, value))).strip().upper()
    if not keys or len(keys) > MAX_KEYS or not set(keys) <= set(SENT_KEYS):
        raise user_error("given_no_keys", field=name)
    return keys


def _time(name: str, value: object) -> datetime:
    """Return a time; one without a time zone is of Home Assistant's own.

    Raises:
        ServiceValidationError: the value is not a date with or without a time.
    """
    text = value.isoformat() if isinstance(value, date) else _given(name, value)
    try:
        parsed = dt_util.parse_datetime(str(text).strip(), raise_on_error=True)
        return dt_util.as_utc(parsed)
    except (ValueError, OverflowError) as err:
        # No such moment, or one that no time zone has.
        raise user_error("given_no_time", field=name, value=clean_text(text)) from err


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise user_error("given_no_mapping", field=name)
    return value


def _anything(_name: str, value: object) -> object:
    """Return a value that is validated where it is used."""
    return value


_FIELDS: Final[Mapping[str, Callable[[str, object], object]]] = {
    ATTR_CONFIG_ENTRY_ID: validate_reference,
    CONF_CALLER: validate_number,
    CONF_CALLEE: validate_number,
    CONF_CALLER_ID: validate_number,
    CONF_CALLEE_CONTACT: validate_reference,
    CONF_CALLER_CONTACT: validate_reference,
    **dict.fromkeys((CONF_CONTEXT, CONF_CALLER_NAME, CONF_TRUNK_NAME), validate_text),
    **dict.fromkeys(_SECONDS_FIELDS, _seconds),
    **dict.fromkeys(_NUMBER_FIELDS, _whole_number),
    CONF_CONFIRM_KEY: _key,
    CONF_DECLINE_KEY: _key,
    CONF_SEND_KEYS: validate_keys,
    # A boolean of one action, and the keys to send of another: each validates it.
    CONF_KEYS: _anything,
    CONF_CONNECT_TO: validate_number,
    CONF_MESSAGE: _message,
    # The selector passes a mapping.
    CONF_MEDIA: _anything,
    CONF_TTS_ENGINE: validate_reference,
    CONF_LANGUAGE: validate_reference,
    CONF_TTS_OPTIONS: _mapping,
    **dict.fromkeys((CONF_CALLERS, CONF_CALLEES, CONF_UNTIL), _anything),
    **dict.fromkeys(_CHOICES, _choice),
    CONF_CONTACT: validate_reference,
    CONF_SINCE: _time,
    CONF_MISSED: validate_switch,
    CONF_RINGING_ONLY: validate_switch,
    CONF_AUTO_ANSWER: validate_switch,
    CONF_RING_TONE: validate_text,
    ATTR_ORIGINATED_CALL_ID: validate_reference,
}
