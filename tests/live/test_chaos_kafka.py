# SPDX-License-Identifier: Apache-2.0
"""Kafka and what may happen on the way there, with a second collector that takes over and hands back: chaos.py says
how it is judged."""
import base64
import subprocess
import threading
import time

import chaos
from basics import BARE_ENV
from chaos_broker import ADD_PARTITIONS, ANSWER, END_TRANSACTION, INIT_PRODUCER, METADATA, PRODUCE, REQUEST, BrokerProxy
from engines import CLIENT_PYTHON, HERE, Kafka
from harness import assert_each_once, events, main, now_ms, remark, test, uuids_of, wait_until

TOPIC = "events"
OUR_MAX, BROKERS_MAX = 60000, 30000
TIMEOUT_S = 3
KINDS = [PRODUCE, PRODUCE, END_TRANSACTION, END_TRANSACTION, ADD_PARTITIONS, INIT_PRODUCER, METADATA]


class Follower:
    """A consumer of what is committed, all the time."""

    def __init__(self, kafka, note):
        self.note = note
        self.process = subprocess.Popen([CLIENT_PYTHON, HERE + "/kafka_tool.py", kafka.bootstrap, "follow", TOPIC],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env=BARE_ENV, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.note(line.strip().strip('"'))

    def stop(self):
        self.process.kill()
        self.process.wait()


class KafkaChaos(chaos.Chaos):
    name = "kafka"
    ahead_ms = 0  # brokers refuse times to come
    check_every = 50
    hurry = 0.5
    source_keys = {"initial_interval": "48h"}  # by windows; most late events are of the time before the polling
    PAST = 1500

    def __init__(self, place):
        super().__init__(place)
        self.add_past()
        self.proxy = BrokerProxy(place)
        self.kafka = Kafka(place, advertised=self.proxy.port)
        self.proxy.target = self.kafka.front_port
        self.kafka.create(TOPIC, 3, max_message_bytes=BROKERS_MAX)
        self.heard = set()
        self.doubled = []
        place.sims.append(Follower(self.kafka, self.note))
        self.collector = self.make_collector("one")
        self.spare = self.make_collector("two")

    def add_past(self):
        for seed, sim in enumerate(self.sims):
            some = events(self.PAST, seed=seed, first_ms=now_ms() - 40 * chaos.HOUR_MS, step_ms=90000)
            self.wanted += uuids_of(some)
            self.missing.update(uuids_of(some))
            sim.add(some, persisted="published")

    def note(self, uuid):
        if uuid in self.heard:
            self.doubled.append(uuid)
        self.heard.add(uuid)
        self.missing.discard(uuid)

    def is_settled(self):
        assert not self.doubled, "%d doubled, such as %s" % (len(self.doubled), self.doubled[:3])
        return super().is_settled()

    def make_collector(self, name):
        return self.outputs(
            'name: main, type: kafka, hosts: ["127.0.0.1:%d"], topic: %s, key: "%%{[event.id]}", timeout: %ds, '
            "transactional_id: ours, max_message_bytes: %d, backoff: { init: 10ms, max: 60ms }" % (
                self.proxy.port, TOPIC, TIMEOUT_S, OUR_MAX),
            "name: db, type: sqlite, path: %s" % self.place.path(name + ".db"),
            name=name + ".yml", state="disk/" + name)

    def add_refused(self, e):
        """Larger than we may send, or than the topic takes; either however well it is compressed."""
        small = self.rand.random() < 0.04
        size = BROKERS_MAX + 10000 if small else OUR_MAX + 10000
        e["displayMessage"] = base64.b64encode(self.rand.randbytes(size * 3 // 4)).decode()
        return "larger than the topic takes" if small else "larger than max_message_bytes"

    def calm(self):
        self.proxy.calm()

    def quiet(self):
        """Another one of the same transactional id ends what was under way: nothing has to be waited for."""

    def in_engine(self):
        return self.kafka.tool("keys", TOPIC)

    def work_of_the_engine(self):
        """Of the other collector's part, too."""
        return len(self.kafka.tool("keys", TOPIC, "read_uncommitted"))

    def swap(self):
        self.collector, self.spare = self.spare, self.collector

    def once(self):
        self.place.collect_once(settings=self.collector.settings)

    def finish(self):
        """Each of the two goes on where it stood; what the other one has delivered, it does not deliver again."""
        self.spare.stop()
        self.once()
        self.swap()
        self.once()

    def judge(self):
        assert_each_once(self.in_engine(), [u for u in self.wanted if u not in self.refused], self.name)
        rows = {}
        for collector in self.collectors():
            name = collector.name
            assert_each_once(self.place.uuids_in_db(name + ".db"), self.wanted, "the other output of " + name)
            own = {row["uuid"]: row for row in self.own_dead_letters(collector)}
            rows.update(own)
        self.judge_dead_letters(rows.values())

    def own_dead_letters(self, collector):
        """Each once. Of a page at which the other one took over, both may have them."""
        rows = self.place.dead_letters(collector.settings)
        found = [row["uuid"] for row in rows]
        assert len(found) == len(set(found)), "%s has dead letters twice" % collector.name
        return rows

    def collectors(self):
        return [self.collector, self.spare]


# ---- moments of a transaction

def killed_at(c):
    """With a request or its answer on the way."""
    kind, moment = c.rand.choice(KINDS), c.rand.choice([REQUEST, ANSWER])
    goes_on = c.rand.random() < 0.5

    def fault():
        c.collector.process.kill()
        return goes_on
    c.proxy.queue(fault, kind, moment)
    yield


def killed_behind_the_commit(c):
    """The answer gets there; the commit in the state may, too."""
    pause = c.rand.random() ** 3 * 0.02

    def kill():
        time.sleep(pause)
        c.collector.process.kill()

    def fault():
        threading.Thread(target=kill).start()
        return True
    c.proxy.queue(fault, END_TRANSACTION, ANSWER)
    yield


def connections_are_cut_at(c):
    c.proxy.queue(lambda: False, c.rand.choice(KINDS), c.rand.choice([REQUEST, ANSWER]), c.rand.randrange(1, 4))
    yield


def connections_are_cut_somewhere(c):
    yield
    for _ in range(c.rand.randrange(1, 3)):
        c.wait_a_moment()
        c.proxy.cut()


def answers_are_lost(c):
    yield
    c.proxy.swallow()
    c.wait_a_moment(0.3)
    c.proxy.cut()


def the_way_is_slow(c):
    c.proxy.hold(c.rand.random() < 0.5, c.rand.random() < 0.7)
    yield
    c.wait_a_moment(0.4)
    if c.rand.random() < 0.3:
        c.collector.kill()
    c.proxy.release()


def a_commit_is_not_answered_in_time(c):
    """It is done, but to be found out."""
    def fault():
        c.proxy.swallow()
        threading.Timer(TIMEOUT_S + 1, c.proxy.cut).start()
        return True
    c.proxy.queue(fault, END_TRANSACTION, REQUEST)
    yield


def the_broker_cannot_be_reached(c):
    c.proxy.refuse()
    c.proxy.cut()
    yield
    c.wait_a_moment(0.4)
    c.proxy.accept()


# ---- two collectors

def another_one_takes_over(c):
    """At any moment of one that delivers (of two that are just starting, either may be the last to get there); the one
    before stays until it has seen it, or not even that."""
    yield
    wait_until(c.is_settled, "the one before to deliver")
    c.add()
    c.wait_a_moment()
    c.swap()
    c.start()
    if c.rand.random() < 0.3:
        c.spare.kill()
        return
    yield
    c.assert_alive()
    c.spare.stop()


def they_take_over_from_each_other(c):
    yield
    for _ in range(c.rand.randrange(2, 5)):
        c.wait_a_moment()
        c.collector.kill()
        c.swap()
        c.start()


def a_stranger_has_the_id_for_a_moment(c):
    """No collector: so ours goes on."""
    yield
    c.wait_a_moment()
    try:
        c.kafka.transact("elsewhere", "ours", ["key", "value"])
    except AssertionError as fenced:  # by ours, which went on at once
        assert "old epoch" in str(fenced) or "fenced" in str(fenced), fenced


# ---- rare ones

def the_broker_is_stopped_and_started(c):
    yield
    c.wait_a_moment()
    c.kafka.stop()
    c.wait_a_moment()
    c.kafka.start()


def the_broker_is_killed_and_started(c):
    yield
    c.wait_a_moment()
    c.kafka.kill()
    if c.rand.random() < 0.5:
        c.collector.kill()
    c.kafka.start()


KafkaChaos.last = [another_one_takes_over]  # it waits for what others hold up
KafkaChaos.troubles = {
    **chaos.OF_THE_COLLECTOR, chaos.killed_somewhere: 10, chaos.killed_as_it_starts: 2,
    killed_at: 14, killed_behind_the_commit: 8, connections_are_cut_at: 8, connections_are_cut_somewhere: 6,
    answers_are_lost: 6, the_way_is_slow: 5, a_commit_is_not_answered_in_time: 0.7, the_broker_cannot_be_reached: 3,
    a_stranger_has_the_id_for_a_moment: 1,
    the_broker_is_stopped_and_started: 0.7, the_broker_is_killed_and_started: 0.7,
    another_one_takes_over: 5, they_take_over_from_each_other: 2,
}


@test
def every_event_is_once_in_kafka_whatever_happens(place):
    KafkaChaos(place).run()


if __name__ == "__main__":
    remark("CHAOS_SEED=%d" % chaos.SEED)
    main()
