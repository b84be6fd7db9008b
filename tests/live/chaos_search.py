# SPDX-License-Identifier: Apache-2.0
"""Chaos between a collector and Elasticsearch or OpenSearch: what both tests have in common."""
import gzip
import http.client
import json
import os
import threading
import time
import zlib

import chaos
from fronts import HttpBreaker, busy, cut_answer, cut_request, pass_on, reject_items, split_bulk, swallow_answer
from harness import wait_until

STREAM = "logs-okta.system-default"
BLOCK = "index.blocks.read_only_allow_delete"
# What an administrator has put over our template: numbers, where Okta has texts, so that such documents are refused.
DECLARED = {"template": {"mappings": {"properties": {"okta": {"properties": {
    "transaction.id": {"type": "long"}, "transaction.type": {"type": "long"}}}}}}}


class Proxy(HttpBreaker):
    """Keeps in mind what the engine has said of every document; the collector may never hear of it."""

    def __init__(self, place, engine, chaos_run):
        self.run = chaos_run
        super().__init__(place, engine, keep=False)

    def fault_for(self, request):
        fault = super().fault_for(request)
        if "_bulk" in request.path:
            forward = request.forward
            request.forward = lambda body=None, headers=None: self.heard(request, body, forward(body, headers))
        return fault

    def heard(self, request, body, answer):
        status, headers, text = answer
        if status == 200:
            zipped = any(k.lower() == "content-encoding" and v == "gzip" for k, v in headers)
            sent = split_bulk(request.body if body is None else body)
            self.run.note(zip(sent, json.loads(gzip.decompress(text) if zipped else text)["items"]))
        return answer


class SecondProxy(Proxy):
    """Another host of the same cluster: what is queued for the first one is for both."""

    def __init__(self, place, engine, first):
        self.first = first
        super().__init__(place, engine, first.run)

    def fault_for(self, request):
        return self.first.fault_for(request)


class SearchChaos(chaos.Chaos):
    def __init__(self, place, kind):
        self.name = kind.name
        super().__init__(place)
        self.rolling = threading.Lock()
        self.documents_sent = 0
        self.reasons = {}  # uuid: why the engine refused it, in its words
        self.engine = kind(place)
        self.proxy = Proxy(place, self.engine, self)
        self.other = SecondProxy(place, self.engine, self.proxy)
        hosts = 'hosts: ["%s", "%s"]' % (self.proxy.url, self.other.url)
        self.collector = self.outputs(
            "name: main, type: %s, %s, bulk_max_size: 70, backoff: { init: 10ms, max: 60ms }" % (self.name, hosts),
            "name: db, type: sqlite, path: %s" % place.path("events.db"))
        self.declare()

    def declare(self):
        """An administrator's template over ours."""
        p = self.place.run("setup", self.name, "-c", self.collector.settings)
        assert p.returncode == 0, p.err
        ours, = (t["index_template"] for t in self.engine.ask("GET", "/_index_template")["index_templates"]
                 if "logs-okta.system-*" in t["index_template"]["index_patterns"])
        self.engine.ask("PUT", "/_component_template/declared", DECLARED)
        ours = {k: v for k, v in ours.items() if not k.endswith(("_date", "_date_millis"))}  # the engine's own
        self.engine.ask("PUT", "/_index_template/declared", dict(
            ours, priority=ours["priority"] + 1, composed_of=[*ours["composed_of"], "declared"]))

    def add_refused(self, e):
        bad = self.rand.choice(["id", "type"])
        e["transaction"] = dict({"id": "1", "type": "2", "detail": {}}, **{bad: "not a number"})
        return "okta.transaction." + bad

    def note(self, pairs):
        for (action, about, _), item in pairs:
            said, = item.values()
            if action != "create":
                continue
            self.documents_sent += 1
            if said["status"] in (201, 409):
                self.missing.discard(about["_id"])
            elif said["status"] == 400:
                self.reasons[about["_id"]] = said["error"]["reason"]

    def judge_dead_letters(self, rows):
        super().judge_dead_letters(rows)
        for row in rows:
            assert self.reasons[row["uuid"]] in row["reason"], (self.reasons[row["uuid"]], row["reason"])

    def roll(self, times=1):
        """Nothing, before the first document is there, while the engine is down, and while its disk is full."""
        for _ in range(times):
            try:
                with self.rolling:  # two at once are refused
                    status, answer = self.engine.request("POST", "/%s/_rollover" % STREAM)
            except (OSError, http.client.HTTPException):
                return
            assert status in (200, 429, 503) or "does not exist" in json.dumps(answer), answer

    def quiet(self):
        wait_until(lambda: not self.proxy.open and not self.other.open, "the end of what was under way")

    def calm(self):
        self.proxy.calm()
        self.proxy.forget()

    def in_engine(self):
        self.engine.ask("POST", "/%s/_refresh" % STREAM)
        page = self.engine.ask("POST", "/%s/_search?scroll=5m&size=10000" % STREAM, {"sort": ["_doc"],
                                                                                    "_source": False})
        while page["hits"]["hits"]:
            yield from (hit["_id"] for hit in page["hits"]["hits"])
            page = self.engine.ask("POST", "/_search/scroll", {"scroll": "5m", "scroll_id": page["_scroll_id"]})
        self.engine.ask("DELETE", "/_search/scroll", {"scroll_id": page["_scroll_id"]})

    def work_of_the_engine(self):
        return self.documents_sent


# ---- what becomes of a request: faults of a proxy that end or disturb the collector, too

def killed(c, request, behind=None):
    """The engine has done it; the collector dies without having heard of it."""
    request.forward()
    c.collector.process.kill()
    if behind:
        behind()
    request.cut()


def killed_before_the_answer(c):
    c.proxy.queue(lambda request: killed(c, request))
    yield


def killed_behind_the_answer(c):
    pause = c.rand.random() ** 3 * 0.02

    def fault(request):
        request.reply(*request.forward())
        time.sleep(pause)
        c.collector.process.kill()
    c.proxy.queue(fault)
    yield


def killed_before_the_engine_has_it(c):
    def fault(request):
        request.read()
        c.collector.process.kill()
        request.cut()
    c.proxy.queue(fault, c.rand.choice(["_bulk", "_mget", "_resolve"]))
    yield


def killed_and_rolled_over(c):
    times = c.rand.choice([1, 1, 3])
    c.proxy.queue(lambda request: killed(c, request, behind=lambda: c.roll(times)))
    yield


def requests_are_cut(c):
    c.proxy.queue(cut_request, c.rand.choice(["_bulk", "_bulk", "_resolve", "_mget"]), c.rand.randrange(1, 4))
    yield


def answers_are_cut(c):
    c.proxy.queue(cut_answer, c.rand.choice(["_bulk", "_bulk", "_resolve", "_mget"]), c.rand.randrange(1, 3))
    yield


def answers_are_lost(c):
    c.proxy.queue(swallow_answer, count=c.rand.randrange(1, 4))
    yield


def the_engine_is_busy(c):
    c.proxy.queue(busy(c.rand.choice([429, 503])), c.rand.choice(["_bulk", "_bulk", "_bulk", "_mget", "_resolve"]),
                  c.rand.randrange(1, 4))
    yield


def single_documents_are_not_taken(c):
    share, salt = c.rand.randrange(5, 100), c.rand.getrandbits(32)
    c.proxy.queue(reject_items(lambda _, about: zlib.crc32(about["_id"].encode(), salt) % 100 < share,
                               c.rand.choice([429, 503])), count=c.rand.randrange(1, 3))
    yield


def a_host_is_gone(c):
    """The other one is asked instead."""
    which = c.rand.choice([c.proxy, c.other])
    which.refuse()
    yield
    yield
    which.accept()


# ---- rollovers

def rolled_over(c):
    c.roll(c.rand.choice([1, 1, 2]))
    yield


def rolled_over_somewhere(c):
    yield
    c.wait_a_moment()
    c.roll()


def rolled_over_before_a_request(c):
    def fault(request):
        c.roll()
        pass_on(request)
    c.proxy.queue(fault, c.rand.choice(["_bulk", "_bulk", "_mget"]))
    yield


def rolled_over_within_a_request(c):
    """Each half of its documents finds another index."""
    lost = c.rand.random() < 0.3

    def fault(request):
        items = [b"".join(line + b"\n" for line in item[2]) for item in split_bulk(request.body)]
        half = len(items) // 2
        parts = [b"".join(items[:half]), b"".join(items[half:])]
        answered = []
        for part in filter(None, parts):
            status, headers, text = request.forward(part, {"Accept-Encoding": "identity"})
            if status != 200:
                request.cut()
            answered += json.loads(text)["items"]
            if part is parts[0]:
                c.roll()
        if lost:
            request.cut()
        request.reply(status, headers, json.dumps({"took": 1, "errors": True, "items": answered}).encode())
    c.proxy.queue(fault)
    yield


def rolled_over_behind_a_lost_answer(c):
    times = c.rand.choice([1, 1, 2])

    def fault(request):
        request.forward()
        c.roll(times)
        request.cut()
    c.proxy.queue(fault, count=c.rand.choice([1, 1, 2]))
    yield


def taking_out_again_fails(c):
    """What two indices have is taken out of one: that request, too, is lost, or the collector dies with it."""
    dies = c.rand.random() < 0.5
    done = []

    def judge(request):
        if "_bulk" not in request.path or done or not request.body.startswith(b'{"delete"'):
            return None
        done.append(True)
        return (lambda r: killed(c, r)) if dies else swallow_answer
    c.proxy.judge = judge
    # It takes a rollover between two tries to get there.
    yield from rolled_over_within_a_request(c)
    yield
    c.proxy.judge = None


# ---- the engine

def the_engine_stalls(c):
    """Whoever gives up waiting for it, or dies meanwhile, has sent what it does later."""
    yield
    c.wait_a_moment(0.06)
    c.engine.pause()
    c.wait_a_moment(0.4)
    if c.rand.random() < 0.4:
        c.collector.kill()
    c.engine.resume()


def the_engines_disk_is_full(c):
    """As it says itself when it is; it takes documents out, but none in."""
    def block(value):
        status, answer = c.engine.request("PUT", "/%s/_settings" % STREAM, {BLOCK: value})
        assert status in (200, 404), answer
    block(True)
    yield
    c.wait_a_moment(0.4)
    block(None)


def the_engine_is_stopped_and_started(c):
    yield
    c.wait_a_moment()
    c.engine.stop()
    c.wait_a_moment()
    c.engine.start()


def the_engine_is_killed_and_started(c):
    yield
    c.wait_a_moment()
    c.engine.kill()
    if c.rand.random() < 0.5:
        c.collector.kill()
    c.engine.start()


def the_state_is_from_a_backup(c):
    """What came since then is asked for again, and recognised."""
    c.collector.stop()
    c.quiet()
    if c.rand.random() < 0.7:
        c.roll()
    if os.path.exists(c.place.path("backup")):
        c.copy("backup", "disk/state")
    yield
    yield
    c.collector.stop()
    c.quiet()
    c.copy("disk/state", "backup")


def the_state_is_lost(c):
    c.collector.kill()
    c.quiet()
    c.copy("nothing", "disk/state")
    c.copy("nothing", "backup")
    yield


SearchChaos.only = {the_state_is_from_a_backup: range(chaos.EARLY), the_state_is_lost: range(chaos.EARLY)}
SearchChaos.troubles = {
    **chaos.OF_THE_COLLECTOR,
    killed_before_the_answer: 8, killed_behind_the_answer: 10, killed_before_the_engine_has_it: 4,
    killed_and_rolled_over: 3, requests_are_cut: 6, answers_are_cut: 6, answers_are_lost: 8, the_engine_is_busy: 8,
    single_documents_are_not_taken: 10, a_host_is_gone: 3,
    the_engine_stalls: 2, the_engines_disk_is_full: 2,
    rolled_over: 1.5, rolled_over_somewhere: 1.5, rolled_over_before_a_request: 2, rolled_over_within_a_request: 2,
    rolled_over_behind_a_lost_answer: 3, taking_out_again_fails: 1.5,
    the_engine_is_stopped_and_started: 0.7, the_engine_is_killed_and_started: 0.7,
    the_state_is_from_a_backup: 1.4, the_state_is_lost: 0.4,
}
