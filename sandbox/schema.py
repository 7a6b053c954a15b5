"""Schema of the configuration file."""

from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import voluptuous as vol

from .checks import (
    choice,
    count,
    flag,
    made,
    many,
    number,
    one_of,
    optional,
    pattern,
    seconds,
    text,
    web_address,
)
from .faults import FAULT_KINDS, Fault
from .model import (
    EVENT_NAMES,
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
from .speech_schema import ANNOUNCEMENTS, SPEECH, keys


def _fault_path(value: object) -> str:
    path = text(value)
    if path != "*" and not path.startswith("/"):
        raise vol.Invalid('must start with a slash, or be "*" for every request')
    return path


def base_path(value: object) -> str:
    """Validate the base path of the API, such as /api/v4."""
    path = text(value)
    if not path.startswith("/") or path.endswith("/") or "?" in path:
        raise vol.Invalid("must start with a slash and not end with one")
    return path


def time_zone(value: object) -> str:
    """Validate the name of a time zone."""
    try:
        ZoneInfo(name := text(value))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise vol.Invalid("must be a time zone, such as Asia/Tehran") from error
    return name


def network(value: object) -> str:
    """Validate an IP address or network."""
    try:
        ip_network(found := text(value), strict=False)
    except ValueError as error:
        raise vol.Invalid("must be an IP address or a network") from error
    return found


_MANNER = {
    vol.Optional("behavior"): choice(BehaviorName),
    vol.Optional("after"): seconds,
    vol.Optional("hang_up_after"): seconds,
    vol.Optional("gives_up_after"): seconds,
}
_PERSON = {
    vol.Optional("name"): text,
    vol.Optional("active"): flag,
    vol.Optional("lines"): count(1),
    vol.Optional("as_caller"): made(Manner, _MANNER),
    vol.Optional("as_callee"): made(Manner, _MANNER),
    vol.Optional("keys"): keys,
    vol.Optional("keys_after"): seconds,
    vol.Optional("keys_at"): seconds,
    **_MANNER,
}
_PHONE = made(Phone, {vol.Required("number"): number, **_PERSON})
_EXTERNAL = made(Phone, {vol.Required("number"): pattern, **_PERSON})
_ACCOUNT = made(
    Account,
    {
        vol.Optional("username"): text,
        vol.Optional("password"): text,
        vol.Optional("api_key"): text,
        vol.Optional("mode"): choice(AuthMode),
        vol.Optional("permissions"): many(text),
    },
)
_TRUNK = made(Trunk, {vol.Required("name"): text, vol.Optional("active"): flag})
_CONTEXT = made(Context, {vol.Required("name"): text, vol.Optional("trunk"): text})
_REPORT = made(
    ReportStyle,
    {
        vol.Optional("dates"): choice(Dates),
        vol.Optional("numbers"): one_of("strings", "numbers"),
        vol.Optional("accepts_unknown_cursor"): flag,
        vol.Optional("empty_last_id"): one_of("cursor", "empty"),
        vol.Optional("history"): count(0),
    },
)
_EVENTS = optional(
    made(
        EventPush,
        {
            vol.Required("url"): web_address,
            vol.Optional("method"): one_of("get", "post"),
            vol.Optional("style"): one_of("g4", "rest4"),
            vol.Optional("username"): text,
            vol.Optional("password"): text,
            vol.Optional("enabled"): many(one_of(*EVENT_NAMES)),
            vol.Optional("with_originated_call_id"): flag,
            vol.Optional("cdr_name"): one_of("Cdr", "CDR"),
            vol.Optional("name_field"): one_of("event_name", "event"),
            vol.Optional("id_field"): one_of("unique_id", "cuid"),
            vol.Optional("values"): one_of("upper", "title"),
            vol.Optional("numbers"): one_of("strings", "numbers"),
            vol.Optional("dates"): one_of("gregorian", "jalali"),
            vol.Optional("copies"): count(1),
            vol.Optional("delay"): seconds,
            vol.Optional("drop"): many(one_of(*EVENT_NAMES)),
            vol.Optional("give_up_after"): seconds,
            vol.Optional("verify_ssl"): flag,
        },
    )
)


def _fault(path: str, **fields: Any) -> tuple[str, Fault]:  # noqa: ANN401 - checked by the schema
    return path, Fault(**fields)


FAULT = made(
    _fault,
    {
        vol.Required("path"): _fault_path,
        vol.Required("kind"): one_of(*FAULT_KINDS),
        vol.Optional("times"): count(1),
        vol.Optional("placed"): flag,
        vol.Optional("seconds"): seconds,
        vol.Optional("message"): text,
        vol.Optional("megabytes"): count(1),
        vol.Optional("location"): text,
    },
)

SCHEMA = vol.Schema(
    {
        vol.Optional("base_path"): base_path,
        vol.Optional("time_zone"): time_zone,
        vol.Optional("accounts"): many(_ACCOUNT),
        vol.Optional("permitted_addresses"): many(network),
        vol.Optional("missing_services"): many(text),
        vol.Optional("phones"): many(_PHONE),
        vol.Optional("external"): many(_EXTERNAL),
        vol.Optional("trunks"): many(_TRUNK),
        vol.Optional("contexts"): many(_CONTEXT),
        vol.Optional("report"): _REPORT,
        vol.Optional("events"): _EVENTS,
        vol.Optional("speech"): SPEECH,
        vol.Optional("announcements"): ANNOUNCEMENTS,
        vol.Optional("faults"): many(FAULT),
    }
)
