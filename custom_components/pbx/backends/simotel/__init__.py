"""Simotel, the first kind of PBX: a client of its v4 HTTP API.

Nothing here imports Home Assistant.
"""

from .address import normalise_address
from .client import Credentials, SimotelClient

__all__ = ["Credentials", "SimotelClient", "normalise_address"]
