"""Metadata: versions, peers, what administrators said about them, sources, withdrawn keys."""

import sqlalchemy as sa
from alembic import op

from broker.stores.schema import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the metadata versions."""
    op.create_table(
        "metadata_version",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text),
        sa.Column("rolled_back_to", sa.Integer),
    )
    op.create_table(
        "metadata_record",
        sa.Column("content_id", sa.Text, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "metadata_peer",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("entity_id", sa.Text, primary_key=True),
        sa.Column("from_version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("to_version", sa.Integer),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text, sa.ForeignKey("metadata_record.content_id"), nullable=False),
        sa.Column("valid_until", UtcTime),
        sa.Column("signed_by", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sort_name", sa.LargeBinary, nullable=False),
        sa.Column("search", sa.Text, nullable=False),
    )
    op.create_index("ix_metadata_peer_from_version", "metadata_peer", ["from_version"])
    op.create_index("ix_metadata_peer_to_version", "metadata_peer", ["to_version"])
    op.create_index("ix_metadata_peer_kind_sort_name_entity_id", "metadata_peer", ["kind", "sort_name", "entity_id"])
    op.create_table(
        "metadata_setting",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("entity_id", sa.Text, primary_key=True),
        sa.Column("from_version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("to_version", sa.Integer),
        sa.Column("blocked", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_metadata_setting_from_version", "metadata_setting", ["from_version"])
    op.create_index("ix_metadata_setting_to_version", "metadata_setting", ["to_version"])
    op.create_table(
        "metadata_source",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("from_version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("to_version", sa.Integer),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("quarantined", sa.Text, nullable=False),
    )
    op.create_table(
        "metadata_withdrawn_key",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("entity_id", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
    )
