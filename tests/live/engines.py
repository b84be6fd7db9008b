# SPDX-License-Identifier: Apache-2.0
"""The real engines: Elasticsearch, OpenSearch and Kafka as processes of their own, from where tools/deps puts them.

Each is one Java process on a folder of its own, on loopback alone. start() after stop() or kill() brings it back on
the same folder and the same port. It ends with its test: stop() by the Place, and by itself when the test's process
is gone. A start takes a few seconds, so the tests of one file may share one: shared(Elasticsearch).

    engines.py record NAME...    as tools/deps does: lets an engine work for a moment, so that Java keeps the classes
                                 that it loads (its AOT cache) and the starts in the tests take half the time
"""
import atexit
import glob
import gzip
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from basics import BARE_ENV, PATIENCE, Skip, read_text, wait_until

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gatehouse")
JAVA = os.path.join(CACHE, "engines-python", "java")
CLIENT_PYTHON = os.path.join(CACHE, "engines-python", "bin", "python")
HERE = os.path.dirname(os.path.abspath(__file__))

# One small machine runs many of them: little memory, few threads, and no compiling for a long life.
JAVA_OPTIONS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true",
                "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"]


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def quiet_port():
    """A free port that the kernel gives to nobody by itself, so that it is still free after a restart."""
    first = int(read_text("/proc/sys/net/ipv4/ip_local_port_range").split()[0])
    choices = range(10000, first) if first > 11000 else range(61000, 65536)
    while True:
        port = random.choice(choices)
        if is_free(port):
            return port


def installed(*names):
    """The folder of an engine in the cache; without it, no test."""
    folder = os.path.join(CACHE, *names)
    if not os.path.exists(folder) or not os.path.exists(JAVA):
        raise Skip("%s is not there: run tools/deps test" % folder)
    return folder


class Engine:
    """What the three have in common. A subclass says `name`, `heap`, and how it is configured and called."""
    ready_line = "engine started"
    recording = False

    def __init__(self, place, heap=None):
        """`place` is a Place, which ends the engine with its test, or a folder."""
        self.root = tempfile.mkdtemp(prefix=self.name + "-", dir=getattr(place, "root", place))
        self.heap = heap or self.heap
        self.home = installed("engines-" + self.name)
        self.process = None
        self.log = os.path.join(self.root, "engine.log")
        if hasattr(place, "sims"):
            place.sims.append(self)
        for _ in range(10):
            self.choose_ports()
            if self.try_start():
                return
        raise AssertionError("no port for %s:\n%s" % (self.name, self.last_log()))

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def command(self):
        jars = ":".join([os.path.join(self.home, "launcher.jar"), *sorted(glob.glob(self.home + "/lib/*.jar"))])
        return [JAVA, *JAVA_OPTIONS, *self.cached(), "-Xms%s" % self.heap, "-Xmx%s" % self.heap,
                "-Djava.io.tmpdir=" + self.root, *self.java_options(), "-cp", jars, *self.main()]

    def cached(self):
        """Java leaves a cache alone that does not fit."""
        cache = os.path.join(self.home, "engine.aot")
        if self.recording:
            return ["-XX:AOTCacheOutput=" + cache]
        return ["-XX:AOTCache=" + cache] if os.path.exists(cache) else []

    def java_options(self):
        return []

    def try_start(self):
        """False when another process has the port."""
        assert not self.is_running(), self.name + " runs already"
        self.configure()
        with open(self.log, "wb") as log:
            # It watches its standard input, whose other end only this process has.
            self.process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=log, stderr=log,
                                            env=BARE_ENV, cwd=self.root)
        wait_until(lambda: self.ready_line in read_text(self.log) or not self.is_running(),
                   "%s to start:\n%s" % (self.name, self.last_log()))
        if self.is_running():
            self.await_data()
            return True
        text = read_text(self.log)
        assert "BindException" in text or "in use" in text, "%s ended:\n%s" % (self.name, self.last_log())
        return False

    def await_data(self):
        """Until it has opened what its folder holds."""

    def start(self):
        """Again, after stop() or kill()."""
        wait_until(self.try_start, "the port of " + self.name)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def last_log(self):
        return "\n".join(read_text(self.log).splitlines()[-40:]) if os.path.exists(self.log) else ""

    @property
    def pid(self):
        return self.process.pid

    def end(self, how):
        if self.process is None:
            return
        if self.is_running():
            self.process.send_signal(how)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()

    def stop(self):
        """In order, as an administrator would. Again is nothing."""
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def pause(self):
        """Answers nothing, but keeps its connections; until resume()."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def cpu_seconds(self):
        """User and system time of the process since it was started."""
        fields = read_text("/proc/%d/stat" % self.pid).rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        return int(read_text("/proc/%d/statm" % self.pid).split()[1]) * os.sysconf("SC_PAGE_SIZE")


def encoded(body):
    """Bytes as they are, a list as lines for _bulk, anything else as JSON."""
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, list):
        return b"".join(json.dumps(line).encode() + b"\n" for line in body)
    return json.dumps(body).encode()


class SearchEngine(Engine):
    heap = "256m"
    more_settings = ""

    def __init__(self, place, heap=None, settings=""):
        self.more = settings
        super().__init__(place, heap)

    def choose_ports(self):
        self.port = quiet_port()
        os.makedirs(self.path("config"), exist_ok=True)
        os.makedirs(self.path("logs"), exist_ok=True)

    def configure(self):
        self.write("config/%s.yml" % self.name, """
cluster.name: engine
node.name: engine
node.processors: 2
discovery.type: single-node
network.host: 127.0.0.1
http.port: %d
transport.port: 0
cluster.routing.allocation.disk.threshold_enabled: false
%s%s""" % (self.port, self.more_settings, self.more))

    @property
    def base(self):
        return "http://127.0.0.1:%d" % self.port

    url = base

    def request(self, method, path, body=None, headers=None, zipped=False):
        """Status and answer; JSON is read, everything else stays text."""
        data = encoded(body)
        headers = dict({"Content-Type": "application/x-ndjson" if isinstance(body, list) else "application/json"}
                       if data is not None else {}, **(headers or {}))
        if zipped:
            data = gzip.compress(data)
            headers["Content-Encoding"] = "gzip"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path if path.startswith("/") else "/" + path, data, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        is_json = "json" in (answer.headers["Content-Type"] or "")
        return answer.status, json.loads(text) if is_json and text else text

    def await_data(self):
        self.ask("GET", "/_cluster/health?wait_for_status=yellow&wait_for_no_initializing_shards=true&timeout=%ds"
                 % PATIENCE)

    def ask(self, method, path, body=None):
        """The answer of a request that must succeed."""
        status, answer = self.request(method, path, body)
        assert status < 300, "%s %s: %d %s" % (method, path, status, json.dumps(answer)[:2000])
        return answer

    def hits(self, index, query=None, size=1000):
        """Every hit of the query (of everything, without one), however many, as the engine gives it."""
        self.ask("POST", "/%s/_refresh" % index)
        page = self.ask("POST", "/%s/_search?scroll=5m&size=%d" % (index, size),
                        {"sort": ["_doc"], "query": query or {"match_all": {}}})
        found = []
        while page["hits"]["hits"]:
            found += page["hits"]["hits"]
            page = self.ask("POST", "/_search/scroll", {"scroll": "5m", "scroll_id": page["_scroll_id"]})
        self.ask("DELETE", "/_search/scroll", {"scroll_id": page["_scroll_id"]})
        return found

    def ids(self, index):
        """_id of every document, each as often as it is there (in a data stream, backing indices may have it twice)."""
        return [hit["_id"] for hit in self.hits(index, size=5000)]

    def count(self, index):
        self.ask("POST", "/%s/_refresh" % index)
        return self.ask("GET", "/%s/_count" % index)["count"]


    def exercise(self):
        """What the tests will do, for the recording."""
        self.ask("PUT", "/_index_template/x", {"index_patterns": ["x-*"], "data_stream": {}, "priority": 500})
        for n in range(3):
            self.ask("POST", "/x-y/_bulk", [{"create": {"_id": str(n // 2)}}, {"@timestamp": "2026-01-01T00:00:00Z",
                                                                             "n": n, "text": "some words"}])
        self.ask("POST", "/x-y/_rollover")
        self.ids("x-y")
        for index in self.ask("GET", "/_resolve/index/x-y")["data_streams"][0]["backing_indices"]:
            self.ask("POST", "/%s/_mget?_source=false" % index, {"ids": ["0", "1"]})


class Elasticsearch(SearchEngine):
    """9.5.3, the bare server: no security, no ingest processors, no ILM, no `GET /`."""
    name = "elasticsearch"

    def java_options(self):
        return ["-Des.distribution.type=tar", "-Des.modules=" + os.path.join(self.home, "modules")]

    def main(self):
        return ["ElasticsearchNode", self.root]


class OpenSearch(SearchEngine):
    """2.19.3, the bare server: no security, no ingest processors, no ISM."""
    name = "opensearch"

    def main(self):
        return ["OpenSearchNode", self.root]


class Kafka(Engine):
    """4.4.0, one node that is broker and controller.

    `bootstrap` is its plain listener. With `advertised`, a second one at `front_port` tells clients that it is at
    that port: a proxy's. With `users` (name: password; PLAIN and SCRAM-SHA-256) or `tls` (files of certificate and key)
    there is one more, at `secure`.
    """
    name = "kafka"
    heap = "64m"
    ready_line = "Kafka Server started"

    def __init__(self, place, heap=None, advertised=None, users=None, tls=None, settings=""):
        self.advertised = advertised
        self.users = users or {}
        self.tls = tls
        self.more = settings
        super().__init__(place, heap)

    def choose_ports(self):
        self.port, self.controller_port, self.front_port, self.secure_port = (quiet_port() for _ in range(4))

    @property
    def bootstrap(self):
        return "127.0.0.1:%d" % self.port

    @property
    def secure(self):
        return "127.0.0.1:%d" % self.secure_port

    def listeners(self):
        """Name, protocol, port, port that clients are told."""
        rows = [("BROKER", "PLAINTEXT", self.port, self.port)]
        if self.advertised:
            rows.append(("FRONT", "PLAINTEXT", self.front_port, self.advertised))
        if self.users or self.tls:
            protocol = ("SASL_" if self.users else "") + ("SSL" if self.tls else "PLAINTEXT")
            rows.append(("SECURE", protocol, self.secure_port, self.secure_port))
        return rows

    def configure(self):
        rows = self.listeners()
        self.write("server.properties", """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%(controller)d
controller.listener.names=CONTROLLER
inter.broker.listener.name=BROKER
listeners=%(listeners)s,CONTROLLER://127.0.0.1:%(controller)d
advertised.listeners=%(advertised)s
listener.security.protocol.map=%(protocols)s,CONTROLLER:PLAINTEXT
log.dirs=%(data)s
num.network.threads=2
num.io.threads=2
background.threads=2
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.threads=1
auto.create.topics.enable=true
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=300
broker.session.timeout.ms=2000
%(secure)s%(more)s""" % dict(controller=self.controller_port, data=self.path("data"), secure=self.secured(),
                           listeners=",".join("%s://127.0.0.1:%d" % (r[0], r[2]) for r in rows),
                           advertised=",".join("%s://127.0.0.1:%d" % (r[0], r[3]) for r in rows),
                           protocols=",".join("%s:%s" % r[:2] for r in rows), more=self.more))

    def secured(self):
        text = ""
        if self.tls:
            pem = self.write("broker.pem", read_text(self.tls[1]) + read_text(self.tls[0]))
            text += "listener.name.secure.ssl.keystore.type=PEM\nlistener.name.secure.ssl.keystore.location=%s\n" % pem
        if self.users:
            known = " ".join('user_%s="%s"' % pair for pair in self.users.items())
            text += ("sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256\n"
                     "listener.name.secure.plain.sasl.jaas.config="
                     "org.apache.kafka.common.security.plain.PlainLoginModule required %s;\n"
                     "listener.name.secure.scram-sha-256.sasl.jaas.config="
                     "org.apache.kafka.common.security.scram.ScramLoginModule required;\n" % known)
        return text

    def java_options(self):
        log = "-Dorg.slf4j.simpleLogger."
        return [log + "defaultLogLevel=warn", log + "log.kafka.server.KafkaRaftServer=info"]

    def main(self):
        scram = ["SCRAM-SHA-256=[name=%s,password=%s]" % pair for pair in self.users.items()]
        return ["KafkaNode", self.path("server.properties"), self.path("data"),
                *(word for one in scram for word in ("--add-scram", one))]

    def tool(self, *args, stdin=None, options=None, servers=None):
        """Runs kafka_tool.py; gives what it prints."""
        done = subprocess.run([CLIENT_PYTHON, os.path.join(HERE, "kafka_tool.py"), servers or self.bootstrap,
                               *map(str, args)], input=stdin, capture_output=True, text=True, timeout=PATIENCE * 2,
                              env=dict(BARE_ENV, KAFKA_OPTIONS=json.dumps(options or {})))
        assert done.returncode == 0, "kafka_tool %s: %s" % (" ".join(map(str, args)), done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def create(self, topic, partitions=1, **config):
        """Makes a topic; `config` are its settings, with _ for the dots in their names."""
        self.tool("create", topic, partitions, *("%s=%s" % (k.replace("_", "."), v) for k, v in config.items()))

    def topics(self):
        """Name: number of partitions."""
        return {row["topic"]: row["partitions"] for row in self.tool("topics")}

    def read(self, topic, isolation="read_committed"):
        """The messages in a topic now: key, value, partition, offset, timestamp, headers."""
        return self.tool("read", topic, isolation)

    def produce(self, topic, *pairs):
        self.tool("produce", topic, stdin="".join(json.dumps(pair) + "\n" for pair in pairs))

    def transact(self, topic, name, *pairs, end="commit"):
        """The same in a transaction of the transactional id `name`, which it takes over; `end` is commit or abort."""
        self.tool("transact", topic, name, end, stdin="".join(json.dumps(pair) + "\n" for pair in pairs))

    def exercise(self):
        """What the tests will do, for the recording."""
        self.create("x", 2)
        self.produce("x", ["a", "b"])
        self.transact("x", "x", ["a", "c"])
        self.transact("x", "x", ["a", "d"], end="abort")
        self.read("x")

    def committed(self, group, topic):
        """A group's offsets: partition, offset, metadata."""
        return self.tool("committed", group, topic)


engines = {}
starting = threading.Lock()


def shared(kind, **more):
    """The one engine of this kind that the tests of a file share; whoever asks first starts it. Ends with the
    process. For tests that do not stop it, and use names of their own."""
    with starting:
        if kind not in engines:
            folder = tempfile.mkdtemp(prefix="gatehouse-engine-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            engines[kind] = kind(folder, **more)
            atexit.register(engines[kind].stop)
        return engines[kind]


def record(kind):
    """Java writes its cache when the engine stops."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-engine-") as folder:
        engine = type(kind.__name__, (kind,), {"recording": True})(folder)
        engine.exercise()
        engine.stop()


if __name__ == "__main__" and sys.argv[1:2] == ["record"]:
    for known in (Elasticsearch, OpenSearch, Kafka):
        if known.name in sys.argv[2:]:
            record(known)
