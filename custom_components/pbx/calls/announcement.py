"""Announcements: who is called, what is said, and which keys are taken."""

import asyncio
from collections.abc import Container, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..backends.announcement import Announcement, Audio
from ..backends.base import CallRequest, Feature
from ..backends.errors import PbxError
from ..const import (
    CONF_CALLEE,
    CONF_CONFIRM_KEY,
    CONF_CONNECT_TO,
    CONF_CONTEXT,
    CONF_DECLINE_KEY,
    CONF_DIGITS,
    CONF_KEY_TIMEOUT,
    CONF_LANGUAGE,
    CONF_MEDIA,
    CONF_MESSAGE,
    CONF_REPEAT,
    CONF_REPEAT_PAUSE,
    CONF_SEND_KEYS,
    CONF_TTS_ENGINE,
    CONF_TTS_OPTIONS,
    DEFAULT_KEY_TIMEOUT,
    DEFAULT_REPEAT,
    DEFAULT_REPEAT_PAUSE,
)
from ..errors import translated_error, user_error
from ..speech import Speech, async_message
from .call import Call
from .changes import SpeechChecked
from .contacts import ANNOUNCEMENT_SETTINGS, Contact
from .keys import parse_takes_keys
from .manager import CallManager
from .message_parts import parse_message
from .request import announcement_request, callee_settings, contact_in
from .resolve import is_contact_name, resolve_contact
from .rules import CallOrigin, Rule
from .speech_features import check_speech_features

MESSAGE_FIELDS: Final = (
    CONF_MESSAGE,
    CONF_MEDIA,
    CONF_CONFIRM_KEY,
    CONF_REPEAT,
    CONF_REPEAT_PAUSE,
    CONF_TTS_ENGINE,
    CONF_LANGUAGE,
    CONF_TTS_OPTIONS,
    CONF_DECLINE_KEY,
    CONF_KEY_TIMEOUT,
)
"""Fields of an action about a message, which one or several people hear."""

ANNOUNCEMENT_FIELDS: Final = (*MESSAGE_FIELDS, CONF_DIGITS, CONF_SEND_KEYS)
"""Fields of an action about a message for one person."""

# Seconds between two checks for a place among the concurrent calls.
_PLACE_INTERVAL: Final = 5


@callback
def resolve_announcement(
    manager: CallManager, data: Mapping[str, Any]
) -> tuple[CallRequest, Speech]:
    """Return the request of an action that plays an announcement, and what is said.

    The confirmation key of a contact's settings is not used: an action says itself
    whether it asks for one.

    Args:
        manager: of the PBX.
        data: action data, validated.

    Raises:
        ServiceValidationError: the PBX cannot play announcements, or a field is
            missing, invalid or in conflict with another one.
    """
    return _resolve(manager, data, without=(CONF_CONFIRM_KEY,))


@callback
def contact_announcement(
    manager: CallManager, contact: Contact, data: Mapping[str, Any]
) -> tuple[CallRequest, Speech]:
    """Return the request that plays an announcement to a contact, and what is said.

    All settings of the contact are used.

    Args:
        manager: manager of the contact's PBX.
        contact: the contact to call.
        data: fields of the action: the message, and what overrides the settings.

    Raises:
        ServiceValidationError: the PBX cannot play announcements, or a default is
            missing or invalid.
    """
    return _resolve(manager, data, contact)


@callback
def _resolve(
    manager: CallManager,
    data: Mapping[str, Any],
    contact: Contact | None = None,
    without: Container[str] = (),
) -> tuple[CallRequest, Speech]:
    fields, options, person = _resolve_person(manager, data, contact)
    if person is not None:
        fields = _own_settings(person, fields, without) | fields
    announcement, speech = build_announcement(manager, fields)
    if CONF_CALLEE not in fields:
        raise user_error("missing_fields", fields=CONF_CALLEE)
    callee = fields[CONF_CALLEE]
    request = announcement_request(manager, callee, announcement, fields, options)
    takes_keys = parse_takes_keys(manager, fields)
    if takes_keys and announcement.connect_to is None:
        raise user_error("keys_without_connect_to")
    return replace(request, takes_keys=takes_keys), speech


@callback
def _resolve_person(
    manager: CallManager, data: Mapping[str, Any], contact: Contact | None = None
) -> tuple[dict[str, Any], dict[str, Any], Contact | None]:
    """Return an announcement's data, the call defaults, and the contact to call.

    The context is that of `connect_to`, which is looked up in it, if it has its own.

    Args:
        manager: of the PBX.
        data: of the action.
        contact: the contact to call, where the data do not name it.

    Raises:
        ServiceValidationError: there is no such contact, or a number beside it.
    """
    fields, options = dict(data), dict(manager.entry.options)
    contact = contact or contact_in(manager, fields, CONF_CALLEE)
    if contact is not None:
        fields[CONF_CALLEE] = contact.number
        options |= callee_settings(contact, options)
    if is_contact_name(fields.get(CONF_CONNECT_TO)):
        second = resolve_contact(manager, fields[CONF_CONNECT_TO])
        fields[CONF_CONNECT_TO] = second.number
        own = second.overrides.get(CONF_CONTEXT)
        options |= {} if own is None else {CONF_CONTEXT: own}
    return fields, options, contact


@callback
def _own_settings(
    contact: Contact, fields: Mapping[str, Any], without: Container[str]
) -> dict[str, Any]:
    """Return the settings of a contact that apply to an announcement."""
    left_out = {each for each in ANNOUNCEMENT_SETTINGS if each in without}
    if CONF_TTS_ENGINE in fields:
        # Another engine may not speak the language.
        left_out.add(CONF_LANGUAGE)
    if CONF_DIGITS in fields:
        left_out.add(CONF_CONFIRM_KEY)
    return {k: v for k, v in contact.announcements.items() if k not in left_out}


async def async_announce(
    manager: CallManager,
    request: CallRequest,
    speech: Speech,
    origin: CallOrigin,
    *,
    patience: float = 0,
) -> Call:
    """Prepare the audio of an announcement, call the person, and return the call.

    Once it is placed, cancellation of the caller does not end it.

    Args:
        manager: of the PBX.
        request: that calls the person, without audio.
        speech: what is said.
        origin: of the call.
        patience: seconds to wait for a place among the concurrent calls, and again
            after each call that ends meanwhile.

    Raises:
        ServiceValidationError: a dialing rule refused the call, or the user can correct
            what is said.
        HomeAssistantError: the PBX cannot play it, the audio cannot be made, or the
            PBX did not place the call, or it is uncertain.
    """
    # Before the engine is asked: what is said in a refused call is not made.
    manager.guard.check(request, origin, waits=bool(patience))
    audio = await async_prepare_audio(manager, request, speech)
    ready = with_audio(request, audio)
    while patience and await _has_place_in_time(manager, origin, patience):
        try:
            return await manager.place(ready, origin)
        except ServiceValidationError as err:
            # Another call may have taken the place.
            if err.translation_key != Rule.AT_ONCE:
                raise
    return await manager.place(ready, origin)


async def async_wait_until_announced(manager: CallManager, call: Call) -> None:
    """Wait until an announcement is over, or two parties are connected.

    Raises:
        HomeAssistantError: the PBX was removed, or Home Assistant is stopping.
    """
    await manager.waiters.wait_for(call, lambda each: each.is_announced)


async def _has_place_in_time(
    manager: CallManager, origin: CallOrigin, patience: float
) -> bool:
    """Wait until the rules allow another concurrent call; return whether they do.

    Raises:
        HomeAssistantError: the PBX was removed, or Home Assistant is stopping.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(patience) as limit:
            while not manager.guard.has_place(origin):
                active = _active(manager)
                await manager.waiters.change(_PLACE_INTERVAL)
                if active - _active(manager):
                    # A place came free, and another call has taken it.
                    limit.reschedule(asyncio.get_running_loop().time() + patience)
    return manager.guard.has_place(origin)


@callback
def _active(manager: CallManager) -> set[Call]:
    """Return the calls that hold a place among the concurrent ones."""
    placed = manager.tracker.open.placed
    return {call for call in placed if not (call.is_over or call.is_released)}


@callback
def build_announcement(
    manager: CallManager, data: Mapping[str, Any]
) -> tuple[Announcement, Speech]:
    """Return the announcement of an action, without audio, and what is said.

    Args:
        manager: of the PBX.
        data: action data, validated; `connect_to` is a number.

    Raises:
        ServiceValidationError: the PBX cannot play announcements, or a field is
            missing, invalid or in conflict with another one.
    """
    check_speech_features(manager, data)
    if (CONF_MESSAGE in data) == (CONF_MEDIA in data):
        raise user_error("message_or_media")
    if CONF_CONFIRM_KEY in data and CONF_DIGITS in data:
        raise user_error("confirm_or_digits")
    confirm_key, decline_key = data.get(CONF_CONFIRM_KEY), data.get(CONF_DECLINE_KEY)
    if decline_key is not None and confirm_key is None:
        raise user_error("decline_without_confirm")
    if decline_key is not None and decline_key == confirm_key:
        raise user_error("same_keys")
    announcement = Announcement(
        repeat=data.get(CONF_REPEAT, DEFAULT_REPEAT),
        repeat_pause=data.get(CONF_REPEAT_PAUSE, DEFAULT_REPEAT_PAUSE),
        confirm_key=confirm_key,
        decline_key=decline_key,
        digits=data.get(CONF_DIGITS),
        key_timeout=data.get(CONF_KEY_TIMEOUT, DEFAULT_KEY_TIMEOUT),
        send_keys=data.get(CONF_SEND_KEYS, ""),
        connect_to=data.get(CONF_CONNECT_TO),
    )
    speech = Speech(
        message=parse_message(data[CONF_MESSAGE]) if CONF_MESSAGE in data else None,
        media=_media_id(data[CONF_MEDIA]) if CONF_MEDIA in data else None,
        engine=data.get(CONF_TTS_ENGINE),
        language=data.get(CONF_LANGUAGE),
        options=data.get(CONF_TTS_OPTIONS, {}),
    )
    return announcement, speech


async def async_prepare_audio(
    manager: CallManager,
    request: CallRequest,
    speech: Speech,
    *,
    is_lasting: bool = False,
) -> Audio:
    """Return the audio of an announcement; the numbers have been checked before.

    Args:
        manager: of the PBX.
        request: of one of the calls, without audio.
        speech: what is said.
        is_lasting: whether the same message is likely to be heard again, even after
            a long time.

    Raises:
        ServiceValidationError: the user can correct what is said.
        HomeAssistantError: the PBX cannot play it, or the audio cannot be made, or the
            PBX was removed, or Home Assistant is stopping.
    """
    backend = await manager.link.wait_for_backend()
    try:
        await backend.check_speech(request)
        message = async_message(
            manager.hass,
            speech,
            has_own_voice=manager.link.supports(Feature.SPOKEN_VALUES),
            is_lasting=is_lasting,
        )
        audio = await backend.prepare_audio(request, message)
    except PbxError as err:
        manager.notify(SpeechChecked(err))
        raise translated_error(HomeAssistantError, err, manager) from err
    manager.notify(SpeechChecked(None))
    # No phone rings for what Home Assistant cannot play any more.
    manager.waiters.check_open()
    return audio


@callback
def with_audio(request: CallRequest, audio: Audio) -> CallRequest:
    """Return the request of an announcement with its audio."""
    if request.announcement is None:
        return request
    announcement = replace(request.announcement, audio=audio)
    return replace(request, announcement=announcement)


def _media_id(value: object) -> str:
    """Return the id of media, as text or from the media selector."""
    if isinstance(value, Mapping):
        value = value.get("media_content_id")
    if not isinstance(value, str) or not value.strip():
        raise user_error("given_nothing", field=CONF_MEDIA)
    return value.strip()
