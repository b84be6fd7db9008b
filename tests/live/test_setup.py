# SPDX-License-Identifier: Apache-2.0
"""`gatehouse setup` and `gatehouse test output` against real engines: what is put, what stays, and that nothing is left
behind. Test by test an engine's assets are as the test before left them, so each begins by taking ours away."""
import http.server
import json
import threading

from engines import Elasticsearch, OpenSearch, shared
from harness import each_of, events, main, refusing_port, test
from permitted import leaves

ENGINES = {"elasticsearch": Elasticsearch, "opensearch": OpenSearch}
FAMILIES = {"/_component_template/": ("component_templates", "component_template"),
            "/_index_template/": ("index_templates", "index_template")}


def settings(place, engine, kind, more="", source='url: "http://127.0.0.1:9/api/v1/logs", api_key: none'):
    return place.settings("""state: %s
sources:
  - { %s }
outputs:
  - { name: search, type: %s, hosts: ["%s"]%s }
""" % (place.path("state"), source, kind, getattr(engine, "url", engine), more))


def get(engine, path):
    """An asset as the engine holds it; None when it is not there."""
    for family, (several, one) in FAMILIES.items():
        if path.startswith(family):
            status, answer = engine.request("GET", path)
            return answer[several][0][one] if status == 200 else None
    return None


def held(engine):
    """path: asset, of all that is called gatehouse-*."""
    found = {}
    for family, (several, one) in FAMILIES.items():
        status, answer = engine.request("GET", family + "gatehouse-*")
        for row in answer.get(several, []) if status == 200 else []:
            found[family + row["name"]] = row[one]
    return found


def fresh(kind):
    engine = shared(ENGINES[kind])
    if kind == "opensearch":  # the bare Elasticsearch cannot delete a data stream: one test makes one, the last
        engine.ask("DELETE", "/_data_stream/*")
    for path in sorted(held(engine), reverse=True):  # index templates before their components
        engine.ask("DELETE", path)
    return engine


def export(place, kind, *more):
    p = place.run("setup", kind, "--export", *more)
    assert p.returncode == 0, p.err
    return json.loads(p.out)


def setup(place, kind, *more, expect=0):
    p = place.run("setup", kind, "-c", place.path("gatehouse.yml"), *more)
    assert p.returncode == expect, (p.returncode, p.out, p.err)
    return p


def marks(out):
    """asset: what was done."""
    return dict(line.strip()[2:].split(": ", 1) for line in out.splitlines() if line.startswith("  "))


def plain(mapping):
    """As a server without Elastic's modules is told."""
    text = json.dumps(mapping)
    text = text.replace('{"type": "match_only_text"}', '{"type": "text", "norms": false}')
    for constant in ('{"type": "constant_keyword"}', '{"type": "constant_keyword", "value": "logs"}',
                     '{"type": "constant_keyword", "value": "okta"}',
                     '{"type": "constant_keyword", "value": "okta.system"}',
                     '{"type": "constant_keyword", "value": "gatehouse"}',
                     '{"type": "wildcard", "ignore_above": 8191}'):
        text = text.replace(constant, '{"type": "keyword", "ignore_above": 1024}')
    return json.loads(text.replace('{"type": "wildcard", "ignore_above": 1024', '{"type": "keyword", "ignore_above": 1024'))


def as_text(value):
    """Engines give settings back as texts."""
    if isinstance(value, dict):
        return {k: as_text(v) for k, v in value.items()}
    return str(value).lower() if isinstance(value, (bool, int)) else value


@each_of({kind: kind for kind in ENGINES})
def setup_puts_everything_and_the_second_time_nothing(place, kind):
    engine = fresh(kind)
    settings(place, engine, kind)
    first = marks(setup(place, kind).out)
    assert len(first) >= 5 and all(v == "created" or v.startswith("skipped") for v in first.values()), first
    before = held(engine)
    assert len(before) == 5, list(before)
    second = marks(setup(place, kind).out)
    assert all(v == "is there (version 1)" or v.startswith("skipped") for v in second.values()), second
    assert held(engine) == before


@each_of({kind: kind for kind in ENGINES})
def what_is_exported_is_what_the_engine_holds(place, kind):
    engine = fresh(kind)
    settings(place, engine, kind)
    setup(place, kind)
    exported = export(place, kind)
    for path, theirs in held(engine).items():
        ours = exported[path]
        if kind == "elasticsearch":
            ours = plain(ours)
        for name in ("_meta", "version", "priority", "index_patterns", "composed_of"):
            if name != "_meta" or kind == "opensearch":
                assert theirs.get(name) == ours.get(name), (path, name)
        for part in ("mappings", "settings", "lifecycle"):
            a, b = theirs["template"].get(part), ours["template"].get(part)
            assert leaves(as_text(a)) == leaves(as_text(b)), (path, part)
    assert {p for p in exported if not p.startswith("/_plugins/")} == set(held(engine))


@each_of({kind: kind for kind in ENGINES})
def a_dry_run_says_what_would_be_done_and_does_nothing(place, kind):
    engine = fresh(kind)
    settings(place, engine, kind)
    said = marks(setup(place, kind, "--dry-run").out)
    assert all(v == "would be created" or v.startswith("skipped") for v in said.values()), said
    assert held(engine) == {}
    setup(place, kind)
    said = marks(setup(place, kind, "--dry-run").out)
    assert all(v.startswith(("is there", "skipped")) for v in said.values()), said


def undated(asset):
    """Without the times at which Elasticsearch was told."""
    return {k: v for k, v in asset.items() if not k.endswith(("_date", "_date_millis"))}


def change(engine, path, **members):
    engine.ask("PUT", path, dict(undated(get(engine, path)), **members))


@each_of({kind: kind for kind in ENGINES})
def older_ones_are_updated_newer_ones_stay_and_strange_ones_are_replaced(place, kind):
    engine = fresh(kind)
    settings(place, engine, kind)
    setup(place, kind)
    wanted = {path: undated(asset) for path, asset in held(engine).items()}
    okta, ecs, gate = ("/_component_template/gatehouse-" + n for n in ("okta", "ecs", "gate"))
    change(engine, okta, version=0)
    change(engine, ecs, version=7)
    change(engine, gate, version=1, _meta={})
    said = marks(setup(place, kind).out)
    assert said["component template gatehouse-okta"] == "updated (from version 0 to 1)", said
    assert said["component template gatehouse-ecs"] == "a newer gatehouse's is there and stays (version 7)", said
    assert said["component template gatehouse-gate"] == "updated (was not made by gatehouse)", said
    assert get(engine, ecs)["version"] == 7
    change(engine, ecs, version=1)
    assert {path: undated(asset) for path, asset in held(engine).items()} == wanted


@each_of({"elasticsearch": "elasticsearch"})
def another_retention_changes_the_lifecycle(place, kind):
    engine = fresh(kind)
    settings(place, engine, kind)
    setup(place, kind)
    path = "/_index_template/gatehouse-okta"
    assert "data_retention" not in get(engine, path)["template"]["lifecycle"]
    settings(place, engine, kind, ", retention: 400d")
    said = marks(setup(place, kind).out)
    assert said["index template gatehouse-okta"] == "updated (the settings have changed since)", said
    assert get(engine, path)["template"]["lifecycle"]["data_retention"] == "400d"


@each_of({kind: kind for kind in ENGINES})
def an_index_of_ones_own_gets_a_template_of_its_own(place, kind):
    engine = fresh(kind)
    settings(place, engine, kind, ', index: "sign-ins-%{+yyyy.MM}"')
    setup(place, kind)
    own = get(engine, "/_index_template/gatehouse-index-sign-ins")
    assert own["index_patterns"] == ["sign-ins-*"] and "data_stream" not in own, own
    simulated = engine.ask("POST", "/_index_template/_simulate_index/sign-ins-2031.05")
    fields = simulated["template"]["mappings"]["properties"]
    assert "okta" in fields and "gatehouse" in fields and fields["client"]["properties"]["ip"]["type"] == "ip"


@test
def a_name_that_begins_with_a_field_gets_no_template_for_all_indices(place):
    place.settings("""state: %s
sources: [{ url: "http://127.0.0.1:9/api/v1/logs", api_key: none }]
outputs: [{ name: search, type: elasticsearch, hosts: ["x"], index: "%%{[data_stream.namespace]}-okta" }]
""" % place.path("state"))
    exported = export(place, "elasticsearch", "-c", place.path("gatehouse.yml"))
    assert exported and not any(p.startswith("/_index_template/") for p in exported), list(exported)


@each_of({kind: kind for kind in ENGINES})
def a_template_of_the_users_with_a_higher_priority_wins(place, kind):
    engine = fresh(kind)
    settings(place, engine, kind)
    setup(place, kind)
    engine.ask("PUT", "/_index_template/of-the-user", {
        "index_patterns": ["logs-okta.system-mine*"], "priority": 500, "data_stream": {},
        "composed_of": ["gatehouse-ecs", "gatehouse-okta"],
        "template": {"mappings": {"properties": {"user": {"properties": {"nick": {"type": "keyword"}}}}}}})
    simulated = engine.ask("POST", "/_index_template/_simulate_index/logs-okta.system-mine")
    engine.ask("DELETE", "/_index_template/of-the-user")
    assert "nick" in simulated["template"]["mappings"]["properties"]["user"]["properties"]


@each_of({kind: kind for kind in ENGINES})
def a_template_that_wins_without_our_fields_is_told(place, kind):
    """Before ours is there, after, and by the first document."""
    engine = fresh(kind) if kind == "opensearch" else ENGINES[kind](place)  # the streams stay in the other one
    sim = place.sim()
    sim.add(events(3, seed=6))
    stream = "logs-okta.system-overruled"

    def collect_into(namespace):
        settings(place, engine, kind, source='url: "%s", api_key: %s, data_stream: { namespace: %s }' % (
            sim.url, sim.token, namespace))

    def template(priority):
        engine.ask("PUT", "/_index_template/of-the-user", {
            "index_patterns": [stream + "*"], "priority": priority, "data_stream": {},
            "template": {"mappings": {"properties": {"own": {"type": "keyword"}}}}})

    def told():
        p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
        says = "another one counts that does not know the fields" in p.out + p.err
        assert p.returncode == (1 if says else 0), (p.out, p.err)
        return says

    collect_into("overruled")
    template(100)
    assert not told()
    template(500)
    assert told()
    p = place.collect_once()
    assert "index template of %s: another one counts" % stream in p.err, p.err
    assert engine.count(stream) == 3
    collect_into("overruled_later")
    assert told(), "ours is there, too"
    if kind == "opensearch":
        engine.ask("DELETE", "/_data_stream/*")
        engine.ask("DELETE", "/_index_template/of-the-user")
        assert not told()


@test
def raw_documents_need_none_of_our_templates(place):
    engine = fresh("elasticsearch")
    settings(place, engine, "elasticsearch", ", format: raw")
    p = setup(place, "elasticsearch")
    assert "none of gatehouse's" in p.out and held(engine) == {}, p.out


@each_of({"by default": ("", True), "not with template: false": (", template: false", False)})
def the_first_document_brings_the_templates(place, case):
    more, brought = case
    engine = fresh("opensearch")
    sim = place.sim()
    sim.add(events(3, seed=5))
    settings(place, engine, "opensearch", more, source='url: "%s", api_key: %s' % (sim.url, sim.token))
    place.collect_once()
    assert engine.count("logs-okta.system-default") == 3
    assert bool(held(engine)) == brought, list(held(engine))
    mapping = list(engine.ask("GET", "/logs-okta.system-default/_mapping").values())[0]["mappings"]["properties"]
    assert (mapping["client"]["properties"]["ip"]["type"] == "ip") == brought
    if not brought:
        engine.ask("DELETE", "/logs-okta.system-default")


# ---- test output ----

def streams(engine):
    """Everything that holds documents."""
    found = engine.ask("GET", "/_resolve/index/*")
    return {row["name"] for row in found["indices"] + found["data_streams"]}


def probes(engine):
    status, answer = engine.request("POST", "/_search", {"query": {"term": {"tags": "gatehouse-probe"}}})
    return answer["hits"]["hits"] if status == 200 else answer


@test
def where_there_is_no_stream_yet_the_probe_has_one_of_its_own_that_goes_away(place):
    engine = fresh("opensearch")
    engine.request("DELETE", "/_data_stream/logs-okta.system-default")
    settings(place, engine, "opensearch")
    setup(place, "opensearch")
    before = streams(engine)
    p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
    assert p.returncode == 0, (p.out, p.err)
    assert "written to .ds-logs-okta.system-gatehouse_probe" in p.out, p.out
    assert streams(engine) == before


@test
def the_probe_goes_where_the_namespace_of_the_source_says(place):
    engine = fresh("opensearch")
    settings(place, engine, "opensearch",
             source='url: "http://127.0.0.1:9/api/v1/logs", api_key: none, data_stream: { namespace: prod }')
    setup(place, "opensearch")
    for written in ("gatehouse_probe", "prod"):
        before = streams(engine)
        p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
        assert p.returncode == 0, (p.out, p.err)
        assert "✓ data stream: logs-okta.system-prod" in p.out, p.out
        assert "written to .ds-logs-okta.system-%s-" % written in p.out, p.out
        assert streams(engine) == before
        engine.request("PUT", "/logs-okta.system-prod/_create/kept?refresh=true",
                       {"@timestamp": "2031-01-01T00:00:00Z"})
        assert engine.ids("logs-okta.system-prod") == ["kept"]


@test
def an_index_that_is_not_there_is_not_left_behind(place):
    engine = fresh("opensearch")
    settings(place, engine, "opensearch", ', index: "sign-ins-%{+yyyy.MM}"')
    before = streams(engine)
    p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
    assert p.returncode == 0, (p.out, p.err)
    assert "the engine makes them up, unless `gatehouse setup` puts one there before" in p.out, p.out
    assert streams(engine) == before


@test
def the_wrong_type_of_output_is_told(place):
    engine = shared(OpenSearch)
    sim = place.sim()
    sim.add(events(3, seed=6))
    settings(place, engine, "elasticsearch", ", backoff: { init: 50ms, max: 100ms }",
             source='url: "%s", api_key: %s' % (sim.url, sim.token))
    for command in (["test", "output"], ["setup", "elasticsearch"], ["collect", "--once"]):
        p = place.run(*command, "-c", place.path("gatehouse.yml"))
        said = p.out + p.err
        assert p.returncode == 1 and "this is OpenSearch: set `type: opensearch`" in said, (command, said)


@test
def an_engine_that_is_not_there_is_told_by_both_commands(place):
    holder, port = refusing_port()
    settings(place, "http://127.0.0.1:%d" % port, "elasticsearch")
    p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
    assert p.returncode == 1 and "connection: " in p.out and str(port) in p.out, (p.out, p.err)
    p = setup(place, "elasticsearch", expect=1)
    holder.close()
    assert "✗ cannot be set up: http://127.0.0.1:%d: " % port in p.out and not p.err, (p.out, p.err)


class Guarded(http.server.BaseHTTPRequestHandler):
    """An engine with security, as far as it is asked here."""
    granted = {"create_doc": True, "auto_configure": False, "read": True, "view_index_metadata": True, "delete": False}
    seen = []

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.seen.append("%s %s" % (self.command, self.path))
        if self.path == "/":
            return self.answer(200, {"version": {"number": "9.5.3"}, "tagline": "You Know, for Search"})
        if self.path == "/_security/user/_has_privileges":
            return self.answer(200, {"has_all_requested": False, "cluster": {"manage_index_templates": False},
                                     "index": {"logs-okta.system-*": self.granted}})
        if "_simulate_index" in self.path or "_template/" in self.path:
            return self.answer(403, {"error": {"type": "security_exception", "reason": "action is unauthorized"},
                                     "status": 403})
        return self.answer(404, {"error": {"type": "index_not_found_exception", "reason": "no such index"},
                                 "status": 404})

    do_GET = do_PUT = do_POST = do_DELETE = handle_one

    def log_message(self, *args):
        pass


def guarded():
    Guarded.seen.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Guarded)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@test
def privileges_that_are_missing_are_named_and_no_probe_is_written_that_could_not_be_deleted(place):
    server = guarded()
    settings(place, "http://127.0.0.1:%d" % server.server_port, "elasticsearch")
    p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
    server.shutdown()
    assert p.returncode == 1, (p.out, p.err)
    assert "privileges that are missing: auto_configure, manage_index_templates" in p.out, p.out
    assert "without the privilege `delete` it would stay" in p.out, p.out
    assert not any(s.startswith(("PUT", "DELETE")) for s in Guarded.seen), Guarded.seen


@test
def of_many_data_streams_a_few_are_looked_at_and_the_rest_is_counted(place):
    server = guarded()
    row = 'name: s%d, url: "http://127.0.0.1:9/api/v1/logs", api_key: none, data_stream: { namespace: n%d }'
    settings(place, "http://127.0.0.1:%d" % server.server_port, "elasticsearch",
             source=" }\n  - { ".join(row % (i, i) for i in range(11)))
    p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
    server.shutdown()
    assert p.out.count("✓ data stream: logs-okta.system-n") == 8 and "more places: 3, " in p.out, (p.out, p.err)
    assert p.out.count("✓ connection: ") == 1, p.out


@test
def setup_without_the_privilege_says_which_engine_refused_and_ends_with_1(place):
    server = guarded()
    settings(place, "http://127.0.0.1:%d" % server.server_port, "elasticsearch")
    p = setup(place, "elasticsearch", expect=1)
    server.shutdown()
    assert p.out.count("security_exception") == 1 and "✗" in p.out, p.out
    assert "/_component_template/gatehouse-ecs" in p.out and str(server.server_port) in p.out, p.out


# ---- words and settings ----

@test
def export_needs_neither_settings_nor_an_engine(place):
    for kind in ENGINES:
        exported = export(place, kind)
        assert all(p.startswith("/_") and isinstance(b, dict) for p, b in exported.items())
        for path, body in exported.items():
            if not path.startswith("/_plugins/"):
                assert body["version"] == 1 and body["_meta"]["managed_by"] == "gatehouse", path
    assert "/_plugins/_ism/policies/gatehouse-logs" in export(place, "opensearch")


@test
def the_policy_of_opensearch_keeps_what_the_settings_say(place):
    place.settings("""state: %s
sources: [{ url: "http://127.0.0.1:9/api/v1/logs", api_key: none }]
outputs: [{ name: search, type: opensearch, hosts: ["x"], retention: 30d }]
""" % place.path("state"))
    policy = export(place, "opensearch", "-c", place.path("gatehouse.yml"))["/_plugins/_ism/policies/gatehouse-logs"]
    hot, gone = policy["policy"]["states"]
    assert hot["actions"][0]["rollover"]["min_index_age"] == "7d"
    assert hot["transitions"][0] == {"state_name": "delete", "conditions": {"min_rollover_age": "30d"}}
    assert gone["actions"] == [{"delete": {}}]


@each_of({
    "an engine that is none": (["solr"], "expected elasticsearch or opensearch"),
    "no word": ([], "usage: gatehouse setup"),
    "an output that is not there": (["elasticsearch", "--output", "other"], "is called other, expected search"),
    "a type that no output has": (["opensearch"], "no output of type opensearch"),
})
def wrong_words_end_with_2(place, case):
    words, text = case
    settings(place, "http://127.0.0.1:9", "elasticsearch")
    p = place.run("setup", *words)
    assert p.returncode == 2 and text in p.err, (p.returncode, p.out, p.err)


@each_of({kind: kind for kind in ENGINES})
def a_probe_is_written_found_and_deleted_where_documents_go(place, kind):
    engine = fresh(kind)
    settings(place, engine, kind)
    setup(place, kind)
    document = {"@timestamp": "2031-01-01T00:00:00Z", "tags": ["kept"]}
    engine.request("PUT", "/logs-okta.system-default/_create/kept?refresh=true", document)
    before = streams(engine)
    p = place.run("test", "output", "-c", place.path("gatehouse.yml"))
    assert p.returncode == 0, (p.out, p.err)
    for words in ("connection: ", "index mapping: knows the fields", "a probe document: written to .ds-logs-okta.system-default",
                  "is found", "is deleted again"):
        assert words in p.out, (words, p.out)
    version = "9.5.3" if kind == "elasticsearch" else "OpenSearch 2.19.3"
    assert version in p.out, p.out
    engine.ask("POST", "/_refresh")
    assert probes(engine) == []
    assert streams(engine) == before
    assert engine.ids("logs-okta.system-default") == ["kept"]


if __name__ == "__main__":
    main()
