"""The other implementation: joserfc, asked in JSON lines on stdin and answering on stdout.

{"do": "generate", "crv": C or "RSA"}                              -> {"private": JWK, "public": JWK}
{"do": "encrypt", "jwk": public, "header": {...}, "text": "..."}   -> {"token": "..."}
{"do": "decrypt", "jwk": private, "token": "...", "algs": [...]}   -> {"header": {...}, "text": "..."}

Anything that fails answers {"error": "..."}. Every algorithm is asked for by name, since joserfc
allows only the recommended ones otherwise.
"""

import json
import sys

from joserfc import jwe, jwk


def generate(crv):
    if crv == "RSA":
        key = jwk.RSAKey.generate_key(2048)
    elif crv == "X25519":
        key = jwk.OKPKey.generate_key(crv)
    else:
        key = jwk.ECKey.generate_key(crv)
    return {"private": key.as_dict(private=True), "public": key.as_dict(private=False)}


def encrypt(jwk_, header, text):
    algs = [header["alg"], header["enc"]]
    return {"token": jwe.encrypt_compact(header, text, jwk.import_key(jwk_), algorithms=algs)}


def decrypt(jwk_, token, algs):
    found = jwe.decrypt_compact(token, jwk.import_key(jwk_), algorithms=algs)
    return {"header": found.headers(), "text": found.plaintext.decode()}


def answer(question):
    match question["do"]:
        case "generate":
            return generate(question["crv"])
        case "encrypt":
            return encrypt(question["jwk"], question["header"], question["text"])
        case "decrypt":
            return decrypt(question["jwk"], question["token"], question["algs"])


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
