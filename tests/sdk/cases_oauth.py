# SPDX-License-Identifier: Apache-2.0
"""Service apps: what the SDKs do with a private key, with DPoP and without.

Three differences between the SDKs show in what these cases expect. Python and Go tell of a refused token request, Node
sends "undefined" for a token and tells of the 401 that it gets. Python and Node send a proof at once, Go when it has
been refused without. Node asks for a new token after a 401, the others do not.
"""
import json

from basics import events, wait_until
from cases import assert_empty_refusal, assert_refused, case, items_of, last_day, not_for, shown

CLIENT = "0oaSdkTestsService1"
LOGS = ["okta.logs.read"]


def add_app(bench, sim, **more):
    """An app that may read the log, with one key."""
    app = {"client_id": CLIENT, "name": "tests", "scopes": LOGS, "jwks": {"keys": [bench.key.public()]}, "dpop": False}
    sim.ask("/_sim/apps", dict(app, **more))


def with_key(sdk, bench, key=None, scopes=LOGS, client=CLIENT, **more):
    """A client of the SDK with a private key as PEM."""
    return sdk.client(authorizationMode="PrivateKey", clientId=client, scopes=scopes,
                      privateKey=(key or bench.key).pem, **more)


def start(place, bench, n=0, **app):
    """A simulator with that app and `n` events; gives it and the events."""
    sim = bench.sim(place)
    add_app(bench, sim, **app)
    written = events(n, seed=11)
    if n:
        sim.add(written, persisted="published")
    return sim, written


def read_log(sdk, client, **query):
    return sdk.ask(do="events", client=client, query=dict(last_day(), **query))


def asked(sim, path="/api/v1/logs"):
    return [r for r in sim.requests() if r["path"] == path]


def token_statuses(sim):
    return [r["status"] for r in asked(sim, "/oauth2/v1/token")]


def assert_no_token(sdk, sim, answer, status, error, text):
    """The token request was refused with that, and the SDK told of it as it does."""
    assert token_statuses(sim)[0] == status, sim.requests()
    if sdk.name == "Python SDK":
        assert_refused(answer, status, error, text)
    elif sdk.name == "Go SDK":
        assert answer["error"]["text"] == "Empty access token", answer
    else:
        assert_empty_refusal(answer, 401, "invalid_token")


# ---- bearer tokens ----

@case
def reads_with_a_pem_key(place, bench, sdk):
    sim, written = start(place, bench, 45)
    got = read_log(sdk, with_key(sdk, bench), limit=10)
    assert got == {"items": [shown(e) for e in written], "pages": 5}
    assert token_statuses(sim) == [200]
    assert {r["authorization"]["scheme"] for r in asked(sim)} == {"Bearer"}


@case
def reads_with_a_jwk(place, bench, sdk):
    sim, written = start(place, bench, 12)
    client = sdk.client(authorizationMode="PrivateKey", clientId=CLIENT, scopes=LOGS,
                        privateKey=json.dumps(bench.key.private_jwk))
    assert items_of(read_log(sdk, client)) == [shown(e) for e in written]
    assert token_statuses(sim) == [200]


@not_for("Python SDK", "Node SDK")  # the one knows RSA only, the other's proofs are RS256 with whatever key
def reads_with_an_elliptic_key(place, bench, sdk):
    sim, written = start(place, bench, 12, jwks={"keys": [bench.ec_key.public()]})
    assert items_of(read_log(sdk, with_key(sdk, bench, key=bench.ec_key))) == [shown(e) for e in written]
    assert token_statuses(sim) == [200]


@case
def names_one_key_of_several(place, bench, sdk):
    sim, written = start(place, bench, 3, jwks={"keys": [bench.other_key.public(), bench.key.public()]})
    client = with_key(sdk, bench, kid=bench.key.kid)
    assert items_of(read_log(sdk, client)) == [shown(e) for e in written]


@case
def keeps_a_token_for_several_calls(place, bench, sdk):
    sim, _ = start(place, bench)
    client = with_key(sdk, bench)
    for _ in range(3):
        assert items_of(read_log(sdk, client)) == []
    assert token_statuses(sim) == [200] and len(asked(sim)) == 3


@case
def is_refused_with_a_wrong_key(place, bench, sdk):
    sim, _ = start(place, bench)
    answer = read_log(sdk, with_key(sdk, bench, key=bench.other_key))
    assert_no_token(sdk, sim, answer, 401, "invalid_client", "signature is invalid")


@case
def is_refused_with_an_unknown_kid(place, bench, sdk):
    sim, _ = start(place, bench)
    answer = read_log(sdk, with_key(sdk, bench, kid="no-such-key"))
    assert_no_token(sdk, sim, answer, 401, "invalid_client", "kid is invalid")


@case
def is_refused_as_an_unknown_client(place, bench, sdk):
    sim, _ = start(place, bench)
    answer = read_log(sdk, with_key(sdk, bench, client="0oaNobodyKnowsThis1"))
    assert_no_token(sdk, sim, answer, 401, "invalid_client", "")


@case
def is_refused_a_scope_that_was_not_granted(place, bench, sdk):
    sim, _ = start(place, bench)
    answer = read_log(sdk, with_key(sdk, bench, scopes=["okta.logs.read", "okta.users.manage"]))
    assert_no_token(sdk, sim, answer, 400, "invalid_scope", "scope")


@case
def is_refused_by_the_api_without_the_scope(place, bench, sdk):
    start(place, bench, scopes=["okta.users.read"])
    answer = read_log(sdk, with_key(sdk, bench, scopes=["okta.users.read"]))
    assert_empty_refusal(answer, 403, "insufficient_scope")
    assert 'scope="okta.logs.read"' in answer["error"]["challenge"], answer


@case
def is_refused_without_an_admin_role(place, bench, sdk):
    start(place, bench, roles=False)
    assert_refused(read_log(sdk, with_key(sdk, bench)), 403, "E0000006", "You do not have permission")


@case
def meets_a_revoked_token(place, bench, sdk):
    sim, _ = start(place, bench)
    client = with_key(sdk, bench)
    assert items_of(read_log(sdk, client)) == []
    sim.ask("/_sim/tokens/revoke", method="POST")
    answer = read_log(sdk, client)
    if sdk.name == "Node SDK":
        assert items_of(answer) == [] and token_statuses(sim) == [200, 200]
    else:
        assert_empty_refusal(answer, 401, "invalid_token")
        assert answer["error"]["challenge"].startswith("Bearer "), answer


# ---- DPoP ----

FIRST_TOKEN = {"Python SDK": [400, 200], "Node SDK": [400, 200], "Go SDK": [400, 400, 200]}


@case
def reads_with_dpop(place, bench, sdk):
    sim, written = start(place, bench, 45, dpop=True)
    got = read_log(sdk, with_key(sdk, bench, dpop=True), limit=10)
    assert got == {"items": [shown(e) for e in written], "pages": 5}
    assert token_statuses(sim) == FIRST_TOKEN[sdk.name]
    assert {r["authorization"]["scheme"] for r in asked(sim)} == {"DPoP"}


@case
def reads_with_dpop_and_a_jwk(place, bench, sdk):
    sim, written = start(place, bench, 12, dpop=True)
    client = sdk.client(authorizationMode="PrivateKey", clientId=CLIENT, scopes=LOGS, dpop=True,
                        privateKey=json.dumps(bench.key.private_jwk))
    assert items_of(read_log(sdk, client, limit=5)) == [shown(e) for e in written]


@case
def follows_the_log_with_dpop(place, bench, sdk):
    sim, _ = start(place, bench, dpop=True)
    written = events(60, seed=12)
    sim.add(written[:20])
    client = with_key(sdk, bench, dpop=True)
    sdk.say(dict(do="follow", client=client, want=60, query={"since": last_day()["since"], "limit": 10}))
    for at in range(20, 60, 10):
        before = sim.count()
        wait_until(lambda: sim.count() > before, "another poll")
        sim.add(written[at:at + 10])
    assert items_of(sdk.answer()) == [shown(e) for e in written]


@case
def gets_a_bearer_token_where_dpop_is_not_required(place, bench, sdk):
    sim, written = start(place, bench, 3)
    assert items_of(read_log(sdk, with_key(sdk, bench, dpop=True))) == [shown(e) for e in written]
    assert {r["authorization"]["scheme"] for r in asked(sim)} == {"Bearer"}


@not_for("Node SDK", "Go SDK")  # they find out by themselves
def is_told_that_the_app_wants_dpop(place, bench, sdk):
    start(place, bench, dpop=True)
    assert_refused(read_log(sdk, with_key(sdk, bench)), 400, "invalid_dpop_proof",
                   "The DPoP proof JWT header is missing.")


@case
def takes_a_new_nonce(place, bench, sdk):
    sim, written = start(place, bench, 3, dpop=True)
    client = with_key(sdk, bench, dpop=True)
    assert items_of(read_log(sdk, client)) == [shown(e) for e in written]
    sim.ask("/_sim/nonces/rotate", method="POST")
    # The old one may still be used at the API, where none is asked for.
    assert items_of(read_log(sdk, client)) == [shown(e) for e in written]
    assert items_of(read_log(sdk, with_key(sdk, bench, dpop=True))) == [shown(e) for e in written]


@case
def is_refused_a_proof_that_is_spent(place, bench, sdk):
    start(place, bench, dpop=True)
    got = sdk.ask(do="twice", client=with_key(sdk, bench, dpop=True), path="/api/v1/logs?limit=1")
    assert got["statuses"] == [200, 400], got
    assert got["challenges"][1].startswith("DPoP ") and "already been used" in got["challenges"][1], got
    assert 'error="invalid_dpop_proof"' in got["challenges"][1], got


@case
def repeats_its_proof_after_a_wait_and_is_refused(place, bench, sdk):
    """None of the SDKs makes a new proof when it tries again; the real Okta refuses them for it."""
    sim, _ = start(place, bench, dpop=True)
    client = with_key(sdk, bench, dpop=True)
    assert items_of(read_log(sdk, client)) == []
    sim.fault("rate_limit", seconds=1)
    answer = read_log(sdk, client)
    assert_empty_refusal(answer, 400, "invalid_dpop_proof")
    assert [r["status"] for r in asked(sim)][-2:] == [429, 400]


@case
def repeats_its_assertion_after_a_wait(place, bench, sdk):
    """The same at the token endpoint, where an assertion with a `jti` is good for one request."""
    sim, _ = start(place, bench)
    sim.fault("rate_limit", seconds=1, path="token")
    answer = read_log(sdk, with_key(sdk, bench))
    if sdk.name == "Go SDK":  # gives up after one try
        assert answer["error"]["text"] == "Empty access token" and token_statuses(sim) == [429], answer
        return
    assert token_statuses(sim)[:2] == [429, 401], sim.requests()
    assert_no_token_after_wait(sdk, answer)


def assert_no_token_after_wait(sdk, answer):
    if sdk.name == "Python SDK":
        assert_refused(answer, 401, "invalid_client", "already been used")
    else:
        # Another token is asked for after the 401 of the API, and this one is given.
        assert answer == {"items": [], "pages": 1}, answer
