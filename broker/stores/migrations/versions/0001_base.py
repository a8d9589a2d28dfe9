"""Environment stamp, audit chains, nodes and key states."""

import sqlalchemy as sa
from alembic import op

from broker.stores.schema import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "store_stamp",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("stamped_at", UtcTime, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.create_table(
        "audit_chain",
        sa.Column("chain", sa.Text, primary_key=True),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("started_at", UtcTime, nullable=False),
        sa.Column("touched_at", UtcTime, nullable=False),
        sa.Column("anchored_seq", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "audit_event",
        sa.Column("chain", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("e_service", sa.Text),
        sa.Column("upstream", sa.Text),
        sa.Column("code", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_index("ix_audit_event_reference", "audit_event", ["reference"])
    op.create_index("ix_audit_event_at", "audit_event", ["at"])
    op.create_table(
        "node",
        sa.Column("node", sa.Text, primary_key=True),
        sa.Column("seen_at", UtcTime, nullable=False),
        sa.Column("fingerprints", sa.Text, nullable=False),
    )
    op.create_table(
        "key_state",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("use", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("not_after", UtcTime, nullable=False),
        sa.Column("added_at", UtcTime, nullable=False),
        sa.Column("promoted_at", UtcTime),
        sa.Column("retired_at", UtcTime),
        sa.CheckConstraint("state IN ('published', 'active', 'retired')", name="state"),
        sa.CheckConstraint("use IN ('signing', 'encryption')", name="use"),
    )
    op.create_index("uq_key_state_use_fingerprint", "key_state", ["use", "fingerprint"], unique=True)
    op.create_index(
        "uq_key_state_active_use",
        "key_state",
        ["use"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
