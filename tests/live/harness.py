# SPDX-License-Identifier: Apache-2.0
"""What the live tests share: the simulator and gatehouse as real processes, and a small TAP runner.

Programs are found through GATEHOUSE and OKTA_SIM. Nothing sleeps for a guess: `wait_until` polls a condition
with a deadline. Each test gets a folder of its own, and every process that it starts is ended with it. Most of
a test's time is waiting for backoffs, so a few of them run side by side.
"""
import concurrent.futures
import contextlib
import http.server
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
import uuid as uuids

GATEHOUSE = os.path.abspath(os.environ.get("GATEHOUSE", "build/gatehouse"))
OKTA_SIM = os.path.abspath(os.environ.get("OKTA_SIM", "build/okta-sim"))
TOKEN = "00tokenOfTheTests"
PATIENCE = float(os.environ.get("PATIENCE", "60"))  # seconds that any one thing may take

tests = []

# A proxy of the machine's must not stand between the programs and the loopback.
BARE_ENV = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


def test(function):
    """Registers a test; its name, with blanks, is the sentence that TAP shows."""
    tests.append(function)
    return function


def alone(function):
    """For tests that measure time or memory: nothing else runs beside them."""
    function.alone = True
    return test(function)


def each_of(cases):
    """Registers the function once per case, as `sentence of the function: name of the case`."""
    def register(function):
        for name, case in cases.items():
            def run(place, case=case):
                function(place, case)
            run.__name__ = "%s: %s" % (function.__name__, name)
            tests.append(run)
        return function
    return register


class Skip(Exception):
    pass


def is_sanitized():
    """Whether gatehouse was built with AddressSanitizer, whose memory says nothing about ours."""
    with open(GATEHOUSE, "rb") as f:
        return b"__asan_init" in f.read()


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


class Sim:
    def __init__(self, place, *args, token=TOKEN):
        self.token = token
        self.port_file = os.path.join(place, "port-%d" % random.getrandbits(32))
        self.log = open(self.port_file + ".log", "wb")
        # A test that does not care for the rate limit must not be slowed by it.
        command = [OKTA_SIM, "--listen", "127.0.0.1:0", "--port-file", self.port_file, "--api-token", token,
                   "--rate-limit", "1000000", *args]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=BARE_ENV)
        self.tls = "--tls-cert" in args
        wait_until(self.is_ready, "the simulator's port")

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError("okta-sim ended: " + read_text(self.log.name))
        if not os.path.exists(self.port_file):
            return False
        self.port = int(read_text(self.port_file))
        return True

    @property
    def base(self):
        return "%s://127.0.0.1:%d" % ("https" if self.tls else "http", self.port)

    @property
    def url(self):
        return self.base + "/api/v1/logs"

    def ask(self, path, body=None, method=None):
        data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        request = urllib.request.Request(self.base + path, data=data, method=method)
        context = ssl._create_unverified_context() if self.tls else None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=context))
        try:
            with opener.open(request, timeout=PATIENCE) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refused:
            raise AssertionError("okta-sim refused %s: %s" % (path, refused.read().decode()))
        return json.loads(text) if text else None

    def add(self, new, persisted=None):
        query = "?persisted=" + persisted if persisted else ""
        body = "\n".join(e if isinstance(e, str) else json.dumps(e) for e in new).encode()
        return self.ask("/_sim/events" + query, body)

    def fault(self, kind, **parameters):
        return self.ask("/_sim/faults", dict(kind=kind, **parameters))

    def no_faults(self):
        return self.ask("/_sim/faults", method="DELETE")

    def faults_left(self):
        return self.ask("/_sim/faults")["left"]

    def stats(self):
        return self.ask("/_sim/stats")

    def requests(self):
        """What was asked of /api/v1/logs, oldest first."""
        return self.ask("/_sim/requests")

    def count(self):
        """How many requests to /api/v1/logs there were since the start or the last forget()."""
        return self.stats()["requests"]

    def forget(self):
        """Counts from zero again."""
        self.ask("/_sim/stats?reset=1")

    def clock(self, **to):
        return self.ask("/_sim/clock", to)

    def role(self, role, token=None):
        return self.ask("/_sim/tokens", {"token": token or self.token, "role": role})

    def set(self, **settings):
        return self.ask("/_sim/settings", settings)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()


class Listener:
    """Takes connections and keeps every byte that comes: for what must not be sent anywhere."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.got = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    self.got.append(connection.recv(65536))
                except OSError:
                    self.got.append(b"")

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


class FakeOkta:
    """Answers that no honest Okta gives: `answer(request, number)` returns status, headers and body."""

    def __init__(self, answer):
        fake = self
        self.asked = []
        self.clients = set()  # one per connection

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake.asked.append(self.path)
                fake.clients.add(self.client_address)
                status, headers, body = answer(fake, len(fake.asked))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *ignored):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/api/v1/logs" % self.server.server_address[1]
        self.token = TOKEN
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def refusing_port():
    """A socket that holds a port and refuses every connection to it; keep it as long as that is needed."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held, held.getsockname()[1]


def read_text(path):
    with open(path, errors="replace") as f:
        return f.read()


class Place:
    """A folder, the settings in it, and the processes of one test."""

    def __init__(self, root):
        self.root = root
        self.processes = []
        self.sims = []
        self.mounts = []

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def sim(self, *args, **more):
        sim = Sim(self.root, *args, **more)
        self.sims.append(sim)
        return sim

    def listener(self):
        self.sims.append(Listener())
        return self.sims[-1]

    def fake(self, answer):
        self.sims.append(FakeOkta(answer))
        return self.sims[-1]

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def settings(self, text, name="gatehouse.yml"):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), 0o600)
        return self.path(name)

    def source(self, sim, name="acme", interval="1s", **keys):
        """One source for compose()."""
        rows = [("name", name), ("api_key", sim.token), ("interval", interval), *keys.items()]
        return "  - url: %s\n" % sim.url + "".join("    %s: %s\n" % row for row in rows)

    def compose(self, sources, db=True, archive=True, rotate=None, extra="", name="gatehouse.yml"):
        """Settings with these sources, and an SQLite and a file output."""
        text = "state: %s\nsources:\n%soutputs:\n" % (self.path("state"), "".join(sources))
        if db:
            text += "  - { name: db, type: sqlite, path: %s }\n" % self.path("events.db")
        if archive:
            more = ", rotate_every_kb: %d" % rotate if rotate else ""
            text += "  - { name: archive, type: file, path: %s, filename: events%s }\n" % (self.path("out"), more)
        return self.settings(text + extra, name)

    def simple(self, sim, interval="1s", db=True, archive=True, rotate=None, extra="", **keys):
        """Settings with one source and a file and an SQLite output; `keys` are more keys of the source."""
        return self.compose([self.source(sim, "acme", interval, **keys)], db, archive, rotate, extra)

    def start(self, *args, env=None, stdout=subprocess.DEVNULL, stderr=None):
        err = stderr or open(self.path("stderr-%d" % len(self.processes)), "wb")
        p = subprocess.Popen([GATEHOUSE, *args], stdin=subprocess.DEVNULL, stdout=stdout, stderr=err,
                             env=dict(BARE_ENV, **(env or {})), cwd=self.root)
        p.log_path = getattr(err, "name", None)
        if stderr is None:
            err.close()
        self.processes.append(p)
        return p

    def daemon(self, *args, command="run", settings=None, **more):
        """`gatehouse run` with the settings of this place."""
        return self.start(command, "-c", settings or self.path("gatehouse.yml"), *args, **more)

    def run(self, *args, stdin=None, env=None, patience=None):
        """Runs to the end; gives the finished process with text in stdout and stderr."""
        p = subprocess.run([GATEHOUSE, *args], input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                           capture_output=True, cwd=self.root, env=dict(BARE_ENV, **(env or {})),
                           timeout=patience or PATIENCE * 2)
        p.out = p.stdout.decode("utf-8", "replace")
        p.err = p.stderr.decode("utf-8", "replace")
        return p

    def collect_once(self, *args, settings=None, expect=0, env=None):
        p = self.run("collect", "--once", "-c", settings or self.path("gatehouse.yml"), *args, env=env)
        assert p.returncode == expect, "collect --once ended with %d:\n%s" % (p.returncode, p.err)
        return p

    def status(self):
        """The rows of `status --json`, by source and output."""
        p = self.run("status", "--json", "-c", self.path("gatehouse.yml"))
        assert p.returncode == 0, p.err
        rows = [json.loads(line) for line in p.out.splitlines()]
        return {(r["source"], r["output"]): r for r in rows}

    def dead_letters(self):
        p = self.run("dead-letters", "list", "-c", self.path("gatehouse.yml"))
        assert p.returncode == 0, p.err
        return [json.loads(line) for line in p.out.splitlines()]

    def stop(self, process, expect=0):
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        code = process.wait(PATIENCE)
        assert code == expect, "ended with %s after SIGTERM:\n%s" % (code, self.log_of(process))
        return time.monotonic() - began

    def log_of(self, process):
        return read_text(process.log_path)

    def wait_log(self, process, text, count=1):
        """Waits until the text stands in the process's log so often."""
        wait_until(lambda: self.log_of(process).count(text) >= count or self.ended(process),
                   "%r in the log:\n%s" % (text, self.log_of(process)))
        assert self.log_of(process).count(text) >= count, \
            "ended with %s and without %r:\n%s" % (process.poll(), text, self.log_of(process))

    def ended(self, process):
        return process.poll() is not None

    def lines_in_file(self, folder="out", name="events"):
        """The documents of a file output as they were written, in order, whole lines only."""
        found = []
        for entry in sorted(self.files(folder, name), key=file_order):
            with open(self.path(folder, entry), "rb") as f:
                data = f.read()
            assert data == b"" or data.endswith(b"\n"), entry + " ends inside a line"
            found += data.split(b"\n")[:-1]
        return found

    def in_file(self, folder="out", name="events"):
        return [json.loads(line) for line in self.lines_in_file(folder, name)]

    def files(self, folder="out", name="events"):
        if not os.path.isdir(self.path(folder)):
            return []
        return [e for e in os.listdir(self.path(folder)) if e.startswith(name) and e.endswith(".ndjson")]

    def uuids_in_file(self, folder="out", name="events"):
        return [d["event"]["id"] for d in self.in_file(folder, name)]

    def uuids_in_db(self, name="events.db"):
        if not os.path.exists(self.path(name)):
            return []
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % self.path(name), uri=True)) as db:
            try:
                return [row[0] for row in db.execute("SELECT uuid FROM events")]
            except sqlite3.OperationalError:
                return []

    def in_db(self, name="events.db"):
        """uuid: document, as text."""
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % self.path(name), uri=True)) as db:
            return dict(db.execute("SELECT uuid, document FROM events"))

    def assert_delivered(self, wanted):
        """Every event is once in both outputs of simple()."""
        assert_each_once(self.uuids_in_db(), uuids_of(wanted), "events.db")
        assert_each_once(self.uuids_in_file(), uuids_of(wanted), "file")

    def wait_db(self, count, patience=None):
        wait_until(lambda: len(self.uuids_in_db()) >= count, "%d events in the database" % count, patience)

    def mount(self, name, size):
        """A small tmpfs of its own; skips the test where that is not allowed."""
        os.makedirs(self.path(name), exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", self.path(name)],
                              capture_output=True)
        if done.returncode:
            raise Skip("no tmpfs can be mounted here")
        self.mounts.append(self.path(name))

    def clean(self):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
            p.wait()
        for sim in self.sims:
            sim.stop()
        for at in self.mounts:
            subprocess.run(["umount", "-l", at], capture_output=True)


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


def run_one(function):
    """The TAP line of a test without its number, and what it has to say."""
    title = function.__name__.replace("_", " ")
    root = tempfile.mkdtemp(prefix="gatehouse-test-")
    place = Place(root)
    began = time.monotonic()
    good, comments, skipped = True, [], ""
    try:
        function(place)
    except Skip as reason:
        skipped = " # SKIP " + str(reason)
    except Exception:
        good = False
        comments = traceback.format_exc().splitlines() + last_logs(place)
    finally:
        place.clean()
        shutil.rmtree(root, ignore_errors=True)
    if os.environ.get("TIMES"):
        comments.append("%.1f s" % (time.monotonic() - began))
    return good, title + skipped, comments


def last_logs(place):
    lines = []
    for p in place.processes:
        if p.log_path and os.path.exists(p.log_path):
            lines += ["log of %s:" % " ".join(p.args[1:3])] + place.log_of(p).splitlines()[-30:]
    return lines


def report(number, result):
    good, title, comments = result
    print("%s %d - %s" % ("ok" if good else "not ok", number, title))
    for line in comments:
        print("# " + line)
    sys.stdout.flush()
    return good


def main(jobs=1):
    """Runs the tests whose names hold one of the arguments (all without arguments), `jobs` side by side."""
    wanted = sys.argv[1:]
    chosen = [t for t in tests if not wanted or any(w in t.__name__ for w in wanted)]
    print("1..%d" % len(chosen), flush=True)
    results = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = {t: pool.submit(run_one, t) for t in chosen if not hasattr(t, "alone")}
        for t in chosen:
            if t in waiting:
                results.append(report(len(results) + 1, waiting[t].result()))
                continue
            concurrent.futures.wait(waiting.values())
            results.append(report(len(results) + 1, run_one(t)))
    sys.exit(0 if all(results) else 1)
