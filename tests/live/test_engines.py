# SPDX-License-Identifier: Apache-2.0
"""The engines that the delivery is tested against, and what stands in front of them, do what the other tests take for
granted."""
import http.client
import json
import os
import ssl
import subprocess
import sys
import threading

import fronts
from engines import Elasticsearch, Kafka, OpenSearch, shared
from fronts import Certificates, EngineFront, HttpBreaker, TcpBreaker
from harness import each_of, main, read_text, test, wait_until

NOW = "2026-01-01T00:00:00Z"


def stream(engine, name):
    """A data stream's name for one test, with a template for it."""
    engine.ask("PUT", "/_index_template/" + name, {
        "index_patterns": [name + "-*"], "data_stream": {}, "priority": 500,
        "template": {"settings": {"number_of_replicas": 0}, "mappings": {"properties": {"n": {"type": "long"}}}}})
    return name + "-default"


def bulk(*ids, **more):
    return [line for i in ids for line in ({"create": {"_id": i}}, dict({"@timestamp": NOW}, **more))]


def statuses(answer):
    return [list(item.values())[0]["status"] for item in answer["items"]]


def post(proxy, path, lines, headers=None):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
    try:
        connection.request("POST", path, "".join(json.dumps(line) + "\n" for line in lines),
                           dict({"Content-Type": "application/x-ndjson"}, **(headers or {})))
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


def fails(action):
    try:
        action()
    except (OSError, http.client.HTTPException):
        return True
    return False


@each_of({"Elasticsearch": Elasticsearch, "OpenSearch": OpenSearch})
def a_search_engine_keeps_a_document_over_a_restart_and_takes_it_once(place, kind):
    engine = kind(place)
    name = stream(engine, "logs-kept")
    assert statuses(engine.ask("POST", "/%s/_bulk" % name, bulk("a", n=1))) == [201]
    assert statuses(engine.ask("POST", "/%s/_bulk" % name, bulk("a", "b", n=1))) == [409, 201]
    status, answer = engine.request("POST", "/%s/_bulk" % name, bulk("a", "c", n=2), zipped=True)
    assert status == 200 and statuses(answer) == [409, 201], answer
    assert statuses(engine.ask("POST", "/%s/_bulk" % name, bulk("d", n="no number"))) == [400]
    port, first = engine.port, engine.pid
    engine.stop()
    engine.start()
    assert (engine.port, engine.pid != first) == (port, True)
    assert sorted(engine.ids(name)) == ["a", "b", "c"]
    engine.ask("POST", "/%s/_rollover" % name)
    engine.kill()
    engine.start()
    assert statuses(engine.ask("POST", "/%s/_bulk" % name, bulk("a", n=1))) == [201], "its new index knows no old id"
    assert sorted(engine.ids(name)) == ["a", "a", "b", "c"] and engine.count(name) == 4
    assert engine.cpu_seconds() > 0 and engine.resident_bytes() > 50e6


@test
def kafka_keeps_messages_over_a_restart(place):
    kafka = Kafka(place)
    kafka.create("events", 3)
    kafka.produce("events", ["a", "1"], ["b", "2"])
    kafka.kill()
    kafka.start()
    assert kafka.topics()["events"] == 3
    assert sorted((m["key"], m["value"]) for m in kafka.read("events")) == [("a", "1"), ("b", "2")]
    kafka.transact("events", "one", ["c", "3"])
    kafka.transact("events", "one", ["d", "4"], end="abort")
    assert sorted(m["key"] for m in kafka.read("events")) == ["a", "b", "c"]
    assert sorted(m["key"] for m in kafka.read("events", "read_uncommitted")) == ["a", "b", "c", "d"]


@test
def kafka_behind_a_proxy_and_with_passwords_over_tls(place):
    proxy = TcpBreaker(place)
    tls = Certificates(place)
    kafka = Kafka(place, advertised=proxy.port, users={"alice": "secret"}, tls=(tls.certificate, tls.key))
    proxy.target = kafka.front_port
    kafka.create("events")
    front = "127.0.0.1:%d" % proxy.port
    kafka.tool("produce", "events", stdin='["a", "1"]\n', servers=front)
    proxy.refuse()
    proxy.cut()
    soon = {"message.timeout.ms": 1000}
    assert "could be sent" in refused(lambda: kafka.tool("produce", "events", stdin='["b", "2"]\n', servers=front,
                                                         options=soon))
    proxy.accept()
    kafka.tool("produce", "events", stdin='["c", "3"]\n', servers=front)
    login = {"security.protocol": "sasl_ssl", "ssl.ca.location": tls.authority, "sasl.username": "alice",
             "sasl.password": "secret"}
    for mechanism in ("PLAIN", "SCRAM-SHA-256"):
        options = dict(login, **{"sasl.mechanism": mechanism})
        kafka.tool("produce", "events", stdin='["%s", "4"]\n' % mechanism, servers=kafka.secure, options=options)
        wrong = dict(options, **soon, **{"sasl.password": "wrong"})
        assert refused(lambda: kafka.tool("produce", "events", stdin='["x", "5"]\n', servers=kafka.secure,
                                          options=wrong))
    assert [m["key"] for m in kafka.read("events")] == ["a", "c", "PLAIN", "SCRAM-SHA-256"]


def refused(action):
    try:
        action()
    except AssertionError as said:
        return str(said)
    return ""


@test
def an_engine_ends_when_its_test_is_killed(place):
    code = "import sys, engines; print(engines.Kafka(sys.argv[1]).pid, flush=True); sys.stdin.read()"
    p = subprocess.Popen([sys.executable, "-c", code, place.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         cwd=os.path.dirname(os.path.abspath(__file__)))
    pid = int(p.stdout.readline())
    assert is_alive(pid)
    p.kill()
    p.communicate()
    wait_until(lambda: not is_alive(pid), "the engine to end")


def is_alive(pid):
    """A process that has ended may stand in the list until somebody asks for its status."""
    try:
        return "State:\tZ" not in read_text("/proc/%d/status" % pid)
    except OSError:
        return False


@test
def an_answer_or_a_request_gets_lost_on_its_way(place):
    engine = shared(Elasticsearch)
    name = stream(engine, "logs-lost")
    proxy = HttpBreaker(place, engine)
    path = "/%s/_bulk" % name
    proxy.queue(fronts.swallow_answer)
    assert fails(lambda: post(proxy, path, bulk("a")))
    assert engine.ids(name) == ["a"], "the engine has it"
    proxy.queue(fronts.cut_request)
    assert fails(lambda: post(proxy, path, bulk("b")))
    proxy.queue(fronts.cut_answer)
    assert fails(lambda: post(proxy, path, bulk("c")))
    assert sorted(engine.ids(name)) == ["a", "c"], "the engine never saw the cut request"
    proxy.chunked = True
    status, headers, answer = post(proxy, path, bulk("a", "b", "c"))
    assert (status, headers["Transfer-Encoding"], statuses(answer)) == (200, "chunked", [409, 201, 409])
    assert proxy.count("_bulk") == 4 and proxy.requests("_bulk")[2].body.startswith(b'{"create": {"_id": "c"}}')
    assert [r.status for r in proxy.seen] == [None, None, 200, 200]


@test
def items_are_rejected_without_the_engine_seeing_them(place):
    engine = shared(Elasticsearch)
    name = stream(engine, "logs-rejected")
    proxy = HttpBreaker(place, engine)
    path = "/%s/_bulk" % name
    proxy.queue(fronts.reject_items(lambda i, about: about["_id"] in ("b", "d")))
    status, _, answer = post(proxy, path, bulk("a", "b", "c", "d"))
    assert (status, statuses(answer), answer["errors"]) == (200, [201, 429, 201, 429], True)
    assert answer["items"][1]["create"]["error"]["type"] == "es_rejected_execution_exception"
    assert answer["items"][1]["create"]["_index"] == name and answer["items"][3]["create"]["_id"] == "d"
    assert sorted(engine.ids(name)) == ["a", "c"]
    proxy.queue(fronts.reject_items(lambda i, about: True, 503))
    assert statuses(post(proxy, path, bulk("b"))[2]) == [503] and engine.count(name) == 2


@test
def the_proxy_answers_by_itself_waits_and_refuses(place):
    engine = shared(Elasticsearch)
    name = stream(engine, "logs-busy")
    proxy = HttpBreaker(place, engine)
    path = "/%s/_bulk" % name
    proxy.queue(fronts.busy(429, retry_after=7))
    proxy.queue(fronts.busy(503))
    status, headers, _ = post(proxy, path, bulk("a"))
    assert (status, headers["Retry-After"]) == (429, "7")
    status, headers, _ = post(proxy, path, bulk("a"))
    assert (status, headers["Retry-After"], proxy.left()) == (503, None, 0)
    go, done = threading.Event(), []
    proxy.queue(fronts.wait_for(go))
    waiting = threading.Thread(target=lambda: done.append(post(proxy, path, bulk("a"))[0]))
    waiting.start()
    wait_until(lambda: proxy.count("_bulk") == 3, "the request to wait at the proxy")
    assert not done and engine.request("GET", "/" + name)[0] == 404, "the engine has heard of it"
    go.set()
    waiting.join()
    assert done == [200]
    proxy.always(fronts.busy())
    assert [post(proxy, path, bulk("b"))[0] for _ in range(3)] == [429] * 3
    proxy.calm()
    proxy.refuse()
    assert fails(lambda: post(proxy, path, bulk("b")))
    proxy.accept()
    assert post(proxy, path, bulk("b"))[0] == 200 and engine.count(name) == 2


@test
def one_connection_serves_many_requests_until_it_is_cut(place):
    engine = shared(Elasticsearch)
    proxy = HttpBreaker(place, engine)
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
    for _ in range(3):
        connection.request("GET", "/_cluster/health")
        assert json.loads(connection.getresponse().read())["cluster_name"] == "engine"
    assert proxy.connections == 1
    proxy.cut()
    assert fails(lambda: (connection.request("GET", "/_cluster/health"), connection.getresponse()))
    connection.close()


class Tls:
    """Requests over TLS to a front, as somebody."""

    def __init__(self, certificates, front, client=False):
        self.context = ssl.create_default_context(cafile=certificates.authority)
        if client:
            self.context.load_cert_chain(certificates.client_certificate, certificates.client_key)
        self.port = front.port

    def get(self, path, authorization=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.context)
        try:
            connection.request("GET", path, headers={"Authorization": authorization} if authorization else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@test
def nginx_lets_in_who_has_a_password_or_a_key(place):
    engine = shared(Elasticsearch)
    tls = Certificates(place)
    front = EngineFront(place, engine, tls, users={"elastic": "changeme"}, api_keys=["a2V5OnNlY3JldA=="],
                        prefix="/search/", forbidden=["_mget"])
    ask = Tls(tls, front).get
    health = "/search/_cluster/health"
    status, text = ask(health)
    assert status == 401 and json.loads(text)["error"]["type"] == "security_exception", text
    assert ask(health, "Basic ZWxhc3RpYzpjaGFuZ2VtZQ==")[0] == 200
    assert ask(health, "Basic ZWxhc3RpYzp3cm9uZw==")[0] == 401
    assert ask(health, "ApiKey a2V5OnNlY3JldA==")[0] == 200
    assert ask(health, "ApiKey b3RoZXI6c2VjcmV0")[0] == 401
    assert ask("/search/logs-a/_mget", "ApiKey a2V5OnNlY3JldA==")[0] == 403
    assert ask("/_cluster/health", "ApiKey a2V5OnNlY3JldA==")[0] == 404


@test
def nginx_may_ask_for_a_certificate(place):
    engine = shared(Elasticsearch)
    tls = Certificates(place)
    front = EngineFront(place, engine, tls, ask_client=True)
    assert Tls(tls, front).get("/_cluster/health")[0] == 400
    assert Tls(tls, front, client=True).get("/_cluster/health")[0] == 200


if __name__ == "__main__":
    main(jobs=2)
