"""The ledger's tables. What happened is append-only, and the money rules are in the file itself: no code of ours can break them."""

from __future__ import annotations

VERSION = 2

_TABLES = """
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;

CREATE TABLE customers (
    account TEXT NOT NULL, livemode INTEGER NOT NULL, id TEXT NOT NULL, reference TEXT NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (account, livemode, id)
) STRICT;

CREATE TABLE cards (
    seq INTEGER PRIMARY KEY, account TEXT NOT NULL, livemode INTEGER NOT NULL, customer TEXT NOT NULL, token TEXT NOT NULL,
    behaviour TEXT NOT NULL, brand TEXT NOT NULL, last4 TEXT NOT NULL, exp_month INTEGER NOT NULL, exp_year INTEGER NOT NULL,
    fingerprint TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (account, livemode, customer, token)
) STRICT;

CREATE TABLE payments (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, livemode INTEGER NOT NULL,
    order_mark TEXT NOT NULL, attempt TEXT NOT NULL, use_mark TEXT NOT NULL, customer TEXT NOT NULL, payment_method TEXT NOT NULL,
    behaviour TEXT NOT NULL, exp_month INTEGER NOT NULL, exp_year INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL, description TEXT NOT NULL, status TEXT NOT NULL,
    created_at INTEGER NOT NULL, challenge TEXT UNIQUE, return_url TEXT, decline TEXT, resolves_at INTEGER
) STRICT;
CREATE INDEX payments_of_customer ON payments (account, livemode, customer);
CREATE INDEX payments_of_order ON payments (account, livemode, order_mark);
CREATE INDEX payments_resolving ON payments (resolves_at) WHERE resolves_at IS NOT NULL;

CREATE TABLE captures (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payment TEXT NOT NULL UNIQUE REFERENCES payments (id),
    amount INTEGER NOT NULL, currency TEXT NOT NULL, order_mark TEXT NOT NULL, attempt TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX captures_of_order ON captures (order_mark);

CREATE TABLE refunds (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payment TEXT NOT NULL REFERENCES captures (payment),
    amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL, mark TEXT NOT NULL, order_mark TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX refunds_of_payment ON refunds (payment);

CREATE TABLE disputes (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payment TEXT NOT NULL UNIQUE REFERENCES captures (payment),
    amount INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL, opened_at INTEGER NOT NULL
) STRICT;

CREATE TABLE requests (
    seq INTEGER PRIMARY KEY, arrived_at INTEGER NOT NULL, account TEXT NOT NULL, livemode INTEGER NOT NULL, verb TEXT NOT NULL,
    key TEXT NOT NULL, params_hash TEXT NOT NULL, params TEXT NOT NULL, subject TEXT NOT NULL, order_mark TEXT NOT NULL,
    attempt TEXT NOT NULL
) STRICT;
CREATE INDEX requests_of_subject ON requests (subject, verb);

CREATE TABLE keys (
    account TEXT NOT NULL, livemode INTEGER NOT NULL, key TEXT NOT NULL, params_hash TEXT NOT NULL, at INTEGER NOT NULL,
    status INTEGER, body TEXT, PRIMARY KEY (account, livemode, key)
) STRICT;

CREATE TABLE setups (
    ref TEXT PRIMARY KEY, account TEXT NOT NULL, livemode INTEGER NOT NULL, customer TEXT NOT NULL, return_url TEXT NOT NULL,
    description TEXT NOT NULL, created_at INTEGER NOT NULL, card TEXT
) STRICT;

CREATE TABLE faults (
    seq INTEGER PRIMARY KEY, verb TEXT NOT NULL, fault TEXT NOT NULL, times INTEGER NOT NULL, order_mark TEXT
) STRICT;

CREATE TABLE late (
    seq INTEGER PRIMARY KEY, due_at INTEGER NOT NULL, account TEXT NOT NULL, livemode INTEGER NOT NULL, verb TEXT NOT NULL,
    key TEXT NOT NULL, subject TEXT NOT NULL, params TEXT NOT NULL
) STRICT;
CREATE INDEX late_due ON late (due_at);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, account TEXT NOT NULL, livemode INTEGER NOT NULL,
    kind TEXT NOT NULL, payment TEXT NOT NULL
) STRICT;

CREATE TRIGGER refunds_within_capture BEFORE INSERT ON refunds
WHEN NEW.amount + (SELECT coalesce(sum(amount), 0) FROM refunds WHERE payment = NEW.payment)
   > (SELECT amount FROM captures WHERE payment = NEW.payment)
BEGIN SELECT RAISE(ABORT, 'refunds above the capture'); END;
CREATE TRIGGER no_refund_while_disputed BEFORE INSERT ON refunds
WHEN EXISTS (SELECT 1 FROM disputes WHERE payment = NEW.payment AND status <> 'won')
BEGIN SELECT RAISE(ABORT, 'a disputed payment is not refunded'); END;
CREATE TRIGGER capture_is_the_amount BEFORE INSERT ON captures
WHEN NEW.amount <> (SELECT amount FROM payments WHERE id = NEW.payment)
BEGIN SELECT RAISE(ABORT, 'a capture takes the amount of its payment'); END;
CREATE TRIGGER final_payments BEFORE UPDATE OF status ON payments
WHEN OLD.status IN ('succeeded', 'canceled') AND NEW.status <> OLD.status
BEGIN SELECT RAISE(ABORT, 'a final payment stays as it is'); END;
"""

_APPEND_ONLY = "CREATE TRIGGER {0}_stay_{1} BEFORE {1} ON {0} BEGIN SELECT RAISE(ABORT, '{0} are append-only'); END;\n"

SCHEMA = _TABLES + "".join(
    _APPEND_ONLY.format(table, verb)
    for table in ("captures", "refunds", "requests", "events")
    for verb in ("UPDATE", "DELETE")
)
