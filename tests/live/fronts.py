# SPDX-License-Identifier: Apache-2.0
"""What stands between gatehouse and an engine in the live tests: nginx with TLS and credentials, as most installations
have something in front of them, and two proxies that break things when they are told to. Each has stop(), and is
given to the Place, so that it ends with its test."""
import gzip
import http.client
import http.server
import json
import socket
import struct
import threading

import jws
from basics import PATIENCE
from engines import quiet_port
from proxies import NginxServer

LINGER_NOT = struct.pack("ii", 1, 0)  # closing resets


class Certificates:
    """An authority, a server's certificate for 127.0.0.1 and a client's, in the folder of a test."""

    def __init__(self, place, name="tls"):
        self.place = place
        self.name = name
        self.authority = self.path("ca.pem")
        jws.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=Test CA", "-keyout", self.path("ca.key"), "-out", self.authority)
        self.certificate, self.key = self.issue("server", "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self.client_certificate, self.client_key = self.issue("client", "extendedKeyUsage=clientAuth\n")

    def path(self, part):
        return self.place.path("%s-%s" % (self.name, part))

    def issue(self, who, extensions):
        certificate, key, request = (self.path(who + end) for end in (".pem", ".key", ".csr"))
        wanted = self.place.write("%s-%s.ext" % (self.name, who), extensions)
        jws.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + who,
                    "-keyout", key, "-out", request)
        jws.openssl("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", self.path("ca.key"),
                    "-CAcreateserial", "-days", "30", "-extfile", wanted, "-out", certificate)
        return certificate, key


# What Elasticsearch's security says to strangers and to those who may not.
REFUSED = '{"error":{"root_cause":[],"type":"security_exception","reason":"%s"},"status":%d}'

GUARDED = """
    ssl_certificate %(certificate)s; ssl_certificate_key %(key)s; %(client)s
    client_max_body_size %(limit)s; default_type application/json;
    error_page 401 = @stranger; error_page 495 496 =400 /no-certificate;
    location @stranger {
      add_header WWW-Authenticate 'ApiKey' always;
      return 401 '%(stranger)s';
    }
    %(forbidden)s
    location %(prefix)s {
      auth_basic $realm; auth_basic_user_file %(users)s;
      proxy_pass %(base)s/; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_request_buffering off;
      proxy_set_header Authorization '';
    }"""


class EngineFront(NginxServer):
    """TLS in front of an engine, that lets in who shows one of `users` (name: password), or one of `api_keys` (the text
    after `ApiKey `), or everybody where there are neither. `prefix` is where the engine begins. With `ask_client`, only
    those with a certificate of `certificates`. Paths that match one of `forbidden` get 403, as without a privilege.
    `limit` is nginx's client_max_body_size."""

    def __init__(self, place, engine, certificates, users=None, api_keys=(), prefix="/", ask_client=False, forbidden=(),
                 limit="0"):
        users = users or {}
        keys = "".join("'ApiKey %s' off; " % key for key in api_keys)
        client = "ssl_client_certificate %s; ssl_verify_client on;" % certificates.authority if ask_client else ""
        denied = "".join("location ~ %s { return 403 '%s'; }\n" % (
            pattern, REFUSED % ("action is unauthorized for this user", 403)) for pattern in forbidden)
        server = GUARDED % dict(certificate=certificates.certificate, key=certificates.key, client=client, limit=limit,
                                stranger=REFUSED % ("missing authentication credentials for REST request", 401),
                                forbidden=denied, prefix=prefix, base=engine.base,
                                users=place.write("users-%d" % id(self), self.passwords(users)))
        open_to_all = "" if users or keys else "off"
        super().__init__(place, "ssl", server, name="nginx-%d" % id(self),
                         http="map_hash_bucket_size 256; map $http_authorization $realm { default '%s'; %s}" % (open_to_all or "engine", keys))
        place.sims.append(self)
        self.base = "https://127.0.0.1:%d" % self.port
        self.url = self.base + prefix.rstrip("/")

    def passwords(self, users):
        return "".join("%s:%s\n" % (name, jws.openssl("passwd", "-apr1", "-stdin", data=password.encode())
                                    .decode().strip()) for name, password in users.items())


class Breaker:
    """Accepts connections at `port`, which stays the same, and hands each to serve(). Can refuse for a while."""

    def __init__(self, place):
        self.port = quiet_port()
        self.open = set()
        self.lock = threading.Lock()
        self.socket = None
        self.accept()
        place.sims.append(self)

    def accept(self):
        """Takes connections, at first and after refuse()."""
        self.socket = socket.create_server(("127.0.0.1", self.port), backlog=128)
        threading.Thread(target=self.listen, args=(self.socket,), daemon=True).start()

    def listen(self, listening):
        while True:
            try:
                connection, address = listening.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.open.add(connection)
            threading.Thread(target=self.serve_and_close, args=(connection, address), daemon=True).start()

    def serve_and_close(self, connection, address):
        try:
            self.serve(connection, address)
        except (OSError, http.client.HTTPException):
            pass
        finally:
            with self.lock:
                self.open.discard(connection)
            connection.close()

    def refuse(self):
        """No new connections, until accept(); those that are open stay."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.socket = None

    def cut(self):
        """Resets every open connection."""
        with self.lock:
            for connection in self.open:
                reset(connection)

    def stop(self):
        if self.socket:
            self.refuse()
        self.cut()


def reset(connection):
    """The other side sees that the connection is gone, without a last word. Wakes who waits for it here."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class TcpBreaker(Breaker):
    """Passes bytes on to a port of 127.0.0.1: for Kafka. `target` may be set later, since an engine must be told our
    port first."""

    def __init__(self, place, target=None):
        self.target = target
        self.going = {True: threading.Event(), False: threading.Event()}  # to the engine, back from it
        self.deaf = False
        self.release()
        super().__init__(place)

    def hold(self, to_engine=True, back=True):
        """Keeps what comes, until release(); connections stay open."""
        for way, wanted in ((True, to_engine), (False, back)):
            if wanted:
                self.going[way].clear()

    def release(self):
        for way in self.going.values():
            way.set()

    def swallow(self):
        """The engine gets everything and its answers are lost, until cut() or hear()."""
        self.deaf = True

    def hear(self):
        self.deaf = False

    def cut(self):
        super().cut()
        self.deaf = False
        self.release()

    def serve(self, client, _):
        with socket.create_connection(("127.0.0.1", self.target), timeout=PATIENCE) as engine:
            engine.settimeout(None)
            engine.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self.pump, args=(engine, client, False), daemon=True)
            back.start()
            self.pump(client, engine, True)
            back.join()

    def pump(self, source, to, to_engine):
        try:
            while piece := source.recv(65536):
                self.going[to_engine].wait()
                if to_engine or not self.deaf:
                    to.sendall(piece)
        except OSError:
            pass
        # What one side ends, ends for the other.
        for end in (source, to):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Cut(Exception):
    """Raised by a fault when it has cut the connection."""


class Request:
    """One request as it goes through an HttpBreaker; a fault decides what becomes of it."""

    def __init__(self, proxy, handler):
        self.proxy = proxy
        self.handler = handler
        self.method = handler.command
        self.path, _, self.query = handler.path.partition("?")
        self.headers = handler.headers
        self.whole = None
        self.status = None  # what the client was answered
        self.fault = None

    def read(self):
        """The body as it was sent."""
        if self.whole is None:
            chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
            self.whole = b"".join(chunks(self.handler.rfile)) if chunked else \
                self.handler.rfile.read(int(self.headers.get("Content-Length", 0)))
        return self.whole

    @property
    def body(self):
        """The body, without its compression."""
        data = self.read()
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

    def forward(self, body=None, headers=None):
        """Asks the engine, with another body if one is given; gives status, headers and text."""
        kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        if body is not None:
            kept.pop("Content-Encoding", None)
        kept.update(headers or {})
        data = self.read() if body is None else body
        engine = http.client.HTTPConnection("127.0.0.1", self.proxy.engine.port, timeout=PATIENCE)
        try:
            engine.request(self.method, self.handler.path, data or None, kept)
            answer = engine.getresponse()
            return answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() not in HOP_BY_HOP], answer.read()
        except OSError:
            self.cut()
        finally:
            engine.close()

    def reply(self, status, headers, text, share=1.0):
        """Answers; with less than all of it, the connection is cut there."""
        self.read()
        self.status = status
        handler = self.handler
        handler.send_response_only(status)
        for name, value in headers:
            handler.send_header(name, value)
        if self.proxy.chunked and self.method != "HEAD" and status not in (204, 304):
            handler.send_header("Transfer-Encoding", "chunked")
            text = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces(text, 700)) + b"0\r\n\r\n"
        else:
            handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        if self.method != "HEAD":
            handler.wfile.write(text[:int(len(text) * share)])
        handler.wfile.flush()
        if share < 1:
            self.cut(politely=True)

    def cut(self, politely=False):
        """`politely`: what was written arrives."""
        if politely:
            self.handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            reset(self.handler.connection)
        raise Cut


HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "expect", "upgrade"}


def chunks(stream):
    """The pieces of a chunked body."""
    while size := int(stream.readline().split(b";")[0], 16):
        yield stream.read(size)
        stream.readline()
    while stream.readline().strip():
        continue


def pieces(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)]


# Faults: each is called with the Request.

def pass_on(request):
    request.reply(*request.forward())


def swallow_answer(request):
    """The engine did it, and nobody hears."""
    request.forward()
    request.cut()


def cut_request(request):
    """The connection breaks while the request is on its way; the engine never sees it."""
    if request.headers.get("Content-Length", "0") != "0":
        request.handler.rfile.read1(100)
    request.cut()


def cut_answer(request):
    status, headers, text = request.forward()
    request.reply(status, headers, text, share=0.5)


def answer(status, body=None, headers=()):
    """Answers by itself; the engine sees nothing. `body` is JSON, or bytes."""
    def fault(request):
        text = body if isinstance(body, bytes) else json.dumps(body if body is not None else {
            "error": {"root_cause": [], "type": "made_by_a_test", "reason": "status %d" % status},
            "status": status}).encode()
        request.reply(status, [("Content-Type", "application/json"), *headers], text)
    return fault


def busy(status=429, retry_after=None):
    """The whole request is refused for now."""
    kind = "es_rejected_execution_exception" if status == 429 else "unavailable_shards_exception"
    return answer(status, {"error": {"root_cause": [], "type": kind, "reason": "too much to do"}, "status": status},
                  [] if retry_after is None else [("Retry-After", str(retry_after))])


def wait_for(event, then=pass_on):
    """Goes on when the threading.Event is set."""
    def fault(request):
        request.read()
        event.wait(PATIENCE)
        then(request)
    return fault


def split_bulk(body):
    """The items of a bulk's body: action and the lines of it."""
    lines = iter(body.split(b"\n"))
    for line in lines:
        if line.strip():
            (action, about), = json.loads(line).items()
            yield action, about, [line] if action == "delete" else [line, next(lines)]


REJECTED = {"type": "es_rejected_execution_exception",
            "reason": "rejected execution of coordinating operation [made by a test]"}


def reject_items(choose, status=429, error=None):
    """Chosen items of a bulk do not reach the engine and are answered with `status`; the others go through.
    `choose(number, about)` gets an item's place in the bulk and what its action line says."""
    def fault(request):
        items = list(split_bulk(request.body))
        chosen = [bool(choose(i, item[1])) for i, item in enumerate(items)]
        rest = b"".join(line + b"\n" for item, out in zip(items, chosen) if not out for line in item[2])
        code, headers, text = 200, [("Content-Type", "application/json")], b'{"took":0,"errors":false,"items":[]}'
        if rest:
            code, headers, text = request.forward(rest, {"Accept-Encoding": "identity"})
        if code == 200:
            text = merged(items, chosen, json.loads(text), request.path, status, error or REJECTED)
        request.reply(code, headers, text)
    return fault


def merged(items, chosen, answered, path, status, error):
    """The engine's answer to the others, with the chosen items put in where they stood."""
    theirs = iter(answered["items"])
    target = path.strip("/").rpartition("/")[0]
    answered["items"] = [{action: {"_index": about.get("_index", target), "_id": about.get("_id"), "status": status,
                                   "error": error}} if out else next(theirs)
                         for (action, about, _), out in zip(items, chosen)]
    answered["errors"] = answered.get("errors", False) or any(chosen)
    return json.dumps(answered).encode()


class HttpBreaker(Breaker):
    """In front of an engine. Every request is passed on, but those for which a fault waits (queue()) or is chosen
    (`judge`, a function of the Request that gives a fault or None). `seen` are the requests so far; for many of them,
    `keep` may be False, and their bodies are forgotten."""

    def __init__(self, place, engine, judge=None, keep=True):
        self.engine = engine
        self.judge = judge
        self.keep = keep
        self.chunked = False  # answer in chunks
        self.seen = []
        self.faults = []  # part of the path, how often, fault
        self.connections = 0
        super().__init__(place)
        self.base = self.url = "http://127.0.0.1:%d" % self.port

    def queue(self, fault, path="_bulk", count=1):
        """The next `count` requests whose path holds `path` get the fault; after those that are queued already."""
        with self.lock:
            self.faults += [(path, fault)] * count

    def always(self, fault, path="_bulk"):
        """Every such request gets the fault, until calm()."""
        self.judge = lambda request: fault if path in request.path else None

    def calm(self):
        """No faults any more."""
        with self.lock:
            self.faults.clear()
        self.judge = None

    def left(self):
        """How many queued faults were not used yet."""
        return len(self.faults)

    def requests(self, path=""):
        with self.lock:
            return [r for r in self.seen if path in r.path]

    def count(self, path=""):
        return len(self.requests(path))

    def forget(self):
        with self.lock:
            self.seen.clear()

    def fault_for(self, request):
        with self.lock:
            self.seen.append(request)
            for i, (path, fault) in enumerate(self.faults):
                if path in request.path:
                    del self.faults[i]
                    return fault
        return (self.judge and self.judge(request)) or pass_on

    def serve(self, connection, address):
        self.connections += 1
        Handler(connection, address, self)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def take(self):
        request = Request(self.server, self)
        request.fault = self.server.fault_for(request)
        try:
            request.fault(request)
        except Cut:
            self.close_connection = True
        if not self.server.keep:
            request.whole = b""

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = take

    def log_message(self, *ignored):
        pass
