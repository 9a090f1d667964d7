from __future__ import annotations

import json

import pytest

from app.cli.pure_link import inspect
from app.links.claims import CampaignOffer, Discount, WrittenOffer, pack_ip
from app.links.describe import describe
from app.links.links import mint
from tests.unit.links.samples import BASE, CLAIMS, KEY, token_of

URL = mint(CLAIMS, KEY, BASE)
TOKEN = token_of(URL)


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        URL,
        URL + "?utm_source=mail",
        URL + "#top",
        f"{BASE}/order/upgrade.php?LICENSE=1&TOKEN={TOKEN}",
        f" {URL}\n",
        f"/u/{TOKEN}",
    ],
)
def test_inspect_explains_a_token_wherever_it_stands(text: str, capsys: pytest.CaptureFixture[str]):
    assert inspect([text, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.items() >= describe(CLAIMS).items()
    assert (found["key"], found["signature"]) == ("7k2m", "not checked here")


def test_inspect_checks_the_signature_with_a_key(capsys: pytest.CaptureFixture[str]):
    assert inspect([TOKEN, "--key", KEY.secret.hex()]) == 0
    assert "signature               good" in capsys.readouterr().out
    assert inspect([TOKEN, "--key", "00" * 32, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "link_bad_signature"


@pytest.mark.parametrize("text", [TOKEN[:-1], TOKEN[1:-3], "", "https://example.com/", "a.b.c", TOKEN + "="])
def test_inspect_names_what_cannot_be_read(text: str, capsys: pytest.CaptureFixture[str]):
    assert inspect([text]) == 1
    assert capsys.readouterr().err.startswith("link_malformed: ")


def test_inspect_refuses_a_key_that_is_no_hexadecimal(capsys: pytest.CaptureFixture[str]):
    assert inspect([TOKEN, "--key", "xyz"]) == 2
    assert "--key" in capsys.readouterr().err


def test_a_description_says_everything_and_fits_json():
    claims = CLAIMS._replace(
        customer="QM-7", ip=pack_ip("2001:db8::1"), uses=3,
        offer=WrittenOffer(None, "crm-pro", 1, ("phone",), discount=Discount("percent", 1250, "periods", 3), alignment="reset"),
    )  # fmt: skip
    said = json.loads(json.dumps(describe(claims)))
    assert (said["ip"], said["uses"], said["customer"]) == ("2001:db8::/64", 3, "QM-7")
    assert said["offer"]["discount"] == {"percent": "12.5", "scope": {"periods": 3}}
    assert said["offer"]["item"] is None
    assert describe(CLAIMS._replace(offer=CampaignOffer(4)))["offer"] == {"kind": "campaign", "number": 4}
    fixed = WrittenOffer(1, "p", 1, discount=Discount("amount", 500))
    assert describe(CLAIMS._replace(offer=fixed))["offer"]["discount"] == {"amount_minor": 500, "scope": "once"}
