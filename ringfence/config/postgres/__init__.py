"""Django's backend for PostgreSQL, with the pool of connections that the pages share."""
