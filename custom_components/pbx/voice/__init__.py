"""Calling by voice."""
