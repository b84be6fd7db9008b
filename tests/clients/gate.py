# SPDX-License-Identifier: Apache-2.0
"""What the tests with unmodified clients share: the gate that they talk to, and what is configured in it.

JUDGED=openbao puts the real OpenBao in the gate's place, to try the tests themselves: it lacks sys/mfa/method alone.
"""
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "openbao"))

import servers  # noqa: E402
from basics import Skip  # noqa: E402

REAL = os.environ.get("JUDGED") == "openbao"

# The example that an Okta method is set up with, and the keys that reading it back shows.
METHOD = "sys/mfa/method/okta/my_okta"
ORG, API_TOKEN = "dev-262775", "00Hhgkojytrdsfcvbnmkjhgfdshgfdsiuyt"
SHOWN = {"id", "mount_accessor", "name", "org_name", "production", "type", "username_format"}

POLICY = """# what the tests' users may
path "secret/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
path "sys/mfa/method/*" { capabilities = ["read", "list"] }
"""


def start(place, *args):
    """A gate of the test's own in memory, with the root token `root`; ended with the test."""
    folder = tempfile.mkdtemp(dir=place.root)
    server = servers.openbao_dev(folder) if REAL else servers.gatehouse_dev(*args, folder=folder)
    place.sims.append(server)
    server.ask("DELETE", "/v1/sys/mounts/secret", {"X-Vault-Token": servers.ROOT})  # some come with one of version 2
    return server


def asks(phones, wait="8s"):
    """What start() is to be given so that the gate asks these people."""
    values = {"okta_url": phones.sim.base, "poll_interval": "1s", "wait": wait}
    return [word for row in values.items() for word in ("--set", "mfa.%s=%s" % row)]


def ours_alone():
    if REAL:
        raise Skip("OpenBao has no sys/mfa/method")


def payload(accessor):
    return {"mount_accessor": accessor, "org_name": ORG, "api_token": API_TOKEN}


def assert_method(data, accessor, with_token):
    """What reading the example's method back must show."""
    missing = (SHOWN | ({"api_token"} if with_token else set())) - set(data)
    assert not missing, "%s without %s" % (data, missing)
    assert (data["name"], data["type"], data["org_name"]) == ("my_okta", "okta", ORG), data
    assert (data["mount_accessor"], data["username_format"]) == (accessor, ""), data
    assert data["production"] is True and len(data["id"]) == 36, data
    assert data.get("api_token") == (API_TOKEN if with_token else None), data
