# SPDX-License-Identifier: Apache-2.0
"""The program seen from outside: /metrics against docs/metrics.md and promtool, /healthz, /readyz, systemd."""
import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import threading

from gates import Gate
from harness import events, main, now_ms, read_text, refusing_port, test, wait_until

SOURCE = os.environ["GATEHOUSE_SOURCE"]
PROMTOOL = os.environ["PROMTOOL"]
METRICS = 'metrics: { address: "127.0.0.1:0" }\n'
SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Monitor:
    """Where a process tells how it is."""

    def __init__(self, place, process):
        self.place, self.process = place, process
        place.wait_log(process, "metrics.listening")
        self.port = int(re.search(r"metrics\.listening address=127\.0\.0\.1:(\d+)", place.log_of(process)).group(1))

    def ask(self, path, method="GET", timeout=30, body=None):
        """Status, headers, text."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()

    def scrape(self):
        """{(name, labels as sorted pairs): number}, after a look at the form."""
        status, headers, text = self.ask("/metrics")
        assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers
        samples = {}
        for line in text.splitlines():
            if line.startswith("# "):
                continue
            name, labels, number = SAMPLE.fullmatch(line).groups()
            key = (name, tuple(sorted(LABEL.findall(labels or ""))))
            assert key not in samples, line
            samples[key] = float(number)
        return samples

    def value(self, metric, **labels):
        return self.scrape().get((metric, tuple(sorted(labels.items()))))

    def wait_value(self, wanted, metric, **labels):
        wait_until(lambda: self.value(metric, **labels) == wanted,
                   "%s%s is %s, not %s" % (metric, labels, self.value(metric, **labels), wanted))


def monitored(place, command="collect", env=None):
    return Monitor(place, place.daemon(command=command, env=env))


def documented():
    """{metric: (type, its labels)} of docs/metrics.md."""
    with open(os.path.join(SOURCE, "docs", "metrics.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `(\w+)` \| (counter|gauge) \|([^|]*)\|", file.read(), re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def check_with_promtool(text):
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


# ---- what is told

@test
def a_scrape_is_what_the_page_says_and_promtool_finds_nothing_wrong(place):
    sim = place.sim("--generate", "50", "--rate-limit", "600")
    place.simple(sim, extra='listen: { address: "127.0.0.1:0" }\n' + METRICS)
    monitor = monitored(place, "run")
    place.wait_db(50)
    monitor.wait_value(1, "gatehouse_source_caught_up", source="acme")
    text = monitor.ask("/metrics")[2]
    check_with_promtool(text)
    known = documented()
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    helped = set(re.findall(r"^# HELP (\w+) \S", text, re.MULTILINE))
    assert set(types) == helped == set(known), set(types) ^ set(known)
    for (name, labels) in monitor.scrape():
        assert types[name] == known[name][0] and {key for key, _ in labels} == known[name][1], (name, labels)
    # What is absent while all is well; the rest has a sample.
    silent = set(known) - {name for name, _ in monitor.scrape()}
    assert silent <= {"gatehouse_output_failing_since_timestamp_seconds", "gatehouse_source_history_left_seconds",
                      "gatehouse_forgotten_in_seconds"}, silent
    place.stop(monitor.process)


@test
def the_page_is_made_of_the_rows(place):
    p = place.run("metrics", "--markdown")
    with open(os.path.join(SOURCE, "docs", "metrics.md"), encoding="utf-8") as file:
        assert p.returncode == 0 and p.out == file.read(), \
            "docs/metrics.md is stale: run `gatehouse metrics --markdown > docs/metrics.md`"


@test
def counters_move_with_the_events(place):
    sim = place.sim("--generate", "30")
    place.simple(sim, interval="1s", extra=METRICS)
    monitor = monitored(place)
    both = [{"source": "acme", "output": output} for output in ("db", "archive")]
    for pair in both:
        monitor.wait_value(30, "gatehouse_delivered_documents_total", **pair)
    before = monitor.scrape()
    sim.add(events(5, seed=7, first_ms=now_ms()))
    for pair in both:
        monitor.wait_value(35, "gatehouse_delivered_documents_total", **pair)
    monitor.wait_value(35, "gatehouse_source_events_total", source="acme")
    after = monitor.scrape()

    def grew(metric, **labels):
        key = (metric, tuple(sorted(labels.items())))
        return after[key] - before[key]

    assert grew("gatehouse_source_pages_total", source="acme") >= 1
    assert grew("gatehouse_source_requests_total", source="acme") >= 1
    assert grew("gatehouse_output_deliveries_total", output="db") >= 1
    assert grew("process_cpu_seconds_total") >= 0
    assert after["gatehouse_log_messages_total", (("level", "info"),)] > 0
    assert after["gatehouse_dead_letters_waiting", ()] == 0
    assert after["gatehouse_output_info", (("output", "db"), ("type", "sqlite"))] == 1
    assert after["process_resident_memory_bytes", ()] > 1 << 20
    assert 3 < after["process_open_fds", ()] <= after["process_max_fds", ()]
    for key, number in before.items():
        if key[0].endswith("_total"):
            assert after[key] >= number, key
    place.stop(monitor.process)


@test
def the_gates_requests_are_counted_by_operation_and_status(place):
    gate = Gate(place, extra=METRICS).start()
    monitor = Monitor(place, gate.process)
    for _ in range(3):
        gate.read()
    assert gate.call("GET", "sys/mounts", token="wrong")[0] == 403
    assert gate.call("GET", "sys/policies/acl/none")[0] == 404
    assert monitor.value("gatehouse_gate_requests_total", operation="read", status="2xx") == 3
    assert monitor.value("gatehouse_gate_requests_total", operation="read", status="4xx") == 2
    assert monitor.value("gatehouse_gate_sealed") == 0 and monitor.value("gatehouse_gate_initialized") == 1
    assert monitor.value("gatehouse_gate_tokens") == 1
    assert monitor.value("gatehouse_mfa_challenges_total", outcome="allowed") == 0
    check_with_promtool(monitor.ask("/metrics")[2])
    gate.stop()


def with_dead_archive(place, sim, extra=""):
    """Settings with two outputs, of which one cannot be written to."""
    place.write("no-folder", "a file")
    with open(place.simple(sim, extra=extra), encoding="utf-8") as file:
        place.settings(file.read().replace(place.path("out"), place.path("no-folder")))


@test
def before_anything_came_there_is_not_much_and_promtool_finds_nothing_wrong(place):
    held, port = refusing_port()
    names = ("acme", "a.b:8080", "LAB_2")
    place.compose(["  - { name: %s, url: http://127.0.0.1:%d/api/v1/logs, allow_any_url: true, api_key: x }\n" % (name, port)
                   for name in names], extra=METRICS)
    monitor = monitored(place)
    for name in names:
        monitor.wait_value(1, "gatehouse_source_failing", source=name)
        assert monitor.value("gatehouse_source_stopped", source=name) == 0
        assert monitor.value("gatehouse_source_lag_seconds", source=name) is None
        assert monitor.value("gatehouse_delivered_documents_total", source=name, output="db") == 0
    assert monitor.value("gatehouse_output_up", output="db") == 1
    check_with_promtool(monitor.ask("/metrics")[2])
    place.stop(monitor.process)
    held.close()


@test
def an_output_that_fails_is_told(place):
    sim = place.sim("--generate", "5")
    with_dead_archive(place, sim, METRICS)
    monitor = monitored(place)
    monitor.wait_value(0, "gatehouse_output_up", output="archive")
    wait_until(lambda: (monitor.value("gatehouse_output_retries_total", output="archive") or 0) > 0, "retries")
    assert monitor.value("gatehouse_output_up", output="db") == 1
    assert monitor.value("gatehouse_output_failing_since_timestamp_seconds", output="archive") > 1e9
    assert monitor.value("gatehouse_output_failing_since_timestamp_seconds", output="db") is None
    # That an output fails is no fault of the source; how far it is behind that has had nothing, nobody knows.
    assert monitor.value("gatehouse_source_failing", source="acme") == 0
    assert monitor.value("gatehouse_lag_seconds", source="acme", output="archive") is None
    monitor.wait_value(0, "gatehouse_lag_seconds", source="acme", output="db")
    check_with_promtool(monitor.ask("/metrics")[2])
    assert monitor.ask("/healthz")[0] == 200
    status, _, ready = monitor.ask("/readyz")
    assert status == 200 and re.search(r"^output archive: \S+ since .*", ready, re.MULTILINE), ready
    assert "output db: ok\n" in ready and "source acme: ok\n" in ready, ready
    place.stop(monitor.process)


# ---- being asked

@test
def only_what_is_there_is_answered(place):
    sim = place.sim()
    place.simple(sim, extra=METRICS)
    monitor = monitored(place)
    for path, method, wanted in (("/", "GET", 404), ("/metrics/", "GET", 404), ("/metrics", "POST", 405),
                                 ("/healthz", "DELETE", 405), ("/metrics?x=1", "GET", 200), ("/healthz", "GET", 200)):
        status, headers, _ = monitor.ask(path, method)
        assert status == wanted, (path, method, status)
        assert headers["Connection"].lower() == "close" and headers["Cache-Control"] == "no-store", headers
    assert monitor.ask("/metrics", "POST", body="x" * 100000)[0] == 405
    assert monitor.ask("/healthz")[2] == "ok\n"
    status, headers, body = monitor.ask("/metrics", "HEAD")
    assert status == 200 and int(headers["Content-Length"]) > 1000 and body == ""
    place.stop(monitor.process)


@test
def without_the_setting_nobody_listens(place):
    sim = place.sim("--generate", "1")
    place.simple(sim)
    process = place.daemon(command="collect")
    place.wait_db(1)
    assert "metrics.listening" not in place.log_of(process)
    place.stop(process)


@test
def an_address_in_use_is_said_and_ends_the_program(place):
    sim = place.sim()
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        place.simple(sim, extra='metrics: { address: "127.0.0.1:%d" }\n' % taken.getsockname()[1])
        p = place.run("run", "-c", place.path("gatehouse.yml"))
        assert p.returncode == 1 and "metrics.address: can't listen on 127.0.0.1:" in p.err, p.err


@test
def a_change_of_the_address_needs_a_restart(place):
    sim = place.sim()
    place.simple(sim, extra=METRICS)
    monitor = monitored(place)
    place.simple(sim, extra=METRICS.replace(":0", ":1"))
    monitor.process.send_signal(signal.SIGHUP)
    place.wait_log(monitor.process, "metrics: a change needs a restart")
    assert monitor.ask("/healthz")[0] == 200
    place.stop(monitor.process)


@test
def clients_that_say_nothing_keep_nobody_out(place):
    sim = place.sim()
    place.simple(sim, extra=METRICS)
    monitor = monitored(place)
    idle = [socket.create_connection(("127.0.0.1", monitor.port)) for _ in range(40)]
    for connection in idle:
        connection.sendall(b"GET /metrics HTTP/1.1\r\n")

    def is_answered():
        with contextlib.suppress(OSError, http.client.HTTPException):
            return monitor.ask("/healthz", timeout=2)[0] == 200
        return False

    wait_until(is_answered, "an answer beside 40 idle clients")
    for connection in idle:
        connection.close()
    place.stop(monitor.process)


@test
def many_scrapes_at_once_are_all_answered(place):
    sim = place.sim("--generate", "20")
    place.simple(sim, extra=METRICS)
    monitor = monitored(place)
    answers = []

    def scrape():
        for _ in range(20):
            answers.append(monitor.ask("/metrics")[0])

    threads = [threading.Thread(target=scrape) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 120, answers
    place.stop(monitor.process)


# ---- ready

@test
def a_sealed_gate_is_alive_and_not_ready(place):
    gate = Gate(place, extra=METRICS).start()
    monitor = Monitor(place, gate.process)
    status, _, text = monitor.ask("/readyz")
    assert status == 200 and text.startswith("ready\n"), text
    assert gate.call("PUT", "sys/seal")[0] == 204
    status, _, text = monitor.ask("/readyz")
    assert status == 503 and text.startswith("not ready: the gate is sealed\n"), text
    assert monitor.ask("/healthz")[0] == 200
    assert monitor.value("gatehouse_gate_sealed") == 1
    gate.stop()


@test
def a_gate_that_was_never_initialised_is_not_ready(place):
    place.settings('state: %s\nlisten: { address: "127.0.0.1:0" }\n' % place.path("state") + METRICS)
    monitor = monitored(place, "run")
    assert monitor.ask("/readyz")[::2] == (503, "not ready: the gate has not been initialised\n")
    place.stop(monitor.process)


@test
def a_source_that_is_refused_leaves_the_program_ready(place):
    sim = place.sim()
    sim.token = "another"
    place.simple(sim, extra=METRICS)
    monitor = monitored(place, "run")
    monitor.wait_value(1, "gatehouse_source_stopped", source="acme")
    status, _, text = monitor.ask("/readyz")
    assert status == 200 and "source acme: stopped\n" in text, text
    assert monitor.ask("/healthz")[0] == 200
    check_with_promtool(monitor.ask("/metrics")[2])
    place.stop(monitor.process)


# ---- a loop that is held up

class HeldUp:
    """A process whose log nobody reads: once the pipe is full, its loop stands still in the middle of a message."""

    def __init__(self, place, env=None):
        self.reader, writer = os.pipe()
        self.place = place
        self.text = b""
        self.process = place.start("run", "-c", place.path("gatehouse.yml"), env=env, stderr=writer)
        self.writer = writer
        self.port = None

    def read_until(self, pattern):
        while not re.search(pattern, self.text):
            self.text += os.read(self.reader, 65536)
        return re.search(pattern, self.text)

    def hold(self):
        os.set_blocking(self.writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.writer, b"x" * 4096)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.writer, b"x")
        os.set_blocking(self.writer, True)
        self.process.send_signal(signal.SIGHUP)

    def release(self):
        """From now on everything is read."""
        def drain():
            while os.read(self.reader, 65536):
                pass
        threading.Thread(target=drain, daemon=True).start()

    def close(self):
        os.close(self.writer)


@test
def a_loop_that_stands_still_is_neither_alive_nor_waited_for(place):
    sim = place.sim()
    place.simple(sim, extra=METRICS)
    held = HeldUp(place)
    port = int(held.read_until(rb"metrics\.listening address=127\.0\.0\.1:(\d+)").group(1))
    held.read_until(rb"daemon\.started")
    monitor = Monitor.__new__(Monitor)
    monitor.port = port
    assert monitor.ask("/healthz")[0] == 200
    held.hold()
    wait_until(lambda: monitor.ask("/healthz")[0] == 503, "a loop that stands still")
    status, _, text = monitor.ask("/metrics")
    assert status == 503 and text == "the program is held up\n", text
    held.release()
    wait_until(lambda: monitor.ask("/healthz")[0] == 200, "a loop that goes on")
    held.process.send_signal(signal.SIGTERM)
    held.process.wait(60)
    held.close()


# ---- gatehouse status, which asks the state

@test
def status_says_how_the_outputs_were_and_why(place):
    sim = place.sim("--generate", "5")
    with_dead_archive(place, sim)
    process = place.daemon()
    place.wait_log(process, "daemon.started")

    def row(output):
        return place.status().get(("acme", output), {})

    wait_until(lambda: row("archive").get("output_state", {}).get("retries", 0) > 0, "retries")
    wait_until(lambda: row("db").get("caught_up"), "db that has caught up")
    failing, well = row("archive"), row("db")
    assert failing["output_state"]["ok"] is False and failing["output_state"]["failing_since"], failing
    assert "no-folder" in failing["output_state"]["reason"] and failing["output_state"]["complaint"], failing
    assert failing["caught_up"] is False and failing["forgotten_in_seconds"] <= 90 * 86400, failing
    assert "lag_seconds" not in failing, failing
    assert well["output_state"]["ok"] is True and "reason" not in well["output_state"], well
    assert well["output_state"]["last_success"] and well["lag_seconds"] == 0, well
    assert "forgotten_in_seconds" not in well, well
    shown = place.run("status", "-c", place.path("gatehouse.yml")).out
    assert re.search(r"^output archive: failing since \S+: .*no-folder.*, \d+ retries", shown, re.MULTILINE), shown
    assert re.search(r"^output db: ok, last delivered at ", shown, re.MULTILINE), shown
    assert re.search(r"^acme +db .* caught up$", shown, re.MULTILINE), shown
    assert re.search(r"^acme +archive .* nothing yet$", shown, re.MULTILINE), shown
    place.stop(process)


@test
def status_knows_what_short_runs_did(place):
    sim = place.sim("--generate", "5")
    place.simple(sim, initial_interval="5d")
    said = place.collect_once().err
    assert said.count("history.done") == 1, said
    first = place.status()[("acme", "db")]
    assert [b["bucket"] for b in first["rate_limits"]] == ["logs"], first
    sim.fault("500")  # something to write down, and nothing delivered
    place.collect_once()
    again = place.status()[("acme", "db")]
    assert again["output_state"]["last_success"] == first["output_state"]["last_success"], (first, again)


@test
def what_cannot_be_printed_is_no_success(place):
    sim = place.sim("--generate", "5")
    place.simple(sim)
    place.collect_once()
    for command in (["status"], ["status", "--json"], ["test", "config", "--show"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            process = place.start(*command, "-c", place.path("gatehouse.yml"), stdout=full)
            assert process.wait(60) == 1, command
        assert "No space left" in place.log_of(process), place.log_of(process)


@test
def status_says_that_okta_refuses_a_source_and_why(place):
    sim = place.sim("--generate", "5")
    unreachable, port = refusing_port()
    place.compose([place.source(sim), place.source(sim, "locked_out").replace(sim.token, "00revoked"),
                   "  - { name: gone, url: http://127.0.0.1:%d/api/v1/logs, api_key: x, interval: 1s }\n" % port])

    def state(source):
        return place.status()[(source, "db")].get("source_state", {})

    process = place.daemon()
    place.wait_log(process, "daemon.started")
    wait_until(lambda: state("locked_out").get("stopped"), "what Okta refuses")
    wait_until(lambda: state("acme").get("ok"), "what Okta answers")
    wait_until(lambda: state("gone").get("failing_since"), "what cannot be reached")
    refused, failing = state("locked_out"), state("gone")
    assert refused["complaint"] == "okta.refused" and "token" in refused["reason"], refused
    assert refused["ok"] is False and refused["failing_since"], refused
    assert failing["ok"] is failing["stopped"] is False and "no connection" in failing["reason"], failing
    shown = place.run("status", "-c", place.path("gatehouse.yml")).out
    assert re.search(r"^source acme: ok \(\d+ s ago\)$", shown, re.MULTILINE), shown
    assert re.search(r"^source locked_out: stopped since \S+: .*token", shown, re.MULTILINE), shown
    assert re.search(r"^source gone: failing since \S+: .*no connection", shown, re.MULTILINE), shown
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    unreachable.close()
    place.simple(sim)
    place.settings(read_text(place.path("gatehouse.yml")).replace("name: acme", "name: locked_out"))
    place.collect_once()
    mended = state("locked_out")
    assert mended["ok"] is True and "reason" not in mended, mended


# ---- systemd

class Notified:
    """systemd's end of sd_notify."""

    def __init__(self, place):
        self.path = place.path("notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(60)

    def wait(self, wanted):
        """Reads until a message begins so; gives it."""
        while True:
            text = self.socket.recv(4096).decode()
            if text.startswith(wanted):
                return text


@test
def systemd_is_told_how_the_program_is(place):
    sim = place.sim("--generate", "3")
    place.simple(sim)
    told = Notified(place)
    process = place.daemon(env={"NOTIFY_SOCKET": told.path})
    told.wait("STATUS=1 source; all caught up; 2 outputs")
    place.stop(process)
    told.socket.close()


@test
def systemd_is_told_what_is_wrong(place):
    sim = place.sim()
    sim.token = "another"
    place.simple(sim)
    told = Notified(place)
    process = place.daemon(env={"NOTIFY_SOCKET": told.path})
    told.wait("STATUS=1 source, 1 failing (acme)")
    place.stop(process)
    told.socket.close()


@test
def systemd_is_told_which_output_is_wrong(place):
    sim = place.sim("--generate", "3")
    with_dead_archive(place, sim)
    told = Notified(place)
    process = place.daemon(env={"NOTIFY_SOCKET": told.path})
    told.wait("STATUS=1 source; not caught up yet; 2 outputs, 1 failing (archive)")
    place.stop(process)
    told.socket.close()


@test
def the_watchdog_of_another_process_is_not_ours(place):
    sim = place.sim()
    place.simple(sim)
    told = Notified(place)
    process = place.daemon(env={"NOTIFY_SOCKET": told.path, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"})
    messages = []
    told.wait("READY=1")
    place.stop(process)
    told.socket.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            messages.append(told.socket.recv(4096))
    assert b"STOPPING=1" in messages and not [m for m in messages if b"WATCHDOG" in m], messages
    told.socket.close()


@test
def a_loop_that_stands_still_leaves_the_watchdog_alone(place):
    sim = place.sim()
    place.simple(sim)
    told = Notified(place)
    held = HeldUp(place, env={"NOTIFY_SOCKET": told.path, "WATCHDOG_USEC": "200000"})
    held.read_until(rb"daemon\.started")
    told.wait("WATCHDOG=1")
    held.hold()
    told.wait("RELOADING=1")  # then it says so in its log, and stands still
    told.socket.settimeout(3)
    messages = []
    with contextlib.suppress(TimeoutError):
        while len(messages) < 100:
            messages.append(told.socket.recv(4096))
    assert len(messages) < 100, "it never stood still"
    told.socket.settimeout(60)
    held.release()
    told.wait("WATCHDOG=1")
    held.process.send_signal(signal.SIGTERM)
    held.process.wait(60)
    held.close()
    told.socket.close()


main(4)
