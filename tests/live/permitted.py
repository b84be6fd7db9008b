# SPDX-License-Identifier: Apache-2.0
"""Comparing documents with those of Elastic's pipeline, by the rules of tests/unit/ecs: the table of permitted
differences is read from test_ecs_golden.c, so that there is one."""
import json
import os
import re

SOURCE = os.environ.get("GATEHOUSE_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SHARED = os.path.join(SOURCE, "..", "shared")

TEXT = r'"(?:[^"\\]|\\.)*"'


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as f:
        return f.read()


def joined(words, macros):
    """The value of adjacent texts and macros of C."""
    found = re.findall(TEXT + r"|[A-Z_]+", words)
    return "".join(json.loads(w) if w[0] == '"' else macros[w] for w in found)


def table():
    """Rows (cases, kinds, path) of `permitted`."""
    code = read(SOURCE, "tests", "unit", "ecs", "test_ecs_golden.c")
    macros = {name: json.loads(text) for name, text in re.findall(r"#define ([A-Z_]+) (%s)" % TEXT, code)}
    body = re.search(r"permitted\[\] = \{\n(.*?)\n\};", code, re.S).group(1)
    body = re.sub(r"^ *//.*$", "", body, flags=re.M)
    part = r"((?:%s|[A-Z_]+|\s)+)" % TEXT
    rows = re.findall(r"\{%s,%s,%s,%s\}" % (part, part, part, part), body)
    assert len(rows) == body.count("},"), "test_ecs_golden.c is written in another way than expected"
    return [tuple(joined(words, macros) for words in row[:3]) for row in rows]


def canonical(value):
    if isinstance(value, dict):
        return "{%s}" % ",".join(sorted("%s:%s" % (json.dumps(k), canonical(v)) for k, v in value.items()
                                        if v is not None and v != []))
    if isinstance(value, list):
        return "[%s]" % ",".join(sorted(canonical(v) for v in value if v is not None and v != []))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "%.17g" % value
    return json.dumps(value)


def leaves(value, path=""):
    """path: canonical text; lists as sets, without nulls and empty lists."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict) or not value:
        return {path: canonical(value)}
    found = {}
    for name, inner in value.items():
        found.update(leaves(inner, path + "." + name if path else name))
    return found


def differences(theirs, ours):
    """(kind, path, theirs, ours): + only ours, - only theirs, ~ both."""
    a, b = leaves(theirs), leaves(ours)
    for path in sorted(set(a) | set(b)):
        if a.get(path) != b.get(path):
            kind = "~" if path in a and path in b else "-" if path in a else "+"
            yield kind, path, a.get(path), b.get(path)


def is_permitted(rows, case, kind, path):
    for cases, kinds, pattern in rows:
        named = cases == "*" or case in cases.split(" ")
        there = path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
        if named and there and kind in kinds:
            return True
    return False


def wrong(rows, case, theirs, ours):
    """Differences that may not be."""
    return [d for d in differences(theirs, ours) if not is_permitted(rows, case, d[0], d[1])]


# ---- what there is to map ----

def corpus(documents):
    """(case, event, their document) of a file of real-pipeline."""
    for line in read(SHARED, "okta-ecs", "real-pipeline", documents).splitlines():
        row = json.loads(line)
        event = read(SHARED, "corpus", row["file"]).split("\n")[row["line"] - 1]
        yield "%s:%d" % (row["file"], row["line"]), event, row["doc"]


def golden():
    """Our own, absurd ones among them; no document to compare with: tests/unit/ecs does that."""
    folder = os.path.join(SOURCE, "tests", "golden")
    for name in sorted(os.listdir(folder)):
        if name.endswith(".okta.json"):
            yield name[:-len(".okta.json")], " ".join(read(folder, name).split("\n")), None


def upstream():
    lines = read(SHARED, "okta-ecs", "test-okta-system-events.log").splitlines()
    expected = json.loads(read(SHARED, "okta-ecs", "derived-mainline-3.14-expected.json"))["expected"]
    return [(str(i + 1), line, doc) for i, (line, doc) in enumerate(zip(lines, expected))]


def variations(preserve, remove):
    """The inputs that poke at the pipeline, as recorded under two settings; those that no document came of are None."""
    folder = os.path.join(SHARED, "okta-ecs", "real-pipeline")
    inputs = {r["id"]: r["message"] for r in map(json.loads, read(folder, "variations.ndjson").splitlines())}
    for row in map(json.loads, read(folder, "variations-documents.ndjson").splitlines()):
        if row["preserve_original_event"] == preserve and row["remove_flattened_debug"] == remove:
            yield row["id"], inputs[row["id"]], row.get("doc")
