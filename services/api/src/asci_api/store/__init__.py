"""The only importer of redis, and the durable copy in SQLite."""
