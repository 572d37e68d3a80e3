"""The other implementation: joserfc, asked in JSON lines on stdin and answering on stdout.

{"do": "generate", "alg": A}                        -> {"private": JWK, "public": JWK}
{"do": "sign", "alg": A, "jwk": private, "header": {...}, "claims": {...}} -> {"token": "..."}
{"do": "verify", "alg": A, "jwk": public, "token": "..."}  -> {"header": {...}, "claims": {...}}

Anything that fails answers {"error": "..."}. Every algorithm is asked for by name, since joserfc
allows only the recommended ones otherwise.
"""

import json
import sys

from joserfc import jws, jwk

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def generate(alg):
    if alg in CURVES:
        key = jwk.ECKey.generate_key(CURVES[alg])
    elif alg in ("EdDSA", "Ed25519"):
        key = jwk.OKPKey.generate_key("Ed25519")
    else:
        key = jwk.RSAKey.generate_key(2048)
    named = {"kid": key.thumbprint()}
    return {"private": {**key.as_dict(private=True), **named}, "public": {**key.as_dict(private=False), **named}}


def sign(alg, jwk_, header, claims):
    key = jwk.import_key(jwk_)
    return {"token": jws.serialize_compact({**header, "alg": alg}, json.dumps(claims), key, algorithms=[alg])}


def verify(alg, jwk_, token):
    found = jws.deserialize_compact(token, jwk.import_key(jwk_), algorithms=[alg])
    return {"header": found.headers(), "claims": json.loads(found.payload)}


def answer(question):
    alg = question["alg"]
    match question["do"]:
        case "generate":
            return generate(alg)
        case "sign":
            return sign(alg, question["jwk"], question["header"], question["claims"])
        case "verify":
            return verify(alg, question["jwk"], question["token"])


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
