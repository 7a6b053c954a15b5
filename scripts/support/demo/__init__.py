"""Places calls and checks what is told of each, or leaves both open for a browser."""
