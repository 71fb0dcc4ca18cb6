"""The process that does what the clock says: each minute the sweep, and every few seconds what is ready again."""
