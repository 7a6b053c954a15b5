"""Connect a phone that was answered in our application to the other party."""

import logging

from ..base import CallRequest
from ..errors import CallNotFoundError, PbxError
from .application import Tools
from .background import PAUSES

_LOGGER = logging.getLogger(__name__)


async def async_connect(tools: Tools, request: CallRequest) -> bool:
    """Continue a phone in the dialplan; hang up if that fails.

    Args:
        tools: of our application.
        request: of the call.

    Returns:
        Whether the phone has left our application.
    """
    error: PbxError | None = None
    for pause in PAUSES:
        await tools.background.pause(pause)
        try:
            await tools.client.connect_to_callee(request)
        except CallNotFoundError:
            # They have hung up again already.
            return True
        except PbxError as err:
            error = err
        else:
            if (leg := tools.legs.get(request.call_id)) is not None:
                leg.connect(tools.clock.time())
                tools.limits_changed.set()
            return True
    _LOGGER.warning("Failed to connect a phone that was answered: %s", error)
    await tools.background.stop_now(request.call_id)
    return False
