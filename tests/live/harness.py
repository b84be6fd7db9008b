# SPDX-License-Identifier: Apache-2.0
"""What the live tests share: the simulator and gatehouse as real processes, and a small TAP runner.

Programs are found through GATEHOUSE and OKTA_SIM. Nothing sleeps for a guess: `wait_until` polls a condition
with a deadline. Each test gets a folder of its own, and every process that it starts is ended with it. Most of
a test's time is waiting for backoffs, so a few of them run side by side.
"""
import concurrent.futures
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback

from basics import (BARE_ENV, GATEHOUSE, PATIENCE, TOKEN, Skip, assert_each_once, event, event_ids, events, file_order,
                    now_ms, read_text, remark, rfc3339, say, unread, uuids_of, wait_until)
from peers import FakeOkta, Listener, Sim, refusing_port

# For the tests, which take everything from here.
__all__ = ["BARE_ENV", "GATEHOUSE", "GOOD", "TOKEN", "Place", "Skip", "alone", "assert_each_once", "each_of", "event",
           "event_ids", "events", "is_sanitized", "main", "now_ms", "read_text", "refusing_port", "remark", "rfc3339",
           "say", "test", "unread", "uuids_of", "wait_until"]

tests = []

# The smallest settings, with each thing on a line of its own so that its place is known.
GOOD = """state: %(state)s
sources:
  - url: %(url)s
    name: acme
    api_key: %(token)s
    interval: 60s
outputs:
  - { name: db, type: sqlite, path: events.db }
"""


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


def is_sanitized():
    """Whether gatehouse was built with AddressSanitizer, whose memory says nothing about ours."""
    with open(GATEHOUSE, "rb") as f:
        return b"__asan_init" in f.read()


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

    def dead_letters(self, settings=None):
        p = self.run("dead-letters", "list", "-c", settings or self.path("gatehouse.yml"))
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
        """The documents of a file output as they were written, in order; what is being written is left out."""
        found = []
        for entry in sorted(self.files(folder, name), key=file_order):
            with open(self.path(folder, entry), "rb") as f:
                found += f.read().split(b"\n")[:-1]
        return found

    def assert_whole_files(self, folder="out", name="events"):
        for entry in self.files(folder, name):
            with open(self.path(folder, entry), "rb") as f:
                assert f.read()[-1:] in (b"", b"\n"), entry + " ends inside a line"

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
        self.assert_whole_files()

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
    say("%s %d - %s" % ("ok" if good else "not ok", number, title))
    for line in comments:
        remark(line)
    return good


def main(jobs=1):
    """Runs the tests whose names hold one of the arguments (all without arguments), `jobs` side by side."""
    wanted = sys.argv[1:]
    chosen = [t for t in tests if not wanted or any(w in t.__name__ for w in wanted)]
    say("1..%d" % len(chosen))
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
