"""Calls, from the action to the result: requests, dialing rules, tracking, contacts."""
