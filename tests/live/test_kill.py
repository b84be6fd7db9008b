# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment: nothing lost, nothing doubled, in any sink.

KILLS (of each test) and SEED may be set. The seed is printed, and the same seed draws the same events, faults and
moments; what the machine makes of a moment is its own affair.
"""
import collections
import json
import os
import random
import subprocess
import time

from harness import BARE_ENV, each_of, events, GATEHOUSE, main, now_ms, read_text, remark, test

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
KILLS = int(os.environ.get("KILLS", 120))
CLEAN_EVERY = 40
FAULTS = [dict(kind="reset_body"), dict(kind="duplicate", events=7), dict(kind="short_page"), dict(kind="bad_cursor"),
          dict(kind="wrong_json"), dict(kind="slow_body", total_ms=60, delay_ms=5)]


class Loop:
    """`sources` orgs, collected into a file that rotates often and a database."""

    def __init__(self, place, sources, seed):
        self.place = place
        self.rand = random.Random(seed)
        self.sims = [place.sim() for _ in range(sources)]
        self.wanted = []
        self.killed_while = collections.Counter()
        place.compose([place.source(sim, "org%d" % i, limit="50") for i, sim in enumerate(self.sims)], rotate=48)

    def add(self):
        for sim in self.sims:
            some = events(self.rand.randrange(60, 200) // len(self.sims), seed=self.rand.getrandbits(64),
                          first_ms=now_ms() - self.rand.randrange(1, 4000) * 1000, step_ms=1)
            self.wanted += some
            sim.add(some)

    def collect(self):
        with open(self.place.path("log"), "wb") as log:
            return subprocess.Popen([GATEHOUSE, "collect", "--once", "-c", self.place.path("gatehouse.yml")],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                    cwd=self.place.root, env=BARE_ENV)

    def length(self):
        """Seconds of a whole run with as much to do as the others have."""
        self.add()
        began = time.monotonic()
        p = self.collect()
        assert p.wait(120) == 0, self.log()
        return time.monotonic() - began

    def moment(self, length):
        """Mostly anywhere in a run; now and then microseconds to milliseconds after its start."""
        if self.rand.random() < 0.1:
            return length * self.rand.random() ** 6
        return length * self.rand.random() * 1.15

    def faults(self):
        """Here the newest `published` is up to a minute older than what was logged last, which no Okta does. So after a
        refused cursor more comes again than is remembered (RECENT_MAX in watch/recent.h), once so much was collected."""
        return [f for f in FAULTS if f["kind"] != "bad_cursor" or len(self.wanted) < 30000]

    def kill_one(self, length):
        self.add()
        if self.rand.random() < 0.25:
            self.rand.choice(self.sims).fault(**dict(self.rand.choice(self.faults()), count=1))
        p = self.collect()
        try:
            code = p.wait(self.moment(length))
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            self.killed_while[self.phase()] += 1
            return
        assert code == 0, "ended with %d instead of being killed:\n%s" % (code, self.log())

    def log(self):
        return read_text(self.place.path("log"))

    def phase(self):
        log = self.log()
        if "daemon.started" not in log:
            return "starting"
        pages = log.count("okta.page ")
        return "at its first page" if pages <= 1 else "further on"

    def check(self):
        for sim in self.sims:
            sim.no_faults()
        self.place.collect_once()
        self.place.assert_delivered(self.wanted)

    def run(self):
        length = max(self.length() for _ in range(3))
        rounds = 0
        while sum(self.killed_while.values()) < KILLS:
            self.kill_one(length)
            rounds += 1
            if rounds % CLEAN_EVERY == 0:
                length = self.length()
                self.check()
            assert rounds < KILLS * 4, "%s in %d rounds" % (self.killed_while, rounds)
        self.check()
        remark("killed %s, %d rounds of up to %.0f ms, %d events" % (
            dict(self.killed_while), rounds, length * 1000, len(self.wanted)))


@each_of({"one org": 1, "two orgs": 2})
def nothing_is_lost_or_doubled_when_it_is_killed_again_and_again(place, sources):
    loop = Loop(place, sources, SEED + sources)
    loop.run()
    assert place.dead_letters() == []
    assert len(loop.killed_while) == 3, "not in every phase: %s" % loop.killed_while


@test
def a_replay_of_dead_letters_that_is_killed_delivers_each_once(place):
    rand = random.Random(SEED)
    sim = place.sim()
    deep = '"debugContext": {"debugData": {"tunnels": %s1%s}}, "version": "0"' % ("[" * 300, "]" * 300)
    wanted = events(150, seed=rand.getrandbits(64))
    sim.add(json.dumps(e).replace('"version": "0"', deep) for e in wanted)
    settings = place.simple(sim)
    place.collect_once()
    assert len(place.dead_letters()) == 300
    replay = ("dead-letters", "replay", "-c", settings, "--set", "sources.0.remove_flattened_debug=true")
    for _ in range(25):
        p = place.start(*replay)
        try:
            p.wait(rand.random() * 0.12)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
    last = place.run(*replay)
    assert last.returncode == 0, last.err
    assert place.dead_letters() == []
    place.assert_delivered(wanted)


if __name__ == "__main__":
    remark("SEED=%d" % SEED)
    main(jobs=2)
