# SPDX-License-Identifier: Apache-2.0
"""A gate whose policy wants a person asked, the simulator that asks them, and requests that wait."""
import contextlib
import crypt
import datetime
import json
import os
import select
import socket

from basics import PATIENCE, read_text, wait_until
from gates import Gate
from phones import Phones

DENIED = {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
PASSWORD = "correct horse"
# A cheap one: the hashing of passwords is not what is tested.
HASH = crypt.crypt(PASSWORD, "$2b$05$abcdefghijklmnopqrstuu")
ORG = "dev-1"
SECRET = {"user": "ann", "password": "hunter2"}

# Ceilings of the simulator that no test comes near to.
ENOUGH = {"%s_rate_limit" % bucket: 10**6 for bucket in ("token", "users", "user", "factors", "verify")}

POLICY = """path "secret/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
  mfa_methods = [%s]
}
path "plain/*" { capabilities = ["read", "list"] }
path "auth/token/create" { capabilities = ["update"] }
"""


def policy(*methods):
    return POLICY % ", ".join('"%s"' % m for m in methods or ["my_okta"])


class Request:
    """A request over a connection of its own, which is answered now or later."""

    def __init__(self, gate, method, path, body=None, token="", mfa=(), headers=None):
        self.connection = gate.connect(timeout=PATIENCE * 2)
        self.connection.putrequest(method, "/v1/" + path)
        if token:
            self.connection.putheader("X-Vault-Token", token)
        for credential in [mfa] if isinstance(mfa, str) else mfa:
            self.connection.putheader("X-Vault-MFA", credential)
        for name, value in (headers or {}).items():
            self.connection.putheader(name, value)
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            self.connection.putheader("Content-Length", str(len(data)))
        self.connection.endheaders(data)

    def is_answered(self):
        return bool(select.select([self.connection.sock], [], [], 0)[0])

    def answer(self):
        """Status and JSON; waits for it."""
        with contextlib.closing(self.connection):
            answer = self.connection.getresponse()
            text = answer.read()
        return answer.status, json.loads(text) if text else None

    def hang_up(self):
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()


class Person:
    """Somebody with an account in Okta, one of userpass, and an entity that ties them."""

    def __init__(self, name, domain="acme.example"):
        self.name, self.domain = name, domain
        self.login = "%s@%s" % (name, domain)
        self.path = "secret/" + name
        self.token = self.entity = None


def push_factor(name="iPhone", **more):
    return {"factorType": "push", "name": name, **more}


def code_factor(*codes, **more):
    return {"factorType": "token:software:totp", "codes": list(codes), **more}


class StepUps(Phones):
    """A company: a simulator with its people and their phones, and a gate with the method `my_okta`, the policy `mfa`
    and userpass. `mfa` and `guard` are more settings; `watched` makes the simulator's log a source, too."""

    def __init__(self, place, mfa=None, guard=None, watched=False, sim=None, extra="", sim_args=(), method=None,
                 listen="", context=None):
        super().__init__(sim or place.sim(*sim_args))
        self.place = place
        self.sim.set(**ENOUGH)
        self.gate = Gate(place, self.settings(mfa or {}, guard or {}, watched, extra), listen=listen, context=context)
        self.gate.start()
        self.accessor = self.mount_things()
        if method is not False:
            self.method("my_okta", **(method or {}))
        self.put("sys/policies/acl/mfa", {"policy": policy()})

    def settings(self, mfa, guard, watched, extra):
        rows = {"okta_url": '"%s"' % self.sim.base, "poll_interval": "1s", **mfa}
        if guard:
            rows["guard"] = "{ %s }" % ", ".join("%s: %s" % row for row in guard.items())
        rows = {k: v for k, v in rows.items() if v is not None}
        text = "mfa: { %s }\n" % ", ".join("%s: %s" % row for row in rows.items())
        if watched:
            text += "sources:\n" + self.place.source(self.sim, interval="100ms", initial_interval="1m")
        return text + extra

    # ---- the gate

    def put(self, path, body=None, token=None, method="PUT"):
        """A write that must succeed; its data."""
        status, answer = self.gate.call(method, path, body, token)
        assert status in (200, 204), (path, status, answer)
        return answer and answer.get("data")

    def get(self, path):
        status, answer = self.gate.call("GET", path)
        assert status == 200, (path, status, answer)
        return answer["data"]

    def mount_things(self):
        self.put("sys/auth/userpass", {"type": "userpass"})
        self.put("sys/mounts/secret", {"type": "kv"})
        self.put("sys/mounts/plain", {"type": "kv"})
        return self.get("sys/auth")["userpass/"]["accessor"]

    def method(self, name, **more):
        data = {"mount_accessor": self.accessor, "org_name": ORG, "api_token": self.sim.token,
                "username_format": "{{entity.metadata.email}}", **more}
        self.put("sys/mfa/method/okta/" + name, {k: v for k, v in data.items() if v is not None})

    # ---- people

    def account(self, person, factors=None, phone="ignore", **more):
        """Their account in Okta: one push factor unless said otherwise."""
        self.add(person.login, [push_factor()] if factors is None else factors, phone, **more)

    def entity_of(self, person, policies="mfa", metadata=None):
        self.put("auth/userpass/users/" + person.name, {"password_hash": HASH})
        body = {"name": person.name, "policies": policies,
                "metadata": {"email": person.login} if metadata is None else metadata}
        person.entity = self.put("identity/entity", body)["id"]
        self.put("identity/entity-alias", {"name": person.name, "canonical_id": person.entity,
                                           "mount_accessor": self.accessor})
        self.put(person.path, SECRET)

    def log_in(self, person):
        person.token = self.token_of(person)
        return person

    def token_of(self, person):
        status, answer = self.gate.call("PUT", "auth/userpass/login/" + person.name, {"password": PASSWORD}, "")
        assert status == 200, answer
        return answer["auth"]["client_token"]

    def person(self, name, **account):
        """Somebody with everything, logged in."""
        person = Person(name)
        self.account(person, **account)
        self.entity_of(person)
        return self.log_in(person)

    # ---- requests

    def ask(self, person, method="GET", path=None, body=None, token=None, **more):
        """Sends a request of theirs; its answer may take a while."""
        return Request(self.gate, method, path or person.path, body, token or person.token, **more)

    def read(self, person, **more):
        return self.ask(person, **more).answer()

    def approved(self, person, **more):
        """A read whose push is approved."""
        asked = self.ask(person, **more)
        self.answer(person, "approve")
        status, answer = asked.answer()
        assert (status, answer and answer.get("data")) == (200, SECRET), (status, answer)
        return answer

    def denied(self, person, **more):
        asked = self.ask(person, **more)
        self.answer(person, "deny")
        assert asked.answer() == (403, DENIED)

    def files_of(self, folder):
        return [os.path.join(at, name) for at, _, names in os.walk(self.place.path(folder)) for name in names]

    @staticmethod
    def instant(document):
        return int(datetime.datetime.fromisoformat(document["@timestamp"].replace("Z", "+00:00")).timestamp() * 1000)

    def refused(self, person, **more):
        """A read that is refused without a push."""
        before = self.pushes(person)
        got = self.read(person, **more)
        assert got == (403, DENIED), got
        assert self.pushes(person) == before, "a push went out"

    # ---- their phones

    def counts(self, person):
        return self.counts_of(person.login)

    def pushes(self, person):
        """How many reached their phone."""
        return self.counts(person)["pushes"]

    def push(self, person):
        return self.push_of(person.login)

    def answer(self, person, deed, number=None):
        self.answer_of(person.login, deed, number)

    def wait_polls(self, person, count):
        self.wait_polls_of(person.login, count)

    def wait_state(self, person, state):
        self.wait_state_of(person.login, state)

    def signal(self, person, kind, **more):
        self.signal_of(person.login, kind, **more)

    def logged(self, person):
        return self.logged_of(person.login)

    # ---- what the gate says

    def documents(self, path=None, dataset="gatehouse.gate"):
        """The documents so far; of a path those of requests that needed a method."""
        found = [d for d in self.place.in_file() if d["event"].get("dataset") == dataset]
        if path is None:
            return found
        return [d for d in found if d["url"]["path"] == "/v1/" + path and "mfa_methods" in d["gatehouse"]["gate"]]

    def request_document(self, path):
        """The document of the one request of this path that needed a method."""
        return wait_until(lambda: self.documents(path), "the audit document of " + path)[-1]

    def last_request(self, person):
        """The document of their last request that needed a method and has been answered."""
        mark = self.gate.read()
        wait_until(lambda: mark in [d["event"]["id"] for d in self.documents()], "the document of a later request")
        return self.documents(person.path)[-1]

    def mfa_documents(self, action):
        return [d for d in self.documents(dataset="gatehouse.mfa") if d["event"]["action"] == action]

    def challenge_documents(self, person, count):
        """What was decided of the first challenges of their requests, in order."""
        def found():
            requests = {d["event"]["id"] for d in self.documents(person.path)}
            mine = [d for d in self.mfa_documents("mfa-challenge") if d["http"]["request"]["id"] in requests]
            return len(mine) >= count and mine
        return wait_until(found, "%d documents of %s's challenges" % (count, person.name))

    def guard(self, person):
        """What the guard knows of their Okta user; None: nothing."""
        status, answer = self.gate.call("GET", "sys/mfa/guard/" + person.login)
        assert status in (200, 404), answer
        users = [s for s in answer["data"]["subjects"] if s["type"] == "user"] if status == 200 else []
        return users[0] if users else None

    def wait_guard(self, person, rule):
        """Until this rule speaks against a push to them; None: until none does."""
        def speaks():
            known = self.guard(person)
            return (known["push"]["rule"] if known else "clear") == (rule or "clear")
        wait_until(speaks, "the rule %s for %s: %s" % (rule, person.name, self.guard(person)))

    def clear(self, person):
        self.put("sys/mfa/guard/" + person.login, method="DELETE")

    def all_challenges(self):
        """The oldest first, each with its id."""
        status, answer = self.gate.call("LIST", "sys/mfa/challenge")
        assert status in (200, 404), answer
        infos = answer["data"]["key_info"] if status == 200 else {}
        return [{"id": key, **infos[key]} for key in reversed(list(infos))]

    def challenges(self, person):
        """Those of their Okta user."""
        return [c for c in self.all_challenges() if c["login"] == person.login]

    def joined(self, challenge, count):
        """Okta's entries of a challenge, once there are so many."""
        def entries():
            found = self.get("sys/mfa/challenge/" + challenge["id"])["okta_events"]
            return len(found) >= count and found
        return wait_until(entries, "%d entries of Okta's log in challenge %s" % (count, challenge["id"]))

    def unseal(self):
        self.put("sys/unseal", {"key": read_text(self.gate.key).strip()})
