from __future__ import annotations

import pytest

from app.links.claims import SavedOffer
from app.links.errors import LinkError
from app.links.legacy import check_legacy, parse_legacy
from tests.unit.links.samples import CLAIMS, SEAT

WITH_OPTIONS = CLAIMS._replace(offer=SEAT._replace(options=("backup", "phone")))


def check(pairs: list[tuple[str, str]], claims=CLAIMS, **known: object) -> None:
    check_legacy(parse_legacy(pairs), claims, **known)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("TOKEN", "x"), ("utm_source", "mail"), ("fbclid", "1"), ("license", "ignored")],
        [("LICENSE", "100482"), ("UPGRADEPROD", "crm-seat"), ("UPGRADEOPT", "")],
        [("LICENSE", "QM-100482")],
    ],
)
def test_parameters_that_say_what_the_token_says_are_taken(pairs: list[tuple[str, str]]):
    check(pairs, also_named={"QM-100482"})


def test_options_are_compared_as_a_set():
    check([("UPGRADEOPT", "phone,backup")], WITH_OPTIONS)


@pytest.mark.parametrize(
    ("pairs", "parameter"),
    [
        ([("LICENSE", "100483")], "LICENSE"),
        ([("LICENSE", "")], "LICENSE"),
        ([("UPGRADEPROD", "crm-pro")], "UPGRADEPROD"),
        ([("UPGRADEPROD", "CRM-SEAT")], "UPGRADEPROD"),
        ([("UPGRADEOPT", "phone")], "UPGRADEOPT"),
        ([("UPGRADEOPT", "phone,phone,backup")], "UPGRADEOPT"),
        ([("UPGRADEOPT", "phone,,backup")], "UPGRADEOPT"),
        ([("LICENSE", "100482"), ("LICENSE", "100483")], "LICENSE"),
        ([("TOKEN", "a"), ("TOKEN", "b")], "TOKEN"),
    ],
)
def test_a_parameter_that_says_something_else_is_malformed_and_named(pairs: list[tuple[str, str]], parameter: str):
    with pytest.raises(LinkError) as refused:
        check(pairs, WITH_OPTIONS)
    assert (refused.value.code, refused.value.details["parameter"]) == ("link_malformed", parameter)


def test_a_saved_offer_is_compared_with_what_it_resolves_to():
    saved = CLAIMS._replace(offer=SavedOffer(4))
    check([("UPGRADEPROD", "crm-pro"), ("UPGRADEOPT", "a")], saved, product="crm-pro", options=["a"])
    for pairs in ([("UPGRADEPROD", "crm-pro")], [("UPGRADEOPT", "")]):
        with pytest.raises(LinkError):
            check(pairs, saved)


def test_the_token_is_handed_out():
    assert parse_legacy([("TOKEN", "abc")]).token == "abc"
    assert parse_legacy([("TOKEN", "")]).token is None
