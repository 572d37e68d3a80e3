"""joserfc as the other reader of tokens: questions in JSON lines on stdin, answers in their order on stdout.

{"alg": A, "jwk": public, "token": "..."} -> {"claims": "JSON text"} or {"refused": "..."}

Taken is a token whose signature is good and whose payload json.loads reads as an object.
"""

import json
import sys

from joserfc import jwk, jws


def read(question):
    key = jwk.import_key(question["jwk"])
    found = jws.deserialize_compact(question["token"], key, algorithms=[question["alg"]])
    claims = json.loads(found.payload)
    if not isinstance(claims, dict):
        raise ValueError("the payload is no object")
    return claims


for line in sys.stdin:
    try:
        answer = json.dumps({"claims": json.dumps(read(json.loads(line)))})
    except (Exception, RecursionError) as error:
        answer = json.dumps({"refused": f"{type(error).__name__}: {error}"})
    print(answer, flush=True)
