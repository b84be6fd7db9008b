# SPDX-License-Identifier: Apache-2.0
"""Into a real Elasticsearch by the way that most installations have: through TLS, credentials, a path and a proxy. The
engine is shared by the tests, a real nginx stands in front of it; each test has a data stream of its own."""
import base64
import hashlib
import json
import signal

from engines import Elasticsearch, shared
from fronts import Certificates, EngineFront, HttpBreaker, answer, busy, pass_on, reject_items
from harness import assert_each_once, each_of, events, main, refusing_port, test, uuids_of, wait_until
from proxies import Tinyproxy

USERS = {"elastic": "changeme"}
API_KEY = "VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw"
API_KEY_BASE64 = base64.b64encode(API_KEY.encode()).decode()
BASIC = "username: elastic, password: changeme"


class World:
    """The engine, a simulator with `count` events, and settings that are made by use()."""

    def __init__(self, place, count=60, seed=1):
        self.place = place
        self.engine = shared(Elasticsearch)
        self.sim = place.sim()
        self.wanted = events(count, seed=seed)
        self.sim.add(self.wanted)
        self.namespace = hashlib.sha256(place.root.encode()).hexdigest()[:12]
        self.stream = "logs-okta.system-" + self.namespace

    def front(self, certificates=None, **more):
        self.tls = certificates or Certificates(self.place)
        return EngineFront(self.place, self.engine, self.tls, **more)

    def trusting(self, more=""):
        return "ssl: { certificate_authorities: [%s]%s }" % (self.tls.authority, more)

    def use(self, *hosts, keys=(), limit=1000):
        """Settings with these hosts, and `keys` of the output."""
        row = ", ".join(["name: search", "type: elasticsearch", "backoff: { init: 50ms, max: 100ms }",
                         "hosts: [%s]" % ", ".join('"%s"' % host for host in hosts), *keys])
        self.place.settings("state: %s\nsources:\n%soutputs:\n  - { %s }\n" % (
            self.place.path("state"), self.source(limit), row))

    def source(self, limit):
        return self.place.source(self.sim, interval="100ms", limit=limit,
                                 data_stream="{ namespace: %s }" % self.namespace)

    def ids(self, index=None):
        status, _ = self.engine.request("POST", "/%s/_refresh" % (index or self.stream))
        return self.engine.ids(index or self.stream) if status == 200 else []

    def assert_once(self, index=None):
        assert_each_once(self.ids(index), uuids_of(self.wanted), index or self.stream)

    def try_output(self, expect=0):
        p = self.place.run("test", "output", "-c", self.place.path("gatehouse.yml"))
        assert p.returncode == expect, "test output ended with %d:\n%s%s" % (p.returncode, p.out, p.err)
        return p.out + p.err

    def works(self, index=None):
        """The check likes it, and every event gets there once."""
        assert "✗" not in self.try_output()
        self.place.collect_once()
        self.assert_once(index)
        assert self.place.dead_letters() == []

    def is_refused(self, reason):
        """The check and the collector say why, with the reason in it, and nothing is lost or given up."""
        said = self.try_output(expect=1)
        assert "✗" in said and reason in said, said
        done = self.place.run("collect", "--once", "-c", self.place.path("gatehouse.yml"))
        assert done.returncode == 1, done.err
        assert "output.failed" in done.err and reason in done.err, done.err
        assert self.ids() == []
        assert self.place.dead_letters() == []


# ---- TLS ----

@test
def an_engine_with_an_authority_of_its_own(place):
    w = World(place)
    front = w.front()
    w.use(front.url, keys=[w.trusting()])
    w.works()


@test
def an_authority_that_is_not_trusted_is_refused(place):
    w = World(place)
    front = w.front()
    w.use(front.url)
    w.is_refused(front.url + ": SSL certificate problem: unable to get local issuer certificate")
    stranger = Certificates(place, "stranger")
    w.use(front.url, keys=["ssl: { certificate_authorities: [%s] }" % stranger.authority])
    w.is_refused("unable to get local issuer certificate")
    w.use(front.url, keys=[w.trusting()])
    w.works()


@test
def a_certificate_for_another_name_is_refused(place):
    w = World(place)
    tls = Certificates(place)
    tls.certificate, tls.key = tls.issue("elsewhere", "subjectAltName=DNS:es.example.com\n")
    front = w.front(tls)
    w.use(front.url, keys=[w.trusting()])
    w.is_refused("127.0.0.1")
    w.use(front.url, keys=[w.trusting(", verification_mode: certificate")])
    w.works()


@test
def a_client_certificate(place):
    w = World(place)
    front = w.front(ask_client=True)
    w.use(front.url, keys=[w.trusting()])
    w.is_refused("status 400")
    w.use(front.url, keys=[w.trusting(", certificate: %s, key: %s" % (w.tls.client_certificate, w.tls.client_key))])
    w.works()


@test
def a_port_that_does_not_speak_tls(place):
    w = World(place)
    url = "https://127.0.0.1:%d" % w.engine.port
    w.use(url)
    w.is_refused(url)


@test
def a_port_that_speaks_nothing_else(place):
    w = World(place)
    w.use("http://127.0.0.1:%d" % w.front().port)
    w.is_refused("The plain HTTP request was sent to HTTPS port")


# ---- who we are ----

WAYS = {"a user and a password": BASIC,
        "an API key as id:key": 'api_key: "%s"' % API_KEY,
        "an API key in base64": 'api_key: "%s"' % API_KEY_BASE64}


@each_of(WAYS)
def signs_in(place, way):
    w = World(place)
    front = w.front(users=USERS, api_keys=[API_KEY_BASE64], prefix="/search/")
    w.use(front.base, keys=[w.trusting(), "path: /search", way])
    w.works()


WRONG = {"no credentials": [], "a wrong password": ["username: elastic", "password: forgotten"],
         "a wrong API key": ["api_key: 'somebody:forgotten'"]}


@each_of(WRONG)
def is_not_let_in_until_a_reload_corrects(place, keys):
    """What came in between waits in Okta's log, and the secret is nowhere to be read."""
    w = World(place)
    front = w.front(users=USERS)
    w.use(front.url, keys=[w.trusting(), *keys])
    said = w.try_output(expect=1)
    assert "status 401, security_exception: missing authentication credentials" in said, said
    daemon = place.daemon()
    place.wait_log(daemon, "output.failed")
    wait_until(lambda: len([line for line in front.lines() if line[2] == "401"]) >= 5, "more tries")
    w.sim.add(more := events(20, seed=2))
    w.wanted += more
    w.use(front.url, keys=[w.trusting(), BASIC])
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: len(w.ids()) >= len(w.wanted), "the events:\n" + place.log_of(daemon))
    place.stop(daemon)
    w.assert_once()
    log = place.log_of(daemon)
    assert "status 401, security_exception" in log, log
    assert "forgotten" not in log + said and "changeme" not in log + said, log
    assert place.dead_letters() == []


@test
def a_missing_privilege_is_tried_again_and_harms_nothing(place):
    w = World(place)
    closed, opened = w.front(forbidden=["_bulk"]), None
    opened = w.front(w.tls)
    w.use(closed.url, keys=[w.trusting()])
    daemon = place.daemon()
    place.wait_log(daemon, "status 403, security_exception: action is unauthorized")
    wait_until(lambda: len([line for line in closed.lines() if line[2] == "403"]) >= 3, "more tries")
    w.use(opened.url, keys=[w.trusting()])
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: len(w.ids()) >= len(w.wanted), "the events:\n" + place.log_of(daemon))
    place.stop(daemon)
    w.assert_once()
    assert place.dead_letters() == []


@test
def without_the_privilege_to_see_indices_the_reason_names_it(place):
    w = World(place)
    front = w.front(forbidden=["_resolve"])
    w.use(front.url, keys=[w.trusting()])
    w.is_refused("view_index_metadata")


MISSING = {"to write": (["_bulk"], "the privileges create_doc and auto_configure are needed"),
           "to look documents up": (["_mget"], "the privilege read is needed")}


@each_of(MISSING)
def a_privilege_that_is_missing_is_named_by_the_check(place, case):
    """The check goes the way of the documents."""
    paths, words = case
    w = World(place)
    front = w.front(forbidden=paths)
    w.use(front.url, keys=[w.trusting()])
    said = w.try_output(expect=1)
    assert "✗" in said and words in said and front.url in said, said


WRONG_KEYS = {"a pipeline that is not there": ("pipeline: not-there", "pipeline with id [not-there] does not exist"),
              "a parameter with a wrong value": ("parameters: { refresh: nonsense }", "nonsense")}


@each_of(WRONG_KEYS)
def what_documents_would_meet_is_met_by_the_check(place, case):
    key, words = case
    w = World(place)
    w.use("http://127.0.0.1:%d" % w.engine.port, keys=[key])
    w.is_refused(words)


@test
def an_index_of_plain_indices_without_a_template_is_no_mistake(place):
    w = World(place)
    for key in ("template: false", "template: true"):
        w.use("http://127.0.0.1:%d" % w.engine.port,
              keys=["index: '%s-%%{[event.action]}-%%{+yyyy.MM}'" % w.namespace, key])
        said = w.try_output()
        assert "the engine makes them up" in said and "written to %s-user.session.start-" % w.namespace in said, said
        assert w.engine.ask("GET", "/_resolve/index/%s-*" % w.namespace)["indices"] == []


@test
def an_index_that_is_there_needs_none_of_our_fields(place):
    w = World(place)
    w.engine.ask("PUT", "/plain-" + w.namespace)
    w.use("http://127.0.0.1:%d" % w.engine.port, keys=["index: plain-" + w.namespace, "template: false"])
    assert "the engine makes them up" in w.try_output()
    w.use("http://127.0.0.1:%d" % w.engine.port, keys=["index: plain-" + w.namespace])
    assert "✗ index mapping: does not know the fields" in w.try_output(expect=1)


def is_opensearch(request):
    request.reply(200, [("Content-Type", "application/json")],
                  b'{"version": {"distribution": "opensearch", "number": "2.19.3"}, "tagline": "x"}')


def item_is_not_ours(request):
    about = {"type": "security_exception", "reason": "action is unauthorized"}
    reject_items(lambda number, item: True, 403, about)(request)


# What is wrong: the answer to requests whose path holds so much; keys of the output; what is said; how often --once
# tries.
HOPELESS = {
    "the wrong type": ((is_opensearch, "/"), [], "set `type: opensearch`", 3),
    "the wrong path": ((answer(404, b"<title>404 Not Found</title>"), "/"), [], "`path` right?", 3),
    "wrong credentials": ((answer(401), "/"), [BASIC], "status 401", 3),
    "a privilege for nothing": ((answer(403), "_bulk"), [], "create_doc", 3),
    "a privilege for other documents": ((item_is_not_ours, "_bulk"), [], "security_exception", 3),
    "a pipeline that is not there": ((pass_on, "_bulk"), ["pipeline: none-such"], "none-such", 3),
    "an engine that is busy": ((busy(503), "_bulk"), [], "status 503", 8),
}


@each_of(HOPELESS)
def what_only_people_can_mend_is_not_tried_often_by_once(place, case):
    (fault, path), keys, words, tries = case
    w = World(place, count=5)
    breaker = HttpBreaker(place, w.engine)
    breaker.always(fault, path)
    w.use(breaker.url, keys=keys)
    done = place.run("collect", "--once", "-c", place.path("gatehouse.yml"))
    assert done.returncode == 1 and words in done.err, done.err
    seen = [r.path for r in breaker.requests(path) if path != "/" or r.path == "/"]
    assert len(seen) == tries, [r.path for r in breaker.requests()]
    assert place.dead_letters() == []


# ---- where the probe goes ----

def grants(*streams):
    """As Elasticsearch with its security says which privileges are there."""
    def fault(request):
        request.read()
        asked, = json.loads(request.body)["index"]
        said = {name: {privilege: name in streams for privilege in asked["privileges"]} for name in asked["names"]}
        request.reply(200, [("Content-Type", "application/json")],
                      json.dumps({"cluster": {"manage_index_templates": True}, "index": said}).encode())
    return fault


def limit(breaker, stream, may_look, says):
    """As with credentials that may write to that data stream only, and see no other either unless they `may_look`;
    whether the engine `says` so when it is asked for privileges."""
    refused = {"type": "security_exception", "reason": "action is unauthorized"}
    bulk = reject_items(lambda number, about: about["_index"] != stream, 403, refused)

    def judge(request):
        if "/_bulk" in request.path:
            return bulk
        if "/_resolve/index/" in request.path and not request.path.endswith("/" + stream) and not may_look:
            return answer(403)
        return grants(stream) if says and "_has_privileges" in request.path else None
    breaker.judge = judge


BY_NAMESPACE = "index: 'logs-okta.system-%{[data_stream.namespace]}'"
LIMITED = {"who see no other": (False, False, []), "as the engine says": (True, True, []),
           "by the pattern of the index": (False, True, [BY_NAMESPACE])}


@each_of(LIMITED)
def credentials_for_one_data_stream_pass(place, case):
    may_look, says, keys = case
    w = World(place)
    breaker = HttpBreaker(place, w.engine)
    limit(breaker, w.stream, may_look, says)
    w.use(breaker.url, keys=keys)
    said = w.try_output()
    assert "✓ a probe document: is not written: %s is not there yet" % w.stream in said, said
    assert "no failure if they are limited to " + w.stream in said and "✗" not in said, said
    place.collect_once()
    w.assert_once()
    said = w.try_output()
    assert "written to .ds-%s-" % w.stream in said and "is deleted again" in said, said
    w.assert_once()


@test
def credentials_that_may_look_but_not_write_fail(place):
    w = World(place)
    breaker = HttpBreaker(place, w.engine)
    limit(breaker, "logs-okta.system-elsewhere", True, False)
    w.use(breaker.url)
    assert "✗ a probe document: is not written: " + w.stream in w.try_output(expect=1)


@test
def a_block_of_all_that_is_new_is_no_matter_of_credentials(place):
    w = World(place)
    breaker = HttpBreaker(place, w.engine)
    block = {"type": "index_create_block_exception", "reason": "blocked by: [FORBIDDEN/10/cluster create-index blocked]"}
    refuse = reject_items(lambda number, about: True, 403, block)
    breaker.judge = lambda request: refuse if "/_bulk" in request.path else \
        grants(w.stream) if "_has_privileges" in request.path else None
    w.use(breaker.url)
    said = w.try_output(expect=1)
    assert "✓ privileges: all" in said and "✗ a probe document: " in said and "FORBIDDEN/10" in said, said
    assert "limited" not in said, said


@test
def credentials_for_another_data_stream_fail(place):
    w = World(place)
    breaker = HttpBreaker(place, w.engine)
    limit(breaker, "logs-okta.system-default", True, True)
    w.use(breaker.url)
    said = w.try_output(expect=1)
    assert "✓ data stream: " + w.stream in said, said
    assert "✗ privileges that are missing: create_doc" in said, said


@test
def each_data_stream_of_the_sources_is_looked_at(place):
    """A block on one of them is seen; of a source that feeds another output, there is none to look at."""
    w = World(place)
    names = [w.namespace + "a", w.namespace + "b"]
    sources = [place.source(w.sim, name, data_stream="{ namespace: %s }" % name, outputs="[search]") for name in names]
    sources += [place.source(w.sim, "more", data_stream="{ namespace: %s }" % names[0], outputs="[search]"),
                place.source(w.sim, "other", data_stream="{ namespace: %sc }" % w.namespace, outputs="[db]")]
    place.settings("state: %s\nsources:\n%soutputs:\n  - { name: db, type: sqlite, path: %s }\n"
                   "  - { name: search, type: elasticsearch, hosts: ['http://127.0.0.1:%d'] }\n" % (
                       place.path("state"), "".join(sources), place.path("events.db"), w.engine.port))
    place.collect_once()
    streams = ["logs-okta.system-" + name for name in names]
    w.engine.ask("PUT", "/%s/_settings" % streams[0], {"index.blocks.write": True})
    said = w.try_output(expect=1)
    first, second = (said.split("✓ data stream: %s\n" % stream)[1] for stream in streams)
    assert said.count("data stream: ") == 2 and "written to .ds-%s-" % streams[1] in second, said
    assert first.count("✗") == 1 and "✗ a probe document" in first and "FORBIDDEN/8/index write" in first, said
    w.engine.ask("PUT", "/%s/_settings" % streams[0], {"index.blocks.write": None})
    said = w.try_output()
    assert all("written to .ds-%s-" % stream in said for stream in streams), said


@test
def the_gates_own_data_streams_are_looked_at(place):
    w = World(place)
    for outputs, looked_at in (("[search]", 2), ("[db]", 0)):
        place.settings("state: %s\nlisten: { address: '127.0.0.1:0' }\ngate: { outputs: %s }\nsources:\n%soutputs:\n"
                       "  - { name: db, type: sqlite, path: %s }\n"
                       "  - { name: search, type: elasticsearch, hosts: ['http://127.0.0.1:%d'] }\n" % (
                           place.path("state"), outputs, w.source(10), place.path("events.db"), w.engine.port))
        said = w.try_output()
        assert said.count("✓ data stream: logs-gatehouse.") == looked_at, said
        assert said.count("written to .ds-logs-gatehouse.") == looked_at, said
        assert "✓ data stream: %s\n" % w.stream in said, said


# ---- the way there ----

@test
def a_path_before_every_other(place):
    w = World(place)
    front = w.front(prefix="/search/es/")
    w.use(front.base, keys=[w.trusting(), "path: /search/es"])
    w.works()


@test
def a_wrong_path_is_told(place):
    w = World(place)
    front = w.front(prefix="/search/")
    w.use(front.base, keys=[w.trusting(), "path: /other"])
    w.is_refused("status 404")
    w.is_refused("`path` right?")
    assert "✓" not in w.try_output(expect=1)


@test
def headers_go_with_every_request(place):
    w = World(place)
    breaker = HttpBreaker(place, w.engine)
    w.use(breaker.url, keys=["headers: { X-Team: security, X-Forwarded-By: gatehouse }"])
    w.works()
    for request in breaker.requests():
        assert request.headers["X-Team"] == "security", request.path
        assert request.headers["X-Forwarded-By"] == "gatehouse", request.path


@test
def by_a_proxy(place):
    w = World(place)
    front, proxy = w.front(users=USERS), Tinyproxy(place, auth=("walter", "let-me-out"))
    place.sims.append(proxy)
    through = "proxy_url: 'http://walter:%s@127.0.0.1:%d'"
    w.use(front.url, keys=[w.trusting(), BASIC, through % ("let-me-out", proxy.port)])
    w.works()
    wanted = "CONNECT 127.0.0.1:%d HTTP/1.1" % front.port
    assert wanted in proxy.requests(), proxy.requests()
    w.use(front.url, keys=[w.trusting(), BASIC, through % ("wrong-word", proxy.port)])
    said = w.try_output(expect=1)
    assert "the proxy refused" in said and "wrong-word" not in said, said


@test
def no_proxy_goes_around_it(place):
    w = World(place)
    held, port = refusing_port()
    with held:
        w.use("http://127.0.0.1:%d" % w.engine.port, keys=["proxy_url: 'http://127.0.0.1:%d'" % port,
                                                          "no_proxy: [127.0.0.1]"])
        w.works()


@test
def the_next_host_when_the_first_is_dead(place):
    w = World(place)
    held, port = refusing_port()
    with held:
        front = w.front(users=USERS)
        w.use("https://127.0.0.1:%d" % port, front.url, keys=[w.trusting(), BASIC])
        w.works()


@test
def the_other_host_when_one_dies_on_the_way(place):
    w = World(place, count=300)
    first, second = HttpBreaker(place, w.engine), HttpBreaker(place, w.engine)
    died = []

    def die(request):
        """Takes the bulk, does not answer, and is gone."""
        died.append(request.path)
        request.forward()
        request.proxy.refuse()
        request.cut()

    hosts = [first, second]
    for breaker in hosts:
        breaker.queue(pass_on)
    first.queue(die)
    w.use(*(breaker.url for breaker in hosts), limit=50)
    place.collect_once()
    assert died, "the first host was asked for less than two bulks"
    assert second.count("_bulk") >= 4, [r.path for r in second.requests()]
    w.assert_once()
    assert place.dead_letters() == []


@test
def a_host_that_answers_503_is_left_for_the_other(place):
    w = World(place)
    sick, well = HttpBreaker(place, w.engine), HttpBreaker(place, w.engine)
    sick.always(answer(503), "/")
    w.use(sick.url, well.url)
    place.collect_once()
    w.assert_once()


# ---- what is sent ----

@each_of({"none": 0, "the most": 9})
def compression(place, level):
    w = World(place)
    breaker = HttpBreaker(place, w.engine)
    w.use(breaker.url, keys=["compression_level: %d" % level])
    w.works()
    bulk = breaker.requests("_bulk")[-1]  # the first one is the check's
    assert (bulk.headers.get("Content-Encoding") == "gzip") == (level > 0), dict(bulk.headers)
    if level:
        assert len(bulk.read()) * 3 < len(bulk.body), "%d of %d bytes" % (len(bulk.read()), len(bulk.body))


@test
def requests_of_ten_documents(place):
    w = World(place, count=95)
    breaker = HttpBreaker(place, w.engine)
    w.use(breaker.url, keys=["bulk_max_size: 10"])
    place.collect_once()
    sizes = [bulk.body.count(b"\n") // 2 for bulk in breaker.requests("_bulk")]
    assert set(sizes) == {10, 5} and len(sizes) >= 10, sizes  # one may go again where its answer was lost
    w.assert_once()


@test
def a_front_that_takes_small_requests_only(place):
    """413 is answered with smaller requests."""
    w = World(place, count=100)
    front = w.front(limit="8k")
    w.use(front.url, keys=[w.trusting(), "compression_level: 0"])
    place.collect_once()
    w.assert_once()
    assert place.dead_letters() == []
    assert "413" in [line[2] for line in front.lines()]


@test
def a_pipeline_of_the_engine(place):
    w = World(place)
    name = "p-" + w.namespace
    w.engine.ask("PUT", "/_ingest/pipeline/" + name, {"processors": []})
    breaker = HttpBreaker(place, w.engine)
    w.use(breaker.url, keys=["pipeline: " + name])
    w.works()
    bulk = breaker.requests("_bulk")[0]
    assert name in bulk.query or name.encode() in bulk.body, bulk.query
    w.use(breaker.url, keys=["pipeline: not-there"])
    w.sim.add(more := events(5, seed=3))
    done = place.run("collect", "--once", "-c", place.path("gatehouse.yml"))
    assert done.returncode == 1 and "pipeline with id [not-there] does not exist" in done.err, done.err
    assert place.dead_letters() == [], "settings can mend it"
    w.use(breaker.url)
    w.wanted += more
    place.collect_once()
    w.assert_once()


@test
def parameters_in_the_query(place):
    w = World(place)
    breaker = HttpBreaker(place, w.engine)
    w.use(breaker.url, keys=["parameters: { refresh: 'true', note: 'a b&c' }"])
    breaker.judge = lambda request: pass_without_note
    place.collect_once()
    query = breaker.requests("_bulk")[0].query
    assert "refresh=true" in query and ("note=a%20b%26c" in query or "note=a+b%26c" in query), query
    w.assert_once()


def pass_without_note(request):
    """A real engine refuses parameters that it does not know."""
    request.handler.path = request.path + ("?refresh=true" if "note" in request.query else
                                           "?" + request.query if request.query else "")
    pass_on(request)


@test
def an_index_by_field_and_date(place):
    w = World(place)
    month = w.wanted[0]["published"][:7].replace("-", ".")
    w.use("http://127.0.0.1:%d" % w.engine.port,
          keys=["index: '%s-%%{[event.action]}-%%{+yyyy.MM}'" % w.namespace, "template: false"])
    place.collect_once()
    w.assert_once(w.namespace + "-*")
    kinds = {e["eventType"] for e in w.wanted}
    assert len(kinds) > 1
    for kind in kinds:
        index = "%s-%s-%s" % (w.namespace, kind, month)
        assert_each_once(w.ids(index), [e["uuid"] for e in w.wanted if e["eventType"] == kind], index)
    place.collect_once()
    w.assert_once(w.namespace + "-*")


# ---- mistakes in the settings, told before anything is asked ----

MISTAKES = {
    "a scheme that is none": ("hosts: ['ftp://127.0.0.1']", "outputs.0.hosts"),
    "an index with capitals": ("index: Okta-Logs", "outputs.0.index"),
    "an index whose brace stays open": ("index: 'okta-%{[event.action'", "outputs.0.index"),
    "an index with a letter that is none of a date": ("index: 'okta-%{+qqqq}'", "outputs.0.index"),
    "two ways to sign in": ("username: a, password: b, api_key: 'c:d'", "outputs.0.api_key"),
    "a certificate without its key": ("ssl: { certificate: /etc/hostname }", "outputs.0.ssl.key"),
    "a header that signs in beside a user": ("username: a, password: b, headers: { Authorization: x }",
                                             "outputs.0.headers"),
    "a header with a blank in its name": ("headers: { 'X Team': x }", "outputs.0.headers"),
}


@each_of(MISTAKES)
def settings_that_cannot_work_are_refused(place, mistake):
    keys, where = mistake
    hosts = "" if keys.startswith("hosts") else "hosts: ['http://127.0.0.1:9200'], "
    place.settings("sources: [{ url: 'https://acme.okta.com/api/v1/logs', api_key: x }]\noutputs:\n"
                   "  - { type: elasticsearch, %s%s }\n" % (hosts, keys))
    p = place.run("test", "config", "-c", place.path("gatehouse.yml"))
    assert p.returncode == 2, p.out + p.err
    assert "gatehouse.yml:3:" in p.err and where in p.err, p.err


@test
def a_password_in_a_host_is_not_shown(place):
    """Some write it there."""
    w = World(place)
    w.use("http://elastic:opensesame@127.0.0.1:%d" % w.engine.port)
    said = ""
    for command in (["test", "config", "--show"], ["test", "output"], ["setup", "elasticsearch", "--dry-run"],
                    ["collect", "--once"]):
        p = place.run(*command, "-c", place.path("gatehouse.yml"))
        said += p.out + p.err
    assert "opensesame" not in said, said


main(jobs=2)
