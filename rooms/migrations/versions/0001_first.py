"""The first shape of the database."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _clinics()
    _appointments()
    _participants()
    _devices()
    _audit()


def _clinics() -> None:
    op.create_table(
        "clinics",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("webhook_secret", sa.String(length=200), nullable=False),
        sa.Column("api_key_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinics")),
        sa.UniqueConstraint("api_key_hash", name=op.f("uq_clinics_api_key_hash")),
    )
    op.create_table(
        "webhook_receipts",
        sa.Column("clinic", sa.String(length=64), nullable=False),
        sa.Column("webhook_id", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinics.id"], name=op.f("fk_webhook_receipts_clinic")),
        sa.PrimaryKeyConstraint("clinic", "webhook_id", name=op.f("pk_webhook_receipts")),
    )
    op.create_index(op.f("ix_webhook_receipts_received_at"), "webhook_receipts", ["received_at"], unique=False)


def _appointments() -> None:
    op.create_table(
        "appointments",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("clinic", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("subject_reference", sa.String(length=200), nullable=False),
        sa.Column("subject_name", sa.String(length=300), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("cancellation", sa.String(length=20), nullable=True),
        sa.Column("payment_status", sa.String(length=40), nullable=False),
        sa.Column("payment_price", sa.String(length=100), nullable=False),
        sa.Column("payment_url", sa.String(length=2000), nullable=False),
        sa.Column("payment_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payment_pending_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cabinet_url", sa.String(length=2000), nullable=False),
        sa.Column("manage_url", sa.String(length=2000), nullable=False),
        sa.Column("record_url", sa.String(length=2000), nullable=False),
        sa.Column("details_version", sa.Integer(), nullable=False),
        sa.Column("schedule_version", sa.Integer(), nullable=False),
        sa.Column("status_version", sa.Integer(), nullable=False),
        sa.Column("payment_version", sa.Integer(), nullable=False),
        sa.Column("encounter", sa.String(length=20), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["clinic"], ["clinics.id"], name=op.f("fk_appointments_clinic")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointments")),
        sa.UniqueConstraint("clinic", "reference", name=op.f("uq_appointments_clinic")),
    )
    op.create_index(
        op.f("ix_appointments_payment_status"), "appointments", ["payment_status", "starts_at"], unique=False
    )


def _participants() -> None:
    op.create_table(
        "participants",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("appointment", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("specialty", sa.String(length=300), nullable=False),
        sa.Column("relationship", sa.String(length=100), nullable=False),
        sa.Column("assurance_minimum", sa.String(length=10), nullable=False),
        sa.Column("invitation", sa.String(length=20), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["appointment"], ["appointments.id"], name=op.f("fk_participants_appointment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participants")),
        sa.UniqueConstraint("appointment", "reference", name=op.f("uq_participants_appointment")),
    )


def _devices() -> None:
    op.create_table(
        "links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("participant", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["participant"], ["participants.id"], name=op.f("fk_links_participant")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_links")),
        sa.UniqueConstraint("participant", "generation", name=op.f("uq_links_participant")),
    )
    op.create_table(
        "device_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("participant", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("link_generation", sa.Integer(), nullable=False),
        sa.Column("assurance", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["participant"], ["participants.id"], name=op.f("fk_device_sessions_participant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_sessions")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_device_sessions_secret_hash")),
    )
    op.create_index(op.f("ix_device_sessions_participant"), "device_sessions", ["participant"], unique=False)
    op.create_table(
        "consents",
        sa.Column("participant", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["participant"], ["participants.id"], name=op.f("fk_consents_participant")),
        sa.PrimaryKeyConstraint("participant", "version", name=op.f("pk_consents")),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clinic", sa.String(length=64), nullable=False),
        sa.Column("appointment", sa.String(length=64), nullable=False),
        sa.Column("participant", sa.String(length=64), nullable=True),
        sa.Column("session", sa.String(length=64), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_appointment"), "audit", ["appointment"], unique=False)
    op.create_index(op.f("ix_audit_clinic"), "audit", ["clinic", "at"], unique=False)
