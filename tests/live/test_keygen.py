# SPDX-License-Identifier: Apache-2.0
"""gatehouse keygen: what lands in the file, what is shown, and that a failure leaves nothing behind."""
import json
import os
import re
import stat
import subprocess

from basics import BARE_ENV, GATEHOUSE, PATIENCE
from harness import each_of, main, test

JWS_TOOL = os.path.abspath(os.environ.get("JWS_TOOL", "build/tests/jws-tool"))
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
# Stands for nobody where the tests run as root, to whom permissions mean nothing.
NOBODY = 65534


def tool(*words):
    p = subprocess.run([JWS_TOOL, *words], capture_output=True, text=True, timeout=PATIENCE)
    assert p.returncode == 0, p.stderr
    return p.stdout


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def bits_of(public):
    n = public["n"]
    return len(n) * 6 // 8 * 8


@each_of({
    "by default": ([], "RSA 3072", "RS256"),
    "RSA 2048": (["--bits", "2048"], "RSA 2048", "RS256"),
    "RSA 4096": (["--type", "rsa", "--bits=4096"], "RSA 4096", "RS256"),
    "EC": (["--type", "ec"], "EC P-256", "ES256"),
    "P-256": (["--type", "p256"], "EC P-256", "ES256"),
    "P-384": (["--type=p384"], "EC P-384", "ES384"),
    "P-521": (["--type", "p521"], "EC P-521", "ES512"),
})
def a_pair_is_made(place, case):
    options, name, alg = case
    p = place.run("keygen", *options, "acme.jwk")
    assert p.returncode == 0, p.err
    assert mode_of(place.path("acme.jwk")) == 0o600
    public = json.loads(p.out)
    assert p.out.count("\n") == 1 and p.out.endswith("}\n"), p.out
    assert public["use"] == "sig" and public["alg"] == alg and not PRIVATE & set(public), public
    with open(place.path("acme.jwk")) as f:
        private = json.load(f)
    assert {k: v for k, v in private.items() if k not in PRIVATE} == public
    assert "d" in private and name in p.err, p.err
    if name.startswith("RSA"):
        assert bits_of(public) == int(name.split()[1])
    assert tool("thumbprint", place.path("acme.jwk")) == public["kid"]


@test
def every_pair_is_another(place):
    kids = [json.loads(place.run("keygen", "--type", "ec", "%d.jwk" % i).out)["kid"] for i in range(3)]
    assert len(set(kids)) == 3


@test
def the_key_id_can_be_chosen(place):
    p = place.run("keygen", "--type", "ec", "--kid", "gatehouse-2026", "acme.jwk")
    assert json.loads(p.out)["kid"] == "gatehouse-2026", p.out
    with open(place.path("acme.jwk")) as f:
        assert json.load(f)["kid"] == "gatehouse-2026"


@each_of({"RSA": ["--bits", "2048"], "EC": ["--type", "p384"]})
def a_pem_is_pkcs8_and_the_same_key(place, options):
    p = place.run("keygen", "--pem", *options, "acme.pem")
    assert p.returncode == 0 and mode_of(place.path("acme.pem")) == 0o600, p.err
    with open(place.path("acme.pem")) as f:
        text = f.read()
    assert text.startswith("-----BEGIN PRIVATE KEY-----\n") and text.endswith("-----END PRIVATE KEY-----\n")
    assert tool("thumbprint", place.path("acme.pem")) == json.loads(p.out)["kid"]
    checked = subprocess.run(["openssl", "pkey", "-in", place.path("acme.pem"), "-check", "-noout"],
                             capture_output=True, text=True, timeout=PATIENCE)
    assert checked.returncode == 0, checked.stderr
    assert "key_pem: ${file:%s}" % os.path.realpath(place.path("acme.pem")) in p.err, p.err


@test
def the_steps_to_take_are_said(place):
    p = place.run("keygen", "--type", "ec", "acme.jwk")
    for words in ("Applications > Applications", "Client Credentials", "Public key / Private key", "Add key",
                  "Okta API Scopes", "okta.logs.read", "Admin roles", "okta_domain_url:", "client_id:",
                  "jwk_file: " + os.path.realpath(place.path("acme.jwk"))):
        assert words in p.err, (words, p.err)
    assert [line[2:4] for line in p.err.splitlines() if re.match(r"  \d\. ", line)] == ["1.", "2.", "3."], p.err
    with open(place.path("acme.jwk")) as f:
        d = json.load(f)["d"]
    assert d not in p.err and d not in p.out


@each_of({"nothing": 0o000, "group and others may read": 0o022, "nobody may anything": 0o777, "odd": 0o277})
def the_umask_has_no_say(place, mask):
    p = subprocess.run([GATEHOUSE, "keygen", "--type", "ec", "acme.jwk"], capture_output=True, cwd=place.root,
                       env=BARE_ENV, timeout=PATIENCE, umask=mask)
    assert p.returncode == 0, p.stderr
    assert mode_of(place.path("acme.jwk")) == 0o600


# ---- refusals ----

def refused(place, p, words, status=1, left=()):
    """It failed for the reason, showed no key, and left only what was there before."""
    assert p.returncode == status and words in p.err, (p.returncode, p.err)
    assert "kty" not in p.out, p.out
    assert sorted(os.listdir(place.root)) == sorted(left), os.listdir(place.root)


@test
def a_file_that_exists_is_not_touched(place):
    place.write("acme.jwk", "the old key")
    refused(place, place.run("keygen", "--type", "ec", "acme.jwk"), "acme.jwk: exists already", left=["acme.jwk"])
    with open(place.path("acme.jwk")) as f:
        assert f.read() == "the old key"


@each_of({"to nothing": "elsewhere.jwk", "to a file": "target"})
def a_symbolic_link_is_not_followed(place, target):
    place.write("target", "content")
    os.symlink(place.path(target), place.path("acme.jwk"))
    refused(place, place.run("keygen", "--type", "ec", "acme.jwk"), "exists already", left=["acme.jwk", "target"])
    assert os.path.islink(place.path("acme.jwk"))
    with open(place.path("target")) as f:
        assert f.read() == "content"


@test
def a_folder_in_its_place_is_refused(place):
    os.mkdir(place.path("acme.jwk"))
    refused(place, place.run("keygen", "--type", "ec", "acme.jwk"), "exists already", left=["acme.jwk"])


@test
def a_missing_folder_is_named(place):
    refused(place, place.run("keygen", "--type", "ec", "keys/acme.jwk"),
            "keys/acme.jwk: cannot be made: No such file or directory")


@test
def a_folder_that_may_not_be_written_is_named(place):
    os.chmod(place.root, 0o755)
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    if not who:
        os.chmod(place.root, 0o555)
    program = os.open(GATEHOUSE, os.O_RDONLY)  # nobody may not pass every folder on the way to it
    try:
        p = subprocess.run(["/proc/self/fd/%d" % program, "keygen", "--type", "ec", place.path("acme.jwk")],
                           capture_output=True, text=True, env=BARE_ENV, timeout=PATIENCE, cwd="/",
                           pass_fds=[program], **who)
    finally:
        os.close(program)
        os.chmod(place.root, 0o755)
    p.out, p.err = p.stdout, p.stderr
    refused(place, p, "cannot be made: Permission denied")


@test
def a_full_disk_leaves_no_half_file(place):
    place.mount("small", "4k")
    with open(place.path("small", "filler"), "wb") as f:
        try:
            f.write(b"x" * 65536)
            f.flush()
        except OSError:
            pass
    p = place.run("keygen", "--type", "ec", "small/acme.jwk")
    assert p.returncode == 1 and "small/acme.jwk: cannot be" in p.err and "No space left" in p.err, p.err
    assert "kty" not in p.out
    assert os.listdir(place.path("small")) == ["filler"]


@test
def an_output_that_takes_nothing_takes_the_file_back(place):
    with open("/dev/full", "w") as full:
        p = subprocess.run([GATEHOUSE, "keygen", "--type", "ec", "acme.jwk"], stdout=full, stderr=subprocess.PIPE,
                           text=True, cwd=place.root, env=BARE_ENV, timeout=PATIENCE)
    p.out, p.err = "", p.stderr
    refused(place, p, "taken back, because the public key could not be shown: No space left on device")


@each_of({
    "no file": ([], "usage: gatehouse keygen"),
    "two files": (["a", "b"], "usage: gatehouse keygen"),
    "an unknown type": (["--type", "ed25519", "a"], "expected rsa, ec, p256, p384 or p521"),
    "too few bits": (["--bits", "1024", "a"], "--bits 1024: expected 2048, 3072 or 4096"),
    "bits that are none": (["--bits", "many", "a"], "--bits many"),
    "bits of a curve": (["--type", "p256", "--bits", "2048", "a"], "only an RSA key"),
    "an empty key id": (["--kid", "", "a"], "--kid"),
    "a key id with a blank": (["--kid", "my key", "a"], "without blanks"),
    "a key id that is too long": (["--kid", "k" * 129, "a"], "up to 128"),
    "standard output": (["-"], "never to standard output"),
    "the settings file": (["-c", "gatehouse.yml", "a"], "no such option"),
})
def wrong_usage_ends_with_2_and_makes_nothing(place, case):
    words, text = case
    refused(place, place.run("keygen", *words), text, status=2)


if __name__ == "__main__":
    main(jobs=2)
