"""Keys, a count of their changes, and the usage of calls."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    _make_keys()
    _make_usage()


def _make_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(10), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("models", sa.JSON, nullable=False),
        sa.Column("requests_per_minute", sa.BigInteger),
        sa.Column("tokens_per_minute", sa.BigInteger),
        sa.Column("concurrency", sa.BigInteger),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("revoked_at", _MOMENT),
    )
    changes = op.create_table("api_key_changes", sa.Column("count", sa.BigInteger, nullable=False))
    op.bulk_insert(changes, [{"count": 0}])


def _make_usage() -> None:
    op.create_table(
        "usage",
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("rpc", sa.String(200), nullable=False),
        sa.Column("key_id", sa.String(200), nullable=False),
        sa.Column("key_name", sa.String(200), nullable=False),
        sa.Column("model", sa.String(200)),
        sa.Column("upstream", sa.String(200)),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("duration_ms", sa.Double, nullable=False),
        sa.Column("first_token_ms", sa.Double),
        sa.Column("input_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("cached_tokens", sa.BigInteger),
        sa.Column("reasoning_tokens", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("started_at", "call_id"),
        sqlite_with_rowid=False,
    )
