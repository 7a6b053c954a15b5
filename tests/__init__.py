"""Tests of the integration, of its sandbox and of its scripts."""
