# SPDX-License-Identifier: Apache-2.0
"""Keys, signatures, client assertions and DPoP proofs, made with the openssl command and nothing of ours."""
import base64
import hashlib
import json
import os
import subprocess
import uuid

RSA_BITS = 2048
HASHES = {"256": "sha256", "384": "sha384", "512": "sha512"}
CURVES = {"ES256": ("P-256", 32), "ES384": ("P-384", 48), "ES512": ("P-521", 66)}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def der_items(data):
    """The (tag, content) pairs of a DER sequence's content."""
    at, found = 0, []
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            n = length & 0x7f
            length, at = int.from_bytes(data[at:at + n], "big"), at + n
        found.append((tag, data[at:at + length]))
        at += length
    return found


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout


class Key:
    """A private key in a file, with its public JWK; `alg` is the one that it signs with unless told otherwise."""

    def __init__(self, folder, alg="RS256", kid=None):
        self.alg = alg
        self.kid = kid
        self.path = os.path.join(folder, "key-%s.pem" % uuid.uuid4())
        kind = ["RSA", "-pkeyopt", "rsa_keygen_bits:%d" % RSA_BITS] if alg[0] == "R" else \
            ["EC", "-pkeyopt", "ec_paramgen_curve:" + CURVES[alg][0]]
        openssl("genpkey", "-algorithm", *kind, "-out", self.path)
        self.jwk = self.read_jwk()
        if kid:
            self.jwk["kid"] = kid

    def read_jwk(self):
        info = der_items(der_items(openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER"))[0][1])
        bits = info[1][1][1:]
        if self.alg[0] == "R":
            n, e = (item[1].lstrip(b"\0") for item in der_items(der_items(bits)[0][1]))
            return {"kty": "RSA", "n": b64url(n), "e": b64url(e)}
        size = (len(bits) - 1) // 2
        return {"kty": "EC", "crv": CURVES[self.alg][0], "x": b64url(bits[1:1 + size]), "y": b64url(bits[1 + size:])}

    def thumbprint(self):
        members = ("e", "kty", "n") if self.jwk["kty"] == "RSA" else ("crv", "kty", "x", "y")
        text = json.dumps({m: self.jwk[m] for m in members}, separators=(",", ":"), sort_keys=True)
        return b64url(hashlib.sha256(text.encode()).digest())

    def public(self):
        """As it would be registered."""
        return dict(self.jwk, use="sig", alg=self.alg)

    def sign(self, data, alg):
        made = openssl("dgst", "-" + HASHES[alg[2:]], "-sign", self.path, data=data)
        if self.alg[0] == "R":
            return made
        size = CURVES[self.alg][1]
        r, s = (int.from_bytes(item[1], "big") for item in der_items(der_items(made)[0][1]))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def jws(self, header, claims, alg=None):
        """Compact; `alg` is what signs, the header says whatever it says."""
        parts = ".".join(b64url(json.dumps(part).encode()) for part in (header, claims))
        return parts + "." + b64url(self.sign(parts.encode(), alg or self.alg))


def changed(members, changes):
    """With changes made; None takes a member away."""
    return {k: v for k, v in dict(members, **changes).items() if v is not None}


def assertion(key, client_id, endpoint, now, header=None, **claims):
    head = {"alg": key.alg}
    if key.kid:
        head["kid"] = key.kid
    body = {"iss": client_id, "sub": client_id, "aud": endpoint, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}
    return key.jws(changed(head, header or {}), changed(body, claims))


def proof(key, method, url, now, token=None, header=None, **claims):
    head = {"typ": "dpop+jwt", "alg": key.alg, "jwk": key.jwk}
    body = {"htm": method, "htu": url, "iat": now, "jti": str(uuid.uuid4())}
    if token is not None:
        body["ath"] = b64url(hashlib.sha256(token.encode()).digest())
    return key.jws(changed(head, header or {}), changed(body, claims))
