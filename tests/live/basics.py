# SPDX-License-Identifier: Apache-2.0
"""What the live tests rest on: where the programs are, waiting, and events of our own making."""
import array
import fcntl
import json
import os
import random
import sys
import termios
import threading
import time
import uuid as uuids

GATEHOUSE = os.path.abspath(os.environ.get("GATEHOUSE", "build/gatehouse"))
OKTA_SIM = os.path.abspath(os.environ.get("OKTA_SIM", "build/okta-sim"))
TOKEN = "00tokenOfTheTests"
PATIENCE = float(os.environ.get("PATIENCE", "60"))  # seconds that any one thing may take

# A proxy of the machine's must not stand between the programs and the loopback.
BARE_ENV = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


saying = threading.Lock()


class Skip(Exception):
    pass


def say(line):
    """A line of TAP, whole: `print` writes a line's end apart from it, and a test that runs beside comes between."""
    with saying:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def remark(text):
    """What a test wants to have said beside its verdict: a seed, a figure."""
    say("# " + text)


def wait_until(condition, what, patience=None):
    """Calls `condition` until it gives something true, and returns that."""
    end = time.monotonic() + (patience or PATIENCE)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain for: " + what)
        time.sleep(0.02)


def now_ms():
    return int(time.time() * 1000)


def rfc3339(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + ".%03dZ" % (ms % 1000)


def event(published_ms, rand, **more):
    """A LogEvent of our own making, so that the simulator's generator is not its own judge."""
    user = rand.randrange(500)
    e = {
        "uuid": str(uuids.UUID(int=rand.getrandbits(128), version=4)),
        "published": rfc3339(published_ms),
        "eventType": rand.choice(["user.session.start", "user.authentication.sso", "policy.evaluate_sign_on"]),
        "version": "0",
        "severity": "INFO",
        "displayMessage": "made for a test",
        "actor": {"id": "00u%05d" % user, "type": "User", "alternateId": "user%d@example.com" % user,
                  "displayName": "User %d" % user, "detailEntry": None},
        "client": {"ipAddress": "192.0.2.%d" % rand.randrange(256), "zone": "null", "device": "Computer"},
        "outcome": {"result": rand.choice(["SUCCESS", "FAILURE"]), "reason": None},
        "target": None,
    }
    e.update(more)
    return e


def events(n, seed, first_ms=None, step_ms=10, **more):
    """`n` events, an hour old unless `first_ms` says otherwise, in the order of their `published`."""
    rand = random.Random(seed)
    if first_ms is None:
        first_ms = now_ms() - 3600_000
    return [event(first_ms + i * step_ms, rand, **more) for i in range(n)]


def uuids_of(some):
    return [e["uuid"] for e in some]


def unread(fd):
    """Bytes that wait in a pipe."""
    n = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, n)
    return n[0]


def event_ids(p):
    """The uuids of the documents that a finished process has printed."""
    return [json.loads(line)["event"]["id"] for line in p.out.splitlines()]


def read_text(path):
    with open(path, errors="replace") as f:
        return f.read()


def file_order(name):
    """events-20261122.ndjson, events-20261122-1.ndjson, ... in the order in which they were written."""
    parts = name[: -len(".ndjson")].split("-")
    return (parts[1], int(parts[2]) if len(parts) > 2 else 0)


def assert_each_once(got, wanted, where):
    """Every wanted uuid is there once, and nothing else."""
    seen = {}
    for u in got:
        seen[u] = seen.get(u, 0) + 1
    lost = [u for u in wanted if u not in seen]
    doubled = [u for u, n in seen.items() if n > 1]
    strange = set(seen) - set(wanted)
    assert not lost, "%s: %d of %d lost, for example %s" % (where, len(lost), len(wanted), lost[:3])
    assert not doubled, "%s: %d doubled, for example %s" % (where, len(doubled), doubled[:3])
    assert not strange, "%s: %d that were never sent, for example %s" % (where, len(strange), list(strange)[:3])
