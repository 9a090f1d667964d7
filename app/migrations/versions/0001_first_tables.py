"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "gateway_watch",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("livemode", sa.Integer(), nullable=False),
        sa.Column("compared_until", INTEGER, nullable=True),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("closed_at", INTEGER, nullable=True),
        sa.Column("first_compare_at", INTEGER, nullable=True),
        sa.Column("next_at", INTEGER, nullable=True),
        sa.Column("lease_until", INTEGER, nullable=True),
        sa.Column("lease_by", sa.Text(), nullable=True),
        sa.CheckConstraint("gate IN ('OPEN', 'CLOSED')", name=op.f("ck_gateway_watch_gate")),
        sa.PrimaryKeyConstraint("gateway", "account", "livemode", name=op.f("pk_gateway_watch")),
        sqlite_strict=True,
    )
    op.create_table(
        "installation_facts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation_facts")),
        sqlite_strict=True,
    )
    op.create_table(
        "merchants",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchants")),
        sa.UniqueConstraint("code", name=op.f("uq_merchants_code")),
        sqlite_strict=True,
    )
    op.create_table(
        "books",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("merchant_id", INTEGER, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("gateway_account", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("policy_version", INTEGER, nullable=False),
        sa.Column("catalog_version", INTEGER, nullable=False),
        sa.Column("next_customer", INTEGER, nullable=False),
        sa.Column("next_subscription", INTEGER, nullable=False),
        sa.Column("next_batch", INTEGER, nullable=False),
        sa.Column("next_offer", INTEGER, nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_books_mode")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_books_merchant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_books")),
        sa.UniqueConstraint("merchant_id", "mode", name=op.f("uq_books_merchant_id_mode")),
        sqlite_strict=True,
    )
    op.create_table(
        "caps",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("cap", INTEGER, nullable=False),
        sa.Column("taken", INTEGER, nullable=False),
        sa.CheckConstraint("taken >= 0 AND taken <= cap", name=op.f("ck_caps_taken")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_caps_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caps")),
        sqlite_strict=True,
    )
    op.create_table(
        "cart_contacts",
        sa.Column("cart_session", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("gateway_customer", sa.Text(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_cart_contacts_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("cart_session", name=op.f("pk_cart_contacts")),
        sqlite_strict=True,
    )
    op.create_table(
        "customers",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("unpaid", sa.Text(), nullable=False),
        sa.Column("gateway_customer", sa.Text(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_customers_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("book_id", "external_ref", name=op.f("uq_customers_book_id_external_ref")),
        sa.UniqueConstraint("book_id", "number", name=op.f("uq_customers_book_id_number")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_customers_book_id_email"), "customers", ["book_id", "email"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("livemode", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payment", sa.Text(), nullable=True),
        sa.Column("customer", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("next_at", INTEGER, nullable=True),
        sa.Column("lease_until", INTEGER, nullable=True),
        sa.Column("lease_by", sa.Text(), nullable=True),
        sa.Column("received_at", INTEGER, nullable=False),
        sa.Column("done_at", INTEGER, nullable=True),
        sa.CheckConstraint("state IN ('READY', 'DONE', 'DEAD')", name=op.f("ck_inbox_state")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_inbox_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("gateway", "account", "event_id", name=op.f("pk_inbox")),
        sqlite_strict=True,
    )
    op.create_index(
        "inbox_bodies",
        "inbox",
        ["done_at"],
        unique=False,
        sqlite_where=sa.text("body <> ''"),
        postgresql_where=sa.text("body <> ''"),
    )
    op.create_index(
        "inbox_due",
        "inbox",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "link_batches",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("offer", sa.Text(), nullable=True),
        sa.Column("count", INTEGER, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.CheckConstraint("kind IN ('standing', 'issued')", name=op.f("ck_link_batches_kind")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_link_batches_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_batches")),
        sa.UniqueConstraint("book_id", "number", name=op.f("uq_link_batches_book_id_number")),
        sqlite_strict=True,
    )
    op.create_table(
        "link_visits",
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("opened", INTEGER, nullable=False),
        sa.Column("by_people", INTEGER, nullable=False),
        sa.Column("by_machines", INTEGER, nullable=False),
        sa.Column("first_at", INTEGER, nullable=False),
        sa.Column("last_at", INTEGER, nullable=False),
        sa.Column("subscription", sa.Text(), nullable=False),
        sa.Column("utm", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_link_visits_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("book_id", "jti", name=op.f("pk_link_visits")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_link_visits_book_id_last_at"), "link_visits", ["book_id", "last_at"], unique=False)
    op.create_table(
        "offers",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("ends_at", INTEGER, nullable=True),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_offers_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("book_id", "number", name=op.f("uq_offers_book_id_number")),
        sqlite_strict=True,
    )
    op.create_table(
        "orphans",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("gw_ref", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("order_mark", sa.Text(), nullable=True),
        sa.Column("use_mark", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("found_at", INTEGER, nullable=False),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("lease_until", INTEGER, nullable=True),
        sa.Column("lease_by", sa.Text(), nullable=True),
        sa.Column("next_at", INTEGER, nullable=True),
        sa.Column("decided_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "state IN ('FOUND', 'ADOPTED', 'CANCELLED', 'REFUNDED', 'PERSON')", name=op.f("ck_orphans_state")
        ),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_orphans_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("gateway", "account", "gw_ref", name=op.f("pk_orphans")),
        sqlite_strict=True,
    )
    op.create_index(
        "orphans_due",
        "orphans",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "orphans_holding",
        "orphans",
        ["use_mark"],
        unique=False,
        sqlite_where=sa.text("use_mark IS NOT NULL"),
        postgresql_where=sa.text("use_mark IS NOT NULL"),
    )
    op.create_index(
        "orphans_of_orders",
        "orphans",
        ["order_mark"],
        unique=False,
        sqlite_where=sa.text("order_mark IS NOT NULL"),
        postgresql_where=sa.text("order_mark IS NOT NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("next_at", INTEGER, nullable=True),
        sa.Column("lease_until", INTEGER, nullable=True),
        sa.Column("lease_by", sa.Text(), nullable=True),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("done_at", INTEGER, nullable=True),
        sa.CheckConstraint("channel IN ('mail', 'webhook', 'event')", name=op.f("ck_outbox_channel")),
        sa.CheckConstraint("state IN ('READY', 'DELIVERED', 'DEAD')", name=op.f("ck_outbox_state")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_outbox_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_outbox_book_id_created_at"), "outbox", ["book_id", "created_at"], unique=False)
    op.create_index(
        "outbox_due",
        "outbox",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "products",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("tax_class", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("updated_at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_products_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("book_id", "code", name=op.f("uq_products_book_id_code")),
        sqlite_strict=True,
    )
    op.create_table(
        "revocations",
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("issued_before", INTEGER, nullable=True),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "kind IN ('link', 'batch', 'customer', 'offer', 'campaign')", name=op.f("ck_revocations_kind")
        ),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_revocations_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("book_id", "kind", "ref", name=op.f("pk_revocations")),
        sqlite_strict=True,
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("master_mark", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("standing_batch", INTEGER, nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("retired_at", INTEGER, nullable=True),
        sa.CheckConstraint("state IN ('active', 'verify', 'retired')", name=op.f("ck_signing_keys_state")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_signing_keys_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_signing_keys_book_id"), "signing_keys", ["book_id"], unique=False)
    op.create_table(
        "tax_rates",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("tax_class", sa.Text(), nullable=False),
        sa.Column("percent", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_tax_rates_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_rates")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_tax_rates_book_id_country_tax_class_valid_from"),
        "tax_rates",
        ["book_id", "country", "tax_class", "valid_from"],
        unique=True,
    )
    op.create_table(
        "transitions",
        sa.Column("seq", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_transitions_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_transitions")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_transitions_kind_object_seq"), "transitions", ["kind", "object", "seq"], unique=False)
    op.create_table(
        "upgrade_paths",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("from_product", sa.Text(), nullable=False),
        sa.Column("to_product", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("updated_at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_upgrade_paths_book_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upgrade_paths")),
        sa.UniqueConstraint(
            "book_id", "from_product", "to_product", name=op.f("uq_upgrade_paths_book_id_from_product_to_product")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "balance_entries",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", INTEGER, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["book_id"], ["books.id"], name=op.f("fk_balance_entries_book_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_balance_entries_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_entries")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_balance_entries_book_id_customer_id_currency"),
        "balance_entries",
        ["book_id", "customer_id", "currency"],
        unique=False,
    )
    op.create_index(
        "one_balance_entry",
        "balance_entries",
        ["order_id", "cause"],
        unique=True,
        sqlite_where=sa.text("order_id IS NOT NULL"),
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_table(
        "step_ups",
        sa.Column("cart_session", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("sent", INTEGER, nullable=False),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("sent_at", INTEGER, nullable=False),
        sa.Column("expires_at", INTEGER, nullable=False),
        sa.Column("passed_at", INTEGER, nullable=True),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_step_ups_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_step_ups_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("cart_session", name=op.f("pk_step_ups")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_step_ups_customer_id"), "step_ups", ["customer_id"], unique=False)
    op.create_table(
        "stored_cards",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("gateway_customer", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=False),
        sa.Column("exp_month", INTEGER, nullable=False),
        sa.Column("exp_year", INTEGER, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Integer(), nullable=False),
        sa.Column("cart_session", sa.Text(), nullable=True),
        sa.Column("blocked", sa.Integer(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.CheckConstraint("length(last4) = 4", name=op.f("ck_stored_cards_last4")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_stored_cards_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_stored_cards_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_cards")),
        sa.UniqueConstraint(
            "book_id",
            "gateway",
            "gateway_customer",
            "token",
            name=op.f("uq_stored_cards_book_id_gateway_gateway_customer_token"),
        ),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_stored_cards_customer_id"), "stored_cards", ["customer_id"], unique=False)
    op.create_table(
        "card_setups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("cart_session", sa.Text(), nullable=False),
        sa.Column("own_email", sa.Integer(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("gateway_customer", sa.Text(), nullable=False),
        sa.Column("gw_ref", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("card_id", INTEGER, nullable=True),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("next_at", INTEGER, nullable=True),
        sa.Column("lease_until", INTEGER, nullable=True),
        sa.Column("lease_by", sa.Text(), nullable=True),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.CheckConstraint("state IN ('OPEN', 'DONE', 'ABANDONED', 'FAILED')", name=op.f("ck_card_setups_state")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_card_setups_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["card_id"], ["stored_cards.id"], name=op.f("fk_card_setups_card_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_card_setups_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_setups")),
        sqlite_strict=True,
    )
    op.create_index(
        "card_setups_due",
        "card_setups",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ends_at_period_end", sa.Integer(), nullable=False),
        sa.Column("auto_renewal", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("delivered_code", sa.Text(), nullable=True),
        sa.Column("mandate", sa.Text(), nullable=True),
        sa.Column("card_id", INTEGER, nullable=True),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("last_item", INTEGER, nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "status IN ('trialing', 'active', 'past_due', 'paused', 'canceled', 'expired')",
            name=op.f("ck_subscriptions_status"),
        ),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_subscriptions_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["card_id"], ["stored_cards.id"], name=op.f("fk_subscriptions_card_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_subscriptions_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("book_id", "external_ref", name=op.f("uq_subscriptions_book_id_external_ref")),
        sa.UniqueConstraint("book_id", "number", name=op.f("uq_subscriptions_book_id_number")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_subscriptions_customer_id"), "subscriptions", ["customer_id"], unique=False)
    op.create_table(
        "cart_tries",
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("subscription_id", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("n", INTEGER, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.CheckConstraint("kind IN ('card', 'email')", name=op.f("ck_cart_tries_kind")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_cart_tries_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_cart_tries_subscription_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("book_id", "subscription_id", "kind", "n", name=op.f("pk_cart_tries")),
        sqlite_strict=True,
    )
    op.create_table(
        "entitlements",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("subscription_id", INTEGER, nullable=False),
        sa.Column("item", INTEGER, nullable=False),
        sa.Column("lot", INTEGER, nullable=False),
        sa.Column("span_start", INTEGER, nullable=False),
        sa.Column("span_end", INTEGER, nullable=False),
        sa.Column("amount", INTEGER, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("line", INTEGER, nullable=True),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_entitlements_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_entitlements_subscription_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entitlements")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_entitlements_subscription_id_span_end"), "entitlements", ["subscription_id", "span_end"], unique=False
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("checkout_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", INTEGER, nullable=False),
        sa.Column("subscription_version", INTEGER, nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("link_jti", sa.Text(), nullable=True),
        sa.Column("claims", sa.Text(), nullable=True),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("quote_hash", sa.Text(), nullable=False),
        sa.Column("quoted_at", INTEGER, nullable=False),
        sa.Column("valid_until", INTEGER, nullable=False),
        sa.Column("total", INTEGER, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("paid_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "outcome IN ('nocharge', 'paid', 'pending', 'registered', 'due', 'failed')", name=op.f("ck_orders_outcome")
        ),
        sa.CheckConstraint(
            "state IN ('OPEN', 'PAID', 'PART_REFUNDED', 'REFUNDED', 'DISPUTED', 'LOST', 'EXPIRED', 'CANCELLED')",
            name=op.f("ck_orders_state"),
        ),
        sa.CheckConstraint("total >= 0 AND total <= 9007199254740992", name=op.f("ck_orders_total")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_orders_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_orders_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_orders_subscription_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("book_id", "checkout_id", name=op.f("uq_orders_book_id_checkout_id")),
        sa.UniqueConstraint("book_id", "number", name=op.f("uq_orders_book_id_number")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_orders_book_id_created_at"), "orders", ["book_id", "created_at"], unique=False)
    op.create_index(
        op.f("ix_orders_book_id_customer_id_created_at"),
        "orders",
        ["book_id", "customer_id", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_orders_book_id_link_jti"), "orders", ["book_id", "link_jti"], unique=False)
    op.create_index(
        "one_open_order",
        "orders",
        ["subscription_id"],
        unique=True,
        sqlite_where=sa.text("state = 'OPEN'"),
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    op.create_table(
        "subscription_changes",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("subscription_id", INTEGER, nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["book_id"], ["books.id"], name=op.f("fk_subscription_changes_book_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_subscription_changes_subscription_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_changes")),
        sa.UniqueConstraint("subscription_id", "version", name=op.f("uq_subscription_changes_subscription_id_version")),
        sqlite_strict=True,
    )
    op.create_table(
        "subscription_items",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("subscription_id", INTEGER, nullable=False),
        sa.Column("running_number", INTEGER, nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("period_start", INTEGER, nullable=False),
        sa.Column("period_end", INTEGER, nullable=False),
        sa.Column("anchor_day", INTEGER, nullable=False),
        sa.Column("committed_until", INTEGER, nullable=True),
        sa.CheckConstraint("anchor_day BETWEEN 1 AND 31", name=op.f("ck_subscription_items_anchor_day")),
        sa.CheckConstraint("period_end > period_start", name=op.f("ck_subscription_items_period")),
        sa.ForeignKeyConstraint(
            ["book_id"], ["books.id"], name=op.f("fk_subscription_items_book_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_subscription_items_subscription_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_items")),
        sa.UniqueConstraint(
            "subscription_id", "running_number", name=op.f("uq_subscription_items_subscription_id_running_number")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_subscription_items_book_id_period_end"), "subscription_items", ["book_id", "period_end"], unique=False
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("n", INTEGER, nullable=False),
        sa.Column("amount", INTEGER, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("livemode", sa.Integer(), nullable=False),
        sa.Column("payment_method", sa.Text(), nullable=False),
        sa.Column("gw_customer", sa.Text(), nullable=False),
        sa.Column("card_id", INTEGER, nullable=False),
        sa.Column("off_session", sa.Integer(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("gw_ref", sa.Text(), nullable=True),
        sa.Column("action_url", sa.Text(), nullable=True),
        sa.Column("decline_reason", sa.Text(), nullable=True),
        sa.Column("create_try", INTEGER, nullable=False),
        sa.Column("confirm_try", INTEGER, nullable=False),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("lease_until", INTEGER, nullable=True),
        sa.Column("lease_by", sa.Text(), nullable=True),
        sa.Column("next_at", INTEGER, nullable=True),
        sa.Column("last_class", sa.Text(), nullable=True),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("deadline_at", INTEGER, nullable=False),
        sa.Column("settled_at", INTEGER, nullable=True),
        sa.Column("told_to_wait", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('CREATED', 'INTENT', 'REQUIRES_ACTION', 'UNKNOWN', 'CANCELLING', 'QUARANTINED', 'SUCCEEDED', 'DECLINED', 'CANCELLED')",
            name=op.f("ck_attempts_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_attempts_amount")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_attempts_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["card_id"], ["stored_cards.id"], name=op.f("fk_attempts_card_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_attempts_order_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("order_id", "n", name=op.f("uq_attempts_order_id_n")),
        sqlite_strict=True,
    )
    op.create_index(
        "attempts_due",
        "attempts",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "attempts_settled",
        "attempts",
        ["book_id", "settled_at"],
        unique=False,
        sqlite_where=sa.text("settled_at IS NOT NULL"),
        postgresql_where=sa.text("settled_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_attempts_book_id_created_at"), "attempts", ["book_id", "created_at"], unique=False)
    op.create_index(
        "one_open",
        "attempts",
        ["order_id"],
        unique=True,
        sqlite_where=sa.text("state NOT IN ('DECLINED', 'CANCELLED')"),
        postgresql_where=sa.text("state NOT IN ('DECLINED', 'CANCELLED')"),
    )
    op.create_index(
        "one_ref",
        "attempts",
        ["gateway", "account", "gw_ref"],
        unique=True,
        sqlite_where=sa.text("gw_ref IS NOT NULL"),
        postgresql_where=sa.text("gw_ref IS NOT NULL"),
    )
    op.create_table(
        "consents",
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("button", sa.Text(), nullable=False),
        sa.Column("boxes", sa.Text(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("quote_hash", sa.Text(), nullable=False),
        sa.Column("policy_version", INTEGER, nullable=True),
        sa.Column("step_up", sa.Text(), nullable=True),
        sa.Column("link_jti", sa.Text(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_consents_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_consents_order_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_consents")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_consents_order_id"), "consents", ["order_id"], unique=False)
    op.create_table(
        "deferrals",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("subscription_id", INTEGER, nullable=False),
        sa.Column("amount", INTEGER, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("collected_order", sa.Text(), nullable=True),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_deferrals_amount")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_deferrals_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["collected_order"], ["orders.id"], name=op.f("fk_deferrals_collected_order"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_deferrals_order_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_deferrals_subscription_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_deferrals")),
        sqlite_strict=True,
    )
    op.create_index(
        "deferrals_open",
        "deferrals",
        ["subscription_id"],
        unique=False,
        sqlite_where=sa.text("collected_order IS NULL"),
        postgresql_where=sa.text("collected_order IS NULL"),
    )
    op.create_table(
        "fulfilments",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("subscription_id", INTEGER, nullable=False),
        sa.Column("from_version", INTEGER, nullable=False),
        sa.Column("to_version", INTEGER, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_fulfilments_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_fulfilments_order_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_fulfilments_subscription_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_fulfilments")),
        sqlite_strict=True,
    )
    op.create_table(
        "link_uses",
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("n", INTEGER, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.CheckConstraint("n >= 1", name=op.f("ck_link_uses_n")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_link_uses_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_link_uses_order_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("book_id", "jti", "n", name=op.f("pk_link_uses")),
        sa.UniqueConstraint("order_id", name=op.f("uq_link_uses_order_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "lots",
        sa.Column("item_id", INTEGER, nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("quantity", INTEGER, nullable=False),
        sa.Column("unit_price", INTEGER, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_lots_quantity")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_lots_unit_price")),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_lots_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["subscription_items.id"], name=op.f("fk_lots_item_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_id", "position", name=op.f("pk_lots")),
        sqlite_strict=True,
    )
    op.create_table(
        "renewals",
        sa.Column("subscription_id", INTEGER, nullable=False),
        sa.Column("period_start", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "state IN ('DUE', 'ORDERED', 'PAID', 'PAST_DUE', 'UNPAID', 'CANCELLED')", name=op.f("ck_renewals_state")
        ),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_renewals_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_renewals_order_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_renewals_subscription_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("subscription_id", "period_start", name=op.f("pk_renewals")),
        sqlite_strict=True,
    )
    op.create_table(
        "scheduled_changes",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("subscription_id", INTEGER, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("due_at", INTEGER, nullable=False),
        sa.Column("due_on", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("ended_at", INTEGER, nullable=True),
        sa.CheckConstraint("state IN ('PENDING', 'APPLIED', 'UNDONE')", name=op.f("ck_scheduled_changes_state")),
        sa.ForeignKeyConstraint(
            ["book_id"], ["books.id"], name=op.f("fk_scheduled_changes_book_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_scheduled_changes_order_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_scheduled_changes_subscription_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_changes")),
        sa.UniqueConstraint("order_id", name=op.f("uq_scheduled_changes_order_id")),
        sqlite_strict=True,
    )
    op.create_index(
        "one_scheduled_change",
        "scheduled_changes",
        ["subscription_id"],
        unique=True,
        sqlite_where=sa.text("state = 'PENDING'"),
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.create_index(
        "scheduled_changes_due",
        "scheduled_changes",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'PENDING'"),
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.create_table(
        "disputes",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("gw_ref", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("amount", INTEGER, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", INTEGER, nullable=False),
        sa.Column("closed_at", INTEGER, nullable=True),
        sa.Column("takes", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('OPEN', 'WON', 'LOST')", name=op.f("ck_disputes_state")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_disputes_attempt_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_disputes_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_disputes_order_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("gateway", "account", "gw_ref", name=op.f("pk_disputes")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_disputes_order_id"), "disputes", ["order_id"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("book_id", INTEGER, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("cause_order", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("amount", INTEGER, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("gw_ref", sa.Text(), nullable=True),
        sa.Column("try_no", INTEGER, nullable=False),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("last_class", sa.Text(), nullable=True),
        sa.Column("takes", sa.Text(), nullable=False),
        sa.Column("lease_until", INTEGER, nullable=True),
        sa.Column("lease_by", sa.Text(), nullable=True),
        sa.Column("next_at", INTEGER, nullable=True),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("settled_at", INTEGER, nullable=True),
        sa.CheckConstraint("kind IN ('asked', 'negative', 'outside')", name=op.f("ck_refunds_kind")),
        sa.CheckConstraint(
            "state IN ('CREATED', 'SENT', 'SUCCEEDED', 'FAILED', 'UNKNOWN')", name=op.f("ck_refunds_state")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_refunds_attempt_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_refunds_book_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["cause_order"], ["orders.id"], name=op.f("fk_refunds_cause_order"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_refunds_cause_order"), "refunds", ["cause_order"], unique=False)
    op.create_index(op.f("ix_refunds_order_id"), "refunds", ["order_id"], unique=False)
    op.create_index(
        "one_refund_ref",
        "refunds",
        ["attempt_id", "gw_ref"],
        unique=True,
        sqlite_where=sa.text("gw_ref IS NOT NULL"),
        postgresql_where=sa.text("gw_ref IS NOT NULL"),
    )
    op.create_index(
        "refunds_due",
        "refunds",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
