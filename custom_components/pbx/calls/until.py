"""The conditions that end an escalation, all of which have to be met."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from contextvars import Context
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.const import CONF_CONDITION
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import (
    ConditionChecker,
    async_from_config,
    async_validate_condition_config,
)
from homeassistant.helpers.event import async_track_time_interval
import voluptuous as vol

from ..backends.redaction import clean_text
from ..errors import user_error

_LOGGER = logging.getLogger(__name__)

CHECK_INTERVAL: Final = timedelta(seconds=1)

# What the script engine makes of a template in the data of an action, before it runs.
_RENDERED: Final = ("template", "value_template")
# Fields of conditions that hold other conditions.
_NESTED: Final = ("conditions", "and", "or", "not")


class Until:
    """Conditions that are checked repeatedly while an escalation runs."""

    def __init__(
        self, hass: HomeAssistant, checkers: Sequence[ConditionChecker] = ()
    ) -> None:
        """Initialize with conditions; without any, they are never met."""
        self._hass = hass
        self._checkers = checkers
        self._errors: dict[ConditionChecker, str] = {}

    @property
    def errors(self) -> list[str]:
        """Why a condition could not be checked, once for each; it is not met then."""
        return [*dict.fromkeys(self._errors.values())]

    @callback
    def is_met(self) -> bool:
        """Return whether all conditions are met; a disabled one does not count."""
        # In an empty context: the checks do not belong into the trace of the script.
        results = [Context().run(self._check, each) for each in self._checkers]
        return True in results and False not in results

    def _check(self, checker: ConditionChecker) -> bool | None:
        try:
            return checker.async_check()
        except HomeAssistantError as err:
            self._errors.setdefault(checker, str(err))
        except Exception as err:  # any integration may provide the condition
            if checker not in self._errors:
                _LOGGER.exception("Error in a condition that ends an escalation")
            self._errors.setdefault(checker, type(err).__name__)
        return False

    async def wait(self) -> None:
        """Wait until all conditions are met; they are checked once a second."""
        met = asyncio.get_running_loop().create_future()

        @callback
        def check(_now: datetime) -> None:
            if not met.done() and self.is_met():
                met.set_result(None)

        stop = async_track_time_interval(
            self._hass, check, CHECK_INTERVAL, cancel_on_shutdown=True
        )
        try:
            await met
        finally:
            stop()

    @callback
    def close(self) -> None:
        """Release what the conditions hold."""
        for each in self._checkers:
            each.async_unload()


async def async_create_until(hass: HomeAssistant, value: object) -> Until:
    """Return the conditions of an action.

    Args:
        hass: the Home Assistant instance.
        value: a condition, or a list of conditions, as in an automation.

    Raises:
        ServiceValidationError: one of them is invalid, or is a template, which the
            script engine has rendered before the action began.
    """
    checkers = []
    with ExitStack() as unloading:
        for config in _as_list(value):
            checker = await _async_create(hass, config)
            unloading.callback(checker.async_unload)
            checkers.append(checker)
        unloading.pop_all()
    return Until(hass, checkers)


async def _async_create(hass: HomeAssistant, config: object) -> ConditionChecker:
    for each in _with_nested(config):
        _check_kind(each)
    try:
        valid = cv.CONDITION_SCHEMA(config)
        valid = await async_validate_condition_config(hass, valid)
        return await async_from_config(hass, valid)
    except (vol.Invalid, HomeAssistantError) as err:
        raise user_error("until_invalid", detail=clean_text(err)) from err


def _with_nested(config: object) -> Iterator[object]:
    """Yield a condition and the conditions that it contains."""
    yield config
    if isinstance(config, Mapping):
        for key in _NESTED:
            for each in _as_list(config.get(key, ())):
                yield from _with_nested(each)


def _as_list(value: object) -> Sequence[object]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return [value]


def _check_kind(config: object) -> None:
    """Check that a condition can be checked repeatedly.

    Raises:
        ServiceValidationError: it is a template, is about a trigger, or is none.
    """
    # The short form of a template is a text, or what was rendered of it.
    if isinstance(config, str | bool):
        raise user_error("until_template")
    if not isinstance(config, Mapping):
        raise user_error("until_invalid", detail=clean_text(config))
    if config.get(CONF_CONDITION) == "trigger":
        raise user_error("until_trigger")
    is_template = config.get(CONF_CONDITION) == "template"
    if is_template or any(key in config for key in _RENDERED):
        raise user_error("until_template")
