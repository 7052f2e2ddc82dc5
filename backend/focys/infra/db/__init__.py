"""The database: reading, writing, the schema and its permissions."""
