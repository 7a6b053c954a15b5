"""Forms of the config, options and subentry flows, and their validation."""

from .connection import FORMS

__all__ = ["FORMS"]
