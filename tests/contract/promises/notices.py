"""Signed notices, and whatever else arrives at their door."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.gateways.port import Notice, NoticeRefused
from tests.contract.promises.steps import read
from tests.contract.world import ScriptedWorld


class Notices:
    SECRET = "whsec_first"

    def test_a_genuine_notice_says_where_to_look(self, world: ScriptedWorld):
        headers, body = world.signed_notice(self.SECRET, world.now())
        notice = world.gateway.read_notice(headers, body, ["whsec_older", self.SECRET], world.now())
        assert isinstance(notice, Notice)
        assert notice.payment
        assert read(world, notice.payment)
        assert (notice.account, notice.livemode) == (world.gateway.account, world.gateway.livemode)

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_a_notice_from_another_time_is_refused(self, world: ScriptedWorld, minutes: int):
        headers, body = world.signed_notice(self.SECRET, world.now() + timedelta(minutes=minutes))
        refused = world.gateway.read_notice(headers, body, [self.SECRET], world.now())
        assert refused == NoticeRefused("too_old")

    def test_changed_bytes_another_secret_or_none_are_refused(self, world: ScriptedWorld):
        headers, body = world.signed_notice(self.SECRET, world.now())
        verify = world.gateway.read_notice
        assert verify(headers, body + b" ", [self.SECRET], world.now()) == NoticeRefused("bad_signature")
        assert verify(headers, body, ["whsec_other"], world.now()) == NoticeRefused("bad_signature")
        assert verify(headers, body, [], world.now()) == NoticeRefused("no_secret")
        assert verify({}, body, [self.SECRET], world.now()) == NoticeRefused("unsigned")

    def test_what_the_installation_was_given_verifies_its_notices(self, world: ScriptedWorld):
        secrets = world.opened.notice_secrets(world.gateway.account, livemode=world.gateway.livemode)
        headers, body = world.signed_notice(secrets[0], world.now())
        assert isinstance(world.gateway.read_notice(headers, body, secrets, world.now()), Notice)

    def test_an_empty_secret_is_no_secret(self, world: ScriptedWorld):
        headers, body = world.signed_notice(self.SECRET, world.now())
        assert world.gateway.read_notice(headers, body, ["", " "], world.now()) == NoticeRefused("no_secret")

    @pytest.mark.parametrize(
        "value",
        ["", "t=", "t=1", "t=-1,v1=00", "t=1,t=2,v1=00", "t=x,v1=00", "v1=00", "=,=,=", ",", "t=99999999999999999999,v1=0",
         "t=1.5,v1=a", "t=١,v1=00", "t=1,v1=é", "t=1;v1=00", "v1", "t=1,v1=" + "0" * 100_000],
    )  # fmt: skip
    def test_a_malformed_signature_is_refused_and_never_raises(self, world: ScriptedWorld, value: str):
        (name,) = world.signed_notice(self.SECRET, world.now())[0]
        refused = world.gateway.read_notice({name: value}, b"{}", [self.SECRET], world.now())
        assert isinstance(refused, NoticeRefused)

    def test_a_genuine_signature_over_nonsense_is_malformed(self, world: ScriptedWorld):
        for body in (b"", b"[]", b"{}", b"null", b"\xff\xfe", b'"text"', b"[" * 5000):
            headers = world.sign(body, self.SECRET, world.now())
            found = world.gateway.read_notice(headers, body, [self.SECRET], world.now())
            assert found == NoticeRefused("malformed"), body
