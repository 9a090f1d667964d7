"""``liftlink link``: make a signed link, explain any link, take one back."""

from __future__ import annotations

import re
from typing import Any

import click

from app.cli.commands.common import ACTOR, book_options, chosen_book, json_option, opened, print_json, say
from app.cli.commands.link_output import print_issued, print_report
from app.cli.commands.link_terms import link_options, terms_of


@click.group()
def link() -> None:
    """Signed links: each opens one customer's cart for one offer."""


@link.command()
@link_options
@json_option
def create(merchant: str | None, mode: str, as_json: bool, **asked: Any) -> None:
    """Make a link. It is priced first: an offer that is not eligible is refused by its code, and nothing is made."""
    from app.offers.issue import issue

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        adapters.directory.seller(book.id)
        issued = issue(
            adapters.store, adapters.clock, adapters.directory.key_ring().signing_key(book.id),
            terms_of(adapters, book.id, asked), base_url=adapters.settings.public_url, actor=ACTOR, source="link create",
        )  # fmt: skip
    print_issued(issued, as_json)


@link.command()
@link_options
def preview(merchant: str | None, mode: str, **asked: Any) -> None:
    """Print the address of the cart that a shopper would see, for an hour. Nothing can be bought there, no link is made."""
    from app.offers.issue import preview as show

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        directory = adapters.directory
        directory.seller(book.id)
        url = show(
            adapters.store, adapters.clock, adapters.randomness, directory.key_ring().signing_key(book.id),
            directory.own_ring().signing_key(book.id), terms_of(adapters, book.id, asked),
            base_url=adapters.settings.public_url,
        )  # fmt: skip
    say(url)


@link.command()
@click.argument("target", metavar="LINK")
@json_option
def inspect(target: str, as_json: bool) -> None:
    """Explain any link of this installation: what it says, how it stands, its price then and now."""
    from app.cli.pure_link import token_of
    from app.offers.inspect import inspect as look

    with opened() as adapters:
        report = look(adapters.store, adapters.clock, adapters.directory.key_ring(), token_of(target))
    print_report(report, as_json)


@link.command()
@click.argument("target", metavar="LINK|ID|NUMBER")
@click.option("--kind", type=click.Choice(["link", "batch", "customer", "offer"]), default="link", show_default=True)
@click.option("--reason", default="", metavar="TEXT", help="Why; the merchant sees it, the shopper does not.")
@book_options
@json_option
def revoke(target: str, kind: str, reason: str, merchant: str | None, mode: str, as_json: bool) -> None:
    """Take back a link (the link itself or its id such as 12-1), a batch, all links of a customer, or a saved offer."""
    from app.cli.pure_link import token_of
    from app.links.links import read_even_expired_link
    from app.offers.revoke import revoke as take_back

    with opened() as adapters:
        if kind == "link" and not re.fullmatch(r"[0-9]+-[0-9]+", target):
            read = read_even_expired_link(token_of(target), adapters.directory.key_ring())
            book_id, reference = read.book, read.claims.link_id.text
        else:
            book_id, reference = chosen_book(adapters, merchant, mode).id, target
        changed = take_back(adapters.store, adapters.clock, book_id, kind, reference, reason=reason, actor=ACTOR)
    if as_json:
        print_json({"kind": kind, "ref": reference, "revoked": True, "was_revoked": not changed})
    else:
        say(
            f"{kind} {reference} "
            + ("is revoked: no order starts from it any more" if changed else "was revoked already")
        )
