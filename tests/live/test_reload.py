# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: the new settings take over where the old ones stood, or are refused."""
import os
import re
import signal

from harness import events, main, read_text, test, unread, wait_until


# ---- reloading ----

@test
def a_reload_takes_a_new_interval(place):
    sim = place.sim()
    place.simple(sim, interval="1h")
    daemon = place.daemon()
    wait_until(lambda: sim.count() == 1, "the first poll")
    place.simple(sim, interval="100ms")
    daemon.send_signal(signal.SIGHUP)
    place.wait_log(daemon, "daemon.reloaded")
    wait_until(lambda: sim.count() > 5, "polls at the new interval")
    place.stop(daemon)


@test
def a_reload_takes_a_new_output_and_gives_the_old_one_nothing_twice(place):
    sim = place.sim()
    wanted = events(150, seed=5)
    sim.add(wanted[:100])
    place.simple(sim, interval="100ms", archive=False)
    daemon = place.daemon()
    place.wait_db(100)
    place.simple(sim, interval="100ms")
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: len(place.uuids_in_file()) == 100, "the history in the new output")
    sim.add(wanted[100:])
    place.wait_db(150)
    wait_until(lambda: len(place.uuids_in_file()) == 150, "the news in the new output")
    place.stop(daemon)
    place.assert_delivered(wanted)


@test
def a_reload_takes_a_source_away_and_goes_on_with_the_other(place):
    one, two = place.sim(), place.sim()
    place.compose([place.source(one, "one", "100ms"), place.source(two, "two", "100ms")])
    daemon = place.daemon()
    wait_until(lambda: one.count() > 1 and two.count() > 1, "polls of both")
    place.compose([place.source(two, "two", "100ms")])
    daemon.send_signal(signal.SIGHUP)
    place.wait_log(daemon, "daemon.reloaded")
    before = one.count()
    two.add(events(10, seed=6))
    place.wait_db(10)
    after = two.count()
    wait_until(lambda: two.count() > after + 3, "more polls of the second")
    assert one.count() == before
    place.stop(daemon)


@test
def a_reload_mends_a_refused_source(place):
    sim = place.sim()
    sim.add(events(10, seed=7))
    sim.role("revoked")
    sim.role("ok", token="00another")
    settings = place.simple(sim)
    daemon = place.daemon()
    place.wait_log(daemon, "watch.all_stopped")
    place.settings(read_text(settings).replace(sim.token, "00another"))
    daemon.send_signal(signal.SIGHUP)
    place.wait_db(10)
    assert sim.token not in place.log_of(daemon) and "00another" not in place.log_of(daemon)
    place.stop(daemon)


@test
def wrong_settings_are_refused_and_the_old_ones_go_on(place):
    sim = place.sim()
    settings = place.simple(sim, interval="100ms")
    daemon = place.daemon()
    wait_until(lambda: sim.count() > 1, "polls")
    place.settings(read_text(settings).replace("interval: 100ms", "interval: 100"))
    daemon.send_signal(signal.SIGHUP)
    place.wait_log(daemon, "daemon.reload_refused")
    assert re.search(r"gatehouse\.yml:\d+:\d+: .*interval.*", place.log_of(daemon)), place.log_of(daemon)
    sim.add(events(10, seed=8))
    place.wait_db(10)
    place.stop(daemon)


@test
def another_state_directory_needs_a_restart_and_the_old_settings_go_on(place):
    sim = place.sim()
    settings = place.simple(sim, interval="100ms")
    daemon = place.daemon()
    wait_until(lambda: sim.count() > 1, "polls")
    place.settings(read_text(settings).replace(place.path("state"), place.path("other")))
    daemon.send_signal(signal.SIGHUP)
    place.wait_log(daemon, "needs a restart")
    before = sim.count()
    wait_until(lambda: sim.count() > before + 2, "more polls")
    place.stop(daemon)
    assert not os.path.exists(place.path("other"))


@test
def the_last_of_many_quick_reloads_counts(place):
    sim = place.sim()
    sim.add(events(3000, seed=21))
    place.simple(sim, limit=100)
    daemon = place.daemon()
    place.wait_db(100)
    for i in range(12):
        place.compose([place.source(sim, limit="100", interval="1h" if i % 2 == 0 else "50ms")])
        daemon.send_signal(signal.SIGHUP)
    place.wait_db(3000)
    wait_until(lambda: len(place.uuids_in_file()) == 3000, "all in the file")
    before = sim.count()
    wait_until(lambda: sim.count() > before + 5, "polls at the interval that was set last")
    place.stop(daemon)
    assert len(set(place.uuids_in_file())) == 3000


@test
def a_reload_does_not_wait_for_a_reader_that_hangs(place):
    sim = place.sim()
    sim.add(events(1000, seed=22))
    source = place.source(sim, interval="100ms")
    place.compose([source], archive=False, extra="  - { name: pipe, type: stdout }\n")
    reading, writing = os.pipe()
    daemon = place.daemon(stdout=writing)
    os.close(writing)
    wait_until(lambda: unread(reading) >= 60000, "the pipe to be full")
    place.compose([source], archive=False)
    daemon.send_signal(signal.SIGHUP)
    place.wait_log(daemon, "daemon.reloaded")
    sim.add(events(10, seed=23))
    place.wait_db(1010)
    place.stop(daemon)
    os.close(reading)


@test
def reloads_in_the_middle_of_pages_lose_and_double_nothing(place):
    sim = place.sim()
    wanted = events(2000, seed=9)
    sim.add(wanted)
    place.simple(sim, limit=50)
    daemon = place.daemon()
    for part in range(1, 9):
        place.wait_db(part * 200)
        daemon.send_signal(signal.SIGHUP)
    place.wait_db(2000)
    wait_until(lambda: len(place.uuids_in_file()) >= 2000, "all in the file")
    place.stop(daemon)
    place.assert_delivered(wanted)


if __name__ == "__main__":
    main(jobs=3)
