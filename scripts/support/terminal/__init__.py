"""Terminal output, progress and exit status of the commands."""
