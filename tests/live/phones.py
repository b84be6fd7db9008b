# SPDX-License-Identifier: Apache-2.0
"""The people of a simulator and their phones: who they are, what is on the phone, what is tapped, what was counted."""
import json
import urllib.parse
import urllib.request

from basics import PATIENCE, now_ms, rfc3339, wait_until

LONG = "%ds" % (PATIENCE * 0.9)  # that the simulator waits for something to happen


class Phones:
    def __init__(self, sim):
        self.sim = sim

    # ---- by login

    def add(self, login, factors=None, phone=None, email=None, **more):
        """Somebody with one phone, unless said otherwise; of somebody known what is given."""
        name = login.partition("@")[0]
        user = {"profile": {"login": login, "email": email or login, "firstName": name, "lastName": "Test"}, **more}
        if factors is not None or not self.known(login):
            user["factors"] = [{"factorType": "push", "name": "iPhone"}] if factors is None else factors
        if phone is not None:
            user["phone"] = phone
        self.sim.ask("/_sim/users", user)

    def known(self, login):
        return any(p["login"] == login for p in self.sim.ask("/_sim/phones")["phones"])

    def counts_of(self, login):
        """What was asked of the person's phone, and how often it was refused."""
        return self.sim.ask("/_sim/phones?user=" + urllib.parse.quote(login))["phones"][0]

    def pushes_of(self, login, **query):
        text = urllib.parse.urlencode({"user": login, **query})
        return self.sim.ask("/_sim/pushes?" + text)["pushes"]

    def push_of(self, login):
        """The push that is on the phone; waits for one."""
        found = self.pushes_of(login, state="waiting", wait=LONG)
        assert found, "no push came to " + login
        return found[0]

    def last_of(self, login):
        return self.pushes_of(login)[-1]

    def answer_of(self, login, deed, number=None):
        """Taps, on the push that is there or comes."""
        push = self.push_of(login)
        body = {"id": push["id"], "answer": deed}
        if number is not None:
            body["number"] = number
        self.sim.ask("/_sim/pushes/answer", body)

    def wait_polls_of(self, login, count):
        wait_until(lambda: self.counts_of(login)["polls"]["asked"] >= count, "%d polls for %s" % (count, login))

    def wait_state_of(self, login, state):
        wait_until(lambda: (self.pushes_of(login) or [{}])[-1].get("state") == state,
                   "a push to %s that is %s" % (login, state))

    def script_of(self, login, script):
        self.sim.ask("/_sim/phones", {"user": login, "script": script})

    def signal_of(self, login, kind, **more):
        """Something that happened elsewhere."""
        self.sim.ask("/_sim/signals", {"user": login, "kind": kind, **more})

    def logged_of(self, login):
        """Okta's own entries about the person."""
        path = "/api/v1/logs?limit=1000&sortOrder=DESCENDING&since=" + rfc3339(now_ms() - 3600_000)
        request = urllib.request.Request(self.sim.base + path, headers={"Authorization": "SSWS " + self.sim.token})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return [e for e in reversed(json.load(answer)) if '"%s"' % login in json.dumps(e)]

    def push_by_hand(self, login, token):
        """A push that somebody else asks for, with this API token."""
        factors = self.pushes_of(login)  # of a person who had one before; else by type
        factor = factors[-1]["factor"] if factors else "push"
        path = "/api/v1/users/%s/factors/%s/verify" % (urllib.parse.quote(login), factor)
        request = urllib.request.Request(self.sim.base + path, data=b"{}", method="POST", headers={
            "Authorization": "SSWS " + token, "Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            assert answer.status == 201, answer.status

    # ---- of all

    def everybodys_counts(self):
        return {p["login"]: p for p in self.sim.ask("/_sim/phones")["phones"]}

    def waiting(self):
        """How many pushes wait for somebody."""
        return self.sim.ask("/_sim/pushes?limit=1")["waiting"]

    def polls_of_all(self):
        return {login: p["polls"]["asked"] for login, p in self.everybodys_counts().items() if p["pushes"]}

    def total_polls(self):
        return sum(self.polls_of_all().values())

    def total_pushes(self):
        return self.sim.ask("/_sim/pushes?limit=1")["sent"]

    def answer_all(self, deed):
        for login, counts in self.everybodys_counts().items():
            if counts["waiting"]:
                self.sim.ask("/_sim/pushes/answer", {"user": login, "answer": deed})
