# SPDX-License-Identifier: Apache-2.0
"""What the chaos tests share: rounds of trouble around a collector, drawn from a seed, and a judge who looks at nothing
but what is outside of it: what the engine holds, the dead letters, the other output, and whether a further run would
deliver anything again.

CHAOS_ROUNDS and CHAOS_SEED may be set. The same seed draws the same troubles, events and moments; what the machine
makes of a moment is its own affair.

A trouble is a generator function of the Chaos: what stands before its first `yield` is done before the round's events
are there, what stands behind it while they are being delivered, and what stands behind a second one when the round is
over. It is registered in a table with the number of rounds in a hundred that have it.
"""
import collections
import os
import random
import shutil
import signal
import time

from basics import PATIENCE
from harness import assert_each_once, event, now_ms, read_text, remark, uuids_of, wait_until

SEED = int(os.environ.get("CHAOS_SEED", 20261123))
ROUNDS = int(os.environ.get("CHAOS_ROUNDS", 300))
HOUR_MS = 3600_000
# In the later part of a run the orgs' clocks are ahead, and the events' times walk there: so there are events that are
# newer than whatever was sent before a rollover, which in these few minutes there would not be otherwise. A state that
# is lost or comes from a backup relies on clocks that agree: that is drawn in the earlier part, and as long as
# everything that is to come again comes in a moment.
EARLY = min(ROUNDS * 2 // 5, 120)
LATE_MS = HOUR_MS
# After a refused cursor as much may come again as is remembered: here LATE_MS of all events (watch/recent.h).
CURSORS_REFUSED_BELOW = 30000
DISK = "64m"
OKTA_FAULTS = [dict(kind="reset_body"), dict(kind="duplicate", events=7), dict(kind="short_page"),
               dict(kind="wrong_json")]


class Collector:
    """A gatehouse with settings and a state of its own that is started and ended again and again."""

    def __init__(self, place, settings):
        self.place = place
        self.settings = settings
        self.name = os.path.basename(settings).partition(".")[0]
        self.process = None
        self.starts = 0

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        """The logs of its last lives are kept."""
        if self.runs:
            return
        self.starts += 1
        with open(self.place.path("%s-%d.log" % (self.name, self.starts % 3)), "wb") as log:
            self.process = self.place.daemon(settings=self.settings, stderr=log)
        self.place.processes[:] = [p for p in self.place.processes if p.poll() is None]

    def kill(self):
        if self.runs:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """In order; before it listens to signals, a signal ends it. A trouble may kill it meanwhile."""
        if not self.runs:
            return
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        too_early = code == -signal.SIGTERM and "daemon.started" not in self.log()
        assert code in (0, -signal.SIGKILL) or too_early, "%s ended with %s after SIGTERM" % (self.name, code)

    def died(self):
        """By itself."""
        return self.process is not None and self.process.poll() not in (None, 0, -signal.SIGKILL, -signal.SIGTERM)

    def log(self):
        return self.place.log_of(self.process) if self.process else ""

    def last_lines(self, count=25):
        logs = [self.place.path("%s-%d.log" % (self.name, n % 3)) for n in range(self.starts - 1, self.starts + 1)]
        return ["%s: %s" % (os.path.basename(path), line[:600]) for path in logs if os.path.exists(path)
                for line in read_text(path).splitlines()[-count:]]


class Chaos:
    """One run. A subclass says what `name` is, its `troubles`, and what its engine holds."""
    name = None
    troubles = {}  # generator function: rounds in a hundred
    ahead_ms = 20 * HOUR_MS
    check_every = 30  # rounds
    hurry = 0.25  # share of the rounds that do not wait for the end of the one before
    only = {}  # generator function: the rounds that may have it
    last = []  # generator functions whose turn comes behind all others
    SOURCES = 2
    source_keys = {}  # further settings of each

    def __init__(self, place):
        self.place = place
        self.rand = random.Random("%d %s" % (SEED, self.name))
        self.sims = [place.sim() for _ in range(self.SOURCES)]
        for sim in self.sims:
            sim.clock(advance="%dms" % (self.ahead_ms + LATE_MS))
        place.mount("disk", DISK)
        self.disk_is_full = False
        self.number = 0
        self.wanted = []
        self.refused = {}  # uuid: part of the reason that its dead letter must have
        self.missing = set()  # not known to be in the engine
        self.drawn = collections.Counter()
        self.diary = collections.deque(maxlen=6)
        self.plan = self.draw_plan()

    # ---- to be said by a subclass

    def add_refused(self, e):
        """Makes an event one that the engine refuses; gives part of the reason."""
        raise NotImplementedError

    def calm(self):
        """Ends every trouble of the engine and of the way to it."""

    def in_engine(self):
        """The uuids that it holds, each as often as it is there."""
        raise NotImplementedError

    def work_of_the_engine(self):
        """Something that grows with every document that is sent."""
        raise NotImplementedError

    def quiet(self):
        """Waits until nothing of a collector that was ended is under way any more. An engine that finishes what was
        begun for one that is dead, and only after the next one has looked, is beyond the promise."""

    # ---- the collector

    def outputs(self, *rows, name="gatehouse.yml", state="disk/state"):
        text = "state: %s\nsources:\n" % self.place.path(state)
        text += "".join(self.place.source(sim, "org%d" % i, "50ms", limit="100", **self.source_keys)
                        for i, sim in enumerate(self.sims))
        text += "outputs:\n" + "".join("  - { %s }\n" % row for row in rows)
        return Collector(self.place, self.place.settings(text, name))

    def wait_a_moment(self, longest=0.12):
        """A moment drawn by lot, mostly a short one."""
        time.sleep(longest * self.rand.random() ** 2)

    def assert_alive(self):
        if self.collector.died() and not self.disk_is_full:
            raise AssertionError("%s ended by itself with %s" % (self.collector.name, self.collector.process.poll()))

    # ---- events

    def published(self):
        """Some are late."""
        at = now_ms() + self.ahead_ms * max(0, self.number - EARLY) // ROUNDS
        return at - self.rand.randrange(LATE_MS) if self.rand.random() < 0.3 else at

    def make_events(self):
        count = self.rand.choice([20, 60, 120]) + self.rand.randrange(40)
        at = self.published()
        for i in range(count):
            e = event(at + i, self.rand)
            if self.rand.random() < 0.01:
                self.refused[e["uuid"]] = self.add_refused(e)
            yield e

    def add(self):
        for sim in self.sims:
            some = list(self.make_events())
            self.wanted += uuids_of(some)
            self.missing.update(u for u in uuids_of(some) if u not in self.refused)
            sim.add(some)

    # ---- rounds

    def draw_plan(self):
        """round: troubles. Each comes as often as it should, and once at least."""
        plan = collections.defaultdict(list)
        for trouble, in_a_hundred in self.troubles.items():
            times = max(1, round(in_a_hundred * ROUNDS / 100))
            choices = [n for n in self.only.get(trouble, range(ROUNDS)) if n < ROUNDS]
            for number in self.rand.sample(choices, min(times, len(choices))):
                plan[number].append(trouble)
        return plan

    def round(self):
        chosen = self.plan[self.number]
        self.rand.shuffle(chosen)
        chosen.sort(key=self.last.count)
        self.diary.append("round %d: %s" % (self.number, ", ".join(t.__name__ for t in chosen) or "nothing"))
        self.drawn.update(t.__name__ for t in chosen)
        steps = [trouble(self) for trouble in chosen]
        self.start()
        self.forward(steps)
        self.add()
        self.forward(steps)
        self.end_round()
        self.forward(steps)
        self.assert_alive()

    def forward(self, steps):
        for step in steps:
            next(step, None)

    def start(self):
        if not self.collector.runs:
            self.quiet()
            self.collector.start()

    def end_round(self):
        """Mostly everything gets there before the next round begins."""
        if self.rand.random() < self.hurry:
            self.wait_a_moment()
            return
        wait_until(self.is_settled, "%d of %d events in the engine" % (len(self.missing), len(self.wanted)))

    def is_settled(self):
        self.assert_alive()
        self.start()
        return not self.missing

    # ---- the judge

    def check(self):
        self.calm()
        for sim in self.sims:
            sim.no_faults()
        self.empty_disk()
        if self.rand.random() < 0.5:
            self.collector.kill()
        else:
            self.collector.stop()
        self.quiet()
        self.finish()
        work = self.work_of_the_engine()
        self.finish()
        assert self.work_of_the_engine() == work, "a further run delivered something again"
        self.judge()

    def finish(self):
        """Delivers all that is left."""
        self.place.collect_once()

    def judge(self):
        assert_each_once(self.in_engine(), [u for u in self.wanted if u not in self.refused], self.name)
        assert_each_once(self.place.uuids_in_db(), self.wanted, "the other output")
        self.judge_dead_letters(self.place.dead_letters())

    def expected_dead(self, rows):
        return list(self.refused)

    def judge_dead_letters(self, rows):
        assert_each_once([row["uuid"] for row in rows], self.expected_dead(rows), "dead letters")
        for row in rows:
            assert row["output"] == "main", row
            assert self.refused[row["uuid"]] in row["reason"], (self.refused[row["uuid"]], row["reason"])

    def run(self):
        began = time.monotonic()
        try:
            for self.number in range(ROUNDS):
                self.round()
                if (self.number + 1) % self.check_every == 0 or self.number == ROUNDS - 1:
                    self.check()
                    remark("round %d, %.0f s: %d events" % (
                        self.number + 1, time.monotonic() - began, len(self.wanted)))
        except Exception as reason:
            raise AssertionError("\n".join([str(reason), "CHAOS_SEED=%d CHAOS_ROUNDS=%d" % (SEED, ROUNDS), *self.diary,
                                            *self.last_lines()])) from reason
        remark("%s: %d rounds, %d events, %d of them refused, %d starts, in %.0f s" % (
            self.name, ROUNDS, len(self.wanted), len(self.refused), sum(c.starts for c in self.collectors()),
            time.monotonic() - began))
        remark(", ".join("%s %d" % pair for pair in self.drawn.most_common()))

    def collectors(self):
        return [self.collector]

    def last_lines(self):
        """For a run that failed."""
        return [line for c in self.collectors() for line in c.last_lines() + self.innocent(c)]

    def innocent(self, collector):
        """Dead letters that should not be."""
        rows = self.place.dead_letters(collector.settings) if collector.starts else []
        return ["%s: dead letter %s: %s" % (collector.name, row["uuid"], row["reason"]) for row in rows
                if row["uuid"] not in self.refused][:5]

    # ---- the disk of the state

    def fill_disk(self):
        """Takes every byte that is left."""
        self.disk_is_full = True
        with open(self.place.path("disk", "ballast"), "ab", buffering=0) as f:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def empty_disk(self):
        if self.disk_is_full:
            os.unlink(self.place.path("disk", "ballast"))
            self.assert_alive()
            self.disk_is_full = False

    def copy(self, what, to):
        shutil.rmtree(self.place.path(to), ignore_errors=True)
        if os.path.exists(self.place.path(what)):
            shutil.copytree(self.place.path(what), self.place.path(to))


# ---- troubles of the collector itself, for every engine

def killed_somewhere(c):
    yield
    c.wait_a_moment()
    c.collector.kill()


def killed_as_it_starts(c):
    c.collector.kill()
    c.start()
    c.wait_a_moment(0.06)
    c.collector.kill()
    yield


def stopped_and_started(c):
    yield
    c.wait_a_moment()
    c.collector.stop()
    c.start()


def a_full_disk(c):
    """Now and then it dies of it, or is killed; a state that cannot be written is a reason not to start."""
    c.fill_disk()
    yield
    c.wait_a_moment(0.3)
    if c.rand.random() < 0.5:
        c.collector.kill()
    c.empty_disk()


def okta_is_in_trouble(c):
    c.rand.choice(c.sims).fault(**c.rand.choice(OKTA_FAULTS), count=1)
    yield


def an_org_refuses_its_cursor(c):
    if len(c.wanted) < CURSORS_REFUSED_BELOW:
        c.rand.choice(c.sims).fault(kind="bad_cursor", count=1)
    yield


OF_THE_COLLECTOR = {killed_somewhere: 15, killed_as_it_starts: 4, stopped_and_started: 8, a_full_disk: 2,
                    okta_is_in_trouble: 4, an_org_refuses_its_cursor: 3}
