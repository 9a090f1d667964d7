from __future__ import annotations

import pytest

from app.links.claims import ip_text, pack_ip, parse_validity
from app.links.errors import LinkError


@pytest.mark.parametrize(
    ("text", "seconds"), [("10s", 10), ("45m", 2700), ("12h", 43200), ("7d", 604800), ("400d", 400 * 86400), ("1s", 1)]
)
def test_a_validity_is_read_in_seconds(text: str, seconds: int):
    assert parse_validity(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0s",
        "7",
        "d",
        "-1d",
        "1.5h",
        "401d",
        "34560001s",
        "7D",
        " 7d",
        "7d ",
        "7d\n",
        "07d",
        "٣d",
        "9999999999s",
        "1w",
    ],
)
def test_any_other_validity_is_refused_by_name(text: str):
    with pytest.raises(LinkError) as refused:
        parse_validity(text)
    assert refused.value.code == "validity_invalid"


def test_an_address_is_kept_whole_or_as_its_network():
    assert ip_text(pack_ip("192.0.2.7")) == "192.0.2.7"
    assert ip_text(pack_ip("2001:db8:1:2:3:4:5:6")) == "2001:db8:1:2::/64"
    with pytest.raises(LinkError):
        pack_ip("300.1.1.1")
