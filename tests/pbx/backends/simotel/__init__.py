"""Tests of the client of Simotel's API, file for file."""
