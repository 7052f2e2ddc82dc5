"""The database: one way to read, one way to write, the schema and its rights."""
