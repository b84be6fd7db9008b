# SPDX-License-Identifier: Apache-2.0
"""What each library must be able to do with the gate: the same cases for all, carried out by a judge per library
(judge.py, judge.js, go/) that uses the library's own calls wherever it has some.
"""
import json
import os
import queue
import shutil
import subprocess
import sys
import threading

import gate  # first: it finds the other folders
import harness
import servers
from basics import PATIENCE, read_text
from gate import METHOD, POLICY
from phones import Phones

cases = []


def case(function):
    """Registers a case; it gets the gate and the library."""
    cases.append(function)
    return function


def case_with_phones(function):
    """The same, with a third thing: the people of a simulator, whom the gate asks."""
    function.with_phones = True
    return case(function)


class Library:
    """A judge's process, which obeys line by line."""

    def __init__(self, name, command, place, server):
        self.name, self.server = name, server
        self.log = place.path("judge.log")
        env = servers.clean_env(place.root, NODE_PATH=os.path.join(servers.CACHE, "clients-node", "node_modules"))
        with open(self.log, "wb") as stderr:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                                            env=env, cwd=place.root, text=True)
        place.processes.append(self.process)
        self.process.log_path = self.log
        self.answers, self.count = queue.Queue(), 0
        threading.Thread(target=self.read_answers, daemon=True).start()
        self.connect(servers.ROOT)

    def read_answers(self):
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put(None)

    def try_to(self, do, **more):
        """The judge's answer: {"result"} or {"error": {status, errors}}."""
        self.count += 1
        command = dict(more, do=do, number=self.count, address=self.server.address)
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        try:
            line = self.answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError("%s did not answer:\n%s" % (self.name, read_text(self.log)))
        assert line is not None, "the judge's process ended:\n" + read_text(self.log)
        answer = json.loads(line)
        assert answer.pop("number") == self.count and "broken" not in answer, "%s: %s" % (do, answer)
        return answer

    def __getattr__(self, do):
        def act(**more):
            answer = self.try_to(do, **more)
            assert "result" in answer, "%s %s: %s" % (do, more, answer)
            return answer["result"]
        return act

    def connect(self, token):
        assert "result" in self.try_to("connect", token=token)

    def refused(self, status, wanted, do, **more):
        answer = self.try_to(do, **more)
        assert "error" in answer, "%s %s was not refused: %s" % (do, more, answer)
        got = answer["error"]
        assert got["status"] == status and wanted in "\n".join(got["errors"]), got


def run(name, command):
    """Runs every case with the library, as TAP."""
    if not shutil.which(command[0]):
        sys.exit("%s is not there; `tools/deps test` installs it" % command[0])
    for function in cases:
        def run_case(place, function=function):
            people = []
            if hasattr(function, "with_phones"):
                gate.ours_alone()
                people = [Phones(place.sim())]
            server = gate.start(place, *(gate.asks(*people) if people else ()))
            function(server, Library(name, command, place, server), *people)
        run_case.__name__ = "%s: %s" % (name, function.__name__)
        harness.tests.append(run_case)
    harness.main()


def with_user(it):
    """userpass, a policy, and alice who has it; her mount's accessor."""
    it.auth_enable(path="userpass", type="userpass")
    it.policy_put(name="users", text=POLICY)
    it.write(path="auth/userpass/users/alice", data={"password": "correct horse", "token_policies": ["users"]})
    return it.auth_list()["userpass/"]


@case
def configures_an_okta_method_and_reads_it_back(server, it):
    gate.ours_alone()
    accessor = with_user(it)
    assert it.read(path=METHOD) is None
    assert it.write(path=METHOD, data=gate.payload(accessor)) is None
    gate.assert_method(it.read(path=METHOD)["data"], accessor, with_token=True)
    assert it.list(path="sys/mfa/method")["data"]["keys"] == ["my_okta"]
    it.delete(path=METHOD)
    assert it.read(path=METHOD) is None
    assert it.list(path="sys/mfa/method") is None


@case
def sees_no_api_token_without_sudo(server, it):
    gate.ours_alone()
    accessor = with_user(it)
    it.write(path=METHOD, data=gate.payload(accessor))
    it.connect(it.login(path="userpass", user="alice", password="correct horse")["auth"]["client_token"])
    gate.assert_method(it.read(path=METHOD)["data"], accessor, with_token=False)
    it.refused(403, "permission denied", "write", path=METHOD, data=gate.payload(accessor))
    it.refused(403, "permission denied", "delete", path=METHOD)


@case
def is_told_what_is_wrong_with_a_method(server, it):
    gate.ours_alone()
    accessor = with_user(it)
    it.refused(400, 'invalid mount accessor "nosuch"', "write", path=METHOD, data=gate.payload("nosuch"))
    it.refused(400, "org_name must be set", "write", path=METHOD, data={"mount_accessor": accessor})
    assert it.read(path=METHOD) is None


@case
def asks_how_the_server_is(server, it):
    health, seal = it.health(), it.seal_status()
    assert (health["initialized"], health["sealed"], health["standby"]) == (True, False, False), health
    assert (seal["initialized"], seal["sealed"], seal["type"]) == (True, False, "shamir"), seal
    assert health["version"] == seal["version"] and health["cluster_id"] == seal["cluster_id"]


@case
def enables_and_disables_what_is_mounted(server, it):
    it.auth_enable(path="people", type="userpass")
    accessors = it.auth_list()
    assert set(accessors) == {"token/", "people/"} and accessors["people/"].startswith("auth_userpass_"), accessors
    it.refused(400, "path is already in use at people/", "auth_enable", path="people", type="userpass")
    it.mount(path="vault", type="kv")
    assert {"cubbyhole/", "identity/", "sys/", "vault/"} <= set(it.mount_list())
    it.auth_disable(path="people")
    assert set(it.auth_list()) == {"token/"}


@case
def keeps_policies(server, it):
    it.policy_put(name="users", text=POLICY)
    assert it.policy_get(name="users") == POLICY
    assert set(it.policy_list()) == {"default", "root", "users"}
    it.refused(400, "failed to parse policy", "policy_put", name="bad", text='path "a" {')
    it.policy_delete(name="users")
    assert set(it.policy_list()) == {"default", "root"}


@case
def keeps_secrets(server, it):
    it.mount(path="secret", type="kv")
    data = {"user": "ägypten", "count": 12, "deep": {"a": [1, None, True]}}
    it.kv_put(name="secret", path="app/db", data=data)
    assert it.kv_get(name="secret", path="app/db") == data
    it.kv_put(name="secret", path="app/db", data={"user": "other"})
    assert it.kv_get(name="secret", path="app/db") == {"user": "other"}
    assert it.list(path="secret/app")["data"]["keys"] == ["db"]
    assert it.list(path="secret")["data"]["keys"] == ["app/"]
    it.delete(path="secret/app/db")
    assert it.read(path="secret/app/db") is None and it.list(path="secret/app") is None


@case
def logs_in_and_is_held_to_the_policy(server, it):
    with_user(it)
    it.mount(path="secret", type="kv")
    it.refused(400, "invalid username or password", "login", path="userpass", user="alice", password="wrong")
    auth = it.login(path="userpass", user="alice", password="correct horse")["auth"]
    assert auth["policies"] == ["default", "users"] and auth["metadata"] == {"username": "alice"}, auth
    assert auth["entity_id"] and auth["renewable"] and auth["orphan"], auth
    it.connect(auth["client_token"])
    it.write(path="secret/mine", data={"a": "b"})
    assert it.read(path="secret/mine")["data"] == {"a": "b"}
    it.refused(403, "permission denied", "read", path="sys/mounts")
    assert set(it.capabilities(path="secret/x")) == {"create", "read", "update", "delete", "list"}
    assert it.capabilities(path="sys/mounts") == ["deny"]


@case
def makes_renews_and_revokes_tokens(server, it):
    it.policy_put(name="users", text=POLICY)
    auth = it.token_create(name="users", ttl="1h")["auth"]
    assert auth["policies"] == ["default", "users"] and auth["lease_duration"] == 3600, auth
    it.connect(auth["client_token"])
    data = it.token_lookup()["data"]
    assert (data["id"], data["accessor"]) == (auth["client_token"], auth["accessor"]), data
    assert data["display_name"].startswith("token") and data["path"] == "auth/token/create", data
    assert 0 < it.token_renew()["auth"]["lease_duration"] <= 3600
    it.token_revoke()
    it.refused(403, "permission denied", "token_lookup")


@case
def wraps_and_unwraps(server, it):
    it.mount(path="secret", type="kv")
    it.kv_put(name="secret", path="one", data={"a": "b"})
    token = it.wrapped_read(path="secret/one", ttl="60s")
    assert it.unwrap(token=token)["data"] == {"a": "b"}
    it.refused(400, "wrapping token is not valid or does not exist", "unwrap", token=token)


@case
def ties_a_user_to_an_entity(server, it):
    accessor = with_user(it)
    entity = it.write(path="identity/entity",
                      data={"name": "alice", "metadata": {"email": "alice@example.com"}})["data"]
    alias = it.write(path="identity/entity-alias",
                     data={"name": "alice", "canonical_id": entity["id"], "mount_accessor": accessor})["data"]
    assert alias["canonical_id"] == entity["id"]
    auth = it.login(path="userpass", user="alice", password="correct horse")["auth"]
    assert auth["entity_id"] == entity["id"]
    data = it.read(path="identity/entity/name/alice")["data"]
    assert data["metadata"] == {"email": "alice@example.com"}
    assert [a["mount_accessor"] for a in data["aliases"]] == [accessor]
    assert it.list(path="identity/entity/name")["data"]["keys"] == ["alice"]
    it.delete(path="identity/entity/id/" + entity["id"])
    assert it.read(path="identity/entity/name/alice") is None


import stepup_cases  # noqa: E402,F401  (it registers its own)
