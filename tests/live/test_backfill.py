# SPDX-License-Identifier: Apache-2.0
"""History by windows: `gatehouse backfill`, and collecting a source whose initial_interval is beyond a day."""
import contextlib
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.parse

from harness import (alone, assert_each_once, each_of, events, is_sanitized, main, now_ms,
                     read_text, remark, rfc3339, test, uuids_of, wait_until)

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
MILLION = int(os.environ.get("MILLION", 1000000))
DAY = 86400_000
HOUR = 3600_000


def fill(sim, n, days, seed, late=0):
    """`n` events spread over the last `days`, and `late` more that are logged now."""
    begin = now_ms() - days * DAY + 60_000
    some = events(n, seed, first_ms=begin, step_ms=(days * DAY - 120_000) // n)
    sim.add(some, persisted="published")
    return some + add_late(sim, late, days, seed + 1)


def add_late(sim, n, days, seed):
    """Events of the last days, and of the last minutes, that are logged only now."""
    if n == 0:
        return []
    rand = random.Random(seed)
    some = []
    for i in range(n):
        back = rand.randrange(1, 10 * 60_000) if i % 2 else rand.randrange(1, days * DAY)
        some += events(1, rand.getrandbits(64), first_ms=now_ms() - back)
    sim.add(some)
    return some


def bounded(sim):
    """The queries of windows."""
    return [r for r in sim.requests() if "until=" in r["query"]]


def backfill(place, *args, expect=0):
    p = place.run("backfill", "-c", place.path("gatehouse.yml"), *args)
    assert p.returncode == expect, "backfill ended with %d:\n%s" % (p.returncode, p.err)
    return p


def state(place, sql):
    with sqlite3.connect("file:%s?mode=ro" % place.path("state", "state.db"), uri=True) as db:
        return db.execute(sql).fetchall()


def windows_of(place, source="acme", output="db"):
    return place.status()[(source, output)]["history"]


# ---- what comes is complete, and once ----

@test
def an_initial_interval_beyond_a_day_is_fetched_by_windows_while_polling_goes_on(place):
    sim = place.sim()
    wanted = fill(sim, 4000, days=9, seed=1, late=200)
    place.simple(sim, initial_interval="240h", limit=100)
    daemon = place.daemon()
    place.wait_db(200)
    for i in range(8):
        wanted += add_late(sim, 40, days=9, seed=100 + i)
        new = events(30, seed=200 + i, first_ms=now_ms())
        sim.add(new)
        wanted += new
    place.wait_log(daemon, "history.done")
    place.wait_db(len(wanted))
    place.stop(daemon)
    place.collect_once()
    place.assert_delivered(wanted)
    assert len(bounded(sim)) > 30
    assert windows_of(place)["windows_left"] == 0


@test
def an_initial_interval_of_a_day_is_polled(place):
    sim = place.sim()
    wanted = events(500, seed=3, first_ms=now_ms() - 20 * HOUR, step_ms=1000)
    sim.add(wanted, persisted="published")
    place.simple(sim, initial_interval="24h")
    place.collect_once()
    place.assert_delivered(wanted)
    assert bounded(sim) == []


@test
def two_outputs_share_their_pages(place):
    sim = place.sim()
    wanted = fill(sim, 3000, days=5, seed=4)
    place.simple(sim, initial_interval="144h", limit=100)
    place.collect_once()
    place.assert_delivered(wanted)
    # Pages, not requests: how windows are cut depends on how quick the machine is.
    assert sim.stats()["events_served"] < 3000 * 1.5, sim.stats()


@test
def backfill_then_collect_leave_no_gap_and_nothing_twice(place):
    sim = place.sim()
    wanted = fill(sim, 2000, days=6, seed=5, late=100)
    place.simple(sim, limit=100)
    backfill(place, "--since", "7d")
    place.assert_delivered(wanted)
    wanted += add_late(sim, 150, days=6, seed=6)
    new = events(120, seed=7, first_ms=now_ms())
    sim.add(new)
    wanted += new
    place.collect_once()
    place.assert_delivered(wanted)


@test
def collecting_first_and_history_later_leave_no_gap_and_nothing_twice(place):
    sim = place.sim()
    wanted = fill(sim, 2000, days=6, seed=8, late=200)
    place.simple(sim, limit=100)
    place.collect_once()
    backfill(place, "--since", "10d")
    place.assert_delivered(wanted)


@test
def a_backfill_that_is_done_sends_nothing_and_says_so(place):
    sim = place.sim()
    fill(sim, 500, days=3, seed=9)
    place.simple(sim, limit=100)
    backfill(place, "--since", "4d")
    sim.forget()
    p = backfill(place, "--since", "4d")
    assert "backfill.nothing_missing" in p.err, p.err
    assert sim.count() == 0


@test
def only_what_is_missing_is_fetched(place):
    sim = place.sim()
    wanted = fill(sim, 3000, days=30, seed=10)
    place.simple(sim, limit=100)
    old = rfc3339(now_ms() - 10 * DAY)
    backfill(place, "--since", rfc3339(now_ms() - 20 * DAY), "--until", old)
    first = len(place.uuids_in_db())
    assert 950 < first < 1050, first
    sim.forget()
    backfill(place, "--since", "31d")
    place.assert_delivered(wanted)
    spans = [urllib.parse.parse_qs(r["query"]) for r in bounded(sim)]
    assert windows_of(place)["polled_from"] in {s["until"][0] for s in spans}
    assert sim.stats()["events_served"] < 2000 + 300, sim.stats()
    assert len(windows_of(place)["done"]) == 1, "windows that touch are not one"


@test
def one_output_of_two_is_filled_alone(place):
    sim = place.sim()
    wanted = fill(sim, 600, days=3, seed=11)
    place.simple(sim, limit=100)
    backfill(place, "--since", "4d", "--output", "db")
    assert_each_once(place.uuids_in_db(), uuids_of(wanted), "db")
    assert place.uuids_in_file() == []
    backfill(place, "--since", "4d", "--output", "archive")
    place.assert_delivered(wanted)


@test
def two_sources_are_filled_side_by_side(place):
    sims = [place.sim(), place.sim()]
    wanted = [fill(sim, 800, days=3, seed=12 + i) for i, sim in enumerate(sims)]
    place.compose([place.source(sim, "org%d" % i, limit="100") for i, sim in enumerate(sims)])
    backfill(place, "--since", "4d", "--source", "org1")
    place.assert_delivered(wanted[1])
    backfill(place, "--since", "4d")
    place.assert_delivered(wanted[0] + wanted[1])


# ---- faults ----

FAULTS = {
    "concurrency limit": [dict(kind="concurrency", count=3, seconds=1)],
    "500, 503 and 504": [dict(kind="500", count=2), dict(kind="503", count=1), dict(kind="504", count=1)],
    "resets": [dict(kind="reset_before", count=2), dict(kind="reset_body", count=2)],
    "slow bodies": [dict(kind="slow_body", probability=1, seed=1, bytes=4096, delay_ms=1, total_ms=100)],
    "short pages": [dict(kind="short_page", probability=0.5, seed=2)],
    "empty pages": [dict(kind="empty_page", probability=0.2, seed=3)],
    "refused cursors": [dict(kind="bad_cursor", count=4)],
    "duplicates": [dict(kind="duplicate", probability=0.5, seed=4, events=20)],
    "broken JSON": [dict(kind="wrong_json", count=2, style="cut")],
    "a clock that is off": [dict(kind="skewed_date", probability=1, seed=5, seconds=-3600)],
    "no rate headers": [dict(kind="no_rate_headers", probability=1, seed=6)],
}


@each_of(FAULTS)
def history_survives(place, faults):
    sim = place.sim()
    wanted = fill(sim, 2500, days=7, seed=20, late=100)
    place.simple(sim, initial_interval="192h", limit=100)
    for fault in faults:
        sim.fault(**fault)
    place.collect_once()
    sim.no_faults()
    place.collect_once()
    place.assert_delivered(wanted)


@test
def an_output_that_is_down_falls_behind_alone(place):
    sim = place.sim()
    wanted = fill(sim, 3000, days=5, seed=21)
    place.write("out", "a file where the directory should be")
    place.simple(sim, initial_interval="144h", limit=100)
    daemon = place.daemon()
    place.wait_log(daemon, "output.failed")
    place.wait_db(len(wanted))
    assert_each_once(place.uuids_in_db(), uuids_of(wanted), "db")
    os.unlink(place.path("out"))
    wait_until(lambda: len(place.uuids_in_file()) >= len(wanted), "the file to have all")
    place.stop(daemon)
    place.assert_delivered(wanted)


@test
def an_output_that_fails_half_way_catches_up(place):
    place.mount("out", "32m")
    sim = place.sim()
    wanted = fill(sim, 4000, days=5, seed=22)
    sim.fault("slow_body", probability=1, seed=1, bytes=65536, delay_ms=5, total_ms=60)
    place.simple(sim, initial_interval="144h", limit=100)
    daemon = place.daemon()
    wait_until(lambda: len(place.uuids_in_file()) > 500, "the file to grow")
    with open(place.path("out", "filler"), "wb", buffering=0) as filler:
        with contextlib.suppress(OSError):
            while filler.write(b"x" * 4096) == 4096:
                pass
    place.wait_log(daemon, "output.failed")
    place.wait_db(len(wanted))
    assert len(place.uuids_in_file()) < len(wanted)
    os.unlink(place.path("out", "filler"))
    place.wait_log(daemon, "history.done")
    place.wait_db(len(wanted))
    wait_until(lambda: len(place.uuids_in_file()) >= len(wanted), "the file to have all")
    place.stop(daemon)
    place.assert_delivered(wanted)


# ---- ending and going on ----

@each_of({"collect": ("collect", "--once"), "backfill": ("backfill", "--since", "9d")})
def nothing_is_lost_or_doubled_when_history_is_killed_again_and_again(place, words):
    remark("SEED=%d" % SEED)
    rand = random.Random(SEED)
    sim = place.sim()
    wanted = fill(sim, 6000, days=8, seed=rand.getrandbits(32), late=100)
    sim.set(gzip=False)
    sim.fault("slow_body", probability=1, seed=1, bytes=256, delay_ms=5, total_ms=200)
    place.simple(sim, initial_interval="216h", limit=25)
    kills = 0
    while kills < 20:
        wanted += add_late(sim, 6, days=8, seed=rand.getrandbits(32))
        if rand.random() < 0.3:
            sim.fault(rand.choice(["bad_cursor", "short_page", "reset_body"]), count=1)
        p = place.start(*words, "-c", place.path("gatehouse.yml"))
        try:
            code = p.wait(0.05 + rand.random() * 0.5)
            assert code == 0, place.log_of(p)
            break
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            kills += 1
    place.run(*words, "-c", place.path("gatehouse.yml"))
    sim.no_faults()
    place.collect_once()
    place.collect_once()
    place.assert_delivered(wanted)
    assert kills >= 5, "killed %d times only" % kills


@test
def sigterm_ends_it_cleanly_and_it_goes_on_where_it_was(place):
    sim = place.sim()
    wanted = fill(sim, 3000, days=5, seed=30)
    sim.fault("slow_body", probability=1, seed=1, bytes=8192, delay_ms=2, total_ms=80)
    place.simple(sim, limit=100)
    p = place.daemon("--since", "6d", command="backfill")
    wait_until(lambda: len(place.uuids_in_db()) >= 700, "a part of it")
    assert place.stop(p) < 5
    had = len(place.uuids_in_db())
    assert had < 3000, "too quick to be stopped"
    status = place.run("status", "-c", place.path("gatehouse.yml")).out
    assert re.search(r"[\d.]+% of the time done, \d+ windows left", status), status
    sim.forget()
    backfill(place, "--since", "6d")
    place.assert_delivered(wanted)
    assert sim.stats()["events_served"] < 3000 - had + 1000


@test
def unfinished_windows_are_taken_up_by_run(place):
    sim = place.sim()
    wanted = fill(sim, 3000, days=5, seed=31)
    sim.fault("slow_body", probability=1, seed=1, bytes=8192, delay_ms=2, total_ms=80)
    place.simple(sim, limit=100)
    p = place.daemon("--since", "6d", command="backfill")
    wait_until(lambda: len(place.uuids_in_db()) >= 500, "a part of it")
    place.stop(p)
    sim.no_faults()
    daemon = place.daemon()
    place.wait_log(daemon, "history.done")
    place.stop(daemon)
    place.assert_delivered(wanted)


@test
def what_may_come_twice_is_forgotten_when_it_cannot_any_more(place):
    sim = place.sim()
    wanted = fill(sim, 1000, days=3, seed=32, late=50)
    place.simple(sim, initial_interval="96h", limit=100)
    place.collect_once()
    assert state(place, "SELECT count(*) FROM had")[0][0] > 0
    sim.clock(advance="10m")
    new = events(10, seed=33, first_ms=now_ms() + 8 * 60_000)
    sim.add(new)
    place.collect_once()
    assert state(place, "SELECT count(*) FROM had WHERE window <> 0") == [(0,)]
    place.assert_delivered(wanted + new)


# ---- the rate limit ----

@test
def the_rate_limit_is_spent_and_never_passed(place):
    sim = place.sim("--rate-limit", "60", "--token-share", "50")
    fill(sim, 4000, days=5, seed=40)
    place.simple(sim, limit=100, rate_limit_early_limit="0.8")
    p = place.daemon("--since", "6d", command="backfill")
    wait_until(lambda: len(place.uuids_in_db()) >= 2200, "the first window of the limit to be spent")
    wait_until(lambda: place.status()[("acme", "db")]["rate_limits"], "the budget on record")
    place.stop(p)
    stats = sim.stats()
    assert stats["throttled"] == {"rate": 0, "concurrency": 0}, stats
    assert stats["rate_window"]["highest_used"] == 24, stats
    (limit,) = place.status()[("acme", "db")]["rate_limits"]
    assert limit["bucket"] == "logs" and limit["limit"] == 30 and limit["early_limit"] == 0.8, limit


@alone
def against_a_slow_server_several_windows_are_asked_at_once(place):
    sim = place.sim()
    wanted = fill(sim, 20000, days=10, seed=41)
    sim.set(gzip=False)
    sim.fault("slow_body", probability=1, seed=1, bytes=1024, delay_ms=20, total_ms=150)
    place.simple(sim, limit=100)
    backfill(place, "--since", "11d")
    place.assert_delivered(wanted)
    stats = sim.stats()
    assert stats["max_in_progress"] >= 4, stats
    assert stats["requests"] < 200 * 1.25, "%d requests for 200 pages" % stats["requests"]


# ---- the command ----

@each_of({
    "no --since": ((), "--since is missing"),
    "no instant": (("--since", "soon"), "--since soon: expected an instant"),
    "no unit": (("--since", "90"), "expected an instant"),
    "the wrong way round": (("--since", "1d", "--until", "2d"), "is not before"),
    "no such source": (("--since", "1d", "--source", "other"), "--source other: no such source"),
    "no such output": (("--since", "1d", "--output", "other"), "--output other: no such output"),
})
def wrong_usage_is_explained(place, case):
    args, text = case
    sim = place.sim()
    place.simple(sim)
    assert text in backfill(place, *args, expect=2).err


@test
def a_state_that_is_in_use_is_an_error(place):
    sim = place.sim()
    place.simple(sim)
    daemon = place.daemon()
    place.wait_log(daemon, "daemon.started")
    assert "in use by process %d" % daemon.pid in backfill(place, "--since", "1d", expect=1).err
    place.stop(daemon)


@test
def a_refused_token_ends_it_with_a_reason(place):
    sim = place.sim()
    fill(sim, 10, days=2, seed=50)
    place.simple(sim)
    sim.role("revoked")
    p = backfill(place, "--since", "3d", expect=1)
    assert "Invalid token" in p.err or "E0000011" in p.err, p.err
    assert "backfill.failed" in p.err


@test
def more_than_okta_keeps_is_said_and_fetched_as_far_as_it_goes(place):
    sim = place.sim()
    wanted = fill(sim, 300, days=80, seed=51)
    place.simple(sim)
    p = backfill(place, "--since", "2020-01-01")
    assert "Okta keeps 90 days" in p.err, p.err
    place.assert_delivered(wanted)


@test
def a_server_that_always_gives_a_next_link_comes_to_an_end(place):
    """Not Okta's way, but a stand-in's or a proxy's."""
    some = events(3, seed=7, first_ms=now_ms() - 86400_000)

    def answer(fake, number):
        body = json.dumps([] if "after=" in fake.asked[-1] else some).encode()
        link = '<%s?after=1&until=2100-01-01T00%%3A00%%3A00Z>; rel="next"' % fake.url
        return 200, [("Content-Type", "application/json"), ("Link", link)], body

    place.simple(place.fake(answer), archive=False)
    backfill(place, "--since", "3d")
    assert sorted(place.uuids_in_db()) == sorted(uuids_of(some))


@test
def an_until_in_the_future_is_now(place):
    sim = place.sim()
    wanted = fill(sim, 300, days=2, seed=52)
    place.simple(sim)
    backfill(place, "--since", "3d", "--until", rfc3339(now_ms() + 5 * DAY))
    place.assert_delivered(wanted)
    new = events(20, seed=53, first_ms=now_ms())
    sim.add(new)
    place.collect_once()
    place.assert_delivered(wanted + new)


@test
def progress_is_told_in_lines_without_a_terminal(place):
    sim = place.sim()
    fill(sim, 3000, days=5, seed=54)
    sim.set(gzip=False)
    sim.fault("slow_body", probability=1, seed=1, bytes=512, delay_ms=5, total_ms=400)
    place.compose([place.source(sim, name, limit=100) for name in ("acme", "again")])  # one org, one budget
    p = backfill(place, "--since", "6d")
    lines = [line for line in p.err.splitlines() if "backfill.progress" in line]
    budget = place.status()[("acme", "db")]["rate_limits"][0]["limit"]
    assert lines and re.search(r"percent=\d+ events=\d+ .*requests_limit=%d\b" % budget, lines[0]), p.err
    assert p.err.count("history.done") == 2, p.err
    assert "\033" not in p.err


@test
def progress_is_a_bar_on_a_terminal(place):
    sim = place.sim()
    fill(sim, 6000, days=5, seed=55)
    sim.fault("slow_body", probability=1, seed=1, bytes=1024, delay_ms=20, total_ms=200)
    place.simple(sim, limit=100)
    ours, theirs = pty.openpty()
    p = place.start("backfill", "--since", "6d", "-c", place.path("gatehouse.yml"), stderr=os.fdopen(theirs, "wb"))
    shown = b""
    while p.poll() is None or select.select([ours], [], [], 0)[0]:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    assert p.wait() == 0, shown
    assert re.search(rb"\[#+\.+\] [\d.]+%  \d+ events", shown), shown[-2000:]
    assert b"requests this minute" in shown, shown[-2000:]


# ---- the goal ----

def least_seconds(pages, limit, each):
    """Whole minutes that the limit makes one wait, and what the rest takes without a limit, `each` second a page."""
    if each * limit >= 60:
        return pages * each
    waits = (pages - 1) // limit
    return waits * 60 + (pages - waits * limit) * each


def seconds_a_page(place, sim, days):
    """How quick this machine is at it when no limit binds: measured on the last days, with outputs of its own."""
    sim.set(rate_limit=100000000)
    text = read_text(place.path("gatehouse.yml")).replace(place.root, place.path("free"))
    os.mkdir(place.path("free"))
    path = place.settings(text, "free.yml")
    began = time.monotonic()
    p = place.run("backfill", "-c", path, "--since", days, "--output", "archive", patience=600)
    assert p.returncode == 0, p.err
    took = time.monotonic() - began
    pages = sim.stats()["pages"]
    shutil.rmtree(place.path("free"))
    return took / pages


@alone
def a_million_events_come_in_little_more_than_the_least_time(place):
    """600 requests a minute into a file, killed once on the way; then, without a limit, into a database, too, which is
    what takes the time there."""
    n = MILLION // 20 if is_sanitized() else MILLION
    limit = max(600 * n // 1000000, 20)
    sim = place.sim("--generate", str(n), "--generate-span", "60d", "--seed", "5", "--token-share", "100")
    sim.set(gzip=False)
    place.simple(sim, rate_limit_early_limit="1")
    each = seconds_a_page(place, sim, "12d")
    sim.set(rate_limit=limit)
    sim.ask("/_sim/reset", {})
    words = ("--since", "61d", "--output", "archive")
    began = time.monotonic()
    p = place.daemon(*words, command="backfill")
    wait_until(lambda: folder_bytes(place.path("out")) > n * 100, "a part of it")
    p.send_signal(signal.SIGKILL)
    p.wait()
    p = place.daemon(*words, command="backfill")
    assert p.wait(900) == 0, place.log_of(p)
    took = time.monotonic() - began
    stats = sim.stats()
    least = least_seconds(n // 1000, limit, each)
    remark("%d events, %d requests, %.1f s; the least is %.1f s" % (n, stats["requests"], took, least))
    assert stats["throttled"] == {"rate": 0, "concurrency": 0}, stats
    assert stats["requests"] <= n / 1000 * 1.02 + 12, stats
    sim.set(rate_limit=100000000)
    p = place.daemon("--since", "61d", command="backfill")
    assert p.wait(900) == 0, place.log_of(p)
    assert_once_each(place, n)


def folder_bytes(folder):
    return sum(entry.stat().st_size for entry in os.scandir(folder)) if os.path.isdir(folder) else 0


def assert_once_each(place, n):
    in_db = place.uuids_in_db()
    in_file = []
    pattern = re.compile(rb'"event":\{[^}]*?"id":"([^"]+)"')
    for name in place.files():
        with open(place.path("out", name), "rb") as f:
            in_file += [pattern.search(line).group(1).decode() for line in f]
    assert len(in_db) == n and len(in_file) == n, (len(in_db), len(in_file))
    assert set(in_db) == set(in_file)


if __name__ == "__main__":
    main(jobs=3)
