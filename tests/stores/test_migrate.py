from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError
from support.processes import in_processes

from broker.core.errors import StoreMismatch
from broker.stores import schema_metadata
from broker.stores.migrate import migrate
from broker.stores.schema import METADATA
from broker.stores.sql import reading, writing
from broker.stores.version import check_current, known_revisions


def set_revision(engine: Engine, revision: str) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_an_empty_store_is_brought_to_this_version_once(open_empty: Callable[[], Engine]) -> None:
    engine = open_empty()
    assert migrate(engine) == known_revisions()
    assert migrate(engine) == ()
    check_current(engine)


def test_the_migrations_lead_to_the_tables_that_the_program_uses(open_empty: Callable[[], Engine]) -> None:
    assert schema_metadata.__name__  # its tables are on METADATA once it is imported
    engine = open_empty()
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_constraints_have_the_names_that_the_program_gives_them(open_empty: Callable[[], Engine]) -> None:
    engine = open_empty()
    migrate(engine)
    with reading(engine) as connection:
        for table in METADATA.sorted_tables:
            found = {check["name"] for check in inspect(connection).get_check_constraints(table.name)}
            declared = {check.name for check in table.constraints if check.__visit_name__ == "check_constraint"}
            assert declared <= found, table.name


def test_nodes_may_migrate_at_once(open_empty: Callable[[], Engine]) -> None:
    engine = open_empty()
    ran = in_processes(3, lambda _: migrate(engine))
    assert sorted(ran) == [(), (), known_revisions()]
    check_current(engine)


def test_a_store_that_was_never_migrated_is_refused(open_empty: Callable[[], Engine]) -> None:
    with pytest.raises(StoreMismatch, match="broker migrate"):
        check_current(open_empty())


def test_a_store_of_an_older_version_is_refused_until_migrated(open_empty: Callable[[], Engine]) -> None:
    engine = open_empty()
    migrate(engine)
    if len(known_revisions()) > 1:
        set_revision(engine, known_revisions()[0])
        with pytest.raises(StoreMismatch, match="broker migrate"):
            check_current(engine)


def test_a_store_of_a_newer_version_is_refused_and_left_alone(open_empty: Callable[[], Engine]) -> None:
    engine = open_empty()
    migrate(engine)
    set_revision(engine, "9999")
    for refused in (check_current, migrate):
        with pytest.raises(StoreMismatch, match="newer"):
            refused(engine)


def test_a_failed_migration_leaves_nothing_behind(open_empty: Callable[[], Engine]) -> None:
    engine = open_empty()
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE key_state (in_the_way INTEGER)"))
    with pytest.raises(DBAPIError, match="key_state"):
        migrate(engine)
    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == ["key_state"]


def test_the_revisions_have_no_gap() -> None:
    assert list(known_revisions()) == [f"{number:04}" for number in range(1, len(known_revisions()) + 1)]
