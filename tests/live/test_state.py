# SPDX-License-Identifier: Apache-2.0
"""What is kept: the state directory and its status, and the files of the outputs."""
import contextlib
import json
import os
import re
import sqlite3

from harness import each_of, event_ids, events, main, now_ms, test, uuids_of, wait_until


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
    assert event_ids(p) == uuids_of(wanted)


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
    assert set(uuids_of(wanted)) <= set(whole) | set(event_ids(place.collect_once()))


@each_of({"collect": ("collect",), "collect --once": ("collect", "--once")})
def a_reader_that_has_gone_ends(place, words):
    sim = place.sim()
    sim.add(events(900, seed=16))
    path = place.compose([place.source(sim, limit=100)], db=False, archive=False, extra="  - { type: stdout }\n")
    reading, writing = os.pipe()
    p = place.start(*words, "-c", path, stdout=writing)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    assert p.wait(10) == 1 and "the reader has gone" in place.log_of(p), place.log_of(p)


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


@test
def status_lists_what_the_settings_have_before_anything_came(place):
    sim = place.sim()
    sim.token = "another"
    path = place.simple(sim)
    place.collect_once(expect=1)
    rows = place.status()
    assert set(rows) == {("acme", "archive"), ("acme", "db")}, rows
    assert all(row["configured"] and row["events"] == 0 and "lag_seconds" not in row for row in rows.values()), rows
    shown = place.run("status", "-c", path).out
    assert len(re.findall(r"^acme +(?:archive|db) .* nothing yet$", shown, re.MULTILINE)) == 2, shown
    assert len(re.findall(r"^output (?:archive|db): ", shown, re.MULTILINE)) == 2, shown


@test
def status_says_of_what_is_on_record_that_the_settings_have_it_no_more(place):
    sim = place.sim("--generate", "5")
    path = place.simple(sim)
    place.collect_once()
    with open(path, encoding="utf-8") as file:
        place.settings(file.read().replace("name: db", "name: other"))
    rows = place.status()
    assert {name[1]: row["configured"] for name, row in rows.items()} == {
        "archive": True, "db": False, "other": True}, rows
    shown = place.run("status", "-c", path).out
    assert re.search(r"^acme +db +5 .* not in the settings$", shown, re.MULTILINE), shown
    assert re.search(r"^acme +other +0 .* nothing yet$", shown, re.MULTILINE), shown
    assert not re.search(r"^output db:", shown, re.MULTILINE), shown


@test
def a_dead_letter_that_is_not_there_is_said(place):
    sim = place.sim()
    sim.add(['{"no": "uuid"}'])
    path = place.simple(sim, archive=False)
    place.collect_once()
    (letter,) = place.dead_letters()
    p = place.run("dead-letters", "list", "--id", str(letter["id"]), "-c", path)
    assert p.returncode == 0 and json.loads(p.out) == letter, (p.out, p.err)
    for what in ("list", "replay"):
        p = place.run("dead-letters", what, "--id", str(letter["id"] + 1), "-c", path)
        assert p.returncode == 1 and p.out == "", (p.out, p.err)
        assert "there is none with the number %d" % (letter["id"] + 1) in p.err, p.err
    assert place.dead_letters() == [letter]


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
