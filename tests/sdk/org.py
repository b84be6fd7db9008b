# SPDX-License-Identifier: Apache-2.0
"""What the tests with Okta's SDKs share: an org that is the simulator, and the SDK as a process that obeys.

The SDK runs in a program of its own language (judge.py, judge.js) that reads one command per line and answers with
one line. It reaches `https://acme.okta.com` through a proxy and trusts the simulator's CA, both by the environment, as
any user of the SDK would set it up.
"""
import json
import os
import queue
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "live"))

from basics import BARE_ENV, PATIENCE, TOKEN, read_text  # noqa: E402
from keys import Key  # noqa: E402
from peers import Sim  # noqa: E402
from proxy import Proxy  # noqa: E402

HOST = "acme.okta.com"
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gatehouse")

# What a machine may be set up with and must not decide here.
FOREIGN = ("OKTA_", "SSL_CERT", "NODE_", "PYTHON", "REQUESTS_CA", "CURL_CA")


class Judge:
    """An SDK: a process that is given commands."""

    def __init__(self, name, command, proxy, ca, log):
        self.name = name
        env = {k: v for k, v in BARE_ENV.items() if not k.startswith(FOREIGN)}
        env.update(HTTPS_PROXY=proxy.url, SSL_CERT_FILE=ca, NODE_EXTRA_CA_CERTS=ca, HOME=os.path.dirname(log),
                   NODE_PATH=os.path.join(CACHE, "okta-sdk-node", "node_modules"))
        self.log = log
        self.clients = 0
        self.commands = 0
        self.answers = queue.Queue()
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                                            env=env, cwd=os.path.dirname(log), text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put(None)

    def say(self, command):
        self.commands += 1
        self.process.stdin.write(json.dumps(dict(command, number=self.commands)) + "\n")
        self.process.stdin.flush()

    def answer(self):
        try:
            line = self.answers.get(timeout=PATIENCE)
        except queue.Empty:
            self.stop()
            raise AssertionError("the SDK did not answer:\n" + self.last_words())
        if line is None:
            raise AssertionError("the SDK's process ended:\n" + self.last_words())
        answer = json.loads(line)
        if answer.pop("number") != self.commands:
            return self.answer()  # that one was for a case that has failed meanwhile
        if "broken" in answer:
            raise AssertionError("the SDK did not understand the simulator:\n" + answer["broken"])
        return answer

    def last_words(self):
        return "\n".join(read_text(self.log).splitlines()[-20:])

    def ask(self, **command):
        self.say(command)
        return self.answer()

    def client(self, **settings):
        """A client of the SDK; its name, for the other commands."""
        self.clients += 1
        name = "client-%d" % self.clients
        self.ask(do="client", client=name, settings=dict(orgUrl="https://" + HOST, **settings))
        return name

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def fetch(sim, path, token=TOKEN):
    """What the simulator answers when no SDK stands between: the JSON of a GET."""
    request = urllib.request.Request(sim.base + path, headers={"Authorization": "SSWS " + token})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                         urllib.request.HTTPSHandler(context=ssl._create_unverified_context()))
    with opener.open(request, timeout=PATIENCE) as answer:
        return json.load(answer)


class Bench:
    """What lives as long as the test program: the CA, keys, the proxy, the SDK's process."""

    def __init__(self, name, command):
        self.root = tempfile.mkdtemp(prefix="gatehouse-sdk-")
        self.proxy = Proxy(HOST)
        self.tls = ("--tls-make", self.path("tls"), "--tls-name", HOST)
        self.make_ca()
        self.key = Key(self.root, "RS256", "app-key")
        self.other_key = Key(self.root, "RS256", "other-key")
        self.ec_key = Key(self.root, "ES256", "ec-key")
        self.judge = Judge(name, command, self.proxy, self.path("tls/ca.pem"), self.path("judge.log"))

    def path(self, name):
        return os.path.join(self.root, name)

    def sim(self, place, *args, **more):
        """A simulator of the test's own; the SDK is led to the last one that was started."""
        sim = place.sim(*self.tls, *args, **more)
        # Okta's order. The Python SDK's own helper finds no next page in the other one.
        sim.set(link_order="self_first")
        self.proxy.port_behind = sim.port
        return sim

    def make_ca(self):
        """The SDK's process wants the CA when it starts: a first simulator leaves it in the folder."""
        Sim(self.root, *self.tls).stop()

    def stop(self):
        self.judge.stop()
        self.proxy.stop()
        shutil.rmtree(self.root, ignore_errors=True)
