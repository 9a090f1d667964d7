"""Kills, stops, cuts and delays everything around a purchase, heals it, and lets the gateway's own ledger judge."""
