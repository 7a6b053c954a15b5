"""Find the automation or script that runs an action or checks a condition."""

from homeassistant.core import Context, HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.trace import trace_id_get


@callback
def async_running_automation(
    hass: HomeAssistant, context: Context | None = None
) -> State | None:
    """Return the state of the automation or script that runs now, if known.

    An automation without an ID has no trace, but its state keeps the context of its
    latest run.

    Args:
        hass: the Home Assistant instance.
        context: of the action that it runs; None for a condition that it checks.
    """
    key, _ = trace_id_get() or ("", "")
    domain, _, item_id = key.partition(".")
    registry = er.async_get(hass)
    if item_id and (entity_id := registry.async_get_entity_id(domain, domain, item_id)):
        return hass.states.get(entity_id)
    if context is None:
        return None
    automations = hass.states.async_all("automation")
    return next((each for each in automations if each.context.id == context.id), None)
