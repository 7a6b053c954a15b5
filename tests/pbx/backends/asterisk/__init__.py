"""Tests of the client of an Asterisk, file for file."""
