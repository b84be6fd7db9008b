# SPDX-License-Identifier: Apache-2.0
"""One source, several outputs of different kinds, among them a real Elasticsearch and a real Kafka: none hurts another,
each gets its own, once. The engines are shared by the tests; each test has names of its own."""
import hashlib
import json
import re
import signal
import threading
import urllib.request

from engines import Elasticsearch, Kafka, shared
from fronts import HttpBreaker, wait_for
from gates import Gate
from harness import (alone, assert_each_once, each_of, events, is_sanitized, main, now_ms, read_text, refusing_port, test,
                     uuids_of, wait_until)

DAY_MS = 86_400_000
QUICK = "backoff: { init: 50ms, max: 200ms }"


class World:
    """A simulator, an Elasticsearch behind a proxy that can be told to break things, and names of this test's own."""

    def __init__(self, place, *sim_args):
        self.place = place
        self.sim = place.sim(*sim_args)
        self.wanted = []
        self.engine = shared(Elasticsearch)
        self.breaker = HttpBreaker(place, self.engine)
        self.own = hashlib.sha256(place.root.encode()).hexdigest()[:12]
        self.stream = "logs-okta.system-" + self.own

    def add(self, count, seed, **more):
        new = events(count, seed, **more)
        self.sim.add(new)
        self.wanted += new
        return new

    def search(self, more="", name="search"):
        return 'name: %s, type: elasticsearch, hosts: ["%s"], %s%s' % (name, self.breaker.url, QUICK, more)

    def kafka(self, more=""):
        return 'name: stream, type: kafka, hosts: ["%s"], topic: t-%s, transactional_id: %s, position_topic: p-%s%s' % (
            shared(Kafka).bootstrap, self.own, self.own, self.own, more)

    def db(self, more="", name="db"):
        return "name: %s, type: sqlite, path: %s%s" % (name, self.place.path(name + ".db"), more)

    def file(self, more=""):
        return "name: archive, type: file, path: %s, filename: events%s" % (self.place.path("out"), more)

    def use(self, *outputs, extra="", interval="200ms", limit=100, **keys):
        source = self.place.source(self.sim, interval=interval, limit=limit,
                                   data_stream="{ namespace: %s }" % self.own, **keys)
        self.place.settings("state: %s\nsources:\n%soutputs:\n%s%s" % (
            self.place.path("state"), source, "".join("  - { %s }\n" % text for text in outputs), extra))

    def in_search(self, index=None):
        status, _ = self.engine.request("POST", "/%s/_refresh" % (index or self.stream))
        return self.engine.ids(index or self.stream) if status == 200 else []

    def documents(self, index):
        self.engine.ask("POST", "/%s/_refresh" % index)
        return [hit["_source"] for hit in self.engine.hits(index)]

    def in_kafka(self):
        if "t-" + self.own not in shared(Kafka).topics():
            return []
        return [json.loads(m["value"])["event"]["id"] for m in shared(Kafka).read("t-" + self.own)]

    def in_db(self, name="db"):
        return self.place.uuids_in_db(name + ".db")

    def wait(self, of, count=None):
        count = len(self.wanted) if count is None else count
        wait_until(lambda: len(of()) >= count, "%d events of %s" % (count, of.__name__))

    def command(self, *args):
        return self.place.run(*args, "-c", self.place.path("gatehouse.yml"))


def is_user(e):
    return e["eventType"].startswith("user.")


def failed(e):
    return e["outcome"]["result"] == "FAILURE"


# ---- one that is down ----

@test
def a_dead_engine_stops_nobody_and_gets_all_when_it_is_back(place):
    w = World(place, "--rate-limit", "120")
    w.add(600, seed=1)
    w.breaker.refuse()
    w.use(w.db(), w.search(), w.kafka(), interval="1s")
    daemon = place.daemon()
    w.wait(w.in_db)
    w.wait(w.in_kafka)
    place.wait_log(daemon, "output.failed")
    w.add(100, seed=2, first_ms=now_ms() - 1000, step_ms=1)
    w.wait(w.in_db)
    w.wait(w.in_kafka)
    assert w.in_search() == []
    w.breaker.accept()
    w.wait(w.in_search)
    place.wait_log(daemon, "output.recovered")
    place.stop(daemon)
    for got, where in ((w.in_db(), "db"), (w.in_search(), "search"), (w.in_kafka(), "kafka")):
        assert_each_once(got, uuids_of(w.wanted), where)
    stats = w.sim.stats()
    assert stats["throttled"] == {"rate": 0, "concurrency": 0}, stats
    assert place.dead_letters() == []


@test
def what_it_missed_is_fetched_once_more_and_no_oftener(place):
    """Its tries ask the engine, not Okta."""
    w = World(place)
    w.add(500, seed=3)
    w.breaker.refuse()
    w.use(w.db(), w.search(), interval="1h")
    daemon = place.daemon()
    w.wait(w.in_db)
    place.wait_log(daemon, "output.failed")
    wait_until(lambda: place.status().get(("acme", "search"), {}).get("output_state", {}).get("retries", 0) >= 5,
               "more tries")
    w.breaker.accept()
    w.wait(w.in_search)
    place.stop(daemon)
    assert w.sim.count() <= 2 * 6 + 2, w.sim.count()
    assert_each_once(w.in_search(), uuids_of(w.wanted), "search")


@test
def one_that_was_away_over_several_runs_gets_what_it_missed(place):
    w = World(place)
    w.add(150, seed=4)
    w.use(w.db(), w.search())
    place.collect_once()
    w.breaker.refuse()
    for n in range(2):
        w.add(150, seed=5 + n, first_ms=now_ms() - 60_000)
        place.collect_once(expect=1)
    assert_each_once(w.in_db(), uuids_of(w.wanted), "db")
    assert len(w.in_search()) == 150
    w.breaker.accept()
    place.collect_once()
    assert_each_once(w.in_search(), uuids_of(w.wanted), "search")


# ---- each its own ----

@test
def each_output_has_its_filter(place):
    w = World(place)
    w.add(300, seed=10)
    w.use(w.db(), w.search(', filter: { event_types: ["user.*"] }'), w.kafka(", filter: { outcomes: [FAILURE] }"))
    place.collect_once()
    assert_each_once(w.in_db(), uuids_of(w.wanted), "db")
    assert_each_once(w.in_search(), uuids_of(filter(is_user, w.wanted)), "search")
    assert_each_once(w.in_kafka(), uuids_of(filter(failed, w.wanted)), "kafka")


@test
def raw_stands_beside_ecs(place):
    w = World(place)
    w.add(120, seed=11)
    w.use(w.search(), w.search(", format: raw, index: raw-" + w.own, name="elastic"), w.db())
    place.collect_once()
    assert_each_once(w.in_search("raw-" + w.own), uuids_of(w.wanted), "raw")
    assert_each_once(w.in_search(), uuids_of(w.wanted), "ecs")
    by_uuid = {e["uuid"]: e for e in w.wanted}
    for document in w.documents("raw-" + w.own):
        told = json.loads(document["message"])
        assert told == by_uuid[told["uuid"]]
        assert "okta" not in document and document["data_stream"]["dataset"] == "okta.system", document
    for document in w.documents(w.stream):
        assert document["okta"]["uuid"] == document["event"]["id"], document


@test
def dead_letters_are_the_output_s_own_and_go_in_when_the_mapping_is_mended(place):
    w = World(place)
    w.engine.ask("PUT", "/first-" + w.own, {"mappings": {"properties": {"okta": {"properties": {
        "display_message": {"type": "long"}}}}}, "aliases": {"log-" + w.own: {"is_write_index": True}}})
    w.add(20, seed=12, displayMessage="12")
    bad = w.add(5, seed=13, displayMessage="words")
    w.use(w.db(), w.search(", index: log-%s, template: false" % w.own), w.search(name="other"))
    place.collect_once()
    letters = place.dead_letters()
    assert_each_once([letter["uuid"] for letter in letters], uuids_of(bad), "dead letters")
    assert {letter["output"] for letter in letters} == {"search"}, letters
    assert all("display_message" in letter["reason"] for letter in letters), letters[0]
    assert_each_once(w.in_search(), uuids_of(w.wanted), "other")
    assert w.command("status").out.count("dead letters: 5") == 1

    refused = w.command("dead-letters", "replay")
    assert refused.returncode == 1 and len(place.dead_letters()) == 5, refused.out + refused.err
    w.engine.ask("PUT", "/second-" + w.own, {})
    w.engine.ask("POST", "/_aliases", {"actions": [
        {"add": {"index": "first-" + w.own, "alias": "log-" + w.own, "is_write_index": False}},
        {"add": {"index": "second-" + w.own, "alias": "log-" + w.own, "is_write_index": True}}]})
    replayed = w.command("dead-letters", "replay")
    assert replayed.returncode == 0 and place.dead_letters() == [], replayed.out + replayed.err
    assert_each_once(w.in_search("log-" + w.own), uuids_of(w.wanted), "search")
    assert_each_once(w.in_search("second-" + w.own), uuids_of(bad), "the index that takes them")
    assert_each_once(w.in_search(), uuids_of(w.wanted), "other, once")


@test
def the_gate_s_documents_are_in_a_data_stream_of_their_own(place):
    """The one place that is shared with other tests: it has no source that could name a namespace."""
    w = World(place)
    gate = Gate(place)
    gate.base += "  - { %s }\n" % w.search()
    gate.use_key(gate.key)
    w.breaker.refuse()
    gate.start()
    wanted = [gate.read() for _ in range(12)]
    w.breaker.accept()
    wanted += [gate.read() for _ in range(12)]
    wait_until(lambda: set(wanted) <= set(w.in_search("logs-gatehouse.gate-default")), "the documents in the engine")
    wait_until(lambda: gate.journal() == 0, "an empty journal")
    gate.stop()
    found = [d for d in w.documents("logs-gatehouse.gate-default") if d["event"]["id"] in set(wanted)]
    assert_each_once([d["event"]["id"] for d in found], wanted, "the engine")
    assert {d["data_stream"]["dataset"] for d in found} == {"gatehouse.gate"}, found[0]
    assert_each_once(place.uuids_in_db(), wanted, "db")


# ---- in time ----

def told(place, daemon, level):
    place.wait_log(daemon, "output.forgotten_soon")
    line = next(text for text in place.log_of(daemon).splitlines() if "output.forgotten_soon" in text)
    assert level in line and "source=acme" in line and "output=search" in line, line
    return int(re.search(r"days_left=(\d+)", line).group(1))


def later(w, days):
    """Okta's clock shows so much later; its log is as it was."""
    w.sim.ask("/_sim/clock", {"advance": "%dd" % days})


@each_of({"a warning at nine days": (80, "WARN", 9), "an error in the last one": (89, "ERROR", 0)})
def an_output_that_was_down_for_long_raises_the_alarm_before_okta_forgets(place, case):
    days, level, left = case
    w = World(place, "--rate-limit", "1000000")
    w.add(20, seed=20)
    w.use(w.search(), w.db())
    place.collect_once()
    later(w, days)
    w.breaker.refuse()
    w.add(5, seed=21, first_ms=now_ms() + days * DAY_MS - 60_000)
    w.use(w.search(), w.db(), extra='metrics: { address: "127.0.0.1:0" }\n')
    daemon = place.daemon()
    assert left - 1 <= told(place, daemon, level) <= left + 1, place.log_of(daemon)
    limit = (left + 1) * 86400
    wait_until(lambda: seconds_left(place) <= limit, "the alarm in status")
    assert re.search("forg[eo]ts?", w.command("status").out), w.command("status").out
    assert metric(place, daemon, 'gatehouse_forgotten_in_seconds{source="acme",output="search"}') <= limit
    w.breaker.accept()
    w.wait(w.in_search)
    place.stop(daemon)
    log = place.log_of(daemon)
    assert log.count("output.forgotten_soon") == 1 and "output=db" not in log, log
    assert_each_once(w.in_search(), uuids_of(w.wanted), "search")


def seconds_left(place):
    return place.status()[("acme", "search")].get("forgotten_in_seconds", 1 << 62)


def metric(place, daemon, name):
    """A figure as Prometheus would read it."""
    place.wait_log(daemon, "metrics.listening")
    port = re.search(r"metrics\.listening address=\S*:(\d+)", place.log_of(daemon)).group(1)
    with urllib.request.urlopen("http://127.0.0.1:%s/metrics" % port) as page:
        lines = page.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(name)).split()[-1])


# ---- one that hangs ----

def hanging(w):
    """From now on, until the event is set."""
    until = threading.Event()
    w.breaker.always(wait_for(until), "/")
    return until


@test
def the_end_does_not_wait_for_an_engine_that_hangs(place):
    """The request may take ten minutes; the harness would wait one."""
    w = World(place)
    w.add(200, seed=30)
    until = hanging(w)
    w.use(w.db(), w.search(", timeout: 10m"))
    daemon = place.daemon()
    w.wait(w.in_db)
    wait_until(lambda: w.breaker.count() > 0, "a request that hangs")
    place.stop(daemon)
    until.set()
    w.breaker.calm()
    place.collect_once()
    assert_each_once(w.in_search(), uuids_of(w.wanted), "search")
    assert_each_once(w.in_db(), uuids_of(w.wanted), "db")


@test
def a_bulk_that_hangs_at_the_end_doubles_nothing(place):
    """The engine gets to it after the collector has gone."""
    w = World(place)
    w.use(w.db(), w.search(", timeout: 10m"))
    place.collect_once()
    w.add(200, seed=31)
    until = threading.Event()
    w.breaker.always(wait_for(until), "_bulk")
    daemon = place.daemon()
    wait_until(lambda: w.breaker.count("_bulk") > 0, "a bulk that hangs")
    place.stop(daemon)
    until.set()
    w.breaker.calm()
    place.collect_once()
    assert_each_once(w.in_search(), uuids_of(w.wanted), "search")


@test
def settings_are_read_again_while_an_engine_hangs(place):
    w = World(place)
    w.add(200, seed=32)
    until = hanging(w)
    w.use(w.db(), w.search(", timeout: 10m"))
    daemon = place.daemon()
    w.wait(w.in_db)
    wait_until(lambda: w.breaker.count() > 0, "a request that hangs")
    w.use(w.db(), w.search(", timeout: 10m"), w.file(), initial_interval="2h")
    daemon.send_signal(signal.SIGHUP)
    place.wait_log(daemon, "daemon.reloaded")
    w.wait(place.uuids_in_file)
    until.set()
    w.breaker.calm()
    w.wait(w.in_search)
    place.stop(daemon)
    for got, where in ((w.in_db(), "db"), (w.in_search(), "search"), (place.uuids_in_file(), "file")):
        assert_each_once(got, uuids_of(w.wanted), where)


# ---- what is said of one that is dead ----

@test
def every_command_says_that_the_engine_is_dead(place):
    w = World(place)
    w.add(30, seed=40)
    held, port = refusing_port()
    url = "http://127.0.0.1:%d" % port
    with held:
        w.use(w.db(), 'name: search, type: elasticsearch, hosts: ["%s"], %s' % (url, QUICK))
        tried = w.command("test", "output")
        assert tried.returncode == 1 and "✗ connection: " + url in tried.out, tried.out + tried.err
        for args in ([], ["--dry-run"]):
            setup = w.command("setup", "elasticsearch", *args)
            said = setup.out + setup.err
            assert setup.returncode == 1 and url in said and "Traceback" not in said, said
            assert "search" in said and "onnect" in said, said
        place.collect_once(expect=1)
        shown = w.command("status")
        assert shown.returncode == 0, shown.err
        assert re.search(r"^output search: failing since .*%s" % url, shown.out, re.MULTILINE), shown.out
        assert re.search(r"^output db: ok", shown.out, re.MULTILINE), shown.out
        row = place.status()[("acme", "search")]
        assert row["output_state"]["ok"] is False and url in row["output_state"]["reason"], row
        assert row["caught_up"] is False, row


@test
def status_tells_of_an_engine_that_was_never_reached(place):
    """There is no position yet, but a trouble."""
    w = World(place)
    w.add(30, seed=41)
    w.breaker.refuse()
    w.use(w.search())
    place.collect_once(expect=1)
    shown = w.command("status")
    assert "nothing has been collected yet" not in shown.out or "output search: failing" in shown.out, shown.out
    assert "output search: failing" in shown.out, shown.out
    assert ("acme", "search") in place.status()


# ---- what it costs ----

def peak_kb(process):
    return int(re.search(r"VmHWM:\s+(\d+)", read_text("/proc/%d/status" % process.pid)).group(1))


@alone
def an_engine_that_hangs_for_long_costs_no_memory(place):
    w = World(place)
    until = hanging(w)
    w.use(w.db(), w.search(", timeout: 1s"), interval="20ms", limit=1000)
    daemon = place.daemon()
    for n in range(5):
        w.add(1000, seed=100 + n, first_ms=now_ms() - 60_000, step_ms=1)
        w.wait(w.in_db)
    place.wait_log(daemon, "output.failed")
    before = peak_kb(daemon)
    for n in range(15):
        w.add(1000, seed=200 + n, first_ms=now_ms() - 60_000, step_ms=1)
        w.wait(w.in_db)
    grown = peak_kb(daemon) - before
    if not is_sanitized():
        assert grown < 6 * 1024, "%d KB more for 15 pages, after %d KB" % (grown, before)
    until.set()
    w.breaker.calm()
    w.breaker.keep = False
    w.wait(w.in_search)
    place.stop(daemon)
    assert_each_once(w.in_search(), uuids_of(w.wanted), "search")
    assert_each_once(w.in_db(), uuids_of(w.wanted), "db")


main(jobs=2)
