# SPDX-License-Identifier: Apache-2.0
"""Every way into Okta, against a simulator that checks every signature, assertion and proof."""
import json
import os
import shutil
import signal
import subprocess

import jws
from harness import (BARE_ENV, GATEHOUSE, TOKEN, each_of, events, main, now_ms, read_text, rfc3339, test, uuids_of,
                     wait_until)
from proxies import Tinyproxy

SECRET = "secretOfTheIntegration/with+odd:characters%"
CLIENT = "0oaServiceAppOfTheTests"


def pem_as(key, *form):
    """The key's file in another form than PKCS#8."""
    path = key.path + ".converted"
    jws.openssl("pkey", "-in", key.path, *form, "-out", path)
    os.chmod(path, 0o600)
    return path


def private_jwk(key):
    """The private JWK of an RSA or EC key, from openssl's own output."""
    der = jws.der_items(jws.der_items(jws.openssl("pkey", "-in", key.path, "-traditional", "-outform", "DER"))[0][1])
    jwk = dict(key.jwk)
    if key.alg[0] == "R":
        names = ("d", "p", "q", "dp", "dq", "qi")
        jwk.update(zip(names, (jws.b64url(item[1].lstrip(b"\0")) for item in der[3:9])))
    else:
        jwk["d"] = jws.b64url(der[1][1])
    return jwk


def quoted(value):
    return "'%s'" % json.dumps(value)


# The way to name a private key: what stands in the settings.
KEY_FORMS = {
    "a JWK file, RSA": ("RS256", lambda place, key: {"jwk_file": place.write("app.jwk", json.dumps(private_jwk(key)))}),
    "a JWK, EC P-256": ("ES256", lambda place, key: {"jwk_json": quoted(private_jwk(key))}),
    "a PKCS#8 PEM, EC P-384": ("ES384", lambda place, key: {"key_pem": "${file:%s}" % key.path}),
    "a PKCS#1 PEM": ("RS256", lambda place, key: {"key_pem": "${file:%s}" % pem_as(key, "-traditional")}),
    "a SEC1 PEM, EC P-521": ("ES512", lambda place, key: {"key_pem": "${file:%s}" % pem_as(key, "-traditional")}),
}


class Org:
    """A simulator with one app, and the keys of a source that signs in as it."""

    def __init__(self, place, *args, **app):
        self.place = place
        self.sim = place.sim(*args)
        self.app = {"client_id": CLIENT, "scopes": ["okta.logs.read"], "roles": True, **app}
        self.set()

    def set(self, **change):
        self.app.update(change)
        self.sim.ask("/_sim/apps", self.app)

    def keys(self, **more):
        return {"okta_domain_url": self.sim.base, "client_id": CLIENT, **more}

    def settings(self, keys, interval="1s", extra="", sources=1):
        place = self.place
        text = "state: %s\n%ssources:\n" % (place.path("state"), extra)
        for i in range(sources):
            text += "  - name: acme%s\n    url: %s\n    interval: %s\n" % (i or "", self.sim.url, interval)
            text += "".join("    %s: %s\n" % row for row in keys.items())
        text += "outputs:\n  - { name: db, type: sqlite, path: %s }\n" % place.path("events.db")
        return place.settings(text)

    def tokens(self):
        return self.sim.stats()["tokens"]["issued"]


def by_key(place, form="a JWK file, RSA", dpop=False, *args):
    alg, name = KEY_FORMS[form]
    key = jws.Key(place.root, alg, "key-1")
    org = Org(place, *args, auth="private_key_jwt", jwks={"keys": [key.jwk]}, dpop=dpop)
    org.key = key
    return org, org.keys(**name(place, key))


def by_secret(place, dpop=False, *args):
    org = Org(place, *args, auth="client_secret_basic", client_secret=SECRET, oin=True, dpop=dpop)
    return org, org.keys(oin_app="true", api_key="'%s'" % SECRET)


def dpop_key(place):
    return {"dpop_key_pem": "${file:%s}" % jws.Key(place.root, "RS256").path}


def collect(org, keys, **more):
    some = events(250, seed=1)
    org.sim.add(some)
    org.settings(keys, **more)
    org.place.collect_once()
    assert sorted(org.place.uuids_in_db()) == sorted(uuids_of(some))


# ---- what is accepted ----

@each_of({name: name for name in KEY_FORMS})
def a_service_app_collects_with(place, form):
    collect(*by_key(place, form))


@each_of({name: name for name in KEY_FORMS})
def an_app_that_requires_dpop_collects_with_a_key_of_its_own_and(place, form):
    collect(*by_key(place, form, dpop=True))


@test
def a_given_dpop_key_is_the_one_that_proofs_are_made_with(place):
    org, keys = by_key(place, dpop=True)
    org.settings({**keys, **dpop_key(place)})
    p = place.collect_once()
    assert "okta.dpop_key_made" not in p.err, p.err
    assert org.sim.stats()["tokens"]["proofs"] > 0


@each_of({"without DPoP": False, "with DPoP": True})
def an_oin_app_collects_with_its_secret(place, dpop):
    collect(*by_secret(place, dpop))


@test
def an_oin_app_may_be_named_by_auth_method_and_have_a_dpop_key(place):
    org, keys = by_secret(place, True)
    del keys["oin_app"]
    collect(org, {**keys, **dpop_key(place), "auth_method": "oin_app"})


@test
def a_dpop_key_that_the_app_does_not_ask_for_does_no_harm(place):
    org, keys = by_key(place)
    collect(org, {**keys, **dpop_key(place)})


@test
def nonces_that_the_api_demands_are_answered(place):
    org, keys = by_key(place, dpop=True)
    org.sim.set(nonce_at_resource=True)
    collect(org, keys)


# ---- through a proxy, over TLS, all ticks ----

WAYS = {
    "an API key": lambda place, args: api_key_org(place, *args),
    "a private key": lambda place, args: by_key(place, "a JWK file, RSA", False, *args),
    "a private key and DPoP": lambda place, args: by_key(place, "a JWK, EC P-256", True, *args),
    "a client secret": lambda place, args: by_secret(place, False, *args),
    "a client secret and DPoP": lambda place, args: by_secret(place, True, *args),
}


def api_key_org(place, *args):
    return Org(place, *args, auth="private_key_jwt", jwks={"keys": []}), {"api_key": TOKEN}


@each_of(WAYS)
def through_a_proxy_over_tls_every_step_of_test_okta_is_a_tick_with(place, way):
    org, keys = way(place, ("--tls-make", place.path("tls")))
    proxy = Tinyproxy(place, ("joe", "hunter22"))
    place.sims.append(proxy)
    keys["ssl"] = "{ certificate_authorities: [%s] }" % place.path("tls", "ca.pem")
    keys["proxy_url"] = "http://joe:hunter22@127.0.0.1:%d" % proxy.port
    org.settings(keys)
    p = place.run("test", "okta", "-c", place.path("gatehouse.yml"))
    lines = [line.strip() for line in p.out.splitlines()][1:]
    assert p.returncode == 0 and lines and all(line.startswith("\u2713") for line in lines), (p.out, p.err)
    wanted = ["name resolution", "connection", "TLS", "days left", "clock", "one log page", "rate limit"]
    if "api_key" not in keys or "client_id" in keys:
        wanted.append("okta.logs.read")
    for word in wanted:
        assert any(word in line for line in lines), (word, lines)
    collect(org, keys)
    assert len(proxy.requests()) >= 2 and all("CONNECT 127.0.0.1" in line for line in proxy.requests())


# ---- tokens ----

@test
def a_token_serves_all_sources_of_its_org(place):
    org, keys = by_key(place)
    collect(org, keys, sources=3)
    assert org.tokens() == 1, org.sim.stats()


@test
def status_tells_of_the_budget_for_tokens_beside_that_of_the_log(place):
    org, keys = by_key(place)
    org.settings(keys, interval="100ms", sources=2)
    org.sim.add(events(10, seed=1))
    daemon = place.daemon()
    place.wait_log(daemon, "okta.page", 2)

    def buckets():
        return [[b["bucket"] for b in row["rate_limits"]] for row in place.status().values()]

    wait_until(lambda: buckets() and all(b == ["logs", "token"] for b in buckets()), "both budgets of each source")
    place.stop(daemon)


@test
def a_token_is_renewed_ahead_of_its_end_and_nothing_is_refused(place):
    org, keys = by_key(place, dpop=True)
    org.sim.set(token_life="8s")
    org.settings(keys, interval="100ms")
    daemon = place.daemon()
    wait_until(lambda: org.tokens() >= 3, "three tokens")
    place.stop(daemon)
    assert all(r["status"] == 200 for r in org.sim.requests()[4:]), org.sim.requests()


@test
def revoked_tokens_are_replaced_once_and_collecting_goes_on(place):
    org, keys = by_key(place, dpop=True)
    org.settings(keys, interval="100ms")
    daemon = place.daemon()
    first = events(10, seed=1)
    org.sim.add(first)
    place.wait_db(10)
    for round in range(3):
        org.sim.ask("/_sim/tokens/revoke", {})
        org.sim.add(events(10, seed=2 + round))
        place.wait_db(10 * (round + 2))
    place.stop(daemon)
    assert 4 <= org.tokens() <= 5, org.tokens()
    assert "okta.refused" not in place.log_of(daemon)


@test
def a_token_whose_answer_was_long_on_its_way_is_renewed_ahead_too(place):
    org, keys = by_key(place, dpop=True)
    org.sim.set(token_life="8s")
    org.sim.fault("slow_body", probability=1, seed=1, bytes=16, delay_ms=100, total_ms=4000, path="token")
    org.settings(keys, interval="100ms")
    daemon = place.daemon()
    wait_until(lambda: org.tokens() >= 3, "three tokens")
    place.stop(daemon)
    refused = [r for r in org.sim.requests() if r["status"] == 401]
    assert refused == [], refused


@test
def tokens_that_end_in_the_middle_of_a_backfill_are_replaced(place):
    org, keys = by_key(place, dpop=True)
    org.sim.set(token_life="2s")
    some = events(6000, seed=1, first_ms=now_ms() - 10 * 86400_000, step_ms=120_000)
    org.sim.add(some, persisted="published")
    org.sim.fault("slow_body", probability=1, seed=1, total_ms=1500, delay_ms=50)
    org.settings({**keys, "limit": "500"})
    p = place.run("backfill", "--since", "20d", "-c", place.path("gatehouse.yml"))
    assert p.returncode == 0, p.err
    assert sorted(place.uuids_in_db()) == sorted(uuids_of(some))
    assert org.tokens() >= 3, org.tokens()


@test
def nonces_that_change_while_it_runs_are_followed(place):
    org, keys = by_key(place, dpop=True)
    org.sim.set(token_life="3s", nonce_at_resource=True)
    org.settings(keys, interval="100ms")
    daemon = place.daemon()
    for round in range(3):
        org.sim.ask("/_sim/nonces/rotate", {})
        org.sim.add(events(5, seed=round))
        place.wait_db(5 * (round + 1))
    before = org.tokens()
    org.sim.ask("/_sim/nonces/rotate", {})
    wait_until(lambda: org.tokens() > before, "a token after the nonces changed")
    place.stop(daemon)
    assert "okta.refused" not in place.log_of(daemon)


@each_of({"an hour ahead": 3600_000, "an hour behind": -3600_000})
def oktas_clock_may_be(place, off_ms):
    org, keys = by_key(place, dpop=True)
    org.sim.clock(now=rfc3339(now_ms() + off_ms))
    some = events(30, seed=1, first_ms=now_ms() + off_ms - 3600_000)
    org.sim.add(some)
    org.settings(keys)
    place.collect_once()
    assert sorted(place.uuids_in_db()) == sorted(uuids_of(some))


@test
def a_new_key_is_taken_over_by_a_reload(place):
    org, keys = by_key(place)
    org.settings(keys, interval="100ms")
    daemon = place.daemon()
    org.sim.add(events(10, seed=1))
    place.wait_db(10)
    other = jws.Key(place.root, "RS256", "key-2")
    place.write("app.jwk", json.dumps(private_jwk(other)))
    org.sim.ask("/_sim/apps", {"client_id": CLIENT, "jwks": {"keys": [other.jwk]}})
    org.sim.ask("/_sim/tokens/revoke", {})
    daemon.send_signal(signal.SIGHUP)
    place.wait_log(daemon, "daemon.reloaded")
    org.sim.add(events(10, seed=2))
    place.wait_db(20)
    place.stop(daemon)


@test
def a_dpop_key_of_its_own_is_kept_sealed_and_used_again(place):
    org, keys = by_key(place, dpop=True)
    master = "".join("%02x" % i for i in range(32))
    extra = "master_key: %s\n" % master
    some = events(20, seed=1)
    org.sim.add(some)
    org.settings(keys, extra=extra)
    p = place.collect_once()
    assert "okta.dpop_key_made" in p.err and "sealed" in p.err, p.err
    p = place.collect_once()
    assert "okta.dpop_key_made" not in p.err, p.err
    org.settings(keys, extra=extra.replace("00", "ff"))
    p = place.collect_once(expect=1)
    assert "master" in p.err, p.err


# ---- what is refused, and what to do ----

def wrong_key(org, keys):
    other = jws.Key(org.place.root, "RS256", "key-1")
    return {**keys, "jwk_file": org.place.write("other.jwk", json.dumps(private_jwk(other)))}


REFUSALS = {
    "a key that is not registered": (wrong_key, "Client Credentials"),
    "an unknown client": (lambda org, keys: {**keys, "client_id": "0oaNobody"}, "client_id"),
    "a scope that is not granted": (lambda org, keys: {**keys, "okta_scopes": "[okta.logs.read, okta.users.read]"},
                                    "Okta API Scopes"),
    "no scope at all for the log": (lambda org, keys: org.set(scopes=["okta.users.read"]) or
                                    {**keys, "okta_scopes": "[okta.users.read]"}, "grant okta.logs.read"),
    "an app without a role": (lambda org, keys: org.set(roles=False) or keys, "Admin roles"),
    "an app that is switched off": (lambda org, keys: org.set(disabled=True) or keys, "active"),
    "an app of another kind": (lambda org, keys: org.set(application_type="web") or keys, "API Services"),
}


@each_of(REFUSALS)
def test_okta_says_what_to_do_about(place, case):
    change, advice = case
    org, keys = by_key(place)
    org.settings(change(org, keys))
    p = place.run("test", "okta", "-c", place.path("gatehouse.yml"))
    crosses = [line for line in p.out.splitlines() if "\u2717" in line]
    assert p.returncode == 1 and len(crosses) == 1 and advice in crosses[0], (p.out, p.err)
    p = place.run("collect", "--once", "-c", place.path("gatehouse.yml"))
    assert p.returncode == 1 and advice in p.err, p.err


@test
def a_wrong_client_secret_says_so(place):
    org, keys = by_secret(place)
    org.settings({**keys, "api_key": "wrongSecretOfTheTest"})
    p = place.run("test", "okta", "-c", place.path("gatehouse.yml"))
    assert p.returncode == 1 and "client secret" in p.out and "wrongSecret" not in p.out + p.err, (p.out, p.err)


@each_of({"fails": {"kind": "500"}, "is overloaded": {"kind": "503"}, "closes the connection": {"kind": "reset_before"},
          "limits the rate": {"kind": "rate_limit", "seconds": 1}, "sends a web page": {"kind": "html"},
          "sends half an answer": {"kind": "wrong_json", "style": "cut"}})
def a_token_endpoint_is_asked_again_when_it(place, fault):
    org, keys = by_key(place, dpop=True)
    org.sim.fault(count=2, path="token", **fault)
    collect(org, keys)
    assert org.sim.faults_left() == 0


# ---- secrets ----

def secrets_of(place, org, keys):
    texts = [SECRET, "00112233445566778899aabbccddeeff" * 2]
    for path in (org.key.path, place.path("dpop.pem")):
        body = read_text(path).splitlines()
        texts += [line for line in body if not line.startswith("-")]
    jwk = private_jwk(org.key)
    texts += [jwk[name] for name in ("d", "p", "q") if name in jwk]
    return [t.encode() for t in texts if len(t) >= 16]


@test
def no_secret_is_in_traces_logs_or_the_state(place):
    org, keys = by_key(place, dpop=True)
    dpop = jws.Key(place.root, "RS256")
    os.rename(dpop.path, place.path("dpop.pem"))
    keys = {**keys, "dpop_key_pem": "${file:%s}" % place.path("dpop.pem"), "enable_request_tracer": "true"}
    extra = "master_key: %s\nlog: { level: debug }\n" % ("00112233445566778899aabbccddeeff" * 2)
    org.settings(keys, interval="100ms", extra=extra)
    daemon = place.daemon()
    org.sim.add(events(30, seed=1))
    place.wait_db(30)
    org.sim.ask("/_sim/tokens/revoke", {})
    org.sim.add(events(30, seed=2))
    place.wait_db(60)
    place.stop(daemon)
    files = [os.path.join(d, f) for d, _, names in os.walk(place.path("state")) for f in names]
    files += [daemon.log_path, place.path("events.db")]
    traces = [f for f in files if "http-request-trace" in f]
    assert traces, files
    text = b"".join(open(f, "rb").read() for f in traces)
    assert b"/oauth2/v1/token" in text and b"client_assertion_type" in text and b"********" in text
    for f in files:
        content = open(f, "rb").read()
        for secret in secrets_of(place, org, keys):
            assert secret not in content, (f, secret[:4])
    # Tokens, assertions and proofs are JWTs; none of them is anywhere.
    for f in traces + [daemon.log_path]:
        assert b"eyJ" not in open(f, "rb").read(), f


@test
def traces_are_deleted_when_they_are_switched_off(place):
    org, keys = by_key(place)
    org.settings({**keys, "enable_request_tracer": "true"})
    place.collect_once()
    assert os.listdir(place.path("state", "traces"))
    org.settings(keys)
    place.collect_once()
    assert not os.listdir(place.path("state", "traces"))


@test
def the_process_cannot_be_dumped_by_its_own_user(place):
    os.chmod(place.root, 0o711)
    program = shutil.copy(GATEHOUSE, place.path("gatehouse"))
    os.chmod(program, 0o755)
    nobody = {"user": 65534} if os.getuid() == 0 else {}
    p = subprocess.Popen([program, "map"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env=BARE_ENV,
                         **nobody)
    place.processes.append(p)
    p.log_path = None
    # What may be dumped belongs to its user in /proc, what may not belongs to root.
    wait_until(lambda: os.stat("/proc/%d/environ" % p.pid).st_uid == 0, "a process that may not be dumped")
    p.stdin.close()
    assert p.wait(60) == 0


if __name__ == "__main__":
    main(jobs=4)
