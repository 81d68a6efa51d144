"""Which version said that money came, and which that it went back; what the sweep of old data needs.

Until now one version for the whole payment was kept: rows carry it over to the side that their payment is on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_PAID = "UPDATE appointments SET paid_version = payment_version WHERE payment_status LIKE 'succeeded%'"
_REFUNDED = "UPDATE appointments SET refund_version = payment_version WHERE payment_status = 'refunded'"


def upgrade() -> None:
    for name in ("paid_version", "refund_version"):
        op.add_column("appointments", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.execute(_PAID)
    op.execute(_REFUNDED)
    op.create_index(op.f("ix_appointments_clinic"), "appointments", ["clinic", "ends_at"], unique=False)
    with op.batch_alter_table("audit") as table:
        table.alter_column("appointment", existing_type=sa.String(length=64), nullable=True)
