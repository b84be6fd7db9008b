#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The simulator's authorization server over HTTP, judged by assertions and proofs that the openssl command signs:
every error of Okta's token endpoint and of its API with access tokens, and that it works without one."""
import base64
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import jws
from basics import BARE_ENV, OKTA_SIM, PATIENCE, wait_until
from harness import Skip, each_of, main, test

SCOPES = ["okta.logs.read", "okta.users.read"]
ALGS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
DPOP_HEADER = 'DPoP algs="RS256 RS384 RS512 ES256 ES384 ES512", '

keys = {}
key_folder = tempfile.TemporaryDirectory(prefix="gatehouse-test-keys-")


def key(name, alg="ES256", kid=None):
    """Keys take time to make: one of each is enough for all tests."""
    if name not in keys:
        keys[name] = jws.Key(key_folder.name, alg, kid)
    return keys[name]


for row in [("app", "ES256", "k1"), ("proof", "ES256", None), ("other", "ES256", "k1")]:
    key(*row)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self):
        return json.loads(self.text)

    def expect(self, status, error, description=""):
        assert self.status == status and self.json["error"] == error and description in self.json["error_description"], \
            "wanted %d %s %r, got %d %s" % (status, error, description, self.status, self.text)

    def expect_okta(self, status, code):
        assert self.status == status and self.json["errorCode"] == code, "%d %s" % (self.status, self.text)

    def expect_challenge(self, status, scheme, error, description, scope="okta.logs.read", path="/api/v1/logs"):
        got = self.headers["WWW-Authenticate"]
        host = self.headers["x-host"]
        wanted = '%sauthorization_uri="http://%s/oauth2/v1/authorize", realm="http://%s", scope="%s", error="%s", ' \
            'error_description="%s", resource="%s"' % (scheme, host, host, scope, error, description, path)
        assert (self.status, self.text, got) == (status, "", wanted), \
            "wanted %d %s\ngot %d %r %s" % (status, wanted, self.status, self.text, got)


class Org:
    """A simulator, and what a client of it does."""

    def __init__(self, place, apps=None, *args, tls_name=None):
        self.sim = None
        self.tls = tls_name is not None
        registered = [{"client_id": "plain", "scopes": SCOPES, "jwks": {"keys": [key("app").jwk]}},
                      {"client_id": "bound", "scopes": SCOPES, "jwks": {"keys": [key("app").jwk]}, "dpop": True},
                      {"client_id": "oin", "auth": "client_secret_basic", "client_secret": "a:b/c+d%", "scopes": SCOPES}]
        path = place.write("apps.json", json.dumps(registered + (apps or [])))
        tls = ["--tls-make", place.path("tls"), "--tls-name", tls_name] if self.tls else []
        self.sim = place.sim("--apps", path, "--generate", "20", *tls, *args)
        self.ca = place.path("tls", "ca.pem")
        self.authority = "%s:%d" % (tls_name or "127.0.0.1", self.sim.port)
        self.base = ("https://" if self.tls else "http://") + self.authority
        self.token_url = self.base + "/oauth2/v1/token"
        self.logs_url = self.base + "/api/v1/logs"

    def connect(self):
        if not self.tls:
            return http.client.HTTPConnection("127.0.0.1", self.sim.port, timeout=PATIENCE)
        context = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection("127.0.0.1", self.sim.port, timeout=PATIENCE, context=context)
        connection._create_connection = lambda address, *more: http.client.socket.create_connection(
            ("127.0.0.1", self.sim.port), *more)
        connection.host = self.authority.split(":")[0]  # what the certificate is checked against
        return connection

    def send(self, method, path, headers=(), body=None, counted=True):
        """`headers` are pairs, so that one name can come twice."""
        connection = self.connect()
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in [("Host", self.authority), *headers]:
            connection.putheader(name, value)
        if body is not None and counted:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = Answer(connection.getresponse())
        answer.headers["x-host"] = self.authority
        connection.close()
        return answer

    def now(self):
        return int(time.time())

    def assertion(self, client="plain", by="app", **claims):
        return jws.assertion(key(by), client, self.token_url, self.now(), **claims)

    def proof(self, by="proof", method="POST", url=None, **claims):
        return jws.proof(key(by), method, url or self.token_url, self.now(), **claims)

    def ask_token(self, assertion=None, proof=None, headers=(), **form):
        """A token request; form members that are None are left out."""
        whole = {"grant_type": "client_credentials", "scope": " ".join(SCOPES)}
        if assertion:
            whole.update(client_assertion_type=jws.ASSERTION_TYPE, client_assertion=assertion)
        whole.update(form)
        body = urllib.parse.urlencode({k: v for k, v in whole.items() if v is not None}).encode()
        sent = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"), *headers]
        if proof:
            sent.append(("DPoP", proof))
        return self.send("POST", "/oauth2/v1/token", sent, body)

    def nonce(self):
        return self.ask_token(self.assertion("bound"), self.proof()).headers["dpop-nonce"]

    def token(self, client="plain", scope=None):
        proof = self.proof(nonce=self.nonce()) if client == "bound" else None
        answer = self.ask_token(self.assertion(client), proof, scope=scope or " ".join(SCOPES))
        assert answer.status == 200, answer.text
        return answer.json["access_token"]

    def get(self, path="/api/v1/logs", scheme=None, token=None, proofs=()):
        headers = [("Authorization", "%s %s" % (scheme, token))] if scheme else []
        return self.send("GET", path, headers + [("DPoP", p) for p in proofs])


@test
def every_algorithm_is_verified(place):
    apps = [{"client_id": alg, "scopes": SCOPES, "jwks": {"keys": [key(alg, alg, "of-" + alg).public()]}} for alg in ALGS]
    bound = [dict(app, client_id="bound-" + app["client_id"], dpop=True) for app in apps]
    org = Org(place, apps + bound)
    nonce = org.nonce()
    for alg in ALGS:
        answer = org.ask_token(org.assertion(alg, by=alg))
        assert answer.status == 200 and answer.json["token_type"] == "Bearer", alg + ": " + answer.text
        answer = org.ask_token(org.assertion("bound-" + alg, by=alg), org.proof(by=alg, nonce=nonce))
        assert answer.status == 200 and answer.json["token_type"] == "DPoP", alg + ": " + answer.text
        token = answer.json["access_token"]
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        assert claims["cnf"]["jkt"] == key(alg).thumbprint(), "the token is bound to another key"
        proof = org.proof(by=alg, method="GET", url=org.logs_url, token=token)
        assert org.get(scheme="DPoP", token=token, proofs=[proof]).status == 200, alg
    # A signature of ECDSA has more than one form; only r and s put together is right, and each bit of it counts.
    head, payload, signature = org.assertion("ES256", by="ES256").split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[10] ^= 1
    changed = ".".join((head, payload, jws.b64url(bytes(raw))))
    org.ask_token(changed).expect(401, "invalid_client", "signature is invalid")


@test
def the_token_that_is_given_out_opens_the_log_and_the_users(place):
    org = Org(place)
    answer = org.ask_token(org.assertion())
    assert answer.status == 200 and answer.json["expires_in"] == 3600
    assert sorted(answer.json["scope"].split()) == SCOPES
    token = answer.json["access_token"]
    assert len(org.get("/api/v1/logs?limit=5", "Bearer", token).json) == 5
    users = org.get("/api/v1/users?limit=3", "Bearer", token).json
    assert org.get("/api/v1/users/" + users[1]["id"], "Bearer", token).json["profile"] == users[1]["profile"]
    stats = org.sim.stats()
    assert stats["endpoints"]["token"]["by_status"] == {"200": 1} and stats["tokens"]["issued"] == 1
    assert stats["authorization"]["Bearer"] == 3


# name: form, headers, claims of the assertion (None: no assertion), status, error, a part of the description
HOUR = 3600
BAD_REQUESTS = {
    "no grant": ({"grant_type": None}, [], {}, 400, "invalid_request", "'grant_type' is missing"),
    "another grant": ({"grant_type": "password"}, [], {}, 400, "unsupported_grant_type", "not supported"),
    "no scope": ({"scope": None}, [], {}, 400, "invalid_scope", "No scopes"),
    "openid": ({"scope": "openid"}, [], {}, 400, "invalid_scope", "openid"),
    "unknown scope": ({"scope": "logs"}, [], {}, 400, "invalid_scope", "not configured"),
    "scope not granted": ({"scope": "okta.users.manage"}, [], {}, 400, "invalid_scope", "exceeds the scope"),
    "no credentials": ({}, [], None, 401, "invalid_client", "No client credentials"),
    "secret in the body": ({"client_id": "plain", "client_secret": "x"}, [], None, 401, "invalid_client",
                           "private_key_jwt"),
    "two credentials": ({"client_secret": "x"}, [], {}, 400, "invalid_request", "multiple client credentials"),
    "wrong assertion type": ({"client_assertion_type": "jwt"}, [], {}, 400, "invalid_request", "client_assertion_type"),
    "no assertion type": ({"client_assertion_type": None}, [], {}, 400, "invalid_request", "client_assertion_type"),
    "client_id of another": ({"client_id": "bound"}, [], {}, 401, "invalid_client", "client_id"),
    "unknown client": ({}, [], {"iss": "x", "sub": "x"}, 401, "invalid_client", "subject"),
    "issuer of another": ({}, [], {"iss": "bound"}, 401, "invalid_client", "issuer"),
    "audience is the org": ({}, [], {"aud": "https://acme.okta.com"}, 401, "invalid_client", "audience"),
    "no audience": ({}, [], {"aud": None}, 401, "invalid_client", "audience"),
    "no exp": ({}, [], {"exp": None}, 401, "invalid_client", "'exp'"),
    "exp as text": ({}, [], {"exp": "9999999999"}, 401, "invalid_client", "'exp'"),
    "not a JWT": ({"client_assertion": "a.b.c"}, [], {}, 401, "invalid_client", "parsing"),
    "secret of an app that has none": ({}, [("Authorization", "Basic cGxhaW46eA==")], None, 401, "invalid_client",
                                       "private_key_jwt"),
    "wrong secret": ({}, [("Authorization", "Basic b2luOng=")], None, 401, "invalid_client", "secret"),
    "no Basic at all": ({}, [("Authorization", "SSWS x")], None, 401, "invalid_client", "Authentication header"),
}


@each_of(BAD_REQUESTS)
def a_wrong_token_request_is_refused(place, case):
    form, headers, claims, status, error, description = case
    org = Org(place)
    assertion = None if claims is None else org.assertion(**claims)
    org.ask_token(assertion, headers=headers, **form).expect(status, error, description)


@test
def an_assertion_s_times_are_judged_by_the_simulator_s_clock(place):
    org = Org(place)
    now = org.now()
    for claims, description in [({"exp": now - 1}, "is expired"), ({"exp": now + HOUR + 60}, "too far"),
                                ({"iat": now + 60}, "issued before")]:
        org.ask_token(org.assertion(**claims)).expect(401, "invalid_client", description)
    assert org.ask_token(org.assertion(exp=now + HOUR, iat=now)).status == 200
    org.sim.clock(advance="1h")
    org.ask_token(org.assertion()).expect(401, "invalid_client", "is expired")
    org.sim.clock(now="2020-01-01T00:00:00Z")
    org.ask_token(org.assertion()).expect(401, "invalid_client", "too far")


@test
def keys_are_found_by_kid_and_can_change_while_it_runs(place):
    org = Org(place)
    org.ask_token(org.assertion(by="other")).expect(401, "invalid_client", "signature is invalid")
    org.ask_token(org.assertion(header={"kid": "k7"})).expect(401, "invalid_client", "kid is invalid")
    org.ask_token(org.assertion(header={"alg": "none"})).expect(401, "invalid_client", "algorithm")
    org.ask_token(org.assertion(header={"alg": "RS256"})).expect(401, "invalid_client", "algorithm")
    second = dict(key("other").jwk, kid="k2")
    org.sim.ask("/_sim/apps", {"client_id": "plain", "add_keys": [second]})
    org.ask_token(org.assertion(header={"kid": None})).expect(401, "invalid_client", "kid is invalid")
    assert org.ask_token(org.assertion(by="other", header={"kid": "k2"})).status == 200
    org.sim.ask("/_sim/apps", {"client_id": "plain", "remove_keys": ["k1"]})
    org.ask_token(org.assertion()).expect(401, "invalid_client", "kid is invalid")
    assert org.ask_token(org.assertion(by="other", header={"kid": None})).status == 200
    org.sim.ask("/_sim/apps", {"client_id": "plain", "disabled": True})
    org.ask_token(org.assertion(by="other", header={"kid": "k2"})).expect(401, "invalid_client")


@test
def an_assertion_is_good_for_one_request_whatever_came_of_it(place):
    org = Org(place)
    once = org.assertion()
    assert org.ask_token(once).status == 200
    org.ask_token(once).expect(401, "invalid_client", "already been used")
    spent = org.assertion("bound")
    org.ask_token(spent, org.proof()).expect(400, "use_dpop_nonce", "requires nonce")
    org.ask_token(spent, org.proof(nonce=org.nonce())).expect(401, "invalid_client", "already been used")
    nameless = org.assertion(jti=None)
    assert [org.ask_token(nameless).status for _ in range(2)] == [200, 200]


@test
def a_secret_may_be_encoded_or_not(place):
    org = Org(place)
    for text in ("oin:a:b/c+d%", "oin:a%3Ab%2Fc%2Bd%25"):
        value = "Basic " + base64.b64encode(text.encode()).decode()
        answer = org.ask_token(headers=[("Authorization", value)])
        assert answer.status == 200 and answer.json["token_type"] == "Bearer", answer.text


@test
def the_way_of_a_token_request_is_checked(place):
    org = Org(place)
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    org.send("GET", "/oauth2/v1/token").expect_okta(405, "E0000022")
    org.send("POST", "/oauth2/v1/token", [("Content-Type", "application/json")], b"{}").expect(400, "invalid_request")
    org.send("POST", "/oauth2/v1/token", form, b"grant_type=a&grant_type=b").expect(400, "invalid_request", "same name")
    org.send("POST", "/oauth2/v1/token?client_secret=x", form, b"").expect(400, "invalid_request", "query")
    org.send("POST", "/oauth2/default/v1/token", form, b"").expect_okta(404, "E0000007")
    assert org.send("POST", "/oauth2/v1/token", form + [("Transfer-Encoding", "chunked")], b"0\r\n\r\n",
                    counted=False).status == 411


@test
def too_many_token_requests_get_okta_s_own_error(place):
    org = Org(place)
    org.sim.set(token_rate_limit=4)
    first = org.ask_token(org.assertion())
    assert (first.headers["x-rate-limit-limit"], first.headers["x-rate-limit-remaining"]) == ("2", "1")
    org.ask_token("nonsense").expect(401, "invalid_client")
    org.ask_token(org.assertion())
    refused = org.ask_token(org.assertion())
    refused.expect_okta(429, "E0000047")
    assert refused.headers["x-rate-limit-remaining"] == "0"
    assert org.send("GET", "/oauth2/v1/keys").headers["x-rate-limit-limit"] is None


# name: claims, header, more, a part of the description
BAD_PROOFS = {
    "wrong type": ({}, {"typ": "JWT"}, "'typ'"),
    "no algorithm": ({}, {"alg": "none"}, "algorithm"),
    "symmetric algorithm": ({}, {"alg": "HS256"}, "algorithm"),
    "algorithm of another key": ({}, {"alg": "RS256"}, "algorithm"),
    "no key": ({}, {"jwk": None}, "JWT is invalid"),
    "method in small letters": ({"htm": "post"}, {}, "'htm'"),
    "another method": ({"htm": "GET"}, {}, "'htm'"),
    "no url": ({"htu": None}, {}, "'htu'"),
    "another host": ({"htu": "https://acme.okta.com/oauth2/v1/token"}, {}, "'htu'"),
    "no time": ({"iat": None}, {}, "'iat'"),
    "no id": ({"jti": None}, {}, "'jti'"),
    "no nonce": ({"nonce": None}, {}, "requires nonce"),
    "a nonce of its own": ({"nonce": "mine"}, {}, "requires nonce"),
}


@each_of(BAD_PROOFS)
def a_wrong_proof_is_refused_at_the_token_endpoint(place, case):
    claims, header, description = case
    org = Org(place)
    proof = org.proof(header=header, **dict({"nonce": org.nonce()}, **claims))
    answer = org.ask_token(org.assertion("bound"), proof)
    answer.expect(400, "use_dpop_nonce" if "nonce" in description else "invalid_dpop_proof", description)
    assert (answer.headers["dpop-nonce"] is not None) == ("nonce" in description)


@test
def proofs_are_wanted_where_the_app_says_so(place):
    org = Org(place)
    answer = org.ask_token(org.assertion("bound"))
    answer.expect(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")
    assert org.ask_token(org.assertion(), "nonsense").json["token_type"] == "Bearer"
    nonce, now = org.nonce(), org.now()
    for iat, description in [(now + 60, "in the future"), (now - 400, "more than five minutes")]:
        org.ask_token(org.assertion("bound"), org.proof(nonce=nonce, iat=iat)).expect(
            400, "invalid_dpop_proof", description)
    proof = org.proof(nonce=nonce)
    assert org.ask_token(org.assertion("bound"), proof).json["token_type"] == "DPoP"
    org.ask_token(org.assertion("bound"), proof).expect(400, "invalid_dpop_proof", "already been used")
    org.ask_token(org.assertion("bound"), org.proof(nonce=nonce), [("DPoP", org.proof(nonce=nonce))]).expect(
        400, "invalid_dpop_proof", "Multiple")
    org.sim.ask("/_sim/nonces/rotate", b"")
    org.ask_token(org.assertion("bound"), org.proof(nonce=nonce)).expect(400, "use_dpop_nonce")


@test
def a_nonce_works_for_three_days_and_is_renewed_every_day(place):
    org = Org(place)
    org.sim.set(clock_leeway="90d")
    first = org.nonce()

    def later(duration):
        org.sim.clock(advance=duration)
        now = int(time.mktime(time.strptime(org.sim.ask("/_sim/clock")["now"][:19] + " UTC", "%Y-%m-%dT%H:%M:%S %Z"))
                  - time.timezone)
        assertion = jws.assertion(key("app"), "bound", org.token_url, now)
        return org.ask_token(assertion, jws.proof(key("proof"), "POST", org.token_url, now, nonce=first))
    answer = later("25h")
    assert answer.status == 200 and answer.headers["dpop-nonce"] != first, answer.text
    assert later("46h").status == 200
    later("1h").expect(400, "use_dpop_nonce")


@test
def a_bound_token_is_good_with_its_key_and_fresh_proofs_only(place):
    org = Org(place)
    token = org.token("bound")
    problem = "invalid_dpop_proof"

    def proof(**claims):
        return org.proof(**dict({"method": "GET", "url": org.logs_url, "token": token}, **claims))
    good = proof()
    assert org.get("/api/v1/logs?limit=1", "DPoP", token, [good]).status == 200
    rows = [
        ([good], 400, problem, "The DPoP proof JWT has already been used."),
        ([proof(), proof()], 400, problem, "Multiple DPoP proof JWT headers are not allowed."),
        ([], 400, "invalid_request", "The resource request requires a DPoP proof."),
        ([proof(token=None)], 400, problem, "'ath' claim in the DPoP proof does not match the presented access_token."),
        ([proof(token="x")], 400, problem, "'ath' claim in the DPoP proof does not match the presented access_token."),
        ([proof(by="other")], 400, problem, "The access_token is not bound to the provided DPoP proof."),
        ([proof(url=org.logs_url + "?limit=1")], 400, problem, "'htu' claim in the DPoP proof JWT is invalid."),
        ([proof(url=org.logs_url + "/")], 400, problem, "'htu' claim in the DPoP proof JWT is invalid."),
        ([proof(method="POST")], 400, problem, "'htm' claim in the DPoP proof JWT is invalid."),
        ([proof(iat=org.now() - 400)], 400, problem, "The DPoP proof JWT is issued more than five minutes in the past."),
        ([proof(iat=org.now() + 60)], 400, problem, "The DPoP proof JWT is issued in the future."),
        ([proof(exp=org.now() - 1)], 400, problem, "The DPoP proof JWT is expired."),
        (["nonsense"], 400, problem, "The DPoP proof JWT cannot be parsed."),
    ]
    for proofs, status, error, description in rows:
        org.get("/api/v1/logs?limit=1", "DPoP", token, proofs).expect_challenge(status, DPOP_HEADER, error, description)
    org.get(scheme="Bearer", token=token).expect_challenge(
        400, DPOP_HEADER, "invalid_request",
        "The resource request must use the DPoP authentication scheme when using a DPoP bound token.")
    plain = org.token()
    org.get(scheme="DPoP", token=plain, proofs=[proof(token=plain)]).expect_challenge(
        401, DPOP_HEADER, "invalid_token", "The presented access_token is not DPoP bound.")


@test
def the_url_in_a_proof_is_compared_with_the_decoded_path(place):
    org = Org(place)
    token = org.token("bound")
    login = org.send("GET", "/api/v1/users?limit=1", [("Authorization", "SSWS " + org.sim.token)]).json[0]["profile"]["login"]
    encoded = "/api/v1/users/" + login.replace("@", "%40")
    plain = org.proof(method="GET", url=org.base + "/api/v1/users/" + login, token=token)
    assert org.get(encoded, "DPoP", token, [plain]).status == 200
    as_sent = org.proof(method="GET", url=org.base + encoded, token=token)
    org.get(encoded, "DPoP", token, [as_sent]).expect_challenge(
        400, DPOP_HEADER, "invalid_dpop_proof", "'htu' claim in the DPoP proof JWT is invalid.", "okta.users.read", encoded)


@test
def a_bearer_token_ends_by_time_revocation_scope_and_role(place):
    org = Org(place)
    org.sim.set(token_life="30s")
    token, narrow = org.token(), org.token(scope="okta.users.read")
    org.get(scheme="Bearer", token=narrow).expect_challenge(
        403, "Bearer ", "insufficient_scope", "The access token provided does not contain the required scopes.")
    org.get("/api/v1/users", "Bearer", org.token(scope="okta.logs.read")).expect_challenge(
        403, "Bearer ", "insufficient_scope", "The access token provided does not contain the required scopes.",
        "okta.users.read", "/api/v1/users")
    org.get(scheme="Bearer", token="x").expect_challenge(401, "Bearer ", "invalid_token", "The access token is invalid.")
    org.sim.ask("/_sim/apps", {"client_id": "plain", "roles": False})
    org.get(scheme="Bearer", token=token).expect_okta(403, "E0000006")
    org.sim.ask("/_sim/apps", {"client_id": "plain", "roles": True})
    assert org.get(scheme="Bearer", token=token).status == 200
    assert org.sim.ask("/_sim/tokens/revoke", b"")["revoked"] >= 2
    org.get(scheme="Bearer", token=token).expect_challenge(
        401, "Bearer ", "invalid_token", "The access token has been revoked.")
    token = org.token()
    org.sim.clock(advance="31s")
    org.get(scheme="Bearer", token=token).expect_challenge(401, "Bearer ", "invalid_token", "The token has expired.")


@test
def a_nonce_can_be_asked_for_at_the_api(place):
    org = Org(place)
    token = org.token("bound")
    org.sim.set(nonce_at_resource=True)
    refused = org.get(scheme="DPoP", token=token, proofs=[org.proof(method="GET", url=org.logs_url, token=token)])
    assert refused.status == 401 and 'error="use_dpop_nonce"' in refused.headers["WWW-Authenticate"]
    proof = org.proof(method="GET", url=org.logs_url, token=token, nonce=refused.headers["dpop-nonce"])
    assert org.get(scheme="DPoP", token=token, proofs=[proof]).status == 200


@test
def over_tls_the_endpoint_is_the_https_one_of_the_name_that_was_called(place):
    org = Org(place, tls_name="acme.okta.example")
    try:
        assert org.ask_token(org.assertion()).status == 200
    except ssl.SSLError as refused:
        raise AssertionError("the made CA does not vouch for the made certificate: %s" % refused)
    token = org.token("bound")
    proof = org.proof(method="GET", url="https://%s/api/v1/logs" % org.authority, token=token)
    assert org.get(scheme="DPoP", token=token, proofs=[proof]).status == 200
    plain = org.proof(method="GET", url="http://%s/api/v1/logs" % org.authority, token=token)
    assert org.get(scheme="DPoP", token=token, proofs=[plain]).status == 400
    meta = org.send("GET", "/.well-known/oauth-authorization-server").json
    assert meta["token_endpoint"] == org.token_url
    # The CA is kept: what a client has trusted once is good for the next start.
    with open(org.ca) as f:
        before = f.read()
    org.sim.stop()
    again = Org(place, tls_name="acme.okta.example")
    with open(again.ca) as f:
        assert f.read() == before
    assert again.ask_token(again.assertion()).status == 200
    mode = os.stat(place.path("tls", "ca-key.pem")).st_mode & 0o777
    assert mode == 0o600, "ca-key.pem can be read by others: %o" % mode


@test
def every_way_of_failing_can_strike_a_token_request(place):
    org = Org(place)
    for kind, more, status, text in [
            ("500", {}, 500, "server_error"), ("503", {}, 503, "E0000010"), ("504", {}, 504, "Gateway"),
            ("rate_limit", {"seconds": 7}, 429, "E0000047"), ("concurrency", {}, 429, "E0000047"),
            ("invalid_client", {}, 401, "invalid_client"), ("temporarily_unavailable", {}, 400, "temporarily_unavailable"),
            ("access_denied", {}, 403, "access_denied"), ("html", {}, 200, "<html>")]:
        org.sim.fault(kind, **dict({"path": "token"}, **more))
        answer = org.ask_token(org.assertion())
        assert answer.status == status and text in answer.text, "%s: %d %s" % (kind, answer.status, answer.text)
    org.sim.fault("wrong_json", path="token")
    try:
        assert not org.ask_token(org.assertion()).json, "half of a body is JSON"
    except json.JSONDecodeError:
        pass
    for kind in ("reset_before", "reset_body"):
        org.sim.fault(kind, path="token")
        try:
            assert not org.ask_token(org.assertion()), kind + " does not reset"
        except (ConnectionError, http.client.HTTPException):
            pass
    org.sim.fault("dead_token")
    assert org.get(scheme="Bearer", token=org.token()).status == 401
    assert org.get(scheme="Bearer", token=org.token()).status == 200
    assert org.sim.stats()["endpoints"]["logs"]["by_status"] == {"200": 1, "401": 1}


@test
def a_client_can_be_kept_waiting_for_the_first_byte(place):
    org = Org(place)
    org.sim.fault("stall_before", count=2)
    headers = [("Authorization", "SSWS " + org.sim.token), ("Host", org.authority)]
    waiting = []
    for _ in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", org.sim.port, timeout=1)
        connection.request("GET", "/api/v1/logs", headers=dict(headers))
        waiting.append(connection)
    wait_until(lambda: org.sim.stats()["in_progress"] == 2, "two requests that wait")
    waiting.pop().close()
    wait_until(lambda: org.sim.stats()["in_progress"] == 1, "the end of the one whose client went away")
    assert org.send("GET", "/api/v1/logs", headers[:1]).status == 200
    assert [r["status"] for r in org.sim.requests()] == [0, 0, 200]
    # The other is still waiting when the simulator ends, which must not hang.
    org.sim.process.terminate()
    assert org.sim.process.wait(PATIENCE) == 0
    waiting.pop().close()


@test
def access_tokens_are_signed_with_the_published_key(place):
    org = Org(place)
    head, payload, signature = org.token().split(".")
    published = org.send("GET", "/oauth2/v1/keys").json["keys"]
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    assert header["typ"] == "application/okta-internal-at+jwt"
    wanted = [k for k in published if k["kid"] == header["kid"]]
    assert len(wanted) == 1
    n, e = (int.from_bytes(base64.urlsafe_b64decode(wanted[0][m] + "=="), "big") for m in ("n", "e"))
    opened = pow(int.from_bytes(base64.urlsafe_b64decode(signature + "=="), "big"), e, n)
    digest = jws.hashlib.sha256((head + "." + payload).encode()).hexdigest()
    assert ("%x" % opened).endswith(digest), "the signature is another key's"


@test
def wrong_files_and_options_are_told(place):
    def refused(status, text, *args):
        p = subprocess.run([OKTA_SIM, *args], capture_output=True, env=BARE_ENV, timeout=PATIENCE, text=True)
        assert p.returncode == status and text in p.stderr, "%d %s" % (p.returncode, p.stderr)
    refused(1, "apps.json: expected a JSON array", "--apps", place.write("apps.json", "{}"))
    refused(1, "app 1: client_id", "--apps", place.write("apps.json", "[{}]"))
    refused(1, "No such file", "--apps", place.path("none"))
    refused(1, "user 1: profile.login", "--users", place.write("users.json", "[{}]"))
    refused(2, "exclude each other", "--tls-make", "x", "--tls-cert", "y", "--tls-key", "z")
    refused(2, "--tls-name needs --tls-make", "--tls-name", "x")
    place.write("ca.pem", "not a certificate")
    place.write("ca-key.pem", "")
    refused(1, "not a certificate", "--tls-make", place.root)


@test
def a_second_opinion_by_jose_agrees(place):
    """The jose command signs an assertion, and the simulator takes it."""
    try:
        made = subprocess.run(["jose", "jwk", "gen", "-i", '{"alg":"ES256"}'], capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise Skip("the jose command is not installed")
    path = place.write("jose.jwk", made.decode())
    private = json.loads(made)
    public = {k: private[k] for k in ("kty", "crv", "x", "y")}
    org = Org(place, [{"client_id": "jose", "scopes": SCOPES, "jwks": {"keys": [public]}}])
    claims = {"iss": "jose", "sub": "jose", "aud": org.token_url, "exp": org.now() + 60}
    signed = subprocess.run(["jose", "jws", "sig", "-c", "-I", "-", "-k", path, "-s", '{"protected":{"alg":"ES256"}}'],
                            input=json.dumps(claims).encode(), capture_output=True, check=True).stdout
    assert org.ask_token(signed.decode().strip()).status == 200


if __name__ == "__main__":
    main(jobs=2)
