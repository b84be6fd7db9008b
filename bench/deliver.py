# SPDX-License-Identifier: Apache-2.0
"""Delivery to the real engines: what gatehouse adds to a bare program that sends the same documents, ready-made, to the
same engine. Both in turn, several short runs each, of which the median counts; a first run of each warms the engine.

The engine is the one of the tests: a small heap and Java's first compiler alone. Its CPU per event would be less in a
long life; that of gatehouse does not depend on it.
"""
import contextlib
import itertools
import json
import os
import re
import socket
import statistics
import subprocess
import tempfile
import time

import gate  # first: it finds the programs, and the folders of the tests
from basics import BARE_ENV, Skip, wait_until
from engines import Elasticsearch, Kafka, OpenSearch

EVENTS = int(os.environ.get("DELIVERED", "10000"))
WANTED = os.environ.get("DELIVER_TO", "elasticsearch opensearch kafka").split()
ROUNDS = 3
PATIENCE_S = 300
PAGE = 1000  # events of a page of Okta's, and so documents of a request and of a transaction
GZIP_LEVEL = 1  # gatehouse's default, as is Kafka's codec
CODEC = "gzip"
MB = 2**20

# Not of this run, nor of this machine: Elastic's pipeline may not be copied, and is not here.
PIPELINE_NOTE = ("Elastic's own pipeline in the engine: stated, not measured here, 830 to 1110 events per CPU second "
                 "of the JVM (0.9 to 1.2 s per 1,000 events of 1.9 KB by _bulk; Elasticsearch 7.10.2 and OpenSearch "
                 "3.8.0, okta-ecs/real-pipeline/README.md)")


class Events:
    """What is delivered: the simulator that has the events, and the documents that gatehouse makes of them."""

    def __init__(self, tools, url, folder):
        self.tools, self.url, self.folder = tools, url, folder
        self.documents = os.path.join(folder, "documents")
        self.bulk = os.path.join(folder, "bulk")
        self.runs = 0

    def settings(self, folder, outputs, namespace="default"):
        path = os.path.join(folder, "gatehouse.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"state: {folder}/state\nsources:\n"
                       f"  - {{ url: \"{self.url}\", api_key: {self.tools.token}, initial_interval: 24h, "
                       f"data_stream: {{ namespace: {namespace} }} }}\n"
                       "outputs:\n" + "".join(f"  - {{ {output} }}\n" for output in outputs))
        return path

    def make_documents(self):
        path = self.settings(self.folder, [f"type: file, path: {self.folder}/out, filename: events"])
        self.tools.measured(self.folder, self.tools.gatehouse, "collect", "--once", "-c", path)
        with open(self.documents, "wb") as documents, open(self.bulk, "wb") as bulk:
            for name in os.listdir(f"{self.folder}/out"):
                for line in open(f"{self.folder}/out/{name}", "rb"):
                    documents.write(line)
                    uuid = json.loads(line)["event"]["id"]
                    bulk.write(b'{"create":{"_id":"%s"}}\n' % uuid.encode() + line)

    def next_run(self):
        self.runs += 1
        return f"r{self.runs}"

    def download(self):
        """The bare download of the same events."""
        with tempfile.TemporaryDirectory() as folder:
            return self.tools.measured(folder, f"{gate.BUILD}/bench/download_bench",
                                       f"{self.url}?limit={PAGE}&sortOrder=ASCENDING&since={self.tools.long_ago()}",
                                       self.tools.token)

    def collect(self, output, run):
        """One `gatehouse collect --once` into that output."""
        with tempfile.TemporaryDirectory() as folder:
            path = self.settings(folder, [output], run)
            cost = self.tools.measured(folder, self.tools.gatehouse, "collect", "--once", "-c", path)
        delivered = re.search(r"delivered=(\d+)", cost["err"])
        check(delivered and int(delivered.group(1)), "gatehouse")
        return cost

    def send(self, *command):
        """One run of a reference, which says how many documents were taken."""
        with tempfile.TemporaryDirectory() as folder:
            cost = self.tools.measured(folder, *command)
        check(json.loads(cost["out"])["documents"], os.path.basename(command[0]))
        return cost


def check(documents, who):
    if documents != EVENTS:
        raise SystemExit(f"bench/run: {who}: {documents} of {EVENTS} documents were delivered")


# ---- the engines


class Search:
    """Elasticsearch or OpenSearch; each run has a data stream of its own, with the same template."""
    against = {"upload": ""}

    def __init__(self, engine, events):
        self.engine, self.events = engine, events

    def stream(self, run):
        return f"logs-okta.system-{run}"

    def output(self, **more):
        rows = {"type": self.engine.name, "hosts": f"[\"{self.engine.url}\"]", "proxy_disable": "true", **more}
        return ", ".join(f"{name}: {value}" for name, value in rows.items())

    def ours(self, run):
        return self.events.collect(self.output(), run)

    def upload(self, run):
        url = f"{self.engine.url}/{self.stream(run)}/_bulk?filter_path=errors"
        return self.events.send(f"{gate.BUILD}/bench/upload_bench", url, str(GZIP_LEVEL), str(PAGE), self.events.bulk)

    def settle(self, run):
        """What the engine has put off belongs to the run."""
        self.engine.ask("POST", f"/{self.stream(run)}/_flush?force=true")
        check(self.engine.count(self.stream(run)), self.engine.name)

    def indexed(self, run):
        status, answer = self.engine.request(
            "GET", f"/{self.stream(run)}/_stats/indexing?filter_path=_all.primaries.indexing.index_total")
        return answer["_all"]["primaries"]["indexing"]["index_total"] if status == 200 and answer else 0


class Broker:
    """Kafka; a transactional id for each run, so that none takes over from another."""
    against = {"transact": "", "produce": "_against_no_transactions"}

    def __init__(self, engine, events):
        self.engine, self.events = engine, events
        engine.create("events")

    def ours(self, run):
        return self.events.collect(f"type: kafka, hosts: [\"{self.engine.bootstrap}\"], topic: events, "
                                   f"compression: {CODEC}, transactional_id: ours-{run}", run)

    def send(self, *more):
        return self.events.send(f"{gate.BUILD}/bench/produce_bench", self.engine.bootstrap, "events", CODEC, str(PAGE),
                                self.events.documents, *more)

    def transact(self, run):
        return self.send(f"theirs-{run}")

    def produce(self, _run):
        return self.send()

    def settle(self, run):
        """It puts nothing off."""


ENGINES = {"elasticsearch": (Elasticsearch, Search), "opensearch": (OpenSearch, Search), "kafka": (Kafka, Broker)}


def one_run(side, way):
    """The cost of it, and of the engine meanwhile as `engine_s`."""
    run = side.events.next_run()
    before = side.engine.cpu_seconds()
    cost = getattr(side, way)(run)
    side.settle(run)
    cost["engine_s"] = side.engine.cpu_seconds() - before
    return cost


def middles(runs):
    """Of each number of the runs its median."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0] if key.endswith("_s")}


# ---- figures


def compare(figure, name, suffix, ours, reference):
    for what, unit, of in (("rate", "events/s", lambda cost: EVENTS / cost["elapsed_s"]),
                           ("cpu_per_event", "us", lambda cost: cost["cpu_s"] / EVENTS * 1e6),
                           ("engine_cpu", "s/1000", lambda cost: cost["engine_s"] / EVENTS * 1e3)):
        figure(f"deliver_{name}_{what}{suffix}", of(ours), of(reference), unit)


def measure(figure, side):
    name = side.engine.name
    ways = ["ours", *side.against]
    for way in ways:
        one_run(side, way)
    runs = {way: [] for way in ways}
    downloads = []
    for number in range(ROUNDS):
        for way in ways[::-1] if number % 2 else ways:  # what one leaves to be done, the next one pays for
            runs[way].append(one_run(side, way))
        downloads.append(side.events.download())
    middle = {way: middles(runs[way]) for way in ways}
    ours = middle["ours"]
    for way, suffix in side.against.items():
        compare(figure, name, suffix, ours, middle[way])
    least = middles(downloads)["cpu_s"] + middle[ways[1]]["cpu_s"]
    figure(f"deliver_{name}_cpu_against_download_and_send", ours["cpu_s"] / EVENTS * 1e6, least / EVENTS * 1e6, "us")
    figure(f"deliver_{name}_peak_memory", max(run["peak_bytes"] for run in runs["ours"]) / MB, None, "MB")
    if isinstance(side, Search):
        both_s = ours["cpu_s"] + ours["engine_s"]
        figure(f"deliver_{name}_map_then_bulk_per_cpu_second_of_both", EVENTS / both_s, None, "events/s",
               note=PIPELINE_NOTE)


class SilentHost:
    """The kernel takes its connections, and nobody ever says a word."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listener.setblocking(False)
        self.name = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def asked(self):
        """How many have tried, since the last call."""
        for number in itertools.count():
            try:
                self.listener.accept()[0].close()
            except BlockingIOError:
                return number


def peak_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1)) * 1024


def run_until_all_is_there(side, *others):
    """(events per second, peak memory) of `gatehouse run`, with these outputs beside the engine's."""
    run = side.events.next_run()
    with tempfile.TemporaryDirectory() as folder:
        path = side.events.settings(folder, [*others, side.output(name="living")], run)
        began = time.monotonic()
        process = subprocess.Popen([side.events.tools.gatehouse, "run", "-c", path], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=BARE_ENV)
        try:
            wait_until(lambda: side.indexed(run) >= EVENTS or process.poll() is not None, "all events",
                       PATIENCE_S)
            elapsed = time.monotonic() - began
            check(side.indexed(run), "gatehouse run")
            return EVENTS / elapsed, peak_bytes(process.pid)
        finally:
            process.terminate()
            process.wait()


def run_beside_dead(side, host):
    dead = f"name: dead, type: opensearch, hosts: [\"{host.name}\"], proxy_disable: true"
    result = run_until_all_is_there(side, dead)
    if not host.asked():
        raise SystemExit("bench/run: nobody asked the dead host")
    return result


def bench_dead(figure, side):
    """The same engine alone, and beside an output whose host is silent."""
    host = SilentHost()
    with contextlib.closing(host.listener):
        runs = [(run_beside_dead(side, host), run_until_all_is_there(side)) for _ in range(ROUNDS)]
    for number, (what, unit, scale) in enumerate((("rate", "events/s", 1), ("peak_memory", "MB", MB))):
        middle = [statistics.median(run[which][number] / scale for run in runs) for which in (0, 1)]
        figure(f"deliver_beside_a_dead_output_{what}", middle[0], middle[1], unit)


def bench_engine(figure, events, name):
    kind, side_of = ENGINES[name]
    try:
        engine = kind(events.folder)
    except Skip as absent:
        raise SystemExit(f"bench/run: {absent}") from None
    try:
        side = side_of(engine, events)
        measure(figure, side)
        if kind is Elasticsearch:
            bench_dead(figure, side)
    finally:
        engine.stop()


def bench_deliver(figure, tools):
    """`tools`: what bench/run has for all groups."""
    if unknown := set(WANTED) - set(ENGINES):
        raise SystemExit(f"bench/run: no engine {' '.join(unknown)}; there are {' '.join(ENGINES)}")
    with tempfile.TemporaryDirectory() as folder, tools.simulator(folder, events=EVENTS) as url:
        events = Events(tools, url, folder)
        events.make_documents()
        for name in WANTED:
            bench_engine(figure, events, name)
