"""A PBX's errors in the words of Home Assistant, translated."""

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .backends.base import PbxError
from .const import DOMAIN


def translated[ErrorT: HomeAssistantError](
    error_class: type[ErrorT], err: PbxError, pbx: str
) -> ErrorT:
    """Return the error of a PBX as one of Home Assistant's.

    Args:
        error_class: what to make of it, e.g. `HomeAssistantError`.
        err: what the client raised.
        pbx: the name of the PBX, for the sentence.
    """
    return error_class(
        translation_domain=DOMAIN,
        translation_key=err.translation_key,
        translation_placeholders={"pbx": pbx, "detail": err.detail},
    )


def invalid(translation_key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error of an action whose data are at fault."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )


def failed(translation_key: str, **placeholders: str) -> HomeAssistantError:
    """Return the error of an action that went wrong through nobody's data."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )
