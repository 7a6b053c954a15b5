"""Constants of the PBX integration."""

from typing import Final

DOMAIN: Final = "pbx"

# Config entry data: where the PBX is and how it knows us.
CONF_KIND: Final = "kind"
CONF_API_KEY: Final = "api_key"
# How the phones of an Asterisk are rung.
CONF_INTERNAL_CHANNEL: Final = "internal_channel"
CONF_EXTERNAL_CHANNEL: Final = "external_channel"
# The name under which we listen to it.
CONF_APPLICATION: Final = "application"
# How the PBX knows itself to us when it sends events.
CONF_EVENT_USERNAME: Final = "event_username"
CONF_EVENT_PASSWORD: Final = "event_password"  # noqa: S105

# Config entry options, and fields of the actions of the same name.
CONF_CALLER: Final = "caller"
CONF_CALLEE: Final = "callee"
CONF_CONTEXT: Final = "context"
CONF_CALLER_ID: Final = "caller_id"
CONF_CALLER_NAME: Final = "caller_name"
CONF_TRUNK_NAME: Final = "trunk_name"
CONF_TIMEOUT: Final = "timeout"
CONF_CALL_LIMIT: Final = "call_limit"
CONF_INTERNAL_DIGITS: Final = "internal_digits"

# Config subentries: whom people call, and the phones of the house.
SUBENTRY_CONTACT: Final = "contact"
SUBENTRY_EXTENSION: Final = "extension"
CONF_NUMBER: Final = "number"
CONF_ALIASES: Final = "aliases"
CONF_AREAS: Final = "areas"
CONF_SATELLITES: Final = "satellites"

# Fields of the actions that take a contact in the place of a number.
CONF_CALLEE_CONTACT: Final = "callee_contact"
CONF_CALLER_CONTACT: Final = "caller_contact"

# Fields of the escalation: its lists, and how it goes through them.
CONF_CALLEES: Final = "callees"
CONF_CALLERS: Final = "callers"
CONF_CALLEE_CONTACTS: Final = "callee_contacts"
CONF_CALLER_CONTACTS: Final = "caller_contacts"
CONF_ROUNDS: Final = "rounds"
CONF_PAUSE: Final = "pause"

# Config entry options of voice.
CONF_VOICE: Final = "voice"
CONF_LLM_TOOL: Final = "llm_tool"

# Config entry options of the events.
CONF_ALLOW_REMOTE_EVENTS: Final = "allow_remote_events"
CONF_REQUIRE_EVENT_LOGIN: Final = "require_event_login"
CONF_MAX_TALK_TIME: Final = "max_talk_time"

# Config entry options of the dialing rules; the last is a field of the actions, too.
CONF_ALLOWED_NUMBERS: Final = "allowed_numbers"
CONF_FORBIDDEN_NUMBERS: Final = "forbidden_numbers"
CONF_BLOCK_EMERGENCY: Final = "block_emergency"
CONF_EMERGENCY_NUMBERS: Final = "emergency_numbers"
CONF_ADMINS_ONLY: Final = "admins_only"
CONF_CALLS_AT_ONCE: Final = "calls_at_once"
CONF_CALLS_PER_HOUR: Final = "calls_per_hour"
CONF_COOLDOWN: Final = "cooldown"

# Seconds. A phone that rings for ten minutes or a talk of a day is a mistake.
TIMEOUT_RANGE: Final = (1, 600)
CALL_LIMIT_RANGE: Final = (1, 86_400)
INTERNAL_DIGITS_RANGE: Final = (1, 32)
MAX_TALK_TIME_RANGE: Final = (60, 86_400)
PAUSE_RANGE: Final = (0, 3600)
ROUNDS_RANGE: Final = (1, 10)

DEFAULT_TIMEOUT: Final = 30
DEFAULT_INTERNAL_DIGITS: Final = 5
