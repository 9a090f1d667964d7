"""Offers and their links: make, price, look at and take back."""
