from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.links.claims import CampaignOffer, Discount, LinkClaims, LinkId, SavedOffer, WrittenOffer
from app.links.errors import LinkError
from app.links.format import decode, encode
from tests.unit.links.samples import CLAIMS, ISSUED, SEAT
from tests.unit.links.strategies import claims as any_claims


@settings(max_examples=50, deadline=None)
@given(any_claims)
def test_claims_come_back_as_they_went(claims: LinkClaims):
    assert decode(encode(claims)) == claims


@settings(max_examples=50, deadline=None)
@given(any_claims, st.data())
def test_whatever_is_decoded_has_one_spelling(claims: LinkClaims, data: st.DataObject):
    """Any byte changed, dropped or added gives a refusal or claims whose own spelling is these very bytes."""
    raw = bytearray(encode(claims))
    at = data.draw(st.integers(0, min(len(raw) - 1, 40)))
    act = data.draw(st.sampled_from(["change", "drop", "add", "cut"]))
    if act == "change":
        raw[at] ^= data.draw(st.integers(1, 255))
    elif act == "drop":
        del raw[at]
    elif act == "add":
        raw.insert(at, data.draw(st.integers(0, 255)))
    else:
        del raw[at:]
    assert spelling_or_code(bytes(raw)) in {bytes(raw), "link_malformed"}


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_refused_by_name_or_canonical(raw: bytes):
    assert spelling_or_code(raw) in {raw, "link_malformed"}


def spelling_or_code(raw: bytes) -> bytes | str:
    """What the claims of these bytes are written as, or the code with which they are refused."""
    try:
        return encode(decode(raw))
    except LinkError as refused:
        return refused.code


def spelled(**changes: int) -> bytes:
    """The bytes of small claims with some of them replaced by position."""
    raw = bytearray(encode(CLAIMS._replace(customer=1048, subscription=1001, offer=SavedOffer(7))))
    for name, value in changes.items():
        raw[int(name[1:])] = value
    return bytes(raw)


PLAIN = spelled()


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN + b"\0",
        PLAIN[:-1],
        b"",
        b"\x20",
        bytes([PLAIN[0] & 0x1F]) + PLAIN[1:],  # format 0
        bytes([PLAIN[0] | 0x60]) + PLAIN[1:],  # format 3
        bytes([PLAIN[0] | 3]) + PLAIN[1:],  # no such kind of offer
        bytes([PLAIN[0], PLAIN[1] | 0xC0]) + PLAIN[2:],  # no such width of a batch
        bytes([PLAIN[0], PLAIN[1] | 0x01]) + PLAIN[2:-4] + PLAIN[-4:] + b"\0",  # extras without a flag
        bytes([PLAIN[0], PLAIN[1] | 0x01]) + PLAIN[2:] + b"\x04\0\1",  # one use, written out
        bytes([PLAIN[0], PLAIN[1] | 0x01]) + PLAIN[2:] + b"\x03" + bytes(8),  # no such address
        bytes([PLAIN[0], PLAIN[1] | 0x01]) + PLAIN[2:] + b"\x08",  # unknown flag
        bytes([PLAIN[0], PLAIN[1] | 0x40]) + PLAIN[2:11] + b"\0\3" + PLAIN[12:],  # a batch of 3 in two bytes
        bytes([PLAIN[0], PLAIN[1] | 0x10]) + PLAIN[2:12] + b"\0\x29" + PLAIN[13:],  # a position of 41 in two bytes
        bytes([PLAIN[0] | 0x08, PLAIN[1]]) + b"\0\0\4\x18\0\0\3\xe9" + PLAIN[6:],  # references in four bytes
        bytes([PLAIN[0] | 0x04, PLAIN[1]]) + b"\0\4\x18\0\3\xe9" + PLAIN[6:],  # references in three
        PLAIN[:-4] + bytes(4),  # offer 0
        PLAIN[:2] + bytes(2) + PLAIN[4:],  # customer 0
        PLAIN[:10] + b"\0" + PLAIN[11:],  # no validity
    ],
)
def test_every_other_spelling_is_malformed(raw: bytes):
    assert decode(PLAIN).link_id == LinkId(3, 41)
    with pytest.raises(LinkError) as refused:
        decode(raw)
    assert refused.value.code == "link_malformed"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("customer", {"customer": 0}),
        ("customer", {"customer": "somebody@example.com"}),
        ("customer", {"customer": "somebody＠example.com"}),
        ("customer", {"customer": "x" * 33}),
        ("customer", {"customer": ""}),
        ("customer", {"customer": " x"}),
        ("customer", {"customer": 1 << 32}),
        ("subscription", {"subscription": -1}),
        ("subscription", {"subscription": "line\nbreak"}),
        ("offer", {"offer": CampaignOffer(0)}),
        ("offer", {"offer": SavedOffer(1 << 32)}),
        ("offer", {"offer": SEAT._replace(quantity=-1)}),
        ("offer", {"offer": SEAT._replace(unit_price=-1)}),
        ("offer", {"offer": SEAT._replace(item=65536)}),
        ("item", {"offer": SEAT._replace(item=0)}),
        ("product", {"offer": SEAT._replace(product="a,b")}),
        ("product", {"offer": SEAT._replace(product="")}),
        ("options", {"offer": SEAT._replace(options=("b", "a"))}),
        ("options", {"offer": SEAT._replace(options=("a", "a"))}),
        ("options", {"offer": SEAT._replace(options=("a", "b", "c", "d", "e"))}),
        ("options", {"offer": SEAT._replace(options=("a b",))}),
        ("unit_price", {"offer": SEAT._replace(unit_price=2**53 + 1)}),
        ("discount", {"offer": SEAT._replace(discount=Discount("percent", 2000))}),
        ("discount", {"offer": WrittenOffer(1, "p", 1, discount=Discount("percent", 10001))}),
        ("discount", {"offer": WrittenOffer(1, "p", 1, discount=Discount("amount", 0))}),
        ("discount", {"offer": WrittenOffer(1, "p", 1, discount=Discount("amount", 5, "once", 3))}),
        ("alignment", {"offer": SEAT._replace(effective="next_billing", alignment="reset")}),
        ("expires_at", {"expires_at": ISSUED}),
        ("expires_at", {"expires_at": ISSUED + 401 * 86400}),
        ("issued_at", {"issued_at": 1 << 32, "expires_at": (1 << 32) + 5}),
        ("link_id", {"link_id": LinkId(-1, 0)}),
        ("link_id", {"link_id": LinkId(1, 1 << 64)}),
        ("ip", {"ip": b"123"}),
        ("ip", {"ip": b""}),
        ("uses", {"uses": 0}),
        ("uses", {"uses": 65536}),
    ],
)
def test_a_field_that_does_not_fit_is_named(field: str, changes: dict[str, object]):
    with pytest.raises(LinkError) as refused:
        encode(CLAIMS._replace(**changes))
    assert (refused.value.code, refused.value.details["field"]) == ("claims_invalid", field)


def test_offers_of_two_kinds_with_one_number_differ():
    assert CampaignOffer(7) != SavedOffer(7)
    assert encode(CLAIMS._replace(offer=CampaignOffer(7))) != encode(CLAIMS._replace(offer=SavedOffer(7)))
