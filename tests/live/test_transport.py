# SPDX-License-Identifier: Apache-2.0
"""How requests travel: every key of `ssl` against good and bad certificates, proxies of each kind, HTTP/2, and the
request tracer, which must show everything but secrets."""
import base64
import json
import os
import re
import subprocess
import urllib.parse

import jws
from harness import TOKEN, each_of, events, main, read_text, test, wait_until
from proxies import Microsocks, Nginx, Tinyproxy, TlsProxy

PASSPHRASE = "sesameOpenForTheTests"


# ---- certificates ----

def openssl(place, *words):
    done = subprocess.run(["openssl", *words], cwd=place.root, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def make_root(place, name):
    openssl(place, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            name + ".key", "-out", name + ".pem", "-subj", "/CN=" + name, "-days", "30", "-addext",
            "keyUsage=critical,keyCertSign")


def make_leaf(place, name, root="ca", extension="subjectAltName=DNS:localhost,IP:127.0.0.1", days="30", cn="/CN=x"):
    openssl(place, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key",
            "-out", name + ".csr", "-subj", cn)
    place.write("ext", extension + "\n")
    openssl(place, "x509", "-req", "-in", name + ".csr", "-CA", root + ".pem", "-CAkey", root + ".key",
            "-CAcreateserial", "-out", name + ".pem", "-extfile", "ext", "-days", days)


# name of the leaf: how it is made
LEAVES = {
    "good": {},
    "expired": {"days": "-1"},
    "elsewhere": {"extension": "subjectAltName=DNS:elsewhere.example"},
    "no SAN": {"extension": "basicConstraints=CA:FALSE", "cn": "/CN=127.0.0.1"},
    "stranger": {"root": "other"},
}


def tls_sim(place, leaf="good"):
    make_root(place, "ca")
    make_root(place, "other")
    make_leaf(place, "server", **LEAVES[leaf])
    if leaf == "good":  # the authority is sent, too, for the fingerprint
        place.write("server.pem", read_text(place.path("server.pem")) + read_text(place.path("ca.pem")))
    return place.sim("--tls-cert", place.path("server.pem"), "--tls-key", place.path("server.key"))


def fingerprint(place, name):
    done = subprocess.run(["openssl", "x509", "-in", place.path(name), "-noout", "-fingerprint", "-sha256"],
                          capture_output=True, check=True)
    return done.stdout.decode().strip().split("=")[1]


def ssl_text(place, text):
    return "{ %s }" % re.sub(r"<(\w+)>", lambda m: place.path(m.group(1) + ".pem"), text)


def test_okta(place, path):
    p = place.run("test", "okta", "-c", path)
    return p, [line.strip() for line in p.out.splitlines()]


TRUST = "certificate_authorities: [<ca>]"
STEPS = {  # leaf, ssl, what is said (None: accepted)
    "full, good": ("good", TRUST, None),
    "strict, good": ("good", TRUST + ", verification_mode: strict", None),
    "full, another authority": ("good", "certificate_authorities: [<other>]", "certificate_authorities"),
    "full, one of two authorities": ("good", "certificate_authorities: [<other>, <ca>]", None),
    "full, expired": ("expired", TRUST, "expired"),
    "full, another name": ("elsewhere", TRUST, "another name"),
    "full, a stranger's": ("stranger", TRUST, "certificate_authorities"),
    "certificate, another name": ("elsewhere", TRUST + ", verification_mode: certificate", None),
    "certificate, expired": ("expired", TRUST + ", verification_mode: certificate", "expired"),
    "certificate, a stranger's": ("stranger", TRUST + ", verification_mode: certificate", "certificate_authorities"),
    "full, no subjectAltName": ("no SAN", TRUST, None),
    "strict, no subjectAltName": ("no SAN", TRUST + ", verification_mode: strict", "subjectAltName"),
    "none, a stranger's": ("stranger", "verification_mode: none", None),
    "none, expired": ("expired", "verification_mode: none", None),
    "the versions offered": ("good", TRUST + ", supported_protocols: [TLSv1.2]", None),
    "a suite that both have": ("good", TRUST + ", supported_protocols: [TLSv1.2], cipher_suites: "
                               "[ECDHE-ECDSA-AES-256-GCM-SHA384]", None),
    "a suite that one has": ("good", TRUST + ", supported_protocols: [TLSv1.2], cipher_suites: "
                             "[ECDHE-RSA-AES-256-GCM-SHA384]", "TLS"),
}


@each_of(STEPS)
def tls_is_judged_by_the_settings(place, case):
    leaf, text, words = case
    sim = tls_sim(place, leaf)
    p, lines = test_okta(place, place.simple(sim, ssl=ssl_text(place, text)))
    if words is None:
        assert p.returncode == 0 and sim.count() == 1, (p.out, p.err)
        return
    crosses = [line for line in lines if line.startswith("\u2717")]
    assert p.returncode == 1 and len(crosses) == 1 and words in crosses[0], (p.out, p.err)
    assert sim.count() == 0


@test
def a_fingerprint_is_enough_when_the_authority_is_sent(place):
    sim = tls_sim(place)
    p, _ = test_okta(place, place.simple(sim, ssl='{ ca_trusted_fingerprint: "%s" }' % fingerprint(place, "ca.pem")))
    assert p.returncode == 0, (p.out, p.err)
    p, _ = test_okta(place, place.simple(sim, ssl='{ ca_trusted_fingerprint: "%s" }' % fingerprint(place, "other.pem")))
    assert p.returncode == 1 and "ca_trusted_fingerprint" in p.out, (p.out, p.err)


@test
def a_server_may_demand_a_certificate_of_the_client(place):
    sim = tls_sim(place)
    make_leaf(place, "client", extension="basicConstraints=CA:FALSE", cn="/CN=client")
    make_leaf(place, "foreign", root="other", extension="basicConstraints=CA:FALSE", cn="/CN=client")
    openssl(place, "pkcs8", "-topk8", "-in", "client.key", "-passout", "pass:" + PASSPHRASE, "-out", "locked.key")
    # OpenSSL refuses in the handshake; nginx's own "on" would answer with a 400.
    front = Nginx(place, sim, place.path("server.pem"), place.path("server.key"),
                  more="ssl_client_certificate %s; ssl_verify_client on;" % place.path("ca.pem"))
    place.sims.append(front)
    identity = ", certificate: %s, key: %s" % (place.path("client.pem"), place.path("locked.key"))
    wanted = events(20, seed=6)
    sim.add(wanted)
    place.simple(front, ssl=ssl_text(place, TRUST)[:-2] + identity + ", key_passphrase: %s }" % PASSPHRASE)
    place.collect_once()
    place.assert_delivered(wanted)
    sim.forget()
    for more in ("", identity.replace("client.pem", "foreign.pem").replace("locked.key", "foreign.key")):
        p, _ = test_okta(place, place.simple(front, ssl=ssl_text(place, TRUST)[:-2] + more + " }"))
        assert p.returncode == 1, (p.out, p.err)
    assert sim.count() == 0


@each_of({
    "an authority that is not there": ("certificate_authorities: [<absent>]", "absent.pem"),
    "a fingerprint that is none": ('ca_trusted_fingerprint: "12:34"', "ca_trusted_fingerprint"),
    "a certificate without a key": ("certificate: <client>", "ssl.key"),
    "a key of another certificate": ("certificate: <client>, key: %(root)s/other.key", "does not belong"),
    "a locked key": ("certificate: <client>, key: %(root)s/locked.key", "key_passphrase"),
    "a wrong passphrase": ("certificate: <client>, key: %(root)s/locked.key, key_passphrase: hunter2hunter2",
                           "key_passphrase"),
    "an unknown suite": ("cipher_suites: [AES]", "ECDHE-RSA-AES-128-GCM-SHA256"),
    "an old version": ("supported_protocols: [TLSv1.0]", "TLSv1.2"),
    "an unknown mode": ("verification_mode: fulll", "full"),
})
def settings_refuse(place, case):
    text, words = case
    make_root(place, "ca")
    make_root(place, "other")
    make_leaf(place, "client", extension="basicConstraints=CA:FALSE")
    openssl(place, "pkcs8", "-topk8", "-in", "client.key", "-passout", "pass:" + PASSPHRASE, "-out", "locked.key")
    place.simple(place.sim(), ssl=ssl_text(place, text.replace("%(root)s", place.root)))
    p = place.run("test", "config", "-c", place.path("gatehouse.yml"))
    said = p.out + p.err
    assert p.returncode == 2 and words.replace("ssl.", "") in said and "gatehouse.yml:" in said, (p.out, p.err)
    assert "hunter2hunter2" not in said


# ---- HTTP/2 and gzip ----

@test
def http2_and_gzip_are_spoken_where_the_server_can(place):
    sim = tls_sim(place)
    front = Nginx(place, sim, place.path("server.pem"), place.path("server.key"))
    place.sims.append(front)
    wanted = events(300, seed=7)
    sim.add(wanted)
    place.simple(front, limit=50, ssl=ssl_text(place, TRUST))
    place.collect_once()
    place.assert_delivered(wanted)
    lines = front.lines()
    assert len(lines) >= 6 and all(l[0] == "HTTP/2.0" and l[2:4] == ["200", "gzip"] for l in lines), lines
    assert len({l[1] for l in lines}) == 1, lines


@test
def keep_alive_can_be_switched_off(place):
    sim = tls_sim(place)
    front = Nginx(place, sim, place.path("server.pem"), place.path("server.key"), protocol="")
    place.sims.append(front)
    sim.add(events(300, seed=8))
    place.simple(front, limit=100, disable_keep_alive="true", ssl=ssl_text(place, TRUST))
    place.collect_once()
    lines = front.lines()
    assert len(lines) >= 3 and len({l[1] for l in lines}) == len(lines), lines


# ---- proxies ----

def collect_through(place, proxy_url, count=40, **keys):
    sim = tls_sim(place)
    wanted = events(count, seed=9)
    sim.add(wanted)
    place.simple(sim, limit=10, proxy_url=proxy_url, ssl=ssl_text(place, TRUST), **keys)
    place.collect_once()
    place.assert_delivered(wanted)
    return sim


@test
def a_proxy_is_used(place):
    proxy = Tinyproxy(place)
    place.sims.append(proxy)
    sim = collect_through(place, "http://127.0.0.1:%d" % proxy.port)
    assert proxy.requests() and all("CONNECT 127.0.0.1:%d " % sim.port in r for r in proxy.requests()), proxy.requests()


@test
def a_proxy_with_a_password_is_used(place):
    proxy = Tinyproxy(place, auth=("joe", "hunter2hunter2"))
    place.sims.append(proxy)
    sim = collect_through(place, "http://joe:hunter2hunter2@127.0.0.1:%d" % proxy.port)
    p, _ = test_okta(place, place.simple(sim, proxy_url="http://joe:wrongwrong@127.0.0.1:%d" % proxy.port,
                                         ssl=ssl_text(place, TRUST)))
    assert p.returncode == 1 and re.search("status 40[17]", p.out) and "wrongwrong" not in p.out + p.err, (p.out, p.err)


@test
def a_plain_org_is_asked_through_a_proxy_too(place):
    proxy = Tinyproxy(place)
    place.sims.append(proxy)
    sim = place.sim()
    wanted = events(20, seed=10)
    sim.add(wanted)
    place.simple(sim, proxy_url="http://127.0.0.1:%d" % proxy.port)
    place.collect_once()
    place.assert_delivered(wanted)
    assert any("GET http://127.0.0.1:%d/" % sim.port in r for r in proxy.requests()), proxy.requests()


@each_of({"the name": "127.0.0.1", "a network": "127.0.0.0/8", "everything": "'*'"})
def no_proxy_leaves_the_proxy_out_for(place, host):
    proxy = Tinyproxy(place)
    place.sims.append(proxy)
    collect_through(place, "http://127.0.0.1:%d" % proxy.port, no_proxy="[elsewhere.example, %s]" % host)
    assert not proxy.requests(), proxy.requests()


@test
def the_environments_no_proxy_says_nothing_of_proxy_url(place):
    proxy = Tinyproxy(place)
    place.sims.append(proxy)
    sim = tls_sim(place)
    sim.add(events(5, seed=11))
    place.simple(sim, proxy_url="http://127.0.0.1:%d" % proxy.port, ssl=ssl_text(place, TRUST))
    place.collect_once(env={"no_proxy": "*", "NO_PROXY": "*"})
    assert proxy.requests()
    place.simple(sim, ssl=ssl_text(place, TRUST))
    before = len(proxy.requests())
    place.collect_once(env={"https_proxy": "http://127.0.0.1:%d" % proxy.port, "no_proxy": "127.0.0.1"})
    assert len(proxy.requests()) == before


@each_of({"socks5": "socks5", "socks5h": "socks5h"})
def a_socks_proxy_with_a_password_is_used(place, scheme):
    proxy = Microsocks("joe", "hunter2hunter2")
    place.sims.append(proxy)
    sim = collect_through(place, "%s://joe:hunter2hunter2@127.0.0.1:%d" % (scheme, proxy.port))
    p, _ = test_okta(place, place.simple(sim, proxy_url="%s://joe:wrongwrong@127.0.0.1:%d" % (scheme, proxy.port),
                                         ssl=ssl_text(place, TRUST)))
    assert p.returncode == 1 and "proxy" in p.out and "wrongwrong" not in p.out + p.err, (p.out, p.err)


@test
def a_proxy_over_tls_is_trusted_like_the_org_but_not_shown_the_clients_certificate(place):
    sim = tls_sim(place)
    make_leaf(place, "proxy")
    make_leaf(place, "client", extension="basicConstraints=CA:FALSE", cn="/CN=client")
    make_leaf(place, "unknown", root="other")
    proxy = TlsProxy(place.path("proxy.pem"), place.path("proxy.key"))
    stranger = TlsProxy(place.path("unknown.pem"), place.path("unknown.key"))
    place.sims += [proxy, stranger]
    text = TRUST + ", certificate: <client>, key: %s" % place.path("client.key")
    p, _ = test_okta(place, place.simple(sim, proxy_url="https://joe:hunter2hunter2@127.0.0.1:%d" % proxy.port,
                                         ssl=ssl_text(place, text)))
    assert p.returncode == 0, (p.out, p.err)
    assert len(proxy.seen) == 1 and "Proxy-Authorization: Basic " in proxy.seen[0] and "SSWS" not in proxy.seen[0]
    assert proxy.shown == [None]
    p, _ = test_okta(place, place.simple(sim, proxy_url="https://127.0.0.1:%d" % stranger.port,
                                         ssl=ssl_text(place, text)))
    assert p.returncode == 1 and not stranger.seen, (p.out, p.err)


# ---- the tracer ----

def trace_files(place, folder="state/traces"):
    at = place.path(folder)
    return sorted(e for e in os.listdir(at) if e.startswith("http-request-trace-")) if os.path.isdir(at) else []


def trace_lines(place):
    lines = []
    for name in trace_files(place):
        with open(place.path("state/traces", name)) as f:
            lines += [json.loads(line) for line in f]
    return lines


def assert_no_secret(place, *secrets):
    for folder, _, names in os.walk(place.path("state")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                content = f.read()
            for secret in secrets:
                assert secret.encode() not in content, "%s in %s" % (secret, name)


@test
def the_tracer_writes_what_was_asked_and_answered_without_the_token(place):
    sim = place.sim()
    wanted = events(30, seed=12)
    sim.add(wanted)
    place.simple(sim, limit=10, enable_request_tracer="true")
    place.collect_once()
    lines = trace_lines(place)
    assert trace_files(place) == ["http-request-trace-acme.ndjson"], trace_files(place)
    asked = [l for l in lines if l["message"] == "HTTP request"]
    answered = [l for l in lines if l["message"] == "HTTP response"]
    assert len(asked) == len(answered) == sim.count(), lines
    assert {l["transaction.id"] for l in asked} == {l["transaction.id"] for l in answered}
    assert all(l["http.request.header"]["Authorization"] == ["SSWS ********"] for l in asked), asked[0]
    assert wanted[0]["uuid"] in answered[0]["http.response.body.content"], answered[0]
    assert_no_secret(place, TOKEN)
    for name in trace_files(place):
        assert os.stat(place.path("state/traces", name)).st_mode & 0o777 == 0o600


@test
def switching_the_tracer_off_deletes_its_files(place):
    sim = place.sim()
    sim.add(events(3, seed=13))
    place.simple(sim, enable_request_tracer="true")
    place.collect_once()
    assert trace_files(place)
    place.simple(sim)
    place.collect_once()
    assert not trace_files(place)


def service_app(place, sim, **app):
    key = jws.Key(place.root, "RS256", "key-1")
    sim.ask("/_sim/apps", {"client_id": "0oaTraced", "scopes": ["okta.logs.read"], "roles": True,
                           "auth": "private_key_jwt", "jwks": {"keys": [key.jwk]}, **app})
    return key, {"okta_domain_url": sim.base, "client_id": "0oaTraced", "key_pem": "${file:%s}" % key.path}


def settings_of_app(place, sim, keys):
    rows = "".join("    %s: %s\n" % row for row in keys.items())
    return place.settings("state: %s\nsources:\n  - url: %s\n    name: acme\n    interval: 1s\n%soutputs:\n"
                          "  - { name: db, type: sqlite, path: %s }\n"
                          % (place.path("state"), sim.url, rows, place.path("events.db")))


JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")


@each_of({"without DPoP": False, "with DPoP": True})
def the_tracer_shows_no_assertion_proof_nonce_or_token(place, dpop):
    sim = place.sim()
    wanted = events(20, seed=14)
    sim.add(wanted)
    _, keys = service_app(place, sim, dpop=dpop)
    settings_of_app(place, sim, dict(keys, enable_request_tracer="true", limit=10))
    place.collect_once()
    lines = trace_lines(place)
    text = json.dumps(lines)
    tokens = [l for l in lines if l.get("url.path") == "/oauth2/v1/token"]
    assert tokens and all("client_assertion=********" in l["http.request.body.content"] for l in tokens), lines
    assert '\\"access_token\\":\\"********\\"' in json.dumps([l.get("http.response.body.content") for l in lines])
    assert not JWT.search(text), JWT.search(text)
    if dpop:
        proofs = [l["http.request.header"]["DPoP"] for l in lines if "DPoP" in l.get("http.request.header", {})]
        assert len(proofs) >= 3 and all(p == ["********"] for p in proofs), proofs
        nonces = [v for l in lines for n, v in l.get("http.response.header", {}).items() if n.lower() == "dpop-nonce"]
        assert nonces and all(v == ["********"] for v in nonces), nonces
    schemes = {v.split()[0] for l in lines for v in l.get("http.request.header", {}).get("Authorization", [])}
    assert schemes == {"DPoP" if dpop else "Bearer"}, schemes


@test
def the_tracer_shows_no_client_secret(place):
    sim = place.sim()
    secret = "secretOfTheIntegration/with+odd:characters%"
    sim.add(events(20, seed=15))
    service_app(place, sim, auth="client_secret_basic", client_secret=secret, oin=True)
    settings_of_app(place, sim, {"okta_domain_url": sim.base, "client_id": "0oaTraced", "oin_app": "true",
                                 "api_key": "'%s'" % secret, "enable_request_tracer": "true"})
    place.collect_once()
    lines = trace_lines(place)
    assert any(l.get("http.request.header", {}).get("Authorization") == ["Basic ********"] for l in lines), lines
    assert_no_secret(place, secret, base64.b64encode(("0oaTraced:" + secret).encode()).decode(),
                     urllib.parse.quote(secret, safe=""),
                     base64.b64encode(("0oaTraced:" + urllib.parse.quote(secret, safe="")).encode()).decode())


@test
def requests_without_an_answer_are_in_the_trace_with_the_reason(place):
    sim = place.sim()
    sim.fault("reset_before", count=1)
    place.simple(sim, enable_request_tracer="true")
    daemon = place.daemon()
    wait_until(lambda: any("error.message" in l for l in trace_lines(place)), "the error in the trace")
    place.stop(daemon)
    assert_no_secret(place, TOKEN)


if __name__ == "__main__":
    main(jobs=4)
