"""New objects in Stripe's shape. What begins with ``_`` is the server's own and is never shown."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

from tests.stripe_server.cards import Card
from tests.stripe_server.state import Row, new_id


def owned(kind: str, ref: str, now: float, account: str, livemode: bool) -> Row:
    return {"id": ref, "object": kind, "created": int(now), "livemode": livemode, "_account": account, "_at": now}


def customer(base: Row) -> Row:
    return {
        **base, "address": None, "balance": 0, "currency": None, "default_source": None, "delinquent": False, "description": None,
        "discount": None, "email": None, "invoice_prefix": new_id("", 8).upper(), "metadata": {}, "name": None,
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None},
        "next_invoice_sequence": 1, "phone": None, "preferred_locales": [], "shipping": None, "tax_exempt": "none", "test_clock": None,
    }  # fmt: skip


def payment_method(base: Row, card: Card) -> Row:
    mark = hashlib.sha256(f"{base['_account']} {card.number}".encode()).hexdigest()[:16]
    return {
        **base, "allow_redisplay": "unspecified", "billing_details": billing_details(), "customer": None, "customer_account": None, "metadata": {}, "type": "card",
        "card": {
            "brand": card.brand, "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US", "display_brand": card.brand, "exp_month": card.exp_month, "exp_year": card.exp_year, "fingerprint": mark,
            "funding": "credit", "generated_from": None, "last4": card.number[-4:],
            "networks": {"available": [card.brand], "preferred": None}, "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True}, "wallet": None,
        },
        "_card": asdict(card), "_set_up": False, "_detached": False,
    }  # fmt: skip


def billing_details() -> Row:
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {"address": address, "email": None, "name": None, "phone": None, "tax_id": None}


def payment_intent(base: Row, *, amount: int, currency: str, capture_method: str) -> Row:
    return {
        **base, "amount": amount, "amount_capturable": 0, "amount_details": {"tip": {}}, "amount_received": 0, "application": None,
        "application_fee_amount": None, "automatic_payment_methods": None, "canceled_at": None, "cancellation_reason": None,
        "capture_method": capture_method, "client_secret": f"{base['id']}_secret_{new_id('', 25)}", "confirmation_method": "automatic",
        "currency": currency, "customer": None, "customer_account": None, "description": None, "excluded_payment_method_types": None,
        "last_payment_error": None, "latest_charge": None, "metadata": {}, "next_action": None, "on_behalf_of": None, "payment_method": None,
        "payment_method_configuration_details": None, "payment_method_options": {}, "payment_method_types": ["card"], "processing": None,
        "receipt_email": None, "review": None, "setup_future_usage": None, "shipping": None,         "statement_descriptor": None, "statement_descriptor_suffix": None, "status": "requires_payment_method",
        "transfer_data": None, "transfer_group": None,
        "_off_session": False, "_return_url": None, "_check": None, "_resolves_at": None,
    }  # fmt: skip


def charge(base: Row, intent: Row, method: Row) -> Row:
    card = {
        "amount_authorized": intent["amount"], "authorization_code": None, "brand": method["card"]["brand"],
        "checks": {**method["card"]["checks"]}, "country": "US", "exp_month": method["card"]["exp_month"],
        "exp_year": method["card"]["exp_year"], "extended_authorization": {"status": "disabled"}, "fingerprint": method["card"]["fingerprint"],
        "funding": "credit", "incremental_authorization": {"status": "unavailable"}, "installments": None, "last4": method["card"]["last4"],
        "mandate": None, "multicapture": {"status": "unavailable"}, "network": method["card"]["brand"], "network_token": {"used": False},
        "network_transaction_id": new_id("", 15), "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated", "three_d_secure": None, "wallet": None,
    }  # fmt: skip
    return {
        **base, "amount": intent["amount"], "amount_captured": 0, "amount_refunded": 0, "application": None,
        "application_fee": None, "application_fee_amount": None, "balance_transaction": None, "billing_details": billing_details(),
        "calculated_statement_descriptor": "LIFTLINK", "captured": False, "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": False, "failure_balance_transaction": None, "failure_code": None,
        "failure_message": None, "fraud_details": {}, "metadata": {**intent["metadata"]}, "on_behalf_of": None, "outcome": None,
        "paid": False, "payment_intent": intent["id"], "payment_method": method["id"],
        "payment_method_details": {"card": card, "type": "card"}, "receipt_email": None, "receipt_number": None,
        "receipt_url": f"https://pay.stripe.example/receipts/{base['id']}", "refunded": False, "review": None, "shipping": None,
        "source_transfer": None, "statement_descriptor": None, "statement_descriptor_suffix": None,
        "status": "pending", "transfer_data": None, "transfer_group": None,
    }  # fmt: skip


def refund(base: Row, charged: Row, *, amount: int, reason: str | None, metadata: Row) -> Row:
    row = {
        **base, "amount": amount, "balance_transaction": None, "charge": charged["id"], "currency": charged["currency"],
        "destination_details": {"card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}, "type": "card"},
        "metadata": metadata, "payment_intent": charged["payment_intent"], "reason": reason, "receipt_number": None,
        "source_transfer_reversal": None, "status": "succeeded", "transfer_reversal": None, "_livemode": base["livemode"],
    }  # fmt: skip
    del row["livemode"]  # Stripe's refunds do not say it
    return row


EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "customer_communication", "customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature",
    "duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy",
    "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address",
    "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip


def dispute(base: Row, charged: Row) -> Row:
    evidence: dict[str, Any] = {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}}
    return {
        **base, "amount": charged["amount"], "balance_transactions": [], "charge": charged["id"], "currency": charged["currency"],
        "enhanced_eligibility_types": [], "evidence": evidence,
        "evidence_details": {
            "due_by": base["created"] + 7 * 86400, "enhanced_eligibility": {}, "has_evidence": False, "past_due": False, "submission_count": 0,
        },
        "is_charge_refundable": False, "metadata": {}, "payment_intent": charged["payment_intent"], "reason": "fraudulent",
        "payment_method_details": {"card": {"brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "83"}, "type": "card"},
        "status": "needs_response",
    }  # fmt: skip


def setup_intent(base: Row) -> Row:
    return {
        **base, "application": None, "automatic_payment_methods": None, "cancellation_reason": None, "client_secret": f"{base['id']}_secret_{new_id('', 25)}",
        "customer": None, "customer_account": None, "description": None, "excluded_payment_method_types": None, "flow_directions": None, "last_setup_error": None,
        "latest_attempt": None, "mandate": None, "metadata": {}, "next_action": None, "on_behalf_of": None, "payment_method": None,
        "payment_method_configuration_details": None, "payment_method_options": {"card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"], "single_use_mandate": None, "status": "requires_payment_method", "usage": "off_session",
        "_return_url": None, "_check": None,
    }  # fmt: skip


def checkout_session(base: Row) -> Row:
    return {
        **base, "adaptive_pricing": None, "after_expiration": None, "allow_promotion_codes": None, "amount_subtotal": None, "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None}, "billing_address_collection": None,
        "cancel_url": None, "client_reference_id": None, "client_secret": None, "collected_information": None, "consent": None, "consent_collection": None,
        "currency": None, "currency_conversion": None, "custom_fields": [],
        "custom_text": {"after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None},
        "customer": None, "customer_account": None, "customer_creation": None, "customer_details": None, "customer_email": None, "discounts": None,
        "expires_at": base["created"] + 86400, "invoice": None, "invoice_creation": None, "locale": None, "metadata": {}, "mode": "setup",
        "origin_context": None, "payment_intent": None, "payment_link": None, "payment_method_collection": "always",
        "payment_method_configuration_details": None, "payment_method_options": {}, "payment_method_types": ["card"], "payment_status": "no_payment_required",
        "permissions": None, "recovered_from": None, "saved_payment_method_options": None, "setup_intent": None, "shipping_address_collection": None,
        "shipping_cost": None, "shipping_options": [], "status": "open", "submit_type": None, "subscription": None, "success_url": None,
        "total_details": None, "ui_mode": "hosted_page", "url": None, "wallet_options": None,
    }  # fmt: skip
