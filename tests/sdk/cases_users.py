# SPDX-License-Identifier: Apache-2.0
"""Users: listing, filters, search, one user."""
from basics import TOKEN
from cases import assert_empty_refusal, assert_refused, case, items_of, with_token
from cases_oauth import add_app, with_key
from org import fetch


def user(number, status="ACTIVE", **profile):
    first, last = "First%d" % (number % 7), "Last%03d" % number
    login = "%s.%s@example.com" % (first.lower(), last.lower())
    return {"id": "00uSdkTests%09d" % number, "status": status, "created": "2026-01-02T03:04:%02d.000Z" % (number % 60),
            "profile": dict({"login": login, "email": login, "firstName": first, "lastName": last}, **profile)}


def start(place, bench, n=23, **more):
    """A simulator whose only users are those."""
    sim = bench.sim(place, **more)
    wanted = [user(i) for i in range(n)]
    sim.ask("/_sim/users", method="DELETE")
    sim.ask("/_sim/users", wanted)
    return sim, wanted


def shown(of):
    """A user as the judges show it."""
    p = of["profile"]
    return [of["id"], of["status"], of["created"], p["login"], p["email"], p["firstName"], p["lastName"]]


def by_id(items):
    return sorted(items, key=lambda item: item[0])


def ask_users(sdk, client=None, **query):
    return sdk.ask(do="users", client=client or with_token(sdk), query=query)


@case
def lists_users_page_by_page(place, bench, sdk):
    _, wanted = start(place, bench)
    got = ask_users(sdk, limit=10)
    assert by_id(items_of(got)) == [shown(u) for u in wanted] and got["pages"] == 3


@case
def lists_the_people_of_the_generated_company(place, bench, sdk):
    sim = bench.sim(place, "--generate", "10")
    wanted = fetch(sim, "/api/v1/users?limit=200", TOKEN)
    got = ask_users(sdk, limit=200)
    assert items_of(got)[:200] == [shown(u) for u in wanted] and got["pages"] == 2


@case
def filters_users(place, bench, sdk):
    sim, wanted = start(place, bench)
    sim.ask("/_sim/users", user(5, "SUSPENDED"))
    sim.ask("/_sim/users", user(9, "DEPROVISIONED"))
    got = ask_users(sdk, filter='status eq "SUSPENDED" or status eq "DEPROVISIONED"')
    assert [(item[0], item[1]) for item in by_id(items_of(got))] == [(wanted[5]["id"], "SUSPENDED"),
                                                                   (wanted[9]["id"], "DEPROVISIONED")]
    login = wanted[3]["profile"]["login"]
    assert items_of(ask_users(sdk, filter='profile.login eq "%s"' % login)) == [shown(wanted[3])]
    assert items_of(ask_users(sdk, filter='profile.login eq "%s"' % login.upper())) == []


@case
def searches_users(place, bench, sdk):
    _, wanted = start(place, bench)
    got = ask_users(sdk, search='profile.firstName eq "FIRST2" and profile.lastName sw "last01"', limit=2)
    assert by_id(items_of(got)) == [shown(wanted[16])]
    got = ask_users(sdk, search='profile.lastName sw "Last00"', limit=4)
    assert by_id(items_of(got)) == [shown(u) for u in wanted[:10]] and got["pages"] == 3


@case
def finds_users_by_the_start_of_a_name(place, bench, sdk):
    _, wanted = start(place, bench)
    assert by_id(items_of(ask_users(sdk, q="last02"))) == [shown(u) for u in wanted[20:23]]


@case
def is_told_of_a_wrong_user_filter(place, bench, sdk):
    start(place, bench)
    answer = ask_users(sdk, filter='status is "ACTIVE"')
    assert answer["error"]["status"] == 400, answer


@case
def gets_one_user(place, bench, sdk):
    _, wanted = start(place, bench)
    client = with_token(sdk)
    for name in (wanted[4]["id"], wanted[4]["profile"]["login"], wanted[4]["profile"]["login"].split("@")[0]):
        assert items_of(sdk.ask(do="user", client=client, id=name)) == [shown(wanted[4])], name


@case
def is_told_that_a_user_is_not_there(place, bench, sdk):
    start(place, bench)
    answer = sdk.ask(do="user", client=with_token(sdk), id="nobody@example.com")
    assert_refused(answer, 404, "E0000007", "Not found: Resource not found: nobody@example.com (User)")


@case
def lists_users_with_dpop(place, bench, sdk):
    sim, wanted = start(place, bench)
    add_app(bench, sim, scopes=["okta.users.read"], dpop=True)
    client = with_key(sdk, bench, scopes=["okta.users.read"], dpop=True)
    assert by_id(items_of(ask_users(sdk, client, limit=10))) == [shown(u) for u in wanted]
    assert items_of(sdk.ask(do="user", client=client, id=wanted[7]["id"])) == [shown(wanted[7])]


@case
def signs_an_escaped_path_with_dpop(place, bench, sdk):
    """Okta compares the signed path with the unescaped one; Python and Node sign "%40", Go leaves the "@" alone."""
    sim, wanted = start(place, bench)
    add_app(bench, sim, scopes=["okta.users.read"], dpop=True)
    client = with_key(sdk, bench, scopes=["okta.users.read"], dpop=True)
    answer = sdk.ask(do="user", client=client, id=wanted[7]["profile"]["login"])
    if sdk.name == "Go SDK":
        assert items_of(answer) == [shown(wanted[7])]
    else:
        assert_empty_refusal(answer, 400, "invalid_dpop_proof")
        assert "htu" in answer["error"]["challenge"], answer
