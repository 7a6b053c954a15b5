"""The calls that were placed, and what came of each request."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .client import CallRequest
from .redaction import mask_number


@dataclass(slots=True, kw_only=True)
class Call:
    """One originated call.

    Attributes:
        request: what was asked of the PBX.
        requested_at: when, by our clock.
        originated_call_id: how the PBX calls it; None if it told nothing.
        error: why it is not known to have been placed, cleaned; None if it is.
    """

    request: CallRequest
    requested_at: datetime
    originated_call_id: str | None = None
    error: str | None = None

    def redacted(self) -> dict[str, Any]:
        """Return the call as it may stand in a diagnostics file."""
        request = self.request
        return {
            "requested_at": self.requested_at.isoformat(),
            "originated_call_id": self.originated_call_id,
            "caller": mask_number(request.caller),
            "callee": mask_number(request.callee),
            "caller_id": mask_number(request.caller_id),
            "context": request.context,
            "trunk_name": request.trunk_name,
            "timeout": request.timeout,
            "call_limit": request.call_limit,
            "error": self.error,
        }
