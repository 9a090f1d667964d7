"""The bytes of an offer that is written out in the link."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Final, NamedTuple

from app.kit.money import LARGEST
from app.links.claims import Alignment, Discount, Effective, WrittenOffer
from app.links.errors import LinkError
from app.links.texts import code_bytes, code_text

MOST_OPTIONS: Final = 4

_TIMINGS: tuple[tuple[Effective, Alignment | None], ...] = (
    ("now", None), ("now", "shorten_new"), ("now", "extend_existing"), ("now", "reset"), ("now", "keep_day"),
    ("next_billing", None), ("early_renewal", None),
)  # fmt: skip
_TIMING_CODES: dict[tuple[Effective, Alignment | None], int] = {timing: code for code, timing in enumerate(_TIMINGS)}
_NO_PRICE, _UNIT_PRICE, _FIRST_DISCOUNT = 0, 1, 2
_DISCOUNTS = tuple(
    Discount(kind, 0, scope) for kind in ("percent", "amount", "unit_price") for scope in ("once", "forever", "periods")
)
_DISCOUNT_CODES = {(kind, scope): code for code, (kind, _, scope, _) in enumerate(_DISCOUNTS, _FIRST_DISCOUNT)}
_HIGHEST_TERMS = _FIRST_DISCOUNT + len(_DISCOUNTS) - 1
# Sizes: letters of quantity and price, with the smallest quantity or price that needs this size.
_SIZES = (("B", "H", 0, 0), ("B", "I", 0, 1 << 16), ("I", "I", 256, 0), ("I", "Q", 0, 1 << 32))
_NEW_ITEM, _WIDE_ITEM = 0, 15
_LARGEST_PERCENT = 10000


class _Plan(NamedTuple):
    """How to read what stands after an offer's head."""

    layout: struct.Struct
    effective: Effective
    alignment: Alignment | None
    terms: int
    options: int
    item: int
    quantity_least: int
    price_least: int


# Keyed by a head that passed the checks of _plan, hence bounded whatever is signed.
_plans: dict[bytes, _Plan] = {}


def _plan(head: bytes) -> _Plan:
    bits = int.from_bytes(head, "big")
    timing, terms, size, options, item = bits >> 13, bits >> 9 & 15, bits >> 7 & 3, bits >> 4 & 7, bits & 15
    if len(head) != 2 or timing >= len(_TIMINGS) or terms > _HIGHEST_TERMS or options > MOST_OPTIONS:
        raise ValueError("unknown bits in the head of an offer")
    if terms == _NO_PRICE and size in (1, 3):
        raise ValueError("a size for a price that is not there")
    quantity, price, quantity_least, price_least = _SIZES[size]
    periods = terms >= _FIRST_DISCOUNT and _DISCOUNTS[terms - _FIRST_DISCOUNT].scope == "periods"
    letters = ("H" if item == _WIDE_ITEM else "0s", quantity, price if terms else "0s", "B" if periods else "0s")
    plan = _plans[head] = _Plan(
        struct.Struct(">H" + "".join(letters)), *_TIMINGS[timing], terms, options, item, quantity_least, price_least
    )
    return plan


def _invalid(field: str, message: str) -> LinkError:
    return LinkError("claims_invalid", f"{field}: {message}", field=field)


def encode_written(offer: WrittenOffer) -> tuple[bytes, tuple[bytes, ...]]:
    """The offer's numbers, and its codes as texts. ``claims_invalid`` names the field that does not fit."""
    item, product, quantity, options, unit_price, discount, effective, alignment, _ = offer
    timing = _TIMING_CODES.get((effective, alignment))
    if timing is None:
        raise _invalid("alignment", "goes with effective now only")
    if item is None:
        item = _NEW_ITEM
    elif item < 1:
        raise _invalid("item", "a running number from 1 to 65535, None for a new one")
    terms, price, periods = _NO_PRICE, 0, b""
    if discount is not None:
        terms, price, periods = _discount_code(discount, unit_price)
    elif unit_price is not None:
        terms, price = _UNIT_PRICE, unit_price
    if price > LARGEST:
        raise _invalid("unit_price", "too large an amount")
    texts = _codes(product, options)
    size = 3 if price >> 32 else 2 if quantity > 255 else 1 if price > 65535 else 0
    bits = timing << 13 | terms << 9 | size << 7 | len(options) << 4 | (item if item < _WIDE_ITEM else _WIDE_ITEM)
    head = bits.to_bytes(2, "big")
    plan = _plans.get(head) or _plan(head)
    try:
        wide = item if item >= _WIDE_ITEM else b""
        return plan.layout.pack(bits, wide, quantity, price if terms else b"", periods), texts
    except struct.error:
        raise _invalid("offer", "item, quantity, price or periods out of range") from None


def _codes(product: str, options: tuple[str, ...]) -> tuple[bytes, ...]:
    field = "product"
    try:
        first = code_bytes(product)
        if not options:
            return (first,)
        field = "options"
        found = (first, *map(code_bytes, options))
    except ValueError as refused:
        raise _invalid(field, str(refused)) from None
    if len(options) > MOST_OPTIONS or not _ascending(found[1:]):
        raise _invalid(field, f"at most {MOST_OPTIONS} codes, ascending, none twice")
    return found


def _ascending(codes: tuple[bytes, ...]) -> bool:
    return all(first < second for first, second in pairwise(codes))


def _discount_code(discount: Discount, unit_price: int | None) -> tuple[int, int, int | bytes]:
    kind, value, scope, periods = discount
    terms = _DISCOUNT_CODES.get((kind, scope))
    if terms is None or (scope == "periods") != (periods > 0):
        raise _invalid("discount", "no such kind or scope; periods go with the scope of that name")
    if unit_price is not None:
        raise _invalid("discount", "a unit price or a discount, not both")
    if not _in_range(kind, value):
        raise _invalid("discount", "out of range")
    return terms, value, periods or b""


def _in_range(kind: str, value: int) -> bool:
    return (kind == "unit_price" or value > 0) and (kind != "percent" or value <= _LARGEST_PERCENT)


def read_numbers(raw: bytes, at: int) -> tuple[int, int, WrittenOffer]:
    """The end of the offer's numbers, how many codes follow among the texts, and the offer without its codes.

    ``ValueError`` or ``struct.error`` for every spelling that ``encode_written`` would not write.
    """
    head = raw[at : at + 2]
    layout, effective, alignment, terms, options, item, quantity_least, price_least = _plans.get(head) or _plan(head)
    _, wide, quantity, price, periods = layout.unpack_from(raw, at)
    if item == _WIDE_ITEM:
        if wide < _WIDE_ITEM:
            raise ValueError("a wide item number that needs none")
        item = wide
    if quantity < quantity_least or (terms and not price_least <= price <= LARGEST):
        raise ValueError("numbers wider than needed, or too large")
    unit_price, discount = None, None
    if terms == _UNIT_PRICE:
        unit_price = price
    elif terms:
        kind, _, scope, _ = _DISCOUNTS[terms - _FIRST_DISCOUNT]
        if not _in_range(kind, price) or periods == 0:
            raise ValueError("a discount out of range")
        discount = Discount(kind, price, scope, periods or 0)
    offer = WrittenOffer(item or None, "", quantity, (), unit_price, discount, effective, alignment)
    return at + layout.size, options + 1, offer


def with_codes(offer: WrittenOffer, codes: list[bytes]) -> WrittenOffer:
    """The offer with its product and options. ``ValueError`` when a code or their order is not as it is written."""
    options = codes[1:]
    if not options:
        return offer._replace(product=code_text(codes[0]))
    if not _ascending(tuple(options)):
        raise ValueError("options out of order")
    return offer._replace(product=code_text(codes[0]), options=tuple(map(code_text, options)))
