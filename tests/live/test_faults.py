# SPDX-License-Identifier: Apache-2.0
"""Every way in which Okta, or what stands before it, may misbehave: afterwards every event is there once."""
import os
import random
import time

from harness import alone, each_of, events, is_sanitized, main, now_ms, remark, test, wait_until

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))

FAULTS = {
    "429 of the minute": dict(kind="rate_limit", seconds=1),
    "429 of the concurrency": dict(kind="concurrency", seconds=1),
    "500": dict(kind="500"),
    "500 of the log": dict(kind="500", code="E0000053"),
    "503": dict(kind="503"),
    "504 with an HTML page": dict(kind="504"),
    "reset before the answer": dict(kind="reset_before"),
    "refused cursor": dict(kind="bad_cursor"),
    "short page": dict(kind="short_page"),
    "page of one event": dict(kind="short_page", events=1),
    "empty page": dict(kind="empty_page"),
    "repeated event": dict(kind="duplicate"),
    "page of repeated events and a new one": dict(kind="duplicate", events=49),
    "100,000 levels deep": dict(kind="deep_json"),
    "next link to a foreign host": dict(kind="foreign_link"),
    "next link with another scheme": dict(kind="http_link"),
    "missing next link": dict(kind="missing_next"),
    "reset inside the body": dict(kind="reset_body"),
    "reset before the first byte of the body": dict(kind="reset_body", bytes=0),
    "slow body": dict(kind="slow_body", total_ms=300),
    "stalled body": dict(kind="stall_body"),
    "body stalled at its last byte": dict(kind="stall_body", bytes=1),
    "page cut in the middle": dict(kind="wrong_json", style="cut"),
    "page with a syntax error": dict(kind="wrong_json", style="broken"),
    "HTML instead of a page": dict(kind="html"),
    "object instead of an array": dict(kind="not_array"),
    "Date an hour ahead": dict(kind="skewed_date", seconds=3600),
    "Date an hour behind": dict(kind="skewed_date", seconds=-3600),
    "no rate headers": dict(kind="no_rate_headers"),
}


def counted(name, fault):
    """One to three requests, the same for a fault in every run, so that it stays comparable."""
    return dict(fault, count=1 + sum(name.encode()) % 3)


@each_of({name: counted(name, fault) for name, fault in FAULTS.items()})
def every_event_is_there_once_after(place, fault):
    sim = place.sim()
    wanted = events(230, seed=1, first_ms=now_ms() - 120_000)
    place.simple(sim, limit=50, http_client_timeout="1s")
    for some in (wanted[:100], wanted[100:]):
        sim.add(some)
        sim.fault(**fault)
        while sim.faults_left():  # after an empty page, a run ends without having seen the others
            place.collect_once()
        place.collect_once()
    assert sim.stats()["applied"] == {fault["kind"]: 2 * fault["count"]}
    place.assert_delivered(wanted)
    assert place.dead_letters() == []
    assert_cursors_at_the_end(place, sim)


def assert_cursors_at_the_end(place, sim):
    """Another run asks once, from the stored cursor, and is given nothing."""
    rows = place.status().values()
    assert len({row["cursor"] for row in rows}) == 1, rows
    sim.forget()
    place.collect_once()
    asked = sim.requests()
    assert len(asked) == 1 and asked[0]["events"] == 0, asked
    assert rows and all(row["cursor"].endswith(asked[0]["query"]) for row in rows), (rows, asked)


# ---- credentials stay at home ----

@each_of({"with another host": "127.0.0.1", "with our host and another port": "localhost"})
def a_foreign_next_link_is_never_followed(place, host):
    sim = place.sim()
    thief = place.listener()
    wanted = events(120, seed=2)
    sim.add(wanted)
    sim.fault("foreign_link", count=2, host="%s:%d" % (host, thief.port))
    place.simple(sim, limit=50)
    p = place.collect_once()
    assert p.err.count("okta.foreign_link") >= 1, p.err
    assert thief.got == [], thief.got
    place.assert_delivered(wanted)


@test
def a_redirect_is_never_followed(place):
    thief = place.listener()

    def answer(fake, number):
        del fake, number
        return 302, [("Location", "http://127.0.0.1:%d/api/v1/logs" % thief.port)], b""

    fake = place.fake(answer)
    place.simple(fake)
    daemon = place.daemon()
    place.wait_log(daemon, "okta.page_refused")
    wait_until(lambda: len(fake.asked) >= 2, "a second try")
    place.stop(daemon)
    assert thief.got == [], thief.got


# ---- refused credentials ----

ADVICE = {
    "a revoked token": ("revoked", "create a new one in Security > API > Tokens"),
    "a missing role": ("missing", "Read-Only Administrator"),
}


@each_of(ADVICE)
def once_ends_with_1_and_advice_for(place, case):
    role, advice = case
    sim = place.sim()
    sim.role(role)
    place.simple(sim)
    p = place.collect_once(expect=1)
    assert p.err.count("okta.refused") == 1 and advice in p.err, p.err
    assert sim.count() == 1, "refused credentials are not tried again"


@each_of(ADVICE)
def a_refused_source_stops_and_leaves_the_others_running(place, case):
    role, advice = case
    good, refused = place.sim(), place.sim()
    refused.role(role)
    place.compose([place.source(refused, "refused", "100ms"), place.source(good, "good", "100ms")])
    daemon = place.daemon()
    place.wait_log(daemon, "okta.refused")
    wanted = events(30, seed=3)
    good.add(wanted)
    place.wait_db(30)
    before = good.count()
    wait_until(lambda: good.count() > before + 3, "more polls of the good source")
    assert refused.count() == 1, refused.requests()
    place.stop(daemon)
    assert advice in place.log_of(daemon)
    place.assert_delivered(wanted)


@test
def collect_ends_with_1_when_every_source_is_refused_and_run_stays_for_a_reload(place):
    sim = place.sim()
    sim.role("revoked")
    place.simple(sim)
    foreground = place.daemon(command="collect")
    wait_until(lambda: foreground.poll() is not None, "collect to end")
    assert foreground.returncode == 1, place.log_of(foreground)
    daemon = place.daemon()
    place.wait_log(daemon, "watch.all_stopped")
    assert daemon.poll() is None
    place.stop(daemon)


@test
def a_token_that_is_revoked_half_way_costs_nothing(place):
    sim = place.sim()
    wanted = events(2000, seed=11)
    sim.add(wanted)
    sim.fault("slow_body", probability=1, total_ms=60, delay_ms=5)
    place.simple(sim, limit=40)
    p = place.daemon("--once", command="collect")
    place.wait_db(200)
    sim.role("revoked")
    wait_until(lambda: p.poll() is not None, "collect to end")
    assert p.returncode == 1 and len(place.uuids_in_db()) < 2000, place.log_of(p)
    assert len(place.uuids_in_db()) == len(place.uuids_in_file())
    sim.role("ok")
    sim.no_faults()
    place.collect_once()
    place.assert_delivered(wanted)


@test
def once_gives_up_after_eight_failures_in_a_row_and_ends_with_1(place):
    sim = place.sim()
    sim.fault("503", probability=1)
    path = place.simple(sim)
    p = place.run("collect", "--once", "-c", path, patience=200)
    assert p.returncode == 1 and p.err.count("WARN  okta.unreachable") == 1, p.err
    assert sim.count() == 8, sim.count()


# ---- pages that are too much ----

def high_water_mb(process):
    with open("/proc/%d/status" % process.pid) as f:
        rows = dict(line.split(":", 1) for line in f)
    return int(rows["VmHWM"].split()[0]) / 1024


@each_of({"as it is": False, "compressed": True})
def a_page_of_200_mb_is_refused_with_bounded_memory(place, gzip):
    sim = place.sim()
    sim.set(gzip=gzip)
    wanted = events(90, seed=4)
    sim.add(wanted)
    sim.fault("huge_event", count=2, bytes=200 << 20)
    place.simple(sim, limit=40)
    daemon = place.daemon()
    place.wait_db(90)
    peak = high_water_mb(daemon)
    place.stop(daemon)
    assert "okta.page_refused" in place.log_of(daemon), place.log_of(daemon)
    assert is_sanitized() or peak < 110, "%.0f MB" % peak
    place.assert_delivered(wanted)


@test
def a_log_that_stays_too_deep_is_asked_again_with_patience_and_without_memory(place):
    sim = place.sim()
    sim.add(events(20, seed=5))
    sim.fault("deep_json", probability=1)
    place.simple(sim)
    daemon = place.daemon()
    wait_until(lambda: sim.count() >= 3, "three tries")
    peak = high_water_mb(daemon)
    place.stop(daemon)
    log = place.log_of(daemon)
    assert log.count("WARN  okta.page_broken") == 1 and "nested deeper than" in log, log
    assert is_sanitized() or peak < 40, "%.0f MB" % peak
    assert place.uuids_in_db() == []


# ---- the rate limit ----

def by_status(sim, status):
    return sim.stats()["by_status"].get(str(status), 0)


@test
def several_sources_of_one_org_use_the_share_and_never_provoke_a_429(place):
    sim = place.sim("--rate-limit", "40")  # of which a token has half
    wanted = events(100, seed=6)
    sim.add(wanted)
    # 3 sources of 10 full pages each, and the page that ends them
    place.compose([place.source(sim, "s%d" % i, limit="10", interval="1m", outputs="[%s]" % output)
                   for i, output in enumerate(("db", "archive", "third"))],
                  extra="  - { name: third, type: sqlite, path: %s }\n" % place.path("third.db"))
    daemon = place.daemon()
    wait_until(lambda: sim.count() >= 18, "the share of the first minute")
    first = sim.stats()["rate_window"]
    assert (first["highest_used"], first["limit"]) == (18, 20), first
    wait_until(lambda: len(place.uuids_in_db("third.db")) == 100 and len(place.uuids_in_file()) == 100
               and len(place.uuids_in_db()) == 100, "all events", patience=150)
    stats = sim.stats()
    place.stop(daemon)
    assert stats["by_status"] == {"200": stats["requests"]}, stats
    assert stats["rate_window"]["highest_used"] == 18, stats
    assert stats["throttled"] == {"rate": 0, "concurrency": 0}, stats
    place.assert_delivered(wanted)


@each_of({"below 1 is the share to use": ("0.5", 10), "from 1 is the requests to leave": ("4", 16),
          "its default is nine tenths": (None, 18)})
def rate_limit_early_limit(place, case):
    early, used = case
    sim = place.sim("--rate-limit", "40")
    sim.add(events(200, seed=7))
    keys = {"rate_limit_early_limit": early} if early else {}
    place.simple(sim, limit=5, **keys)
    daemon = place.daemon()
    wait_until(lambda: sim.count() >= used, "%d requests" % used)
    time.sleep(1.5)  # what must not happen can only be waited for
    assert sim.count() == used, sim.count()
    place.stop(daemon)
    assert by_status(sim, 429) == 0


@test
def a_concurrency_429_is_backed_off_and_not_waited_out(place):
    sim = place.sim()
    wanted = events(60, seed=8)
    sim.add(wanted)
    sim.fault("concurrency", count=2)
    place.simple(sim)
    p = place.collect_once()
    assert p.err.count("okta.concurrency_limited") == 1, p.err
    times = [float(r["time"][17:23]) for r in sim.requests()]
    assert all((b - a) % 60 > 0.9 for a, b in zip(times[:2], times[1:3])), times
    place.assert_delivered(wanted)


@test
def a_429_is_waited_out_before_the_next_request(place):
    sim = place.sim()
    wanted = events(60, seed=9)
    sim.add(wanted)
    sim.fault("rate_limit", count=1, seconds=3)
    place.simple(sim)
    p = place.collect_once()
    assert p.err.count("okta.rate_limited") == 1, p.err
    times = [float(r["time"][17:23]) for r in sim.requests()]
    assert (times[1] - times[0]) % 60 >= 2, times
    place.assert_delivered(wanted)


# ---- one thing after the other ----

@test
def a_trouble_is_said_once_and_its_end_too(place):
    sim = place.sim()
    sim.add(events(10, seed=10))
    sim.fault("500", count=3)
    place.simple(sim, interval="100ms")
    daemon = place.daemon()
    place.wait_db(10)
    place.wait_log(daemon, "source.recovered")
    place.stop(daemon)
    log = place.log_of(daemon)
    assert log.count("okta.unreachable") == 1 and log.count("source.recovered") == 1, log


MIXTURE = ["500", "503", "reset_before", "bad_cursor", "short_page", "empty_page", "duplicate", "foreign_link",
           "missing_next", "reset_body", "slow_body", "wrong_json", "html", "not_array", "no_rate_headers"]


def mix_faults(sim, rand):
    for kind in MIXTURE:
        more = {"total_ms": 200} if kind == "slow_body" else {}
        sim.fault(kind, probability=0.02, seed=rand.getrandbits(31), **more)


@alone
def nothing_is_lost_or_doubled_in_a_long_run_with_random_faults(place):
    rand = random.Random(SEED)
    sim = place.sim()
    mix_faults(sim, rand)
    place.simple(sim, interval="50ms", limit=20, rotate=64)
    daemon = place.daemon()
    wanted = []
    end = time.monotonic() + 20
    while time.monotonic() < end:
        some = events(rand.randrange(1, 60), seed=rand.getrandbits(32), first_ms=now_ms() - rand.randrange(7200_000))
        wanted += some
        sim.add(some)
        before = sim.count()
        wait_until(lambda: sim.count() > before + 2 or time.monotonic() > end, "polls")
    sim.no_faults()
    assert len(os.listdir("/proc/%d/fd" % daemon.pid)) < 40
    assert is_sanitized() or high_water_mb(daemon) < 40
    place.stop(daemon)
    place.collect_once()
    place.assert_delivered(wanted)
    assert place.dead_letters() == []
    assert len(sim.stats()["applied"]) >= 5, sim.stats()["applied"]


if __name__ == "__main__":
    remark("SEED=%d" % SEED)
    main(jobs=10)
