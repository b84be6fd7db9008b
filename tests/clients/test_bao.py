# SPDX-License-Identifier: Apache-2.0
"""The `bao` command, not changed in anything, as a client of the gate."""
import json

import gate  # first: it finds the other folders
import servers
from bao import Bao, auths, with_user
from gate import METHOD, POLICY
from harness import main, test


@test
def the_way_of_a_newcomer_ends_with_a_method_that_is_configured(place):
    gate.ours_alone()
    bao = Bao(place, gate.start(place))
    bao("status")
    accessor = with_user(bao)
    entity = bao.json("write", "identity/entity", "name=alice", "metadata=email=alice@example.com")["data"]["id"]
    bao("write", "identity/entity-alias", "name=alice", "canonical_id=" + entity, "mount_accessor=" + accessor)
    bao("write", METHOD, *("%s=%s" % item for item in gate.payload(accessor).items()))
    rows = bao.rows("read", METHOD)
    assert gate.SHOWN | {"api_token"} <= set(rows), rows
    gate.assert_method(bao.json("read", METHOD)["data"], accessor, with_token=True)
    assert bao.json("list", "sys/mfa/method") == ["my_okta"]
    auth = bao.json("login", "-no-store", "-method=userpass", "username=alice", "password=correct horse")["auth"]
    assert auth["entity_id"] == entity
    bao("delete", METHOD)
    bao.fails("read", METHOD, text="No value found at " + METHOD)
    bao.fails("list", "sys/mfa/method", text="No value found at sys/mfa/method")


@test
def a_method_read_without_sudo_lacks_its_api_token(place):
    gate.ours_alone()
    server = gate.start(place)
    bao = Bao(place, server)
    accessor = with_user(bao)
    bao("write", METHOD, *("%s=%s" % item for item in gate.payload(accessor).items()))
    alice = Bao(place, server, bao("login", "-no-store", "-token-only", "-method=userpass", "username=alice",
                                   "password=correct horse"))
    gate.assert_method(alice.json("read", METHOD)["data"], accessor, with_token=False)
    alice.fails("write", METHOD, "org_name=other", "api_token=t", text="permission denied")


@test
def a_method_is_written_from_strings_and_files(place):
    gate.ours_alone()
    bao = Bao(place, gate.start(place))
    accessor = with_user(bao)
    place.write("token", gate.API_TOKEN)
    bao("write", METHOD, "mount_accessor=" + accessor, "org_name=acme", "api_token=@token", "production=false",
        "primary_email=true", "username_format={{alias.name}}@example.com")
    data = bao.json("read", METHOD)["data"]
    assert (data["api_token"], data["production"], data["primary_email"]) == (gate.API_TOKEN, False, True), data
    assert data["username_format"] == "{{alias.name}}@example.com", data
    bao.fails("write", METHOD, "org_name=acme", text="api_token must be set")


@test
def the_status_of_a_server_that_runs(place):
    bao = Bao(place, gate.start(place))
    rows = bao.rows("status")
    assert (rows["Initialized"], rows["Sealed"]) == ("true", "false"), rows
    assert bao.json("status")["sealed"] is False
    assert "is initialized" in bao("operator", "init", "-status")
    assert bao.json("read", "sys/health")["data"]["initialized"] is True


@test
def auth_methods_are_enabled_listed_tuned_and_disabled(place):
    bao = Bao(place, gate.start(place))
    bao("auth", "enable", "-path=people", "-description=the people", "-default-lease-ttl=1h", "userpass")
    assert auths(bao)["people/"]["description"] == "the people"
    assert auths(bao)["people/"]["config"]["default_lease_ttl"] == 3600
    bao("auth", "tune", "-default-lease-ttl=2h", "-max-lease-ttl=4h", "-description=x", "people/")
    tuned = auths(bao)["people/"]
    assert (tuned["description"], tuned["config"]["max_lease_ttl"]) == ("x", 14400), tuned
    assert set(bao.rows("auth", "list")) == {"people/", "token/"}
    assert "auth_userpass_" in bao("auth", "list", "-detailed")
    bao.fails("auth", "enable", "-path=people", "userpass", text="path is already in use at people/")
    bao.fails("auth", "enable", "nosuch", text="nosuch")
    bao("auth", "disable", "people")
    bao("auth", "disable", "nosuch")
    assert set(auths(bao)) == {"token/"}


@test
def secrets_engines_are_enabled_listed_tuned_and_disabled(place):
    bao = Bao(place, gate.start(place))
    bao("secrets", "enable", "-path=secret", "-version=1", "kv")
    bao("secrets", "tune", "-default-lease-ttl=1h", "-description=z", "secret/")
    mounts = json.loads(bao("secrets", "list", "-format=json"))
    assert (mounts["secret/"]["description"], mounts["secret/"]["config"]["default_lease_ttl"]) == ("z", 3600)
    assert set(bao.rows("secrets", "list")) == {"cubbyhole/", "identity/", "secret/", "sys/"}
    bao.fails("secrets", "enable", "-path=secret", "kv", text="path is already in use at secret/")
    bao("secrets", "disable", "secret/")
    assert "secret/" not in json.loads(bao("secrets", "list", "-format=json"))


@test
def policies_are_written_read_listed_and_deleted(place):
    bao = Bao(place, gate.start(place))
    bao("policy", "write", "users", place.write("users.hcl", POLICY))
    bao("policy", "write", "typed", "-", stdin=POLICY)
    assert bao("policy", "read", "users") == POLICY.rstrip("\n") == bao("policy", "read", "typed")
    assert set(bao("policy", "list").split()) == {"default", "root", "users", "typed"}
    done = bao.run("policy", "write", "UPPER", "users.hcl")
    assert done.returncode == 0 and "upper" in done.stdout, bao.shown
    bao.fails("policy", "write", "bad", place.write("bad.hcl", 'path "a" {'), text="failed to parse policy")
    bao.fails("policy", "read", "nosuch", text="No policy named: nosuch")
    bao.fails("policy", "delete", "root", text='cannot delete "root" policy')
    bao("policy", "delete", "typed")
    assert "typed" not in bao("policy", "list").split()


@test
def kv_puts_gets_lists_and_deletes(place):
    bao = Bao(place, gate.start(place))
    bao("secrets", "enable", "-path=secret", "-version=1", "kv")
    bao("kv", "put", "secret/foo", "a=b", "n=5")
    bao("kv", "put", "-mount=secret", "dir/bar", "a=" + "ü" * 300)
    assert bao("kv", "get", "-field=n", "secret/foo") == "5"
    assert json.loads(bao("kv", "get", "-format=json", "-mount=secret", "foo"))["data"] == {"a": "b", "n": "5"}
    assert bao("kv", "list", "secret/").split() == ["Keys", "----", "dir/", "foo"]
    bao.fails("kv", "get", "secret/nosuch", text="No value found at secret/nosuch")
    bao("kv", "delete", "secret/foo")
    bao.fails("kv", "get", "secret/foo", text="No value found at secret/foo")
    bao.fails("patch", "secret/dir/bar", "a=b", text="unsupported operation")
    bao.fails("write", "-f", "secret/empty", text="missing data fields")
    bao("write", "secret/typed", "-", stdin='{"a": 1.50}')
    assert bao.json("read", "secret/typed")["data"] == {"a": 1.5}


@test
def alice_logs_in_and_stays_logged_in(place):
    server = gate.start(place)
    bao = Bao(place, server)
    with_user(bao)
    bao("secrets", "enable", "-path=secret", "-version=1", "kv")
    alice = Bao(place, server, token=None)
    alice.fails("login", "-method=userpass", "username=alice", "password=wrong", text="invalid username or password")
    rows = alice.rows("login", "-method=userpass", "username=alice", "password=correct horse")
    assert rows["token_meta_username"] == "alice" and '"users"' in rows["token_policies"], rows
    assert alice.rows("token", "lookup")["display_name"] == "userpass-alice"
    alice("kv", "put", "secret/foo", "a=b")
    alice.fails("auth", "list", text="permission denied")
    assert alice("token", "capabilities", "sys/mounts") == "deny"
    alice.fails("login", "s.bogus", text="permission denied")
    assert "token" in alice.rows("login", servers.ROOT)


@test
def tokens_are_made_looked_up_renewed_and_revoked(place):
    server = gate.start(place)
    bao = Bao(place, server)
    bao("policy", "write", "users", place.write("users.hcl", POLICY))
    auth = json.loads(bao("token", "create", "-policy=users", "-ttl=1h", "-display-name=x", "-metadata=a=b",
                          "-use-limit=50", "-format=json"))["auth"]
    data = json.loads(bao("token", "lookup", "-format=json", auth["client_token"]))["data"]
    assert (data["display_name"], data["meta"], data["num_uses"]) == ("token-x", {"a": "b"}, 50), data
    assert bao.rows("token", "lookup", "-accessor", auth["accessor"])["display_name"] == "token-x"
    assert bao("token", "capabilities", auth["client_token"], "secret/x") == "create, delete, list, read, update"
    assert bao.rows("token", "renew", "-increment=30m", auth["client_token"])["token_duration"] == "30m"
    assert bao.rows("token", "renew", "-accessor", auth["accessor"])["token"] == "n/a"
    bao.fails("token", "renew", text="lease is not renewable")
    assert auth["accessor"] in bao.json("list", "auth/token/accessors")
    batch = bao("token", "create", "-policy=users", "-type=batch", "-ttl=5m", "-field=token")
    assert batch.startswith("b."), batch
    assert Bao(place, server, batch).rows("token", "lookup")["type"] == "batch"
    bao("token", "revoke", "-accessor", auth["accessor"])
    bao.fails("token", "lookup", auth["client_token"], text="bad token")
    mine = Bao(place, server, bao("token", "create", "-orphan", "-field=token"))
    mine("token", "revoke", "-self")
    mine.fails("token", "lookup", text="permission denied")


@test
def what_is_wrapped_is_unwrapped_once(place):
    server = gate.start(place)
    bao = Bao(place, server)
    bao("secrets", "enable", "-path=secret", "-version=1", "kv")
    bao("kv", "put", "secret/foo", "a=b")
    token = bao("read", "-wrap-ttl=60s", "-field=wrapping_token", "secret/foo")
    other = Bao(place, server, token=None)
    assert json.loads(other("unwrap", "-format=json", token))["data"] == {"a": "b"}
    other.fails("unwrap", token, text="wrapping token is not valid or does not exist")


@test
def identity_is_written_and_read_with_generic_commands(place):
    bao = Bao(place, gate.start(place))
    accessor = with_user(bao)
    entity = bao.json("write", "identity/entity", "name=bob", "policies=p,q", "metadata=email=b@x",
                      "metadata=team=t")["data"]["id"]
    alias = bao.json("write", "identity/entity-alias", "name=bob", "canonical_id=" + entity,
                     "mount_accessor=" + accessor)["data"]["id"]
    data = bao.json("read", "identity/entity/id/" + entity)["data"]
    assert (data["policies"], data["metadata"]) == (["p", "q"], {"email": "b@x", "team": "t"}), data
    assert bao.json("list", "identity/entity/name") == ["bob"]
    assert bao.json("write", "identity/lookup/entity", "name=bob")["data"]["id"] == entity
    bao("write", "identity/entity/id/" + entity, "disabled=true")
    assert bao.rows("read", "identity/entity/name/bob")["disabled"] == "true"
    assert bao.json("list", "identity/entity-alias/id") == [alias]
    bao("delete", "identity/entity-alias/id/" + alias)
    bao("write", "identity/entity/batch-delete", "entity_ids=" + entity)
    bao.fails("read", "identity/entity/id/" + entity, text="No value found")


@test
def paths_have_help(place):
    bao = Bao(place, gate.start(place))
    if not gate.REAL:
        assert "org_name" in bao("path-help", METHOD), bao.shown
    assert "policy" in bao("path-help", "sys/policies/acl/x")
    bao("secrets", "enable", "-path=secret", "-version=1", "kv")
    assert bao("path-help", "secret")
    bao.fails("path-help", "nosuch", text="no handler for route")


@test
def a_server_is_initialised_unsealed_and_sealed(place):
    server = stored(place)
    bao = Bao(place, server, token=None)
    bao.fails("status")
    if not gate.REAL:
        bao.fails("operator", "init", "-key-shares=5", "-key-threshold=3", text="1")
    made = json.loads(bao("operator", "init", "-key-shares=1", "-key-threshold=1", "-format=json"))
    key, root = made["unseal_keys_b64"][0], made["root_token"]
    bao.fails("operator", "init", "-key-shares=1", "-key-threshold=1", text="is already initialized")
    bao.run("operator", "unseal", key)  # OpenBao is sealed after init
    assert bao.rows("status")["Sealed"] == "false"
    bao = Bao(place, server, root)
    bao("policy", "write", "users", place.write("users.hcl", POLICY))
    bao("operator", "seal")
    bao.fails("status")
    bao.fails("policy", "list", text="sealed")
    assert bao.rows("operator", "unseal", key)["Sealed"] == "false"
    assert bao("policy", "read", "users") == POLICY.rstrip("\n")


def stored(place):
    """A server that nobody has initialised."""
    if gate.REAL:
        server = servers.openbao_stored()
    else:
        settings = place.settings("state: %s\nlisten: { address: \"127.0.0.1:0\" }\n" % place.path("state"))
        server = servers.gatehouse("-c", settings)
    place.sims.append(server)
    return server


if __name__ == "__main__":
    main()
