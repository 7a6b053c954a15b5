"""What the integration costs, against what else could do the same."""
