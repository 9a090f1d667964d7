"""Every example in docs/import.md can be imported as it stands, and every column is described there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.subscriptions.importing import KINDS
from tests.usecases.importing.files import Files

TEXT = (Path(__file__).parents[3] / "docs" / "import.md").read_text()


def test_the_examples_are_one_merchants_data(files: Files):
    """In the order of the page: later examples name what earlier ones stored."""
    examples = re.findall(r"```(csv|json) file=([a-z-]+)\n(.*?)```", TEXT, re.DOTALL)
    assert {kind for _, kind, _ in examples} == KINDS.keys()
    for form, kind, content in examples:
        assert files.bytes(content.encode(), f"{kind}.{form}").total


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_is_described(kind: str):
    section = TEXT.split(f"\n## {kind}\n")[1].split("\n## ")[0]
    if kind == "options":
        section += "`price:"
    missing = [name for name in KINDS[kind].columns if f"`{name}`" not in section]
    missing += [prefix for prefix in KINDS[kind].dynamic if f"`{prefix}:" not in section]
    assert not missing
