"""Forms, and how what people type is read."""
