"""The shopper's pages: open a link, see the price, confirm, and what became of it."""

from app.cart.routes import cart

__all__ = ["cart"]
