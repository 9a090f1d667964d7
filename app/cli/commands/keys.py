"""``liftlink keys``: the keys that sign a book's links."""

from __future__ import annotations

import click

from app.cli.commands.common import (
    ACTOR,
    book_options,
    chosen_book,
    json_option,
    note,
    opened,
    print_json,
    print_table,
    say,
    shown,
)


@click.group()
def keys() -> None:
    """Keys that sign links: the newest signs, older ones verify, retired ones are refused by name."""


@keys.command("list")
@book_options
@json_option
def list_all(merchant: str | None, mode: str, as_json: bool) -> None:
    """List the book's keys, newest first, with the links made under each and those that were opened."""
    from app.accounts.keys import list_keys

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        found = list_keys(adapters.store, book.id)
    if as_json:
        print_json(found)
        return
    print_table(
        ["key", "state", "made", "retired", "standing batch", "links in batches", "opened"],
        [
            (
                key.kid,
                key.state,
                shown(key.created_at),
                shown(key.retired_at),
                key.standing_batch,
                key.issued,
                key.opened,
            )
            for key in found
        ],
    )


@keys.command()
@book_options
@json_option
def rotate(merchant: str | None, mode: str, as_json: bool) -> None:
    """Make a new key that signs from now on. Links of the old one stay good until it is retired."""
    from app.accounts.keys import rotate_key

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        kid = rotate_key(adapters.store, adapters.clock, adapters.masters, adapters.randomness, book.id, actor=ACTOR)
    if as_json:
        print_json({"key": kid, "state": "active", "merchant": book.merchant, "mode": book.mode})
    else:
        say(f"key {kid} signs {book.merchant}'s {book.mode} links from now on")


@keys.command()
@click.argument("kid")
@book_options
@json_option
def retire(kid: str, merchant: str | None, mode: str, as_json: bool) -> None:
    """Refuse every link of key KID from now on, within 5 seconds on every server. It cannot be taken back."""
    from app.accounts.keys import retire_key

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        retire_key(adapters.store, adapters.clock, book.id, kid)
    if as_json:
        print_json({"key": kid, "state": "retired", "merchant": book.merchant, "mode": book.mode})
    else:
        say(f"key {kid} is retired: its links are refused as link_key_retired")


@keys.command()
@click.argument("kid")
@book_options
@json_option
def export(kid: str, merchant: str | None, mode: str, as_json: bool) -> None:
    """Print the link key of key KID, with which a back end of your own makes links (docs/link-format.md).

    It is derived from the key's secret, which is never printed, and makes links of this book and nothing else.
    """
    from app.accounts.keys import export_link_key

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        found = export_link_key(adapters.store, adapters.masters, book.id, kid)
    if as_json:
        print_json(found)
    else:
        say(f"key {found.kid}\nstanding batch {found.standing_batch}\nlink key {found.link_key}")
    note(f"whoever has this makes {book.merchant}'s {book.mode} links at any price; if it leaks: liftlink keys retire")
    if found.state != "active":
        note(f"key {kid} does not sign any more: its links open until it is retired; better export the newest")
