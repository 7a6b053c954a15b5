"""Forms, and how what people type is read."""

from .connection import FORMS

__all__ = ["FORMS"]
