"""Constants of the PBX integration."""

from typing import Final

DOMAIN: Final = "pbx"

# Config entry data: address and credentials of the PBX.
CONF_KIND: Final = "kind"
CONF_API_KEY: Final = "api_key"
# Templates of the channels that Asterisk dials.
CONF_INTERNAL_CHANNEL: Final = "internal_channel"
CONF_EXTERNAL_CHANNEL: Final = "external_channel"
# Name of the Stasis application that receives its events.
CONF_APPLICATION: Final = "application"
# Credentials that the PBX uses when it sends events to the webhook.
CONF_EVENT_USERNAME: Final = "event_username"
CONF_EVENT_PASSWORD: Final = "event_password"  # noqa: S105

# Config entry options (call defaults), and fields of the actions.
CONF_CALLER: Final = "caller"
CONF_CALLEE: Final = "callee"
CONF_CONTEXT: Final = "context"
CONF_CALLER_ID: Final = "caller_id"
CONF_CALLER_NAME: Final = "caller_name"
CONF_TRUNK_NAME: Final = "trunk_name"
CONF_TIMEOUT: Final = "timeout"
CONF_CALL_LIMIT: Final = "call_limit"
CONF_INTERNAL_DIGITS: Final = "internal_digits"

# Config subentries: the contacts of the phone book.
SUBENTRY_CONTACT: Final = "contact"
CONF_NUMBER: Final = "number"
CONF_ALIASES: Final = "aliases"
CONF_PERSON: Final = "person"
CONF_IS_EXTENSION: Final = "is_extension"
CONF_AREAS: Final = "areas"

# Fields of the actions that take a contact instead of a number.
CONF_CALLEE_CONTACT: Final = "callee_contact"
CONF_CALLER_CONTACT: Final = "caller_contact"

# Fields of the escalation.
CONF_CALLEES: Final = "callees"
CONF_CALLERS: Final = "callers"
CONF_MODE: Final = "mode"
CONF_UNTIL: Final = "until"
CONF_RINGING_ONLY: Final = "ringing_only"

# Fields of the actions about how the phone rings that rings first.
CONF_AUTO_ANSWER: Final = "auto_answer"
CONF_RING_TONE: Final = "ring_tone"
CONF_ROUNDS: Final = "rounds"
CONF_PAUSE: Final = "pause"

# Fields of an announcement, of which some are options of a contact.
CONF_MESSAGE: Final = "message"
CONF_MEDIA: Final = "media"
CONF_REPEAT: Final = "repeat"
CONF_REPEAT_PAUSE: Final = "repeat_pause"
CONF_TTS_ENGINE: Final = "tts_engine"
CONF_LANGUAGE: Final = "language"
CONF_TTS_OPTIONS: Final = "tts_options"
CONF_CONFIRM_KEY: Final = "confirm_key"
CONF_DECLINE_KEY: Final = "decline_key"
CONF_DIGITS: Final = "digits"
CONF_KEY_TIMEOUT: Final = "key_timeout"
CONF_SEND_KEYS: Final = "send_keys"
CONF_CONNECT_TO: Final = "connect_to"
# Whether keys are taken while two parties talk; the keys that are sent to one of them.
CONF_KEYS: Final = "keys"
CONF_TO: Final = "to"

# Fields of the action that reads the call log.
CONF_DIRECTION: Final = "direction"
CONF_MISSED: Final = "missed"
CONF_CONTACT: Final = "contact"
CONF_SINCE: Final = "since"
CONF_LIMIT: Final = "limit"

# Config entry options for voice.
CONF_VOICE: Final = "voice"
CONF_LLM_TOOL: Final = "llm_tool"
CONF_LLM_ANNOUNCE: Final = "llm_announce"
CONF_LLM_CALLS: Final = "llm_calls"

# Config entry options for events.
CONF_ALLOW_REMOTE_EVENTS: Final = "allow_remote_events"
CONF_REQUIRE_EVENT_LOGIN: Final = "require_event_login"
CONF_MAX_TALK_TIME: Final = "max_talk_time"

# Config entry options for speech that the owner draws in the PBX's dialplan: the number
# that leads to it, which boxes are drawn, and the phone that a test calls.
CONF_SPEECH_NUMBER: Final = "speech_number"
CONF_SPEECH_BOXES: Final = "speech_boxes"
CONF_TEST_PHONE: Final = "test_phone"

# Config entry options for the call log.
CONF_LOG_CALLS: Final = "log_calls"
CONF_LOG_DAYS: Final = "log_days"
CONF_LOG_READERS: Final = "log_readers"

# Config entry options (dialing rules); the cooldown is also a field of the actions.
CONF_ALLOWED_NUMBERS: Final = "allowed_numbers"
CONF_FORBIDDEN_NUMBERS: Final = "forbidden_numbers"
CONF_BLOCK_EMERGENCY: Final = "block_emergency"
CONF_EMERGENCY_NUMBERS: Final = "emergency_numbers"
CONF_ADMINS_ONLY: Final = "admins_only"
CONF_CALLS_AT_ONCE: Final = "calls_at_once"
CONF_CALLS_PER_HOUR: Final = "calls_per_hour"
CONF_COOLDOWN: Final = "cooldown"

# Seconds. More than ten minutes of ringing or a day of talking is a mistake.
TIMEOUT_RANGE: Final = (1, 600)
CALL_LIMIT_RANGE: Final = (1, 86_400)
INTERNAL_DIGITS_RANGE: Final = (1, 32)
MAX_TALK_TIME_RANGE: Final = (60, 86_400)
PAUSE_RANGE: Final = (0, 3600)
ROUNDS_RANGE: Final = (1, 10)
REPEAT_RANGE: Final = (1, 10)
REPEAT_PAUSE_RANGE: Final = (0, 60)
DIGITS_RANGE: Final = (1, 32)
KEY_TIMEOUT_RANGE: Final = (1, 60)
LIMIT_RANGE: Final = (1, 500)
# With 0 in either of the two, no calls are kept.
LOG_CALLS_RANGE: Final = (0, 10_000)
LOG_DAYS_RANGE: Final = (0, 3650)

DEFAULT_TIMEOUT: Final = 30
DEFAULT_REPEAT: Final = 2
DEFAULT_REPEAT_PAUSE: Final = 1
DEFAULT_KEY_TIMEOUT: Final = 10
DEFAULT_INTERNAL_DIGITS: Final = 5
DEFAULT_LOG_CALLS: Final = 500
DEFAULT_LOG_DAYS: Final = 90

# The boxes that are drawn: one that says a message; one more that asks for keys; and
# an output of that one, which connects a second party.
BOXES_SAY: Final = "say"
BOXES_KEY: Final = "say_key"
BOXES_CONNECT: Final = "say_key_connect"

# Who may read the calls of a PBX.
READERS_ADMINS: Final = "administrators"
READERS_EVERYONE: Final = "everyone"
