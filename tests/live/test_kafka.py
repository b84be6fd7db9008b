# SPDX-License-Identifier: Apache-2.0
"""Exactly once into a real Kafka, as a reader of committed messages sees it.

KILLS and SEED may be set. The seed is printed; what the machine makes of a moment is its own affair.
"""
import collections
import json
import os
import random
import subprocess
import time

from engines import Kafka, shared
from fronts import Certificates
from harness import (BARE_ENV, GATEHOUSE, each_of, event, events, main, now_ms, refusing_port, remark, test,
                     uuids_of, wait_until)

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
DAY_MS = 86400000
KILLS = int(os.environ.get("KILLS", 25))


def compose(place, sim, topic, hosts=None, name="gatehouse.yml", state="state", source=None, **keys):
    """One source into one topic. Values of `keys` are YAML, those of `source` the source's."""
    keys = dict(dict(transactional_id="gate-" + topic, timeout="20s"), **keys)
    rows = "".join("    %s: %s\n" % row for row in keys.items())
    return place.settings("state: %s\nsources:\n%soutputs:\n  - name: bus\n    type: kafka\n    hosts: [\"%s\"]\n"
                          "    topic: \"%s\"\n    key: \"%%{[event.id]}\"\n%s"
                          % (place.path(state), place.source(sim, **dict({"limit": "50"}, **(source or {}))), hosts or shared(Kafka).bootstrap, topic,
                             rows), name)


def ids_in(rows):
    return [json.loads(row["value"])["event"]["id"] for row in rows]


def assert_once(kafka, topic, wanted):
    """Each of these events once, and nothing else."""
    got = collections.Counter(ids_in(kafka.read(topic)))
    want = set(uuids_of(wanted))
    missing = [u for u in want if u not in got]
    assert not missing, "%d of %d are missing: %s" % (len(missing), len(want), missing[:3])
    twice = [u for u, n in got.items() if n > 1 or u not in want]
    assert not twice, "%d are there twice or unasked: %s" % (len(twice), twice[:3])


def recent(n, seed):
    return events(n, seed=seed, first_ms=now_ms() - 60000, step_ms=10)


def has(kafka, topic, wanted):
    return set(uuids_of(wanted)) <= set(ids_in(kafka.read(topic)))


@test
def a_message_is_the_document_with_its_key_its_time_and_the_headers(place):
    kafka, sim = shared(Kafka), place.sim()
    wanted = recent(120, 1)
    sim.add(wanted)
    kafka.create("whole", 4)
    compose(place, sim, "whole", headers="{ team: red }", compression="zstd")
    place.collect_once()
    place.collect_once()
    rows = kafka.read("whole")
    assert_once(kafka, "whole", wanted)
    assert len({row["partition"] for row in rows}) == 4, "keys are not spread over the partitions"
    for row in rows:
        document = json.loads(row["value"])
        assert row["key"] == document["event"]["id"], row
        assert row["headers"] == {"team": "red"}, row
        assert abs(row["timestamp"] - now_ms()) < 3600000, row
        # As Filebeat spreads keys: FNV-1a without its top bit.
        digest = 2166136261
        for byte in row["key"].encode():
            digest = (digest ^ byte) * 16777619 & 0xffffffff
        assert row["partition"] == (digest & 0x7fffffff) % 4, row


@test
def topics_may_come_from_the_documents(place):
    kafka, sim = shared(Kafka), place.sim()
    rand = random.Random(5)
    wanted = [event(now_ms() - 5000 + i, rand, eventType=kind)
              for i, kind in enumerate(["user.session.start", "user.session.end"] * 10)]
    sim.add(wanted)
    compose(place, sim, "by-%{[event.action]}", transactional_id="by-field")
    place.collect_once()
    for kind in ("user.session.start", "user.session.end"):
        assert_once(kafka, "by-" + kind, [e for e in wanted if e["eventType"] == kind])


@test
def what_the_broker_finds_too_large_becomes_a_dead_letter(place):
    kafka, sim = shared(Kafka), place.sim()
    wanted = recent(60, 2)
    rand = random.Random(6)
    large = [event(now_ms() - 30000 + i, rand, displayMessage="%030x" % rand.getrandbits(120) * 1500) for i in range(2)]
    sim.add(sorted(wanted + large, key=lambda e: e["published"]))
    # More than a batch holds of the others, so that only in parts it is seen which is meant.
    kafka.create("small", 1, max_message_bytes="20000")
    compose(place, sim, "small", compression="none")
    place.collect_once()
    assert_once(kafka, "small", wanted)
    letters = place.dead_letters()
    assert sorted(r["uuid"] for r in letters) == sorted(uuids_of(large)), letters
    assert all("larger than the topic takes" in r["reason"] for r in letters), letters


class Killing:
    def __init__(self, place, topic, seed):
        self.place, self.topic = place, topic
        self.rand = random.Random(seed)
        self.sim = place.sim()
        self.wanted = []
        self.killed = 0
        compose(place, self.sim, topic)

    def collect(self):
        with open(self.place.path("log"), "ab") as log:
            return subprocess.Popen([GATEHOUSE, "collect", "--once", "-c", self.place.path("gatehouse.yml")],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                    cwd=self.place.root, env=BARE_ENV)

    def add(self):
        some = recent(self.rand.randrange(60, 300), self.rand.getrandbits(64))
        self.wanted += some
        self.sim.add(some)

    def length(self):
        self.add()
        began = time.monotonic()
        assert self.collect().wait(60) == 0
        return time.monotonic() - began

    def round(self, length):
        self.add()
        p = self.collect()
        try:
            code = p.wait(length * self.rand.random() * 1.1)
            assert code == 0, "ended with %d" % code
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            self.killed += 1


@test
def killed_at_any_moment_each_event_is_there_once(place):
    remark("SEED=%d KILLS=%d" % (SEED, KILLS))
    kafka = shared(Kafka)
    killing = Killing(place, "kills", SEED)
    killing.length()
    length = killing.length()
    for _ in range(KILLS):
        killing.round(length)
    place.collect_once()
    remark("%d killed, %d events" % (killing.killed, len(killing.wanted)))
    assert_once(kafka, "kills", killing.wanted)
    place.collect_once()
    assert_once(kafka, "kills", killing.wanted)


@test
def a_broker_that_goes_and_comes_back_gets_everything_once(place):
    kafka, sim = Kafka(place), place.sim()
    wanted = recent(200, 3)
    sim.add(wanted)
    kafka.create("restart")
    compose(place, sim, "restart", hosts=kafka.bootstrap, timeout="5s",
            backoff="{ init: 200ms, max: 1s }")
    daemon = place.daemon()
    wait_until(lambda: has(kafka, "restart", wanted), "the first events")
    for how in (kafka.kill, kafka.stop):
        how()
        more = recent(100, len(wanted))
        wanted += more
        sim.add(more)
        place.wait_log(daemon, "127.0.0.1:%d" % kafka.port)
        kafka.start()
        wait_until(lambda: has(kafka, "restart", wanted), "the events after a restart:\n" + place.log_of(daemon))
    place.stop(daemon)
    assert_once(kafka, "restart", wanted)
    assert "%3|" not in place.log_of(daemon) and "rdkafka" not in place.log_of(daemon), place.log_of(daemon)


@test
def a_stop_is_not_held_up_by_a_broker_that_is_away(place):
    sim = place.sim()
    sim.add(recent(10, 4))
    silent = place.listener()
    compose(place, sim, "away", hosts="127.0.0.1:%d" % silent.port, timeout="30s")
    daemon = place.daemon()
    place.wait_log(daemon, "daemon.started")
    place.stop(daemon)


@test
def a_second_collector_takes_over_and_the_first_says_so(place):
    kafka, sim = shared(Kafka), place.sim()
    wanted = recent(150, 7)
    sim.add(wanted)
    kafka.create("both")
    compose(place, sim, "both", transactional_id="pair")
    compose(place, sim, "both", transactional_id="pair", name="second.yml", state="state-of-second")
    first = place.daemon()
    wait_until(lambda: has(kafka, "both", wanted), "what the first collects:\n" + place.log_of(first))
    second = place.daemon(settings=place.path("second.yml"))
    place.wait_log(second, "output.joined")
    more = recent(80, 8)
    wanted += more
    sim.add(more)
    place.wait_log(first, "another collector has taken over")
    wait_until(lambda: has(kafka, "both", wanted), "what the second collects:\n" + place.log_of(second))
    place.stop(second)
    place.stop(first)
    assert_once(kafka, "both", wanted)
    place.collect_once()
    assert_once(kafka, "both", wanted)


class Taking:
    """Two collectors of one transactional id, of which one after the other is killed at a random moment, while the past
    is fetched by windows and new events are polled."""
    PAST = 6000

    def __init__(self, place, topic, seed):
        self.place, self.topic = place, topic
        self.rand = random.Random(seed)
        self.sim = place.sim()
        shared(Kafka).create(topic, 2)
        self.wanted = []
        self.joined = 0
        self.add(events(self.PAST, seed=seed, first_ms=now_ms() - 60 * DAY_MS, step_ms=60 * DAY_MS // self.PAST),
                 persisted="published")
        self.add(self.late(200))
        self.settings = [self.compose(name) for name in ("one", "two")]

    def compose(self, name):
        return compose(self.place, self.sim, self.topic, name=name + ".yml", state="state-of-" + name,
                       source={"initial_interval": "2160h", "interval": "100ms"}, transactional_id="taking")

    def add(self, some, **how):
        self.wanted += some
        self.sim.add(some, **how)

    def late(self, n):
        """Published in the last minutes: a collector that begins now polls them, and a window brings them, too."""
        return events(n, seed=self.rand.random(), first_ms=now_ms() - 240000, step_ms=240000 // n)

    def round(self):
        if self.rand.random() < 0.75:
            self.settings.reverse()
        p = self.place.daemon(settings=self.settings[0])
        self.place.wait_log(p, "daemon.started")
        self.add(self.late(20))
        if self.rand.random() < 0.5:
            self.sim.fault("bad_cursor", count=1)
        time.sleep(self.rand.random() * 3)  # a second or so passes before its first transaction
        p.kill()
        p.wait()
        self.joined += "output.joined" in self.place.log_of(p)

    def finish(self):
        self.sim.no_faults()
        for settings in self.settings:
            self.place.collect_once(settings=settings)


@test
def who_takes_over_at_any_moment_doubles_nothing(place):
    remark("SEED=%d KILLS=%d" % (SEED, KILLS))
    taking = Taking(place, "taking", SEED)
    for _ in range(KILLS):
        taking.round()
    taking.finish()
    remark("taken over %d times, %d events" % (taking.joined, len(taking.wanted)))
    assert taking.joined or KILLS < 10, "nobody has taken over"
    assert_once(shared(Kafka), "taking", taking.wanted)
    taking.finish()
    assert_once(shared(Kafka), "taking", taking.wanted)


def live_keys(kafka, topic, part):
    """Keys of a compacted topic whose last message has a value."""
    last = {row["key"]: row["value"] for row in kafka.read(topic)}
    return [key for key, value in last.items() if part in key and value is not None]


@test
def what_nothing_can_bring_again_is_taken_from_the_position_topic(place):
    kafka, sim = shared(Kafka), place.sim()
    wanted = events(300, seed=11, first_ms=now_ms() - 20 * DAY_MS, step_ms=DAY_MS // 15)
    sim.add(wanted, persisted="published")
    late = events(40, seed=12, first_ms=now_ms() - 200000, step_ms=1000)  # polled, and a window's
    sim.add(late)
    kafka.create("settled")
    compose(place, sim, "settled", source={"initial_interval": "720h", "interval": "100ms"}, position_topic="stands")
    daemon = place.daemon()
    place.wait_log(daemon, "history.done")
    wait_until(lambda: has(kafka, "settled", wanted + late), "the past:\n" + place.log_of(daemon))
    assert live_keys(kafka, "stands", "|had|"), "nothing of the past is remembered"
    sim.clock(advance="10m")
    new = events(20, seed=13, first_ms=now_ms() + 600000)
    sim.add(new)
    wait_until(lambda: not live_keys(kafka, "stands", "|had|"), "the position topic to be tidied")
    assert live_keys(kafka, "stands", "#"), "and the trail stays"
    place.stop(daemon)
    assert_once(kafka, "settled", wanted + late + new)


SECURE = {
    "PLAIN": dict(users={"gate": "s3cret"}, mechanism="PLAIN"),
    "PLAIN over TLS": dict(users={"gate": "s3cret"}, mechanism="PLAIN", tls=True),
    "TLS": dict(tls=True),
}


@each_of(SECURE)
def signed_in_with(place, case):
    tls = Certificates(place) if case.get("tls") else None
    kafka = Kafka(place, users=case.get("users"), tls=(tls.certificate, tls.key) if tls else None)
    sim = place.sim()
    wanted = recent(30, 9)
    sim.add(wanted)
    keys = {}
    if "users" in case:
        keys.update(username="gate", password="s3cret", sasl="{ mechanism: %s }" % case["mechanism"])
    if tls:
        keys["ssl"] = "{ certificate_authorities: [\"%s\"] }" % tls.authority
    compose(place, sim, "secure", hosts=kafka.secure, **keys)
    place.collect_once()
    assert_once(kafka, "secure", wanted)
    if "users" in case:
        keys["password"] = "wr0ng"
        compose(place, sim, "secure", hosts=kafka.secure, **keys)
        sim.add(recent(5, 10))
        daemon = place.daemon()
        place.wait_log(daemon, "uthentication failed")
        place.stop(daemon)
        assert "wr0ng" not in place.log_of(daemon), place.log_of(daemon)


# What a newcomer gets wrong: where, what is set, the step that fails, and what is said of it.
AT_SASL = {
    "the right password": ({"username": "gate", "password": "s3cret"}, None, ""),
    "no credentials": ({}, "connection", "does the port want `ssl`, or `username` and `password`?"),
    "a wrong password": ({"username": "gate", "password": "wr0ng"}, "credentials", "Invalid username or password"),
    "a mechanism that is not there": ({"username": "gate", "password": "s3cret", "sasl": "{ mechanism: SCRAM-SHA-512 }"},
                                      "credentials", "it takes: PLAIN,SCRAM-SHA-256"),
    "TLS where plain text is spoken": ({"ssl": "{ certificate_authorities: [%(authority)s] }"}, "TLS",
                                       "leave `ssl` out"),
}
AT_TLS = {
    "an authority that is known": ({"ssl": "{ certificate_authorities: [%(authority)s] }"}, None, ""),
    "another authority": ({"ssl": "{ certificate_authorities: [%(stranger)s] }"}, "TLS", "is not trusted"),
    "plain text": ({}, "connection", "does the port want `ssl`"),
    "credentials in plain text": ({"username": "gate", "password": "s3cret"}, "connection",
                                  "does the port want `ssl`?"),
}


def assert_told(place, sim, host, tls, cases):
    for case, (keys, step, words) in cases.items():
        known = {"authority": tls.authority, "stranger": tls.client_certificate}
        compose(place, sim, "told", hosts=host, timeout="30s", **{k: v % known for k, v in keys.items()})
        p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
        wanted = "\u2717 %s: %s: " % (step, host) if step else "\u2713 transactions"
        assert wanted in p.out and words in p.out, (case, p.out, p.err)
        assert p.returncode == (1 if step else 0), (case, p.returncode)
        assert "wr0ng" not in p.out + p.err and "api.version" not in p.out, (case, p.out, p.err)


@test
def what_is_wrong_with_the_way_to_a_broker_is_told_by_its_step(place):
    tls, sim = Certificates(place), place.sim()
    kafka = Kafka(place, users={"gate": "s3cret"})
    assert_told(place, sim, kafka.secure, tls, AT_SASL)
    assert_told(place, sim, kafka.bootstrap, tls, {
        "credentials that nobody asks for": ({"username": "gate", "password": "s3cret"}, "credentials",
                                             "takes no credentials")})
    kafka.stop()
    assert_told(place, sim, kafka.bootstrap, tls, {"nobody there": ({}, "connection", "connection refused")})
    kafka = Kafka(place, tls=(tls.certificate, tls.key))
    assert_told(place, sim, kafka.secure, tls, AT_TLS)


@test
def once_ends_soon_when_no_broker_is_there(place):
    """With a timeout that the test would not live to see."""
    sim = place.sim()
    sim.add(recent(5, 12))
    held, port = refusing_port()
    compose(place, sim, "nowhere", hosts="127.0.0.1:%d" % port, timeout="10m")
    p = place.collect_once(expect=1)
    held.close()
    assert "connection refused" in p.err, p.err


@test
def a_daemon_says_soon_that_its_broker_has_gone(place):
    """With a timeout that the test would not live to see."""
    kafka, sim = Kafka(place), place.sim()
    wanted = recent(50, 13)
    sim.add(wanted)
    kafka.create("gone")
    compose(place, sim, "gone", hosts=kafka.bootstrap, timeout="5m", backoff="{ init: 200ms, max: 1s }")
    daemon = place.daemon()
    wait_until(lambda: has(kafka, "gone", wanted), "the first events")
    kafka.kill()
    more = recent(50, 14)
    sim.add(more)
    place.wait_log(daemon, "connection refused")
    kafka.start()
    wait_until(lambda: has(kafka, "gone", wanted + more), "the rest:\n" + place.log_of(daemon))
    place.stop(daemon)
    assert_once(kafka, "gone", wanted + more)


@test
def many_that_are_too_large_among_many_are_found(place):
    kafka, sim = shared(Kafka), place.sim()
    wanted = recent(400, 15)
    rand = random.Random(16)
    large = [event(now_ms() - 60000 + rand.randrange(4000), rand, displayMessage="%0300000x" % rand.getrandbits(1200000))
             for i in range(6)]
    sim.add(sorted(wanted + large, key=lambda e: e["published"]))
    kafka.create("parts", 3, max_message_bytes="100000")
    compose(place, sim, "parts", source={"limit": "500"})
    place.collect_once()
    assert_once(kafka, "parts", wanted)
    letters = place.dead_letters()
    assert sorted(r["uuid"] for r in letters) == sorted(uuids_of(large)), letters


@test
def a_topic_that_does_not_take_old_times_gets_the_events_with_that_of_now(place):
    kafka, sim = shared(Kafka), place.sim()
    wanted = recent(80, 17)
    sim.add(wanted)
    kafka.create("young", 2, message_timestamp_before_max_ms="20000")
    compose(place, sim, "young")
    place.collect_once()
    assert_once(kafka, "young", wanted)
    assert place.dead_letters() == []
    assert all(row["timestamp"] > now_ms() - 40000 for row in kafka.read("young")), kafka.read("young")[0]


@test
def test_output_says_what_it_found_and_disturbs_nobody(place):
    kafka, sim = shared(Kafka), place.sim()
    sim.add(recent(5, 11))
    kafka.create("tested", 3)
    compose(place, sim, "tested", position_topic="tested-positions", transactional_id="tested-id")
    place.collect_once()
    p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
    assert p.returncode == 0 and "tested: 3 partitions" in p.out and "compacted" in p.out, p.out + p.err
    assert len(kafka.read("tested", "read_uncommitted")) == 5
    kafka.create("plain-positions", 1, cleanup_policy="delete")
    compose(place, sim, "tested", position_topic="plain-positions", transactional_id="tested-id")
    p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
    assert p.returncode != 0 and "cleanup.policy=delete" in p.out + p.err, p.out + p.err


main()
