"""Tests that click through a real Home Assistant in a real browser."""
