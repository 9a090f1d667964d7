"""Colour arithmetic: sRGB to OKLCH and back, and the contrast of two colours. Pure numbers in 0…1.

The matrices are Björn Ottosson's (https://bottosson.github.io/posts/oklab/, public domain); luminance and contrast are
those of WCAG 2.2.
"""

from __future__ import annotations

import math
import re

Rgb = tuple[float, float, float]

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.ASCII | re.IGNORECASE)


def parse_hex(text: str) -> Rgb:
    """``#0e5a73`` or ``#fff`` as three numbers in 0…1. ``ValueError`` for anything else."""
    if not _HEX.fullmatch(text):
        raise ValueError(f"{text!r} is no colour such as #0e5a73")
    digits = text[1:] if len(text) == 7 else "".join(letter * 2 for letter in text[1:])
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def to_hex(colour: Rgb) -> str:
    """Rounded to eight bits a channel, lower case."""
    return "#" + "".join(f"{round(min(max(part, 0.0), 1.0) * 255):02x}" for part in colour)


def rounded(colour: Rgb) -> Rgb:
    """The colour as a browser will paint it, so that contrast is measured on what is seen."""
    return parse_hex(to_hex(colour))


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _gamma(part: float) -> float:
    return part * 12.92 if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055


def luminance(colour: Rgb) -> float:
    """Relative luminance of WCAG."""
    red, green, blue = (_linear(part) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Between 1 and 21, whichever is lighter."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def to_oklch(colour: Rgb) -> tuple[float, float, float]:
    """Lightness 0…1, chroma, hue in radians."""
    red, green, blue = (_linear(part) for part in colour)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    light = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return light, math.hypot(a, b), math.atan2(b, a)


def _from_oklch(light: float, chroma: float, hue: float) -> Rgb:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _in_gamut(linear: Rgb) -> bool:
    return all(-1e-4 <= part <= 1 + 1e-4 for part in linear)


def from_oklch(light: float, chroma: float, hue: float) -> Rgb:
    """The sRGB colour of that lightness and hue, with as much of the chroma as the gamut holds."""
    light = min(max(light, 0.0), 1.0)
    linear = _from_oklch(light, chroma, hue)
    if not _in_gamut(linear):
        low, high = 0.0, chroma
        for _ in range(24):
            middle = (low + high) / 2
            if _in_gamut(_from_oklch(light, middle, hue)):
                low = middle
            else:
                high = middle
        linear = _from_oklch(light, low, hue)
    red, green, blue = (_gamma(min(max(part, 0.0), 1.0)) for part in linear)
    return red, green, blue


def mixed(colour: Rgb, ground: Rgb, share: float) -> Rgb:
    """``share`` of the colour laid over the ground, as a browser blends a translucent layer."""
    red, green, blue = (part * share + under * (1 - share) for part, under in zip(colour, ground, strict=True))
    return red, green, blue
