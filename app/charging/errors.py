"""Why an order was not placed. A declined card is never an error: it is the attempt's state.

LiftlinkError
└── ChargingError
    change_in_progress    another order with an open attempt holds the subscription; ``order``
    link_used             every use of the link is held or spent; ``order`` holds the newest
    payment_unmatched     a use of the link is held by a payment whose order is not known: a person looks into it
    too_many_tries        ``opens_at`` says when the next try is allowed; ``per`` is subscription, card or customer
    order_closed          this checkout's order ended without money (expired or cancelled): show a fresh cart; ``order``
    quote_differs         this checkout's order was placed with other figures; ``order``
    subscription_moved    the subscription changed since it was quoted
    balance_moved         the customer's balance changed since it was quoted
    card_unusable         no such card of this customer, or the bank said never to try it again
    not_eligible          the quote itself refuses; ``reason`` is its code
    quote_expired         the quote is older than it may be
    charging_closed       the database was restored; nothing is charged until the gateway's books were read (``gate``)
"""

from __future__ import annotations

from app.kit.errors import LiftlinkError


class ChargingError(LiftlinkError):
    """Nothing was written and nothing was charged by this call; ``code`` says why, ``details`` hold the rest."""
