"""Notices from gateways: verify, store, answer quickly."""

from app.inbound.door import inbound_blueprint

__all__ = ["inbound_blueprint"]
