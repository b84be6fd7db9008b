# SPDX-License-Identifier: Apache-2.0
"""The gate on the wire: the bytes that come in and go out, slow and hostile clients, TLS, and what must not leak."""
import base64
import concurrent.futures
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import warnings

from harness import Skip, alone, each_of, is_sanitized, main, read_text, remark, test, wait_until

LISTENING = re.compile(r"gate\.listening address=\"?127\.0\.0\.1:(\d+)")
HOST = b"Host: gate\r\n"
ROOT = b"X-Vault-Token: root\r\n"
NEXT = b"GET /v1/sys/next-request HTTP/1.1\r\n" + HOST + ROOT + b"\r\n"
NEXT_SEEN = b"unsupported path"


def start(place, *args, settings=None):
    """A gate; in memory unless there are settings. Returns the process, its port in `port`."""
    dev = ["-c", settings] if settings else ["--dev", "--set", "listen.address=127.0.0.1:0"]
    gate = place.start("run", *dev, *args)
    place.wait_log(gate, "gate.listening")
    gate.port = int(LISTENING.search(place.log_of(gate)).group(1))
    return gate


def connect(gate, patience=60):
    s = socket.create_connection(("127.0.0.1", gate.port), timeout=patience)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def until_closed(s):
    """Everything that comes until the server closes."""
    parts = []
    try:
        while True:
            part = s.recv(65536)
            if not part:
                break
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def exchange(gate, data):
    """What comes back for these bytes until the server closes: ask for `Connection: close` or be refused."""
    with connect(gate) as s:
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return until_closed(s)


def request(method, target, *lines, body=None):
    head = "%s %s HTTP/1.1" % (method, target)
    data = head.encode() + b"\r\n" + HOST + b"Connection: close\r\n"
    for line in lines:
        data += line.encode() + b"\r\n"
    if body is not None:
        data += b"Content-Length: %d\r\n" % len(body)
    return data + b"\r\n" + (body or b"")


def parse(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    assert re.match(r"HTTP/1\.1 \d{3} ", lines[0]), answer[:300]
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


def ask(gate, method, path, body=None, token="root", context=None):
    """One request with a JSON body over a connection of its own: status and JSON."""
    kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
    more = {"context": context} if context else {}
    c = kind("127.0.0.1", gate.port, timeout=60, **more)
    c.request(method, "/v1/" + path, None if body is None else json.dumps(body),
              {"X-Vault-Token": token} if token else {})
    r = c.getresponse()
    text = r.read()
    c.close()
    return r.status, json.loads(text) if text else None


def made(gate, method, path, body=None, token="root"):
    status, answer = ask(gate, method, path, body, token)
    assert status in (200, 204), (method, path, status, answer)
    return answer


# ---- what is answered ----

T = "X-Vault-Token: root"
JSON = "application/json"

# Lines of the request; status, the first error (None: no list, "": an empty one), Content-Type.
ANSWERS = {
    "a read": (("GET", "/v1/sys/mounts", T), 200, None, JSON),
    "a list by its verb": (("LIST", "/v1/sys/policies/acl", T), 200, None, JSON),
    "a list by the query": (("GET", "/v1/sys/policies/acl?list=True", T), 200, None, JSON),
    "a list that is no bool": (("GET", "/v1/sys/policies/acl?list=maybe", T), 400, "", JSON),
    "the root": (("GET", "/"), 307, None, "text/html; charset=utf-8"),
    "outside of v1": (("GET", "/v2/sys/health"), 404, "", JSON),
    "two slashes before v1": (("GET", "//v1/sys/health"), 404, "", JSON),
    "an encoded slash behind v1": (("GET", "/v1%2fsys/health"), 404, "", JSON),
    "an encoded slash further on": (("GET", "/v1/sys%2Fmounts", T), 200, None, JSON),
    "literal dots": (("GET", "/v1/sys/../sys/mounts", T), 307, None, "text/html; charset=utf-8"),
    "literal dots of a write": (("PUT", "/v1/sys/./x", T), 307, None, None),
    "encoded dots": (("GET", "/v1/sys/%2e%2e/sys/mounts", T), 400, "relative paths not supported", JSON),
    "an encoded NUL": (("GET", "/v1/sys/mounts%00", T), 400, None, None),
    "an encoded line end": (("GET", "/v1/sys/mounts%0a", T), 400, None, None),
    "a bad percent sign": (("GET", "/v1/sys/mounts%zz", T), 400, None, "text/plain; charset=utf-8"),
    "a write to a slash": (("PUT", "/v1/sys/policies/acl/a/", T), 400, "cannot write to a path ending in '/'", JSON),
    "an unknown method": (("BREW", "/v1/sys/mounts", T), 405, "", JSON),
    "TRACE": (("TRACE", "/v1/sys/mounts", T), 405, "", JSON),
    "OPTIONS": (("OPTIONS", "/v1/sys/mounts"), 400, "cannot handle internal-only request operation", JSON),
    "OPTIONS of the server": (("OPTIONS", "*"), 200, None, None),
    "PATCH without a type": (("PATCH", "/v1/sys/mounts", T), 400, "mime: no media type", JSON),
    "PATCH of another type": (("PATCH", "/v1/sys/mounts", T, "Content-Type: text/plain"), 415,
                              "PATCH requires Content-Type of application/merge-patch+json, provided text/plain", JSON),
    "a bearer": (("GET", "/v1/sys/mounts", "Authorization: Bearer root"), 200, None, JSON),
    "a bearer in lower case": (("GET", "/v1/sys/mounts", "Authorization: bearer root"), 403, "permission denied", JSON),
    "no token": (("GET", "/v1/sys/mounts"), 403, "permission denied", JSON),
    "an unknown namespace": (("GET", "/v1/sys/mounts", T, "X-Vault-Namespace: ns1"), 404, "namespace not found", JSON),
    "an MFA header without a name": (("GET", "/v1/sys/mounts", "X-Vault-MFA: :1"), 400,
                                     'failed to parse X-Vault-MFA header: invalid data in header "X-Vault-MFA"; '
                                     "missing method name or ID", JSON),
    "a negative wrap TTL": (("GET", "/v1/sys/mounts", T, "X-Vault-Wrap-TTL: -5"), 400,
                            "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative", JSON),
}
BARE = ("an encoded NUL", "an encoded line end", "a bad percent sign", "OPTIONS of the server")


@test
def each_request_is_answered_with_its_status_text_and_headers(place):
    gate = start(place)
    for name, (lines, status, error, kind) in ANSWERS.items():
        got, headers, body = parse(exchange(gate, request(*lines)))
        assert got == status, (name, got, body)
        assert headers.get("Content-Type") == kind, (name, headers)
        assert "Date" in headers, (name, headers)
        assert (headers.get("Cache-Control") == "no-store") == (name not in BARE), (name, headers)
        assert ("Strict-Transport-Security" in headers) == (name not in BARE), (name, headers)
        if error is not None:
            assert json.loads(body) == {"errors": [error] if error else []}, (name, body)


@test
def a_head_has_the_headers_only_and_the_namespace_is_echoed(place):
    gate = start(place)
    status, headers, body = parse(exchange(gate, request("HEAD", "/v1/sys/health")))
    assert (status, body) == (200, b"") and int(headers["Content-Length"]) > 100, (status, headers, body)
    status, headers, _ = parse(exchange(gate, request("GET", "/v1/sys/mounts", T, "X-Vault-Namespace: /root/")))
    assert status == 200 and headers["X-Vault-Namespace"] == "/root/", (status, headers)


@test
def bodies_come_as_json_form_or_chunks(place):
    gate = start(place)
    form = "Content-Type: application/x-www-form-urlencoded"
    writes = {
        "json": ((T, "Content-Type: text/plain"), b'{"a":"1"}'),
        "form": ((T, form), b"a=1"),
        "json called a form": ((T, form), b' {"a":"1"}'),
    }
    for name, (lines, body) in writes.items():
        assert parse(exchange(gate, request("PUT", "/v1/secret/" + name.replace(" ", "-"), *lines, body=body)))[0] == 204
        assert made(gate, "GET", "secret/" + name.replace(" ", "-"))["data"] == {"a": "1"}, name
    chunks = request("PUT", "/v1/secret/chunks", T, "Transfer-Encoding: chunked") + \
        b'4\r\n{"a"\r\n5;x=y\r\n:"1"}\r\n0\r\n\r\n'
    assert parse(exchange(gate, chunks))[0] == 204
    assert made(gate, "GET", "secret/chunks")["data"] == {"a": "1"}


@test
def a_body_over_the_limit_is_refused_and_one_below_is_not(place):
    gate = start(place)
    for size, status in ((32 << 20, 204), ((32 << 20) + 1, 413)):
        body = b'{"a":"%s"}' % (b"x" * 1000) + b" " * (size - 1008)
        got, headers, text = parse(exchange(gate, request("PUT", "/v1/secret/big", T, body=body)))
        assert got == status, (size, got, text)
    assert json.loads(text) == {"errors": ["http: request body too large"]} and headers["Connection"] == "close"
    # What can never be is refused before it is sent.
    with connect(gate) as s:
        s.sendall(request("PUT", "/v1/secret/big", T, "Content-Length: 999999999999", "Expect: 100-continue"))
        assert parse(until_closed(s))[0] == 413


# ---- smuggling: what two servers could read in two ways ----

P = b"PUT /v1/secret/a HTTP/1.1\r\n" + HOST + ROOT
G = b"GET /v1/sys/health HTTP/1.1\r\n" + HOST
EMPTY_CHUNKS = b"0\r\n\r\n"

SMUGGLED = {
    "a length and chunks": P + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + EMPTY_CHUNKS,
    "chunks and a length": P + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + EMPTY_CHUNKS,
    "two equal lengths": P + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": P + b"Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}",
    "a list of lengths": P + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": P + b"Content-Length: +2\r\n\r\n{}",
    "a hexadecimal length": P + b"Content-Length: 0x2\r\n\r\n{}",
    "an empty length": P + b"Content-Length:\r\n\r\n",
    "a length that is cut by a NUL": P + b"Content-Length: 2\x000\r\n\r\n{}",
    "an unknown coding": P + b"Transfer-Encoding: xchunked\r\n\r\n" + EMPTY_CHUNKS,
    "identity": P + b"Transfer-Encoding: identity\r\n\r\n",
    "two codings": P + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + EMPTY_CHUNKS,
    "chunked twice": P + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + EMPTY_CHUNKS,
    "a coding behind a vertical tab": P + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + EMPTY_CHUNKS,
    "a folded coding": P + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + EMPTY_CHUNKS,
    "chunks in HTTP/1.0": P.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + EMPTY_CHUNKS,
    "a blank before the colon": P + b"Transfer-Encoding : chunked\r\n\r\n" + EMPTY_CHUNKS,
    "a coding behind a bare LF": P + b"X-A: b\nTransfer-Encoding: chunked\r\n\r\n" + EMPTY_CHUNKS,
    "a bare LF between headers": G + b"X-A: b\nX-B: c\r\n\r\n",
    "a bare LF behind the request line": b"GET /v1/sys/health HTTP/1.1\n" + HOST + b"\r\n",
    "a bare LF at the end": G + b"\n",
    "a bare CR": G + b"X-A: b\rX-B: c\r\n\r\n",
    "a folded header": G + b"X-A: b\r\n c\r\n\r\n",
    "a header without a name": G + b": b\r\n\r\n",
    "a line without a colon": G + b"X-A\r\n\r\n",
    "a control in a name": G + b"X\x01A: b\r\n\r\n",
    "a NUL in a token": G + b"X-Vault-Token: root\x00x\r\n\r\n",
    "a NUL in a header before others": G + b"X-A: b\x00c\r\nX-B: d\r\n\r\n",
    "a NUL in the target": b"GET /v1/sys/health\x00x HTTP/1.1\r\n" + HOST + b"\r\n",
    "two hosts": G + b"Host: other\r\n\r\n",
    "no host": b"GET /v1/sys/health HTTP/1.1\r\n\r\n",
    "a blank in the target": b"GET /v1/sys/health x HTTP/1.1\r\n" + HOST + b"\r\n",
    "a chunk size with a prefix": P + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n" + EMPTY_CHUNKS,
    "a negative chunk size": P + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n" + EMPTY_CHUNKS,
    "a chunk size of 65 bits": P + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n" + EMPTY_CHUNKS,
    "a chunk that is longer": P + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n" + EMPTY_CHUNKS,
    "a bare LF in a chunk's extension": P + b"Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n{}\r\n" + EMPTY_CHUNKS,
    "headers that are too long": G + b"X-A: " + b"a" * 40000 + b"\r\n\r\n",
    "a target that is too long": b"GET /v1/" + b"a" * 40000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "too many headers": G + b"".join(b"X-%d: a\r\n" % i for i in range(5000)) + b"\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@test
def a_request_in_doubt_is_refused_and_the_next_one_never_read(place):
    gate = start(place)
    for name, data in SMUGGLED.items():
        answer = exchange(gate, data + NEXT)  # returns: the connection was closed
        assert NEXT_SEEN not in answer, (name, answer)
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", answer)
        assert statuses and set(statuses) <= {b"400", b"413", b"414", b"431", b"505"}, (name, answer)


# Bodies of requests that are refused, or have none to give: the next request begins behind them.
FOLLOWED = {
    "a body of a GET": b"GET /v1/sys/health HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nGET /",
    "chunks of a GET": b"GET /v1/sys/health HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n",
    "a body outside of v1": b"DELETE /nope HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nGET /",
    "a body that is redirected": b"PUT /v1//x HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nGET /",
    "a body of an unknown method": b"BREW /v1/x HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nGET /",
    "a body of bad JSON": b"PUT /v1/x HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nGET /",
    "a body without a token": b"PUT /v1/secret/x HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{}",
    "headers behind the chunks": P + b'Transfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n0\r\nContent-Length: 9\r\n\r\n',
}


@test
def the_next_request_begins_where_the_body_ends(place):
    gate = start(place)
    last = NEXT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for name, data in FOLLOWED.items():
        answer = exchange(gate, data + last)
        assert len(re.findall(rb"HTTP/1\.1 \d+", answer)) == 2 and NEXT_SEEN in answer, (name, answer)


# ---- many and slow clients ----

def more_files(count):
    """Raises this process's limit of files for so many sockets, or as far as it goes; how many there can be."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(count, hard - 500)


def resident(process):
    return int(re.search(r"VmRSS:\s+(\d+)", read_text("/proc/%d/status" % process.pid)).group(1)) * 1024


@alone
def ten_thousand_idle_connections_take_little_and_hold_nobody_up(place):
    count = more_files(10000)
    if count < 1000:
        raise Skip("only %d files may be open" % count)
    gate = start(place)
    before = resident(gate)
    idle = []
    try:
        for _ in range(count):
            s = connect(gate)
            s.sendall(G + ROOT + b"\r\n")
            assert s.recv(4096).startswith(b"HTTP/1.1 200")
            idle.append(s)
        assert made(gate, "GET", "sys/health")["initialized"]
        each = (resident(gate) - before) / count
        remark("%d idle connections, %d bytes each" % (count, each))
        if not is_sanitized():
            assert each < 20480, each
    finally:
        for s in idle:
            s.close()


@test
def an_idle_connection_is_closed_in_the_end(place):
    gate = start(place, "--set", "listen.idle_timeout=1s")
    with connect(gate) as silent, connect(gate) as used, connect(gate) as half:
        half.sendall(b"GET /v1/sys/hea")
        used.sendall(G + b"\r\n")
        assert used.recv(4096).startswith(b"HTTP/1.1 200")
        for s in (silent, used, half):
            until_closed(s)


# ---- TLS ----

def certificate(place, name, *key):
    """A pair of files, for 127.0.0.1."""
    subprocess.run(["openssl", "req", "-x509", *(key or ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")),
                    "-nodes", "-keyout", place.path(name + ".key"), "-out", place.path(name + ".crt"), "-days", "2",
                    "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)


def install(place, name, *kinds):
    for kind in kinds or ("crt", "key"):
        shutil.copy(place.path("%s.%s" % (name, kind)), place.path("live." + kind))


def tls_settings(place):
    return ["--set", "listen.tls_cert_file=" + place.path("live.crt"), "--set",
            "listen.tls_key_file=" + place.path("live.key")]


def trusting(place, *names):
    context = ssl.create_default_context()
    for name in names:
        context.load_verify_locations(place.path(name + ".crt"))
    return context


def shown(place, gate, *names):
    """The name on the certificate that the gate shows."""
    with connect(gate) as s, trusting(place, *names).wrap_socket(s, server_hostname="127.0.0.1") as t:
        return dict(pair[0] for pair in t.getpeercert()["subject"])["commonName"]


@test
def certificates_are_read_again_and_open_connections_stay(place):
    for name in ("first", "second"):
        certificate(place, name)
    certificate(place, "rsa", "-newkey", "rsa:2048")
    install(place, "first")
    gate = start(place, *tls_settings(place))
    names = ("first", "second", "rsa")
    old = http.client.HTTPSConnection("127.0.0.1", gate.port, timeout=60, context=trusting(place, "first"))

    def still_open():
        old.auto_open = 0  # a closed connection is an error, not a reason for another one
        old.request("GET", "/v1/sys/health")
        assert old.getresponse().read()

    old.connect()
    still_open()
    assert shown(place, gate, *names) == "first"
    for name in ("second", "rsa"):
        install(place, name)
        gate.send_signal(signal.SIGHUP)
        wait_until(lambda wanted=name: shown(place, gate, *names) == wanted, name + " in use")
        still_open()
    # A pair that does not fit changes nothing, and is said to be so.
    install(place, "first", "crt")
    gate.send_signal(signal.SIGHUP)
    place.wait_log(gate, "the key does not belong to the first certificate")
    assert shown(place, gate, *names) == "rsa"
    still_open()


@test
def old_versions_of_tls_and_plain_http_are_refused(place):
    certificate(place, "first")
    install(place, "first")
    gate = start(place, *tls_settings(place))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = trusting(place, "first")
        context.minimum_version = context.maximum_version = version
        assert ask(gate, "GET", "sys/mounts", context=context)[0] == 200
    context = trusting(place, "first")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        ask(gate, "GET", "sys/mounts", context=context)
        raise AssertionError("TLS 1.1 was accepted")
    except (ssl.SSLError, ConnectionError):
        pass
    assert b"HTTP/1.1 2" not in exchange(gate, request("GET", "/v1/sys/health"))


@test
def handshakes_without_end_hold_nobody_up(place):
    certificate(place, "rsa", "-newkey", "rsa:2048")
    install(place, "rsa")
    gate = start(place, *tls_settings(place))
    context = trusting(place, "rsa")
    stop = threading.Event()

    def shake_hands():
        while not stop.is_set():
            with connect(gate) as s, context.wrap_socket(s, server_hostname="127.0.0.1"):
                pass

    stuck = [connect(gate) for _ in range(200)]
    for i, s in enumerate(stuck):
        s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[:1 + i % 11])  # a hello that never ends
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        floods = [pool.submit(shake_hands) for _ in range(4)]
        try:
            for i in range(50):
                assert ask(gate, "PUT", "secret/%d" % i, {"a": i}, context=context)[0] == 204
        finally:
            stop.set()
        for flood in floods:
            flood.result()
    for s in stuck:
        s.close()


# What is wrong with the files; a part of what is said, which names the file.
BROKEN = {
    "a missing certificate": ("none.crt", "first.key", "none.crt"),
    "a missing key": ("first.crt", "none.key", "none.key"),
    "a key of another certificate": ("first.crt", "second.key", "second.key: the key does not belong"),
    "an encrypted key": ("first.crt", "locked.key", "locked.key: the key is encrypted"),
    "no certificate in the file": ("first.key", "first.key", "first.key: no certificate in PEM form"),
    "no key in the file": ("first.crt", "first.crt", "first.crt: no private key in PEM form"),
}


@each_of(BROKEN)
def what_is_wrong_with_the_files_is_said(place, case):
    for name in ("first", "second"):
        certificate(place, name)
    subprocess.run(["openssl", "pkey", "-in", place.path("first.key"), "-aes256", "-passout", "pass:secret", "-out",
                    place.path("locked.key")], check=True, capture_output=True)
    cert, key, said = case
    p = place.run("run", "--dev", "--set", "listen.address=127.0.0.1:0", "--set",
                  "listen.tls_cert_file=" + place.path(cert), "--set", "listen.tls_key_file=" + place.path(key))
    assert p.returncode != 0 and said in p.err, (p.returncode, p.err)


@test
def plain_http_beyond_this_machine_needs_to_be_asked_for(place):
    p = place.run("run", "--dev", "--set", "listen.address=0.0.0.0:0")
    assert p.returncode != 0 and "without TLS the gate listens on this machine itself only" in p.err, p.err
    gate = place.start("run", "--dev", "--set", "listen.address=0.0.0.0:0", "--set", "listen.tls_disable=true")
    place.wait_log(gate, "gate.listening")


# ---- what must not leak ----

THERE = ["sys/mfa/method/okta/there", "secret/there", "sys/policies/acl/there", "auth/userpass/users/there",
         "identity/entity/name/there", "sys/mounts", "sys/auth", "auth/token/accessors", "sys/mounts/secret/tune",
         "sys/internal/ui/mounts/secret", "sys/policies/acl", "sys/mfa/method"]


# X-Forwarded-For of a request from 127.0.0.1; may a token that is bound to 192.0.2.0/24 be used with it?
FORWARDED = {
    "none": ((), 403),
    "the client's": (("X-Forwarded-For: 192.0.2.7",), 200),
    "with a port": (("X-Forwarded-For: 192.0.2.7:5555",), 200),
    "another's": (("X-Forwarded-For: 198.51.100.7",), 403),
    "through a second proxy": (("X-Forwarded-For: 192.0.2.7, 10.0.0.1",), 200),
    "in two lines": (("X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: [::ffff:10.0.0.1]:80"), 200),
    "claimed by the client itself": (("X-Forwarded-For: 192.0.2.7, 198.51.100.7",), 403),
    "what cannot be read": (("X-Forwarded-For: 192.0.2.7, unknown",), 403),
    "under another name": (("X-Real-IP: 192.0.2.7", "Forwarded: for=192.0.2.7"), 403),
}


def bound_login(gate):
    made(gate, "POST", "sys/auth/userpass", {"type": "userpass"})
    made(gate, "PUT", "auth/userpass/users/far", {"password": "p", "token_bound_cidrs": "192.0.2.0/24"})
    return request("PUT", "/v1/auth/userpass/login/far", "X-Forwarded-For: 192.0.2.7", body=b'{"password":"p"}')


@test
def a_trusted_proxy_is_believed_about_the_client(place):
    gate = start(place, "--set", "listen.x_forwarded_for_authorized_addrs=127.0.0.0/8,10.0.0.0/8")
    status, _, body = parse(exchange(gate, bound_login(gate)))
    assert status == 200, body
    token = "X-Vault-Token: " + json.loads(body)["auth"]["client_token"]
    for name, (lines, expected) in FORWARDED.items():
        status, _, body = parse(exchange(gate, request("GET", "/v1/auth/token/lookup-self", token, *lines)))
        assert status == expected, (name, status, body)


@test
def unless_it_is_trusted_nobody_is_believed_about_the_client(place):
    for more in ((), ("--set", "listen.x_forwarded_for_authorized_addrs=10.0.0.0/8")):
        gate = start(place, *more)
        status, _, body = parse(exchange(gate, bound_login(gate)))
        assert status in (400, 403), (more, body)
        place.stop(gate)


def fill(gate, mark=""):
    made(gate, "POST", "sys/auth/userpass", {"type": "userpass"})
    made(gate, "PUT", "auth/userpass/users/there", {"password": "password" + mark, "policies": "nothing"})
    made(gate, "PUT", "sys/policies/acl/nothing", {"policy": 'path "nothing/at/all" { capabilities = ["read"] }'})
    made(gate, "PUT", "sys/policies/acl/there", {"policy": 'path "a" { capabilities = ["read"] }'})
    made(gate, "PUT", "secret/there", {"value": "kv" + mark})
    made(gate, "PUT", "identity/entity/name/there", {"metadata": {"a": "b"}})
    accessor = made(gate, "GET", "sys/auth")["data"]["userpass/"]["accessor"]
    made(gate, "PUT", "sys/mfa/method/okta/there",
         {"mount_accessor": accessor, "org_name": "acme", "api_token": "api" + mark})


@test
def a_policy_that_grants_nothing_shows_nothing(place):
    gate = start(place)
    fill(gate)
    token = made(gate, "PUT", "auth/token/create", {"policies": ["nothing"], "no_default_policy": True})
    token = token["auth"]["client_token"]
    for method in ("GET", "LIST", "PUT", "DELETE", "HEAD", "PATCH"):
        for path in THERE:
            missing = re.sub("there|secret", "nowhere", path)
            answers = [parse(exchange(gate, request(
                method, "/v1/" + p, "X-Vault-Token: " + token, "Content-Type: application/merge-patch+json",
                body=b"{}" if method in ("PUT", "PATCH") else None))) for p in (path, missing)]
            (status, _, there), (status_missing, _, nowhere) = answers
            # 405 where any token may ask, but not in this way.
            assert status == status_missing and status in (403, 405), (method, path, answers)
            assert there == nowhere.replace(b"nowhere", b"secret" if b"secret" in there else b"there"), (method, path)


@test
def who_is_no_user_is_told_what_a_wrong_password_is_told(place):
    gate = start(place)
    fill(gate)
    answers = [ask(gate, "PUT", "auth/userpass/login/" + user, {"password": "wrong"}, token=None)
               for user in ("there", "nowhere")]
    assert answers[0] == answers[1], answers


def spelled(secret):
    """A secret as it might stand in a file."""
    raw = secret.encode()
    return [raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"=")[:-2]]


@test
def no_secret_stands_in_the_state_the_log_or_the_audit(place):
    mark = "-5ecr3t-" + os.urandom(8).hex()
    settings = place.settings("""state: %s
master_key: %s
log: { level: debug }
listen: { address: "127.0.0.1:0" }
outputs:
  - { name: archive, type: file, path: %s, filename: events }
""" % (place.path("state"), os.urandom(32).hex(), place.path("out")))
    gate = start(place, settings=settings)
    root = made(gate, "PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}, token=None)["root_token"]
    secrets = [root] + [kind + mark for kind in ("kv", "api", "password", "wrong", "cubby")]

    def as_root(method, path, body=None):
        return made(gate, method, path, body, token=root)

    as_root("POST", "sys/auth/userpass", {"type": "userpass"})
    as_root("POST", "sys/mounts/kv", {"type": "kv"})
    as_root("PUT", "auth/userpass/users/there", {"password": "password" + mark})
    as_root("PUT", "kv/there", {"value": "kv" + mark})
    as_root("PUT", "cubbyhole/there", {"value": "cubby" + mark})
    accessor = as_root("GET", "sys/auth")["data"]["userpass/"]["accessor"]
    as_root("PUT", "sys/mfa/method/okta/there", {"mount_accessor": accessor, "org_name": "a", "api_token": "api" + mark})
    as_root("GET", "kv/there")
    logged_in = made(gate, "PUT", "auth/userpass/login/there", {"password": "password" + mark}, token=None)
    secrets.append(logged_in["auth"]["client_token"])
    secrets.append(as_root("PUT", "auth/token/create", {"type": "batch", "policies": ["default"]})["auth"]["client_token"])
    assert ask(gate, "PUT", "auth/userpass/login/there", {"password": "wrong" + mark}, token=None)[0] == 400
    assert ask(gate, "GET", "kv/there", token="wrong" + mark)[0] == 403
    exchange(gate, request("PUT", "/v1/kv/x", "X-Vault-Token: " + root, body=b'{"value":"kv' + mark.encode() + b'"'))
    place.stop(gate)
    files = [os.path.join(folder, name) for top in ("state", "out") for folder, _, names in os.walk(place.path(top))
             for name in names] + [gate.log_path]
    assert any(name.endswith(".db") or "sqlite" in name for name in files) or len(files) > 2, files
    for name in files:
        with open(name, "rb") as f:
            content = f.read()
        for secret in secrets:
            for text in spelled(secret):
                assert text not in content, "%s stands in %s" % (secret, name)


if __name__ == "__main__":
    main(jobs=2)
