"""Temporary Home Assistant instance with the PBX integration."""
