"""Schema of the configuration file."""

from collections.abc import Callable, Mapping
from ipaddress import ip_network
import sys
from typing import Any, TypeAliasType, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import voluptuous as vol

from .faults import FAULT_KINDS, Fault
from .model import (
    EVENT_NAMES,
    NUMBER,
    Account,
    AuthMode,
    BehaviorName,
    Context,
    Dates,
    EventPush,
    Manner,
    Phone,
    ReportStyle,
    Trunk,
)


def _text(value: object) -> str:
    if not isinstance(value, str):
        # Without quotes, YAML would read 0912 as a number, and drop the zero.
        raise vol.Invalid("must be text: put it in quotes")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise vol.Invalid("must be true or false")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise vol.Invalid("must be a number of seconds, 0 or more")
    # NaN, which compares false with everything, would break the event loop.
    if not 0 <= value <= sys.float_info.max:
        raise vol.Invalid("must be a number of seconds, 0 or more, and finite")
    return float(value)


def _count(least: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise vol.Invalid(f"must be a whole number, {least} or more")
        return value

    return check


def _one_of(names: tuple[str, ...]) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in names:
            raise vol.Invalid(f"must be one of {', '.join(names)}")
        return value

    return check


def _many(item: object) -> Callable[[object], tuple[Any, ...]]:
    schema = vol.Schema([item])

    def check(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise vol.Invalid("must be a list")
        return tuple(schema(value))

    return check


def _made[T](make: Callable[..., T], keys: Mapping[Any, Any]) -> Callable[[object], T]:
    """Return a validator that creates an object from a mapping."""
    schema = vol.Schema(dict(keys))

    def check(value: object) -> T:
        if not isinstance(value, dict):
            raise vol.Invalid("must be a mapping of keys to values")
        return make(**schema(value))

    return check


def _number(value: object) -> str:
    if NUMBER.fullmatch(text := _text(value)) is None:
        raise vol.Invalid("must be 1 to 40 digits, letters or any of * # + _ . -")
    return text


def _pattern(value: object) -> str:
    if NUMBER.fullmatch((text := _text(value)).replace("?", "*")) is None:
        raise vol.Invalid("must be 1 to 40 digits, letters or any of * ? # + _ . -")
    return text


def _fault_path(value: object) -> str:
    text = _text(value)
    if text != "*" and not text.startswith("/"):
        raise vol.Invalid('must start with a slash, or be "*" for every request')
    return text


def base_path(value: object) -> str:
    """Validate the base path of the API, such as /api/v4."""
    text = _text(value)
    if not text.startswith("/") or text.endswith("/") or "?" in text:
        raise vol.Invalid("must start with a slash and not end with one")
    return text


def time_zone(value: object) -> str:
    """Validate the name of a time zone."""
    try:
        ZoneInfo(name := _text(value))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise vol.Invalid("must be a time zone, such as Asia/Tehran") from error
    return name


def network(value: object) -> str:
    """Validate an IP address or network."""
    try:
        ip_network(text := _text(value), strict=False)
    except ValueError as error:
        raise vol.Invalid("must be an IP address or a network") from error
    return text


def web_address(value: object) -> str:
    """Validate the URL that events are sent to."""
    text = _text(value)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise vol.Invalid("must be a URL that starts with http:// or https://")
    return text


def choice(alias: TypeAliasType) -> Callable[[object], str]:
    """Return a validator for the values of a literal type alias."""
    return _one_of(get_args(alias.__value__))


_MANNER = {
    vol.Optional("behavior"): choice(BehaviorName),
    vol.Optional("after"): _seconds,
    vol.Optional("hang_up_after"): _seconds,
    vol.Optional("gives_up_after"): _seconds,
}
_PERSON = {
    vol.Optional("name"): _text,
    vol.Optional("active"): _flag,
    vol.Optional("lines"): _count(1),
    vol.Optional("as_caller"): _made(Manner, _MANNER),
    vol.Optional("as_callee"): _made(Manner, _MANNER),
    **_MANNER,
}
_PHONE = _made(Phone, {vol.Required("number"): _number, **_PERSON})
_EXTERNAL = _made(Phone, {vol.Required("number"): _pattern, **_PERSON})
_ACCOUNT = _made(
    Account,
    {
        vol.Optional("username"): _text,
        vol.Optional("password"): _text,
        vol.Optional("api_key"): _text,
        vol.Optional("mode"): choice(AuthMode),
        vol.Optional("permissions"): _many(_text),
    },
)
_TRUNK = _made(Trunk, {vol.Required("name"): _text, vol.Optional("active"): _flag})
_CONTEXT = _made(Context, {vol.Required("name"): _text, vol.Optional("trunk"): _text})
_REPORT = _made(
    ReportStyle,
    {
        vol.Optional("dates"): choice(Dates),
        vol.Optional("numbers"): _one_of(("strings", "numbers")),
        vol.Optional("accepts_unknown_cursor"): _flag,
        vol.Optional("empty_last_id"): _one_of(("cursor", "empty")),
        vol.Optional("history"): _count(0),
    },
)
_EVENTS = _made(
    EventPush,
    {
        vol.Required("url"): web_address,
        vol.Optional("method"): _one_of(("get", "post")),
        vol.Optional("style"): _one_of(("g4", "rest4")),
        vol.Optional("username"): _text,
        vol.Optional("password"): _text,
        vol.Optional("enabled"): _many(_one_of(EVENT_NAMES)),
        vol.Optional("with_originated_call_id"): _flag,
        vol.Optional("cdr_name"): _one_of(("Cdr", "CDR")),
        vol.Optional("name_field"): _one_of(("event_name", "event")),
        vol.Optional("id_field"): _one_of(("unique_id", "cuid")),
        vol.Optional("values"): _one_of(("upper", "title")),
        vol.Optional("numbers"): _one_of(("strings", "numbers")),
        vol.Optional("dates"): _one_of(("gregorian", "jalali")),
        vol.Optional("copies"): _count(1),
        vol.Optional("delay"): _seconds,
        vol.Optional("drop"): _many(_one_of(EVENT_NAMES)),
        vol.Optional("give_up_after"): _seconds,
        vol.Optional("verify_ssl"): _flag,
    },
)


def _events(value: object) -> object:
    return None if value is None else _EVENTS(value)


def _fault(path: str, **fields: Any) -> tuple[str, Fault]:  # noqa: ANN401 - checked by the schema
    return path, Fault(**fields)


FAULT = _made(
    _fault,
    {
        vol.Required("path"): _fault_path,
        vol.Required("kind"): _one_of(FAULT_KINDS),
        vol.Optional("times"): _count(1),
        vol.Optional("placed"): _flag,
        vol.Optional("seconds"): _seconds,
        vol.Optional("message"): _text,
        vol.Optional("megabytes"): _count(1),
        vol.Optional("location"): _text,
    },
)

SCHEMA = vol.Schema(
    {
        vol.Optional("base_path"): base_path,
        vol.Optional("time_zone"): time_zone,
        vol.Optional("accounts"): _many(_ACCOUNT),
        vol.Optional("permitted_addresses"): _many(network),
        vol.Optional("missing_services"): _many(_text),
        vol.Optional("phones"): _many(_PHONE),
        vol.Optional("external"): _many(_EXTERNAL),
        vol.Optional("trunks"): _many(_TRUNK),
        vol.Optional("contexts"): _many(_CONTEXT),
        vol.Optional("report"): _REPORT,
        vol.Optional("events"): _events,
        vol.Optional("faults"): _many(FAULT),
    }
)
