# SPDX-License-Identifier: Apache-2.0
"""The same requests to the real OpenBao and to the gate, in one run, every answer compared: those of steps.py, then
random ones (SEED repeats them, STEPS says how many).

    python3 test_differential.py [PART OF A CASE'S NAME ...]     prints those alone (all are asked)

JUDGED=openbao compares two OpenBaos, to try the test itself.
"""
import contextlib
import itertools
import os
import random
import re
import sys
import time

import chance
import servers
import steps
from compare import Live, Pairs, VARIABLE, without_passing
from exceptions import Exceptions
from test_replay import JUDGED, PASSING_HEADERS, Report, dig, init_gatehouse, lines_of

PATIENCE_S = 10
ESCAPES = re.compile(rb"\\u[0-9a-fA-F]{4}|[<>&]|[\x80-\xff]+")


class Side:
    """One of the two: the server, and what its variables are."""

    def __init__(self, server):
        self.server, self.variables = server, {}

    def fill(self, text):
        return VARIABLE.sub(lambda found: str(self.variables.get(found.group(1), "unknown")), text)

    def ask(self, step):
        body = step.body if isinstance(step.body, bytes) or step.body is None else self.fill(step.body).encode()
        headers = {name: self.fill(value) for name, value in step.headers.items()}
        answer = self.server.try_to_ask(step.method, self.fill(step.path), headers, body)
        for name, path in step.capture.items():
            try:
                self.variables[name] = dig(answer.json, path)
            except (KeyError, IndexError, TypeError, ValueError):
                pass  # what differs shows by itself; a variable keeps its old value
        return answer


def escapes(answer):
    return sorted(ESCAPES.findall(answer.raw))


def differences(found, a, b):
    if a.status != b.status:
        yield "status", "want %d got %d" % (a.status, b.status)
    if a.json is not None or b.json is not None:
        found.value("$", *(side.text if side.json is None else without_passing(side.json) for side in (a, b)))
    else:
        found.value("body", a.text, b.text)
    yield from found.found
    if not found.found and escapes(a) != escapes(b):
        yield "escapes", "want %s got %s" % (escapes(a)[:9], escapes(b)[:9])
    if a.raw.endswith(b"\n") != b.raw.endswith(b"\n"):
        yield "final newline", "want %s" % ("one" if a.raw.endswith(b"\n") else "none")
    for name in sorted((set(a.headers) | set(b.headers)) - set(PASSING_HEADERS)):
        if a.headers.get(name) != b.headers.get(name):
            yield "header " + name, "want %r got %r" % (a.headers.get(name), b.headers.get(name))


def unordered(step):
    """What OpenBao itself gives in another order each time."""
    return {"$.data.keys"} if step.path.startswith("/v1/identity/entity/name") else ()


def settles(step):
    """OpenBao takes a token that has expired out of the list a while later: that is waited for."""
    return step.method in ("GET", "LIST") and "auth/token/accessors" in step.path


def told(sides, step, pairs, exceptions):
    """The lines about a step whose answers differ."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        a, b = (side.ask(step) for side in sides)
        found = list(differences(Live(pairs, unordered(step)), a, b))
        if not found or not settles(step) or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    if exceptions:
        found = exceptions.left((step.name, "%s %s" % (step.method, step.path)), found)
    body = step.body if isinstance(step.body, str) else repr(step.body or "")
    return lines_of(step.method, step.path, body, found)


def compare(sides, script, pairs, exceptions, report):
    for group, members in itertools.groupby(script, lambda step: step.group):
        report(group, [line for step in members for line in told(sides, step, pairs, exceptions)])


@contextlib.contextmanager
def both(reference, ours):
    """The two servers as sides, which know nothing of each other yet."""
    servers_of_both = [reference()]
    try:
        servers_of_both.append(ours() if JUDGED == "gatehouse" else reference())
        yield [Side(server) for server in servers_of_both], Pairs()
    finally:
        for server in servers_of_both:
            server.stop()


def main():
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    count = int(os.environ.get("STEPS", "600"))
    print("# SEED=%d STEPS=%d" % (seed, count))
    report = Report(sys.argv[1:])
    exceptions = Exceptions("differential") if JUDGED == "gatehouse" else None
    with both(servers.openbao_stored, init_gatehouse) as (sides, pairs):
        compare(sides, steps.written([steps.lifetime]), pairs, exceptions, report)
    with both(servers.openbao_dev, servers.gatehouse_dev) as (sides, pairs):
        compare(sides, steps.written(steps.PARTS), pairs, exceptions, report)
        if exceptions:
            report("every row of exceptions.tsv excuses something", exceptions.idle())
        compare(sides, chance.sequence(random.Random(seed), count), pairs, exceptions, report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
