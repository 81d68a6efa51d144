"""When somebody last came back from the clinic's payment page."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("appointments", sa.Column("payment_returned_at", sa.DateTime(timezone=True), nullable=True))
