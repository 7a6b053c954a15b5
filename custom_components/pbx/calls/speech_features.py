"""What a PBX can do in an announcement, checked before anybody is called."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.core import callback

from ..backends.base import Feature
from ..const import (
    CONF_CONFIRM_KEY,
    CONF_CONNECT_TO,
    CONF_DECLINE_KEY,
    CONF_DIGITS,
    CONF_SEND_KEYS,
)
from ..errors import user_error
from .manager import CallManager

_ASKING: Final = (CONF_CONFIRM_KEY, CONF_DIGITS)
_HASH: Final = "#"


@callback
def check_speech_features(manager: CallManager, data: Mapping[str, Any]) -> None:
    """Check that a PBX can do what an announcement asks for.

    Args:
        manager: of the PBX.
        data: action data, validated.

    Raises:
        ServiceValidationError: it cannot, and says where it can be set up.
    """
    features, pbx = manager.kind.features, manager.entry.title
    if Feature.SPEECH not in features:
        if Feature.DRAWN_SPEECH in features:
            raise user_error("speech_not_set_up", pbx=pbx)
        raise user_error("announcements_not_supported", pbx=pbx)
    asked = [name for name in _ASKING if name in data]
    if asked and Feature.SPEECH_KEYS not in features:
        raise user_error("speech_without_keys", pbx=pbx, field=asked[0])
    if CONF_CONNECT_TO in data and Feature.SPEECH_CONNECT not in features:
        raise user_error("speech_without_connect", pbx=pbx)
    if Feature.SPEECH_SENDS in features:
        return
    if CONF_SEND_KEYS in data:
        kind = manager.kind.name
        raise user_error("field_not_supported", field=CONF_SEND_KEYS, kind=kind)
    for name in (CONF_CONFIRM_KEY, CONF_DECLINE_KEY):
        if data.get(name) == _HASH:
            raise user_error("hash_not_supported", pbx=pbx, field=name)
