# SPDX-License-Identifier: Apache-2.0
"""schemathesis reads the gate's own OpenAPI answer and asks what comes to its mind: nothing may end in a 5xx, and the
gate must be there afterwards. SEED repeats a run."""
import json
import os
import random
import subprocess

import gate  # first: it finds the other folders
import servers
from harness import main, test

SECONDS = int(os.environ.get("SECONDS_OF_SCHEMATHESIS", "60"))
# What would end the run: these have tests of their own.
ENDINGS = ["/sys/seal", "/auth/token/revoke-self", "/auth/token/revoke", "/auth/token/revoke-orphan",
           "/auth/token/revoke-accessor"]
# OpenBao describes hundreds of paths that ours has not; trying the test itself needs a few.
REAL_PATHS = "^/(sys/policies|sys/auth|auth/token/create)"


def describe(server, place):
    """The OpenAPI answer as a file, and how many operations it has."""
    described = server.call("GET", "sys/internal/specs/openapi")
    operations = sum(method in ("get", "post", "put", "delete", "patch", "list") for path in described["paths"].values()
                     for method in path)
    return place.write("openapi.json", json.dumps(described)), operations


def arguments(server, schema, seed):
    """Few examples of many operations; a fuzzing phase fills the rest of the time."""
    wanted = [("--exclude-path", path) for path in ENDINGS]
    if gate.REAL:
        wanted = [("--include-path-regex", REAL_PATHS)]
    return ["run", schema, "--url", server.address + "/v1", "--header", "X-Vault-Token: " + servers.ROOT,
            "--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing", "--max-examples", "10",
            "--max-time", str(SECONDS), "--request-timeout", "20", "--continue-on-failure", "--seed", str(seed),
            "--suppress-health-check", "all", "--warnings", "off", "--no-color", *(a for pair in wanted for a in pair)]


@test
def nothing_that_the_openapi_answer_promises_ends_in_a_5xx(place):
    server = gate.start(place)
    schema, operations = describe(server, place)
    assert operations > 30, operations
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    program = os.path.join(servers.CACHE, "clients-python", "bin", "st")
    done = subprocess.run([program, *arguments(server, schema, seed)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, cwd=place.root, env=servers.clean_env(place.root), timeout=SECONDS * 5 + 120)
    assert done.returncode == 0, "SEED=%d\n%s" % (seed, (done.stdout + done.stderr)[-6000:])
    assert server.ask("GET", "/v1/sys/health").status == 200, server.last_words()


if __name__ == "__main__":
    main()
