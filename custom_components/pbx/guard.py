"""Holds a PBX to its dialling rules, and tells when something runs wild."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, Context, HassJob, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.trace import trace_id_get
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .calls import Call
from .client import CallRequest
from .const import CONF_CALLEE, CONF_CALLER, DOMAIN
from .contacts import contacts_of, plan_of
from .dialling_rules import rules_of
from .extensions import extensions_of
from .number_plan import NumberPlan
from .policy import Rule
from .redaction import clean_text, mask_number
from .tracking import CallTracking

# So many refusals within so many seconds are a loop, not a mistake.
LOOP_REFUSALS = 10
LOOP_WINDOW = 600
# Seconds without a refusal after which a loop is over.
LOOP_REST = 3600

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
        self._rules = rules_of(entry.options, plan_of(hass, entry))
        self._latest: deque[float] = deque(maxlen=LOOP_REFUSALS)
        self._cancel_rest: CALLBACK_TYPE | None = None

    @callback
    def async_start(self) -> None:
        """Take the rules as they are now; say so if they let emergency calls pass."""
        self._take_rules()
        if self._rules.blocks_emergency:
            ir.async_delete_issue(self._hass, DOMAIN, self._issue_id("emergency_off"))
        else:
            self._raise_issue("emergency_off", "emergency_off")

    @callback
    def async_forget(self) -> None:
        """Take back what was said of a PBX that is removed."""
        self._end_loop()
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id("emergency_off"))

    async def async_check(
        self, tracking: CallTracking, request: CallRequest, asking: Asking
    ) -> None:
        """Check one call, which is to be requested without any further wait.

        Raises:
            ServiceValidationError: a rule is against it.
        """
        await self.async_check_numbers((request,), asking)
        rules, history = self._rules, tracking.history
        now, callee = _now(), rules.plan.identity(request.callee)
        # An escalation has one call on at a time.
        active = 0 if asking.began is not None else self._active(tracking, now)
        rule = rules.judge_load(active, history, now)
        if rule is Rule.AT_ONCE:
            raise await self._async_refuse(rule, asking, limit=rules.calls_at_once)
        if rule is Rule.PER_HOUR:
            raise await self._async_refuse(rule, asking, limit=rules.calls_per_hour)
        cooldown = rules.cooldown if asking.cooldown is None else asking.cooldown
        if cooldown and history.has_called(callee, cooldown, now, asking.began):
            raise await self._async_refuse(Rule.COOLDOWN, asking, seconds=cooldown)

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
        self._take_rules()
        contacts_only = self._rules.admins_only and not await self._is_admin(asking)
        for request in requests:
            for field, number in (
                (CONF_CALLER, request.caller),
                (CONF_CALLEE, request.callee),
            ):
                rule = self._judge(
                    number,
                    contacts_only=contacts_only and not self._is_own(field, number),
                )
                if rule is not None:
                    raise await self._async_refuse(
                        rule, asking, field=field, number=mask_number(number)
                    )

    def _judge(self, number: str, *, contacts_only: bool) -> Rule | None:
        """Return the rule against a number, by the contacts and phones of now."""
        plan = self._rules.plan
        return self._rules.judge_number(
            number,
            is_contact=plan.identity(number) in known_numbers(self._entry, plan),
            contacts_only=contacts_only,
        )

    def _is_own(self, field: str, number: str) -> bool:
        """Tell whether a number is the default caller, which is free to nobody."""
        return field == CONF_CALLER and self._entry.options.get(field) == number

    async def _is_admin(self, asking: Asking) -> bool:
        """Tell whether an administrator asks, or Home Assistant itself."""
        if asking.context is None or asking.context.user_id is None:
            return True
        user = await self._hass.auth.async_get_user(asking.context.user_id)
        return user is not None and user.is_admin

    @callback
    def _take_rules(self) -> None:
        """Take the rules as they are now; what other ones refused is history."""
        rules = rules_of(self._entry.options, plan_of(self._hass, self._entry))
        if rules != self._rules:
            self._rules = rules
            self._end_loop()

    async def _async_refuse(
        self, rule: Rule, asking: Asking, **placeholders: str | int
    ) -> ServiceValidationError:
        """Count a refusal, and return its error."""
        self.refused[rule] += 1
        now = _now()
        self._latest.append(now)
        is_loop = len(self._latest) == LOOP_REFUSALS
        if is_loop and now - self._latest[0] <= LOOP_WINDOW and not self._cancel_rest:
            self._rest(LOOP_REST)
            await self._async_tell_loop(asking.context)
        texts = {name: str(value) for name, value in placeholders.items()}
        return ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=rule,
            translation_placeholders={"pbx": self._entry.title, **texts},
        )

    async def _async_tell_loop(self, context: Context | None) -> None:
        """Tell the owner what asks again and again."""
        if (entity_id := _doer(self._hass, context)) is not None:
            self._raise_issue("refusals", "refusals_of_entity", entity_id=entity_id)
            return
        user_id = context and context.user_id
        user = await self._hass.auth.async_get_user(user_id) if user_id else None
        if user is not None:
            name = clean_text(user.name)
            self._raise_issue("refusals", "refusals_of_user", user=name)
        else:
            self._raise_issue("refusals", "refusals")

    @callback
    def _rest(self, seconds: float) -> None:
        self._cancel_rest = async_call_later(
            self._hass, seconds, HassJob(self._rested, cancel_on_shutdown=True)
        )

    @callback
    def _rested(self, _at: datetime) -> None:
        """Take the issue back, if there was no refusal meanwhile."""
        left = self._latest[-1] + LOOP_REST - _now()
        if left > 0:
            self._rest(left)
        else:
            self._cancel_rest = None
            self._end_loop()

    @callback
    def _end_loop(self) -> None:
        self._latest.clear()
        if self._cancel_rest is not None:
            self._cancel_rest()
            self._cancel_rest = None
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id("refusals"))

    @callback
    def _raise_issue(self, kind: str, key: str, **placeholders: str) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(kind),
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=key,
            translation_placeholders={"pbx": self._entry.title, **placeholders},
        )

    def _issue_id(self, kind: str) -> str:
        return f"{kind}_{self._entry.entry_id}"


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


def _doer(hass: HomeAssistant, context: Context | None) -> str | None:
    """Return the automation or script that an action belongs to, if there is one."""
    if context is None:
        return None
    for state in hass.states.async_all(("automation", "script")):
        if state.context.id == context.id:
            return clean_text(state.entity_id)
    # Its state is of a later run, or was written too long after it began.
    domain, _, item_id = (trace_id_get() or ("", ""))[0].partition(".")
    entity_id = er.async_get(hass).async_get_entity_id(domain, domain, item_id)
    return entity_id and clean_text(entity_id)


def _now() -> float:
    return dt_util.utcnow().timestamp()
