"""Buy Now as it is first written: Flask, the ORM's units of work, a stock token, the same rows in the same database.

Honest and naive: three commits where a gateway demands them, but no guard against a second press, no lease, no page that is
compared with what was shown, no hash chain. Objects are loaded as tutorials load them, and expire with each commit.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Flask, redirect, request
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.gateways.port import CreatePayment, Gateways, Marks, Payment
from app.models.catalog import Product
from app.models.customers import Customer, StoredCard
from app.models.links import LinkUse
from app.models.merchants import Book
from app.models.orders import Attempt, Consent, Fulfilment, Order, Transition
from app.models.store import Store
from app.models.subscriptions import Entitlement, Lot, Subscription, SubscriptionChange, SubscriptionItem
from app.models.work import Outbox

SEAT = 1000
"""What a seat more costs, a year, as in the links of the other rows."""


class Twin:
    """``app`` answers ``POST /buy/<token>`` with 303 once the money is taken and the seat is there."""

    def __init__(self, store: Store, gateways: Gateways, now: datetime) -> None:
        self._store, self._gateways, self._now = store, gateways, now
        self._serializer = URLSafeTimedSerializer("the secret of the twin")
        self.app = Flask("twin")
        self.app.testing = True
        self.app.add_url_rule("/buy/<token>", "buy", self._buy, methods=["POST"])

    def token(self, subscription: int) -> str:
        """A link's: which subscription gets how many seats."""
        return self._serializer.dumps({"subscription": subscription, "quantity": 2, "jti": secrets.token_hex(8)})

    def _buy(self, token: str) -> Response:
        offer: dict[str, Any] = self._serializer.loads(token, max_age=7 * 86400)
        with Session(self._store.engine) as session:
            order = _Purchase(session, self._gateways, self._now, offer, request.form["agree"]).run()
            return redirect(f"/done/{order.id}", 303)


class _Purchase:
    def __init__(self, session: Session, gateways: Gateways, now: datetime, offer: dict[str, Any], agree: str) -> None:
        self.session, self.now, self.agree, self.jti = session, now, agree, str(offer["jti"])
        find = session.scalars
        self.subscription = find(select(Subscription).where(Subscription.number == offer["subscription"])).one()
        self.book = session.get_one(Book, self.subscription.book_id)
        self.customer = session.get_one(Customer, self.subscription.customer_id)
        self.card = session.get_one(StoredCard, self.subscription.card_id)
        self.item = find(select(SubscriptionItem).where(SubscriptionItem.subscription_id == self.subscription.id)).one()
        self.product = find(
            select(Product).where(Product.book_id == self.book.id, Product.code == self.item.product)
        ).one()
        self.lots = find(select(Lot).where(Lot.item_id == self.item.id)).all()
        self.more = offer["quantity"] - sum(lot.quantity for lot in self.lots)
        self.gateway = gateways.of(self.book.gateway, self.book.gateway_account, livemode=False)
        self.order = self._order()
        self.attempt = self._attempt()

    def run(self) -> Order:
        """Written, the object made, confirmed, fulfilled: a commit before each call of the gateway, and one at the end."""
        self.session.add(self.order)
        self.session.flush()
        self.session.add_all([self._use(), self.attempt, self._consent()])
        self._log("order", self.order.id, "", "OPEN")
        self._log("attempt", self.attempt.id, "", "CREATED")
        self.session.commit()
        payment = self._create()
        self.attempt.gw_ref, self.attempt.state = payment.ref, "INTENT"
        self._log("attempt", self.attempt.id, "CREATED", "INTENT")
        self.session.commit()
        self.gateway.confirm_payment(self.attempt.gw_ref or "", key=f"{self.attempt.id}:confirm", return_url=None)
        self._settle()
        self.session.commit()
        return self.order

    def _due(self) -> int:
        """The months that are left of the period, of the seats that are added."""
        left = (self.item.period_end.year - self.now.year) * 12 + self.item.period_end.month - self.now.month
        exact = Decimal(SEAT) * self.more * left / 12
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))

    def _order(self) -> Order:
        quote = {"lines": [{"name": self.product.name, "quantity": self.more, "amount": self._due()}]}
        return Order(
            id=secrets.token_hex(10), book_id=self.book.id, number=f"UP-{secrets.token_hex(4)}",
            checkout_id=secrets.token_hex(16), subscription_id=self.subscription.id,
            subscription_version=self.subscription.version, customer_id=self.customer.id, source="link", link_jti=self.jti,
            quote=quote, quote_hash="", quoted_at=self.now, valid_until=self.now + timedelta(hours=1), total=self._due(),
            currency=self.subscription.currency, outcome="pending", state="OPEN", email=self.customer.email, language="en",
            created_at=self.now,
        )  # fmt: skip

    def _attempt(self) -> Attempt:
        return Attempt(
            id=f"{self.order.id}.1", book_id=self.book.id, order_id=self.order.id, n=1, amount=self.order.total,
            currency=self.order.currency, gateway=self.book.gateway, account=self.book.gateway_account, livemode=False,
            payment_method=self.card.token, gw_customer=self.card.gateway_customer, card_id=self.card.id, state="CREATED",
            created_at=self.now, deadline_at=self.now + timedelta(hours=1),
        )  # fmt: skip

    def _use(self) -> LinkUse:
        taken = select(func.count()).select_from(LinkUse).where(LinkUse.jti == self.jti)
        n = int(self.session.scalar(taken) or 0) + 1
        return LinkUse(book_id=self.book.id, jti=self.jti, n=n, order_id=self.order.id)

    def _consent(self) -> Consent:
        card = {"brand": self.card.brand, "last4": self.card.last4}
        return Consent(
            attempt_id=self.attempt.id, book_id=self.book.id, order_id=self.order.id, text=self.agree, version="1",
            language="en", button="Buy now", boxes={}, figures={"due_now": self.order.total}, card=card, quote_hash="",
            ip=request.remote_addr or "", user_agent=request.headers.get("User-Agent", ""), at=self.now,
        )  # fmt: skip

    def _create(self) -> Payment:
        asked = CreatePayment(
            self.attempt.amount, self.attempt.currency, self.attempt.gw_customer, self.attempt.payment_method,
            Marks(self.order.id, self.attempt.id),
        )  # fmt: skip
        payment = self.gateway.create_payment(asked, key=f"{self.attempt.id}:create").payment
        if payment is None:
            raise RuntimeError("no payment")
        return payment

    def _settle(self) -> None:
        order, subscription, book = self.order, self.subscription, self.book
        self.attempt.state, self.attempt.settled_at = "SUCCEEDED", self.now
        order.state, order.outcome, order.paid_at = "PAID", "paid", self.now
        order.version += 1
        before, subscription.version = subscription.version, subscription.version + 1
        position = max(lot.position for lot in self.lots) + 1
        receipt = {"to": order.email, "number": order.number, "total": order.total, "lines": order.quote["lines"]}
        self.session.add_all([
            Lot(item_id=self.item.id, position=position, book_id=book.id, code=self.product.code, quantity=self.more,
                unit_price=SEAT, facts={}),
            Entitlement(book_id=book.id, subscription_id=subscription.id, item=1, lot=position, span_start=self.now,
                        span_end=self.item.period_end, amount=order.total, order_id=order.id, line=1, created_at=self.now),
            SubscriptionChange(book_id=book.id, subscription_id=subscription.id, version=subscription.version,
                               order_id=order.id, cause="order", before={}, after={}, created_at=self.now),
            Fulfilment(order_id=order.id, book_id=book.id, subscription_id=subscription.id, from_version=before,
                       to_version=subscription.version, at=self.now),
            Outbox(id=f"receipt:{order.id}", book_id=book.id, channel="mail", kind="receipt", body=receipt, state="READY",
                   next_at=self.now, created_at=self.now),
            Outbox(id=f"order.paid:{order.id}", book_id=book.id, channel="event", kind="order.paid", body=receipt,
                   state="READY", created_at=self.now),
        ])  # fmt: skip
        self._log("attempt", self.attempt.id, "INTENT", "SUCCEEDED")
        self._log("order", order.id, "OPEN", "PAID")

    def _log(self, kind: str, name: str, old: str, new: str) -> None:
        self.session.add(
            Transition(
                book_id=self.book.id, kind=kind, object=name, from_state=old, to_state=new, cause="bought", actor="twin",
                at=self.now, prev_hash="", hash="",
            )
        )  # fmt: skip
