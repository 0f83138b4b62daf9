/* Access tokens. No input but the two sample tokens may ever verify; the header, the claims and the key set are read
 * apart as well, since no mutated token gets behind its signature. */
#include "platform/service/token_internal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/token_samples.h"

static struct token_ring *new_ring(void)
{
    struct token_ring *ring = NULL;

    ASSERT(token_ring_new(&ring, SAMPLE_ISSUER, SAMPLE_AUDIENCE) == 0);
    return ring;
}

static bool is_sample(struct str token)
{
    for (size_t i = 0; i < SAMPLE_TOKENS; i++) {
        if (str_equal_cstr(token, sample_tokens[i]))
            return true;
    }
    return false;
}

static void check_token(struct token_ring *ring, struct str token)
{
    struct token_claims claims;
    const char *reason = NULL;
    int result = token_verify(ring, token, SAMPLE_NOW_MS, &claims, &reason);

    ASSERT((result == 0) == is_sample(token));
    ASSERT(result == 0 || (result == ERR_UNAUTHENTICATED && reason));
}

/* Claims that are taken are written as claims that are taken for the same. */
static void check_claims(struct token_ring *ring, struct str json)
{
    CLEANUP(buf_free) struct buf first = BUF(1 << 16);
    CLEANUP(buf_free) struct buf second = BUF(1 << 16);
    struct token_claims claims, again;
    int64_t not_before_s;

    if (token_claims_parse(ring, json, &claims, &not_before_s) < 0)
        return;
    ASSERT(token_claims_check(&claims) == 0 && not_before_s >= 0);
    token_claims_append(ring, &claims, &first);
    ASSERT(token_claims_parse(ring, buf_str(&first), &again, &not_before_s) == 0);
    token_claims_append(ring, &again, &second);
    ASSERT(str_equal(buf_str(&first), buf_str(&second)));
}

/* A ring that took keys gives them out as a set that it takes. */
static void check_keys(struct str document)
{
    CLEANUP(buf_free) struct buf written = BUF(1 << 16);
    struct token_ring *ring = new_ring();
    struct token_ring *other = new_ring();

    if (token_ring_add_jwks(ring, document) == 0) {
        ASSERT(token_ring_jwks(ring, &written) == 0);
        ASSERT(token_ring_add_jwks(other, buf_str(&written)) == 0);
        ASSERT(other->key_count == ring->key_count);
    }
    token_ring_free(ring);
    token_ring_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct token_ring *ring;
    struct str input = str_from(data, size);
    char kid[TOKEN_KID_BYTES];

    if (!ring) {
        ring = new_ring();
        ASSERT(token_ring_add_jwks(ring, str_from_cstr(sample_jwks)) == 0);
        for (size_t i = 0; i < SAMPLE_TOKENS; i++)
            check_token(ring, str_from_cstr(sample_tokens[i]));
    }
    check_token(ring, input);
    check_claims(ring, input);
    check_keys(input);
    token_header_parse(input, kid);
    return 0;
}
