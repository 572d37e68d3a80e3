#!/bin/sh
# The keys of tests/pem.rs, made with OpenSSL 3. They are thrown away: everybody knows them, so nothing may
# ever be signed with them outside these tests.
set -eu
cd "$(dirname "$0")"

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem
openssl rsa -in rsa.pem -traditional -out rsa-pkcs1.pem
openssl rsa -in rsa.pem -pubout -out rsa-public.pem
openssl rsa -in rsa.pem -RSAPublicKey_out -out rsa-public-pkcs1.pem
for curve in P-256 P-384 P-521; do
    name=$(echo "$curve" | tr -d - | tr P p)
    openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$curve" -out "$name.pem"
    openssl ec -in "$name.pem" -out "$name-sec1.pem"
    openssl pkey -in "$name.pem" -pubout -out "$name-public.pem"
done
openssl genpkey -algorithm ED25519 -out ed25519.pem
openssl pkey -in ed25519.pem -pubout -out ed25519-public.pem

# What is refused.
openssl pkcs8 -topk8 -in ed25519.pem -passout pass:secret -out refused-encrypted.pem
openssl rsa -in rsa.pem -traditional -aes128 -passout pass:secret -out refused-encrypted-pkcs1.pem
openssl ecparam -name prime256v1 -genkey -out refused-parameters-first.pem
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit \
    -out refused-explicit-curve.pem
openssl ec -in refused-explicit-curve.pem -param_enc explicit -out refused-explicit-curve-sec1.pem
openssl ec -in p256.pem -pubout -conv_form compressed -out refused-compressed-public.pem
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out refused-secp256k1.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out refused-rsa1024.pem
openssl rsa -in refused-rsa1024.pem -pubout -out refused-rsa1024-public.pem
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out refused-rsa-pss.pem
openssl pkey -in refused-rsa-pss.pem -pubout -out refused-rsa-pss-public.pem
openssl genpkey -algorithm X25519 -out refused-x25519.pem
openssl req -x509 -new -key p256.pem -subj /CN=throw-away -days 1 -out refused-certificate.pem
