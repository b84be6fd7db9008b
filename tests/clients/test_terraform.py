# SPDX-License-Identifier: Apache-2.0
"""What Terraform's Vault provider sends, step by step: terraform itself fetches the provider from a registry of its
own, which tests must not. The provider sends no resource whose attributes it takes for Enterprise's unless the server's
version says `ent`."""
import re

import gate  # first: it finds the other folders
import servers
from gate import POLICY
from harness import main, test

SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.-]+)?(?:\+([0-9A-Za-z.-]+))?")
AUTH = {"type": "userpass", "description": "", "config": {}, "local": False, "options": None, "seal_wrap": False,
        "external_entropy_access": False, "plugin_name": "userpass"}
OKTA = "sys/mfa/method/okta/my_okta"


class Provider:
    """A provider that has been configured: it has asked who it is, and works with a token of its own."""

    def __init__(self, server):
        self.server, self.token = server, servers.ROOT
        self.version = SEMVER.fullmatch(self.call("GET", "sys/seal-status")["version"])
        self.call("GET", "auth/token/lookup-self")
        made = self.call("POST", "auth/token/create", {
            "policies": ["root"], "ttl": "1200s", "explicit_max_ttl": "1200s", "display_name": "terraform",
            "renewable": False, "num_uses": 0, "period": ""})
        self.token = made["auth"]["client_token"]
        self.made = made["auth"]

    def call(self, method, path, data=None, expect=(200, 204)):
        return self.server.call(method, path, data, self.token, expect)

    def data(self, path):
        return self.call("GET", path)["data"]

    def gone(self, path):
        self.call("GET", path, expect=(404,))


@test
def the_provider_gets_a_token_of_its_own(place):
    provider = Provider(gate.start(place))
    assert provider.made["lease_duration"] == 1200 and provider.made["renewable"] is False, provider.made
    data = provider.data("auth/token/lookup-self")
    assert (data["display_name"], data["explicit_max_ttl"]) == ("token-terraform", 1200), data


@test
def the_version_says_enterprise_where_the_settings_do(place):
    gate.ours_alone()
    assert "ent" not in (Provider(gate.start(place)).version.group(4) or "")
    provider = Provider(gate.start(place, "--set", "listen.vault_version=1.17.0+ent"))
    assert provider.version.groups() == ("1", "17", "0", "ent"), provider.version
    assert provider.call("GET", "sys/health")["version"] == "1.17.0+ent"


@test
def an_auth_backend_is_planned_applied_refreshed_and_destroyed(place):
    provider = Provider(gate.start(place))
    assert "people/" not in provider.data("sys/auth")
    provider.call("POST", "sys/auth/people", AUTH)
    mount = provider.data("sys/auth")["people/"]
    assert mount["accessor"].startswith("auth_userpass_") and mount["type"] == "userpass", mount
    tune = provider.data("sys/mounts/auth/people/tune")
    assert tune["default_lease_ttl"] == tune["max_lease_ttl"] == 2764800, tune
    provider.call("POST", "sys/mounts/auth/people/tune", {"description": "the people", "max_lease_ttl": "4h",
                                                          "default_lease_ttl": "1h"})
    assert provider.data("sys/auth")["people/"]["description"] == "the people"
    provider.call("DELETE", "sys/auth/people")
    assert "people/" not in provider.data("sys/auth")


@test
def a_policy_is_applied_refreshed_and_destroyed(place):
    provider = Provider(gate.start(place))
    provider.call("PUT", "sys/policies/acl/users", {"policy": POLICY})
    assert provider.data("sys/policies/acl/users")["policy"] == POLICY
    provider.call("DELETE", "sys/policies/acl/users")
    provider.gone("sys/policies/acl/users")


@test
def an_entity_and_its_alias_are_applied_refreshed_and_destroyed(place):
    provider = Provider(gate.start(place))
    provider.call("POST", "sys/auth/people", AUTH)
    accessor = provider.data("sys/auth")["people/"]["accessor"]
    entity = provider.call("PUT", "identity/entity", {"name": "alice", "policies": ["users"], "disabled": False,
                                                      "metadata": {"team": "t"}, "external_policies": False})["data"]
    assert provider.data("identity/entity/id/" + entity["id"])["policies"] == ["users"]
    alias = provider.call("PUT", "identity/entity-alias", {"name": "alice", "mount_accessor": accessor,
                                                           "canonical_id": entity["id"], "custom_metadata": {}})["data"]
    read = provider.data("identity/entity-alias/id/" + alias["id"])
    assert (read["canonical_id"], read["mount_accessor"]) == (entity["id"], accessor), read
    provider.call("PUT", "identity/entity/id/" + entity["id"],
                  {"name": "alice", "policies": [], "metadata": {"a": "b"}})
    assert provider.data("identity/entity/id/" + entity["id"])["metadata"] == {"a": "b"}
    provider.call("DELETE", "identity/entity-alias/id/" + alias["id"])
    provider.call("DELETE", "identity/entity/id/" + entity["id"])
    provider.gone("identity/entity/id/" + entity["id"])


@test
def a_generic_endpoint_is_applied_refreshed_and_destroyed(place):
    provider = Provider(gate.start(place))
    provider.call("POST", "sys/auth/people", AUTH)
    provider.call("PUT", "auth/people/users/alice", {"password": "pw", "policies": ["users"]})
    assert provider.data("auth/people/users/alice")["token_policies"] == ["users"]
    auth = provider.call("PUT", "auth/people/login/alice", {"password": "pw"})["auth"]
    assert auth["metadata"] == {"username": "alice"}, auth
    provider.call("DELETE", "auth/people/users/alice")
    provider.gone("auth/people/users/alice")


@test
def an_okta_method_is_applied_refreshed_updated_and_destroyed(place):
    gate.ours_alone()
    provider = Provider(gate.start(place, "--set", "listen.vault_version=1.17.0+ent"))
    provider.call("POST", "sys/auth/people", AUTH)
    accessor = provider.data("sys/auth")["people/"]["accessor"]
    wanted = {"name": "my_okta", "mount_accessor": accessor, "username_format": "user@example.com",
              "org_name": "hashicorp", "api_token": "token1", "base_url": "", "primary_email": True}
    provider.call("PUT", OKTA, wanted)
    first = provider.data(OKTA)
    for key in ("name", "mount_accessor", "username_format", "org_name", "primary_email"):
        assert first[key] == wanted[key], (key, first)
    provider.call("PUT", OKTA, dict(wanted, username_format="other@example.com", org_name="acme", primary_email=False))
    second = provider.data(OKTA)
    assert (second["id"], second["org_name"], second["primary_email"]) == (first["id"], "acme", False), second
    provider.call("DELETE", OKTA)
    provider.gone(OKTA)


if __name__ == "__main__":
    main()
