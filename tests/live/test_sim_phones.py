#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The simulator's phones over HTTP: waiting for pushes, people who answer by hand, and many pushes at once."""
import http.client
import json
import os
import socket
import threading

from basics import PATIENCE, TOKEN, read_text, wait_until
from harness import main, test

ALICE = {"id": "00uAlice000000000000", "profile": {"login": "alice@acme.test"},
         "factors": [{"factorType": "push", "id": "opfAlice000000000000", "name": "Pixel 8"}]}
VERIFY = "/api/v1/users/00uAlice000000000000/factors/push/verify"


class Api:
    """One connection to Okta's side."""

    def __init__(self, sim):
        self.connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=PATIENCE)

    def ask(self, method, path, body=None, **headers):
        headers = dict({"Authorization": "SSWS " + TOKEN}, **headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        text = json.dumps(body) if body is not None else "" if method == "POST" else None
        self.connection.request(method, path, text, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def push(self, path=VERIFY, **body):
        """The path of the new push's transaction, and its number."""
        status, answer = self.ask("POST", path, body or None)
        assert status == 201, answer
        number = answer.get("_embedded", {}).get("challenge", {}).get("correctAnswer")
        return answer["_links"]["poll"]["href"].split("/", 3)[3], number

    def result(self, transaction):
        status, answer = self.ask("GET", "/" + transaction)
        assert status == 200, answer
        return answer["factorResult"]


def later(function):
    """Runs it beside; gives a way to get its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()

    def join():
        thread.join(PATIENCE)
        assert results, "it did not end"
        return results[0]
    return join


@test
def whoever_waits_for_a_push_is_told_when_it_comes(place):
    sim = place.sim()
    sim.users(ALICE, dict(ALICE, id="00uBob00000000000000", profile={"login": "bob@acme.test"},
                          factors=[{"factorType": "push"}]))
    api = Api(sim)
    found = later(lambda: sim.wait_for_push("alice"))
    ended = later(lambda: sim.pushes(user="alice", state="ended", count=2, wait="1m"))
    api.push("/api/v1/users/bob/factors/push/verify")
    transaction, _ = api.push()
    push = found()
    assert push["login"] == "alice@acme.test" and transaction.endswith(push["id"])
    sim.tap(id=push["id"], answer="approve")
    api.push()
    sim.tap(user="alice", answer="deny")
    assert [p["state"] for p in ended()] == ["approved", "denied"]
    assert api.result(transaction) == "SUCCESS"


@test
def whoever_waits_is_told_when_a_script_answers_that_nobody_polls(place):
    sim = place.sim()
    sim.users(dict(ALICE, phone={"do": "deny", "after": "30ms"}))
    Api(sim).push()
    assert [p["state"] for p in sim.pushes(state="ended", wait="1m")] == ["denied"]


@test
def a_wait_ends_with_its_time(place):
    sim = place.sim()
    assert sim.ask("/_sim/pushes?wait=20ms") == {"pushes": [], "found": 0, "waiting": 0, "sent": 0}


@test
def whoever_goes_away_while_waiting_is_forgotten(place):
    sim = place.sim()
    descriptors = "/proc/%d/fd" % sim.process.pid
    before = len(os.listdir(descriptors))  # nobody is connected yet
    sim.users(ALICE)
    waiting = [socket.create_connection(("127.0.0.1", sim.port)) for _ in range(20)]
    for one in waiting:
        one.sendall(b"GET /_sim/pushes?wait=2m HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: len(os.listdir(descriptors)) >= before + 20, "twenty connections")
    for one in waiting:
        one.close()
    wait_until(lambda: len(os.listdir(descriptors)) <= before, "the end of all of them")
    Api(sim).push()
    assert len(sim.pushes(state="waiting", wait="1m")) == 1


@test
def pushes_are_answered_on_the_terminal(place):
    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer, "w") as terminal:
        sim = place.sim("--phones", "terminal", stdin=reader)
        sim.users(ALICE)
        api = Api(sim)
        transaction, number = api.push(useNumberMatchingChallenge=True)
        terminal.write("nonsense\n%d\n" % number)
        terminal.flush()
        assert sim.pushes(state="ended", wait="1m")[0]["tapped"] == number
        assert api.result(transaction) == "SUCCESS"
        transaction, _ = api.push()
        terminal.write("d\n")
        terminal.flush()
        assert len(sim.pushes(state="ended", count=2, wait="1m")) == 2
        assert api.result(transaction) == "REJECTED"
        shown = read_text(sim.log.name)
        for text in ("alice@acme.test", "Pixel 8", str(number), "approved", "[a]pprove, [d]eny?", "denied"):
            assert text in shown, shown
        assert "nonsense" not in shown
    # Nobody types any more: the pushes are others' to answer.
    transaction, _ = api.push()
    sim.tap(user="alice", answer="approve")
    assert api.result(transaction) == "SUCCESS"


@test
def the_page_for_people_is_there(place):
    sim = place.sim()
    api = Api(sim)
    api.connection.request("GET", "/_sim/phone")
    answer = api.connection.getresponse()
    assert answer.status == 200 and answer.getheader("content-type").startswith("text/html")
    text = answer.read().decode()
    assert "/_sim/pushes/answer" in text and "innerHTML" not in text


@test
def ten_thousand_pushes_wait_at_once(place):
    n = 10000
    sim = place.sim()
    sim.set(verify_rate_limit=10 * n, factors_rate_limit=10 * n, users_rate_limit=10 * n)
    people = [{"id": "00uMany%013d" % i, "profile": {"login": "u%d@acme.test" % i},
               "factors": [{"factorType": "push", "id": "opfMany%013d" % i}]} for i in range(n)]
    sim.users(*people)
    api = Api(sim)
    transactions = [api.push("/api/v1/users/%s/factors/push/verify" % p["id"])[0] for p in people]
    assert sim.ask("/_sim/pushes?limit=0")["waiting"] == n
    assert api.result(transactions[n // 2]) == "WAITING"
    status, found = api.ask("GET", "/api/v1/users?filter=profile.login+eq+%22u9999%40acme.test%22")
    assert status == 200 and [u["id"] for u in found] == [people[-1]["id"]]
    sim.clock(advance="5m")
    assert api.result(transactions[n // 2]) == "TIMEOUT"
    assert sim.ask("/_sim/pushes?limit=0")["waiting"] == 0


main()
