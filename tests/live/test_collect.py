# SPDX-License-Identifier: Apache-2.0
"""Collecting: every event once, the right document, and not one request more than needed."""
import json
import os
import urllib.parse

from harness import assert_each_once, each_of, events, main, now_ms, rfc3339, test, uuids_of, wait_until


HOUR_MS = 3600_000


# ---- each event once ----

@test
def every_event_of_several_pages_is_once_in_the_file_and_in_sqlite(place):
    sim = place.sim()
    wanted = events(1234, seed=1)
    sim.add(wanted)
    place.simple(sim, limit=100)
    place.collect_once()
    place.assert_delivered(wanted)


@test
def the_file_keeps_the_order_in_which_okta_gave_the_events(place):
    sim = place.sim()
    wanted = events(500, seed=2)
    sim.add(wanted)
    place.simple(sim, limit=70)
    place.collect_once()
    assert place.uuids_in_file() == uuids_of(wanted)


def without_agent_fields(document, fetched_after_ms):
    """Takes away what only collected documents have, and checks it."""
    e, stream, agent = document["event"], document.pop("data_stream"), document.pop("agent")
    created = e.pop("created")
    assert rfc3339(fetched_after_ms) <= created <= rfc3339(now_ms()), created
    assert (e.pop("module"), e.pop("dataset")) == ("okta", "okta.system")
    assert stream == {"type": "logs", "dataset": "okta.system", "namespace": "default"}, stream
    assert set(agent) == {"type", "version", "name"} and agent["type"] == "gatehouse", agent
    assert agent["name"] == os.uname().nodename, agent
    return document


@test
def a_collected_document_is_what_map_makes_and_the_agent_fields(place):
    sim = place.sim("--generate", "400", "--seed", "7")
    began = now_ms()
    place.simple(sim, preserve_original_event="true", initial_interval="2000h")
    place.collect_once()
    collected = place.in_db()
    assert len(collected) == 400
    originals = [json.loads(text)["event"]["original"] for text in collected.values()]
    mapped = place.run("map", "--set", "url=" + sim.url, "--set", "preserve_original_event=true",
                       stdin="\n".join(originals).encode())
    assert mapped.returncode == 0, mapped.err
    for line in mapped.out.splitlines():
        document = json.loads(line)
        ours = without_agent_fields(json.loads(collected[document["event"]["id"]]), began)
        assert ours == document, "collected %s\nmapped    %s" % (ours, document)


@test
def the_file_and_sqlite_hold_the_same_bytes(place):
    sim = place.sim()
    sim.add(events(60, seed=3))
    place.simple(sim)
    place.collect_once()
    assert [line.decode() for line in place.lines_in_file()] == list(place.in_db().values())


@test
def a_second_once_asks_once_and_adds_nothing(place):
    sim = place.sim()
    wanted = events(250, seed=4)
    sim.add(wanted)
    place.simple(sim, limit=100)
    place.collect_once()
    sim.forget()
    place.collect_once()
    assert sim.count() == 1, sim.requests()
    place.assert_delivered(wanted)


@test
def a_late_event_arrives_once(place):
    sim = place.sim()
    first = events(50, seed=5)
    late = events(20, seed=6, first_ms=now_ms() - 5 * HOUR_MS)
    after = events(20, seed=7, first_ms=now_ms() - 60_000)
    place.simple(sim, limit=10)
    for some in (first, late, after):
        sim.add(some)
        place.collect_once()
    place.assert_delivered(first + late + after)


@test
def events_that_okta_repeats_on_the_next_page_are_kept_once(place):
    sim = place.sim()
    wanted = events(200, seed=8)
    sim.add(wanted)
    sim.fault("duplicate", count=4, events=5)
    place.simple(sim, limit=40)
    place.collect_once()
    assert sim.stats()["applied"]["duplicate"] == 4
    place.assert_delivered(wanted)


@test
def an_event_that_okta_stored_twice_is_kept_once(place):
    sim = place.sim()
    wanted = events(80, seed=9)
    place.simple(sim, limit=30)
    sim.add(wanted[:50] + wanted[10:20])
    place.collect_once()
    sim.add(wanted[40:])
    place.collect_once()
    place.assert_delivered(wanted)


@test
def a_refused_cursor_costs_no_event_and_doubles_none(place):
    sim = place.sim()
    wanted = events(300, seed=10, first_ms=now_ms() - 120_000)
    sim.add(wanted[:200])
    place.simple(sim, limit=50)
    place.collect_once()
    sim.add(wanted[200:])
    sim.fault("bad_cursor", count=1)
    p = place.collect_once()
    assert sim.stats()["applied"]["bad_cursor"] == 1
    assert "okta.cursor_refused" in p.err, p.err
    place.assert_delivered(wanted)


@test
def a_refused_cursor_of_a_busy_org_doubles_nothing_either(place):
    sim = place.sim("--rate-limit", "100000")
    # More in eight minutes than is remembered (RECENT_MAX in watch/recent.h).
    wanted = events(80000, seed=77, first_ms=now_ms() - 480_000, step_ms=6)
    sim.add(wanted, persisted="published")
    place.simple(sim, db=False)
    place.collect_once()
    more = events(50, seed=78, first_ms=now_ms() - 10, step_ms=0)
    sim.add(more)
    sim.fault("bad_cursor", count=1)
    p = place.collect_once()
    assert "okta.cursor_refused" in p.err, p.err
    assert_each_once(place.uuids_in_file(), uuids_of(wanted + more), "file")


@test
def an_event_from_the_future_does_not_spoil_the_way_back_after_a_refused_cursor(place):
    sim = place.sim()
    wanted = events(200, seed=19, first_ms=now_ms() - 120_000)
    wanted[70]["published"] = "2099-01-01T00:00:00.000Z"
    sim.add(wanted[:120])
    place.simple(sim, limit=50)
    place.collect_once()
    sim.add(wanted[120:])
    sim.fault("bad_cursor", count=1)
    place.collect_once()
    assert sim.stats()["applied"]["bad_cursor"] == 1
    place.assert_delivered(wanted)


@test
def a_pair_that_slept_for_a_year_goes_on_where_okta_lets_it(place):
    sim = place.sim()
    sim.set(retention="900d")
    old, new = events(20, seed=13, first_ms=now_ms() - 400 * 24 * HOUR_MS), events(20, seed=14)
    sim.clock(now=rfc3339(now_ms() - 399 * 24 * HOUR_MS))
    sim.add(old)
    place.simple(sim, initial_interval="180d")
    place.collect_once()
    sim.clock(now=rfc3339(now_ms()))
    sim.add(new)
    sim.fault("bad_cursor", count=1)
    place.collect_once()
    place.assert_delivered(old + new)


@test
def events_that_come_while_the_daemon_runs_arrive(place):
    sim = place.sim()
    place.simple(sim, interval="100ms")
    daemon = place.daemon()
    wanted = []
    for seed in range(5):
        some = events(30, seed=100 + seed, first_ms=now_ms())
        sim.add(some)
        wanted += some
        place.wait_db(len(wanted))
    place.stop(daemon)
    place.assert_delivered(wanted)


@each_of({
    "both links in one header field": dict(link_style="joined"),
    "the next link first": dict(link_order="next_first"),
    "the next link last": dict(link_order="self_first"),
    "chunked bodies": dict(chunked=True),
    "compressed bodies": dict(gzip=True),
    "plain bodies": dict(gzip=False),
})
def every_event_arrives_with(place, settings):
    sim = place.sim()
    sim.set(**settings)
    wanted = events(230, seed=16)
    sim.add(wanted)
    place.simple(sim, limit=50)
    place.collect_once()
    place.assert_delivered(wanted)


@each_of({"one connection for all": ("false", 1), "a new connection for every request": ("true", 4)})
def disable_keep_alive_decides_on(place, case):
    disabled, connections = case
    wanted = events(6, seed=17)

    def answer(fake, number):
        link = "<%s?after=%d_1&limit=2>; rel=\"next\"" % (fake.url, min(number, 4))
        return 200, [("Link", link)], json.dumps(wanted[number * 2 - 2:number * 2]).encode()

    fake = place.fake(answer)
    place.simple(fake, limit=2, disable_keep_alive=disabled)
    place.collect_once()
    assert len(fake.asked) == 4 and len(fake.clients) == connections, (fake.asked, fake.clients)
    place.assert_delivered(wanted)


@test
def forty_sources_of_one_org_deliver_everything_once(place):
    sim = place.sim()
    wanted = events(100, seed=18)
    sim.add(wanted)
    outputs = "".join("  - { name: o%d, type: file, path: %s, filename: o%d }\n" % (i, place.path("out"), i)
                      for i in range(40))
    place.compose([place.source(sim, "s%d" % i, limit="30", outputs="[o%d]" % i) for i in range(40)], db=False,
                  archive=False, extra=outputs)
    place.collect_once()
    for i in range(40):
        assert place.uuids_in_file(name="o%d-" % i) == uuids_of(wanted), i


# ---- not one request more than needed ----

def add_nothing(sim):
    del sim


def add_short_young(sim):
    sim.add(events(30, seed=20, first_ms=now_ms()))


def add_short_old(sim):
    sim.add(events(30, seed=21))


def add_full_young(sim):
    sim.add(events(100, seed=22, first_ms=now_ms(), step_ms=1))


def add_two_pages_and_a_short_young_one(sim):
    sim.add(events(230, seed=23, first_ms=now_ms(), step_ms=1))


@each_of({
    "an empty log takes one request": (add_nothing, 1),
    "a short page with a young event takes one": (add_short_young, 1),
    "a short page of old events takes two": (add_short_old, 2),
    "a full page takes two": (add_full_young, 2),
    "two full pages and a short young one take three": (add_two_pages_and_a_short_young_one, 3),
})
def not_one_request_more_than_needed(place, case):
    fill, requests = case
    sim = place.sim()
    fill(sim)
    place.simple(sim, interval="10m", limit=100)
    place.collect_once()
    assert sim.count() == requests, [r["query"] for r in sim.requests()]


@test
def an_unchanged_next_link_means_that_we_have_caught_up(place):
    some = events(3, seed=24)

    def answer(fake, number):
        del number
        link = "<http://%s>; rel=\"next\"" % (fake.url[len("http://"):] + "?after=7_1&limit=3")
        return 200, [("Link", link), ("Content-Type", "application/json")], json.dumps(some).encode()

    fake = place.fake(answer)
    place.simple(fake, limit=3)
    place.collect_once()
    assert len(fake.asked) == 2, fake.asked  # the first was asked without a cursor
    place.collect_once()
    assert len(fake.asked) == 3, fake.asked
    place.assert_delivered(some)


@test
def two_outputs_share_their_fetches(place):
    counts = []
    for both in (False, True):
        sim = place.sim()
        sim.add(events(450, seed=25))
        place.compose([place.source(sim, "both" if both else "one", limit="50")], archive=both)
        place.collect_once()
        counts.append(sim.count())
    assert counts[0] == counts[1], counts


@test
def the_daemon_asks_once_per_interval_when_nothing_happens(place):
    sim = place.sim()
    place.simple(sim, interval="500ms")
    daemon = place.daemon()
    wait_until(lambda: sim.count() >= 5, "five polls")
    times = [r["time"] for r in sim.requests()]
    place.stop(daemon)
    gaps = [(millis(b) - millis(a)) % (24 * HOUR_MS) for a, b in zip(times, times[1:])]
    assert sum(gaps) >= 500 * (len(gaps) - 1), gaps  # the first one may have been long on its way


def millis(text):
    """Milliseconds since midnight of an instant with exactly three decimals."""
    h, m, s = text[11:23].split(":")
    return (int(h) * 60 + int(m)) * 60000 + int(s.replace(".", ""))


# ---- the first instant ----

def since_of(request):
    return urllib.parse.parse_qs(request["query"])["since"][0]


@test
def the_first_since_is_now_minus_initial_interval(place):
    sim = place.sim()
    place.simple(sim, initial_interval="6h")
    before = now_ms()
    place.collect_once()
    since = since_of(sim.requests()[0])
    assert rfc3339(before - 6 * HOUR_MS) <= since <= rfc3339(now_ms() - 6 * HOUR_MS), since


@test
def the_longest_initial_interval_is_accepted_by_okta(place):
    sim = place.sim()
    wanted = events(10, seed=31)
    sim.add(wanted)
    place.simple(sim, initial_interval="180d")
    place.collect_once()
    place.assert_delivered(wanted)


@each_of({"two hours behind": -2, "two hours ahead": 2})
def with_our_clock_off_the_first_poll_is_asked_again_by_oktas(place, hours):
    sim = place.sim()
    sim.clock(now=rfc3339(now_ms() - hours * HOUR_MS))
    inside = events(5, seed=30, first_ms=now_ms() - hours * HOUR_MS - 30 * 60_000)
    sim.add(inside)
    place.simple(sim, initial_interval="1h")
    p = place.collect_once()
    asked = [since_of(r) for r in sim.requests() if "since=" in r["query"]]
    assert len(asked) == 2, asked
    okta = now_ms() - hours * HOUR_MS
    assert rfc3339(okta - HOUR_MS - 60_000) < asked[1] < rfc3339(okta - HOUR_MS + 5000), asked
    assert p.err.count("watch.clock_off") == 1, p.err
    place.assert_delivered(inside)


# ---- outputs that stand in different places ----

@test
def an_output_that_is_down_falls_behind_alone_and_catches_up_by_itself(place):
    sim = place.sim()
    wanted = events(120, seed=40, first_ms=now_ms() - 60_000)
    sim.add(wanted[:60])
    place.simple(sim, interval="100ms", limit=25)
    place.write("out", "a file where the directory should be")
    daemon = place.daemon()
    place.wait_db(60)
    sim.add(wanted[60:])
    place.wait_db(120)
    place.wait_log(daemon, "output.failed")
    os.unlink(place.path("out"))
    wait_until(lambda: len(place.uuids_in_file()) == 120, "the file output to catch up")
    place.stop(daemon)
    log = place.log_of(daemon)
    assert log.count("output.failed") == 1 and log.count("output.recovered") == 1, log
    place.assert_delivered(wanted)


@test
def once_gives_an_output_up_that_stays_down_and_serves_the_other(place):
    sim = place.sim()
    wanted = events(40, seed=41)
    sim.add(wanted)
    place.simple(sim)
    place.write("out", "a file where the directory should be")
    daemon = place.daemon("--once", command="collect")
    place.wait_db(40)
    place.wait_log(daemon, "output.failed")
    place.stop(daemon)
    os.unlink(place.path("out"))
    place.collect_once()
    place.assert_delivered(wanted)


@test
def a_new_output_gets_the_history_and_the_old_one_nothing_twice(place):
    sim = place.sim()
    wanted = events(150, seed=42)
    sim.add(wanted)
    place.simple(sim, archive=False, limit=40)
    place.collect_once()
    assert place.uuids_in_file() == []
    place.simple(sim, limit=40)
    place.collect_once()
    place.assert_delivered(wanted)


@test
def a_source_feeds_only_the_outputs_it_names(place):
    one, two = place.sim(), place.sim()
    ones, twos = events(70, seed=43), events(80, seed=44)
    one.add(ones)
    two.add(twos)
    place.compose([place.source(one, "one", outputs="[db]"), place.source(two, "two", outputs="[archive, db]")])
    place.collect_once()
    assert_each_once(place.uuids_in_db(), uuids_of(ones + twos), "events.db")
    assert_each_once(place.uuids_in_file(), uuids_of(twos), "file")


@test
def sources_of_one_org_and_of_another_run_in_one_process(place):
    one, two = place.sim(), place.sim()
    ones, twos = events(140, seed=45), events(90, seed=46)
    one.add(ones)
    two.add(twos)
    place.compose([place.source(one, "one-a", limit="30", outputs="[db]"),
                   place.source(one, "one-b", limit="30", outputs="[archive]"),
                   place.source(two, "two", limit="30")])
    place.collect_once()
    place.assert_delivered(ones + twos)


def stall(sim):
    sim.fault("stall_body", probability=1)


def fail(sim):
    sim.fault("500", probability=1)


def revoke(sim):
    sim.role("revoked")


@each_of({"every body stalls": stall, "only 500s": fail, "its token is revoked": revoke})
def a_sick_source_does_not_slow_the_others(place, make_sick):
    good, sick = place.sim(), place.sim()
    sick.add(events(50, seed=47))
    make_sick(sick)
    place.compose([place.source(sick, "sick"), place.source(good, "good", interval="100ms")])
    daemon = place.daemon()
    wait_until(lambda: sick.count() >= 1, "the sick source to be asked")
    wanted = []
    for seed in range(6):
        some = events(20, seed=200 + seed, first_ms=now_ms())
        good.add(some)
        wanted += some
        place.wait_db(len(wanted), patience=4)
    assert place.stop(daemon) < 2
    place.assert_delivered(wanted)


@test
def a_cursor_of_another_url_goes_on_without_loss_or_doubling(place):
    old = place.sim()
    wanted = events(200, seed=48, first_ms=now_ms() - 120_000)
    old.add(wanted[:130])
    place.simple(old, limit=50)
    place.collect_once()
    old.stop()
    moved = place.sim()
    moved.add(wanted)
    place.simple(moved, limit=50)
    p = place.collect_once()
    assert p.err.count("watch.org_moved") >= 1, p.err
    place.assert_delivered(wanted)
    assert place.run("status", "--json", "-c", place.path("gatehouse.yml")).out.count(moved.base) == 2


if __name__ == "__main__":
    main(jobs=4)
