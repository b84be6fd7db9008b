# SPDX-License-Identifier: Apache-2.0
"""What the demos share: where the programs are, waiting, and the simulator as a process."""
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
BUILD = os.path.abspath(os.environ.get("BUILD", f"{ROOT}/build"))
GATEHOUSE = f"{BUILD}/gatehouse"
OKTA_SIM = f"{BUILD}/okta-sim"
TOKEN = "00demoTokenOfTheSimulator"
PATIENCE_S = 60

# A proxy of the machine's must not stand between the programs and the loopback.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def say(text):
    print(f"\n==> {text}", flush=True)


def fail(text):
    raise SystemExit(f"{os.path.basename(sys.argv[0])}: {text}")


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        if time.monotonic() > deadline:
            fail(f"waited in vain for {what}")
        time.sleep(0.005)
    return value


def read(path):
    """What the file holds; nothing when it is not there."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def stop(process):
    if process.poll() is None:
        process.terminate()
    process.wait()


def end_tidily():
    """SIGTERM ends the demo as Ctrl-C does: what it started is stopped, its folder removed."""
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(143))


class Simulator:
    def __init__(self, folder, *arguments):
        self.port_file = f"{folder}/port"
        self.process = subprocess.Popen(
            [OKTA_SIM, "--listen", "127.0.0.1:0", "--port-file", self.port_file, "--api-token", TOKEN,
             "--rate-limit", "6000", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        try:
            self.base = "http://127.0.0.1:" + wait_for(self.port, "okta-sim")
        except BaseException:
            self.stop()
            raise

    def port(self):
        if self.process.poll() is not None:
            fail("okta-sim ended at once")
        return read(self.port_file).strip().rpartition(":")[2]

    def ask(self, path, body=None, headers=None):
        data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        request = urllib.request.Request(self.base + path, data=data, headers=headers or {})
        with OPENER.open(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def events(self):
        return self.ask("/_sim/stats")["events"]

    def stop(self):
        stop(self.process)
