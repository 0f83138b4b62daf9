/* Hashes: a keyed one for tables in memory, SHA-256 and HMAC-SHA-256 for everything that is stored, signed or sent. */
#pragma once

#include "platform/base/str.h"

#define HASH_SHA256_BYTES 32

/* Drawn once a table, so that nobody outside can choose keys that collide. */
struct hash_key {
    uint64_t words[2];
};

struct hash_key hash_key_random(void);

/* SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"). Not the same on a big-endian machine. */
uint64_t hash_keyed(const struct hash_key *key, struct str bytes);

/* FIPS 180-4 and RFC 2104, by OpenSSL. */
void hash_sha256(struct str bytes, unsigned char ret_hash[HASH_SHA256_BYTES]);
void hash_hmac_sha256(struct str key, struct str bytes, unsigned char ret_hash[HASH_SHA256_BYTES]);

/* The same of parts one after the other, without a copy of them as one. ERR_NO_MEMORY. */
int hash_hmac_sha256_parts(struct str key, const struct str *parts, size_t count,
                           unsigned char ret_hash[HASH_SHA256_BYTES]);
