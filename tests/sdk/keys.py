# SPDX-License-Identifier: Apache-2.0
"""Private keys as the SDKs want them: PEM or JWK."""
import jws  # of the live tests


class Key(jws.Key):
    """A key made by openssl, with `pem` (PKCS#8) and, of an RSA key, `private_jwk`."""

    def __init__(self, folder, alg, kid):
        super().__init__(folder, alg, kid)
        with open(self.path) as f:
            self.pem = f.read()

    @property
    def private_jwk(self):
        der = jws.openssl("pkey", "-in", self.path, "-traditional", "-outform", "DER")
        numbers = [jws.b64url(content.lstrip(b"\0")) for _, content in jws.der_items(jws.der_items(der)[0][1])]
        # RFC 8017, A.1.2: after the version and the public key
        return dict(self.public(), **dict(zip(("d", "p", "q", "dp", "dq", "qi"), numbers[3:])))
