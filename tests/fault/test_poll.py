# SPDX-License-Identifier: Apache-2.0
"""One whole poll with its n-th allocation failing, for every n, as TAP.

`gatehouse collect --once` runs against okta-sim with failmalloc.so in LD_PRELOAD. However it ends, it
must not crash, hang or leave the state in disorder: a run without a failure afterwards must leave every
event in every output once.

Every allocation that the program's own code asks for is made to fail; of those that libraries ask for on
their own account (some ten thousand, most of them OpenSSL's), a sample, chosen by a seed that is printed.
"""
import concurrent.futures
import collections
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

GATEHOUSE = os.environ["GATEHOUSE"]
OKTA_SIM = os.environ["OKTA_SIM"]
SHIM = os.environ["FAILMALLOC"]
SEED = int(os.environ.get("SEED", "1"))
TOKEN = "00tokenOfTheTests"
EVENTS = 40
SAMPLE_OF_LIBRARIES = 150
PATIENCE_S = 40


class Simulator:
    def __init__(self, folder):
        port_file = f"{folder}/port"
        self.process = subprocess.Popen(
            [OKTA_SIM, "--listen", "127.0.0.1:0", "--port-file", port_file, "--generate", str(EVENTS),
             "--seed", "7", "--api-token", TOKEN, "--rate-limit", "1000000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.exists(port_file) or not open(port_file, encoding="ascii").read().strip():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("okta-sim did not start")
            time.sleep(0.02)
        self.port = open(port_file, encoding="ascii").read().strip().rpartition(":")[2]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def write_settings(folder, port):
    path = f"{folder}/gatehouse.yml"
    with open(path, "w", encoding="utf-8") as file:
        os.chmod(path, 0o600)
        file.write(f"""\
state: {folder}/state
sources:
  - {{ name: acme, url: "http://127.0.0.1:{port}/api/v1/logs", api_key: {TOKEN}, initial_interval: 2160h, limit: 15 }}
outputs:
  - {{ name: db, type: sqlite, path: {folder}/events.db }}
  - {{ name: file, type: file, path: {folder}/out, filename: events }}
  - {{ name: raw, type: file, path: {folder}/raw, filename: events, format: raw, filter: {{ event_types: ["*"] }} }}
""")


def collect(folder, **environment):
    """Gives (status or -signal or None when it hung, stderr)."""
    env = {**os.environ, "OKTA_API_KEY": TOKEN, **environment}
    program = subprocess.Popen([GATEHOUSE, "collect", "--once", "-c", f"{folder}/gatehouse.yml"],
                               env=env, cwd=folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, errors = program.communicate(timeout=PATIENCE_S)
        return program.returncode, errors.decode(errors="replace")
    except subprocess.TimeoutExpired:
        program.send_signal(signal.SIGKILL)
        _, errors = program.communicate()
        return None, errors.decode(errors="replace")


def delivered(folder):
    """The uuids in each output, with how often each is there."""
    db = sqlite3.connect(f"{folder}/events.db")
    rows = collections.Counter(row[0] for row in db.execute("SELECT uuid FROM events"))
    db.close()
    lines = collections.Counter()
    for name in os.listdir(f"{folder}/out"):
        with open(f"{folder}/out/{name}", encoding="utf-8") as file:
            for line in file:
                lines[json.loads(line)["event"]["id"]] += 1
    raw = collections.Counter()
    for name in os.listdir(f"{folder}/raw"):
        with open(f"{folder}/raw/{name}", encoding="utf-8") as file:
            for line in file:
                raw[json.loads(json.loads(line)["message"])["uuid"]] += 1
    return rows, lines, raw


def problem_with(n, scope, port):
    """Runs with allocation n failing, then without; gives None or what was wrong."""
    with tempfile.TemporaryDirectory() as folder:
        write_settings(folder, port)
        status, errors = collect(folder, LD_PRELOAD=SHIM, FAIL_AT=str(n), FAIL_SCOPE=scope)
        where = f"{scope} allocation {n}"
        if status is None:
            return f"{where}: hung; {errors[-2000:]}"
        if status < 0:
            return f"{where}: {signal.Signals(-status).name}; {errors[-2000:]}"
        again, errors = collect(folder)
        if again != 0:
            return f"{where}: ended with {status}, and then the next run with {again}; {errors[-2000:]}"
        for counts in delivered(folder):
            if len(counts) != EVENTS or set(counts.values()) != {1}:
                return f"{where}: ended with {status}; then {sum(counts.values())} of {len(counts)} events"
    return None


def count_allocations(scope, port):
    with tempfile.TemporaryDirectory() as folder:
        write_settings(folder, port)
        report = f"{folder}/count"
        status, errors = collect(folder, LD_PRELOAD=SHIM, FAIL_AT="0", FAIL_SCOPE=scope,
                                 FAIL_REPORT=report)
        assert status == 0, errors
        with open(report, encoding="ascii") as file:
            return int(file.read())


def check(number, name, scope, wanted, port):
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        problems = [p for p in pool.map(lambda n: problem_with(n, scope, port), wanted) if p]
    print(f"{'not ok' if problems else 'ok'} {number} - {name}", flush=True)
    for problem in problems[:20]:
        print("# " + problem.replace("\n", "\n#   "))
    return not problems


def main():
    print("1..2", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        simulator = Simulator(folder)
        try:
            own = count_allocations("program", simulator.port)
            every = count_allocations("all", simulator.port)
            print(f"# {own} allocations of the program, {every} with its libraries; SEED={SEED}")
            assert own > 100, "the shim does not see the program's allocations"
            sample = sorted(random.Random(SEED).sample(range(1, every + 1), SAMPLE_OF_LIBRARIES))
            ok = check(1, "each allocation of the program fails once and nothing is lost or doubled",
                       "program", range(1, own + 1), simulator.port)
            ok &= check(2, "allocations of libraries fail and nothing is lost or doubled",
                        "all", sample, simulator.port)
        finally:
            simulator.stop()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
