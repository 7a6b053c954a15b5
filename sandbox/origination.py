"""Validation of originate requests."""

from collections.abc import Callable, Mapping
import re

from .calls import Origination
from .config import SandboxConfig
from .model import NUMBER

_SECONDS = re.compile(r"[0-9]{1,6}")
_REQUIRED = ("caller", "callee", "context", "caller_id")
_OPTIONAL = ("trunk_name", "timeout", "call_limit")

DEFAULT_TIMEOUT = 30


class OriginationRefusedError(Exception):
    """The originate request is not valid; the message is the PBX's response."""


def read_origination(
    body: Mapping[str, object],
    config: SandboxConfig,
    is_internal: Callable[[str], bool],
) -> Origination:
    """Return the validated request.

    Raises:
        OriginationRefusedError: the request is not valid.
    """
    fields = _texts(body)
    for name in ("caller", "callee"):
        if NUMBER.fullmatch(fields[name]) is None:
            raise OriginationRefusedError(f"Field '{name}':value is invalid")
    context, trunk = fields["context"], fields["trunk_name"]
    if context not in {each.name for each in config.contexts}:
        raise OriginationRefusedError(f"Context '{context}' does not exist")
    if not is_internal(fields["caller"]):
        _check_trunk(trunk, config)
    return Origination(
        caller=fields["caller"],
        callee=fields["callee"],
        context=context,
        caller_id=fields["caller_id"],
        trunk_name=trunk,
        timeout=_seconds("timeout", fields["timeout"]) or DEFAULT_TIMEOUT,
        call_limit=_seconds("call_limit", fields["call_limit"]),
    )


def _texts(body: Mapping[str, object]) -> dict[str, str]:
    """Return all fields as text; missing optional fields are empty."""
    fields: dict[str, str] = {}
    for name in (*_REQUIRED, *_OPTIONAL):
        value = body.get(name)
        if value is not None and not isinstance(value, str):
            raise OriginationRefusedError(f"Field '{name}':value must be a string")
        if name in _REQUIRED and not value:
            raise OriginationRefusedError(f"Field '{name}':value is missing")
        fields[name] = value or ""
    return fields


def _check_trunk(name: str, config: SandboxConfig) -> None:
    """Check that the trunk of an external caller exists and is active."""
    if not name:
        raise OriginationRefusedError("Field 'trunk_name':value is missing")
    trunk = next((trunk for trunk in config.trunks if trunk.name == name), None)
    if trunk is None:
        raise OriginationRefusedError(f"Trunk '{name}' does not exist")
    if not trunk.active:
        raise OriginationRefusedError(f"Trunk '{name}' is not active")


def _seconds(name: str, text: str) -> int | None:
    if not text:
        return None
    if _SECONDS.fullmatch(text) is None or not int(text):
        raise OriginationRefusedError(f"Field '{name}':value is invalid")
    return int(text)
