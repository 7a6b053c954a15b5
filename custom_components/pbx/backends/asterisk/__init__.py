"""Asterisk: a client of its REST interface (ARI) and the WebSocket beside it.

Nothing here imports Home Assistant.
"""

from .access import Access, Patience
from .address import normalise_address
from .channels import (
    INTERNAL_CHANNEL,
    OUTSIDE_CHANNEL,
    ChannelTemplates,
    InvalidTemplateError,
    check_internal,
    check_outside,
)
from .client import AsteriskClient

__all__ = [
    "INTERNAL_CHANNEL",
    "OUTSIDE_CHANNEL",
    "Access",
    "AsteriskClient",
    "ChannelTemplates",
    "InvalidTemplateError",
    "Patience",
    "check_internal",
    "check_outside",
    "normalise_address",
]
