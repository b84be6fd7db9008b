# SPDX-License-Identifier: Apache-2.0
"""The dashboard and the alert rules: valid, and about metrics that exist."""
import json
import os
import re
import subprocess
import sys
import traceback

SOURCE = os.environ["GATEHOUSE_SOURCE"]
PROMTOOL = os.environ["PROMTOOL"]
RULES = os.path.join(SOURCE, "packaging", "prometheus", "gatehouse.rules.yml")
RULES_TEST = os.path.join(SOURCE, "tests", "packaging", "gatehouse.rules_test.yml")
DASHBOARD = os.path.join(SOURCE, "packaging", "grafana", "gatehouse.json")

tests = []


def test(function):
    tests.append(function)
    return function


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def documented():
    """{metric: its labels} as docs/metrics.md has them."""
    rows = re.findall(r"^\| `(\w+)` \| (?:counter|gauge) \|([^|]*)\|", read(os.path.join(SOURCE, "docs", "metrics.md")),
                      re.MULTILINE)
    assert len(rows) > 50, "docs/metrics.md: only %d metrics" % len(rows)
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


def dashboard():
    return json.loads(read(DASHBOARD))


def panels():
    return [p for p in dashboard()["panels"] if p["type"] != "row"]


def expressions():
    """Everything that asks Prometheus, with where it stands."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield "$" + variable["name"], variable["definition"]
    for alert, expr in re.findall(r"- alert: (\w+)\n +expr: (.+)", read(RULES)):
        yield alert, expr


def metrics_of(expr):
    """[(metric, the labels that are asked of it)]."""
    found = re.findall(r"\b((?:gatehouse|process)_\w+)(?:\{([^}]*)\})?", expr)
    return [(name, set(re.findall(r"(\w+) *(?:=~|!~|!=|=)", labels))) for name, labels in found]


def promtool(*args):
    done = subprocess.run([PROMTOOL, *args], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@test
def promtool_finds_nothing_wrong_with_the_rules():
    assert "rules found" in promtool("check", "rules", RULES)


@test
def the_rules_fire_when_they_should_and_else_are_silent():
    assert "SUCCESS" in promtool("test", "rules", RULES_TEST)


@test
def every_rule_fires_in_the_tests():
    wanted = set(re.findall(r"- alert: (\w+)", read(RULES)))
    fired = set(re.findall(r'alertname="(\w+)"', read(RULES_TEST))) | {"GatehouseAbsent"}
    assert len(wanted) > 10 and wanted == fired, wanted ^ fired


@test
def every_rule_has_a_severity_a_summary_and_a_description():
    text = read(RULES)
    count = text.count("- alert: ")
    for part in ("severity: ", "summary: ", "description: "):
        assert text.count(part) == count, part


@test
def every_metric_that_is_asked_for_is_documented_and_has_those_labels():
    known, asked = documented(), 0
    for where, expr in expressions():
        names = metrics_of(expr)
        assert names, "%s asks for nothing: %s" % (where, expr)
        for name, labels in names:
            asked += 1
            assert name in known, "%s asks for %s, which docs/metrics.md does not know" % (where, name)
            assert labels <= known[name] | {"job", "instance"}, "%s: %s has no label %s" % (where, name, labels - known[name])
    assert asked > 60, asked


@test
def what_is_told_apart_in_the_dashboard_are_labels():
    known = documented()
    for panel in panels():
        for target in panel["targets"]:
            labels = set().union(*(known[name] for name, _ in metrics_of(target["expr"])))
            used = set(re.findall(r"{{(\w+)}}", target["legendFormat"])) | {
                word.strip() for group in re.findall(r"\bby \(([^)]*)\)", target["expr"]) for word in group.split(",")}
            assert used <= labels | {"job", "instance"}, "%s: %s" % (panel["title"], used - labels)


@test
def prometheus_can_parse_every_expression_of_the_dashboard():
    rules = {"groups": [{"name": "dashboard", "rules": []}]}
    for number, panel in enumerate(panels()):
        for target in panel["targets"]:
            expr = target["expr"].replace("$__rate_interval", "5m")
            rules["groups"][0]["rules"].append({"record": "panel:%d:%s" % (number, target["refId"]), "expr": expr})
    path = os.path.join(os.environ["GATEHOUSE_BUILD"], "dashboard-%d.rules.json" % os.getpid())
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rules, file)
    try:
        assert "SUCCESS: %d rules" % len(rules["groups"][0]["rules"]) in promtool("check", "rules", path)
    finally:
        os.unlink(path)


# What an expression looks like, the first that fits, and the units in which Grafana may show it.
UNITS = (
    (r"\) / |\} / |_ratio\{|process_cpu_seconds_total", {"percentunit"}),
    (r"\brate\(", {"cps", "reqps"}),
    (r"\bincrease\(", {"short"}),
    (r"_bytes\{", {"bytes"}),
    (r"^time\(\) - |_seconds\{", {"s"}),
    (r"", {"short"}),
)


@test
def every_panel_has_the_unit_of_what_it_asks_for():
    for panel in panels():
        unit = panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            fitting = next(units for shape, units in UNITS if re.search(shape, target["expr"]))
            assert unit in fitting, "%s: %s is shown as %s" % (panel["title"], target["expr"], unit)


@test
def counters_are_asked_for_what_was_added_and_gauges_for_what_they_are():
    kinds = dict(re.findall(r"^\| `(\w+)` \| (counter|gauge) \|", read(os.path.join(SOURCE, "docs", "metrics.md")), re.MULTILINE))
    for where, expr in expressions():
        for wrapped, name in re.findall(r"(\b(?:rate|increase)\()?\b((?:gatehouse|process)_\w+)", expr):
            # Of a process that is young, a counter is what was added; the rule says so itself.
            young = where == "GatehouseDeadLetters" and kinds[name] == "counter"
            assert bool(wrapped) == (kinds[name] == "counter") or young, "%s: %s is a %s" % (where, name, kinds[name])


@test
def the_dashboard_asks_the_data_source_that_is_chosen():
    board = dashboard()
    ids = [p["id"] for p in board["panels"]]
    assert len(ids) == len(set(ids)) > 20
    assert board["templating"]["list"][0]["type"] == "datasource"
    for panel in panels():
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]


@test
def no_two_panels_lie_on_one_place():
    taken = {}
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"], (panel["title"], taken[x, y])


def main():
    print("1..%d" % len(tests))
    failed = 0
    for number, function in enumerate(tests, 1):
        title = function.__name__.replace("_", " ")
        try:
            function()
            print("ok %d - %s" % (number, title))
        except Exception:
            failed += 1
            print("not ok %d - %s" % (number, title))
            for line in traceback.format_exc().splitlines():
                print("# " + line)
    sys.exit(1 if failed else 0)


main()
