# SPDX-License-Identifier: Apache-2.0
"""The way to Okta, seen by `test okta` and in the log: names, ports, proxies, TLS, clocks, credentials."""
import re
import shutil
import subprocess

from harness import each_of, events, GOOD, main, now_ms, refusing_port, rfc3339, Skip, test, TOKEN


# ---- test okta ----

def test_okta(place, text, *args, **more):
    path = place.settings(text) if "\n" in text else text
    p = place.run("test", "okta", "-c", path, *args, **more)
    return p, [line.strip() for line in p.out.splitlines()]


@test
def test_okta_shows_each_step(place):
    sim = place.sim("--rate-limit", "120")
    sim.add(events(3, seed=3))
    p, lines = test_okta(place, place.simple(sim))
    assert p.returncode == 0 and p.err == "", (p.out, p.err)
    assert all(line.startswith("\u2713") for line in lines[1:]), lines
    for step in ("name resolution", "connection", "clock", "credentials", "one log page", "rate limit: 60"):
        assert any(step in line for line in lines), (step, lines)
    assert sim.count() == 1


def the_cross(lines):
    crosses = [line for line in lines if line.startswith("\u2717")]
    assert len(crosses) == 1, lines
    return crosses[0]


@each_of({"a revoked token": ("revoked", "create a new one in Security > API > Tokens"),
          "a missing role": ("missing", "Read-Only Administrator")})
def test_okta_says_what_to_do_about(place, case):
    role, advice = case
    sim = place.sim()
    sim.role(role)
    p, lines = test_okta(place, place.simple(sim))
    assert p.returncode == 1 and advice in the_cross(lines), lines


@test
def test_okta_says_that_a_name_does_not_resolve(place):
    # The label is longer than any name server would be asked about.
    p, lines = test_okta(place, GOOD % {"state": place.path("state"), "token": TOKEN,
                                        "url": "https://%s.invalid/api/v1/logs" % ("a" * 64)})
    assert p.returncode == 1 and "does not resolve" in the_cross(lines), (p.out, p.err)


@test
def test_okta_says_that_nobody_listens(place):
    held, port = refusing_port()
    with held:
        p, lines = test_okta(place, GOOD % {"state": place.path("state"), "token": TOKEN,
                                            "url": "http://127.0.0.1:%d/api/v1/logs" % port})
    assert p.returncode == 1 and "connection: 127.0.0.1: no connection" in the_cross(lines), (p.out, p.err)


@test
def test_okta_says_that_the_proxy_refuses(place):
    sim = place.sim()
    held, port = refusing_port()
    with held:
        p, lines = test_okta(place, place.simple(sim, proxy_url="http://127.0.0.1:%d" % port))
    assert p.returncode == 1 and "proxy" in the_cross(lines) and sim.count() == 0, (p.out, p.err)


@test
def test_okta_says_that_the_clock_is_off(place):
    sim = place.sim()
    sim.clock(now=rfc3339(now_ms() + 2 * 3600_000))
    p, lines = test_okta(place, place.simple(sim))
    assert p.returncode == 1 and re.search(r"clock: .*7[12]\d\d s ahead", the_cross(lines)), lines


@test
def test_okta_looks_at_every_source(place):
    good, refused = place.sim(), place.sim()
    refused.role("revoked")
    p, lines = test_okta(place, place.compose([place.source(refused, "refused"), place.source(good, "good")]))
    assert p.returncode == 1 and "accepted" in p.out and "not valid" in the_cross(lines), lines


# ---- TLS ----

def openssl(place, *words):
    done = subprocess.run(["openssl", *words], cwd=place.root, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def make_certificates(place, name="DNS:localhost,IP:127.0.0.1", days=30):
    if not shutil.which("openssl"):
        raise Skip("the openssl command is not installed")
    openssl(place, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj",
            "/CN=Test CA", "-days", "30")
    openssl(place, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj",
            "/CN=server")
    place.write("ext", "subjectAltName=%s\n" % name)
    openssl(place, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "server.pem", "-extfile", "ext", "-days", str(days))
    return place.sim("--tls-cert", place.path("server.pem"), "--tls-key", place.path("server.key"))


@test
def tls_works_with_the_authority_of_the_settings_or_of_the_environment(place):
    sim = make_certificates(place)
    wanted = events(30, seed=4)
    sim.add(wanted)
    path = place.simple(sim, limit=10, ssl="{ certificate_authorities: [%s] }" % place.path("ca.pem"))
    place.collect_once()
    place.assert_delivered(wanted)
    p, lines = test_okta(place, path)
    assert p.returncode == 0 and any("TLSv1.3" in line for line in lines), lines
    assert any("days left" in line for line in lines), lines
    place.simple(sim)
    p, lines = test_okta(place, path, env={"SSL_CERT_FILE": place.path("ca.pem")})
    assert p.returncode == 0, p.out


@test
def an_unknown_authority_is_refused_with_advice(place):
    sim = make_certificates(place)
    p, lines = test_okta(place, place.simple(sim))
    assert p.returncode == 1 and "ssl.certificate_authorities" in the_cross(lines), lines
    assert sim.count() == 0


@test
def a_certificate_for_another_name_is_refused(place):
    sim = make_certificates(place, name="DNS:other.example.com")
    path = place.simple(sim, ssl="{ certificate_authorities: [%s] }" % place.path("ca.pem"))
    p, lines = test_okta(place, path)
    assert p.returncode == 1 and "another name" in the_cross(lines), lines
    daemon = place.daemon()
    place.wait_log(daemon, "another name")
    place.stop(daemon)
    assert sim.count() == 0


@test
def tls_asked_of_a_plain_port_is_explained(place):
    sim = place.sim()
    p, lines = test_okta(place, GOOD % {"state": place.path("state"), "token": TOKEN,
                                        "url": sim.url.replace("http:", "https:")})
    assert p.returncode == 1 and "check the port and https:// in url" in the_cross(lines), lines


# ---- the same in the log ----

def nobody_listens(place):
    held, port = refusing_port()
    return held, GOOD % {"state": place.path("state"), "token": TOKEN, "url": "http://127.0.0.1:%d/api/v1/logs" % port}


def proxy_refuses(place):
    held, port = refusing_port()
    text = GOOD % {"state": place.path("state"), "token": TOKEN, "url": place.sim().url}
    return held, text.replace("interval: 60s", "proxy_url: http://127.0.0.1:%d" % port)


def no_such_org(place):
    fake = place.fake(lambda *ignored: (404, [("Content-Type", "application/json")],
                                        b'{"errorCode":"E0000007","errorSummary":"Not found"}'))
    return None, GOOD % {"state": place.path("state"), "token": TOKEN, "url": fake.url}


def unknown_authority(place):
    return None, GOOD % {"state": place.path("state"), "token": TOKEN, "url": make_certificates(place).url}


@each_of({"nobody listens": (nobody_listens, "okta.unreachable", "no connection"),
          "the proxy refuses": (proxy_refuses, "okta.unreachable", "check proxy_url"),
          "the org does not exist": (no_such_org, "okta.bad_request", "there is no such org"),
          "the authority is unknown": (unknown_authority, "okta.unreachable", "ssl.certificate_authorities")})
def the_log_says_clearly_that(place, case):
    make, name, advice = case
    held, text = make(place)
    place.settings(text)
    daemon = place.daemon()
    place.wait_log(daemon, name)
    place.stop(daemon)
    lines = [line for line in place.log_of(daemon).splitlines() if " WARN " in line]
    assert len(lines) == 1 and name in lines[0] and advice in lines[0], lines
    if held:
        held.close()


if __name__ == "__main__":
    main(jobs=4)
