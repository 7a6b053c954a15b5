"""Tests of the card: modules in Node, sources, and a page to look at."""
