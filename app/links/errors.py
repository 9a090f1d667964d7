"""Refusals of links and of the other signed tokens, each with a name.

    LiftlinkError
    └── LinkError        code from CODES; ``link`` holds what was read when the signature was good

``claims_invalid`` and ``validity_invalid`` name the wrong field in ``details["field"]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.kit.errors import LiftlinkError

if TYPE_CHECKING:
    from app.links.signing import ReadLink

CODES: Final[dict[str, str]] = {
    # Read from the token alone (this room).
    "link_malformed": "not a complete link: cut short, re-spelled, or contradicted by its address",
    "link_bad_signature": "no key of ours signed this for this purpose and host",
    "link_key_retired": "signed by a key that was taken out of service",
    "link_expired": "its time is over",
    "link_wrong_ip": "opened from another address than the one it was made for",
    # Known only with the store (rooms offers, checkout, campaigns).
    "link_revoked": "taken back by the merchant",
    "link_used": "used as often as it allows",
    "campaign_closed": "its campaign is not open",
    "campaign_exhausted": "its campaign is used up",
    # The short-lived tokens of the pages behind a link; ``details["purpose"]`` says which.
    "token_malformed": "not a complete token of this purpose",
    "token_bad_signature": "no key of ours signed this for this purpose",
    "token_key_retired": "signed by a key that was taken out of service",
    "token_expired": "the page was open too long",
    # Refused at issue, before anything is signed.
    "offer_too_long": "the link would not fit; save the offer and mint by its number",
    "claims_invalid": "a field cannot be put into a link",
    "validity_invalid": "no validity such as 10s, 45m, 12h or 7d, at most 400d",
    "key_invalid": "the key cannot sign this",
}
"""Every code of this room, and those that other rooms give about a link, with what each means."""


class LinkError(LiftlinkError):
    """A link or token that cannot be read or made. Its message never holds the token.

    ``link`` is set for ``link_expired``, ``link_key_retired`` and ``link_wrong_ip``: the signature was good, so the page
    may know whose link it was.
    """

    def __init__(self, code: str, message: str = "", *, link: ReadLink | None = None, **details: object) -> None:
        super().__init__(code, message or CODES[code], **details)
        self.link = link
