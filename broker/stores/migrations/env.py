"""Run by Alembic inside `broker.stores.migrate`, on the connection and in the transaction that it was handed."""

from alembic import context

from broker.stores.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,  # also on SQLite: all of an upgrade happens, or nothing
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
