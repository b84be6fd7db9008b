# SPDX-License-Identifier: Apache-2.0
"""The commands: what they print, what they refuse, and with which exit status."""
import json
import os
import re
import subprocess

from harness import each_of, event_ids, events, GATEHOUSE, GOOD, main, test, uuids_of

COMMANDS = ("run", "collect", "map", "test", "setup", "status", "dead-letters", "keygen", "init", "mfa", "rotate", "settings")


# ---- help and wrong usage ----

@test
def every_command_has_a_help_that_names_its_options(place):
    top = place.run("--help")
    assert top.returncode == 0 and top.err == "", top.err
    for command in COMMANDS:
        p = place.run(command, "--help")
        assert p.returncode == 0 and p.err == "" and "usage: gatehouse " + command in p.out, (command, p.out, p.err)
        assert "--help" in p.out
        if command != "settings":
            assert "\n  %s " % command in top.out, command
    assert "--once" in place.run("collect", "--help").out
    assert "--once" not in place.run("run", "--help").out


@test
def the_version_is_one_line(place):
    p = place.run("--version")
    assert p.returncode == 0 and re.fullmatch(r"gatehouse \d+\.\d+\.\d+\n", p.out), p.out


@each_of({
    "no command": ([], "usage: gatehouse"),
    "an unknown command": (["colect"], "did you mean collect?"),
    "an unknown option": (["collect", "--onec"], "--onec: no such option"),
    "another command's option": (["run", "--once"], "--once: no such option"),
    "a value for a switch": (["collect", "--once=yes"], "takes no value"),
    "a missing value": (["collect", "-c"], "a value is missing"),
    "test without a word": (["test"], "usage: gatehouse test"),
    "test of something unknown": (["test", "everything"], "expected config, okta or output"),
    "an argument too many": (["status", "now"], "usage: gatehouse status"),
    "dead-letters of something unknown": (["dead-letters", "burn"], "expected list or replay"),
    "a number that is none": (["dead-letters", "list", "--id", "one"], "expected a number"),
})
def wrong_usage_ends_with_2_and_says_what(place, case):
    words, text = case
    p = place.run(*words)
    assert p.returncode == 2 and text in p.err and p.out == "", (p.returncode, p.out, p.err)


# ---- settings ----

# name: what is replaced, by what, where the error stands, and what it says
WRONG = {
    "an unknown key": ("interval: 60s", "intervals: 60s", "6:5", ["intervals", "interval"]),
    "a missing unit": ("interval: 60s", "interval: 60", "6:15", ["interval", "60s"]),
    "a wrong type": ("interval: 60s", "limit: many", "6:12", ["limit", "'many'", "1000"]),
    "a number out of bounds": ("interval: 60s", "limit: 1001", "6:12", ["limit", "1001", "1000"]),
    "a word that is none of the known": ("type: sqlite", "type: sqllite", "8:23", ["type", "sqlite"]),
    "both authentications": ("interval: 60s", "client_id: 0oa", "6:", ["client_id", "api_key"]),
    "no authentication": ("    api_key: %(token)s\n", "", "3:", ["api_key", "is missing"]),
    "an unset variable": ("%(token)s", "${GATEHOUSE_TEST_UNSET}", "5:14", ["api_key", "GATEHOUSE_TEST_UNSET"]),
    "a file that is not there": ("%(token)s", "${file:/nonexistent/key}", "5:14", ["api_key", "/nonexistent/key"]),
    "http to another machine": ("%(url)s", "http://acme.okta.com/api/v1/logs", "3:10", ["url", "https"]),
    "the admin console": ("%(url)s", "https://acme-admin.okta.com/api/v1/logs", "3:10",
                          ["url", "https://acme.okta.com/api/v1/logs"]),
    "a url without the path": ("%(url)s", "https://acme.okta.com", "3:10", ["url", "/api/v1/logs"]),
    "an output that is not there": ("interval: 60s", "outputs: [dbb]", "6:", ["outputs", "dbb", "db"]),
    "a key given twice": ("interval: 60s", "interval: 60s\n    interval: 30s", "7:", ["interval"]),
    "no yaml": ("sources:", "sources: [", "3:", ["not valid YAML"]),
    "a tab as indentation": ("    name: acme", "\tname: acme", "4:", []),
    "a key of a later release": ("interval: 60s", "processors: []", "6:", ["processors"]),
}


@each_of(WRONG)
def wrong_settings_end_with_2_and_name_place_key_and_what_was_expected(place, case):
    old, new, where, says = case
    assert old in GOOD
    sim = place.sim()
    text = GOOD.replace(old, new.replace("%", "%%") if "%(" not in new else new)
    path = place.settings(text % {"state": place.path("state"), "url": sim.url, "token": sim.token})
    for command in (("test", "config"), ("run",), ("collect", "--once")):
        p = place.run(*command, "-c", path)
        assert p.returncode == 2, (p.returncode, p.err)
        line = next((x for x in p.err.splitlines() if re.match(re.escape("%s:%s" % (path, where)), x)), None)
        assert line, "no line for %s:%s in\n%s" % (path, where, p.err)
        assert all(s in line for s in says), (says, line)
    assert sim.count() == 0 and not os.path.exists(place.path("state")), "something was started"


@test
def all_errors_of_a_file_are_shown_at_once_in_the_order_of_their_lines(place):
    path = place.settings("sources:\n  - url: 5\n    intervals: 60s\n    limit: x\noutputs:\n  - type: nothing\n")
    p = place.run("test", "config", "-c", path)
    lines = [int(line.split(":")[1]) for line in p.err.splitlines() if line.startswith(path + ":")]
    assert p.returncode == 2 and len(lines) >= 4 and lines == sorted(lines), p.err


@test
def a_settings_file_that_is_missing_or_a_directory_is_refused(place):
    for path in (place.path("nothing.yml"), place.root):
        p = place.run("run", "-c", path)
        assert p.returncode == 2 and path in p.err, p.err
    p = place.run("collect", "--once")
    assert p.returncode == 2 and "gatehouse.yml" in p.err and "-c FILE" in p.err, p.err


@test
def set_overrides_the_file_and_its_errors_name_it(place):
    sim = place.sim()
    path = place.simple(sim)
    shown = place.run("test", "config", "--show", "--set", "sources.0.interval=7s", "--set", "log.level=warn", "-c",
                      path)
    assert shown.returncode == 0 and "interval: 7s" in shown.out and "level: \"warn\"" in shown.out, shown.out
    assert sim.token not in shown.out
    wrong = place.run("test", "config", "--set", "sources.0.intervals=7s", "-c", path)
    assert wrong.returncode == 2 and wrong.err.startswith("--set sources.0.intervals: "), wrong.err
    assert "did you mean interval?" in wrong.err, wrong.err


@test
def variables_and_files_are_put_in(place):
    sim = place.sim()
    sim.add(events(5, seed=1))
    place.write("key", sim.token + "\n")
    for value in ("${OKTA_TEST_KEY}", "${file:%s}" % place.path("key")):
        path = place.settings(GOOD % {"state": place.path("state"), "url": sim.url, "token": value})
        place.collect_once(env={"OKTA_TEST_KEY": sim.token})
    assert len(place.uuids_in_db()) == 5 and path


@test
def test_config_says_that_all_is_fine_and_starts_nothing(place):
    sim = place.sim()
    p = place.run("test", "config", "-c", place.simple(sim))
    assert p.returncode == 0 and "1 source" in p.out and "2 outputs" in p.out, p.out
    assert sim.count() == 0 and not os.path.exists(place.path("state"))


WARN_AND_REFUSE = "listen:\n  address: '0.0.0.0:0'\noutputs:\n  - {type: stdout, filter: {outcomes: [FAIL]}}\n"


@test
def test_config_refuses_what_run_would_refuse_and_warns_of_what_nobody_means(place):
    path = place.settings(WARN_AND_REFUSE)
    for command in ("test", "config"), ("run",):
        p = place.run(*command, "-c", path)
        assert p.returncode == 2, (p.returncode, p.err)
        assert path + ":2:12: listen.address: without TLS the gate listens on this machine itself only" in p.err, p.err
    p = place.run("test", "config", "-c", path, "--set", "listen.tls_disable=true")
    assert p.returncode == 0 and "settings are fine" in p.out, (p.out, p.err)
    assert "warning: output stdout: filter.outcomes: 'FAIL' is no result that Okta is known to give" in p.err, p.err


@test
def a_settings_file_that_begins_with_a_byte_order_mark_is_read(place):
    path = place.simple(place.sim())
    with open(path, encoding="utf-8") as f:
        text = f.read()
    place.write("marked.yml", "\ufeff" + text)
    p = place.run("test", "config", "-c", place.path("marked.yml"))
    assert p.returncode == 0 and "settings are fine" in p.out, (p.out, p.err)


# ---- map ----

def lines_of(some):
    return "".join(json.dumps(e) + "\n" for e in some)


SOME = events(7, seed=2)
FORMS = {
    "lines": lines_of(SOME),
    "lines with CRLF": lines_of(SOME).replace("\n", "\r\n"),
    "a last line without its end": lines_of(SOME)[:-1],
    "empty lines between": "\n\n" + lines_of(SOME).replace("\n", "\n\n \n"),
    "an array": json.dumps(SOME),
    "an array over many lines": json.dumps(SOME, indent=2),
    "an array behind blanks": " \n\t" + json.dumps(SOME) + "\n",
    "lines behind a byte order mark": "\ufeff" + lines_of(SOME),
}


@each_of(FORMS)
def map_keeps_the_order_of(place, text):
    p = place.run("map", stdin=text.encode())
    assert p.returncode == 0 and p.err == "" and event_ids(p) == uuids_of(SOME), (p.returncode, p.err, p.out[:500])


@each_of({"nothing": b"", "blanks": b" \n\n", "an empty array": b"[]"})
def map_makes_nothing_of(place, text):
    p = place.run("map", stdin=text)
    assert (p.returncode, p.out, p.err) == (0, "", ""), p.err


@test
def map_names_the_lines_it_cannot_map_maps_the_others_and_ends_with_1(place):
    good = lines_of(SOME).splitlines()
    text = "\n".join([good[0], "garbage", good[1], '{"cut": ', "42", good[2], '{"a":1}{"b":2}', "\0\xff"] + good[3:])
    p = place.run("map", stdin=text.encode("latin-1"))
    assert p.returncode == 1 and event_ids(p) == uuids_of(SOME), (p.returncode, p.out)
    said = [int(re.match(r"line (\d+): \S", line).group(1)) for line in p.err.splitlines() if line.startswith("line ")]
    assert said == [2, 4, 5, 7, 8], p.err


@test
def map_says_where_an_array_is_cut_and_keeps_what_came_before(place):
    text = json.dumps(SOME)
    p = place.run("map", stdin=text[:-30].encode())
    assert p.returncode == 1 and "event 6" in p.err and event_ids(p) == uuids_of(SOME)[:6], (p.err, event_ids(p))


@test
def map_takes_tags_and_the_original_event(place):
    text = lines_of(SOME)
    p = place.run("map", "--set", "tags=a,b", "--set", "preserve_original_event=true", stdin=text.encode())
    assert p.returncode == 0, p.err
    for document, line in zip(p.out.splitlines(), text.splitlines()):
        d = json.loads(document)
        assert {"a", "b", "preserve_original_event"} <= set(d["tags"]) and d["event"]["original"] == line, d
    plain = json.loads(place.run("map", stdin=text.encode()).out.splitlines()[0])
    assert "original" not in plain["event"] and {"forwarded", "okta-system"} <= set(plain["tags"]), plain


@test
def map_adds_nothing_that_depends_on_when_or_where(place):
    text = lines_of(SOME).encode()
    first = place.run("map", stdin=text).out
    assert first == place.run("map", stdin=text, env={"TZ": "Asia/Tokyo", "LC_ALL": "C"}).out
    d = json.loads(first.splitlines()[0])
    assert not {"agent", "data_stream"} & set(d) and "created" not in d["event"], d
    assert os.listdir(place.root) == []


@test
def map_makes_raw_documents(place):
    text = '{"uuid":"u", "b":1.50,"a":"<"}\n'
    p = place.run("map", "--set", "format=raw", "--set", "tags=a,b", "--set", "remove_flattened_debug=true", "--set",
                  "url=https://acme.okta.com/api/v1/logs", stdin=text.encode())
    assert p.returncode == 0 and not p.err, p.err
    assert json.loads(p.out) == {"_conf": {"remove_flattened_debug": True}, "message": text.strip(), "tags": ["a", "b"],
                                 "okta_url": "https://acme.okta.com/api/v1/logs"}
    p = place.run("map", "--set", "go_encoding=true", "--set", "format=raw", stdin=text.encode())
    assert json.loads(p.out)["message"] == r'{"a":"\u003c","b":1.5,"uuid":"u"}'


WRONG_FORMS = {
    "an unknown format": (["format=row"], "--set format: 'row' is wrong, expected one of ecs, raw\n"),
    "a go_encoding that is no truth": (["format=raw", "go_encoding=1.22"],
                                       "--set go_encoding: '1.22' is wrong, expected true or false\n"),
    "go_encoding of what is not raw": (["go_encoding=true"], "--set go_encoding: only with format=raw\n"),
}


@each_of(WRONG_FORMS)
def map_refuses(place, case):
    sets, said = case
    p = place.run("map", *(word for s in sets for word in ("--set", s)), stdin=b"{}")
    assert p.returncode == 2 and p.err == said and not p.out, p.err


@test
def map_refuses_an_unknown_key(place):
    p = place.run("map", "--set", "tgas=a", stdin=b"")
    assert p.returncode == 2 and "tags" in p.err, p.err


@test
def map_ends_when_its_reader_goes_away(place):
    with subprocess.Popen("%s map | head -c 100" % GATEHOUSE, shell=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        out, err = p.communicate(lines_of(SOME).encode() * 2000, timeout=60)
    assert len(out) == 100 and err == b"gatehouse map: standard output: Broken pipe\n", err


if __name__ == "__main__":
    main(jobs=4)
