"""How often each person's media broke, by cause: counted on when there are too many breaks to keep each."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "break_counts",
        sa.Column("appointment", sa.String(64), nullable=False),
        sa.Column("participant", sa.String(64), nullable=False),
        sa.Column("cause", sa.String(20), nullable=False),
        sa.Column("breaks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment"], ["appointments.id"], name="fk_break_counts_appointment", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("appointment", "participant", "cause", name="pk_break_counts"),
    )
    op.execute(
        "INSERT INTO break_counts (appointment, participant, cause, breaks) "
        "SELECT appointment, participant, cause, COUNT(*) FROM media_breaks GROUP BY appointment, participant, cause"
    )
