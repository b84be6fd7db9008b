# SPDX-License-Identifier: Apache-2.0
"""kill -9 under a gate that is being written to: what was answered is there afterwards, whole; what was on its way is
there whole or not at all. KILLS says how often, SEED repeats the moments."""
import collections
import http.client
import json
import os
import random
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "openbao"))

import servers  # noqa: E402
from basics import BARE_ENV, GATEHOUSE, read_text  # noqa: E402
from harness import main, test  # noqa: E402

KILLS = int(os.environ.get("KILLS", "12"))
SEED = int(os.environ.get("SEED", random.randrange(2**32)))
GONE = None


class Thing:
    """A kind of record: where one lies, how a value is written, and what of it is read back."""

    def __init__(self, path, body, seen, read=None, removable=True):
        self.path, self.body, self.seen, self.removable = path, body, seen, removable
        self.read = read or path


# Every value is a number that is written in several places, so that a half of it shows.
THINGS = [
    Thing("kv/%s", lambda n: {"a": n, "b": "x" * (n % 5000), "c": n}, lambda d: (d["a"], len(d["b"]), d["c"])),
    Thing("identity/entity/name/%s", lambda n: {"metadata": {"a": str(n), "b": str(n)}, "policies": ["p%d" % n]},
          lambda d: (d["metadata"]["a"], d["metadata"]["b"], d["policies"])),
    Thing("sys/policies/acl/%s", lambda n: {"policy": 'path "%d" { policy = "read" }\n# %d' % (n, n)},
          lambda d: d["policy"]),
    Thing("sys/mfa/method/okta/%s", lambda n: {"org_name": "o%d" % n, "api_token": "t%d" % n, "username_format": str(n),
                                               "mount_accessor": "${accessor}"},
          lambda d: (d["org_name"], d["api_token"], d["username_format"])),
    Thing("auth/userpass/users/%s", lambda n: {"password_hash": HASH, "token_policies": ["p%d" % n], "token_ttl": n},
          lambda d: (d["token_policies"], d["token_ttl"])),
    Thing("sys/auth/%s", lambda n: {"type": "userpass", "description": str(n)}, lambda d: d["description"]),
]
HASH = "$2b$05$abcdefghijklmnopqrstuuXkZ0sAfTqYvQm2kRnH3v5JXKb0rF0yW"  # of no password: hashing is not what is tested


class Writer(threading.Thread):
    """Writes values of one kind to a few names over one connection until the gate is gone."""

    def __init__(self, server, thing, name, accessor, state, rand):
        super().__init__(daemon=True)
        self.server, self.thing, self.name, self.accessor, self.rand = server, thing, name, accessor, rand
        self.state = state  # name: what may be read there, the answered value first
        self.answered = 0
        self.wrong = None

    def run(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
            while True:
                self.write(connection)
        except (OSError, http.client.HTTPException):
            return  # killed
        except AssertionError as wrong:
            self.wrong = wrong

    def write(self, connection):
        name = "%s%d" % (self.name, self.rand.randrange(8))
        value = self.rand.randrange(1, 10**6)
        remove = self.thing.removable and self.rand.random() < 0.2
        body = None if remove else json.dumps(self.thing.body(value)).replace("${accessor}", self.accessor)
        if self.thing.path.startswith("sys/auth/") and not remove and self.state.get(name, [GONE])[0] is not GONE:
            return  # a mount is not overwritten
        wanted = GONE if remove else self.thing.body(value)
        self.state[name] = [self.state.get(name, [GONE])[0], wanted]
        connection.request("DELETE" if remove else "PUT", "/v1/" + self.thing.path % name, body,
                           {"X-Vault-Token": self.server.root})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status in (200, 204), "%s: %d %s" % (self.thing.path % name, answer.status, text[:300])
        self.state[name] = [wanted]
        self.answered += 1


class Tokens(threading.Thread):
    """Makes tokens and revokes some of them."""

    def __init__(self, server, live, dead, rand):
        super().__init__(daemon=True)
        self.server, self.live, self.dead, self.rand = server, live, dead, rand
        self.answered = 0
        self.wrong = None

    def run(self):
        try:
            while True:
                made = self.server.call("PUT", "auth/token/create", {"policies": ["default"]}, self.server.root)
                self.live.append(made["auth"]["client_token"])
                self.answered += 1
                if self.rand.random() < 0.3:
                    self.revoke(self.live.pop(self.rand.randrange(len(self.live))))
        except (OSError, http.client.HTTPException):
            return
        except AssertionError as wrong:
            self.wrong = wrong

    def revoke(self, token):
        self.server.call("PUT", "auth/token/revoke", {"token": token}, self.server.root)  # unanswered: of neither list
        self.dead.append(token)


class Record:
    """What a gate must have, over all its lives."""

    def __init__(self, rand):
        self.rand = rand
        self.states = {thing: {} for thing in THINGS}
        self.live, self.dead = [], []
        self.writes = 0

    def write_until(self, server, accessor, end):
        """Writers by the dozen, until `end()` has returned and the gate is gone."""
        writers = [Writer(server, thing, "w%d-" % i, accessor, self.states[thing], random.Random(self.rand.random()))
                   for thing in THINGS for i in range(2)]
        writers.append(Tokens(server, self.live, self.dead, random.Random(self.rand.random())))
        for writer in writers:
            writer.start()
        end()
        for writer in writers:
            writer.join()
            self.writes += writer.answered
            if writer.wrong:
                raise writer.wrong

    def check(self, server, accessor):
        for thing, state in self.states.items():
            for name, allowed in state.items():
                got = self.seen(server, thing, thing.path % name)
                wanted = [GONE if w is GONE else thing.seen(self.as_read(w, accessor)) for w in allowed]
                assert got in wanted, "SEED=%d %s: %r is none of %r" % (SEED, thing.path % name, got, wanted)
                state[name] = [allowed[wanted.index(got)]]
        for token in self.live:
            server.call("GET", "auth/token/lookup-self", token=token)
        for token in self.dead:
            server.call("GET", "auth/token/lookup-self", token=token, expect=(403,))

    @staticmethod
    def as_read(value, accessor):
        return json.loads(json.dumps(value).replace("${accessor}", accessor))

    @staticmethod
    def seen(server, thing, path):
        absent = (400, 404) if path.startswith("sys/auth/") else (404,)
        got = server.call("GET", path, token=server.root, expect=(200, *absent))
        return thing.seen(got["data"]) if got and "data" in got else GONE


def stored(place):
    server = servers.gatehouse_stored(place.root)
    place.sims.append(server)
    server.call("PUT", "sys/mounts/kv", {"type": "kv"}, server.root)
    server.call("PUT", "sys/auth/userpass", {"type": "userpass"}, server.root)
    return server, server.call("GET", "sys/auth", token=server.root)["userpass/"]["accessor"]


def again(place, before):
    server = servers.gatehouse("-c", before.settings, folder=place.root)
    place.sims.append(server)
    server.settings, server.root = before.settings, before.root
    return server


@test
def what_was_answered_survives_kill_9(place):
    rand = random.Random(SEED)
    record = Record(rand)
    server, accessor = stored(place)

    def kill():
        time.sleep(rand.uniform(0.02, 0.5))  # the moment of the kill is what is varied
        server.process.kill()
        server.process.wait()

    for _ in range(KILLS):
        record.write_until(server, accessor, kill)
        server = again(place, server)
        record.check(server, accessor)
    assert record.writes > KILLS * 10, record.writes
    assert len(record.live) > KILLS and record.dead, "no tokens were made"


class Keys:
    """The master keys of one gate: files, and the settings that name the one in force."""

    def __init__(self, place, server):
        self.place, self.settings = place, server.settings
        self.count = 0
        with open(server.settings) as file:
            self.plain = file.read()

    def use(self, path):
        with open(self.settings, "w") as file:
            file.write(re.sub("master_key: .*", "master_key: ${file:%s}" % path, self.plain))

    def command(self, server):
        """A rotation to a new file: (the file, the command)."""
        self.count += 1
        path = self.place.path("master-%d.key" % self.count)
        return path, [GATEHOUSE, "rotate", "-c", self.settings, path]

    @staticmethod
    def env(server):
        return dict(BARE_ENV, BAO_ADDR=server.address, BAO_TOKEN=server.root)

    def rotate(self, server):
        path, command = self.command(server)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env=self.env(server), timeout=60)
        assert done.returncode == 0, done.stderr
        self.use(path)


@test
def the_master_key_is_rotated_under_writers(place):
    record = Record(random.Random(SEED))
    server, accessor = stored(place)
    keys = Keys(place, server)

    def rotate_and_kill():
        for _ in range(3):
            keys.rotate(server)
        server.process.kill()
        server.process.wait()

    record.write_until(server, accessor, rotate_and_kill)
    record.check(again(place, server), accessor)
    place.sims.pop().stop()
    place.settings(keys.plain)
    done = place.run("run", "-c", server.settings)
    assert done.returncode != 0 and "master_key" in done.err, (done.returncode, done.err)


@test
def a_rotation_that_is_killed_leaves_one_key_in_force(place):
    rand = random.Random(SEED)
    record = Record(rand)
    server, accessor = stored(place)
    keys = Keys(place, server)
    ends = collections.Counter()

    def kill_while_rotating():
        path, command = keys.command(server)
        rotation = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, env=keys.env(server))
        time.sleep(rand.uniform(0, 0.3))  # the moment of the kill is what is varied
        server.process.kill()
        server.process.wait()
        rotation.wait(60)
        keys.fresh = path

    for _ in range(KILLS):
        record.write_until(server, accessor, kill_while_rotating)
        server, end = again_with(place, server, keys)
        ends[end] += 1
        record.check(server, accessor)
    assert ends["new"], "no rotation came to its end before the kill: %s" % ends


def again_with(place, server, keys):
    """The gate with the old key, or else with the new one: (it, which)."""
    try:
        return again(place, server), "old"
    except AssertionError:
        assert os.path.exists(keys.fresh), "neither key is the gate's"
    keys.use(keys.fresh)
    keys.plain = read_text(server.settings)
    return again(place, server), "new"


@test
def a_wrong_master_key_is_refused_at_start(place):
    server, accessor = stored(place)
    server.process.terminate()
    assert server.process.wait(60) == 0, server.last_words()
    right = open(server.settings).read()
    place.settings(right.replace("master_key: ", "master_key: " + "0" * 64 + " # "))
    done = place.run("run", "-c", server.settings)
    assert done.returncode != 0 and "master_key" in done.err, (done.returncode, done.err)
    place.settings(right)
    again(place, server).call("GET", "sys/mounts/kv", token=server.root)


@test
def the_state_shows_no_secret(place):
    server, accessor = stored(place)
    secrets = ["kvSecretOfTheTest", "apiTokenOfTheTest", "passwordOfTheTest", "metadataOfTheTest"]
    server.call("PUT", "kv/x", {"a": secrets[0]}, server.root)
    server.call("PUT", "sys/mfa/method/okta/x", {"mount_accessor": accessor, "org_name": "o", "api_token": secrets[1]},
                server.root)
    server.call("PUT", "auth/userpass/users/x", {"password": secrets[2]}, server.root)
    server.call("PUT", "identity/entity", {"name": "x", "metadata": {"a": secrets[3]}}, server.root)
    made = server.call("PUT", "auth/token/create", {"policies": ["default"]}, server.root)
    secrets += [made["auth"]["client_token"], server.root]
    server.process.terminate()
    server.process.wait()
    for folder, _, names in os.walk(place.path("state")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                stored_bytes = file.read()
            shown = [secret for secret in secrets if secret.encode() in stored_bytes]
            assert not shown, "%s shows %s" % (name, shown)


if __name__ == "__main__":
    main()
