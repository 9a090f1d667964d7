"""Merchants, their books, their keys and what their pages and mails say of them."""
