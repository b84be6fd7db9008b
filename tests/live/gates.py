# SPDX-License-Identifier: Apache-2.0
"""A gate that keeps its state, as a real process, for tests that start, stop and kill it."""
import contextlib
import http.client
import json
import re
import signal
import sqlite3


class Gate:
    """A gate with a file and a database output, initialised by `gatehouse init`; started and stopped at will."""

    context = None  # of TLS, where `listen` names a certificate

    def __init__(self, place, extra="", db=None, listen="", context=None):
        self.place, self.context = place, context
        self.key = place.path("master.key")
        self.base = ('state: %s\nlisten: { address: "127.0.0.1:0"%s }\noutputs:\n'
                     "  - { name: db, type: sqlite, path: %s }\n"
                     "  - { name: archive, type: file, path: %s, filename: events }\n" %
                     (place.path("state"), listen, db or place.path("events.db"), place.path("out")))
        self.extra = extra
        self.use_key(self.key)
        made = place.run("init", "-c", place.path("gatehouse.yml"), self.key)
        assert made.returncode == 0, made.err
        self.root = re.search(r"\b[sb]\.[A-Za-z0-9]{24,}", made.out).group()
        self.process = self.port = None

    def use_key(self, path):
        """Settings that name this master key."""
        self.place.settings(self.base + "master_key: ${file:%s}\n" % path + self.extra)

    def start(self):
        self.process = self.place.daemon()
        self.place.wait_log(self.process, "gate.listening")
        self.port = int(re.search(r"gate\.listening address=127\.0\.0\.1:(\d+)",
                                  self.place.log_of(self.process)).group(1))
        return self

    def stop(self):
        self.place.stop(self.process)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def connect(self, timeout=60):
        if self.context:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def call(self, method, path, body=None, token=None, connection=None):
        """Status and answer (None: no body)."""
        own = connection or self.connect()
        headers = {"X-Vault-Token": self.root if token is None else token}
        own.request(method, "/v1/" + path, None if body is None else json.dumps(body), headers)
        answer = own.getresponse()
        text = answer.read()
        if not connection:
            own.close()
        return answer.status, json.loads(text) if text else None

    def read(self, connection=None):
        """A read; gives its request id."""
        status, answer = self.call("GET", "sys/mounts", connection=connection)
        assert status == 200, answer
        return answer["request_id"]

    def journal(self):
        """How many documents wait for an output."""
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % self.place.path("state", "state.db"),
                                                uri=True)) as db:
            return db.execute("SELECT count(*) FROM journal").fetchone()[0]
