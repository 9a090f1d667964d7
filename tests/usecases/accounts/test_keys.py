"""Signing keys and the directory that every process keeps of them."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from app.accounts.directory import FRESH_SECONDS, LEAST_SECONDS, Directory
from app.accounts.errors import AccountError
from app.accounts.keys import list_keys, retire_key, rotate_key
from app.accounts.merchants import NewMerchant, change_merchant, create_merchant
from app.kit.clock import StoppedClock
from app.kit.ids import system_randomness
from app.kit.keys import MasterKeys
from app.links.signing import sign, unsign
from app.models.links import LinkBatch, LinkVisit
from app.models.store import Store
from tests.listening import heard

OLD, NEW = b"a master secret of enough length", b"the master secret that comes next"
MASTERS = MasterKeys([OLD])


class Seconds:
    """A clock for the age of what is kept."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def book(store: Store, clock: StoppedClock) -> int:
    new = NewMerchant("quillmark", "Quillmark CRM", "UTC", {}, "sandbox")
    return create_merchant(store, clock, MASTERS, system_randomness, new, actor="test").books[0].id


@pytest.fixture
def directory(store: Store, book: int, seconds: Seconds) -> Directory:
    return Directory(store, MASTERS, seconds)


def rotated(store: Store, clock: StoppedClock, book: int) -> str:
    clock.sleep(1)
    return rotate_key(store, clock, MASTERS, system_randomness, book, actor="test")


def test_the_newest_key_signs_and_the_older_one_still_verifies(
    store: Store, clock: StoppedClock, book: int, directory: Directory
):
    old = directory.key_ring().signing_key(book)
    token = sign(b"payload", old, "link")
    new = rotated(store, clock, book)
    directory.forget()
    ring = directory.key_ring()
    assert ring.signing_key(book).kid == new
    assert unsign(token, ring, "link", 192)[0].state == "verify"


def test_a_retired_key_is_known_by_name(store: Store, clock: StoppedClock, book: int, directory: Directory):
    old = directory.key_ring().signing_key(book).kid
    rotated(store, clock, book)
    retire_key(store, clock, book, old)
    directory.forget()
    key = directory.key_ring().key(old)
    assert key is not None
    assert key.state == "retired"


def test_the_key_that_signs_cannot_be_retired(store: Store, clock: StoppedClock, book: int, directory: Directory):
    with pytest.raises(AccountError, match="rotate first") as caught:
        retire_key(store, clock, book, directory.key_ring().signing_key(book).kid)
    assert caught.value.code == "key_signs"


def test_a_key_of_another_book_is_unknown_here(store: Store, clock: StoppedClock, book: int, directory: Directory):
    rotated(store, clock, book)
    old = list_keys(store, book)[-1].kid
    with pytest.raises(AccountError) as caught:
        retire_key(store, clock, book + 1, old)
    assert caught.value.code == "key_unknown"
    assert [key.state for key in list_keys(store, book)] == ["active", "verify"]


def test_retiring_twice_keeps_the_first_time(store: Store, clock: StoppedClock, book: int):
    rotated(store, clock, book)
    old = list_keys(store, book)[-1].kid
    retire_key(store, clock, book, old)
    first = clock.now()
    clock.sleep(60)
    retire_key(store, clock, book, old)
    assert list_keys(store, book)[-1].retired_at == first


def test_a_new_key_is_found_at_once(
    store: Store, clock: StoppedClock, book: int, directory: Directory, seconds: Seconds
):
    directory.key_ring()
    new = rotated(store, clock, book)
    found = directory.key_ring().key(new)  # nobody here knew this kid
    assert found is not None
    assert found.state == "active"

    another = rotated(store, clock, book)
    retire_key(store, clock, book, new)
    assert directory.key_ring().key(another) is None, "searched a moment ago"
    seconds.now += LEAST_SECONDS * 1.01
    assert directory.key_ring().key(another) is not None
    assert _state(directory, new) == "retired", "they are read together"


def test_a_retirement_is_seen_within_five_seconds(
    store: Store, clock: StoppedClock, book: int, directory: Directory, seconds: Seconds
):
    new = directory.key_ring().signing_key(book).kid
    another = rotated(store, clock, book)
    retire_key(store, clock, book, new)
    seconds.now += FRESH_SECONDS - 0.001
    assert _state(directory, new) == "active"
    seconds.now += 0.002
    assert _state(directory, new) == "retired"
    assert directory.key_ring().signing_key(book).kid == another


def _state(directory: Directory, kid: str) -> str:
    key = directory.key_ring().key(kid)
    assert key is not None
    return key.state


def test_invented_kids_do_not_become_one_query_each(directory: Directory, store: Store, seconds: Seconds):
    with store.read() as connection:
        engine = connection.engine
    with heard(engine, "before_cursor_execute") as asked:
        for number in range(50):
            assert directory.key_ring().key(f"x{number}") is None
    assert len(asked) <= 4, "two loads of keys and books"


def test_unchanged_keys_stay_prepared_when_they_are_read_again(directory: Directory, book: int, seconds: Seconds):
    before = directory.key_ring().signing_key(book)
    seconds.now += 60
    assert directory.key_ring().signing_key(book) is before


def test_a_merchants_change_is_seen_within_five_seconds(
    store: Store, book: int, directory: Directory, seconds: Seconds
):
    assert directory.merchant(book).name == "Quillmark CRM"
    change_merchant(store, "quillmark", name="Quillmark")
    seconds.now += FRESH_SECONDS - 0.001
    assert directory.merchant(book).name == "Quillmark CRM"
    seconds.now += 0.002
    assert directory.merchant(book).name == "Quillmark"


def test_a_book_that_is_not_there_is_named(directory: Directory):
    with pytest.raises(AccountError) as caught:
        directory.merchant(404)
    assert caught.value.code == "book_unknown"


def test_a_merchant_is_found_by_its_code(directory: Directory):
    found = directory.merchant_named("quillmark")
    assert found is not None
    assert found.name == "Quillmark CRM"
    assert directory.merchant_named("nobody") is None


def test_the_key_that_mints_links_cannot_sign_tokens_of_our_own(directory: Directory, book: int):
    """A merchant's own back end may hold the signing key; it must not be able to make a cart with it."""
    own, links = directory.own_ring(), directory.key_ring()
    assert own.signing_key(book).secret != links.signing_key(book).secret
    assert own.key(links.signing_key(book).kid) is None


def test_two_books_sign_their_own_tokens_with_different_keys(directory: Directory, book: int):
    own = directory.own_ring()
    assert own.signing_key(book).secret != own.signing_key(book + 1).secret


def test_a_new_master_signs_anew_and_the_listed_older_one_still_verifies(store: Store, book: int):
    before = Directory(store, MASTERS)
    token = sign(b"cart", before.own_ring().signing_key(book), "cart")
    link = sign(b"link", before.key_ring().signing_key(book), "link")
    after = Directory(store, MasterKeys([NEW, OLD]))
    assert after.own_ring().signing_key(book).kid != before.own_ring().signing_key(book).kid
    assert unsign(token, after.own_ring(), "cart", 192)[1] == b"cart"
    assert unsign(link, after.key_ring(), "link", 192)[1] == b"link"


def test_a_master_that_is_no_longer_listed_is_said_so(store: Store, book: int):
    with pytest.raises(AccountError) as caught:
        Directory(store, MasterKeys([NEW])).key_ring()
    assert caught.value.code == "key_master_missing"


def test_keys_are_listed_with_what_was_made_and_opened_under_them(store: Store, clock: StoppedClock, book: int):
    kid = list_keys(store, book)[0].kid
    at = clock.now()
    with store.write() as connection:
        connection.execute(
            insert(LinkBatch).values(
                book_id=book, number=12, kind="issued", kid=kid, offer=None, count=300, source="t", actor="t", created_at=at
            )
        )  # fmt: skip
        for jti in ("12-1", "12-300", "120-1", "1-99"):
            connection.execute(insert(LinkVisit).values(book_id=book, jti=jti, first_at=at, last_at=at, utm={}))
    found = list_keys(store, book)[0]
    assert (found.issued, found.opened) == (300, 3)


def test_listing_keys_asks_no_more_for_many_batches(store: Store, clock: StoppedClock, book: int):
    with heard(store.engine, "before_cursor_execute") as asked:
        list_keys(store, book)
    few = len(asked)
    rotated(store, clock, book)
    at = clock.now()
    kid = list_keys(store, book)[-1].kid
    with store.write() as connection:
        for number in range(50, 90):
            connection.execute(
                insert(LinkBatch).values(
                    book_id=book, number=number, kind="issued", kid=kid, offer=None, count=1,
                    source="t", actor="t", created_at=at,
                )
            )  # fmt: skip
    with heard(store.engine, "before_cursor_execute") as asked:
        list_keys(store, book)
    assert len(asked) == few


def test_no_secret_is_in_a_repr(directory: Directory, book: int):
    key = directory.key_ring().signing_key(book)
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in f"{key!r} {directory.key_ring()!r} {directory!r}"
