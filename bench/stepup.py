# SPDX-License-Identifier: Apache-2.0
"""Step-up MFA against the simulator: what people who are waited for take of memory, how late a decision arrives, and
what a remembered pass costs a request."""
import contextlib
import os
import random
import statistics
import tempfile
import time
import types

import gate  # first: it finds the programs, and the folders of the tests
from basics import wait_until
from crowds import METHOD, Crowd, more_files, resident_bytes
from harness import Place
from stepups import StepUps

WAITING = int(os.environ.get("WAITING", "10000"))
DECISIONS = 20
INTERVAL_S = 2
MB = 2**20


@contextlib.contextmanager
def company_of(**more):
    """A company in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        try:
            yield StepUps(place, sim_args=("--token-share", "100"), guard={"brake": 1}, **more)
        finally:
            place.clean()


def crowd_of(company, count):
    crowd = Crowd(company, more_files(count))
    crowd.set_up()
    return crowd


def bench_waiting(figure):
    """Memory with everybody's push out: all of it (records and tokens of the people, too), and what one adds."""
    with company_of(mfa={"wait": "5m", "poll_interval": "4s"}, method=METHOD) as company:
        crowd = crowd_of(company, WAITING)
        before = resident_bytes(company.gate.process.pid)
        crowd.ask()
        wait_until(lambda: company.waiting() == len(crowd.names), "everybody's push", 200)
        polls = company.total_polls()
        wait_until(lambda: company.total_polls() >= polls + len(crowd.names), "a round of polls", 200)
        after = resident_bytes(company.gate.process.pid)
        crowd.close()
    figure(f"stepup_memory_of_{WAITING}_waiting", after / MB, None, "MB")
    figure("stepup_memory_of_one_waiting", (after - before) / WAITING / 1024, None, "KB")


def bench_lag(figure):
    """From the tap on the phone to the gate's answer: in the mean half of its interval at best."""
    lags = []
    rand = random.Random(1)
    with company_of(mfa={"poll_interval": f"{INTERVAL_S}s", "wait": "5m"}) as company:
        people = [company.person(f"p{i}") for i in range(DECISIONS)]
        asked = [company.ask(person) for person in people]
        for person in people:
            company.push(person)
        for person, request in zip(people, asked):
            time.sleep(rand.uniform(0, INTERVAL_S))  # the moment of the tap is what is varied
            company.answer(person, "approve")
            began = time.monotonic()
            if request.answer()[0] != 200:
                raise SystemExit("bench/run: an approved push was refused")
            lags.append(time.monotonic() - began)
    figure("stepup_decision_lag", statistics.mean(lags) * 1e3, INTERVAL_S / 2 * 1e3, "ms")
    figure("stepup_decision_lag_longest", max(lags) * 1e3, INTERVAL_S * 1e3, "ms")


def bench_remembered(figure):
    """A path that demands a method whose pass is remembered, against one that demands none."""
    with company_of(method={"remember": "1h"}) as company:
        ann = company.person("ann")
        company.put("plain/x", {"user": "ann", "password": "hunter2"})
        company.approved(ann)
        server = types.SimpleNamespace(
            name="gatehouse", process=company.gate.process, folder=company.place.root, root=ann.token,
            address=f"http://127.0.0.1:{company.gate.port}",
            last_words=lambda: company.place.log_of(company.gate.process))
        loads = [gate.Load("GET", path) for path in (ann.path, "plain/x")]
        runs = [[gate.run_wrk(server, load, gate.SECONDS) for load in loads] for _ in range(gate.ROUNDS)]
        if company.pushes(ann) != 1:
            raise SystemExit("bench/run: the pass was not remembered")
    for number, (what, unit) in enumerate((("rate", "requests/s"), ("cpu", "s/1000"))):
        middle = [statistics.median(run[side][number] for run in runs) for side in (0, 1)]
        figure(f"stepup_remembered_{what}", middle[0], middle[1], unit)


def bench_stepup(figure):
    bench_remembered(figure)
    bench_lag(figure)
    bench_waiting(figure)
