# SPDX-License-Identifier: Apache-2.0
"""The same documents as Elastic's: every event of the shared material is indexed by a real engine with the templates
of `gatehouse setup`. Nothing is refused, every field has the type that was declared, what is held equals what Elastic's
own pipeline made, and the questions of its dashboard and of its detection rules are answered."""
import functools
import json
import os
import re
import threading

from engines import Elasticsearch, OpenSearch, shared
from harness import Skip, each_of, main, now_ms, rfc3339
from permitted import SHARED, corpus, golden, read, table, upstream, variations, wrong

TAGS = {"forwarded": "tags=forwarded,okta-system", "preserve": "tags=preserve_original_event,forwarded,okta-system"}
UPSTREAM = "tags=preserve_original_event"
REMOVE = "remove_flattened_debug=true"
ENGINES = {"Elasticsearch": Elasticsearch, "OpenSearch": OpenSearch}
TYPES = {"Elasticsearch": "elasticsearch", "OpenSearch": "opensearch"}

# name of the stream's namespace: cases, settings of `map`
SETS = {
    "upstream": (lambda: upstream(), [UPSTREAM]),
    "corpus": (lambda: corpus("corpus-documents.ndjson"), [TAGS["preserve"]]),
    "corpus_fields": (lambda: corpus("corpus-documents-remove_flattened_debug.ndjson"), [TAGS["preserve"], REMOVE]),
    "variations": (lambda: variations(False, False), [TAGS["forwarded"]]),
    "variations_kept": (lambda: variations(True, False), [TAGS["forwarded"], "preserve_original_event=true"]),
    "variations_fields": (lambda: variations(True, True),
                          [TAGS["forwarded"], "preserve_original_event=true", REMOVE]),
    "golden": (golden, [TAGS["forwarded"]]),
    "golden_fields": (golden, [TAGS["forwarded"], REMOVE]),
}
# What no index of Elastic's own takes either: a bare text where the type is flattened. (What is collected has such a text
# in an object.) OpenSearch has nothing like `subobjects: false`, so there an object in place of a text of the debug data
# is too much.
BARE = {"v083", "v175"}
BAD_TEXT = "device.enrollment.create-bad-integrator"
REFUSED = {"Elasticsearch": {"variations": BARE, "variations_kept": BARE, "variations_fields": BARE,
                             "golden": {BAD_TEXT}, "golden_fields": {BAD_TEXT}},
           "OpenSearch": {"variations": BARE, "variations_kept": BARE, "variations_fields": BARE,
                          "golden": {BAD_TEXT}, "golden_fields": {BAD_TEXT, "absurd-scalars"}}}
TIMELESS = "2030-01-01T00:00:00.000Z"  # what the recording of the pipeline had where `published` is no time


def need_material():
    if not os.path.isdir(SHARED):
        raise Skip("the shared material is not there")


def stream(name):
    return "logs-okta.system-" + name


def mapped(place, cases, settings):
    """[(case, document as text)] by `gatehouse map`; what is no event is left out."""
    cases = [c for c in cases if c[1].strip()]
    words = [word for s in settings for word in ("--set", s)]
    p = place.run("map", *words, stdin="\n".join(c[1] for c in cases).encode("utf-8", "surrogatepass"))
    refused = {int(n) for n in re.findall(r"^line (\d+):", p.err, re.M)}
    kept = [c[0] for i, c in enumerate(cases) if i + 1 not in refused]
    documents = [line for line in p.out.split("\n") if line]
    assert len(kept) == len(documents), (len(kept), len(documents), p.err)
    return list(zip(kept, documents))


def as_collected(document, namespace):
    """With what a data stream wants; the text else as it is, digits and all."""
    stream_of = {"type": "logs", "dataset": "okta.system", "namespace": namespace}
    time = "" if document.startswith('{"@timestamp"') else '"@timestamp":"%s",' % TIMELESS
    head, found, rest = document[1:].partition('"event":{')
    assert found
    return '{"data_stream":%s,%s%s"event":{"module":"okta","dataset":"okta.system",%s' % (
        json.dumps(stream_of), time, head, rest)


def as_mapped(document):
    """Without what collecting adds."""
    if document["@timestamp"] == TIMELESS:
        del document["@timestamp"]
    for name in ("module", "dataset", "created"):
        document["event"].pop(name, None)
    return {k: v for k, v in document.items() if k not in ("data_stream", "agent")}


def settings_for(place, engine, kind, more=""):
    return place.settings("""state: %s
sources:
  - { url: "http://127.0.0.1:9/api/v1/logs", api_key: none }
outputs:
  - { name: search, type: %s, hosts: ["%s"]%s }
""" % (place.path("state"), TYPES[kind], engine.url, more))


def put_templates(place, engine, kind):
    p = place.run("setup", TYPES[kind], "-c", settings_for(place, engine, kind))
    assert p.returncode == 0, p.err


def send(engine, name, documents):
    """Puts all of them as the sink does; gives the reasons of what was refused."""
    lines = []
    for case, document in documents:
        lines += [json.dumps({"create": {"_index": stream(name), "_id": case}}), as_collected(document, name)]
    status, answer = engine.request("POST", "/_bulk?refresh=true", "".join(x + "\n" for x in lines).encode(),
                                    {"Content-Type": "application/x-ndjson"})
    assert status == 200, answer
    return {i["create"]["_id"]: i["create"]["error"] for i in answer["items"] if i["create"]["status"] != 201}


filling = threading.Lock()


@functools.cache
def filled(kind):
    return {}


def fill(place, kind):
    """The engine of that kind with all sets in it, once per run. Gives it, and what it refused."""
    need_material()
    engine = shared(ENGINES[kind])
    with filling:
        refused = filled(kind)
        if not refused:
            put_templates(place, engine, kind)
            for name, (cases, settings) in SETS.items():
                refused[name] = send(engine, name, mapped(place, cases(), settings))
    return engine, refused


@each_of({kind: kind for kind in ENGINES})
def no_document_is_refused_but_what_no_mapping_takes(place, kind):
    engine, refused = fill(place, kind)
    for name, errors in refused.items():
        assert set(errors) == REFUSED[kind].get(name, set()), json.dumps({name: errors}, indent=1)[:3000]
    assert engine.count(stream("corpus")) == 153
    assert engine.count(stream("upstream")) == 26
    assert engine.count(stream("variations")) > 150


@each_of({kind: kind for kind in ENGINES})
def what_is_held_equals_what_elastics_pipeline_made(place, kind):
    engine, _ = fill(place, kind)
    rows = table()
    bad = []
    for name, (cases, _) in SETS.items():
        held = {hit["_id"]: as_mapped(hit["_source"]) for hit in engine.hits(stream(name))}
        for case, event, theirs in cases():
            if theirs is not None and case in held:
                theirs.pop("_id", None)
                if "original" in theirs["event"] and event != event.strip():
                    theirs["event"]["original"] = event.strip()  # `map` reads lines
                bad += [(name, case, *d) for d in wrong(rows, case, theirs, held[case])]
    assert not bad, "%d differences:\n%s" % (len(bad), "\n".join(map(str, bad[:20])))


def declared(place, kind, bare=True):
    """name: type, of `setup --export`; as this bare server takes it."""
    p = place.run("setup", TYPES[kind], "--export")
    assert p.returncode == 0, p.err
    found = {}
    for path, body in json.loads(p.out).items():
        if path in ("/_component_template/gatehouse-ecs", "/_component_template/gatehouse-okta",
                    "/_index_template/gatehouse-okta"):
            walk(body["template"]["mappings"], "", found)
    plain = {"match_only_text": "text", "constant_keyword": "keyword", "wildcard": "keyword"}
    return {n: plain.get(t, t) if bare and kind == "Elasticsearch" else t for n, t in found.items()}


def walk(mapping, prefix, found):
    """name: type of each field and multi-field. Objects have no type, unless they are not looked into."""
    for name, field in mapping.get("properties", {}).items():
        if "properties" in field:
            walk(field, prefix + name + ".", found)
        elif field.get("type", "object") != "object" or field.get("enabled") is False:
            found[prefix + name] = field["type"]
        for inner, sub in field.get("fields", {}).items():
            found["%s%s.%s" % (prefix, name, inner)] = sub["type"]
    return found


def held_types(engine, name):
    mappings = engine.ask("GET", "/%s/_mapping" % stream(name))
    return walk(list(mappings.values())[-1]["mappings"], "", {})


@each_of({kind: kind for kind in ENGINES})
def every_field_has_the_type_that_was_declared(place, kind):
    engine, _ = fill(place, kind)
    wanted = declared(place, kind)
    assert len(wanted) > 250
    for name in SETS:
        held = held_types(engine, name)
        assert {n: held.get(n) for n in wanted} == wanted, name
        unknown = {n: t for n, t in held.items() if n not in wanted}
        loose = "okta.debug_context.debug_data." if kind == "OpenSearch" else "none"  # objects of no known name
        assert all(n.startswith("okta.") and t == "keyword" or n.startswith(loose) and t == "object"
                   for n, t in unknown.items()), unknown


@each_of({kind: kind for kind in ENGINES})
def every_field_of_every_document_is_declared_or_a_member_without_a_contract(place, kind):
    engine, _ = fill(place, kind)
    wanted = declared(place, kind)
    whole = {n for n, t in wanted.items() if t in ("flattened", "flat_object", "object", "geo_point")}
    for name in SETS:
        for hit in engine.hits(stream(name)):
            for path in paths(hit["_source"]):
                parts = path.split(".")
                above = {".".join(parts[:i]) for i in range(1, len(parts) + 1)}
                free = path.startswith(("okta.debug_context.debug_data.", "okta.target.", "okta.device."))
                assert path in wanted or above & whole or free, (name, hit["_id"], path)


def paths(value, prefix=""):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, prefix + "." + name if prefix else name)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, prefix)
    else:
        yield prefix


def nested(depth):
    """`depth` objects, one inside the other."""
    found = {"end": "x"}
    for _ in range(depth):
        found = {"in": found}
    return found


# name: members of an event, with what they have another type of than usual, or more than anybody would expect
ABSURD = {
    "a text of 100,000 bytes": {"displayMessage": "long " * 20000, "debugContext": {"debugData": {"k": "y" * 100000}}},
    "150 levels": {"device": nested(150), "debugContext": {"debugData": {"deep": nested(150)}}},
    "3,000 members without a name in the table":
        {"debugContext": {"debugData": {"member %d" % i: "v" for i in range(3000)}}},
    "texts for numbers and flags": {"securityContext": {"asNumber": "many", "isProxy": "perhaps"},
                                    "authenticationContext": {"authenticationStep": "first"}},
    "an integer of 30 digits": {"debugContext": {"debugData": {"n": 10 ** 30}}, "device": {"n": 10 ** 30}},
    "a number for a text": {"device": {"id": 7, "managed": "yes"}, "displayMessage": 12},
    "objects for texts": {"device": {"id": {"a": 1}}, "target": [{"id": {"b": [1, {"c": 2}]}, "type": "x"}]},
    "texts again": {"device": {"id": "x", "n": "text"}, "target": [{"id": "y", "type": "x"}]},
    "half a place": {"client": {"geographicalContext": {"geolocation": {"lat": "north"}, "country": 3}}},
    "a bad address in the chain": {"request": {"ipChain": [{"ip": "nowhere", "source": {"a": [1]}}]}},
}
# Without `subobjects: false` and an `ignore_above` of flat_object.
TOO_MUCH = {"Elasticsearch": set(),
            "OpenSearch": {"a text of 100,000 bytes", "objects for texts", "3,000 members without a name in the table"}}


@each_of({"%s, %s" % (kind, form): (kind, form) for kind in ENGINES for form in ("flattened", "fields")})
def absurd_members_do_not_cost_the_document(place, case):
    kind, form = case
    engine, _ = fill(place, kind)
    basis = {"eventType": "x.y", "published": "2031-05-06T07:08:09.000Z"}
    found = [(name, json.dumps(dict(basis, uuid=name, **more)), None) for name, more in ABSURD.items()]
    refused = send(engine, "absurd_" + form, mapped(place, found, [REMOVE] if form == "fields" else []))
    assert set(refused) <= TOO_MUCH[kind], json.dumps(refused, indent=1)[:3000]
    assert engine.count(stream("absurd_" + form)) == len(found) - len(refused)


# ---- questions ----

def values_at(document, path):
    """Every value at a dotted path, through lists."""
    found = [document]
    for part in path.split("."):
        found = [v[part] for one in found for v in (one if isinstance(one, list) else [one])
                 if isinstance(v, dict) and part in v]
    return [v for one in found for v in (one if isinstance(one, list) else [one])]


def count(engine, name, query):
    return engine.ask("GET", "/%s/_count" % stream(name), {"query": query})["count"]


def documents(engine, name):
    return [hit["_source"] for hit in engine.hits(stream(name))]


def counts(held, path):
    found = {}
    for d in held:
        for v in {json.dumps(v) if isinstance(v, bool) else str(v) for v in values_at(d, path)}:
            found[v] = found.get(v, 0) + 1
    return found


@each_of({"%s, %s" % (kind, path): (kind, path) for kind in ENGINES for path in
          ("event.outcome", "okta.transaction.type", "okta.actor.type", "data_stream.dataset", "event.category",
           "event.action", "okta.debug_context.debug_data.risk_level", "client.geo.country_name")})
def a_panel_counts_the_values_of(place, case):
    kind, path = case
    engine, _ = fill(place, kind)
    for name in ("corpus", "corpus_fields"):
        wanted = counts(documents(engine, name), path)
        answer = engine.ask("GET", "/%s/_search" % stream(name),
                            {"size": 0, "aggs": {"top": {"terms": {"field": path, "size": 1000}}}})
        found = {b["key"]: b["doc_count"] for b in answer["aggregations"]["top"]["buckets"]}
        assert wanted and found == wanted, (found, wanted)
        for value, n in wanted.items():
            assert count(engine, name, {"term": {path: value}}) == n, value


@each_of({kind: kind for kind in ENGINES})
def the_map_finds_the_places_within_a_box(place, kind):
    engine, _ = fill(place, kind)
    points = [p for d in documents(engine, "corpus") for p in values_at(d, "client.geo.location")]
    assert len(points) > 20
    box = {"top_left": {"lat": 60, "lon": -130}, "bottom_right": {"lat": 20, "lon": -60}}
    inside = [p for p in points if 20 <= p["lat"] <= 60 and -130 <= p["lon"] <= -60]
    assert 0 < len(inside) < len(points)
    assert count(engine, "corpus", {"geo_bounding_box": {"client.geo.location": box}}) == len(inside)


@each_of({kind: kind for kind in ENGINES})
def ranges_of_times_addresses_and_numbers_are_found(place, kind):
    engine, _ = fill(place, kind)
    held = documents(engine, "corpus")
    times = sorted(t for d in held for t in values_at(d, "@timestamp"))
    middle = times[len(times) // 2]
    assert count(engine, "corpus", {"range": {"@timestamp": {"gte": middle}}}) == sum(t >= middle for t in times)
    for path in ("client.ip", "source.ip", "okta.client.ip", "related.ip"):
        wanted = sum(any(str(v).startswith("10.") for v in values_at(d, path)) for d in held)
        assert count(engine, "corpus", {"term": {path: "10.0.0.0/8"}}) == wanted, path
        assert count(engine, "corpus", {"range": {path: {"gte": "0.0.0.0", "lte": "255.255.255.255"}}}) > 20, path
    for path in ("source.as.number", "okta.security_context.as.number"):
        wanted = sum(any(v >= 10000 for v in values_at(d, path)) for d in held)
        assert wanted and count(engine, "corpus", {"range": {path: {"gte": 10000}}}) == wanted, path
    proxies = sum(True in values_at(d, "okta.security_context.is_proxy") for d in held)
    assert count(engine, "corpus", {"term": {"okta.security_context.is_proxy": True}}) == proxies


@each_of({kind: kind for kind in ENGINES})
def words_are_found_in_names_and_user_agents(place, kind):
    engine, _ = fill(place, kind)
    held = documents(engine, "corpus")
    for path, word in (("user_agent.original", "mozilla"), ("okta.client.user_agent.raw_user_agent", "chrome"),
                       ("okta.debug_context.debug_data.url", "login"), ("client.user.full_name", "add-APT")):
        texts = [" ".join(map(str, values_at(d, path))).lower() for d in held]
        words = [re.findall(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*", t) for t in texts]
        terms = re.findall(r"[a-z0-9]+", word.lower())
        least = sum(all(any(term == w for w in ws) for term in terms) for ws in words)
        query = {"match": {path + ".text": {"query": word, "operator": "and"}}}
        assert count(engine, "corpus", query) >= least, (path, word, least)
        assert count(engine, "corpus", {"match": {path + ".text": "wordthatisnowhere"}}) == 0


@each_of({kind: kind for kind in ENGINES})
def members_of_the_flattened_debug_data_are_found(place, kind):
    engine, _ = fill(place, kind)
    held = documents(engine, "corpus")
    base = "okta.debug_context.debug_data.flattened."
    for member in ("grantType", "requestedScopes", "privilegeGranted", "requestUri", "dtHash"):
        for value, n in counts(held, base + member).items():
            assert count(engine, "corpus", {"term": {base + member: value}}) == n, (member, value)


# What each field of the rules is asked for there: equality and wildcards for most, networks for addresses.
@each_of({kind: kind for kind in ENGINES})
def each_field_of_the_detection_rules_can_be_queried(place, kind):
    engine, _ = fill(place, kind)
    wanted = declared(place, kind)
    flattened = "okta.debug_context.debug_data.flattened"
    fields = [line.split("\t")[0] for line in read(SHARED, "okta-ecs", "detection-rule-fields.tsv").splitlines()
              if line and not line.startswith("#")]
    assert len(fields) == 45
    held = documents(engine, "corpus") + documents(engine, "variations")
    for field in fields:
        assert field in wanted or field.startswith(flattened + "."), field
        there = sum(any(not isinstance(v, dict) for v in values_at(d, field)) for d in held)
        if wanted.get(field) == "object":
            continue  # OpenSearch: risk_behaviors says it
        found = sum(count(engine, name, {"exists": {"field": field}}) for name in ("corpus", "variations"))
        constant = wanted.get(field) == "constant_keyword"  # found in all
        assert constant or found <= there and (found or not there), (field, found, there)
        for value in list(counts(held, field))[:5] if there else []:
            found = sum(count(engine, name, {"term": {field: value}}) for name in ("corpus", "variations"))
            assert found > 0, (field, value)
        if wanted.get(field) == "keyword":
            found = count(engine, "corpus", {"wildcard": {field: "*"}})
            assert found == count(engine, "corpus", {"exists": {"field": field}}), field


# ---- collected ----

def renewed(text, number):
    """An event of the corpus, of today and with a uuid of its own (some are in the corpus more than once)."""
    found = json.loads(text)
    return dict(found, published=rfc3339(now_ms() - 3600_000 + number * 10),
                uuid="00000000-0000-4000-8000-%012d" % number)


@each_of({kind: kind for kind in ENGINES})
def collecting_delivers_what_map_makes_and_the_agents_fields(place, kind):
    engine, _ = fill(place, kind)
    found = [renewed(c[1], i) for i, c in enumerate([*corpus("corpus-documents.ndjson"), *upstream()])]
    bare = [renewed(c[1], 1000 + i) for i, c in enumerate(variations(False, False)) if c[0] in BARE]
    assert len(bare) == len(BARE)
    sim = place.sim()
    sim.add(found + bare)
    place.settings("""state: %s
sources:
  - { url: "%s", api_key: %s, name: acme, data_stream: { namespace: collected } }
outputs:
  - { name: search, type: %s, hosts: ["%s"] }
""" % (place.path("state"), sim.url, sim.token, TYPES[kind], engine.url))
    place.collect_once()
    assert place.dead_letters() == []
    held = {hit["_id"]: hit["_source"] for hit in engine.hits(stream("collected"))}
    odd = [held.pop(e["uuid"])["okta"] for e in bare]
    assert [d["request"]["ip_chain"] for d in odd if "ip_chain" in d.get("request", {})] != []
    assert all(isinstance(hop, dict) for d in odd for hop in d.get("request", {}).get("ip_chain", []))
    assert [type(d["device"]["device_integrator"]) for d in odd if "device" in d] == [dict]
    assert len(held) == len(found) == 179
    for case, document in mapped(place, [(e["uuid"], json.dumps(e)) for e in found], ["url=" + sim.url]):
        ours = held[case]
        assert ours["agent"]["type"] == "gatehouse" and ours["event"]["created"] and ours["event"]["module"] == "okta"
        assert as_mapped(ours) == json.loads(document), (case, ours, document)
    wanted = declared(place, kind)
    types = held_types(engine, "collected")
    assert {n: types.get(n) for n in wanted} == wanted


if __name__ == "__main__":
    main()
