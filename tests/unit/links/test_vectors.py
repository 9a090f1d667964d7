from __future__ import annotations

import json
import re

import pytest

from app.links.errors import LinkError
from app.links.links import read_link
from app.links.signing import KeyRing
from tests.unit.links.samples import ISSUED
from tests.unit.links.vectors import FILE, GOOD, KEYS, text

VECTORS = json.loads(FILE.read_text())
RING = KeyRing(KEYS)
PAGE = FILE.with_name("link-format.md").read_text()


def test_the_written_vectors_are_what_the_code_makes():
    """If a change of the format is meant, ``python -m tests.unit.links.vectors`` writes them anew."""
    assert FILE.read_text() == text()


def test_every_vector_is_read_back():
    for vector, (claims, key) in zip(VECTORS["links"], GOOD.values(), strict=True):
        link = read_link(vector["token"], RING, ISSUED)
        assert (link.claims, link.key) == (claims, key), vector["what"]
        assert len(vector["url"]) <= 200


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["what"])
def test_every_refused_vector_has_its_code(vector: dict[str, str]):
    with pytest.raises(LinkError) as refused:
        read_link(vector["token"], RING, ISSUED)
    assert refused.value.code == vector["code"]


def test_the_page_s_own_program_makes_the_vector():
    """It uses the standard library alone, so the page is enough to mint a link."""
    program = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert program is not None
    made: dict[str, object] = {}
    exec(program[1], made)
    vector = next(each for each in VECTORS["links"] if each["what"].startswith("one more seat"))
    assert made["token"] == vector["token"]
    assert made["payload"].hex() == vector["payload_hex"]


def test_the_page_s_hex_is_the_vector():
    block = re.search(r"```\n(260c .*?)```", PAGE, re.DOTALL)
    assert block is not None
    spelled = "".join(line.split()[0] for line in block[1].splitlines())
    assert spelled == next(each["payload_hex"] for each in VECTORS["links"] if each["what"].startswith("one more seat"))
