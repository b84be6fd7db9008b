# SPDX-License-Identifier: Apache-2.0
"""hvac, told what to do by lines of JSON on stdin; one line of JSON per answer."""
import json
import sys

import hvac

client = None


def shown(answer):
    """An answer as the judges show it; hvac gives JSON, or a response without a body."""
    if not isinstance(answer, dict):
        return None
    return {"data": answer.get("data"), "auth": answer.get("auth"), "wrap": answer.get("wrap_info")}


def connect(q):
    global client
    client = hvac.Client(url=q["address"], token=q.get("token") or None)


def accessors(mounts):
    return {path: mount["accessor"] for path, mount in mounts["data"].items()}


def mfa_read(q):
    session = client.session
    session.headers["X-Vault-MFA"] = q["mfa"]
    try:
        return shown(client.read(q["path"]))
    finally:
        del session.headers["X-Vault-MFA"]


def login(q):
    other = hvac.Client(url=q["address"])
    return shown(other.auth.userpass.login(q["user"], q["password"], mount_point=q["path"]))


ACTIONS = {
    "connect": connect,
    "read": lambda q: shown(client.read(q["path"])),
    "list": lambda q: shown(client.list(q["path"])),
    "mfa_read": mfa_read,
    "write": lambda q: shown(client.write_data(q["path"], data=q["data"])),
    "delete": lambda q: shown(client.delete(q["path"])),
    "health": lambda q: client.sys.read_health_status(method="GET"),
    "seal_status": lambda q: client.sys.read_seal_status(),
    "auth_enable": lambda q: shown(client.sys.enable_auth_method(q["type"], path=q["path"])),
    "auth_disable": lambda q: shown(client.sys.disable_auth_method(q["path"])),
    "auth_list": lambda q: accessors(client.sys.list_auth_methods()),
    "mount": lambda q: shown(client.sys.enable_secrets_engine(q["type"], path=q["path"])),
    "mount_list": lambda q: accessors(client.sys.list_mounted_secrets_engines()),
    "policy_put": lambda q: shown(client.sys.create_or_update_policy(q["name"], q["text"])),
    "policy_get": lambda q: client.sys.read_policy(q["name"])["data"]["rules"],
    "policy_list": lambda q: client.sys.list_policies()["data"]["policies"],
    "policy_delete": lambda q: shown(client.sys.delete_policy(q["name"])),
    "kv_put": lambda q: shown(client.secrets.kv.v1.create_or_update_secret(q["path"], q["data"],
                                                                           mount_point=q["name"])),
    "kv_get": lambda q: client.secrets.kv.v1.read_secret(q["path"], mount_point=q["name"])["data"],
    "token_create": lambda q: shown(client.auth.token.create(policies=[q["name"]], ttl=q["ttl"])),
    "token_lookup": lambda q: shown(client.auth.token.lookup_self()),
    "token_renew": lambda q: shown(client.auth.token.renew_self(increment=60)),
    "token_revoke": lambda q: shown(client.auth.token.revoke_self()),
    "login": login,
    "capabilities": lambda q: client.sys.get_capabilities(paths=[q["path"]])["data"]["capabilities"],
    "wrapped_read": lambda q: client.read(q["path"], wrap_ttl=q["ttl"])["wrap_info"]["token"],
    "unwrap": lambda q: shown(client.sys.unwrap(q["token"])),
}


def answer(q):
    try:
        return {"result": ACTIONS[q["do"]](q)}
    except hvac.exceptions.VaultError as refused:
        status = {hvac.exceptions.InvalidRequest: 400, hvac.exceptions.Forbidden: 403, hvac.exceptions.InvalidPath: 404}
        return {"error": {"status": status.get(type(refused), 0), "errors": refused.errors or []}}
    except Exception as broken:  # what hvac did not understand
        return {"broken": repr(broken)}


for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps({"number": command["number"], **answer(command)}), flush=True)
