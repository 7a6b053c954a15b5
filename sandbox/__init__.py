"""A simulated Simotel PBX: its HTTP API, with virtual phones, for tests and demos."""

from .announcements import Announcement
from .api import RecordedRequest
from .asking import Question
from .calls import SandboxCall
from .clock import Clock, LoopClock, ManualClock
from .config import ConfigError, SandboxConfig, load
from .faults import Fault, Faults
from .model import Account, Context, EventPush, Manner, Phone, ReportStyle, Trunk
from .prompts import Heard, Prompt
from .server import Sandbox
from .speech import AnnouncementStyle, Box, Speech

__all__ = [
    "Account",
    "Announcement",
    "AnnouncementStyle",
    "Box",
    "Clock",
    "ConfigError",
    "Context",
    "EventPush",
    "Fault",
    "Faults",
    "Heard",
    "LoopClock",
    "Manner",
    "ManualClock",
    "Phone",
    "Prompt",
    "Question",
    "RecordedRequest",
    "ReportStyle",
    "Sandbox",
    "SandboxCall",
    "SandboxConfig",
    "Speech",
    "Trunk",
    "load",
]
