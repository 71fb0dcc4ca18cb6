"""A resident's own pages: the form of one trace, on a phone, without a script. They hold no ticket to the record."""
