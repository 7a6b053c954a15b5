"""Constants of the PBX integration."""

from typing import Final

DOMAIN: Final = "pbx"

# Config entry data: where the PBX is and how it knows us.
CONF_KIND: Final = "kind"
CONF_API_KEY: Final = "api_key"

# Config entry options, and fields of the actions of the same name.
CONF_CALLER: Final = "caller"
CONF_CALLEE: Final = "callee"
CONF_CONTEXT: Final = "context"
CONF_CALLER_ID: Final = "caller_id"
CONF_TRUNK_NAME: Final = "trunk_name"
CONF_TIMEOUT: Final = "timeout"
CONF_CALL_LIMIT: Final = "call_limit"
CONF_INTERNAL_DIGITS: Final = "internal_digits"

# Seconds. A phone that rings for ten minutes or a talk of a day is a mistake.
TIMEOUT_RANGE: Final = (1, 600)
CALL_LIMIT_RANGE: Final = (1, 86_400)
INTERNAL_DIGITS_RANGE: Final = (1, 32)

DEFAULT_CONTEXT: Final = "main_routing"
DEFAULT_TIMEOUT: Final = 30
DEFAULT_INTERNAL_DIGITS: Final = 5
