"""The pages that ring a phone, of the config flow and of the options."""

from abc import abstractmethod
import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from homeassistant.config_entries import ConfigEntryBaseFlow, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.selector import BooleanSelector, SelectOptionDict
import voluptuous as vol

from ..backends.base import CallRequest, Feature
from ..backends.errors import PbxError
from ..backends.ring_result import RingOutcome
from ..calls.contacts import Contact
from ..calls.link import kind_of
from ..calls.number import InvalidNumberError, parse_number
from ..calls.number_plan import NumberPlan
from ..calls.request import build_request, caller_settings
from ..calls.resolve import is_contact_name
from ..calls.rules import check_number, rules_of
from ..const import CONF_CALLEE, CONF_CALLER, CONF_CONTEXT
from .call_defaults import contact_fault, text_with_suggestions
from .connection import create_trial_backend, form_error

CONF_RING: Final = "ring"

_NO_FIELDS = vol.Schema({})


@dataclass(frozen=True, slots=True, kw_only=True)
class RingSettings:
    """The PBX that rings a phone.

    Attributes:
        data: of the config entry, which may not exist yet.
        options: of the config entry.
        plan: numbering plan of the PBX.
        phones: numbers and names to choose from.
        find: returns the contacts with a name.
        has_number: returns whether a number is in the phone book.
    """

    data: Mapping[str, Any]
    options: Mapping[str, Any]
    plan: NumberPlan
    phones: list[SelectOptionDict]
    find: Callable[[str], Sequence[Contact]]
    has_number: Callable[[str], bool]

    @property
    def needs_callee(self) -> bool:
        """Whether the PBX can only ring a phone to connect it to another one."""
        return Feature.RING_ALONE not in kind_of(self.data).features


def ring_schema(settings: RingSettings, *, is_offer: bool) -> vol.Schema:
    """Return the form that rings a phone.

    Args:
        settings: of the PBX.
        is_offer: whether the form offers to ring the default caller, or else asks
            for the phone to ring.
    """
    phone = text_with_suggestions(settings.phones)
    fields: dict[vol.Marker, Any]
    if is_offer:
        fields = {vol.Required(CONF_RING, default=False): BooleanSelector()}
    else:
        # Without a default, the first phone would be selected beforehand.
        fields = {vol.Required(CONF_CALLER, default=""): phone}
    if settings.needs_callee:
        fields[vol.Optional(CONF_CALLEE)] = phone
    return vol.Schema(fields)


def parse_ring(
    user_input: Mapping[str, Any], settings: RingSettings
) -> tuple[CallRequest | None, dict[str, str]]:
    """Return the request that rings a phone, or the form's errors by field.

    Args:
        user_input: of the form; without a caller, the default caller rings.
        settings: of the PBX.
    """
    texts = {CONF_CALLER: settings.options.get(CONF_CALLER, ""), **user_input}
    names = [CONF_CALLER, CONF_CALLEE] if settings.needs_callee else [CONF_CALLER]
    fields: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name in names:
        parsed, fault = _parse_phone(texts.get(name, "").strip(), name, settings)
        if fault:
            # The default caller has no field of its own in the offer.
            is_default = name == CONF_CALLER and CONF_CALLER not in user_input
            errors["base" if is_default else name] = fault
        fields = parsed | fields
    if not errors and settings.needs_callee:
        caller, callee = fields[CONF_CALLER], fields[CONF_CALLEE]
        if settings.plan.is_same(caller, callee):
            errors[CONF_CALLEE] = "ring_same_phone"
    if not settings.options.get(CONF_CONTEXT):
        errors.setdefault("base", "ring_no_context")
    if errors:
        return None, errors
    # A phone that is rung alone has to be able to be called.
    fields.setdefault(CONF_CALLEE, fields[CONF_CALLER])
    try:
        kind = kind_of(settings.data)
        return build_request(fields, settings.options, kind), {}
    except ServiceValidationError as err:
        return None, {"base": str(err.translation_key)}


def _parse_phone(
    text: str, name: str, settings: RingSettings
) -> tuple[dict[str, Any], str]:
    """Return the fields of the call for a phone, and what is wrong with it."""
    fields: dict[str, Any] = {}
    if is_contact_name(text):
        found = settings.find(text)
        if fault := contact_fault(found):
            return fields, fault
        contact = found[0]
        if name == CONF_CALLER:
            fields = caller_settings(contact, settings.options)
        text = contact.number
    try:
        number = fields[name] = parse_number(text)
    except InvalidNumberError as err:
        return fields, err.fault
    rules = rules_of(settings.options, settings.plan)
    in_phone_book = settings.has_number(number)
    rule = check_number(number, rules, in_phone_book=in_phone_book)
    return fields, "" if rule is None else str(rule)


async def async_ring(
    hass: HomeAssistant, data: Mapping[str, Any], request: CallRequest
) -> tuple[str, str]:
    """Ring a phone.

    Returns:
        The form's error key, which is empty if it works, and the detail of the error.
    """
    try:
        result = await create_trial_backend(hass, data).ring(request)
    except PbxError as err:
        return form_error(err, data)
    is_success = result.outcome is RingOutcome.WORKS
    return "" if is_success else str(result.outcome), result.detail


class RingPhoneFlow(ConfigEntryBaseFlow):
    """The steps that ring a phone, for the config flow and the options flow.

    Attributes:
        is_ring_offered: whether the form offers to ring the default caller, or else
            asks for the phone to ring.
    """

    is_ring_offered: ClassVar[bool]
    _ringing: asyncio.Task[tuple[str, str]] | None = None
    _request: CallRequest | None = None
    _ring_input: Mapping[str, Any] | None = None
    _ring_fault: tuple[str, str] = ("", "")

    @abstractmethod
    async def _async_ring_settings(self) -> RingSettings:
        """Return the settings of the PBX."""

    @abstractmethod
    async def _async_finish_ringing(self) -> ConfigFlowResult:
        """Return the end of the flow."""

    async def async_step_ring_phone(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whether, or which phone to ring; show what ringing it has shown."""
        settings = await self._async_ring_settings()
        errors: dict[str, str] = {}
        if user_input is not None:
            if self.is_ring_offered and not user_input[CONF_RING]:
                return await self._async_finish_ringing()
            self._ring_input = user_input
            self._request, errors = parse_ring(user_input, settings)
            if self._request is not None:
                return await self.async_step_ringing()
        elif self._ring_fault[0]:
            errors = {"base": self._ring_fault[0]}
        caller = settings.options.get(CONF_CALLER, "")
        shown = {CONF_CALLER: caller} if caller else {}
        shown |= {k: v for k, v in (self._ring_input or {}).items() if k != CONF_RING}
        schema = ring_schema(settings, is_offer=self.is_ring_offered)
        return self.async_show_form(
            step_id="ring_phone",
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders=self._placeholders(settings),
        )

    async def async_step_ringing(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ring the phone, and show the progress meanwhile."""
        if self._ringing is not None and self._ringing.done():
            self._ring_fault = self._ringing.result()
            self._ringing = None
            return self.async_show_progress_done(
                next_step_id="ring_phone" if self._ring_fault[0] else "phone_rang"
            )
        settings = await self._async_ring_settings()
        # Show the progress even if the phone is rung immediately: otherwise the next
        # step would get the user input of this one.
        if self._ringing is None and self._request is not None:
            self._ringing = self.hass.async_create_background_task(
                async_ring(self.hass, settings.data, self._request), "pbx ring"
            )
        return self.async_show_progress(
            step_id="ringing",
            progress_action="ringing",
            progress_task=self._ringing,
            description_placeholders=self._placeholders(settings),
        )

    async def async_step_phone_rang(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show that the phone rang."""
        if user_input is not None:
            return await self._async_finish_ringing()
        settings = await self._async_ring_settings()
        return self.async_show_form(
            step_id="phone_rang",
            data_schema=_NO_FIELDS,
            description_placeholders=self._placeholders(settings),
        )

    def _placeholders(self, settings: RingSettings) -> dict[str, str]:
        texts = {**settings.options, **(self._ring_input or {})}
        caller = texts.get(CONF_CALLER, "")
        labels = {option["value"]: option["label"] for option in settings.phones}
        return {
            "caller": labels.get(caller, caller),
            "context": settings.options.get(CONF_CONTEXT, ""),
            "seconds": str(self._request.timeout) if self._request else "",
            "detail": self._ring_fault[1],
        }
