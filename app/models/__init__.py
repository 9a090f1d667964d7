"""Tables, constraints and named queries. Importing the room registers every table with ``Base.metadata``."""

from app.models import catalog, customers, links, merchants, orders, subscriptions, work
from app.models.base import Base
from app.models.store import Store

__all__ = ["Base", "Store", "catalog", "customers", "links", "merchants", "orders", "subscriptions", "work"]
