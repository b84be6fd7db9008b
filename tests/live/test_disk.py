# SPDX-License-Identifier: Apache-2.0
"""Disks that are full, read-only or gone: wait, say so once, go on by itself; nothing lost, nothing doubled."""
import os
import shutil
import subprocess

from harness import assert_each_once, each_of, events, main, now_ms, Skip, test, uuids_of, wait_until


def fill(folder):
    """Takes every byte that is left."""
    with open(os.path.join(folder, "ballast"), "ab", buffering=0) as f:
        for size in (65536, 4096, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass


def empty(folder):
    os.unlink(os.path.join(folder, "ballast"))


def settings(place, sim, state="state", db="events.db", out="out"):
    """Settings with each of the three places where the case wants it."""
    text = "state: %s\nsources:\n%soutputs:\n" % (place.path(state), place.source(sim, "acme", "100ms", limit="50"))
    text += "  - { name: db, type: sqlite, path: %s }\n" % place.path(db)
    text += "  - { name: archive, type: file, path: %s, filename: events }\n" % place.path(out)
    return place.settings(text)


def warnings(place, daemon):
    return place.log_of(daemon).count("WARN  output.failed")


def recoveries(place, daemon):
    return place.log_of(daemon).count("output.recovered")


PLACES = {
    "the file output's": (dict(out="disk/out"), 1, "No space left"),
    "the database's": (dict(db="disk/events.db"), 1, "full"),
    "the state's": (dict(state="disk/state"), 2, ""),
}


def all_delivered(place, where, wanted):
    return (len(place.uuids_in_db(where.get("db", "events.db"))) >= len(wanted)
            and len(place.uuids_in_file(where.get("out", "out"))) >= len(wanted))


def assert_all(place, where, wanted):
    assert_each_once(place.uuids_in_db(where.get("db", "events.db")), uuids_of(wanted), "events.db")
    assert_each_once(place.uuids_in_file(where.get("out", "out")), uuids_of(wanted), "file")
    place.assert_whole_files(where.get("out", "out"))


@each_of(PLACES)
def a_full_disk_is_waited_out_when_it_is(place, case):
    where, outputs, reason = case
    place.mount("disk", "12m")
    sim = place.sim()
    wanted = events(1200, seed=1, first_ms=now_ms() - 120_000)
    sim.add(wanted[:100])
    settings(place, sim, **where)
    daemon = place.daemon()
    wait_until(lambda: all_delivered(place, where, wanted[:100]), "the first events")
    fill(place.path("disk"))
    sim.add(wanted[100:])
    place.wait_log(daemon, "WARN  output.failed", outputs)
    assert reason in place.log_of(daemon), place.log_of(daemon)
    if outputs == 1:  # the other one goes on
        wait_until(lambda: 1200 in (len(place.uuids_in_db()), len(place.uuids_in_file())), "the other output")
    empty(place.path("disk"))
    wait_until(lambda: all_delivered(place, where, wanted), "the rest after there was room again")
    wait_until(lambda: recoveries(place, daemon) == outputs, "the end of the trouble in the log")
    assert warnings(place, daemon) == outputs, place.log_of(daemon)
    place.stop(daemon)
    place.collect_once()
    assert_all(place, where, wanted)


@test
def an_idle_source_does_not_make_a_full_disk_look_mended(place):
    place.mount("disk", "3m")
    busy, idle = place.sim(), place.sim()
    wanted = events(1200, seed=2, first_ms=now_ms() - 120_000)
    busy.add(wanted[:50])
    idle.add([])
    settings(place, busy, out="disk/out")
    with open(place.path("gatehouse.yml")) as f:
        text = f.read()
    place.settings(text.replace("outputs:\n", place.source(idle, "idle", "50ms") + "outputs:\n", 1))
    daemon = place.daemon()
    wait_until(lambda: len(place.uuids_in_file("disk/out")) == 50, "the first events")
    fill(place.path("disk"))
    busy.add(wanted[50:])
    place.wait_log(daemon, "WARN  output.failed")
    before = idle.count()
    wait_until(lambda: idle.count() > before + 10, "polls of the idle source")
    assert recoveries(place, daemon) == 0, place.log_of(daemon)
    empty(place.path("disk"))
    wait_until(lambda: len(place.uuids_in_file("disk/out")) == 1200, "the rest")
    place.stop(daemon)
    assert warnings(place, daemon) == 1, place.log_of(daemon)
    assert_each_once(place.uuids_in_file("disk/out"), uuids_of(wanted), "file")


def remount(place, how):
    done = subprocess.run(["mount", "-o", "remount," + how, place.path("disk")], capture_output=True)
    if done.returncode:
        raise Skip("remounting is not allowed here")


@each_of({k: v for k, v in PLACES.items() if "state" not in k})
def a_read_only_disk_is_waited_out_when_it_is(place, case):
    where, _, _ = case
    place.mount("disk", "8m")
    sim = place.sim()
    wanted = events(300, seed=3, first_ms=now_ms() - 120_000)
    sim.add(wanted[:100])
    settings(place, sim, **where)
    place.collect_once()
    remount(place, "ro")
    sim.add(wanted[100:])
    daemon = place.daemon()
    place.wait_log(daemon, "WARN  output.failed")
    assert "ead-only" in place.log_of(daemon) or "readonly" in place.log_of(daemon), place.log_of(daemon)
    wait_until(lambda: 300 in (len(place.uuids_in_db()), len(place.uuids_in_file())), "the other output")
    remount(place, "rw")
    wait_until(lambda: all_delivered(place, where, wanted), "the rest after it was writable again")
    place.stop(daemon)
    assert warnings(place, daemon) == 1, place.log_of(daemon)
    assert_all(place, where, wanted)


@test
def a_read_only_state_is_refused_by_name(place):
    place.mount("disk", "8m")
    sim = place.sim()
    sim.add(events(20, seed=4))
    path = settings(place, sim, state="disk/state")
    place.collect_once()
    sim.forget()
    remount(place, "ro")
    p = place.run("collect", "--once", "-c", path)
    assert p.returncode == 1 and place.path("disk/state") in p.err and "ead-only" in p.err, p.err
    assert sim.count() == 0
    assert place.run("status", "-c", path).returncode == 0


@each_of({"the file output's": dict(out="away/out"), "the database's": dict(db="away/events.db"),
          "the state's": dict(state="away/state")})
def a_directory_that_goes_and_comes_back_costs_nothing_when_it_is(place, where):
    os.mkdir(place.path("away"))
    sim = place.sim()
    wanted = events(600, seed=5, first_ms=now_ms() - 120_000)
    sim.add(wanted[:200])
    settings(place, sim, **where)
    daemon = place.daemon()
    wait_until(lambda: all_delivered(place, where, wanted[:200]), "the first events")
    os.rename(place.path("away"), place.path("elsewhere"))
    sim.add(wanted[200:400])
    after = sim.count()
    wait_until(lambda: sim.count() > after + 2 or warnings(place, daemon), "polls or a warning")
    os.rename(place.path("elsewhere"), place.path("away"))
    sim.add(wanted[400:])
    wait_until(lambda: all_delivered(place, where, wanted), "everything after it came back")
    assert warnings(place, daemon) <= (2 if "state" in where else 1), place.log_of(daemon)
    place.stop(daemon)
    place.collect_once()
    assert_all(place, where, wanted)


@test
def a_removed_directory_of_the_file_output_is_said_once_and_a_new_one_is_used(place):
    sim = place.sim()
    first, second = events(100, seed=6), events(150, seed=7)
    sim.add(first)
    settings(place, sim)
    daemon = place.daemon()
    wait_until(lambda: all_delivered(place, {}, first), "the first events")
    shutil.rmtree(place.path("out"))
    sim.add(second)
    place.wait_log(daemon, "WARN  output.failed")
    assert "the directory is gone" in place.log_of(daemon), place.log_of(daemon)
    place.wait_db(250)
    os.mkdir(place.path("out"))
    wait_until(lambda: len(place.uuids_in_file()) >= 150, "the later events in the new directory")
    place.stop(daemon)
    assert warnings(place, daemon) == 1, place.log_of(daemon)
    assert_each_once(place.uuids_in_file(), uuids_of(second), "file")
    assert_each_once(place.uuids_in_db(), uuids_of(first + second), "events.db")


@test
def a_removed_database_is_made_anew_for_what_comes_later(place):
    sim = place.sim()
    first, second = events(100, seed=8), events(150, seed=9)
    sim.add(first)
    settings(place, sim)
    daemon = place.daemon()
    wait_until(lambda: all_delivered(place, {}, first), "the first events")
    for name in ("events.db", "events.db-wal", "events.db-shm"):
        if os.path.exists(place.path(name)):
            os.unlink(place.path(name))
    sim.add(second)
    wait_until(lambda: len(place.uuids_in_db()) >= 150, "the later events in a new database")
    place.stop(daemon)
    assert_each_once(place.uuids_in_db(), uuids_of(second), "events.db")
    assert_each_once(place.uuids_in_file(), uuids_of(first + second), "file")


if __name__ == "__main__":
    main(jobs=3)
