"""Tests of the integration, file for file."""
