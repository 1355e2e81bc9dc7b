"""The database of keys and usage: SQLite in a file of the user's, or PostgreSQL."""
