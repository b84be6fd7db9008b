# SPDX-License-Identifier: Apache-2.0
"""What the gate audits travels like any other source: each answered request becomes one document in every output,
whatever fails or dies between. KILLS (of the killing test) and SEED may be set.
"""
import contextlib
import http.client
import json
import os
import random
import re
import signal
import sqlite3
import threading

from gates import Gate
from harness import main, remark, test, wait_until

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
KILLS = int(os.environ.get("KILLS", 20))


def assert_once(found, wanted, where):
    assert len(found) == len(set(found)), "%s has documents twice" % where
    assert set(found) == set(wanted), "%s: %d missing, %d too many" % (
        where, len(set(wanted) - set(found)), len(set(found) - set(wanted)))


@test
def each_request_is_in_every_output_once_and_then_forgotten(place):
    gate = Gate(place).start()
    wanted = [gate.read() for _ in range(30)]
    wait_until(lambda: len(place.uuids_in_db()) == 30 and len(place.uuids_in_file()) == 30, "30 documents")
    assert place.uuids_in_file() == wanted
    wait_until(lambda: gate.journal() == 0, "an empty journal")
    wanted += [gate.read() for _ in range(5)]
    gate.stop()
    place.collect_once()
    assert_once(place.uuids_in_db(), wanted, "the database")
    assert_once(place.uuids_in_file(), wanted, "the file")
    rows = place.status()
    assert set(rows) == {("gate", "db"), ("gate", "archive")}, rows
    assert all(row["events"] == 35 and row["cursor"] == "35" for row in rows.values()), rows


@test
def documents_say_who_did_what_and_no_secret(place):
    gate = Gate(place).start()
    secrets = [gate.root]
    assert gate.call("POST", "sys/auth/userpass", {"type": "userpass"})[0] == 204
    assert gate.call("POST", "auth/userpass/users/eve", {"password": "correct horse"})[0] == 204
    status, login = gate.call("POST", "auth/userpass/login/eve", {"password": "correct horse"}, token="")
    assert status == 200, login
    secrets += [login["auth"]["client_token"], login["auth"]["accessor"], "correct horse"]
    assert gate.call("POST", "sys/mounts/kv", {"type": "kv"})[0] == 204
    assert gate.call("PUT", "kv/a", {"password": "hunter2"})[0] == 204
    assert gate.call("GET", "kv/a")[0] == 200
    assert gate.call("GET", "kv/a", token=login["auth"]["client_token"])[0] == 403
    assert gate.call("GET", "kv/a", token="s.AAAABBBBCCCCDDDDEEEEFFFF")[0] == 403
    secrets += ["hunter2", "AAAABBBB"]
    gate.stop()
    place.collect_once()
    documents = place.in_file()
    assert [d["event"]["outcome"] for d in documents] == ["success"] * 6 + ["failure"] * 2
    assert documents[2]["event"]["category"] == ["api", "authentication"]
    assert documents[2]["user"] == {"id": login["auth"]["entity_id"], "name": "eve"}
    assert documents[6]["user"] == {"id": login["auth"]["entity_id"], "name": "userpass-eve"}
    assert documents[6]["gatehouse"]["gate"]["accessor_hash"] == documents[2]["gatehouse"]["gate"]["issued_accessor_hash"]
    assert documents[7]["event"]["reason"] == "bad token"
    text = json.dumps(documents)
    for secret in secrets:
        assert secret not in text, secret
    for name in os.listdir(place.path("state")):
        with open(place.path("state", name), "rb") as f:
            content = f.read()
        for secret in secrets:
            assert secret.encode() not in content, "%s in %s" % (secret, name)


class Client(threading.Thread):
    """Asks over one connection, one request after the other, until the gate is gone."""

    def __init__(self, gate):
        super().__init__(daemon=True)
        self.gate = gate
        self.answered = []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.gate.port, timeout=60)
        try:
            while True:
                self.answered.append(self.gate.read(connection))
        except (OSError, http.client.HTTPException):
            return


@test
def killed_at_any_moment_nothing_is_doubled_and_only_the_last_moment_is_lost(place):
    remark("SEED=%d" % SEED)
    rand = random.Random(SEED)
    gate = Gate(place)
    lives = []
    for life in range(KILLS):
        gate.start()
        client = Client(gate)
        client.start()
        enough = rand.randrange(1, 400)
        wait_until(lambda: len(client.answered) >= enough, "%d answers" % enough)
        if life % 3 == 0:  # however quick the answers are, not all lives end before anything is written
            before = len(place.uuids_in_file())
            wait_until(lambda: len(place.uuids_in_file()) > before, "a document in the file")
        gate.kill()
        client.join()
        lives.append(client.answered)
    place.collect_once()
    found = place.uuids_in_file()
    assert len(found) == len(set(found)), "the file has documents twice"
    assert_once(place.uuids_in_db(), found, "the database")
    place.assert_whole_files()
    at = 0
    for answered in lives:
        kept = 0
        while kept < len(answered) and at < len(found) and found[at] == answered[kept]:
            kept, at = kept + 1, at + 1
        rest = set(answered[kept:])
        # What was on its way when the gate died may have been audited, but not answered.
        if kept == len(answered) and at < len(found) and not any(found[at] in other for other in lives):
            at += 1
        assert not rest & set(found), "a document in the middle is missing, a later one is not"
    assert at == len(found), "documents that nobody asked for, or out of order"
    assert sum(map(len, lives)) >= KILLS
    assert at > 0


@test
def an_output_that_fails_gets_everything_later(place):
    gate = Gate(place, db=place.path("later", "events.db"))
    gate.start()
    wanted = [gate.read() for _ in range(20)]
    wait_until(lambda: len(place.uuids_in_file()) == 20, "20 documents in the file")
    place.wait_log(gate.process, "output.failed")
    assert gate.journal() == 20
    gate.stop()
    os.mkdir(place.path("later"))
    place.collect_once()
    assert_once(place.uuids_in_db("later/events.db"), wanted, "the database")
    assert_once(place.uuids_in_file(), wanted, "the file")


@test
def a_request_that_cannot_be_audited_is_refused(place):
    gate = Gate(place).start()
    wanted = [gate.read()]
    wait_until(lambda: len(place.uuids_in_db()) == 1, "a document")
    os.rename(place.path("state", "state.db"), place.path("aside"))

    def is_refused():
        status, answer = gate.call("GET", "sys/mounts")
        if status == 200:
            wanted.append(answer["request_id"])
        return status == 500 and "audited" in answer["errors"][0]
    wait_until(is_refused, "a refusal")
    place.wait_log(gate.process, "gate.audit_failed")
    os.rename(place.path("aside"), place.path("state", "state.db"))
    place.wait_log(gate.process, "gate.audit_recovered")
    wanted.append(gate.read())
    gate.stop()
    place.collect_once()
    assert_once(place.uuids_in_db(), wanted, "the database")
    assert_once(place.uuids_in_file(), wanted, "the file")


@test
def a_reload_loses_nothing(place):
    gate = Gate(place).start()
    client = Client(gate)
    client.start()
    for i in range(1, 6):
        wait_until(lambda: len(client.answered) >= i * 50, "answers")
        gate.process.send_signal(signal.SIGHUP)
        place.wait_log(gate.process, "daemon.reloaded", i)
    gate.stop()
    client.join()
    place.collect_once()
    found = place.uuids_in_file()
    assert found[:len(client.answered)] == client.answered
    assert len(found) <= len(client.answered) + 1
    assert_once(place.uuids_in_db(), found, "the database")


@test
def chosen_outputs_alone_get_documents(place):
    gate = Gate(place, extra="gate: { outputs: [archive] }\n").start()
    wanted = [gate.read()]
    gate.stop()
    place.collect_once()
    assert place.uuids_in_file() == wanted
    assert place.uuids_in_db() == []


@test
def without_audit_there_are_no_documents(place):
    gate = Gate(place, extra="gate: { audit: false }\n").start()
    gate.read()
    assert gate.journal() == 0
    place.settings(gate.base + "master_key: ${file:%s}\n" % gate.key)
    gate.process.send_signal(signal.SIGHUP)
    place.wait_log(gate.process, "gate.audit: a change needs a restart")
    gate.stop()
    assert [row["events"] for row in place.status().values()] == [0, 0]


@test
def backfill_knows_nothing_of_the_gate(place):
    gate = Gate(place).start()
    gate.read()
    gate.stop()
    for args in ([], ["--source", "gate"]):
        p = place.run("backfill", "-c", place.path("gatehouse.yml"), "--since", "1h", *args)
        assert p.returncode == 2, (p.returncode, p.err)
        assert "no such source" in p.err or "nothing to collect" in p.err, p.err


@test
def collecting_ends_where_nobody_appends(place):
    gate = Gate(place).start()
    wanted = [gate.read()]
    gate.stop()
    p = place.run("collect", "-c", place.path("gatehouse.yml"))
    assert p.returncode == 0, p.err
    assert_once(place.uuids_in_db(), wanted, "the database")


main(jobs=4)
