"""A merchant's colour becomes six tokens that can be read and seen on every ground, whatever the colour."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.brand import DARK, LIGHT, Theme, Tokens, brand_css, tokens
from app.web.oklch import Rgb, contrast, from_oklch, parse_hex, to_hex, to_oklch

HARD = [
    "#ffffff",
    "#000000",
    "#ffff00",
    "#39ff14",
    "#ff00ff",
    "#00ffff",
    "#808080",
    "#777777",
    "#f4f5f7",
    "#12161c",
    "#ffb000",
    "#e00",
    "#0e5a73",
]
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def grounds(found: Tokens, theme: Theme) -> list[Rgb]:
    return [theme.surface, theme.bg, theme.sunken, parse_hex(found.brand_soft)]


def check(colour: str) -> None:
    for theme in (LIGHT, DARK):
        found = tokens(colour, theme)
        for ground in grounds(found, theme):
            assert contrast(parse_hex(found.brand), ground) >= theme.shown
            assert contrast(parse_hex(found.brand_ink), ground) >= 4.5
        for face in (found.brand, found.brand_hover):
            assert contrast(parse_hex(found.on_brand), parse_hex(face)) >= 4.5
        assert found.on_brand in {"#ffffff", "#12161c"}


@pytest.mark.parametrize("colour", HARD)
def test_hard_colours_keep_every_contrast(colour: str):
    check(colour)


@given(COLOURS)
def test_any_colour_keeps_every_contrast(colour: str):
    check(colour)


@given(COLOURS)
def test_a_colour_survives_the_way_through_oklch(colour: str):
    assert to_hex(from_oklch(*to_oklch(parse_hex(colour)))) == colour


def test_a_colour_that_already_stands_out_is_kept():
    assert tokens("#0e5a73", LIGHT).brand == "#0e5a73"


def test_the_example_merchant_gets_the_drawn_sheet():
    drawn = {
        LIGHT: Tokens("#0e5a73", "#00495f", "#ffffff", "#0e5a73", "#eef3f5", "#abc5ce"),
        DARK: Tokens("#6baeca", "#7ec1de", "#12161c", "#6baeca", "#1e272f", "#344e5b"),
    }
    for theme, expected in drawn.items():
        found = tokens("#0e5a73", theme)
        for name in Tokens.__slots__:
            mine, theirs = parse_hex(getattr(found, name)), parse_hex(getattr(expected, name))
            # One step of eight bits: where a value lies between two, rounding may fall either way.
            assert max(abs(a - b) for a, b in zip(mine, theirs, strict=True)) <= 1.01 / 255, (name, found, expected)


@given(COLOURS)
def test_the_hue_stays_as_long_as_there_is_a_colour(colour: str):
    _, chroma, hue = to_oklch(parse_hex(colour))
    _, shown_chroma, shown = to_oklch(parse_hex(tokens(colour, LIGHT).brand))
    if chroma > 0.08 and shown_chroma > 0.05:
        turn = abs(shown - hue)
        assert min(turn, 6.2832 - turn) < 0.12


def test_the_sheet_sets_six_tokens_twice_and_dark_for_screens_only():
    sheet = brand_css("#0e5a73")
    assert len(re.findall(r"--[a-z-]+: #[0-9a-f]{6};", sheet)) == 12
    assert "@media screen and (prefers-color-scheme: dark)" in sheet


@pytest.mark.parametrize("wrong", ["", "red", "#12345", "#12345g", "0e5a73", "#0e5a73;}", "#1234567"])
def test_anything_but_a_colour_is_refused(wrong: str):
    with pytest.raises(ValueError, match="no colour"):
        brand_css(wrong)
