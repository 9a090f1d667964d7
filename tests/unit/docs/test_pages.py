"""The generated documents say what the engine says now, and leave no rule without an example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.billing.case import quote_case
from app.billing.eligibility import MESSAGES
from app.billing.vocabulary import KNOWN, PRICED
from tests.unit.docs.chapters_buyer import REMEDIES, refused
from tests.unit.docs.pages import DOCS, PAGES
from tests.unit.docs.pricing import pricing_page

PAGE = pricing_page()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_page_is_what_the_engine_says_now(path: Path):
    """``python -m tests.unit.docs`` writes it anew."""
    assert path.read_text(encoding="utf-8") == PAGES[path]()


def folded_cases(page: str) -> list[dict[str, Any]]:
    return [json.loads(part.partition("\n```")[0]) for part in page.split("```json\n")[1:]]


def test_every_case_on_the_page_can_be_run_again():
    cases = folded_cases(PAGE)
    assert len(cases) >= 35
    for case in cases:
        assert quote_case(case)["fingerprint"]


@pytest.mark.parametrize(
    "field",
    ["policy.basis", "policy.change_day", "policy.rounding", "policy.negative", "policy.minimum_charge.below",
     "change.effective", "change.alignment", "change.price_rule", "path.trial"],
)  # fmt: skip
def test_every_value_of_a_rule_has_a_row(field: str):
    rows = [line.partition(" | ")[0] for line in PAGE.splitlines() if line.startswith("| ")]
    for value in KNOWN[field]:
        assert any(f"`{value}`" in row for row in rows), value


def test_what_is_not_priced_yet_is_said():
    for field, priced in PRICED.items():
        for value in set(KNOWN[field]) - priced:
            assert f"{field}: {value} is not supported yet" in PAGE


def test_every_eligibility_code_has_a_case_that_is_refused_for_it():
    answers = refused()
    assert {code: answer["code"] for code, answer in answers.items()} == {code: code for code in MESSAGES}
    assert {answer["remedy"]["do"] for answer in answers.values()} == set(REMEDIES)


def test_every_state_of_a_subscription_has_a_row():
    for status in KNOWN["subscription.status"]:
        assert any(
            line.startswith(f"| {word}")
            for line in PAGE.splitlines()
            for word in (status.replace("_", " "), status[:5])
        )


def test_links_inside_the_documents_lead_somewhere():
    for path, write in PAGES.items():
        text = write()
        titles = {_anchor(line[3:]) for line in text.splitlines() if line.startswith("## ")}
        assert titles
        for link in text.split("](")[1:]:
            target = link.partition(")")[0]
            if target.startswith("#"):
                assert target[1:] in titles
            elif not target.startswith("http"):
                assert (DOCS / target).exists(), (path, target)


def _anchor(title: str) -> str:
    """As GitHub makes it."""
    return "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_").replace(" ", "-")
