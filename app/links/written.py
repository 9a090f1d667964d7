"""The bytes of an offer that is written out in the link."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from app.kit.money import LARGEST
from app.links.claims import Alignment, Discount, Effective, WrittenOffer, new_tuple
from app.links.errors import LinkError
from app.links.texts import code_bytes, code_text, split

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
_NEW_ITEM, _WIDE_ITEM, _ITEM_BITS = 0, 15, 15
_LARGEST_PERCENT = 10000


class _Plan(NamedTuple):
    """How to read what stands after an offer's head."""

    pack: Callable[..., bytes]
    unpack: Callable[[bytes, int], tuple[Any, ...]]
    size: int
    effective: Effective
    alignment: Alignment | None
    terms: int
    options: int
    item: int
    quantity_least: int
    price_least: int


# Keyed by a head that passed the checks of _plan, hence bounded whatever is signed.
_plans: dict[int, _Plan] = {}


def _plan(bits: int) -> _Plan:
    timing, terms, size, options, item = bits >> 13, bits >> 9 & 15, bits >> 7 & 3, bits >> 4 & 7, bits & 15
    if timing >= len(_TIMINGS) or terms > _HIGHEST_TERMS or options > MOST_OPTIONS:
        raise ValueError("unknown bits in the head of an offer")
    if terms == _NO_PRICE and size in (1, 3):
        raise ValueError("a size for a price that is not there")
    quantity, price, quantity_least, price_least = _SIZES[size]
    periods = terms >= _FIRST_DISCOUNT and _DISCOUNTS[terms - _FIRST_DISCOUNT].scope == "periods"
    letters = ("H" if item == _WIDE_ITEM else "0s", quantity, price if terms else "0s", "B" if periods else "0s")
    layout = struct.Struct(">" + "".join(letters))
    plan = _plans[bits] = _Plan(
        layout.pack,
        layout.unpack_from,
        layout.size,
        *_TIMINGS[timing],
        terms,
        options,
        item,
        quantity_least,
        price_least,
    )
    return plan


def _invalid(field: str, message: str) -> LinkError:
    return LinkError("claims_invalid", f"{field}: {message}", field=field)


# The usual offer: a unit price, both numbers in their narrowest size, the item in the head. Offers of one campaign differ
# in these two numbers alone, so what surrounds them was checked with the first: here by what it says, there by its bytes.
_USUAL_BITS, _USUAL = 0x1F80, _UNIT_PRICE << 9
_MOST_KEPT = 2048
_Encoded = tuple[int, bytes, tuple[bytes, ...]]
_Frame = tuple[int, Callable[..., bytes], tuple[bytes, ...]]
_frames: dict[tuple[int | None, str, tuple[str, ...], str, str | None], _Frame] = {}
_read_frames: dict[tuple[int, bytes], WrittenOffer] = {}


# The links of a batch mostly share one offer: the last one, both ways. Replaced whole, so no thread sees half of it.
_last_encoded: tuple[WrittenOffer | None, _Encoded] = (None, (0, b"", ()))
_last_read: tuple[bytes, int, WrittenOffer | None] = (b"", 0, None)


def encode_written(offer: WrittenOffer) -> _Encoded:
    """The offer's head, its numbers, and its codes as texts. ``claims_invalid`` names the field that does not fit."""
    global _last_encoded
    last, encoded = _last_encoded
    if offer is last:
        return encoded
    item, product, quantity, options, price, discount, effective, alignment, _ = offer
    if price is None or discount is not None or not (0 <= price < 1 << 16 and 0 <= quantity < 1 << 8):
        return _encode(offer)
    said = item, product, options, effective, alignment
    frame = _frames.get(said)
    if frame is not None:
        bits, pack, texts = frame
        encoded = bits, pack(b"", quantity, price, b""), texts
    else:
        encoded = _encode(offer)
        bits, _, texts = encoded
        if bits & _ITEM_BITS != _WIDE_ITEM:
            _keep(_frames, said, (bits, _plans[bits].pack, texts))
    _last_encoded = offer, encoded
    return encoded


def _keep(kept: dict[Any, Any], key: object, value: object) -> None:
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[key] = value


@lru_cache(2048)
def _encode(offer: WrittenOffer) -> _Encoded:
    item, product, quantity, options, unit_price, discount, effective, alignment, _ = offer
    timing = _TIMING_CODES.get((effective, alignment))
    if timing is None:
        raise _invalid("alignment", "goes with effective now only")
    terms, price, periods = _NO_PRICE, 0, b""
    if discount is not None:
        terms, price, periods = _discount_code(discount, unit_price)
    elif unit_price is not None:
        terms, price = _UNIT_PRICE, unit_price
    bits, wide = timing << 13 | terms << 9, b""
    if item is not None:
        if item < 1:
            raise _invalid("item", "a running number from 1 to 65535, None for a new one")
        if item >= _WIDE_ITEM:
            item, wide = _WIDE_ITEM, item
        bits |= item
    if quantity > 255 or price > 65535:
        if price > LARGEST:
            raise _invalid("unit_price", "too large an amount")
        bits |= 3 << 7 if price >> 32 else 2 << 7 if quantity > 255 else 1 << 7
    try:
        texts = (code_bytes(product),)
    except ValueError as refused:
        raise _invalid("product", str(refused)) from None
    if options:
        bits, texts = bits | len(options) << 4, texts + _option_texts(options)
    plan = _plans.get(bits) or _plan(bits)
    try:
        return bits, plan.pack(wide, quantity, price if terms else b"", periods), texts
    except struct.error:
        raise _invalid("offer", "item, quantity, price or periods out of range") from None


def _option_texts(options: tuple[str, ...]) -> tuple[bytes, ...]:
    try:
        found = tuple(map(code_bytes, options))
    except ValueError as refused:
        raise _invalid("options", str(refused)) from None
    if len(found) > MOST_OPTIONS or not _ascending(found):
        raise _invalid("options", f"at most {MOST_OPTIONS} codes, ascending, none twice")
    return found


def _ascending(codes: Sequence[bytes]) -> bool:
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


def read_alone(raw: bytes, head: int) -> WrittenOffer:
    """The offer of this head whose numbers and codes are these bytes, with the refusals of ``read_written``."""
    global _last_read
    last, last_head, offer = _last_read
    if raw == last and head == last_head and offer is not None:
        return offer
    if head & _USUAL_BITS != _USUAL or head & _ITEM_BITS == _WIDE_ITEM:
        return _read(raw, head)
    known = _read_frames.get((head, raw[3:]))
    if known is not None:
        item, product, _, options, _, _, effective, alignment, kind = known
        price = raw[1] << 8 | raw[2]
        offer = new_tuple(WrittenOffer, (item, product, raw[0], options, price, None, effective, alignment, kind))
    else:
        offer = _read(raw, head)
        _keep(_read_frames, (head, raw[3:]), offer)
    _last_read = raw, head, offer
    return offer


@lru_cache(2048)
def _read(raw: bytes, head: int) -> WrittenOffer:
    return read_written(raw, 0, head, 0)[0]


def read_written(raw: bytes, at: int, head: int, before: int) -> tuple[WrittenOffer, list[bytes]]:
    """The offer of this head whose numbers start at ``at``, and the ``before`` texts that stand ahead of its codes.

    ``ValueError`` or ``struct.error`` for every spelling that ``encode_written`` and ``join`` do not write.
    """
    _, unpack, size, effective, alignment, terms, options, item, quantity_least, price_least = _plans.get(
        head
    ) or _plan(head)
    wide, quantity, price, periods = unpack(raw, at)
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
    at += size
    texts, added = [], ()
    if before or options:
        texts = split(raw, at, before + 1 + options)
        product = code_text(texts[before])
        if options:
            codes = texts[before + 1 :]
            if not _ascending(codes):
                raise ValueError("options out of order")
            added = tuple(map(code_text, codes))
    else:
        product = code_text(raw[at:])
    offer = new_tuple(
        WrittenOffer, (item or None, product, quantity, added, unit_price, discount, effective, alignment, "written")
    )
    return offer, texts
