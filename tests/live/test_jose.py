# SPDX-License-Identifier: Apache-2.0
"""The jose command as a second opinion: for every algorithm, both ways, and on every key that keygen makes."""
import json
import os
import shutil
import subprocess

from basics import BARE_ENV, PATIENCE, Skip
from harness import each_of, main, test

JWS_TOOL = os.path.abspath(os.environ.get("JWS_TOOL", "build/tests/jws-tool"))

# alg: what keygen is told, and what jose calls the kind of key
ALGS = {
    "RS256": (["--bits", "2048"], {"kty": "RSA", "bits": 2048}),
    "RS384": (["--bits", "3072"], {"kty": "RSA", "bits": 3072}),
    "RS512": (["--bits", "4096"], {"kty": "RSA", "bits": 4096}),
    "ES256": (["--type", "p256"], {"kty": "EC", "crv": "P-256"}),
    "ES384": (["--type", "p384"], {"kty": "EC", "crv": "P-384"}),
    "ES512": (["--type", "p521"], {"kty": "EC", "crv": "P-521"}),
}
CASES = {alg: (alg, *rest) for alg, rest in ALGS.items()}
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
PAYLOAD = json.dumps({"iss": "0oa", "text": "ÄÖ\u0000 \\ \"", "n": list(range(50))}).encode()


def run(*command, stdin=b"", expect=0):
    """Runs to the end; gives what was printed."""
    p = subprocess.run(command, input=stdin, capture_output=True, env=BARE_ENV, timeout=PATIENCE)
    assert (p.returncode == 0) == (expect == 0), "%s ended with %d: %s" % (command, p.returncode, p.stderr.decode())
    return p.stdout


def jose(*words, **more):
    if not shutil.which("jose"):
        raise Skip("the jose command is not installed")
    return run("jose", *words, **more)


def ours(*words, **more):
    return run(JWS_TOOL, *words, **more)


def made_by_keygen(place, options, name="key.jwk"):
    """The private JWK's path, and the public one that was printed."""
    p = place.run("keygen", *options, place.path(name))
    assert p.returncode == 0, p.err
    return place.path(name), place.write(name + ".public", p.out)


def made_by_jose(place, template, name="theirs.jwk"):
    path = place.write(name, jose("jwk", "gen", "-i", json.dumps(template)).decode())
    public = place.write(name + ".public", jose("jwk", "pub", "-i", path).decode())
    return path, public


def sign_with_jose(alg, key):
    header = json.dumps({"protected": {"alg": alg}})
    return jose("jws", "sig", "-s", header, "-I", "-", "-k", key, "-c", stdin=PAYLOAD)


def strip_description(path):
    """jose holds a key to its alg; ours signs by every one that fits."""
    with open(path) as f:
        key = json.load(f)
    for member in ("alg", "use", "key_ops"):
        key.pop(member, None)
    with open(path, "w") as f:
        json.dump(key, f)


def both_ways(alg, private, public):
    jws = ours("sign", alg, private, stdin=PAYLOAD)
    assert jose("jws", "ver", "-i", "-", "-k", public, "-O", "-", stdin=jws) == PAYLOAD
    theirs = sign_with_jose(alg, private)
    assert ours("verify", alg, public, stdin=theirs) == PAYLOAD


@each_of(CASES)
def keys_of_keygen_serve_jose(place, case):
    alg, options, _ = case
    private, public = made_by_keygen(place, options)
    strip_description(private)
    strip_description(public)
    both_ways(alg, private, public)


@each_of(CASES)
def keys_of_jose_serve_us(place, case):
    alg, _, template = case
    private, public = made_by_jose(place, template)
    both_ways(alg, private, public)


@each_of(CASES)
def thumbprints_are_the_same(place, case):
    _, options, template = case
    for private, public in (made_by_keygen(place, options), made_by_jose(place, template)):
        theirs = jose("jwk", "thp", "-i", public).strip()
        assert ours("thumbprint", private) == theirs
        assert ours("thumbprint", public) == theirs
    with open(place.path("key.jwk.public")) as f:
        assert json.load(f)["kid"].encode() == jose("jwk", "thp", "-i", f.name).strip()


@each_of(CASES)
def a_signature_does_not_verify_by_another_key_or_over_other_bytes(place, case):
    alg, options, template = case
    private, public = made_by_keygen(place, options)
    _, other = made_by_jose(place, template)
    strip_description(private)
    jws = ours("sign", alg, private, stdin=PAYLOAD)
    ours("verify", alg, other, stdin=jws, expect=1)
    ours("verify", alg, public, stdin=jws[:-8] + b"AAAAAAAA", expect=1)
    ours("verify", alg, public, stdin=sign_with_jose(alg, place.path("theirs.jwk")), expect=1)
    jose("jws", "ver", "-i", "-", "-k", other, "-O", "-", stdin=jws, expect=1)


@each_of(CASES)
def jose_finds_the_same_public_key(place, case):
    _, options, _ = case
    private, public = made_by_keygen(place, options)
    with open(public) as f:
        ours_public = json.load(f)
    theirs = json.loads(jose("jwk", "pub", "-i", private))
    assert not PRIVATE & set(ours_public), ours_public
    for member in ("kty", "n", "e", "crv", "x", "y", "kid", "use", "alg"):
        assert ours_public.get(member) == theirs.get(member), member


@test
def a_key_of_jose_without_its_primes_signs_as_with_them(place):
    private, _ = made_by_jose(place, {"kty": "RSA", "bits": 2048})
    with open(private) as f:
        key = json.load(f)
    short = place.write("short.jwk", json.dumps({k: key[k] for k in ("kty", "n", "e", "d")}))
    assert ours("sign", "RS256", short, stdin=PAYLOAD) == sign_with_jose("RS256", private)
    written = json.loads(ours("private", short))
    assert {written["p"], written["q"]} == {key["p"], key["q"]}


@each_of(CASES)
def a_pem_of_ours_is_read_by_openssl_and_signs_the_same_key(place, case):
    alg, options, _ = case
    private, public = made_by_keygen(place, options)
    pem = place.write("key.pem", ours("pem", private).decode())
    run("openssl", "pkey", "-in", pem, "-check", "-noout")
    old = place.path("old.pem")
    run("openssl", "pkey", "-in", pem, "-traditional", "-out", old)
    for path in (pem, old):
        assert ours("thumbprint", path) == ours("thumbprint", public)
        assert ours("verify", alg, public, stdin=ours("sign", alg, path, stdin=PAYLOAD)) == PAYLOAD


@each_of({"RSA": ["genrsa", "-traditional", "-out"], "EC": ["ecparam", "-name", "prime256v1", "-genkey", "-out"]})
def what_the_message_about_encrypted_keys_advises_helps(place, case):
    plain, locked, opened = (place.path(n) for n in ("plain.pem", "locked.pem", "opened.pem"))
    run("openssl", *case, plain)
    thumbprint = ours("thumbprint", plain)
    for lock in (["pkcs8", "-topk8"], ["pkey", "-traditional", "-aes128"]):
        run("openssl", *lock, "-in", plain, "-out", locked, "-passout", "pass:secret")
        p = subprocess.run([JWS_TOOL, "thumbprint", locked], capture_output=True, env=BARE_ENV, timeout=PATIENCE)
        assert p.returncode == 1 and b"openssl pkey -in FILE -out NEW_FILE" in p.stderr, p.stderr
        run("openssl", "pkey", "-in", locked, "-out", opened, "-passin", "pass:secret")
        assert ours("thumbprint", opened) == thumbprint


if __name__ == "__main__":
    main(jobs=2)
