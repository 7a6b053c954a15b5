"""Tests of the sandbox PBX, file for file."""
