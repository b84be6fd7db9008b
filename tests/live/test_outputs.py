# SPDX-License-Identifier: Apache-2.0
"""Several outputs, none hurting another: what each wants, in which form, and what one that is down costs."""
import json
import os
import re
import signal

from harness import (alone, assert_each_once, events, is_sanitized, main, now_ms, read_text, refusing_port, test,
                     uuids_of, wait_until)


def settings(place, sim, outputs, interval="100ms", extra="", **keys):
    """Settings with one source and these outputs, each given as a flow mapping."""
    rows = "".join("  - { %s }\n" % text for text in outputs)
    return place.settings("state: %s\nsources:\n%soutputs:\n%s%s" % (
        place.path("state"), place.source(sim, "acme", interval, **keys), rows, extra))


def db(place, more="", name="db"):
    return "name: %s, type: sqlite, path: %s%s" % (name, place.path(name + ".db"), more)


def files(place, more="", name="archive", folder="out"):
    return "name: %s, type: file, path: %s, filename: events%s" % (name, place.path(folder), more)


def dead_port(place):
    """One that refuses connections until the test ends."""
    place.held, port = refusing_port()
    return port


def engine(port, more="", name="search"):
    """An Elasticsearch that nobody runs."""
    return ("name: %s, type: elasticsearch, hosts: [\"http://127.0.0.1:%d\"], backoff: { init: 100ms, max: 200ms }%s"
            % (name, port, more))


# ---- what an output wants ----

def of_types(wanted, *types):
    return [e for e in wanted if e["eventType"] in types]


@test
def each_output_gets_the_types_that_it_wants(place):
    sim = place.sim()
    wanted = events(200, seed=1)
    sim.add(wanted)
    settings(place, sim, [db(place, ", filter: { event_types: [\"user.*\"] }"),
                          files(place, ", filter: { exclude_event_types: [\"*.sso\", \"user.session.*\"] }")])
    place.collect_once()
    assert_each_once(place.uuids_in_db("db.db"),
                     uuids_of(of_types(wanted, "user.session.start", "user.authentication.sso")), "db")
    assert_each_once(place.uuids_in_file(), uuids_of(of_types(wanted, "policy.evaluate_sign_on")), "archive")


@test
def an_output_gets_the_outcomes_that_it_wants(place):
    sim = place.sim()
    wanted = events(200, seed=2)
    for e in wanted[:20]:
        e["outcome"] = None
    sim.add(wanted)
    settings(place, sim, [db(place, ", filter: { outcomes: [failure, none] }"), files(place)])
    place.collect_once()
    bad = [e for e in wanted if not e["outcome"] or e["outcome"]["result"] == "FAILURE"]
    assert_each_once(place.uuids_in_db("db.db"), uuids_of(bad), "db")
    assert_each_once(place.uuids_in_file(), uuids_of(wanted), "archive")


@test
def what_is_not_wanted_is_no_reason_to_stay_behind(place):
    """The cursor moves: what is wanted from the next start on is what came since."""
    sim = place.sim()
    first, second = events(60, seed=3), events(60, seed=4)
    sim.add(first)
    settings(place, sim, [db(place, ", filter: { event_types: [nothing.of.this] }")], limit=25)
    place.collect_once()
    settings(place, sim, [db(place)], limit=25)
    sim.add(second)
    place.collect_once()
    assert_each_once(place.uuids_in_db("db.db"), uuids_of(second), "db")


@test
def what_cannot_be_mapped_is_a_dead_letter_only_where_it_may_be_wanted(place):
    sim = place.sim()
    wanted = events(10, seed=5)
    deep = json.loads("[" * 250 + "]" * 250)
    for e in wanted[:2]:
        e["eventType"] = "user.session.start"
        e["debugContext"] = {"debugData": {"deep": deep}}
    for e in wanted[2:]:
        e["eventType"] = "policy.evaluate_sign_on"
    sim.add(wanted)
    settings(place, sim, [db(place, ", filter: { event_types: [\"policy.*\"] }"), files(place)])
    place.collect_once()
    letters = place.dead_letters()
    assert [letter["output"] for letter in letters] == ["archive"] * 2, letters
    assert_each_once(place.uuids_in_db("db.db"), uuids_of(wanted[2:]), "db")


# ---- in which form ----

@test
def each_output_gets_its_form_for_the_same_requests(place):
    sim = place.sim()
    wanted = events(90, seed=6)
    sim.add(wanted)
    settings(place, sim, [db(place), files(place, ", format: raw"),
                          files(place, ", format: raw, go_encoding: true", "go", "go")], limit=30)
    place.collect_once()
    requests = sim.count()
    assert requests <= 5, requests
    mapped = {uuid: json.loads(text) for uuid, text in place.in_db("db.db").items()}
    assert sorted(mapped) == sorted(uuids_of(wanted))
    by_uuid = {e["uuid"]: e for e in wanted}
    for folder in ("out", "go"):
        raw = place.in_file(folder)
        texts = {json.loads(d["message"])["uuid"]: d["message"] for d in raw}
        assert sorted(texts) == sorted(by_uuid), folder
        assert len(raw) == len(wanted)
        for uuid, text in texts.items():
            assert json.loads(text) == by_uuid[uuid]
    for document in mapped.values():
        assert "message" not in document or document["event"]["id"]


@test
def dead_letters_are_replayed_in_the_output_s_form(place):
    sim = place.sim()
    wanted = events(3, seed=7)
    wanted[1]["debugContext"] = {"debugData": {"deep": json.loads("[" * 250 + "]" * 250)}}
    sim.add(wanted)
    settings(place, sim, [files(place)])
    place.collect_once()
    assert len(place.dead_letters()) == 1
    settings(place, sim, [files(place, ", format: raw")])
    replayed = place.run("dead-letters", "replay", "-c", place.path("gatehouse.yml"))
    assert replayed.returncode == 0, replayed.err
    assert place.dead_letters() == []
    assert json.loads(place.in_file()[-1]["message"])["uuid"] == wanted[1]["uuid"]


@test
def a_replay_leaves_the_letters_of_an_output_that_is_down_and_replays_the_others(place):
    sim = place.sim()
    wanted = events(4, seed=13)
    for e in wanted[:2]:
        e["debugContext"] = {"debugData": {"deep": json.loads("[" * 250 + "]" * 250)}}
    sim.add(wanted)
    settings(place, sim, [files(place, name="first", folder="first"), files(place)])
    place.collect_once()
    assert len(place.dead_letters()) == 4
    os.rename(place.path("first"), place.path("away"))
    place.write("first", "a file where the directory should be")
    settings(place, sim, [files(place, ", format: raw", "first", "first"), files(place, ", format: raw")])
    replayed = place.run("dead-letters", "replay", "-c", place.path("gatehouse.yml"))
    assert replayed.returncode == 1 and "2 delivered, 2 kept" in replayed.out, replayed.out
    assert [letter["output"] for letter in place.dead_letters()] == ["first"] * 2
    os.unlink(place.path("first"))
    os.rename(place.path("away"), place.path("first"))
    replayed = place.run("dead-letters", "replay", "-c", place.path("gatehouse.yml"))
    assert replayed.returncode == 0, replayed.err
    assert len(place.in_file("first")) == len(place.in_file()) == 4


# ---- one that is down ----

@test
def an_engine_that_is_down_holds_up_nobody(place):
    sim = place.sim()
    wanted = events(120, seed=8, first_ms=now_ms() - 60_000)
    sim.add(wanted[:60])
    settings(place, sim, [engine(dead_port(place)), db(place), files(place)], limit=25)
    daemon = place.daemon()
    wait_until(lambda: len(place.uuids_in_db("db.db")) == 60, "what is there")
    place.wait_log(daemon, "output.failed")
    sim.add(wanted[60:])
    wait_until(lambda: len(place.uuids_in_db("db.db")) == 120, "what came then")
    wait_until(lambda: len(place.uuids_in_file()) == 120, "the file")
    place.stop(daemon)
    assert place.log_of(daemon).count("WARN  output.failed") == 1


@test
def nor_the_history(place):
    sim = place.sim()
    wanted = events(300, seed=9, first_ms=now_ms() - 9 * 86_400_000)
    sim.add(wanted)
    settings(place, sim, [engine(dead_port(place)), db(place)], limit=25, initial_interval="240h")
    daemon = place.daemon()
    wait_until(lambda: len(place.uuids_in_db("db.db")) == 300, "the history")
    place.stop(daemon)
    assert_each_once(place.uuids_in_db("db.db"), uuids_of(wanted), "db")


@test
def nor_a_reload(place):
    sim = place.sim()
    wanted = events(40, seed=10)
    sim.add(wanted)
    settings(place, sim, [engine(dead_port(place)), db(place)])
    daemon = place.daemon()
    place.wait_log(daemon, "output.failed")
    settings(place, sim, [files(place)])
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: len(place.uuids_in_file()) == 40, "the output that took its place")
    place.stop(daemon)


@test
def one_that_hangs_holds_up_nobody_either(place):
    sim = place.sim()
    listener = place.listener()  # takes connections and says nothing
    wanted = events(120, seed=11, first_ms=now_ms() - 5 * 86_400_000)
    sim.add(wanted)
    settings(place, sim, [engine(listener.port), db(place)], limit=25, initial_interval="240h")
    daemon = place.daemon()
    wait_until(lambda: len(place.uuids_in_db("db.db")) == 120, "the history")
    sim.add(events(10, seed=12))
    wait_until(lambda: len(place.uuids_in_db("db.db")) == 130, "the news")
    place.stop(daemon)


# ---- what it costs ----

def peak_kb(process):
    return int(re.search(r"VmHWM:\s+(\d+)", read_text("/proc/%d/status" % process.pid)).group(1))


def raw_uuids(place):
    return [json.loads(document["message"])["uuid"] for document in place.in_file()]


def add_pages(place, sim, wanted, count, seed):
    """So many pages, given to the other output; the dead one stays where it is."""
    for i in range(count):
        wanted += (more := events(500, seed=seed + i, first_ms=now_ms() - 60_000))
        sim.add(more)
        wait_until(lambda: len(place.uuids_in_db("db.db")) == len(wanted), "page %d" % i)


@alone
def however_long_it_is_down_memory_stays_and_it_gets_everything_once(place):
    sim = place.sim()
    wanted = []
    place.write("out", "a file where the directory should be")
    settings(place, sim, [files(place, ", format: raw"), engine(dead_port(place)), db(place)], interval="50ms",
             limit=500)
    daemon = place.daemon()
    add_pages(place, sim, wanted, 10, 100)
    place.wait_log(daemon, "output.failed", 2)
    before = peak_kb(daemon)
    add_pages(place, sim, wanted, 40, 200)
    grown = peak_kb(daemon) - before
    if not is_sanitized():
        assert grown < 6 * 1024, "%d KB more for 40 pages, after %d KB" % (grown, before)
    os.unlink(place.path("out"))
    wait_until(lambda: len(raw_uuids(place)) == len(wanted), "the file to catch up")
    place.stop(daemon)
    assert sim.stats()["throttled"] == {"rate": 0, "concurrency": 0}
    assert_each_once(raw_uuids(place), uuids_of(wanted), "file")
    assert_each_once(place.uuids_in_db("db.db"), uuids_of(wanted), "db")


main(jobs=4)
