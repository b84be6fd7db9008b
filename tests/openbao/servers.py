# SPDX-License-Identifier: Apache-2.0
"""The gate and the real OpenBao as processes, and what asks them: one request, one answer, nothing in between."""
import atexit
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "live"))

from basics import BARE_ENV, GATEHOUSE, PATIENCE, read_text, wait_until  # noqa: E402

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gatehouse")
OPENBAO = os.environ.get("OPENBAO") or os.path.join(CACHE, "openbao", "bao")
ROOT = "root"

# What a machine may be set up with and must not decide here.
FOREIGN = ("VAULT_", "BAO_")


def clean_env(home, **more):
    return {**{k: v for k, v in BARE_ENV.items() if not k.startswith(FOREIGN)}, "HOME": home, **more}


class Answer:
    """What came back; `json` is the body, with numbers as they are written, or None."""

    def __init__(self, status, headers, raw):
        self.status = status
        self.headers = headers
        self.raw = raw
        self.json = parsed(raw)

    @property
    def text(self):
        return self.raw.decode("utf-8", "replace")


class Number(str):
    """A JSON number, by its text: 1.50 is not 1.5."""
    __slots__ = ()


def parsed(raw):
    try:
        return json.loads(raw, parse_float=Number, parse_int=whole)
    except ValueError:
        return None


def whole(text):
    return int(text) if len(text) < 16 else Number(text)


def make_folder():
    """A folder that is gone when the program ends."""
    folder = tempfile.mkdtemp(prefix="gatehouse-judge-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Server:
    """A process with an address. `command` gets the folder; `found` reads the port off the log."""

    def __init__(self, name, command, env=None, folder=None):
        self.name = name
        self.folder = folder or make_folder()
        self.log = os.path.join(self.folder, name + ".log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=clean_env(self.folder, **(env or {})), cwd=self.folder)
        self.port = None
        self.root = ROOT

    @property
    def address(self):
        return "http://127.0.0.1:%d" % self.port

    def ended(self):
        if self.process.poll() is not None:
            raise AssertionError("%s ended with %s:\n%s" % (self.name, self.process.returncode, self.last_words()))
        return False

    def last_words(self):
        return "\n".join(read_text(self.log).splitlines()[-20:])

    def ask(self, method, path, headers=None, body=None):
        """The answer as it is; nothing is followed or repeated."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def try_to_ask(self, *request):
        """The same; an answer of status 0 says why there is none."""
        try:
            return self.ask(*request)
        except (OSError, http.client.HTTPException) as broken:
            self.ended()
            return Answer(0, {}, repr(broken).encode())

    def call(self, method, path, data=None, token=ROOT, expect=(200, 204)):
        """The common case: `path` below /v1/, data as JSON; the answer's JSON."""
        body = None if data is None else json.dumps(data)
        answer = self.ask(method, "/v1/" + path, {"X-Vault-Token": token} if token else {}, body)
        assert answer.status in expect, "%s %s: %d %s" % (method, path, answer.status, answer.raw[:300])
        return answer.json

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ready(server, condition, what):
    """The server, once the condition holds; where it never does, the process is ended."""
    try:
        wait_until(lambda: condition(server), what)
    except BaseException:
        server.stop()
        raise
    return server


def answers(server, path="/v1/sys/health"):
    try:
        return server.ended() or server.ask("GET", path).status
    except OSError:
        return False


def openbao(*args, port=None, folder=None):
    """An OpenBao with these arguments that listens on `port`."""
    server = Server("openbao", [OPENBAO, "server", *args], {"SKIP_SETCAP": "1"}, folder)
    server.port = port
    return ready(server, answers, "OpenBao's first answer")


def openbao_dev(folder=None):
    port = free_port()
    return openbao("-dev", "-dev-root-token-id=" + ROOT, "-dev-no-store-token",
                   "-dev-listen-address=127.0.0.1:%d" % port, port=port, folder=folder)


STORED = """ui = false
api_addr = "http://127.0.0.1:%(port)d"
cluster_addr = "http://127.0.0.1:%(cluster)d"
listener "tcp" {
  address = "127.0.0.1:%(port)d"
  cluster_address = "127.0.0.1:%(cluster)d"
  tls_disable = true
}
storage "%(storage)s" {
  path = "%(folder)s/data"
}
"""


def openbao_stored(storage="inmem"):
    """Uninitialised; storage "raft" is on the disk."""
    folder, port = make_folder(), free_port()
    os.mkdir(folder + "/data")
    with open(folder + "/bao.hcl", "w") as file:
        file.write(STORED % {"port": port, "cluster": free_port(), "storage": storage, "folder": folder})
    return openbao("-config=" + folder + "/bao.hcl", port=port, folder=folder)


LISTENING = re.compile(r"gate\.listening.*?address=\"?[^ \"]*:(\d+)")


def listening(server):
    server.ended()
    found = LISTENING.findall(read_text(server.log))
    if found:
        server.port = int(found[-1])
    return server.port


def gatehouse(*args, env=None, folder=None):
    """`gatehouse run` with these arguments, once it listens."""
    server = Server("gatehouse", [GATEHOUSE, "run", *args], env, folder)
    return ready(server, listening, "gate.listening in the log")


def gatehouse_dev(*args, folder=None):
    return gatehouse("--dev", "--set", "listen.address=127.0.0.1:0", *args, folder=folder)



SETTINGS = """state: %(folder)s/state
master_key: %(key)s
listen: { address: "127.0.0.1:0" }
"""


def gatehouse_settings(folder, key=None):
    """Settings of a gate that keeps what it has in `folder`; `key` is the master key (hex)."""
    path = os.path.join(folder, "gatehouse.yml")
    with open(path, "w") as file:
        file.write(SETTINGS % {"folder": folder, "key": key or os.urandom(32).hex()})
    os.chmod(path, 0o600)
    return path


def gatehouse_stored(folder=None):
    """Initialised, its state on the disk; `root` is its root token, `settings` the file to start it with again."""
    folder = folder or make_folder()
    settings = gatehouse_settings(folder)
    server = gatehouse("-c", settings, folder=folder)
    server.settings = settings
    made = server.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}, token=None)
    server.root = made["root_token"]
    return server


def openbao_raft():
    """The same of the real one: raft on the disk, unsealed."""
    server = openbao_stored("raft")
    made = server.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}, token=None)
    server.call("PUT", "sys/unseal", {"key": made["keys"][0]}, token=None)
    server.root = made["root_token"]
    wait_until(lambda: server.ask("GET", "/v1/sys/mounts", {"X-Vault-Token": server.root}).status == 200,
               "OpenBao as the leader of itself")
    return server
