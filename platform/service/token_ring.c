#include "platform/service/token_internal.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <yyjson.h>

int token_ring_new(struct token_ring **ret_ring, const char *issuer, const char *audience)
{
    struct token_ring *ring = calloc(1, sizeof(*ring));
    if (!ring)
        return ERR_NO_MEMORY;
    task_mutex_init(&ring->mutex);
    ring->signer = -1;
    token_cache_init(ring);
    token_blocks_init(ring);
    ring->issuer = strdup(issuer);
    ring->audience = strdup(audience);
    ring->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!ring->issuer || !ring->audience || !ring->sha256) {
        token_ring_free(ring);
        return ERR_NO_MEMORY;
    }
    *ret_ring = ring;
    return 0;
}

void token_ring_free(struct token_ring *ring)
{
    if (!ring)
        return;
    for (size_t i = 0; i < ring->key_count; i++)
        EVP_PKEY_free(ring->keys[i].key);
    token_cache_free(ring);
    token_blocks_free(ring);
    EVP_MD_free(ring->sha256);
    free(ring->issuer);
    free(ring->audience);
    task_mutex_destroy(&ring->mutex);
    free(ring);
}

/* The index of a key, or -1; the mutex is held. */
static int find_index(const struct token_ring *ring, struct str kid)
{
    for (size_t i = 0; i < ring->key_count; i++)
        if (str_equal_cstr(kid, ring->keys[i].kid))
            return (int)i;
    return -1;
}

/* Takes the key over when it succeeds. */
static int add_key(struct token_ring *ring, EVP_PKEY *key, bool has_private, char ret_kid[TOKEN_KID_BYTES])
{
    struct token_key added = {.key = key, .has_private = has_private};
    int bits = EVP_PKEY_get_bits(key);
    if (!EVP_PKEY_is_a(key, "RSA") || bits < TOKEN_RSA_BITS_MIN || bits > TOKEN_RSA_BITS_MAX)
        return ERR_INVALID;
    TRY(token_key_thumbprint(key, added.kid));
    TASK_LOCKED(&ring->mutex);
    if (find_index(ring, str_from_cstr(added.kid)) >= 0)
        return ERR_CONFLICT;
    if (ring->key_count == TOKEN_KEYS_MAX)
        return ERR_TOO_LARGE;
    ring->keys[ring->key_count++] = added;
    if (ret_kid)
        memcpy(ret_kid, added.kid, TOKEN_KID_BYTES);
    return 0;
}

/* A PEM with a pass phrase is refused instead of asked for on the terminal. */
static int no_pass_phrase(char *phrase, int size, int for_writing, void *user)
{
    (void)phrase, (void)size, (void)for_writing, (void)user;
    return -1;
}

int token_ring_add_private(struct token_ring *ring, struct str private_pem, char ret_kid[TOKEN_KID_BYTES])
{
    if (private_pem.len == 0 || private_pem.len > TOKEN_JWKS_BYTES_MAX)
        return ERR_INVALID;
    BIO *bio = BIO_new_mem_buf(private_pem.ptr, (int)private_pem.len);
    if (!bio)
        return ERR_NO_MEMORY;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
    BIO_free(bio);
    if (!key)
        return ERR_INVALID;
    int result = add_key(ring, key, true, ret_kid);
    if (result < 0)
        EVP_PKEY_free(key);
    return result;
}

static struct str string_of(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? str_from(yyjson_get_str(value), yyjson_get_len(value)) : STR_EMPTY;
}

/* Makes the key of one JWK; *ret_key stays NULL for a key of another kind or use, which is no error (RFC 7517 5). */
static int key_of_jwk(yyjson_val *jwk, EVP_PKEY **ret_key)
{
    struct str use = string_of(jwk, "use");
    struct str algorithm = string_of(jwk, "alg");
    if (!yyjson_is_obj(jwk))
        return ERR_INVALID;
    if (!str_equal(string_of(jwk, "kty"), STR("RSA")) || (use.len > 0 && !str_equal(use, STR("sig"))) ||
        (algorithm.len > 0 && !str_equal(algorithm, STR("RS256"))))
        return 0;
    EVP_PKEY *key = NULL;
    TRY(token_key_from_jwk(string_of(jwk, "n"), string_of(jwk, "e"), &key));
    char kid[TOKEN_KID_BYTES];
    if (token_key_thumbprint(key, kid) < 0 || !str_equal_cstr(string_of(jwk, "kid"), kid)) {
        EVP_PKEY_free(key);
        return ERR_INVALID;
    }
    *ret_key = key;
    return 0;
}

static int add_jwks(struct token_ring *ring, yyjson_val *jwks)
{
    EVP_PKEY *keys[TOKEN_KEYS_MAX] = {NULL};
    size_t count = 0, index, total;
    yyjson_val *jwk;
    int result = yyjson_is_arr(jwks) && yyjson_arr_size(jwks) <= TOKEN_KEYS_MAX ? 0 : ERR_INVALID;
    if (result == 0) {
        yyjson_arr_foreach(jwks, index, total, jwk)
        {
            if (result == 0)
                result = key_of_jwk(jwk, &keys[count]);
            count += keys[count] != NULL;
        }
    }
    for (size_t i = 0; i < count; i++) {
        int added = result == 0 ? add_key(ring, keys[i], false, NULL) : result;
        if (added < 0)
            EVP_PKEY_free(keys[i]);
        if (added < 0 && added != ERR_CONFLICT)
            result = added;
    }
    return result;
}

int token_ring_add_jwks(struct token_ring *ring, struct str document)
{
    if (document.len == 0 || document.len > TOKEN_JWKS_BYTES_MAX)
        return ERR_INVALID;
    yyjson_doc *parsed = yyjson_read(document.ptr, document.len, YYJSON_READ_NOFLAG);
    int result = parsed ? add_jwks(ring, yyjson_obj_get(yyjson_doc_get_root(parsed), "keys")) : ERR_INVALID;
    yyjson_doc_free(parsed);
    return result;
}

int token_ring_set_signer(struct token_ring *ring, struct str kid)
{
    TASK_LOCKED(&ring->mutex);
    int index = find_index(ring, kid);
    if (index < 0)
        return ERR_NOT_FOUND;
    if (!ring->keys[index].has_private)
        return ERR_INVALID;
    ring->signer = index;
    return 0;
}

int token_ring_remove(struct token_ring *ring, struct str kid)
{
    TASK_LOCKED(&ring->mutex);
    int index = find_index(ring, kid);
    if (index < 0)
        return ERR_NOT_FOUND;
    EVP_PKEY_free(ring->keys[index].key);
    ring->key_count--;
    memmove(&ring->keys[index], &ring->keys[index + 1], (ring->key_count - (size_t)index) * sizeof(ring->keys[0]));
    if (ring->signer == index)
        ring->signer = -1;
    else if (ring->signer > index)
        ring->signer--;
    atomic_fetch_add(&ring->generation, 1);
    return 0;
}

int token_ring_jwks(struct token_ring *ring, struct buf *document)
{
    TASK_LOCKED(&ring->mutex);
    bool first = true;
    buf_append(document, STR("{\"keys\":["));
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < ring->key_count; i++) {
            if (((int)i == ring->signer) != (pass == 0))
                continue;
            if (!first)
                buf_append_char(document, ',');
            first = false;
            token_key_append_jwk(ring->keys[i].key, ring->keys[i].kid, document);
        }
    }
    buf_append(document, STR("]}"));
    return buf_error(document);
}

EVP_PKEY *token_ring_find(struct token_ring *ring, struct str kid, uint64_t *ret_generation)
{
    TASK_LOCKED(&ring->mutex);
    int index = find_index(ring, kid);
    if (ret_generation)
        *ret_generation = atomic_load(&ring->generation);
    if (index < 0 || EVP_PKEY_up_ref(ring->keys[index].key) != 1)
        return NULL;
    return ring->keys[index].key;
}

EVP_PKEY *token_ring_signer(struct token_ring *ring, char ret_kid[TOKEN_KID_BYTES])
{
    TASK_LOCKED(&ring->mutex);
    if (ring->signer < 0 || EVP_PKEY_up_ref(ring->keys[ring->signer].key) != 1)
        return NULL;
    memcpy(ret_kid, ring->keys[ring->signer].kid, TOKEN_KID_BYTES);
    return ring->keys[ring->signer].key;
}

uint64_t token_ring_generation(struct token_ring *ring)
{
    return atomic_load(&ring->generation);
}
