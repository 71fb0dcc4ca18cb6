"""Published numerical methods on arrays. No database, no rules of the service."""
