# SPDX-License-Identifier: Apache-2.0
"""The gate against the real OpenBao, which answers the same requests in the same run: wrk with 16 connections, in turn,
several short runs each, of which the median counts. CPU is that of the server's process alone."""
import ctypes
import os
import re
import statistics
import subprocess
import sys
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
BUILD = os.path.abspath(os.environ.get("BUILD", f"{ROOT}/build"))
os.environ.setdefault("GATEHOUSE", f"{BUILD}/gatehouse")
os.environ.setdefault("OKTA_SIM", f"{BUILD}/okta-sim")
sys.path.insert(0, f"{ROOT}/tests/openbao")

import servers  # noqa: E402

ROUNDS = 3
SECONDS = 2
CROWD = int(os.environ.get("CROWD", "100000"))  # entities, and tokens
POLICIES = 1000
TICKS = os.sysconf("SC_CLK_TCK")
MB = 2**20

READER = 'path "kv/*" { capabilities = ["read", "list"] }'

# A request that wrk repeats; `%d` in the path or body is a number that counts on.
SCRIPT = """local n = %(first)d
local sent = 0
request = function()
  n = n + 1
  return wrk.format(%(method)s, %(path)s, {["X-Vault-Token"] = %(token)s}, %(body)s)
end
response = function(status)
  if status ~= %(status)d then io.stderr:write("status " .. status .. "\\n") os.exit(1) end
  sent = sent + 1
  if sent == %(count)d then os.exit(0) end
end
"""


def lua(text):
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"string.format({quoted}, n)" if "%d" in text else quoted


class Load:
    """One request, as the one server wants it and as the other."""

    def __init__(self, method, path, body="", status=200, token=None):
        self.method, self.path, self.body, self.status, self.token = method, path, body, status, token
        self.first = 0

    def script(self, server, count):
        token = "" if self.token == "" else self.token or server.root
        text = SCRIPT % {"first": self.first, "method": lua(self.method), "path": lua("/v1/" + self.path),
                         "token": lua(token), "body": lua(self.body) if self.body else "nil", "status": self.status,
                         "count": count}
        self.first += 10_000_000
        path = os.path.join(server.folder, "request.lua")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path


def cpu_s(server):
    """User and system seconds of the process so far."""
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) * 1024


def idle_memory(server):
    """The least within a few seconds: ours gives back what only the start needed, a garbage collector may too."""
    least = memory(server)
    until = time.monotonic() + 4
    while time.monotonic() < until:
        time.sleep(0.25)
        least = min(least, memory(server))
    return least


def wrk(server, load, seconds, count=-1):
    return subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}s", "--timeout", "60s", "-s", load.script(server, count),
                           server.address], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def fill(server, load, count):
    """So many answered requests."""
    done = wrk(server, load, 600, count)
    if done.returncode or done.stdout.count("requests in"):  # a run that reaches the count says nothing
        raise SystemExit(f"bench/run: wrk did not fill {server.name}: {done.stdout}{done.stderr}")


def run_wrk(server, load, seconds):
    """(requests per second, CPU seconds per 1,000 requests)"""
    before = cpu_s(server)
    done = wrk(server, load, seconds)
    spent = cpu_s(server) - before
    found = re.search(r"(\d+) requests in ([0-9.]+)(ms|s|m)", done.stdout)
    if done.returncode or not found or "Socket errors" in done.stdout:
        raise SystemExit(f"bench/run: wrk against {server.name}: {done.stdout}{done.stderr}\n{server.last_words()}")
    requests = int(found.group(1))
    elapsed = float(found.group(2)) * {"ms": 0.001, "s": 1, "m": 60}[found.group(3)]
    return requests / elapsed, spent / requests * 1000


class Pair:
    """Ours and the real one, loaded in turn."""

    def __init__(self, figure, ours, reference):
        self.figure, self.ours, self.reference = figure, ours, reference

    def stop(self):
        self.ours.stop()
        self.reference.stop()

    def each(self):
        return (self.ours, self.reference)

    def measure(self, name, ours, reference=None):
        """Two figures: requests per second, and CPU seconds per 1,000 requests."""
        loads = ((self.ours, ours), (self.reference, reference or ours))
        runs = [[run_wrk(server, load, SECONDS) for server, load in loads] for _ in range(ROUNDS)]
        for number, (what, unit) in enumerate((("rate", "requests/s"), ("cpu", "s/1000"))):
            middle = [statistics.median(run[side][number] for run in runs) for side in (0, 1)]
            self.figure(f"gate_{name}_{what}", middle[0], middle[1], unit)


def prepare(server):
    """The same in both: a kv mount with a secret, a policy, a token that has it, a user."""
    server.ask("DELETE", "/v1/sys/mounts/secret", {"X-Vault-Token": server.root})
    for path, data in (("sys/mounts/kv", {"type": "kv"}), ("sys/auth/userpass", {"type": "userpass"}),
                       ("sys/policies/acl/reader", {"policy": READER}), ("kv/secret", {"user": "a", "password": "b"}),
                       ("auth/userpass/users/alice", {"password": "correct horse", "token_policies": "reader"})):
        server.call("PUT", path, data, server.root)
    made = server.call("PUT", "auth/token/create", {"policies": ["reader"]}, server.root)
    return made["auth"]["client_token"]


def method_paths(pair):
    """Where each has its Okta methods."""
    data = {"org_name": "dev-262775", "api_token": "00tokenOfTheBenchmarks"}
    accessor = pair.ours.call("GET", "sys/auth", token=pair.ours.root)["userpass/"]["accessor"]
    pair.ours.call("PUT", "sys/mfa/method/okta/x", dict(data, mount_accessor=accessor), pair.ours.root)
    made = pair.reference.call("PUT", "identity/mfa/method/okta", dict(data, method_name="x"), pair.reference.root)
    return "sys/mfa/method/okta/x", "identity/mfa/method/okta/" + made["data"]["method_id"]


def reads(pair):
    tokens = [prepare(server) for server in pair.each()]
    ours, reference = method_paths(pair)
    pair.measure("get_method", Load("GET", ours), Load("GET", reference))
    kv = [Load("GET", "kv/secret", token=token) for token in tokens]
    pair.measure("get_kv", *kv)
    for server in pair.each():
        for number in range(POLICIES):
            server.call("PUT", f"sys/policies/acl/p{number}", {
                "policy": f'path "kv/{number}/*" {{ capabilities = ["read"] }}'}, server.root)
    pair.measure(f"get_kv_with_{POLICIES}_policies", *kv)


def logins(pair):
    pair.measure("login", Load("PUT", "auth/userpass/login/alice", '{"password":"correct horse"}', token=""))
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    began = time.process_time()
    for _ in range(10):
        crypt(b"correct horse", b"$y$j9T$F5Jx5fExrKuPp53xLKQ..1$")  # the system's default cost
    pair.figure("gate_yescrypt_hash", (time.process_time() - began) / 10 * 1e3, None, "ms")


def durable_writes(figure):
    pair = Pair(figure, servers.gatehouse_stored(), servers.openbao_raft())
    try:
        for server in pair.each():
            prepare(server)
        pair.measure("create_token_durable", Load("PUT", "auth/token/create", '{"policies":["reader"],"ttl":"1h"}'))
        pair.measure("put_kv_durable", Load("PUT", "kv/s%d", '{"user":"a","password":"b"}', status=204))
    finally:
        pair.stop()


def crowd(figure):
    """Memory with many entities and tokens, and how long it takes to come back with them."""
    server = servers.gatehouse_stored()
    try:
        entity = '{"name":"user%d","metadata":{"email":"someone@example.com"}}'
        fill(server, Load("PUT", "identity/entity", entity), CROWD)
        fill(server, Load("PUT", "auth/token/create", '{"policies":["default"],"ttl":"24h"}'), CROWD)
        figure(f"gate_memory_of_{CROWD}_entities_and_tokens", memory(server) / MB, None, "MB")
        server.process.terminate()
        server.process.wait()
        began = time.monotonic()
        again = servers.gatehouse("-c", server.settings, folder=server.folder)
        figure(f"gate_start_with_{CROWD}_entities_and_tokens", (time.monotonic() - began) * 1e3, None, "ms")
        figure(f"gate_memory_of_{CROWD}_after_start", memory(again) / MB, None, "MB")
        again.stop()
    finally:
        server.stop()


def bench_gate(figure):
    began = time.monotonic()
    ours = servers.gatehouse_dev()
    start = time.monotonic() - began
    began = time.monotonic()
    pair = Pair(figure, ours, servers.openbao_dev())
    figure("gate_start", start * 1e3, (time.monotonic() - began) * 1e3, "ms")
    try:
        figure("gate_idle_memory", *(idle_memory(server) / MB for server in pair.each()), "MB")
        reads(pair)
        logins(pair)
    finally:
        pair.stop()
    durable_writes(figure)
    crowd(figure)
