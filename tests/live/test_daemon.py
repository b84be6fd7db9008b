# SPDX-License-Identifier: Apache-2.0
"""The daemon as a process: signals, systemd, logs and what may stand in them, and being quiet."""
import json
import os
import re
import signal
import socket
import subprocess
import time

from harness import (assert_each_once, each_of, events, GATEHOUSE, main, now_ms, refusing_port, test, TOKEN, unread,
                     uuids_of, wait_until)


SOON = 2.0  # seconds in which a signal ends the program


def end_by(place, daemon, signum):
    began = time.monotonic()
    daemon.send_signal(signum)
    code = daemon.wait(60)
    took = time.monotonic() - began
    assert code == 0, "ended with %s:\n%s" % (code, place.log_of(daemon))
    assert took < SOON, "took %.1f s:\n%s" % (took, place.log_of(daemon))


SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}


# ---- stopping ----

@each_of(SIGNALS)
def an_idle_daemon_ends_soon_after(place, signum):
    sim = place.sim()
    sim.add(events(10, seed=1))
    place.simple(sim, interval="1h")
    daemon = place.daemon()
    place.wait_db(10)
    end_by(place, daemon, signum)
    assert "daemon.stopping" in place.log_of(daemon)


@each_of(SIGNALS)
def a_daemon_whose_page_stalls_ends_soon_after(place, signum):
    sim = place.sim()
    sim.add(events(10, seed=2))
    sim.fault("stall_body", probability=1)
    place.simple(sim)
    daemon = place.daemon()
    wait_until(lambda: sim.count() == 1, "the request whose answer stalls")
    end_by(place, daemon, signum)
    sim.no_faults()
    place.collect_once()
    assert len(place.uuids_in_db()) == 10


@test
def a_daemon_that_backs_off_ends_soon(place):
    sim = place.sim()
    sim.fault("rate_limit", probability=1, seconds=50)
    place.simple(sim)
    daemon = place.daemon()
    place.wait_log(daemon, "okta.rate_limited")
    end_by(place, daemon, signal.SIGTERM)


@each_of(SIGNALS)
def a_daemon_whose_reader_hangs_ends_soon_after(place, signum):
    sim = place.sim()
    wanted = events(1000, seed=3)
    sim.add(wanted)
    place.compose([place.source(sim)], archive=False, extra="  - { name: pipe, type: stdout }\n")
    reading, writing = os.pipe()
    daemon = place.daemon(stdout=writing)
    os.close(writing)
    place.wait_db(1000)
    wait_until(lambda: unread(reading) >= 60000, "the pipe to be full")
    end_by(place, daemon, signum)
    os.close(reading)
    assert_each_once(place.uuids_in_db(), uuids_of(wanted), "events.db")
    assert ("acme", "pipe") not in place.status() or place.status()["acme", "pipe"]["events"] == 0


@test
def a_page_that_is_being_delivered_when_the_signal_comes_is_whole_or_not_there(place):
    sim = place.sim()
    wanted = events(3000, seed=4)
    sim.add(wanted)
    place.simple(sim, limit=100)
    for threshold in (1, 700, 1500, 2200):
        daemon = place.daemon()
        place.wait_log(daemon, "daemon.started")
        place.wait_db(threshold)
        end_by(place, daemon, signal.SIGTERM)
        assert len(place.uuids_in_file()) % 100 == 0
        place.assert_whole_files()
        assert len(place.uuids_in_db()) % 100 == 0
    place.collect_once()
    place.assert_delivered(wanted)


# ---- starting before Okta can be reached ----

@test
def a_daemon_that_starts_before_okta_can_be_reached_waits_and_says_so_once(place):
    held, port = refusing_port()
    held.close()
    absent = Absent("http://127.0.0.1:%d/api/v1/logs" % port)
    place.simple(absent, interval="100ms")
    daemon = place.daemon()
    place.wait_log(daemon, "WARN  okta.unreachable")
    sim = place.sim("--listen", "127.0.0.1:%d" % port)
    wanted = events(30, seed=20)
    sim.add(wanted)
    place.wait_db(30)
    place.stop(daemon)
    log = place.log_of(daemon)
    assert log.count("WARN  okta.unreachable") == 1 and log.count("source.recovered") == 1, log
    place.assert_delivered(wanted)


class Absent:
    token = TOKEN

    def __init__(self, url):
        self.url = url


# ---- quiet while it waits ----

def nothing_new(place, sim):
    place.simple(sim, interval="1h")
    return "okta.page"


def only_500s(place, sim):
    sim.fault("500", probability=1)
    place.simple(sim, interval="10ms")
    return "okta.unreachable"


def minute_is_used_up(place, sim):
    sim.set(rate_limit=4)
    place.simple(sim, limit=1, interval="10ms")
    return "okta.page"


def output_fails(place, sim):
    place.write("out", "a file where the directory should be")
    place.simple(sim, interval="1h")
    return "output.failed"


def body_stalls(place, sim):
    sim.fault("stall_body", probability=1)
    place.simple(sim, interval="10ms")
    return "daemon.started"


def source_is_refused(place, sim):
    sim.role("revoked")
    place.simple(sim, interval="10ms")
    return "watch.all_stopped"


def cpu_seconds(process):
    with open("/proc/%d/stat" % process.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@each_of({"nothing is new": nothing_new, "there are only 500s": only_500s, "an output fails": output_fails,
          "the minute's requests are used up": minute_is_used_up, "a body stalls": body_stalls,
          "its source is refused": source_is_refused})
def the_daemon_takes_no_cpu_while(place, make):
    sim = place.sim()
    sim.add(events(100, seed=30))
    said = make(place, sim)
    daemon = place.daemon()
    place.wait_log(daemon, said)
    wait_until(lambda: sim.count() >= 1, "a request")
    time.sleep(0.7)  # what is under way comes to its end
    before = cpu_seconds(daemon)
    time.sleep(1)
    assert cpu_seconds(daemon) - before <= 0.05, cpu_seconds(daemon) - before
    place.stop(daemon)


# ---- systemd ----

class Notified:
    """The socket that systemd would give, and the messages on it."""

    def __init__(self, place):
        self.path = place.path("notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.messages = []

    def has(self, text, count=1):
        while True:
            try:
                self.messages.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                break
        return sum(m.splitlines().count(text) for m in self.messages) >= count

    def wait(self, text, count=1):
        wait_until(lambda: self.has(text, count), "%s from the daemon, which said %s" % (text, self.messages))


@test
def systemd_is_told_ready_reloading_and_stopping(place):
    sim = place.sim()
    place.simple(sim)
    told = Notified(place)
    daemon = place.daemon(env={"NOTIFY_SOCKET": told.path})
    told.wait("READY=1")
    daemon.send_signal(signal.SIGHUP)
    told.wait("RELOADING=1")
    told.wait("READY=1", 2)
    stamps = [line for m in told.messages for line in m.splitlines() if line.startswith("MONOTONIC_USEC=")]
    assert len(stamps) == 1 and abs(int(stamps[0][15:]) / 1e6 - time.monotonic()) < 60, stamps
    place.stop(daemon)
    told.wait("STOPPING=1")
    assert [m for m in told.messages if "WATCHDOG" in m] == []
    told.socket.close()


@test
def the_watchdog_is_kept_happy_in_half_its_time(place):
    sim = place.sim()
    place.simple(sim)
    told = Notified(place)
    began = time.monotonic()
    daemon = place.daemon(env={"NOTIFY_SOCKET": told.path, "WATCHDOG_USEC": "400000"})
    told.wait("WATCHDOG=1", 6)
    assert time.monotonic() - began < 6 * 0.4 + 2
    place.stop(daemon)
    told.socket.close()


@test
def the_abstract_name_of_a_socket_works_too(place):
    sim = place.sim()
    place.simple(sim)
    name = "gatehouse-test-%d" % now_ms()
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind("\0" + name)
    receiver.settimeout(30)
    daemon = place.daemon(env={"NOTIFY_SOCKET": "@" + name})
    assert receiver.recv(100) == b"READY=1"
    place.stop(daemon)
    receiver.close()


@test
def wrong_settings_are_never_ready(place):
    told = Notified(place)
    place.settings("sources: []\n")
    p = place.run("run", "-c", place.path("gatehouse.yml"), env={"NOTIFY_SOCKET": told.path})
    assert p.returncode == 2 and not told.has("READY=1")
    told.socket.close()


# ---- the state directory has one owner ----

@test
def a_second_process_on_the_same_state_is_refused_by_name(place):
    sim = place.sim()
    place.simple(sim)
    daemon = place.daemon()
    place.wait_log(daemon, "daemon.started")
    for command in (("run",), ("collect", "--once"), ("dead-letters", "replay")):
        p = place.run(*command, "-c", place.path("gatehouse.yml"))
        assert p.returncode == 1, (command, p.err)
        assert place.path("state") in p.err and "process %d" % daemon.pid in p.err, p.err
    assert place.run("status", "-c", place.path("gatehouse.yml")).returncode == 0
    place.stop(daemon)


# ---- logs ----

def trouble_of_all_kinds(place, sim):
    """A run that warns, recovers, and has dead letters."""
    sim.add(events(50, seed=10))
    sim.add(["{\"no\":\"uuid\"}"])
    for kind in ("500", "html", "foreign_link", "reset_body", "missing_next"):
        sim.fault(kind)
    daemon = place.daemon()
    place.wait_db(50)
    place.wait_log(daemon, "watch.dead_letters")
    place.stop(daemon)
    return place.log_of(daemon)


@test
def json_logs_are_json_line_by_line(place):
    sim = place.sim()
    place.simple(sim, limit=20, extra="log: { format: json, level: debug }\n")
    lines = trouble_of_all_kinds(place, sim).splitlines()
    records = [json.loads(line) for line in lines]
    assert len(records) > 10
    levels = {r.get("level") or r.get("log.level") for r in records}
    assert len(levels) >= 3 and None not in levels, levels


@test
def text_logs_are_one_line_per_record_with_time_and_level(place):
    sim = place.sim()
    place.simple(sim, limit=20)
    for line in trouble_of_all_kinds(place, sim).splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO |WARN |ERROR) [a-z_.]+( [a-z_]+=.*)?$",
                        line), line


def every_byte_below(place):
    for folder, _, names in os.walk(place.root):
        for name in names:
            path = os.path.join(folder, name)
            if name != "gatehouse.yml" and os.path.isfile(path):
                with open(path, "rb") as f:
                    yield path, f.read()


@test
def secrets_stand_in_no_log_state_or_output(place):
    secret = "00veryVERYsecretTOKENofTHEtests"
    sim = place.sim(token=secret)
    password = "pa55wordOfTheProxy"
    place.simple(sim, limit=20, extra="log: { level: debug }\n")
    trouble_of_all_kinds(place, sim)
    sim.role("revoked")
    place.run("collect", "--once", "-c", place.path("gatehouse.yml"))
    for command in (("test", "config", "--show"), ("test", "okta"), ("status", "--json"), ("dead-letters", "list")):
        p = place.run(*command, "-c", place.path("gatehouse.yml"))
        assert secret not in p.out + p.err, (command, p.out, p.err)
    proxied = place.run("test", "okta", "--set", "sources.0.proxy_url=http://me:%s@127.0.0.1:%d" % (password, sim.port),
                        "-c", place.path("gatehouse.yml"))
    assert password not in proxied.out + proxied.err, (proxied.out, proxied.err)
    for path, data in every_byte_below(place):
        assert secret.encode() not in data, path


@test
def the_last_line_is_a_summary_of_each_source(place):
    sim = place.sim()
    sim.add(events(150, seed=11))
    place.simple(sim, limit=100)
    p = place.collect_once()
    summary = [line for line in p.err.splitlines() if "watch.summary" in line]
    assert len(summary) == 1 and p.err.splitlines()[-1] == summary[0], p.err
    pairs = dict(re.findall(r"([a-z_]+)=(\S+)", summary[0]))
    wanted = {"source": "acme", "events": "150", "pages": "2", "requests": "3", "delivered": "300", "repeated": "0",
              "dead_letters": "0", "lag_s": "0", "budget_used": "3"}
    assert {k: pairs.get(k) for k in wanted} == wanted, summary


@test
def one_line_per_poll_that_brought_something_and_none_for_others(place):
    sim = place.sim()
    place.simple(sim, interval="100ms")
    daemon = place.daemon()
    wait_until(lambda: sim.count() > 5, "empty polls")
    assert "okta.page" not in place.log_of(daemon)
    sim.add(events(10, seed=12))
    place.wait_log(daemon, "okta.page")
    before = sim.count()
    wait_until(lambda: sim.count() > before + 5, "more empty polls")
    place.stop(daemon)
    assert place.log_of(daemon).count("okta.page ") == 1, place.log_of(daemon)


@test
def the_level_of_the_log_is_obeyed(place):
    sim = place.sim()
    sim.add(events(10, seed=13))
    place.simple(sim, extra="log: { level: error }\n")
    assert place.collect_once().err == ""


# ---- a terminal ----

@test
def progress_is_shown_on_a_terminal_only(place):
    sim = place.sim()
    sim.add(events(600, seed=14))
    sim.fault("slow_body", probability=1, total_ms=700, delay_ms=50)
    place.simple(sim, limit=200)
    ours, theirs = os.openpty()
    p = subprocess.Popen([GATEHOUSE, "collect", "--once", "-c", place.path("gatehouse.yml")],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, cwd=place.root)
    place.processes.append(p)
    p.log_path = None
    os.close(theirs)
    shown = read_all(ours)
    assert p.wait(60) == 0
    assert re.search(r"\r\x1b\[K\d+ events, \d+ \w+ behind now, \d+ events/s", shown), shown
    assert "rate limit" not in shown, shown
    sim.add(events(10, seed=15))
    assert "\x1b" not in place.collect_once().err


def read_all(fd):
    text = b""
    while True:
        try:
            some = os.read(fd, 4096)
        except OSError:
            some = b""
        if not some:
            os.close(fd)
            return text.decode()
        text += some


if __name__ == "__main__":
    main(jobs=3)
