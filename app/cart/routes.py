"""The blueprint and its error handlers; the views stand in their own modules by the part of the way they serve."""

from __future__ import annotations

from flask import Blueprint

from app.cart import buying, opening, outcome, proving, undoing
from app.cart.door import Answer
from app.cart.refusing import answer_charging, answer_checkout
from app.cart.refusing_links import answer_link
from app.charging.errors import ChargingError
from app.checkout.errors import CheckoutRefused
from app.links.errors import LinkError

cart = Blueprint("cart", __name__)

cart.get("/u/<token>")(opening.open_mailed_link)
cart.post("/u/<token>/fresh")(opening.send_fresh_link)
cart.get("/u/<token>/sent")(opening.fresh_link_sent)
cart.get("/order/upgrade")(opening.open_classic_address)
cart.get("/order/upgrade.php")(opening.open_classic_address)
cart.post("/order/upgrade/fresh")(opening.send_link_for_classic)
cart.get("/order/upgrade/sent")(opening.classic_sent)
cart.get("/look/<ticket>.css")(opening.person_seen)
cart.get("/legal/<merchant>/<any(terms, refunds, privacy):kind>")(opening.legal)

cart.get("/cart/<token>")(buying.show_cart)
cart.post("/cart/<token>/buy")(buying.buy)
cart.post("/cart/<token>/quantity")(buying.choose)
cart.post("/cart/<token>/options")(buying.choose)
cart.post("/cart/<token>/fresh")(opening.send_fresh_link_for_cart)
cart.get("/cart/<token>/sent")(opening.fresh_link_sent_for_cart)
cart.get("/cart/<token>/card")(buying.card_page)
cart.post("/cart/<token>/card")(buying.enter_card)
cart.get("/card-back/<state>")(buying.back_from_card_page)
cart.get("/cart/<token>/code")(proving.code_page)
cart.post("/cart/<token>/code")(proving.send_code)
cart.post("/cart/<token>/code/check")(proving.check_code)
cart.post("/cart/<token>/email")(buying.change_email)
cart.get("/cart/<token>/not-you")(buying.not_you)
cart.get("/cart/<token>/no-thanks")(buying.no_thanks)

cart.get("/done/<token>")(outcome.show)
cart.route("/bank-back/<state>", methods=["GET", "POST"])(outcome.back_from_bank)
cart.get("/done/<token>/state")(outcome.state)
cart.post("/done/<token>/leave")(outcome.leave_bank)
cart.get("/done/<token>/undo")(undoing.ask)
cart.post("/done/<token>/undo")(undoing.undo)
cart.post("/done/<token>/receipt")(outcome.send_receipt)
cart.get("/done/<token>/receipt-sent")(outcome.receipt_sent)


@cart.errorhandler(LinkError)
def link_refused(error: LinkError) -> Answer:
    return answer_link(error)


@cart.errorhandler(CheckoutRefused)
def checkout_refused(error: CheckoutRefused) -> Answer:
    return answer_checkout(error)


@cart.errorhandler(ChargingError)
def charging_refused(error: ChargingError) -> Answer:
    return answer_charging(error)
