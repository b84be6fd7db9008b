# SPDX-License-Identifier: Apache-2.0
"""Collecting into a real Elasticsearch and a real OpenSearch: every event once, whatever happens to answers, indices
and the collector in between. Each engine is shared by the tests; each test has a data stream of its own."""
import hashlib
import shutil
import signal
import threading

from engines import Elasticsearch, OpenSearch, shared
from fronts import HttpBreaker, answer, pass_on, reject_items, swallow_answer
from harness import assert_each_once, each_of, events, main, test, uuids_of, wait_until

KINDS = {"Elasticsearch": Elasticsearch, "OpenSearch": OpenSearch}


class World:
    """An engine behind a proxy that breaks things, the simulator, and settings that join them."""

    def __init__(self, place, kind, count=0, seed=1, more="", limit=100):
        self.place = place
        self.engine = shared(kind)
        self.proxy = HttpBreaker(place, self.engine)
        self.sim = place.sim()
        self.wanted = events(count, seed=seed)
        if count:
            self.sim.add(self.wanted)
        self.namespace = hashlib.sha256(place.root.encode()).hexdigest()[:12]
        self.stream = "logs-okta.system-" + self.namespace
        place.settings(
            "state: %s\nsources:\n%soutputs:\n  - { name: search, type: %s, hosts: [\"%s\"], backoff: "
            "{ init: 100ms, max: 500ms }%s }\n" % (
                place.path("state"),
                place.source(self.sim, interval="200ms", limit=limit, data_stream="{ namespace: %s }" % self.namespace),
                kind.name, self.proxy.url, more))

    def roll(self):
        self.engine.ask("POST", "/%s/_rollover" % self.stream)

    def has_all(self, index=None):
        """A data stream that is not there yet has nothing."""
        status, _ = self.engine.request("POST", "/%s/_refresh" % (index or self.stream))
        return status == 200 and len(set(self.engine.ids(index or self.stream))) >= len(self.wanted)

    def assert_once(self):
        assert_each_once(self.engine.ids(self.stream), uuids_of(self.wanted), self.stream)

    def indices(self):
        return self.engine.ask("GET", "/_resolve/index/" + self.stream)["data_streams"][0]["backing_indices"]

    def settle(self, process):
        """Waits until everything is committed, and stops."""
        wait_until(lambda: self.status_says_done(), "all events committed:\n" + self.place.log_of(process))
        self.place.stop(process)

    def status_says_done(self):
        row = self.place.status().get(("acme", "search"), {})
        return row.get("events", 0) >= len(self.wanted)


def swallow_and_roll(world):
    def fault(request):
        request.forward()
        world.roll()
        request.cut()
    return fault


@each_of(KINDS)
def every_event_gets_in_once(place, kind):
    w = World(place, kind, 450)
    place.collect_once()
    w.assert_once()
    hit = w.engine.hits(w.stream, {"ids": {"values": [w.wanted[7]["uuid"]]}})[0]
    assert hit["_source"]["@timestamp"] == w.wanted[7]["published"], hit
    w.proxy.forget()
    place.collect_once()
    assert w.proxy.count("_bulk") == 0, "nothing is new, so nothing is sent"


@each_of(KINDS)
def a_steady_page_costs_one_request(place, kind):
    w = World(place, kind, 500)
    place.collect_once()
    paths = [r.path for r in w.proxy.requests()]
    assert paths.count("/_bulk") == 5, paths
    assert "/_mget" not in paths, paths
    w.proxy.forget()
    w.sim.add(events(1, seed=77))
    place.collect_once()
    paths = [r.path for r in w.proxy.requests()]
    assert len(paths) == 3, "a sign of life, the indices, the document: %s" % paths


@each_of(KINDS)
def a_lost_answer_and_a_rollover_double_nothing(place, kind):
    w = World(place, kind, 300)
    w.proxy.queue(swallow_and_roll(w), count=2)
    place.collect_once()
    assert len(w.indices()) == 3
    w.assert_once()


@each_of(KINDS)
def a_rollover_while_a_repeat_is_on_its_way_doubles_nothing(place, kind):
    w = World(place, kind, 300)

    def roll_and_pass_on(request):
        w.roll()
        pass_on(request)

    w.proxy.queue(swallow_answer)
    w.proxy.queue(roll_and_pass_on)
    place.collect_once()
    assert len(w.indices()) == 2
    w.assert_once()


def still_at_it(opaque_id):
    return answer(200, {"tasks": [{"start_time_in_millis": 1, "headers": {"X-Opaque-Id": opaque_id}}]})


def actions(engine, opaque_id):
    tasks = engine.ask("GET", "/_tasks?actions=indices:data/write/bulk*&group_by=none")["tasks"]
    return [task["action"] for task in tasks if task["headers"].get("X-Opaque-Id") == opaque_id]


@each_of(KINDS)
def what_the_engine_finishes_after_it_was_given_up_is_not_doubled(place, kind):
    """The first request waits in the engine for a copy of the index; it is given up, the data stream rolls over, and
    only when the collector has asked what is under way, the engine goes on with it."""
    w = World(place, kind, 60, more=", template: false, timeout: 2s, "
                                    "parameters: { wait_for_active_shards: all, timeout: 60s }")
    released = threading.Event()

    def set_copies(count):
        w.engine.ask("PUT", "/_index_template/" + w.stream, {
            "index_patterns": [w.stream], "data_stream": {}, "priority": 900,
            "template": {"settings": {"number_of_replicas": count}}})

    def keep_and_roll(request):
        forward = threading.Thread(target=request.forward)
        forward.start()
        wait_until(lambda: "indices:data/write/bulk[s]" in actions(w.engine, "gatehouse-search"), "it is under way")
        set_copies(0)
        w.roll()
        forward.join()

    def release(request):
        pass_on(request)
        w.engine.ask("PUT", "/%s/_settings" % w.indices()[0], {"index.number_of_replicas": 0})
        released.set()

    set_copies(1)
    w.proxy.queue(keep_and_roll)
    w.proxy.queue(release, "_tasks")
    place.collect_once()
    assert released.is_set() and w.proxy.count("_tasks") >= 2
    assert len(w.indices()) == 2
    w.assert_once()


@each_of(KINDS)
def a_replay_waits_for_what_the_engine_is_still_at(place, kind):
    """Its own last request, say: the engine may list it for a moment after its answer."""
    w = World(place, kind, 5)
    w.proxy.queue(reject_items(lambda number, about: number == 0, 400, {"type": "made_by_a_test", "reason": "no"}))
    place.collect_once()
    assert len(place.dead_letters()) == 1
    w.roll()
    w.proxy.queue(still_at_it("gatehouse-search"), "_tasks", count=2)
    w.proxy.forget()
    replayed = place.run("dead-letters", "replay", "-c", place.path("gatehouse.yml"))
    assert replayed.returncode == 0 and place.dead_letters() == [], replayed.out + replayed.err
    assert w.proxy.count("_tasks") == 3
    w.assert_once()


@each_of(KINDS)
def killed_between_the_engine_and_the_state(place, kind):
    w = World(place, kind, 300)
    running = []

    def forward_and_kill(request):
        request.forward()
        w.roll()
        running[0].send_signal(signal.SIGKILL)
        running[0].wait()
        request.cut()

    for n in range(3):
        w.proxy.queue(forward_and_kill)
        running[:] = [place.daemon()]
        running[0].wait()
        assert len(w.indices()) == n + 2
    process = place.daemon()
    w.settle(process)
    w.assert_once()


@each_of(KINDS)
def what_comes_again_to_an_empty_state_is_recognised_behind_rollovers(place, kind):
    w = World(place, kind, 200)
    place.collect_once()
    w.roll()
    w.sim.add(new := events(50, seed=5, first_ms=None))
    w.wanted += new
    place.collect_once()
    w.roll()
    shutil.rmtree(place.path("state"))
    place.collect_once()
    w.assert_once()


@each_of(KINDS)
def what_does_not_fit_the_mapping_is_a_dead_letter_with_the_engines_reason(place, kind):
    w = World(place, kind, more=', index: "plain-%{[data_stream.namespace]}", template: false')
    index = "plain-" + w.namespace
    w.engine.ask("PUT", "/" + index, {"mappings": {"properties": {"okta": {"properties": {
        "display_message": {"type": "long"}}}}}})
    good, bad = events(20, seed=1, displayMessage="12"), events(5, seed=2, displayMessage="many")
    w.sim.add(good + bad)
    place.collect_once()
    assert_each_once(w.engine.ids(index), uuids_of(good), index)
    letters = place.dead_letters()
    assert_each_once([letter["uuid"] for letter in letters], uuids_of(bad), "dead letters")
    for letter in letters:
        assert "parsing_exception: " in letter["reason"] and "display_message" in letter["reason"], letter
        assert 'For input string: \\"many\\"' in letter["reason"] or 'For input string: "many"' in letter["reason"], \
            letter


@test
def behind_an_alias_of_a_data_stream_nothing_is_doubled(place):
    """Which Elasticsearch has and OpenSearch has not."""
    w = World(place, Elasticsearch, 100, more=', index: "by-name-%{[data_stream.namespace]}", template: false')
    w.stream = "logs-named-" + w.namespace
    w.engine.ask("PUT", "/_index_template/" + w.stream, {"index_patterns": [w.stream], "data_stream": {}})
    w.engine.ask("POST", "/%s/_bulk" % w.stream, [{"create": {"_id": "first"}}, {"@timestamp": "2026-01-01T00:00:00Z"}])
    w.engine.ask("POST", "/_aliases", {"actions": [{"add": {
        "index": w.stream, "alias": "by-name-" + w.namespace, "is_write_index": True}}]})
    w.proxy.queue(swallow_and_roll(w), count=2)
    place.collect_once()
    assert len(w.indices()) == 3
    assert_each_once(w.engine.ids(w.stream), ["first", *uuids_of(w.wanted)], w.stream)


@each_of(KINDS)
def what_is_there_already_counts_as_repeated(place, kind):
    """Two outputs that go to one data stream: whichever comes second has nothing to deliver."""
    w = World(place, kind, 50)
    with open(place.path("gatehouse.yml"), "a") as settings:
        settings.write("  - { name: second, type: %s, hosts: [\"%s\"] }\n" % (kind.name, w.proxy.url))
    p = place.collect_once()
    assert " delivered=50 repeated=50 dead_letters=0 " in p.err, p.err
    w.assert_once()
    assert [row["events"] for row in place.status().values()] == [50, 50]


@each_of(KINDS)
def an_engine_that_comes_later_gets_everything(place, kind):
    w = World(place, kind, 200)
    w.proxy.refuse()
    process = place.daemon()
    place.wait_log(process, "output.failed")
    assert w.proxy.count() == 0
    w.proxy.accept()
    w.settle(process)
    w.assert_once()


main()
