"""Schema of the sections `speech` and `announcements` of the configuration file."""

import re

import voluptuous as vol

from .checks import (
    choice,
    count,
    flag,
    made,
    number,
    one_of,
    optional,
    seconds,
    text,
    web_address,
)
from .speech import DIAL, HANG_UP, AnnouncementStyle, AnswerType, Box, Speech

_CASE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_KEYS = re.compile(r"[0-9*#]{0,40}")


def _case(value: object) -> str:
    if _CASE.fullmatch(found := text(value)) is None:
        raise vol.Invalid("must be 1 to 40 letters, digits or any of _ -")
    return found


def keys(value: object) -> str:
    """Validate the keys that a phone presses."""
    if _KEYS.fullmatch(found := text(value)) is None:
        raise vol.Invalid("must be at most 40 of the keys 0 to 9 * #")
    return found


_BOX = made(
    Box,
    {
        vol.Required("name"): text,
        vol.Required("outputs"): {_case: one_of("say", "key", HANG_UP, DIAL)},
    },
)

SPEECH = optional(
    made(
        Speech,
        {
            vol.Required("number"): number,
            vol.Optional("context"): text,
            vol.Optional("answer"): choice(AnswerType),
            vol.Required("url"): web_address,
            vol.Optional("method"): one_of("get", "post"),
            vol.Optional("say"): _BOX,
            vol.Optional("key"): optional(_BOX),
            vol.Optional("give_up_after"): seconds,
            vol.Optional("verify_ssl"): flag,
            vol.Optional("copies"): count(1),
            vol.Optional("retries"): count(0),
            vol.Optional("username"): text,
            vol.Optional("password"): text,
            vol.Optional("app_names"): one_of("own", "default"),
            vol.Optional("with_unique_id"): flag,
            vol.Optional("with_originated_call_id"): flag,
            vol.Optional("with_outgoing_call"): flag,
            vol.Optional("ok"): one_of("any", "string", "number"),
            vol.Optional("no_key"): one_of("next", "error"),
            vol.Optional("keeps_hash"): flag,
            vol.Optional("leading_zeros"): one_of("lost", "kept"),
            vol.Optional("dst"): one_of("number", "person"),
            vol.Optional("answer_reports"): one_of("no_answer", "answered"),
        },
    )
)

ANNOUNCEMENTS = made(
    AnnouncementStyle,
    {
        vol.Optional("unique_names"): flag,
        vol.Optional("id_field"): one_of("any", "_id", "id_"),
        vol.Optional("names"): one_of("name", "filename"),
        vol.Optional("listed_after"): seconds,
        vol.Optional("playable_after"): seconds,
        vol.Optional("sounds"): {text: seconds},
    },
)
