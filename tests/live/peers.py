# SPDX-License-Identifier: Apache-2.0
"""Who gatehouse talks to in the live tests: the simulator, and some that no honest Okta is."""
import http.server
import json
import os
import random
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

from basics import BARE_ENV, OKTA_SIM, PATIENCE, TOKEN, read_text, wait_until


class Sim:
    def __init__(self, place, *args, token=TOKEN, stdin=subprocess.DEVNULL):
        self.token = token
        self.port_file = os.path.join(place, "port-%d" % random.getrandbits(32))
        self.log = open(self.port_file + ".log", "wb")
        # A test that does not care for the rate limit must not be slowed by it.
        command = [OKTA_SIM, "--listen", "127.0.0.1:0", "--port-file", self.port_file, "--api-token", token,
                   "--rate-limit", "1000000", *args]
        self.process = subprocess.Popen(command, stdin=stdin, stdout=self.log, stderr=self.log, env=BARE_ENV)
        self.tls = "--tls-cert" in args or "--tls-make" in args
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

    def users(self, *users):
        """Adds or replaces users, with their `factors` and `phone`."""
        return self.ask("/_sim/users", list(users))

    def phone(self, script, user=None):
        """What a user's phone does from now on; without a user, every phone."""
        return self.ask("/_sim/phones", dict(script=script, **({"user": user} if user else {})))

    def counts(self, user):
        """How often a user's factors were asked: verify, polls, cancels, pushes, overlapping, ..."""
        return self.ask("/_sim/phones?" + urllib.parse.urlencode({"user": user}))["phones"][0]

    def pushes(self, **query):
        """Pushes, oldest first; with `wait`, as soon as `count` of them fit."""
        return self.ask("/_sim/pushes?" + urllib.parse.urlencode(query))["pushes"]

    def wait_for_push(self, user, **query):
        """The oldest push of a user that waits to be answered."""
        found = self.pushes(**dict(dict(user=user, state="waiting", wait="%ds" % min(PATIENCE, 120)), **query))
        assert found, "no push to %s" % user
        return found[0]

    def tap(self, **how):
        """Answers a push: id or user, answer or number."""
        return self.ask("/_sim/pushes/answer", how)["push"]

    def signal(self, user, kind, **more):
        """Something that happened elsewhere, for the System Log."""
        return self.ask("/_sim/signals", dict(user=user, kind=kind, **more))

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
        self.requests = []  # method, path, headers
        self.clients = set()  # one per connection

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake.asked.append(self.path)
                fake.requests.append((self.command, self.path, dict(self.headers)))
                fake.clients.add(self.client_address)
                status, headers, body = answer(fake, len(fake.asked))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_DELETE = do_GET

            def log_message(self, *ignored):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.url = self.base + "/api/v1/logs"
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
