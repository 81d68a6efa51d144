"""Evidence of how consultations went: seconds of two-way media, people's seconds, breaks."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "quality",
        sa.Column("appointment", sa.String(64), nullable=False),
        sa.Column("counted_until", moment, nullable=False),
        sa.Column("two_way_sound", sa.Float(), nullable=False),
        sa.Column("two_way_picture", sa.Float(), nullable=False),
        sa.Column("unobserved", sa.Float(), nullable=False),
        sa.Column("breaks_left_out", sa.Integer(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment"], ["appointments.id"], name="fk_quality_appointment", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("appointment", name="pk_quality"),
    )
    op.create_table(
        "participant_quality",
        sa.Column("appointment", sa.String(64), nullable=False),
        sa.Column("participant", sa.String(64), nullable=False),
        sa.Column("live", sa.Float(), nullable=False),
        sa.Column("unstable", sa.Float(), nullable=False),
        sa.Column("gone", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment"], ["appointments.id"], name="fk_participant_quality_appointment", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("appointment", "participant", name="pk_participant_quality"),
    )
    op.create_table(
        "media_breaks",
        sa.Column("appointment", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("participant", sa.String(64), nullable=False),
        sa.Column("cause", sa.String(20), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment"], ["appointments.id"], name="fk_media_breaks_appointment", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("appointment", "number", name="pk_media_breaks"),
    )
