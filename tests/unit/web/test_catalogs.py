"""The catalogs hold every message, and what is compiled is what is written."""

from __future__ import annotations

import re

import pytest

from app.billing.wording import PARTS
from app.web import catalogs
from app.web.catalogs import LANGUAGES, gathered, messages_of_python, missing, mo_bytes, path_of, read

FORGOTTEN = "run: python -m app.web.catalogs"
FIELD = re.compile(r"%\((\w+)\)s|</?\w+>|\{\w+\}")


@pytest.fixture(scope="module")
def template():
    return gathered()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalog_is_the_written_one(language: str):
    assert path_of(language, "mo").read_bytes() == mo_bytes(read(language)), FORGOTTEN


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_written_catalog_has_the_messages_of_today(language: str, template: catalogs.Catalog):
    written = {str(message.id) for message in read(language) if message.id}
    assert written == {str(message.id) for message in template if message.id}, FORGOTTEN


def test_french_is_complete_and_nothing_in_it_is_a_guess():
    assert missing(read("fr")) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_fields_and_marks_of_its_message(language: str):
    for message in read(language):
        forms = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
        allowed = {mark.group() for text in ids for mark in FIELD.finditer(text)}
        allowed |= {f"{{{part}}}" for part in PARTS.get(ids[0], ())}
        for form in filter(None, forms):
            assert {mark.group() for mark in FIELD.finditer(form)} <= allowed, (message.id, form)
            # A lone % would break a message that is filled in by %; the lines of a quote are filled in by braces.
            assert not message.id or "{percent}" in ids[0] or "%" not in FIELD.sub("", form), form


def test_french_puts_its_spaces_where_they_cannot_break():
    for message in read("fr"):
        forms = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        if message.id:
            for form in forms:
                assert not re.search(r" [:;?!»]|« ", form), form
                assert "'" not in form, f"the typographic apostrophe: {form}"


def test_messages_inside_other_messages_are_found():
    source = 'tongue.tell("outer %(x)s", x=link(url, tongue.say("inner")))\ntongue.says("one", "many", 3)\nsay(text)'
    assert set(messages_of_python(source)) == {"outer %(x)s", "inner", ("one", "many")}


def test_a_message_without_french_would_be_noticed():
    catalog = read("fr")
    catalog.add("never translated")
    assert missing(catalog) == ["never translated"]
