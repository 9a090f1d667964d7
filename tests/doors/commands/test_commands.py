"""What the commands print and how they end: 0 done, 1 refused by a code, 2 asked wrongly."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import stat
import struct
from pathlib import Path

import pytest

from app.config import read_settings
from app.links.claims import LinkId
from app.links.links import read_link
from app.wiring import open_services
from tests.doors.commands.conftest import Commands

SECRETS = ("secret", "salt")


def test_a_merchant_is_made_shown_and_changed(run: Commands):
    made = run("merchant", "create", "--merchant", "quillmark", "--name", "Quillmark CRM", "--json")
    assert [book["mode"] for book in made.json["books"]] == ["live", "test"]
    changed = run("merchant", "set", "--merchant", "quillmark", "--help-email", "help@quillmark.example")
    assert changed.code == 0
    shown = run("merchant", "show", "--json").json
    assert shown["profile"] == {"help_email": "help@quillmark.example"}


COMPLETE = {
    "legal_name": "Quillmark Inc.",
    "help_email": "help@quillmark.example",
    "account_url": "https://app.quillmark.example/account",
    "product_url": "https://app.quillmark.example/",
}


def test_a_new_merchant_is_told_what_it_lacks(run: Commands):
    bare = run("merchant", "create", "bare", "--name", "Bare").out
    assert "liftlink merchant set bare --legal-name … --help-email … --account-url … --product-url …" in bare
    given = [word for name, value in COMPLETE.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert "before it can sell" not in run("merchant", "create", "whole", "--name", "Whole", *given).out


def test_the_first_merchant_lays_the_tables_of_an_empty_database(run: Commands):
    (run.folder / "liftlink.sqlite3").unlink()
    refused = run("merchant", "show")
    assert (refused.code, "liftlink db upgrade" in refused.err) == (1, True)
    made = run("merchant", "create", "quillmark", "--name", "Quillmark")
    assert (made.code, "its tables were made" in made.err) == (0, True)


def test_a_taken_code_is_refused_by_name(merchant: Commands):
    refused = merchant("merchant", "create", "quillmark", "--name", "Another")
    assert refused.code == 1
    assert refused.err == "liftlink: there is a merchant quillmark already [merchant_exists]\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("merchant", "show", "nobody"), 1, "nobody"),
        (("merchant", "set", "--help-email", "nope"), 1, "help_email"),
        (("merchant", "set", "--mode", "live", "--policy", "basis=week"), 1, "basis"),
        (("merchant", "set", "--mode", "live", "--policy", "bases=day"), 1, "bases"),
        (("merchant", "set", "--policy", "basis=day"), 2, "--mode"),
        (("merchant", "set", "--mode", "live", "--policy", "basis"), 2, "--policy"),
        (("merchant", "set", "--terms", "just text"), 2, "--terms"),
        (("merchant", "set", "--terms", "en=@nowhere.txt"), 2, "nowhere.txt"),
        (("merchant", "set", "--logo", "nowhere.svg"), 2, "nowhere.svg"),
        (("merchant", "create", "--name", "Nameless"), 2, "CODE"),
        (("keys", "list", "--merchant", "nobody"), 1, "nobody"),
        (("keys", "list", "--mode", "sandbox"), 2, "sandbox"),
        (("keys", "retire", "zzzz"), 1, "zzzz"),
        (("import", "nowhere.csv", "--kind", "customers"), 1, "nowhere.csv"),
        (("import",), 2, "FILE"),
        (("nonsense",), 2, "nonsense"),
        (("keys", "list", "--nonsense"), 2, "--nonsense"),
    ],
)
def test_a_wrong_command_names_the_thing_and_ends_with_its_code(
    merchant: Commands, words: tuple[str, ...], code: int, said: str
):
    outcome = merchant(*words)
    assert outcome.code == code
    assert said in outcome.err
    assert "Traceback" not in outcome.err


def test_with_two_merchants_one_has_to_be_named(merchant: Commands):
    merchant("merchant", "create", "second", "--name", "Second")
    refused = merchant("keys", "list")
    assert (refused.code, "quillmark, second" in refused.err) == (1, True)


def test_texts_come_from_the_command_line_or_a_file(merchant: Commands, tmp_path: Path):
    (tmp_path / "agb.txt").write_text("Conditions générales\n\nUn texte.", encoding="utf-8")
    merchant("merchant", "set", "--terms", "en=Our terms", "--terms", f"fr=@{tmp_path / 'agb.txt'}")
    terms = merchant("merchant", "show", "--json").json["profile"]["terms"]
    assert terms == {"en": "Our terms", "fr": "Conditions générales\n\nUn texte."}
    merchant("merchant", "set", "--terms", "fr=")
    assert merchant("merchant", "show", "--json").json["profile"]["terms"] == {"en": "Our terms"}


def test_an_unsafe_logo_is_refused_by_its_reason(merchant: Commands, tmp_path: Path):
    path = tmp_path / "logo.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><script>alert(1)</script></svg>')
    refused = merchant("merchant", "set", "--logo", str(path))
    assert (refused.code, "[logo_unsafe]" in refused.err) == (1, True)
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>')
    assert merchant("merchant", "set", "--logo", str(path)).code == 0
    assert merchant("merchant", "show", "--json").json["profile"]["logo"] == "svg"


def test_keys_are_listed_rotated_and_retired(merchant: Commands):
    first = merchant("keys", "list", "--json").json[0]["kid"]
    second = merchant("keys", "rotate", "--json").json["key"]
    assert merchant("keys", "retire", second).code == 1, "it signs"
    assert merchant("keys", "retire", first).code == 0
    states = {key["kid"]: key["state"] for key in merchant("keys", "list", "--json").json}
    assert states == {second: "active", first: "retired"}
    assert len(merchant("keys", "list", "--mode", "test", "--json").json) == 1, "the other book keeps its own"


def test_an_exported_key_makes_links_by_the_documented_algorithm(merchant: Commands):
    """As a merchant's own back end would, in nothing but the standard library."""
    kid = merchant("keys", "list", "--json").json[0]["kid"]
    printed = merchant("keys", "export", kid)
    fields = dict(line.rsplit(" ", 1) for line in printed.out.splitlines())
    assert fields["key"] == kid
    assert "liftlink keys retire" in printed.err

    batch, position, issued = int(fields["standing batch"]), secrets.randbits(64) | 1 << 63, 1_700_000_000
    head = 1 << 13 | 1 << 10 | 2 << 8 | 0 << 6 | 3 << 4 | 6 << 1
    offer = 1 << 9 | 1
    payload = struct.pack(">H", head) + (1048).to_bytes(3, "big") + (100482).to_bytes(3, "big")
    payload += struct.pack(">IBBQHBH", issued, 7, batch, position, offer, 2, 1000) + b"crm-seat"
    value = f"{kid}.{base64url(payload)}"
    mac = hmac.digest(bytes.fromhex(fields["link key"]), value.encode(), "sha256")

    adapters = open_services(read_settings())
    read = read_link(f"{value}.{base64url(mac)}", adapters.directory.key_ring(), issued + 60)
    secret = read.key.secret.hex()
    adapters.close()
    assert read.claims.link_id == LinkId(batch, position)
    assert (read.claims.subscription, read.key.mode) == (100482, "live")
    assert secret not in printed.out + printed.err


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_key_is_exported_from_its_own_book_until_it_is_retired(merchant: Commands):
    first = merchant("keys", "list", "--json").json[0]
    assert "key_unknown" in merchant("keys", "export", first["kid"], "--mode", "test").err
    merchant("keys", "rotate")
    older = merchant("keys", "export", first["kid"], "--json")
    assert older.json["standing_batch"] == first["standing_batch"]
    assert "does not sign any more" in older.err
    merchant("keys", "retire", first["kid"])
    refused = merchant("keys", "export", first["kid"])
    assert (refused.code, refused.out, "key_retired" in refused.err) == (1, "", True)


def test_a_table_that_is_piped_has_a_tab_between_cells(merchant: Commands):
    header, row = merchant("keys", "list").out.splitlines()
    assert header.split("\t")[:2] == ["key", "state"]
    assert row.split("\t")[1] == "active"


def test_no_command_prints_a_secret(merchant: Commands, monkeypatch: pytest.MonkeyPatch):
    made_up = "k3J-vT9q_wZ1xB7mN5cR8yL2dF6gH4sA0pQ"
    own = (merchant.folder / "secret").read_text().strip()
    printed = [merchant(*words) for words in (("settings",), ("settings", "--json"), ("keys", "list", "--json"), ("merchant", "show", "--json"))]  # fmt: skip
    monkeypatch.setenv("LIFTLINK_SECRET", made_up)
    printed.append(merchant("settings"))
    everything = " ".join(outcome.out + outcome.err for outcome in printed)
    assert own not in everything
    assert made_up not in everything
    assert "1 given" in everything


def test_the_secret_of_a_development_folder_is_its_owners_only(merchant: Commands):
    assert stat.S_IMODE((merchant.folder / "secret").stat().st_mode) == 0o600


def test_a_wrong_setting_stops_every_command_by_name(merchant: Commands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIFTLINK_PORT", "eighty")
    for words in (("keys", "list"), ("settings",), ("serve",), ("demo", "--no-serve"), ("db", "status")):
        refused = merchant(*words)
        assert (refused.code, "LIFTLINK_PORT" in refused.err) == (1, True), words


def test_the_database_says_where_it_is(run: Commands):
    assert run("db", "status").code == 0
    assert "already" in run("db", "upgrade").out
    (run.folder / "liftlink.sqlite3").unlink()
    assert run("db", "status").code == 1
    assert "was empty" in run("db", "upgrade").out
    assert run("db", "status", "--json").json["step"] == run("db", "status", "--json").json["newest"]


def test_a_broken_database_is_no_traceback_and_shows_no_values(run: Commands):
    (run.folder / "liftlink.sqlite3").write_bytes(b"this is no database at all" * 100)
    refused = run("keys", "list")
    assert (refused.code, "[database_unavailable]" in refused.err) == (1, True)


def test_a_file_with_bad_rows_stores_nothing_and_lists_each(merchant: Commands, tmp_path: Path):
    path = tmp_path / "customers.csv"
    path.write_text("reference,email,country\na1,a@x.example,US\na2,no-email,US\na3,c@x.example,USA\n")
    refused = merchant("import", str(path))
    assert refused.code == 1
    assert f"{path}: line 3, email: " in refused.err
    assert f"{path}: line 4, country: " in refused.err
    assert merchant("merchant", "show", "--json").json["books"][0]["customers"] == 0


def test_a_good_file_is_counted_and_the_test_book_is_apart(merchant: Commands, tmp_path: Path):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"customers": [{"reference": "a1", "email": "a@x.example"}]}))
    done = merchant("import", str(path), "--mode", "test", "--json")
    assert done.json == [{"file": str(path), "stored": {"customers": 1}}]
    live, test = merchant("merchant", "show", "--json").json["books"]
    assert (live["customers"], test["customers"]) == (0, 1)


def test_every_command_has_help(run: Commands):
    for words in ((), ("merchant",), ("merchant", "set"), ("keys",), ("import",), ("serve",), ("demo",), ("worker",)):
        helped = run(*words, "--help")
        assert (helped.code, "Usage: liftlink" in helped.out) == (0, True), words
