"""Why a cart does not open or a press does not buy.

    LiftlinkError
    └── CheckoutRefused
        link_malformed       the link names no subscription of this book
        link_revoked         taken back; ``reason``
        link_used            spent; ``order`` is the id of the order that used it
        offer_closed         the saved offer was switched off or is over; ``ends_at``
        quantity_not_offered  the shopper may not choose that many (any more); ``field``, ``quantity``, ``smallest``, ``largest``
        options_not_offered  the shopper may not choose these options (any more); ``field``, ``options``
        options_wrong        what was picked cannot be changed to; ``field``, ``picked``, ``reason`` (of Eligibility, or "")
        quantity_wrong       what was typed is no number to choose; ``field``, ``typed``, ``reason`` (of Eligibility, or "")
        offer_unpriced       the change cannot be priced any more: its product or price is gone; ``held``
        not_eligible         the quote refuses; ``quote`` says why
        order_running        an order of this link is under way, or a payment of it is looked into; ``order`` is its id
        page_too_old         the page's quote is over or its form was not made for it: show a fresh cart
        price_changed        the figures differ now; ``shown`` is the fingerprint that the page held
        form_incomplete      ``missing`` lists ``consent``, ``start_now``, ``card``
        card_unusable        the chosen card is not one that this cart may charge
        step_up_needed       the merchant asks for a code or a card entered again first; ``how``
        preview_only         a merchant's preview: nothing can be bought
        gateway_silent       the card page could not be opened; nothing happened

None of them charged anything.
"""

from __future__ import annotations

from app.kit.errors import LiftlinkError


class CheckoutRefused(LiftlinkError):
    """``code`` is one of the list above; ``details`` hold what the page needs."""
