"""Tests that each recipe of the documentation works, with the sandbox for the PBX."""
