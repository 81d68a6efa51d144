"""Run by `rooms.storage.migration.migrate`, which hands the connection over."""

from alembic import context

from rooms.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
