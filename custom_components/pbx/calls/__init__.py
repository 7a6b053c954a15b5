"""What a call is, from the asking to the record."""
