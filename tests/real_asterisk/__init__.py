"""Tests on a real Asterisk, with SIPp for its phones."""
