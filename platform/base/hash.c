#include "platform/base/hash.h"
#include "platform/base/err.h"
#include "platform/ports/random/random.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdatomic.h>

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

static inline void sip_round(uint64_t v[4])
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

static inline void sip_word(uint64_t v[4], uint64_t word)
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

/* OpenSSL finds an algorithm by its name each time it is asked for one, which costs more than a short text's hash: so
 * that is done once a process, by whoever comes first. */

static const EVP_MD *sha256(void)
{
    static _Atomic(EVP_MD *) fetched;
    EVP_MD *found = atomic_load_explicit(&fetched, memory_order_acquire);
    if (found)
        return found;
    EVP_MD *ours = EVP_MD_fetch(NULL, "SHA256", NULL);
    ASSERT(ours != NULL);
    if (atomic_compare_exchange_strong(&fetched, &found, ours))
        return ours;
    EVP_MD_free(ours);
    return found;
}

void hash_sha256(struct str bytes, unsigned char ret_hash[HASH_SHA256_BYTES])
{
    unsigned size = 0;
    ASSERT(EVP_Digest(bytes.len ? bytes.ptr : "", bytes.len, ret_hash, &size, sha256(), NULL) == 1);
    ASSERT(size == HASH_SHA256_BYTES);
}

/* HMAC-SHA-256 without a key, to be copied; NULL without memory. */
static EVP_MAC_CTX *new_keyless(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *keyless = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac); /* The context has a reference of its own. */
    if (keyless && EVP_MAC_CTX_set_params(keyless, parameters) == 1)
        return keyless;
    EVP_MAC_CTX_free(keyless);
    return NULL;
}

static EVP_MAC_CTX *copy_keyless(void)
{
    static _Atomic(EVP_MAC_CTX *) made;
    EVP_MAC_CTX *found = atomic_load_explicit(&made, memory_order_acquire);
    if (!found) {
        EVP_MAC_CTX *ours = new_keyless();
        if (ours && atomic_compare_exchange_strong(&made, &found, ours))
            found = ours;
        else
            EVP_MAC_CTX_free(ours);
    }
    return found ? EVP_MAC_CTX_dup(found) : NULL;
}

static void mac_context_cleanup(EVP_MAC_CTX **context)
{
    EVP_MAC_CTX_free(*context);
}

int hash_hmac_sha256_parts(struct str key, const struct str *parts, size_t count,
                           unsigned char ret_hash[HASH_SHA256_BYTES])
{
    CLEANUP(mac_context_cleanup) EVP_MAC_CTX *context = copy_keyless();
    /* The address of no key is one all the same: NULL would mean the key that the context has. */
    if (!context || EVP_MAC_init(context, (const unsigned char *)(key.len ? key.ptr : ""), key.len, NULL) != 1)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (parts[i].len > 0 && EVP_MAC_update(context, (const unsigned char *)parts[i].ptr, parts[i].len) != 1)
            return ERR_NO_MEMORY;
    size_t size = 0;
    return EVP_MAC_final(context, ret_hash, &size, HASH_SHA256_BYTES) == 1 ? 0 : ERR_NO_MEMORY;
}

void hash_hmac_sha256(struct str key, struct str bytes, unsigned char ret_hash[HASH_SHA256_BYTES])
{
    ASSERT(hash_hmac_sha256_parts(key, &bytes, 1, ret_hash) == 0);
}
