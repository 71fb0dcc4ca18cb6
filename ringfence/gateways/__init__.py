"""The network outside. No rules are decided here and no database is asked."""
