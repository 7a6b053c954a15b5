"""Tests of what the scripts are made of; what they do is shown by running them."""
