# SPDX-License-Identifier: Apache-2.0
"""The commands: what they print, what they refuse, and with which exit status."""
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess

from harness import (GATEHOUSE, Skip, TOKEN, each_of, events, main, now_ms, refusing_port, rfc3339, test, uuids_of,
                     wait_until)

COMMANDS = ("run", "collect", "map", "test", "status", "dead-letters", "settings")


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

GOOD = """state: %(state)s
sources:
  - url: %(url)s
    name: acme
    api_key: %(token)s
    interval: 60s
outputs:
  - { name: db, type: sqlite, path: events.db }
"""

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


# ---- map ----

def lines_of(some):
    return "".join(json.dumps(e) + "\n" for e in some)


def ids(p):
    return [json.loads(line)["event"]["id"] for line in p.out.splitlines()]


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
    assert p.returncode == 0 and p.err == "" and ids(p) == uuids_of(SOME), (p.returncode, p.err, p.out[:500])


@each_of({"nothing": b"", "blanks": b" \n\n", "an empty array": b"[]"})
def map_makes_nothing_of(place, text):
    p = place.run("map", stdin=text)
    assert (p.returncode, p.out, p.err) == (0, "", ""), p.err


@test
def map_names_the_lines_it_cannot_map_maps_the_others_and_ends_with_1(place):
    good = lines_of(SOME).splitlines()
    text = "\n".join([good[0], "garbage", good[1], '{"cut": ', "42", good[2], '{"a":1}{"b":2}', "\0\xff"] + good[3:])
    p = place.run("map", stdin=text.encode("latin-1"))
    assert p.returncode == 1 and ids(p) == uuids_of(SOME), (p.returncode, p.out)
    said = [int(re.match(r"line (\d+): \S", line).group(1)) for line in p.err.splitlines() if line.startswith("line ")]
    assert said == [2, 4, 5, 7, 8], p.err


@test
def map_says_where_an_array_is_cut_and_keeps_what_came_before(place):
    text = json.dumps(SOME)
    p = place.run("map", stdin=text[:-30].encode())
    assert p.returncode == 1 and "event 6" in p.err and ids(p) == uuids_of(SOME)[:6], (p.err, ids(p))


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
def map_refuses_an_unknown_key(place):
    p = place.run("map", "--set", "tgas=a", stdin=b"")
    assert p.returncode == 2 and "tags" in p.err, p.err


@test
def map_ends_when_its_reader_goes_away(place):
    with subprocess.Popen("%s map | head -c 100" % GATEHOUSE, shell=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        out, err = p.communicate(lines_of(SOME).encode() * 2000, timeout=60)
    assert len(out) == 100 and err == b"", err  # like every filter in a pipe


# ---- test okta ----

def test_okta(place, text, *args, **more):
    path = place.settings(text) if "\n" in text else text
    p = place.run("test", "okta", "-c", path, *args, **more)
    return p, [line.strip() for line in p.out.splitlines()]


@test
def test_okta_shows_each_step(place):
    sim = place.sim("--rate-limit", "120")
    sim.add(events(3, seed=3))
    p, lines = test_okta(place, place.simple(sim))
    assert p.returncode == 0 and p.err == "", (p.out, p.err)
    assert all(line.startswith("\u2713") for line in lines[1:]), lines
    for step in ("name resolution", "connection", "clock", "credentials", "one log page", "rate limit: 60"):
        assert any(step in line for line in lines), (step, lines)
    assert sim.count() == 1


def the_cross(lines):
    crosses = [line for line in lines if line.startswith("\u2717")]
    assert len(crosses) == 1, lines
    return crosses[0]


@each_of({"a revoked token": ("revoked", "create a new one in Security > API > Tokens"),
          "a missing role": ("missing", "Read-Only Administrator")})
def test_okta_says_what_to_do_about(place, case):
    role, advice = case
    sim = place.sim()
    sim.role(role)
    p, lines = test_okta(place, place.simple(sim))
    assert p.returncode == 1 and advice in the_cross(lines), lines


@test
def test_okta_says_that_a_name_does_not_resolve(place):
    # The label is longer than any name server would be asked about.
    p, lines = test_okta(place, GOOD % {"state": place.path("state"), "token": TOKEN,
                                        "url": "https://%s.invalid/api/v1/logs" % ("a" * 64)})
    assert p.returncode == 1 and "does not resolve" in the_cross(lines), (p.out, p.err)


@test
def test_okta_says_that_nobody_listens(place):
    held, port = refusing_port()
    with held:
        p, lines = test_okta(place, GOOD % {"state": place.path("state"), "token": TOKEN,
                                            "url": "http://127.0.0.1:%d/api/v1/logs" % port})
    assert p.returncode == 1 and "connection: 127.0.0.1: no connection" in the_cross(lines), (p.out, p.err)


@test
def test_okta_says_that_the_proxy_refuses(place):
    sim = place.sim()
    held, port = refusing_port()
    with held:
        p, lines = test_okta(place, place.simple(sim, proxy_url="http://127.0.0.1:%d" % port))
    assert p.returncode == 1 and "proxy" in the_cross(lines) and sim.count() == 0, (p.out, p.err)


@test
def test_okta_says_that_the_clock_is_off(place):
    sim = place.sim()
    sim.clock(now=rfc3339(now_ms() + 2 * 3600_000))
    p, lines = test_okta(place, place.simple(sim))
    assert p.returncode == 1 and "clock" in the_cross(lines) and re.search(r"7[12]\d\d s ahead", the_cross(lines)), lines


@test
def test_okta_looks_at_every_source(place):
    good, refused = place.sim(), place.sim()
    refused.role("revoked")
    p, lines = test_okta(place, place.compose([place.source(refused, "refused"), place.source(good, "good")]))
    assert p.returncode == 1 and "accepted" in p.out and "not valid" in the_cross(lines), lines


# ---- TLS ----

def openssl(place, *words):
    done = subprocess.run(["openssl", *words], cwd=place.root, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def make_certificates(place, name="DNS:localhost,IP:127.0.0.1", days=30):
    if not shutil.which("openssl"):
        raise Skip("the openssl command is not installed")
    openssl(place, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj",
            "/CN=Test CA", "-days", "30")
    openssl(place, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj",
            "/CN=server")
    place.write("ext", "subjectAltName=%s\n" % name)
    openssl(place, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "server.pem", "-extfile", "ext", "-days", str(days))
    return place.sim("--tls-cert", place.path("server.pem"), "--tls-key", place.path("server.key"))


@test
def tls_works_with_the_authority_of_the_settings_or_of_the_environment(place):
    sim = make_certificates(place)
    wanted = events(30, seed=4)
    sim.add(wanted)
    path = place.simple(sim, limit=10, ssl="{ certificate_authorities: [%s] }" % place.path("ca.pem"))
    place.collect_once()
    place.assert_delivered(wanted)
    p, lines = test_okta(place, path)
    assert p.returncode == 0 and any("TLSv1.3" in line for line in lines), lines
    assert any("days left" in line for line in lines), lines
    place.simple(sim)
    p, lines = test_okta(place, path, env={"SSL_CERT_FILE": place.path("ca.pem")})
    assert p.returncode == 0, p.out


@test
def an_unknown_authority_is_refused_with_advice(place):
    sim = make_certificates(place)
    p, lines = test_okta(place, place.simple(sim))
    assert p.returncode == 1 and "ssl.certificate_authorities" in the_cross(lines), lines
    assert sim.count() == 0


@test
def a_certificate_for_another_name_is_refused(place):
    sim = make_certificates(place, name="DNS:other.example.com")
    path = place.simple(sim, ssl="{ certificate_authorities: [%s] }" % place.path("ca.pem"))
    p, lines = test_okta(place, path)
    assert p.returncode == 1 and "another name" in the_cross(lines), lines
    daemon = place.daemon()
    place.wait_log(daemon, "another name")
    place.stop(daemon)
    assert sim.count() == 0


@test
def tls_asked_of_a_plain_port_is_explained(place):
    sim = place.sim()
    p, lines = test_okta(place, GOOD % {"state": place.path("state"), "token": TOKEN,
                                        "url": sim.url.replace("http:", "https:")})
    assert p.returncode == 1 and "does not speak TLS" in the_cross(lines), lines


# ---- the same in the log ----

def nobody_listens(place):
    held, port = refusing_port()
    return held, GOOD % {"state": place.path("state"), "token": TOKEN, "url": "http://127.0.0.1:%d/api/v1/logs" % port}


def proxy_refuses(place):
    held, port = refusing_port()
    text = GOOD % {"state": place.path("state"), "token": TOKEN, "url": place.sim().url}
    return held, text.replace("interval: 60s", "proxy_url: http://127.0.0.1:%d" % port)


def no_such_org(place):
    fake = place.fake(lambda *ignored: (404, [("Content-Type", "application/json")],
                                        b'{"errorCode":"E0000007","errorSummary":"Not found"}'))
    return None, GOOD % {"state": place.path("state"), "token": TOKEN, "url": fake.url}


def unknown_authority(place):
    return None, GOOD % {"state": place.path("state"), "token": TOKEN, "url": make_certificates(place).url}


@each_of({"nobody listens": (nobody_listens, "okta.unreachable", "no connection"),
          "the proxy refuses": (proxy_refuses, "okta.unreachable", "check proxy_url"),
          "the org does not exist": (no_such_org, "okta.bad_request", "there is no such org"),
          "the authority is unknown": (unknown_authority, "okta.unreachable", "ssl.certificate_authorities")})
def the_log_says_clearly_that(place, case):
    make, name, advice = case
    held, text = make(place)
    place.settings(text)
    daemon = place.daemon()
    place.wait_log(daemon, name)
    place.stop(daemon)
    lines = [line for line in place.log_of(daemon).splitlines() if " WARN " in line]
    assert len(lines) == 1 and name in lines[0] and advice in lines[0], lines
    if held:
        held.close()


# ---- test output, stdout ----

@test
def test_output_tries_each_output_and_changes_nothing(place):
    sim = place.sim()
    path = place.simple(sim)
    p = place.run("test", "output", "-c", path)
    assert p.returncode == 0 and p.out.count("exactly once") == 2, p.out
    place.write("out", "a file where the directory should be")
    p = place.run("test", "output", "-c", path)
    assert p.returncode == 1 and p.out.count("\u2717") == 1 and place.path("out") in p.out, p.out
    assert sorted(os.listdir(place.root)) == sorted(
        ["gatehouse.yml", "out"] + [n for n in os.listdir(place.root) if n.startswith("port-")])


@test
def stdout_gets_one_document_per_line(place):
    sim = place.sim()
    wanted = events(120, seed=5)
    sim.add(wanted)
    place.compose([place.source(sim, limit=50)], db=False, archive=False, extra="  - { type: stdout }\n")
    p = place.collect_once()
    assert ids(p) == uuids_of(wanted)


@test
def a_reader_that_goes_away_is_said_and_nothing_is_lost_for_the_next(place):
    sim = place.sim()
    wanted = events(900, seed=6)
    sim.add(wanted)
    place.compose([place.source(sim, limit=100)], db=False, archive=False, extra="  - { type: stdout }\n")
    reading, writing = os.pipe()
    daemon = place.daemon(stdout=writing)
    os.close(writing)
    got = os.read(reading, 65536)
    os.close(reading)
    place.wait_log(daemon, "the reader has gone")
    place.stop(daemon)
    assert got and place.log_of(daemon).count("WARN  output.failed") == 1, place.log_of(daemon)
    whole = [json.loads(line)["event"]["id"] for line in got.decode().splitlines()[:-1]]
    assert set(uuids_of(wanted)) <= set(whole) | set(ids(place.collect_once()))


# ---- status ----

@test
def status_shows_each_pair_as_a_table_and_as_json(place):
    sim = place.sim()
    wanted = events(250, seed=7)
    sim.add(wanted)
    sim.add(['{"no": "uuid"}'])
    path = place.simple(sim, limit=100)
    place.collect_once()
    table = place.run("status", "-c", path)
    assert table.returncode == 0 and table.err == "", table.err
    rows = [line.split() for line in table.out.splitlines() if line.startswith("acme")]
    published = wanted[-1]["published"]
    assert [(r[1], r[2], r[3], r[4], r[5]) for r in rows] == [
        ("archive", "250", "3", "1", published), ("db", "250", "3", "1", published)], table.out
    assert "dead letters: 2" in table.out
    row = place.status()["acme", "db"]
    assert (row["events"], row["pages"], row["dead_letters"], row["newest_published"]) == (250, 3, 1, published), row
    assert row["cursor"].startswith(sim.url + "?"), row


@test
def status_works_while_the_daemon_runs_and_changes_nothing(place):
    sim = place.sim()
    sim.add(events(20, seed=8))
    path = place.simple(sim)
    daemon = place.daemon()
    place.wait_db(20)
    wait_until(lambda: place.status().get(("acme", "db"), {}).get("events") == 20, "the events in the status")
    place.stop(daemon)
    before = state_bytes(place)
    assert place.run("status", "-c", path).returncode == 0
    assert state_bytes(place) == before


def state_bytes(place):
    found = {}
    for name in sorted(os.listdir(place.path("state"))):
        with open(place.path("state", name), "rb") as f:
            found[name] = f.read()
    return found


@test
def status_before_the_first_run_says_so(place):
    sim = place.sim()
    p = place.run("status", "-c", place.simple(sim))
    assert p.returncode == 1 and "nothing has been collected yet" in p.err, (p.out, p.err)
    assert not os.path.exists(place.path("state"))


# ---- the state directory ----

def collected(place):
    sim = place.sim()
    sim.add(events(60, seed=9))
    place.simple(sim, limit=20)
    place.collect_once()
    sim.forget()
    return sim


def overwrite(place, at, data):
    with open(place.path("state", "state.db"), "r+b") as f:
        f.seek(at)
        f.write(data)


def garbage(place):
    place.write("state/state.db", "this is no database\n" * 500)


def garbage_inside(place):
    size = os.path.getsize(place.path("state", "state.db"))
    for at in range(4096, size, 4096):
        overwrite(place, at + 8, os.urandom(600))


def truncated(place):
    os.truncate(place.path("state", "state.db"), os.path.getsize(place.path("state", "state.db")) // 2)


def empty(place):
    os.truncate(place.path("state", "state.db"), 0)


def gone(place):
    os.unlink(place.path("state", "state.db"))


def changed_by_hand(place):
    with contextlib.closing(sqlite3.connect(place.path("state", "state.db"))) as db:
        db.execute("UPDATE pair SET next = replace(next, 'limit=20', 'limit=21')")
        db.commit()


@each_of({"garbage": garbage, "garbage inside": garbage_inside, "cut": truncated, "empty": empty, "gone": gone,
          "changed by hand": changed_by_hand})
def a_damaged_state_is_refused_with_file_and_advice_and_left_alone(place, damage):
    sim = collected(place)
    damage(place)
    before = {k: v for k, v in state_bytes(place).items() if k != "lock"}
    for command in (("collect", "--once"), ("run",)):
        p = place.run(*command, "-c", place.path("gatehouse.yml"))
        assert p.returncode == 1 and place.path("state", "state.db") in p.err, p.err
        last = [line for line in p.err.splitlines() if "state.db" in line][0]
        assert re.search(r"backup|restore|move|another directory|remove", last), "no advice: " + last
    assert sim.count() == 0, "asked although the state is damaged"
    after = {k: v for k, v in state_bytes(place).items() if k != "lock"}
    assert after == before, "the evidence was touched: %s" % [k for k in set(before) | set(after)
                                                              if before.get(k) != after.get(k)]


@test
def a_state_of_a_newer_version_is_refused(place):
    sim = collected(place)
    with contextlib.closing(sqlite3.connect(place.path("state", "state.db"))) as db:
        db.execute("PRAGMA user_version = 99")
    for command in (("collect", "--once"), ("status",)):
        p = place.run(*command, "-c", place.path("gatehouse.yml"))
        assert p.returncode == 1 and "newer gatehouse" in p.err and place.path("state", "state.db") in p.err, p.err
    assert sim.count() == 0


@each_of({"a file stands in its place": "state", "a file stands in its parent's place": "a/b"})
def a_state_directory_that_cannot_be_made_is_refused_when(place, name):
    sim = place.sim()
    place.write(name.split("/")[0], "in the way")
    path = place.simple(sim)
    p = place.run("collect", "--once", "-c", path, "--set", "state=" + place.path(name))
    assert p.returncode == 1 and place.path(name) in p.err, p.err
    assert sim.count() == 0


@test
def the_state_directory_and_the_files_are_for_their_owner_only(place):
    collected(place)
    assert os.stat(place.path("state")).st_mode & 0o777 == 0o700
    for name in os.listdir(place.path("state")):
        assert os.stat(place.path("state", name)).st_mode & 0o077 == 0, name
    for name in place.files():
        assert os.stat(place.path("out", name)).st_mode & 0o777 == 0o600, name


# ---- files of the file output that are not ours any more ----

@test
def a_file_that_somebody_changed_is_left_alone_and_a_new_one_is_begun(place):
    sim = place.sim()
    first, second = events(20, seed=10), events(20, seed=11)
    sim.add(first)
    place.simple(sim)
    place.collect_once()
    name = place.files()[0]
    with open(place.path("out", name), "r+b") as f:
        f.seek(-20, os.SEEK_END)
        f.write(b"#")
    with open(place.path("out", name), "rb") as f:
        changed = f.read()
    sim.add(second)
    place.collect_once()
    with open(place.path("out", name), "rb") as f:
        assert f.read() == changed
    assert len(place.files()) == 2
    new = [n for n in place.files() if n != name][0]
    with open(place.path("out", new)) as f:
        assert [json.loads(line)["event"]["id"] for line in f] == uuids_of(second)


@test
def a_file_rotates_by_size_and_only_so_many_are_kept(place):
    sim = place.sim()
    wanted = events(400, seed=12)
    sim.add(wanted)
    path = place.simple(sim, limit=25, rotate=40)
    place.collect_once()
    many = len(place.files())
    assert many > 5, place.files()
    assert place.uuids_in_file() == uuids_of(wanted)
    for name in place.files():
        assert os.path.getsize(place.path("out", name)) < 70 * 1024, name
    sim.add(events(200, seed=13))
    place.collect_once("--set", "outputs.1.number_of_files=3")
    assert len(place.files()) == 3 and path, place.files()


@test
def sqlite_keeps_only_what_is_young_enough(place):
    sim = place.sim()
    old = events(50, seed=14, first_ms=now_ms() - 20 * 3600_000)
    young = events(50, seed=15)
    sim.add(old + young)
    place.simple(sim, archive=False)
    place.collect_once("--set", "outputs.0.keep=10h")
    assert sorted(place.uuids_in_db()) == sorted(uuids_of(young))


if __name__ == "__main__":
    main(jobs=4)
