"""The tables, as the newest revision of the schema has them."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    TypeDecorator,
)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite, which has no type for it, keeps the text of RFC 3339, which sorts as moments do."""

    impl = DateTime(timezone=True).with_variant(String(32), "sqlite")
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return moment_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = datetime.fromisoformat(value) if dialect.name == "sqlite" else value
        return moment.astimezone(UTC)


def moment_text(moment: datetime) -> str:
    """The text that SQLite keeps of a moment, always with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


METADATA: Final = MetaData()

API_KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("id", String(10), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("models", JSON, nullable=False),
    Column("requests_per_minute", BigInteger),
    Column("tokens_per_minute", BigInteger),
    Column("concurrency", BigInteger),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
)

API_KEY_CHANGES: Final = Table("api_key_changes", METADATA, Column("count", BigInteger, nullable=False))
"""One row: how often a key was made or revoked."""

USAGE: Final = Table(
    "usage",
    METADATA,
    Column("call_id", String(128)),
    Column("rpc", String(200), nullable=False),
    Column("key_id", String(200), nullable=False),
    Column("key_name", String(200), nullable=False),
    Column("model", String(200)),
    Column("upstream", String(200)),
    Column("client", String(200), nullable=False),
    Column("started_at", Moment),
    Column("duration_ms", Double, nullable=False),
    Column("first_token_ms", Double),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("outcome", String(32), nullable=False),
    PrimaryKeyConstraint("started_at", "call_id"),
    sqlite_with_rowid=False,
)
"""One row a call. Its columns are the fields of a UsageRow, in their order."""
