# SPDX-License-Identifier: Apache-2.0
"""Factors: listing them, pushes from the request to the answer, codes."""
import urllib.parse

from cases import assert_empty_refusal, assert_refused, case, items_of, with_token
from cases_oauth import add_app, with_key
from cases_users import user

PUSH, TOTP = "opfSdkTests000000001", "ostSdkTests000000001"
FACTORS = [{"factorType": "push", "id": PUSH, "name": "Pixel 8", "created": "2026-01-02T03:04:05.000Z"},
           {"factorType": "push", "id": "opfSdkTests000000002", "status": "PENDING_ACTIVATION",
            "created": "2026-01-02T03:04:06.000Z"},
           {"factorType": "token:software:totp", "id": TOTP, "codes": ["123456"],
            "created": "2026-01-02T03:04:07.000Z"},
           {"factorType": "token:software:totp", "id": "ostSdkTests000000002", "provider": "GOOGLE",
            "created": "2026-01-02T03:04:08.000Z"},
           {"factorType": "sms", "id": "mblSdkTests000000001", "profile": {"phoneNumber": "+15554151337"},
            "created": "2026-01-02T03:04:09.000Z"},
           {"factorType": "question", "id": "ufsSdkTests000000001", "created": "2026-01-02T03:04:10.000Z",
            "profile": {"question": "disliked_food", "questionText": "What food do you dislike?"}}]


class Person:
    """Somebody with a phone, and the SDK that asks for it."""

    def __init__(self, place, bench, sdk, phone="approve", client=None):
        self.sim, self.sdk = bench.sim(place), sdk
        self.id = user(1)["id"]
        self.sim.ask("/_sim/users", dict(user(1), factors=FACTORS, phone=phone))
        self.client = client or with_token(sdk)

    def ask(self, do, **more):
        return self.sdk.ask(do=do, client=self.client, id=self.id, **more)

    def push(self, **more):
        """Result, number and transaction of a push."""
        return items_of(self.ask("verify", factor=PUSH, **more))[0]

    def poll(self, transaction):
        return self.ask("poll", factor=PUSH, transaction=transaction)

    def result(self, transaction):
        return items_of(self.poll(transaction))[0][0]

    def pushes(self, **query):
        return self.sim.ask("/_sim/pushes?" + urllib.parse.urlencode(dict(query, user=self.id)))["pushes"]

    def tap(self, **how):
        self.sim.ask("/_sim/pushes/answer", dict(how, user=self.id))


@case
def lists_factors(place, bench, sdk):
    got = items_of(Person(place, bench, sdk).ask("factors"))
    assert got == [[f["id"], f["factorType"], f.get("provider", "OKTA"), f.get("status", "ACTIVE"), f["created"]]
                   for f in FACTORS]


@case
def sends_a_push_and_polls_until_it_is_approved(place, bench, sdk):
    ada = Person(place, bench, sdk, phone="ignore")
    result, number, transaction = ada.push(agent="Safari of the person", forwarded="203.0.113.9")
    assert (result, number) == ("WAITING", None)
    asked, = ada.pushes(state="waiting")
    assert asked["x_forwarded_for"] == "203.0.113.9" and asked["device"] == "Pixel 8"
    # The Python SDK takes the parameter and then sends its own name.
    if sdk.name != "Python SDK":
        assert "Safari of the person" in asked["user_agent"], asked
    assert ada.result(transaction) == "WAITING"
    ada.tap(answer="approve")
    assert ada.result(transaction) == "SUCCESS"


@case
def is_told_that_a_push_was_denied_or_timed_out(place, bench, sdk):
    ada = Person(place, bench, sdk, phone=["deny", "ignore"])
    assert ada.result(ada.push()[2]) == "REJECTED"
    transaction = ada.push()[2]
    ada.sim.clock(advance="5m")
    assert ada.result(transaction) == "TIMEOUT"
    ada.sim.clock(advance="5m")
    assert_refused(ada.poll(transaction), 404, "E0000191", "Verification timed out. Please try again.")


@case
def shows_the_number_that_has_to_be_tapped(place, bench, sdk):
    ada = Person(place, bench, sdk, phone="ignore")
    result, number, transaction = ada.push(body={"useNumberMatchingChallenge": True})
    assert result == "WAITING" and number == ada.pushes()[0]["correct"], number
    ada.tap(number=number)
    assert ada.result(transaction) == "SUCCESS"
    _, number, transaction = ada.push(body={"useNumberMatchingChallenge": True})
    ada.tap(number=(number + 1) % 100)
    assert ada.result(transaction) == "REJECTED"


@case
def verifies_codes(place, bench, sdk):
    ada = Person(place, bench, sdk)
    assert items_of(ada.ask("verify", factor=TOTP, body={"passCode": "123456"})) == [["SUCCESS", None, None]]
    wrong = ada.ask("verify", factor=TOTP, body={"passCode": "123457"})
    assert_refused(wrong, 403, "E0000068", "Invalid Passcode/Answer")
    assert wrong["error"]["causes"] == ["Your passcode doesn't match our records. Please try again."]


@case
def is_told_of_a_factor_that_is_not_active(place, bench, sdk):
    ada = Person(place, bench, sdk)
    assert_refused(ada.ask("verify", factor="opfSdkTests000000002"), 410, "E0000154",
                   "Invalid factor id, it is not currently active.")
    assert ada.pushes() == []


@case
def asks_as_an_app_with_dpop(place, bench, sdk):
    ada = Person(place, bench, sdk)
    scopes = ["okta.users.read", "okta.users.manage"]
    add_app(bench, ada.sim, scopes=scopes, dpop=True)
    ada.client = with_key(sdk, bench, scopes=scopes, dpop=True)
    assert [item[0] for item in items_of(ada.ask("factors"))] == [f["id"] for f in FACTORS]
    assert ada.result(ada.push()[2]) == "SUCCESS"


@case
def an_app_without_the_scope_sends_nothing(place, bench, sdk):
    ada = Person(place, bench, sdk)
    add_app(bench, ada.sim, scopes=["okta.users.read"])
    ada.client = with_key(sdk, bench, scopes=["okta.users.read"])
    assert_empty_refusal(ada.ask("verify", factor=PUSH), 403, "insufficient_scope")
    assert ada.pushes() == []
