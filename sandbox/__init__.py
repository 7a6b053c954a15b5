"""A PBX to try everything on: its HTTP API, and virtual phones behind it."""

from .api import RecordedRequest
from .calls import SandboxCall
from .clock import Clock, LoopClock, ManualClock
from .config import ConfigError, SandboxConfig, load
from .faults import Fault, Faults
from .model import Account, Context, EventPush, Manner, Phone, ReportStyle, Trunk
from .server import Sandbox

__all__ = [
    "Account",
    "Clock",
    "ConfigError",
    "Context",
    "EventPush",
    "Fault",
    "Faults",
    "LoopClock",
    "Manner",
    "ManualClock",
    "Phone",
    "RecordedRequest",
    "ReportStyle",
    "Sandbox",
    "SandboxCall",
    "SandboxConfig",
    "Trunk",
    "load",
]
