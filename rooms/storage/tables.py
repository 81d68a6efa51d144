"""Every table, declared once. `rooms/migrations` brings a database to this shape."""

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class Moment(TypeDecorator[datetime]):
    """A timezone-aware moment, kept in UTC; for databases that forget the zone it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

clinics = Table(
    "clinics",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("phone", String(40), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("policy", Text, nullable=False),
    Column("webhook_secret", String(200), nullable=False),
    Column("api_key_hash", String(64), nullable=False, unique=True),
)

appointments = Table(
    "appointments",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("clinic", ForeignKey("clinics.id"), nullable=False),
    Column("reference", String(200), nullable=False),
    Column("title", String(300), nullable=False),
    Column("subject_reference", String(200), nullable=False),
    Column("subject_name", String(300), nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("first_starts_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("status", String(20), nullable=False),
    Column("cancellation", String(20)),
    Column("payment_status", String(40), nullable=False),
    Column("payment_price", String(100), nullable=False),
    Column("payment_url", String(2000), nullable=False),
    Column("payment_expires_at", Moment),
    Column("payment_pending_since", Moment),
    Column("payment_returned_at", Moment),
    Column("cabinet_url", String(2000), nullable=False),
    Column("manage_url", String(2000), nullable=False),
    Column("record_url", String(2000), nullable=False),
    Column("details_version", Integer, nullable=False),
    Column("schedule_version", Integer, nullable=False),
    Column("status_version", Integer, nullable=False),
    Column("payment_version", Integer, nullable=False),
    Column("paid_version", Integer, nullable=False, server_default="0"),
    Column("refund_version", Integer, nullable=False, server_default="0"),
    Column("encounter", String(20), nullable=False),
    Column("arrived_at", Moment),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("emptied_at", Moment),
    UniqueConstraint("clinic", "reference"),
    Index(None, "payment_status", "starts_at"),
    Index(None, "clinic", "ends_at"),
)

participants = Table(
    "participants",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("appointment", ForeignKey("appointments.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("reference", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("name", String(300), nullable=False),
    Column("specialty", String(300), nullable=False),
    Column("relationship", String(100), nullable=False),
    Column("assurance_minimum", String(10), nullable=False),
    Column("invitation", String(20), nullable=False),
    Column("joined_at", Moment),
    Column("seated", Boolean, nullable=False),
    UniqueConstraint("appointment", "reference"),
)

links = Table(
    "links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("participant", ForeignKey("participants.id"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    UniqueConstraint("participant", "generation"),
)

device_sessions = Table(
    "device_sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("participant", ForeignKey("participants.id"), nullable=False, index=True),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("link_generation", Integer, nullable=False),
    Column("assurance", String(10), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("participant", ForeignKey("participants.id"), primary_key=True),
    Column("version", String(40), primary_key=True),
    Column("session", String(64), nullable=False),
    Column("accepted_at", Moment, nullable=False),
)

webhook_receipts = Table(
    "webhook_receipts",
    metadata,
    Column("clinic", ForeignKey("clinics.id"), primary_key=True),
    Column("webhook_id", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("answer", Text, nullable=False),
    Column("received_at", Moment, nullable=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("clinic", String(64), nullable=False),
    Column("appointment", String(64)),
    Column("participant", String(64)),
    Column("session", String(64)),
    Column("action", String(60), nullable=False),
    Column("detail", String(300), nullable=False),
    Index(None, "clinic", "at"),
    Index(None, "appointment"),
)

# What belongs to an appointment goes with it, whoever deletes it.

quality = Table(
    "quality",
    metadata,
    Column("appointment", ForeignKey("appointments.id", ondelete="CASCADE"), primary_key=True),
    Column("counted_until", Moment, nullable=False),
    Column("two_way_sound", Float, nullable=False),
    Column("two_way_picture", Float, nullable=False),
    Column("unobserved", Float, nullable=False),
    Column("breaks_left_out", Integer, nullable=False),
    Column("finished", Boolean, nullable=False),
)

participant_quality = Table(
    "participant_quality",
    metadata,
    Column("appointment", ForeignKey("appointments.id", ondelete="CASCADE"), primary_key=True),
    Column("participant", String(64), primary_key=True),
    Column("live", Float, nullable=False),
    Column("unstable", Float, nullable=False),
    Column("gone", Float, nullable=False),
)

break_counts = Table(
    "break_counts",
    metadata,
    Column("appointment", ForeignKey("appointments.id", ondelete="CASCADE"), primary_key=True),
    Column("participant", String(64), primary_key=True),
    Column("cause", String(20), primary_key=True),
    Column("breaks", Integer, nullable=False),
)

media_breaks = Table(
    "media_breaks",
    metadata,
    Column("appointment", ForeignKey("appointments.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("participant", String(64), nullable=False),
    Column("cause", String(20), nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
)
