"""Six tokens, light and dark, from a merchant's one colour. Pure; every pair is checked for contrast before it is served.

The steps are those of the design's "Brand hook": move lightness in OKLCH until the colour stands out on all four
grounds, until words on it can be read, and until links in it can be read. White, black, yellow and neon included.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.web.assets import content_hash
from app.web.oklch import Rgb, contrast, from_oklch, mixed, parse_hex, rounded, to_hex, to_oklch

STEP: Final = 0.01
HOVER: Final = 0.06
DEFAULT_COLOUR: Final = "#234e9d"
_WHITE: Final = parse_hex("#ffffff")
_NIGHT: Final = parse_hex("#12161c")


@dataclass(frozen=True, slots=True)
class Theme:
    """What does not depend on the merchant: the three grounds of base.css and how far to go on them."""

    direction: int
    surface: Rgb
    bg: Rgb
    sunken: Rgb
    soft_share: float
    shown: float
    """Least contrast of the brand on every ground."""


LIGHT: Final = Theme(-1, _WHITE, parse_hex("#f4f5f7"), parse_hex("#f0f2f4"), 0.07, 3.0)
DARK: Final = Theme(1, parse_hex("#161a20"), parse_hex("#0e1115"), parse_hex("#1d222a"), 0.09, 6.0)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The six custom properties of one theme, as hexadecimal colours."""

    brand: str
    brand_hover: str
    on_brand: str
    brand_ink: str
    brand_soft: str
    brand_line: str


def _soft(colour: Rgb, theme: Theme) -> Rgb:
    return rounded(mixed(colour, theme.surface, theme.soft_share))


def _grounds(colour: Rgb, theme: Theme) -> tuple[Rgb, Rgb, Rgb, Rgb]:
    return theme.surface, theme.bg, theme.sunken, _soft(colour, theme)


def _words_on(colour: Rgb) -> Rgb:
    return max(_WHITE, _NIGHT, key=lambda words: contrast(words, colour))


def _least(colour: Rgb, grounds: tuple[Rgb, ...]) -> float:
    return min(contrast(colour, ground) for ground in grounds)


def _at(light: float, chroma: float, hue: float) -> Rgb:
    return rounded(from_oklch(light, chroma, hue))


def tokens(colour: str, theme: Theme) -> Tokens:
    """The theme's six tokens. ``ValueError`` when ``colour`` is not written ``#rrggbb`` or ``#rgb``."""
    brand = parse_hex(colour)
    light, chroma, hue = to_oklch(brand)
    while _least(brand, _grounds(brand, theme)) < theme.shown or contrast(_words_on(brand), brand) < 4.5:
        light += theme.direction * STEP
        brand = _at(light, chroma, hue)
    words = _words_on(brand)
    soft = _soft(brand, theme)
    ink, ink_light = brand, light
    while _least(ink, (theme.surface, theme.bg, theme.sunken, soft)) < 4.5:
        ink_light += theme.direction * STEP
        ink = _at(ink_light, chroma, hue)
    hover = _at(light + theme.direction * HOVER, chroma, hue)
    if contrast(words, hover) < 4.5:
        hover = brand
    line = mixed(brand, theme.surface, 0.35)
    return Tokens(*(to_hex(part) for part in (brand, hover, words, ink, soft, line)))


def _block(found: Tokens, indent: str) -> str:
    named = {
        "brand": found.brand,
        "brand-hover": found.brand_hover,
        "on-brand": found.on_brand,
        "brand-ink": found.brand_ink,
        "brand-soft": found.brand_soft,
        "brand-line": found.brand_line,
    }
    lines = "".join(f"{indent}  --{name}: {value};\n" for name, value in named.items())
    return f"{indent}:root {{\n{lines}{indent}}}\n"


@lru_cache(maxsize=1024)
def brand_css(colour: str) -> str:
    """The merchant's style sheet: dark values for screens only, so print is always light."""
    dark = _block(tokens(colour, DARK), "  ")
    return f"{_block(tokens(colour, LIGHT), '')}@media screen and (prefers-color-scheme: dark) {{\n{dark}}}\n"


@lru_cache(maxsize=1024)
def brand_hash(colour: str) -> str:
    """What the style sheet's address carries, so that it may be kept for ever."""
    return content_hash(brand_css(colour).encode())
