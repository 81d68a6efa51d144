"""Run by `rooms.storage.migration`, which hands the connection over, its transaction begun."""

from alembic import context

from rooms.storage.tables import metadata

# SQLite can change its shape in a transaction as well; alembic does not count on it unless told.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
