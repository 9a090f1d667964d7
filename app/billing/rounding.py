"""Exact fractions become minor units here and nowhere else. Rounding looks at the magnitude: −74.985 is −74.99."""

from __future__ import annotations

from collections.abc import Callable

Rounding = Callable[[int, int], int]
"""``rounding(numerator, denominator)``, the denominator above 0."""


def half_up(numerator: int, denominator: int) -> int:
    if numerator < 0:
        return -((-2 * numerator + denominator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)


def half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(abs(numerator), denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole & 1):
        whole += 1
    return -whole if numerator < 0 else whole


def down(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator) if numerator < 0 else numerator // denominator


ROUNDINGS: dict[str, Rounding] = {"half_up": half_up, "half_even": half_even, "down": down}
