"""A Stripe-shaped server with a ledger of its own, for tests over real sockets (see README.md)."""
