"""A simulated Simotel PBX: its HTTP API, with virtual phones, for tests and demos."""

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
