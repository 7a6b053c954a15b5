"""Benchmark of the integration against alternatives in Home Assistant."""
