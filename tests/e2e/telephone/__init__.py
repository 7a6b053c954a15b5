"""The card and the dashboard *Telephone* as a user sees them."""
