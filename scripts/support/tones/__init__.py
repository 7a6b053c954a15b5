"""A speech engine for tests: each word is a tone, always the same."""

from .tones import Found, find, likeness, say, to_wav

__all__ = ["Found", "find", "likeness", "say", "to_wav"]
