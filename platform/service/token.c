#include "platform/base/encode.h"
#include "platform/service/token_internal.h"

/* -- Signing ------------------------------------------------------------------------------------------------------ */

static int sign_parts(struct token_ring *ring, struct arena *arena, const char *type, struct str payload,
                      struct str *ret_token)
{
    char kid[TOKEN_KID_BYTES];
    EVP_PKEY *key = token_ring_signer(ring, kid);
    if (!key)
        return ERR_UNAVAILABLE;
    CLEANUP(buf_free) struct buf header = BUF(256);
    CLEANUP(buf_free) struct buf token = BUF(TOKEN_BYTES_MAX + payload.len * 2);
    buf_printf(&header, "{\"alg\":\"RS256\",\"typ\":\"%s\",\"kid\":\"%s\"}", type, kid);
    encode_base64url(&token, buf_str(&header));
    buf_append_char(&token, '.');
    encode_base64url(&token, payload);
    unsigned char signature[TOKEN_SIGNATURE_BYTES_MAX];
    size_t signature_len = sizeof(signature);
    int result = buf_error(&header) < 0 ? buf_error(&header) : buf_error(&token);
    if (result == 0)
        result = token_rs256_sign(key, buf_str(&token), signature, &signature_len);
    EVP_PKEY_free(key);
    TRY(result);
    buf_append_char(&token, '.');
    encode_base64url(&token, str_from(signature, signature_len));
    TRY(buf_error(&token));
    struct str copy = arena_copy(arena, buf_str(&token));
    if (!copy.ptr)
        return ERR_NO_MEMORY;
    *ret_token = copy;
    return 0;
}

int token_sign(struct token_ring *ring, struct arena *arena, const struct token_claims *claims, struct str *ret_token)
{
    TRY(token_claims_check(claims));
    CLEANUP(buf_free) struct buf json = BUF(TOKEN_BYTES_MAX);
    token_claims_append(ring, claims, &json);
    TRY(buf_error(&json));
    struct str token;
    TRY(sign_parts(ring, arena, "at+jwt", buf_str(&json), &token));
    if (token.len > TOKEN_BYTES_MAX)
        return ERR_INVALID;
    *ret_token = token;
    return 0;
}

/* -- Verifying ---------------------------------------------------------------------------------------------------- */

struct token_parts {
    struct str header;
    struct str payload;
    struct str signature;
    struct str signed_input; /* header and payload with the dot between */
};

static int split(struct str token, struct token_parts *ret_parts)
{
    struct token_parts parts;
    struct str rest = token;
    struct str surplus;
    if (!str_next_token(&rest, '.', &parts.header) || !str_next_token(&rest, '.', &parts.payload) ||
        !str_next_token(&rest, '.', &parts.signature) || str_next_token(&rest, '.', &surplus) ||
        parts.header.len == 0 || parts.payload.len == 0 || parts.signature.len == 0)
        return ERR_INVALID;
    parts.signed_input = str_slice(token, 0, parts.header.len + 1 + parts.payload.len);
    *ret_parts = parts;
    return 0;
}

/* Checks all but the time. *ret_generation is the ring's when the key was looked up, so that a key removed meanwhile
 * leaves nothing in the cache. */
static int verify_whole(struct token_ring *ring, struct str token, struct token_claims *ret_claims,
                        int64_t *ret_not_before_s, uint64_t *ret_generation)
{
    struct token_parts parts;
    CLEANUP(buf_free) struct buf header = BUF(TOKEN_BYTES_MAX);
    CLEANUP(buf_free) struct buf payload = BUF(TOKEN_BYTES_MAX);
    CLEANUP(buf_free) struct buf signature = BUF(TOKEN_BYTES_MAX);
    char kid[TOKEN_KID_BYTES];
    TRY(split(token, &parts));
    TRY(decode_base64url(parts.header, &header));
    TRY(decode_base64url(parts.payload, &payload));
    TRY(decode_base64url(parts.signature, &signature));
    TRY(token_header_parse(buf_str(&header), kid));
    EVP_PKEY *key = token_ring_find(ring, str_from_cstr(kid), ret_generation);
    if (!key)
        return ERR_INVALID;
    bool good = token_rs256_verify(key, parts.signed_input, buf_str(&signature));
    EVP_PKEY_free(key);
    if (!good)
        return ERR_INVALID;
    return token_claims_parse(ring, buf_str(&payload), ret_claims, ret_not_before_s);
}

/* SHA-256 by the algorithm that the ring fetched once: looking it up by name costs more than the hash. */
static int digest_token(const struct token_ring *ring, struct str token, unsigned char ret_digest[TOKEN_DIGEST_BYTES])
{
    return EVP_Digest(token.ptr, token.len, ret_digest, NULL, ring->sha256, NULL) == 1 ? 0 : ERR_NO_MEMORY;
}

static int refuse(const char **ret_reason, const char *reason)
{
    if (ret_reason)
        *ret_reason = reason;
    return ERR_UNAUTHENTICATED;
}

int token_verify(struct token_ring *ring, struct str token, int64_t now_ms, struct token_claims *ret_claims,
                 const char **ret_reason)
{
    unsigned char digest[TOKEN_DIGEST_BYTES];
    struct token_claims claims;
    int64_t now_s = now_ms / 1000;
    if (token.len == 0 || token.len > TOKEN_BYTES_MAX)
        return refuse(ret_reason, "token_invalid");
    TRY(digest_token(ring, token, digest));
    if (!token_cache_find(ring, digest, token_ring_generation(ring), &claims)) {
        int64_t not_before_s;
        uint64_t generation;
        int result = verify_whole(ring, token, &claims, &not_before_s, &generation);
        if (result == ERR_NO_MEMORY)
            return result; /* nothing is known about the token */
        if (result < 0 || not_before_s > now_s + TOKEN_LEEWAY_S)
            return refuse(ret_reason, "token_invalid");
        if (claims.expires_at_s + TOKEN_LEEWAY_S > now_s)
            token_cache_put(ring, digest, generation, &claims);
    }
    /* Also of a remembered one: the clock may have gone back since. */
    if (claims.issued_at_s > now_s + TOKEN_LEEWAY_S)
        return refuse(ret_reason, "token_invalid");
    if (claims.expires_at_s + TOKEN_LEEWAY_S <= now_s)
        return refuse(ret_reason, "token_expired");
    if (token_session_is_blocked(ring, claims.session_id, now_ms))
        return refuse(ret_reason, "token_revoked");
    *ret_claims = claims;
    return 0;
}
