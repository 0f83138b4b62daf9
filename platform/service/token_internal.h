/* What the files of the token library share; see token.h. */
#pragma once

#include "platform/base/task.h"
#include "platform/service/token.h"

#include <openssl/evp.h>

#define TOKEN_DIGEST_BYTES 32
#define TOKEN_SHARDS 16
#define TOKEN_CACHE_WAYS 4
#define TOKEN_CACHE_SETS (TOKEN_CACHE_ENTRIES / TOKEN_SHARDS / TOKEN_CACHE_WAYS)
#define TOKEN_SIGNATURE_BYTES_MAX 512 /* of a 4096-bit key */
#define TOKEN_RSA_BITS_MIN 2048
#define TOKEN_RSA_BITS_MAX 4096

struct token_key {
    EVP_PKEY *key;
    char kid[TOKEN_KID_BYTES];
    bool has_private;
};

/* A remembered token. Its claims are good until they expire, or its generation is over. */
struct token_cache_entry {
    unsigned char digest[TOKEN_DIGEST_BYTES];
    uint64_t last_used;
    uint64_t generation;
    struct token_claims claims;
};

struct token_cache_shard {
    struct task_mutex mutex;
    uint64_t uses;
    struct token_cache_entry *entries[TOKEN_CACHE_SETS][TOKEN_CACHE_WAYS]; /* made at first use */
};

struct token_block {
    struct token_block *next;
    char session_id[TOKEN_ID_BYTES];
    int64_t until_ms;
};

struct token_block_shard {
    struct task_mutex mutex;
    struct token_block **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
};

struct token_ring {
    struct task_mutex mutex; /* over keys, key_count, signer, generation */
    struct token_key keys[TOKEN_KEYS_MAX];
    size_t key_count;
    int signer;                  /* index in keys, or -1 */
    _Atomic uint64_t generation; /* counts removals of keys: what was remembered before one is forgotten */
    char *issuer;
    char *audience;
    EVP_MD *sha256;
    struct token_cache_shard cache[TOKEN_SHARDS];
    struct token_block_shard blocks[TOKEN_SHARDS];
};

/* -- token_key.c --------------------------------------------------------------------------------------------------- */

int token_key_thumbprint(EVP_PKEY *key, char ret_kid[TOKEN_KID_BYTES]);
int token_key_from_jwk(struct str modulus, struct str exponent, EVP_PKEY **ret_key);
void token_key_append_jwk(EVP_PKEY *key, const char *kid, struct buf *document);
/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 3.3). */
int token_rs256_sign(EVP_PKEY *key, struct str input, unsigned char *ret_signature, size_t *in_out_len);
bool token_rs256_verify(EVP_PKEY *key, struct str input, struct str signature);

/* -- token_ring.c -------------------------------------------------------------------------------------------------- */

/* A reference to a key (EVP_PKEY_free it) and, in ret_generation (may be NULL), the ring's generation at that time.
 * NULL when no key has that kid. */
EVP_PKEY *token_ring_find(struct token_ring *ring, struct str kid, uint64_t *ret_generation);
EVP_PKEY *token_ring_signer(struct token_ring *ring, char ret_kid[TOKEN_KID_BYTES]);
uint64_t token_ring_generation(struct token_ring *ring);

/* -- token_claims.c: the claim set as JSON ------------------------------------------------------------------------ */

int token_claims_check(const struct token_claims *claims);
void token_claims_append(const struct token_ring *ring, const struct token_claims *claims, struct buf *json);
/* ERR_INVALID, ERR_NO_MEMORY. Times are not compared with the clock. */
int token_claims_parse(const struct token_ring *ring, struct str json, struct token_claims *ret_claims,
                       int64_t *ret_not_before_s);
/* The kid of a header that is exactly {alg: RS256, typ: at+jwt, kid}. */
int token_header_parse(struct str json, char ret_kid[TOKEN_KID_BYTES]);

/* -- token_cache.c ------------------------------------------------------------------------------------------------- */

void token_cache_init(struct token_ring *ring);
void token_cache_free(struct token_ring *ring);
bool token_cache_find(struct token_ring *ring, const unsigned char digest[TOKEN_DIGEST_BYTES], uint64_t generation,
                      struct token_claims *ret_claims);
void token_cache_put(struct token_ring *ring, const unsigned char digest[TOKEN_DIGEST_BYTES], uint64_t generation,
                     const struct token_claims *claims);

/* -- token_block.c ------------------------------------------------------------------------------------------------- */

void token_blocks_init(struct token_ring *ring);
void token_blocks_free(struct token_ring *ring);
