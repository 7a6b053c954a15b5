"""Holds a PBX to its dialling rules."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..backends.base import CallRequest
from ..backends.redaction import mask_number
from ..const import CONF_CALLEE, CONF_CALLER, DOMAIN
from ..flows.dialing_rules import rules_of
from .call import Call
from .contacts import contacts_of, plan_of
from .extensions import extensions_of
from .manager import CallTracking
from .number_plan import NumberPlan
from .rules import DiallingRules, Rule

# Seconds for which a call without a limit is taken to last, beside its ringing,
# where nobody can tell whether it is on.
UNHEARD_TALK = 60

_GUARDS: HassKey[dict[str, DialGuard]] = HassKey(f"{DOMAIN}_guards")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks for a call, and how.

    Attributes:
        context: of the action; None where Home Assistant itself asks.
        cooldown: seconds that count more than those of the rules.
        began: Unix time; calls since then are of the same asking, which says
            itself how often somebody is called, and has one call on at a time.
            None is now.
    """

    context: Context | None = None
    cooldown: int | None = None
    began: float | None = None


BY_ITSELF: Final = Asking()
"""Home Assistant asks, as an automation does."""


class DialGuard:
    """Refuses what the rules of one PBX are against.

    Attributes:
        refused: how many calls were refused, by the rule.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Have refused nothing yet."""
        self.refused: Counter[Rule] = Counter()
        self._hass = hass
        self._entry = entry

    @callback
    def async_forget(self) -> None:
        """Delete the issue of a PBX that is loaded anew, or removed."""
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id)

    async def async_check(
        self, tracking: CallTracking, request: CallRequest, asking: Asking
    ) -> None:
        """Check one call, which is to be requested without any further wait.

        Raises:
            ServiceValidationError: a rule is against it.
        """
        await self.async_check_numbers((request,), asking)
        rules, history = self._rules(), tracking.history
        now, callee = _now(), rules.plan.identity(request.callee)
        # An escalation has one call on at a time.
        active = 0 if asking.began is not None else self._active(tracking, now)
        rule = rules.judge_load(active, history, now)
        if rule is Rule.AT_ONCE:
            raise self._refuse(rule, limit=rules.calls_at_once)
        if rule is Rule.PER_HOUR:
            self._raise_issue(rules.calls_per_hour)
            raise self._refuse(rule, limit=rules.calls_per_hour)
        cooldown = rules.cooldown if asking.cooldown is None else asking.cooldown
        if cooldown and history.has_called(callee, cooldown, now, asking.began):
            raise self._refuse(Rule.COOLDOWN, seconds=cooldown)
        self.async_forget()

    def _active(self, tracking: CallTracking, now: float) -> int:
        """Return how many calls count as on."""
        is_followed = self._entry.runtime_data.is_followed
        return sum(
            _counts(call, now, is_followed=is_followed)
            for call in tracking.tracker.outstanding
        )

    async def async_check_numbers(
        self, requests: Iterable[CallRequest], asking: Asking
    ) -> None:
        """Check who is to be called, but not how often.

        Raises:
            ServiceValidationError: a rule is against one of the numbers.
        """
        rules = self._rules()
        contacts_only = rules.admins_only and not await self._is_admin(asking)
        known = known_numbers(self._entry, rules.plan)
        for request in requests:
            for field, number in (
                (CONF_CALLER, request.caller),
                (CONF_CALLEE, request.callee),
            ):
                rule = rules.judge_number(
                    number,
                    is_contact=rules.plan.identity(number) in known,
                    contacts_only=contacts_only and not self._is_own(field, number),
                )
                if rule is not None:
                    raise self._refuse(rule, field=field, number=mask_number(number))

    def _rules(self) -> DiallingRules:
        """Return the rules as they are now."""
        return rules_of(self._entry.options, plan_of(self._hass, self._entry))

    def _is_own(self, field: str, number: str) -> bool:
        """Return whether a number is the default caller, which is free to nobody."""
        return field == CONF_CALLER and self._entry.options.get(field) == number

    async def _is_admin(self, asking: Asking) -> bool:
        """Return whether an administrator asks, or Home Assistant itself."""
        if asking.context is None or asking.context.user_id is None:
            return True
        user = await self._hass.auth.async_get_user(asking.context.user_id)
        return user is not None and user.is_admin

    def _refuse(self, rule: Rule, **placeholders: str | int) -> ServiceValidationError:
        """Count a refusal, and return its error."""
        self.refused[rule] += 1
        texts = {name: str(value) for name, value in placeholders.items()}
        return ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=rule,
            translation_placeholders={"pbx": self._entry.title, **texts},
        )

    @callback
    def _raise_issue(self, limit: int) -> None:
        """Report that the hourly limit is reached, which may be a loop."""
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="calls_refused",
            translation_placeholders={"pbx": self._entry.title, "limit": str(limit)},
        )

    @property
    def _issue_id(self) -> str:
        return f"calls_refused_{self._entry.entry_id}"


@callback
def async_get_guard(hass: HomeAssistant, entry: ConfigEntry[Any]) -> DialGuard:
    """Return the guard of a config entry, the same one over reloads."""
    guards = hass.data.setdefault(_GUARDS, {})
    if (guard := guards.get(entry.entry_id)) is None:
        guard = guards[entry.entry_id] = DialGuard(hass, entry)
    return guard


@callback
def async_remove_guard(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Forget the guard of a config entry that is removed."""
    async_get_guard(hass, entry).async_forget()
    del hass.data[_GUARDS][entry.entry_id]


def known_numbers(entry: ConfigEntry[Any], plan: NumberPlan) -> frozenset[str]:
    """Return the identities of the numbers that the owner of a PBX has named.

    They are those of the contacts, of who is rung first for them, and of the phones.
    """
    contacts = contacts_of(entry)
    numbers = [contact.number for contact in contacts]
    numbers += [
        contact.overrides[CONF_CALLER]
        for contact in contacts
        if CONF_CALLER in contact.overrides
    ]
    numbers += [phone.number for phone in extensions_of(entry)]
    return frozenset(map(plan.identity, numbers))


def _counts(call: Call, now: float, *, is_followed: bool) -> bool:
    """Return whether a call counts as on.

    One that nobody can follow has most probably ended long before it is given up,
    and one that may not have been placed when its caller would have stopped ringing.
    """
    if call.is_requested or (is_followed and not call.is_uncertain):
        return True
    request = call.request
    talk = 0 if call.is_uncertain else request.call_limit or UNHEARD_TALK
    return abs(now - call.requested_at) < request.timeout + talk


def _now() -> float:
    return dt_util.utcnow().timestamp()
