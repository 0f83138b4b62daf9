#include "platform/base/hash.h"
#include "platform/base/err.h"
#include "platform/ports/random/random.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

struct hash_key hash_key_random(void)
{
    struct hash_key key;
    random_bytes(&key, sizeof(key));
    return key;
}

/* -- SipHash ------------------------------------------------------------------------------------------------------- */

static uint64_t rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[3];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[2] = rotate_left(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t hash_keyed(const struct hash_key *key, struct str bytes)
{
    uint64_t v[4] = {
        key->words[0] ^ UINT64_C(0x736f6d6570736575),
        key->words[1] ^ UINT64_C(0x646f72616e646f6d),
        key->words[0] ^ UINT64_C(0x6c7967656e657261),
        key->words[1] ^ UINT64_C(0x7465646279746573),
    };
    uint64_t last = (uint64_t)bytes.len << 56;
    size_t at = 0;
    for (; at + 8 <= bytes.len; at += 8) {
        uint64_t word;
        memcpy(&word, bytes.ptr + at, sizeof(word));
        sip_word(v, word);
    }
    for (int shift = 0; at < bytes.len; at++, shift += 8)
        last |= (uint64_t)(unsigned char)bytes.ptr[at] << shift;
    sip_word(v, last);
    v[2] ^= 0xFF;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* -- SHA-256 ------------------------------------------------------------------------------------------------------- */

void hash_sha256(struct str bytes, unsigned char ret_hash[HASH_SHA256_BYTES])
{
    unsigned size = 0;
    ASSERT(EVP_Digest(bytes.len ? bytes.ptr : "", bytes.len, ret_hash, &size, EVP_sha256(), NULL) == 1);
    ASSERT(size == HASH_SHA256_BYTES);
}

void hash_hmac_sha256(struct str key, struct str bytes, unsigned char ret_hash[HASH_SHA256_BYTES])
{
    unsigned size = 0;
    ASSERT(key.len <= INT_MAX);
    ASSERT(HMAC(EVP_sha256(), key.len ? key.ptr : "", (int)key.len, (const unsigned char *)(bytes.len ? bytes.ptr : ""),
                bytes.len, ret_hash, &size));
    ASSERT(size == HASH_SHA256_BYTES);
}
