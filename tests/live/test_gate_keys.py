# SPDX-License-Identifier: Apache-2.0
"""The gate's keys and first start: `gatehouse init`, sealing and unsealing, a wrong key, a new key while it runs."""
import json
import os
import re
import signal
import stat
import threading

from gates import Gate
from harness import main, test

SETTINGS = 'state: %s\nlisten: { address: "127.0.0.1:0" }\n'
SECRET = "correcthorsebatterystaple"


def every_byte_of(folder):
    found = b""
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as f:
            found += f.read()
    return found


def filled(place):
    """A gate that runs, with a secret in it."""
    gate = Gate(place).start()
    assert gate.call("POST", "sys/mounts/kv", {"type": "kv"})[0] == 204
    assert gate.call("PUT", "kv/a", {"k": SECRET})[0] == 204
    return gate


def assert_has_secret(gate, path="kv/a"):
    status, answer = gate.call("GET", path)
    assert (status, answer["data"]) == (200, {"k": SECRET}), answer


@test
def init_makes_a_key_of_its_owner_alone_and_a_root_token_that_works(place):
    gate = Gate(place).start()
    assert stat.S_IMODE(os.stat(gate.key).st_mode) == 0o600
    with open(gate.key) as f:
        assert re.fullmatch(r"[0-9a-f]{64}\n", f.read())
    status, answer = gate.call("GET", "auth/token/lookup-self")
    assert (status, answer["data"]["policies"], answer["data"]["ttl"]) == (200, ["root"], 0), answer
    gate.stop()


@test
def init_is_done_once_and_leaves_nothing_behind_when_it_fails(place):
    gate = Gate(place)
    again = place.run("init", "-c", place.path("gatehouse.yml"))
    assert again.returncode == 1 and "initialised already" in again.err, again.err
    other = place.run("init", "-c", place.path("gatehouse.yml"), place.path("other.key"))
    assert other.returncode == 1 and "is not the key in the new file" in other.err, other.err
    assert not os.path.exists(place.path("other.key"))
    kept = place.run("init", "-c", place.path("gatehouse.yml"), gate.key)
    assert kept.returncode == 1 and "exists already" in kept.err, kept.err
    gate.start()
    busy = place.run("init", "-c", place.path("gatehouse.yml"))
    assert busy.returncode == 1 and "daemon is running" in busy.err, busy.err
    gate.stop()


@test
def a_key_that_was_printed_once_unseals(place):
    place.settings(SETTINGS % place.path("state"))
    made = place.run("init", "-c", place.path("gatehouse.yml"), "--json")
    assert made.returncode == 0, made.err
    found = json.loads(made.out)
    gate = Gate.__new__(Gate)
    gate.place, gate.root = place, found["root_token"]
    gate.start()
    assert gate.call("GET", "sys/seal-status", token="")[1]["sealed"] is True
    assert gate.call("GET", "sys/mounts")[0] == 503
    wrong = "00" * 32
    status, answer = gate.call("PUT", "sys/unseal", {"key": wrong}, token="")
    assert status == 400 and answer["errors"], answer
    status, answer = gate.call("PUT", "sys/unseal", {"key": found["master_key"]}, token="")
    assert (status, answer["sealed"]) == (200, False), answer
    assert gate.call("GET", "sys/mounts")[0] == 200
    assert gate.call("PUT", "sys/seal")[0] == 204
    assert gate.call("GET", "sys/mounts")[0] == 503
    gate.stop()


@test
def a_client_can_do_the_first_start(place):
    place.settings(SETTINGS % place.path("state"))
    gate = Gate.__new__(Gate)
    gate.place, gate.root = place, ""
    gate.start()
    assert gate.call("GET", "sys/health")[0] == 501
    status, answer = gate.call("PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3})
    assert status == 400 and "only one key share" in answer["errors"][0], answer
    status, answer = gate.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
    assert status == 200 and len(answer["keys"]) == 1, answer
    gate.root = answer["root_token"]
    assert gate.call("GET", "sys/health")[0] == 503
    assert gate.call("PUT", "sys/unseal", {"key": answer["keys_base64"][0]})[1]["sealed"] is False
    assert gate.call("GET", "auth/token/lookup-self")[0] == 200
    assert gate.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})[0] == 400
    gate.stop()


@test
def a_wrong_master_key_is_recognised_at_the_start(place):
    gate = filled(place)
    gate.stop()
    place.write("wrong.key", "11" * 32)
    gate.use_key(place.path("wrong.key"))
    process = place.daemon()
    assert process.wait(60) == 1
    assert "not the key that the state was sealed with" in place.log_of(process), place.log_of(process)
    gate.use_key(gate.key)
    gate.start()
    assert_has_secret(gate)
    gate.stop()


@test
def no_secret_lies_in_the_state_or_in_the_log(place):
    gate = filled(place)
    assert gate.call("POST", "sys/auth/up", {"type": "userpass"})[0] == 204
    assert gate.call("POST", "auth/up/users/bob", {"password": "hunter2hunter2"})[0] == 204
    status, login = gate.call("POST", "auth/up/login/bob", {"password": "hunter2hunter2"})
    assert status == 200, login
    accessor = gate.call("GET", "sys/auth")[1]["data"]["up/"]["accessor"]
    method = {"mount_accessor": accessor, "org_name": "o", "api_token": "00Hhgkojytrdsfcvbnmk"}
    assert gate.call("PUT", "sys/mfa/method/okta/m", method)[0] == 204
    gate.call("GET", "kv/a", token="s.wrongwrongwrongwrongwrong")
    gate.stop()
    with open(gate.key, "rb") as f:
        key = f.read().strip()
    secrets = [SECRET, "hunter2hunter2", login["auth"]["client_token"], gate.root, "00Hhgkojytrdsfcvbnmk",
               "s.wrongwrongwrongwrongwrong"]
    for where in [every_byte_of(place.path("state")), every_byte_of(place.path("out")),
                  place.log_of(gate.process).encode()]:
        for secret in [s.encode() for s in secrets] + [key, bytes.fromhex(key.decode())]:
            assert secret not in where, "%r is there" % secret


@test
def a_new_master_key_takes_over_while_requests_go_on(place):
    gate = filled(place)
    over, failures, writes = threading.Event(), [], []

    def work():
        n = 0
        while not over.is_set():
            for status, answer in [gate.call("PUT", "kv/w%d" % n, {"k": SECRET}), gate.call("GET", "kv/a")]:
                if status not in (200, 204):
                    failures.append((status, answer))
            writes.append(n)
            n += 1

    worker = threading.Thread(target=work)
    worker.start()
    env = {"VAULT_ADDR": "http://127.0.0.1:%d" % gate.port}
    refused = place.run("rotate", "-c", place.path("gatehouse.yml"), place.path("new.key"), env=env)
    assert refused.returncode == 1 and "403" in refused.err, refused.err
    assert not os.path.exists(place.path("new.key"))
    env["VAULT_TOKEN"] = gate.root
    done = place.run("rotate", "-c", place.path("gatehouse.yml"), place.path("new.key"), env=env)
    assert done.returncode == 0, done.err
    over.set()
    worker.join()
    assert failures == [], failures[:3]
    gate.stop()
    process = place.daemon()  # with the old key
    assert process.wait(60) == 1, place.log_of(process)
    gate.use_key(place.path("new.key"))
    gate.start()
    assert_has_secret(gate)
    for n in writes:
        assert_has_secret(gate, "kv/w%d" % n)
    gate.stop()


@test
def a_reload_that_would_move_the_gate_is_refused_and_one_that_does_not_is_taken(place):
    gate = filled(place)
    gate.place.settings(gate.base.replace("127.0.0.1:0", "127.0.0.1:1") + "master_key: ${file:%s}\n" % gate.key)
    gate.process.send_signal(signal.SIGHUP)
    place.wait_log(gate.process, "listen: a change needs a restart")
    gate.use_key(gate.key)
    gate.process.send_signal(signal.SIGHUP)
    place.wait_log(gate.process, "daemon.reloaded")
    assert_has_secret(gate)
    gate.stop()


if __name__ == "__main__":
    main()
