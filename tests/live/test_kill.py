# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment: nothing lost, nothing doubled, in any sink.

KILLS and SEED may be set; the seed is printed, and the same seed draws the same events, faults and moments
(what the machine makes of a moment is its own affair).
"""
import os
import random
import subprocess
import time

from harness import GATEHOUSE, BARE_ENV, events, main, now_ms, test

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
KILLS = int(os.environ.get("KILLS", 220))
CLEAN_EVERY = 40
FAULTS = [dict(kind="reset_body"), dict(kind="duplicate", events=7), dict(kind="short_page"), dict(kind="bad_cursor"),
          dict(kind="wrong_json"), dict(kind="slow_body", total_ms=60, delay_ms=5)]


class Loop:
    def __init__(self, place):
        self.place = place
        self.rand = random.Random(SEED)
        self.sim = place.sim()
        self.wanted = []
        self.killed = 0
        place.simple(self.sim, limit=50, rotate=48)

    def add(self):
        some = events(self.rand.randrange(60, 260), seed=self.rand.getrandbits(32),
                      first_ms=now_ms() - self.rand.randrange(1, 4000) * 1000, step_ms=1)
        self.wanted += some
        self.sim.add(some)

    def collect(self):
        log = open(self.place.path("log"), "wb")
        with log:
            return subprocess.Popen([GATEHOUSE, "collect", "--once", "-c", self.place.path("gatehouse.yml")],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                    cwd=self.place.root, env=BARE_ENV)

    def length(self):
        """Seconds of a whole run with as much to do as the others have."""
        self.add()
        began = time.monotonic()
        p = self.collect()
        assert p.wait(60) == 0, self.log()
        return time.monotonic() - began

    def moment(self, length):
        """Mostly anywhere in a run; now and then in the first or last hundredth of it, or at once."""
        kind = self.rand.random()
        if kind < 0.1:
            return length * self.rand.random() ** 6
        return length * self.rand.random() * 1.15

    def kill_one(self, length):
        self.add()
        if self.rand.random() < 0.25:
            self.sim.fault(**dict(self.rand.choice(FAULTS), count=1))
        wait = self.moment(length)
        p = self.collect()
        try:
            code = p.wait(wait)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            self.killed += 1
            return
        assert code == 0, "ended with %d instead of being killed:\n%s" % (code, self.log())

    def log(self):
        with open(self.place.path("log"), errors="replace") as f:
            return f.read()

    def check(self):
        self.sim.no_faults()
        self.place.collect_once()
        self.place.assert_delivered(self.wanted)


@test
def nothing_is_lost_or_doubled_when_it_is_killed_again_and_again(place):
    print("# SEED=%d" % SEED)
    loop = Loop(place)
    length = max(loop.length() for _ in range(3))
    rounds = 0
    while loop.killed < KILLS:
        loop.kill_one(length)
        rounds += 1
        if rounds % CLEAN_EVERY == 0:
            length = loop.length()
            loop.check()
        assert rounds < KILLS * 3, "%d killed in %d rounds" % (loop.killed, rounds)
    loop.check()
    assert place.dead_letters() == []
    print("# %d killed in %d rounds of up to %.0f ms, %d events" % (loop.killed, rounds, length * 1000,
                                                                    len(loop.wanted)))


if __name__ == "__main__":
    main()
