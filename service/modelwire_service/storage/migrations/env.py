"""Run by alembic: applies revisions on the connection it is given, within that connection's transaction."""

from alembic import context

from modelwire_service.storage.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], version_table=VERSION_TABLE, transactional_ddl=True
)
context.run_migrations()
