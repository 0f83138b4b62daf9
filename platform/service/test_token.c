#include "platform/base/encode.h"
#include "platform/ports/clock/clock.h"
#include "platform/service/service.h"
#include "platform/service/token_internal.h"

#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_S INT64_C(1800000000)
#define NOW_MS (NOW_S * 1000)

struct fixture {
    struct arena *arena;
    struct buf pem;       /* of the first key, which signs */
    struct buf other_pem; /* of a second one */
    struct token_ring *ring;
    char kid[TOKEN_KID_BYTES];
};

static int setup_group(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->arena = arena_new(1 << 20);
    fixture->pem = BUF(8192);
    fixture->other_pem = BUF(8192);
    assert_int_equal(token_key_generate(&fixture->pem), 0);
    assert_int_equal(token_key_generate(&fixture->other_pem), 0);
    *state = fixture;
    return 0;
}

static int teardown_group(void **state)
{
    struct fixture *fixture = *state;
    buf_free(&fixture->pem);
    buf_free(&fixture->other_pem);
    arena_free(fixture->arena);
    free(fixture);
    return 0;
}

static int setup(void **state)
{
    struct fixture *fixture = *state;
    arena_reset(fixture->arena);
    assert_int_equal(token_ring_new(&fixture->ring, "https://shop.test", "shop"), 0);
    assert_int_equal(token_ring_add_private(fixture->ring, buf_str(&fixture->pem), fixture->kid), 0);
    assert_int_equal(token_ring_set_signer(fixture->ring, str_from_cstr(fixture->kid)), 0);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    token_ring_free(fixture->ring);
    fixture->ring = NULL;
    return 0;
}

static struct token_claims some_claims(void)
{
    return (struct token_claims){
        .user_id = "user-1",
        .session_id = "session-1",
        .token_id = "token-1",
        .tenant = "default",
        .email = "ann@example.com",
        .roles = ROLE_CUSTOMER | ROLE_ADMIN,
        .email_verified = true,
        .issued_at_s = NOW_S,
        .expires_at_s = NOW_S + TOKEN_LIFETIME_S,
    };
}

static struct str sign(struct fixture *fixture, const struct token_claims *claims)
{
    struct str token = STR_EMPTY;
    assert_int_equal(token_sign(fixture->ring, fixture->arena, claims, &token), 0);
    return token;
}

/* Expects a verdict: NULL for a good token, otherwise the reason. */
static void expect(struct fixture *fixture, struct str token, int64_t now_ms, const char *expected)
{
    struct token_claims claims = {.user_id = "untouched"};
    const char *reason = NULL;
    int result = token_verify(fixture->ring, token, now_ms, &claims, &reason);
    if (!expected) {
        assert_int_equal(result, 0);
        return;
    }
    if (result == 0)
        fail_msg("taken for good: %.*s", STR_FORMAT(token));
    assert_int_equal(result, ERR_UNAUTHENTICATED);
    assert_string_equal(reason, expected);
    assert_string_equal(claims.user_id, "untouched");
}

/* -- Forging ------------------------------------------------------------------------------------------------------ */

#define GOOD_PAYLOAD                                                                                                   \
    "{\"iss\":\"https://"                                                                                              \
    "shop.test\",\"aud\":\"shop\",\"sub\":\"u\",\"sid\":\"s\",\"jti\":\"j\",\"tenant\":\"default\","                   \
    "\"email_verified\":true,\"roles\":[\"admin\"],\"iat\":1800000000,\"exp\":1800000600}"

static EVP_PKEY *key_of(struct fixture *fixture)
{
    EVP_PKEY *key = token_ring_find(fixture->ring, str_from_cstr(fixture->kid), NULL);
    assert_non_null(key);
    return key;
}

static struct str join(struct fixture *fixture, struct str header, struct str payload, struct str signature)
{
    struct buf token = BUF(1 << 16);
    encode_base64url(&token, header);
    buf_append_char(&token, '.');
    encode_base64url(&token, payload);
    if (signature.ptr) {
        buf_append_char(&token, '.');
        encode_base64url(&token, signature);
    }
    struct str copy = arena_copy(fixture->arena, buf_str(&token));
    buf_free(&token);
    return copy;
}

/* A token with a right signature over whatever header and payload. %s in the header becomes the kid. */
static struct str forge(struct fixture *fixture, const char *header, const char *payload)
{
    const char *mark = strstr(header, "%s");
    char *whole = !mark
                      ? arena_printf(fixture->arena, "%s", header)
                      : arena_printf(fixture->arena, "%.*s%s%s", (int)(mark - header), header, fixture->kid, mark + 2);
    struct str input = join(fixture, str_from_cstr(whole), str_from_cstr(payload), STR_EMPTY);
    unsigned char signature[TOKEN_SIGNATURE_BYTES_MAX];
    size_t len = sizeof(signature);
    EVP_PKEY *key = key_of(fixture);
    assert_int_equal(token_rs256_sign(key, input, signature, &len), 0);
    EVP_PKEY_free(key);
    return join(fixture, str_from_cstr(whole), str_from_cstr(payload), str_from(signature, len));
}

#define GOOD_HEADER "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}"

/* -- What is good ------------------------------------------------------------------------------------------------- */

static void test_token__says_what_was_signed(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = some_claims();
    struct str token = sign(fixture, &claims);
    for (int round = 0; round < 2; round++) { /* verified, then remembered */
        struct token_claims read;
        assert_int_equal(token_verify(fixture->ring, token, NOW_MS, &read, NULL), 0);
        assert_string_equal(read.user_id, "user-1");
        assert_string_equal(read.session_id, "session-1");
        assert_string_equal(read.token_id, "token-1");
        assert_string_equal(read.tenant, "default");
        assert_string_equal(read.email, "ann@example.com");
        assert_int_equal(read.roles, ROLE_CUSTOMER | ROLE_ADMIN);
        assert_true(read.email_verified);
        assert_true(read.issued_at_s == NOW_S && read.expires_at_s == NOW_S + TOKEN_LIFETIME_S);
    }
}

/* The forger's own tools make a good token, or the attacks below would fail for another reason than the one they test.
 */
static void test_token__forger_can_make_a_good_one(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, forge(fixture, GOOD_HEADER, GOOD_PAYLOAD), NOW_MS, NULL);
}

static void test_token__claims_it_would_refuse_are_not_signed(void **state)
{
    struct fixture *fixture = *state;
    struct str token;
    struct token_claims claims = some_claims();
    claims.user_id[0] = '\0';
    assert_int_equal(token_sign(fixture->ring, fixture->arena, &claims, &token), ERR_INVALID);
    claims = some_claims();
    claims.roles = ROLE_SERVICE;
    assert_int_equal(token_sign(fixture->ring, fixture->arena, &claims, &token), ERR_INVALID);
    claims = some_claims();
    claims.expires_at_s++;
    assert_int_equal(token_sign(fixture->ring, fixture->arena, &claims, &token), ERR_INVALID);
    claims = some_claims();
    assert_int_equal(token_ring_remove(fixture->ring, str_from_cstr(fixture->kid)), 0);
    assert_int_equal(token_sign(fixture->ring, fixture->arena, &claims, &token), ERR_UNAVAILABLE);
}

/* -- Time --------------------------------------------------------------------------------------------------------- */

static void test_token__expires_also_when_remembered(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = some_claims();
    struct str token = sign(fixture, &claims);
    int64_t end_ms = (claims.expires_at_s + TOKEN_LEEWAY_S) * 1000;
    expect(fixture, token, end_ms, "token_expired"); /* never seen before */
    expect(fixture, token, end_ms - 1, NULL);
    expect(fixture, token, end_ms, "token_expired"); /* remembered */
}

static void test_token__is_not_good_before_its_time(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = some_claims();
    struct str token = sign(fixture, &claims);
    expect(fixture, token, NOW_MS - TOKEN_LEEWAY_S * 1000 - 1, "token_invalid");
    expect(fixture, token, NOW_MS - TOKEN_LEEWAY_S * 1000, NULL);
    const char *early = "{\"iss\":\"https://shop.test\",\"aud\":\"shop\",\"sub\":\"u\",\"sid\":\"s\",\"jti\":\"j\","
                        "\"tenant\":\"default\",\"email_verified\":true,\"roles\":[],\"iat\":1800000000,"
                        "\"exp\":1800000600,\"nbf\":1800000100}";
    expect(fixture, forge(fixture, GOOD_HEADER, early), NOW_MS, "token_invalid");
    expect(fixture, forge(fixture, GOOD_HEADER, early), NOW_MS + 100 * 1000, NULL);
}

/* -- Attacks ------------------------------------------------------------------------------------------------------ */

static void test_token__headers_that_are_not_ours_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *headers[] = {
        "{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
        "{\"alg\":\"None\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
        "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS512\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
        "{\"alg\":\"PS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
        "{\"alg\":\"rs256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
        "{\"alg\":[\"RS256\"],\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
        "{\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"\"}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"unknown\"}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"../../dev/null\"}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\\u0000\"}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":7}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"jwk\":{\"kty\":\"RSA\"}}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"jku\":\"https://evil.test/jwks\"}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"x5c\":[\"AA==\"]}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"b64\":false}",
        "{\"alg\":\"RS256\",\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"} ",
        "[\"RS256\"]",
        "null",
        "{",
        "",
    };
    /* A blank behind the object is JSON; that one is good and shows that the others fail for what they say. */
    const size_t blank = 23;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        expect(fixture, forge(fixture, headers[i], GOOD_PAYLOAD), NOW_MS, i == blank ? NULL : "token_invalid");
}

#define PAYLOAD(first, rest)                                                                                           \
    "{" first "\"sid\":\"s\",\"jti\":\"j\",\"email_verified\":true,\"roles\":[\"admin\"]" rest "}"
#define ISS "\"iss\":\"https://shop.test\","
#define AUD "\"aud\":\"shop\","
#define SUB "\"sub\":\"u\","
#define TENANT "\"tenant\":\"default\","
#define TIMES ",\"iat\":1800000000,\"exp\":1800000600"

static void test_token__claims_that_are_not_ours_are_refused(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, forge(fixture, GOOD_HEADER, PAYLOAD(ISS AUD SUB TENANT, TIMES)), NOW_MS, NULL);
    expect(fixture, forge(fixture, GOOD_HEADER, PAYLOAD(ISS AUD SUB TENANT, TIMES ",\"new\":{}")), NOW_MS, NULL);
    const char *payloads[] = {
        PAYLOAD(AUD SUB TENANT, TIMES),
        PAYLOAD(ISS SUB TENANT, TIMES),
        PAYLOAD(ISS AUD TENANT, TIMES),
        PAYLOAD(ISS AUD SUB, TIMES),
        PAYLOAD(ISS AUD SUB TENANT, ""),
        PAYLOAD(ISS AUD SUB TENANT, ",\"iat\":1800000000"),
        PAYLOAD(ISS AUD SUB TENANT, ",\"exp\":1800000600"),
        PAYLOAD("\"iss\":\"https://evil.test\"," AUD SUB TENANT, TIMES),
        PAYLOAD("\"iss\":\"https://shop.test/\"," AUD SUB TENANT, TIMES),
        PAYLOAD(ISS "\"aud\":\"other\"," SUB TENANT, TIMES),
        PAYLOAD(ISS "\"aud\":[\"shop\",\"other\"]," SUB TENANT, TIMES),
        PAYLOAD(ISS AUD "\"sub\":\"\"," TENANT, TIMES),
        PAYLOAD(ISS AUD "\"sub\":7," TENANT, TIMES),
        PAYLOAD(ISS AUD "\"sub\":\"u\\u0000x\"," TENANT, TIMES),
        PAYLOAD(ISS AUD SUB "\"sub\":\"root\"," TENANT, TIMES),
        PAYLOAD(ISS AUD SUB "\"su\\u0062\":\"root\"," TENANT, TIMES),
        PAYLOAD(ISS AUD SUB TENANT, ",\"iat\":1800000000,\"exp\":1800000601"),
        PAYLOAD(ISS AUD SUB TENANT, ",\"iat\":1800000000,\"exp\":1800000000"),
        PAYLOAD(ISS AUD SUB TENANT, ",\"iat\":1800000000,\"exp\":1800000600.5"),
        PAYLOAD(ISS AUD SUB TENANT, ",\"iat\":1800000000,\"exp\":\"1800000600\""),
        PAYLOAD(ISS AUD SUB TENANT, ",\"iat\":-1,\"exp\":18446744073709551615"),
        PAYLOAD(ISS AUD SUB TENANT, ",\"iat\":1800000000,\"exp\":1e30"),
        PAYLOAD(ISS AUD SUB TENANT, ",\"iat\":1800000000,\"exp\":null"),
        PAYLOAD(ISS AUD SUB TENANT, TIMES ",\"nbf\":\"0\""),
        PAYLOAD(ISS AUD SUB TENANT, TIMES ",\"email\":7"),
        PAYLOAD(ISS AUD SUB TENANT, TIMES ",\"roles\":[\"admin\"]"),
        PAYLOAD(ISS AUD SUB TENANT, TIMES) "x",
        "{\"iss\":\"https://"
        "shop.test\",\"aud\":\"shop\",\"sub\":\"u\",\"sid\":\"s\",\"jti\":\"j\",\"tenant\":\"default\","
        "\"email_verified\":true,\"roles\":[\"service\"],\"iat\":1800000000,\"exp\":1800000600}",
        "{\"iss\":\"https://"
        "shop.test\",\"aud\":\"shop\",\"sub\":\"u\",\"sid\":\"s\",\"jti\":\"j\",\"tenant\":\"default\","
        "\"email_verified\":true,\"roles\":\"admin\",\"iat\":1800000000,\"exp\":1800000600}",
        "{\"iss\":\"https://"
        "shop.test\",\"aud\":\"shop\",\"sub\":\"u\",\"sid\":\"s\",\"jti\":\"j\",\"tenant\":\"default\","
        "\"email_verified\":1,\"roles\":[],\"iat\":1800000000,\"exp\":1800000600}",
        "[]",
        "null",
    };
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
        expect(fixture, forge(fixture, GOOD_HEADER, payloads[i]), NOW_MS, "token_invalid");
}

/* An attacker signs by HMAC with the public key as the secret, and says so, or says RS256. */
static void test_token__the_public_key_is_no_shared_secret(void **state)
{
    struct fixture *fixture = *state;
    struct buf jwks = BUF(TOKEN_JWKS_BYTES_MAX);
    assert_int_equal(token_ring_jwks(fixture->ring, &jwks), 0);
    const char *algorithms[] = {"HS256", "RS256"};
    for (size_t i = 0; i < 2; i++) {
        struct str header = str_from_cstr(arena_printf(
            fixture->arena, "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", algorithms[i], fixture->kid));
        struct str input = join(fixture, header, STR(GOOD_PAYLOAD), STR_EMPTY);
        unsigned char tag[32];
        unsigned tag_len = sizeof(tag);
        assert_non_null(
            HMAC(EVP_sha256(), jwks.ptr, (int)jwks.len, (const unsigned char *)input.ptr, input.len, tag, &tag_len));
        expect(fixture, join(fixture, header, STR(GOOD_PAYLOAD), str_from(tag, tag_len)), NOW_MS, "token_invalid");
    }
    buf_free(&jwks);
}

/* Another padding (PSS) by the right key is not RS256. */
static void test_token__another_padding_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct str header = str_from_cstr(
        arena_printf(fixture->arena, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", fixture->kid));
    struct str input = join(fixture, header, STR(GOOD_PAYLOAD), STR_EMPTY);
    unsigned char signature[TOKEN_SIGNATURE_BYTES_MAX];
    size_t len = sizeof(signature);
    EVP_PKEY *key = key_of(fixture);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding;
    assert_int_equal(EVP_DigestSignInit(context, &padding, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &len, (const unsigned char *)input.ptr, input.len), 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    expect(fixture, join(fixture, header, STR(GOOD_PAYLOAD), str_from(signature, len)), NOW_MS, "token_invalid");
}

static void test_token__another_key_under_a_known_kid_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct token_ring *evil;
    char evil_kid[TOKEN_KID_BYTES];
    assert_int_equal(token_ring_new(&evil, "https://shop.test", "shop"), 0);
    assert_int_equal(token_ring_add_private(evil, buf_str(&fixture->other_pem), evil_kid), 0);
    EVP_PKEY *key = token_ring_find(evil, str_from_cstr(evil_kid), NULL);
    struct str header = str_from_cstr(
        arena_printf(fixture->arena, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", fixture->kid));
    struct str input = join(fixture, header, STR(GOOD_PAYLOAD), STR_EMPTY);
    unsigned char signature[TOKEN_SIGNATURE_BYTES_MAX];
    size_t len = sizeof(signature);
    assert_int_equal(token_rs256_sign(key, input, signature, &len), 0);
    EVP_PKEY_free(key);
    token_ring_free(evil);
    expect(fixture, join(fixture, header, STR(GOOD_PAYLOAD), str_from(signature, len)), NOW_MS, "token_invalid");
}

/* Every letter of a good token is changed in turn. A remembered token must not answer for any of them. */
static void test_token__each_changed_letter_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = some_claims();
    struct str token = sign(fixture, &claims);
    expect(fixture, token, NOW_MS, NULL);
    char *changed = arena_cstr(fixture->arena, token);
    for (size_t i = 0; i < token.len; i++) {
        char letter = changed[i];
        changed[i] = letter == 'A' ? 'B' : 'A';
        expect(fixture, str_from(changed, token.len), NOW_MS, "token_invalid");
        changed[i] = letter;
    }
    for (size_t len = 0; len < token.len; len++)
        expect(fixture, str_from(changed, len), NOW_MS, "token_invalid");
}

static void test_token__has_one_spelling(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = some_claims();
    struct str token = sign(fixture, &claims);
    const char *forms[] = {"%.*s=",  "%.*s==", "%.*s.", "%.*s.e30", " %.*s",
                           "%.*s\n", "%.*sA",  ".%.*s", "%.*s..",   "%.*s+"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const char *mark = strstr(forms[i], "%.*s");
        char *form =
            arena_printf(fixture->arena, "%.*s%.*s%s", (int)(mark - forms[i]), forms[i], STR_FORMAT(token), mark + 4);
        expect(fixture, str_from_cstr(form), NOW_MS, "token_invalid");
    }
    const struct str others[] = {STR_EMPTY,  STR("."),     STR(".."),         STR("..."),
                                 STR("a.b"), STR("a.b.c"), STR("e30.e30.e30")};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        expect(fixture, others[i], NOW_MS, "token_invalid");
    char *long_token = arena_alloc(fixture->arena, TOKEN_BYTES_MAX + 1);
    memset(long_token, 'A', TOKEN_BYTES_MAX + 1);
    expect(fixture, str_from(long_token, TOKEN_BYTES_MAX + 1), NOW_MS, "token_invalid");
}

/* Another thing that is signed by the same key is no access token, even with such claims in it. */
static void test_token__a_signed_document_is_no_token(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, forge(fixture, "{\"alg\":\"RS256\",\"typ\":\"certificate+jws\",\"kid\":\"%s\"}", GOOD_PAYLOAD),
           NOW_MS, "token_invalid");
}

/* -- Keys --------------------------------------------------------------------------------------------------------- */

static void test_token__rotation_keeps_the_old_key_until_it_is_removed(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = some_claims();
    struct str old_token = sign(fixture, &claims);
    char new_kid[TOKEN_KID_BYTES];
    assert_int_equal(token_ring_add_private(fixture->ring, buf_str(&fixture->other_pem), new_kid), 0);
    assert_int_equal(token_ring_add_private(fixture->ring, buf_str(&fixture->other_pem), NULL), ERR_CONFLICT);
    assert_int_equal(token_ring_set_signer(fixture->ring, str_from_cstr(new_kid)), 0);
    struct str new_token = sign(fixture, &claims);
    expect(fixture, old_token, NOW_MS, NULL);
    expect(fixture, new_token, NOW_MS, NULL);
    assert_int_equal(token_ring_remove(fixture->ring, str_from_cstr(fixture->kid)), 0);
    expect(fixture, old_token, NOW_MS, "token_invalid"); /* though it was remembered */
    expect(fixture, new_token, NOW_MS, NULL);
    assert_int_equal(token_ring_remove(fixture->ring, str_from_cstr(fixture->kid)), ERR_NOT_FOUND);
    assert_int_equal(token_ring_set_signer(fixture->ring, str_from_cstr(fixture->kid)), ERR_NOT_FOUND);
}

/* A process that knows only the JWKS document verifies, and cannot sign. */
static void test_token__jwks_is_all_that_a_verifier_needs(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(token_ring_add_private(fixture->ring, buf_str(&fixture->other_pem), NULL), 0);
    struct buf jwks = BUF(TOKEN_JWKS_BYTES_MAX);
    assert_int_equal(token_ring_jwks(fixture->ring, &jwks), 0);
    assert_true(str_find(buf_str(&jwks), str_from_cstr(fixture->kid)) < str_find(buf_str(&jwks), STR("AQAB")));
    assert_int_equal(str_find(buf_str(&jwks), STR("\"d\"")), -1);
    struct token_claims claims = some_claims();
    struct str token = sign(fixture, &claims);
    struct token_ring *verifier;
    struct token_claims read;
    struct str none;
    assert_int_equal(token_ring_new(&verifier, "https://shop.test", "shop"), 0);
    assert_int_equal(token_verify(verifier, token, NOW_MS, &read, NULL), ERR_UNAUTHENTICATED);
    assert_int_equal(token_ring_add_jwks(verifier, buf_str(&jwks)), 0);
    assert_int_equal(token_ring_add_jwks(verifier, buf_str(&jwks)), 0);
    assert_int_equal(token_verify(verifier, token, NOW_MS, &read, NULL), 0);
    assert_int_equal(token_ring_set_signer(verifier, str_from_cstr(fixture->kid)), ERR_INVALID);
    assert_int_equal(token_sign(verifier, fixture->arena, &claims, &none), ERR_UNAVAILABLE);
    assert_int_equal(token_ring_add_jwks(verifier, STR("{\"keys\":7}")), ERR_INVALID);
    assert_int_equal(
        token_ring_add_jwks(verifier, STR("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"x\",\"n\":\"AQ\",\"e\":\"AQAB\"}]}")),
        ERR_INVALID);
    token_ring_free(verifier);
    buf_free(&jwks);
}

static void test_token__keys_that_are_too_weak_are_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(token_ring_add_private(fixture->ring, STR("-----BEGIN PRIVATE KEY-----\n"), NULL), ERR_INVALID);
    assert_int_equal(token_ring_add_private(fixture->ring, STR_EMPTY, NULL), ERR_INVALID);
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    struct buf jwks = BUF(4096);
    char kid[TOKEN_KID_BYTES];
    assert_int_equal(token_key_thumbprint(weak, kid), 0);
    buf_append_cstr(&jwks, "{\"keys\":[");
    token_key_append_jwk(weak, kid, &jwks);
    buf_append_cstr(&jwks, "]}");
    assert_int_equal(token_ring_add_jwks(fixture->ring, buf_str(&jwks)), ERR_INVALID);
    buf_free(&jwks);
    EVP_PKEY_free(weak);
}

/* The shop's clock was ahead when the token was issued and first seen, and is right again. */
static void test_token__a_remembered_token_of_the_future_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = some_claims();
    struct str token = sign(fixture, &claims);
    expect(fixture, token, NOW_MS, NULL);
    expect(fixture, token, NOW_MS - (TOKEN_LEEWAY_S + 1) * INT64_C(1000), "token_invalid");
    expect(fixture, token, NOW_MS, NULL);
}

/* -- Blocks ------------------------------------------------------------------------------------------------------- */

static void test_token__blocked_session_is_refused_at_once_and_until_then(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = some_claims();
    struct str token = sign(fixture, &claims);
    expect(fixture, token, NOW_MS, NULL);
    assert_int_equal(token_block_session(fixture->ring, STR("session-2"), NOW_MS + 5000, NOW_MS), 0);
    expect(fixture, token, NOW_MS, NULL);
    assert_int_equal(token_block_session(fixture->ring, STR("session-1"), NOW_MS + 5000, NOW_MS), 0);
    expect(fixture, token, NOW_MS, "token_revoked");
    expect(fixture, token, NOW_MS + 4999, "token_revoked");
    expect(fixture, token, NOW_MS + 5000, NULL);
    assert_int_equal(token_block_session(fixture->ring, STR_EMPTY, NOW_MS + 5000, NOW_MS), ERR_INVALID);
}

static void test_token__blocks_are_bounded_and_make_room_when_they_end(void **state)
{
    struct fixture *fixture = *state;
    int result = 0;
    char id[TOKEN_ID_BYTES];
    size_t count = 0;
    for (; result == 0 && count <= TOKEN_BLOCKS_MAX; count++) {
        snprintf(id, sizeof(id), "session-number-%zu", count);
        result = token_block_session(fixture->ring, str_from_cstr(id), NOW_MS + 1000, NOW_MS);
    }
    assert_int_equal(result, ERR_TOO_LARGE);
    assert_true(count > TOKEN_BLOCKS_MAX / 2);
    struct token_claims claims = some_claims();
    memcpy(claims.session_id, "session-number-7", sizeof("session-number-7"));
    expect(fixture, sign(fixture, &claims), NOW_MS, "token_revoked");
    assert_int_equal(token_block_session(fixture->ring, str_from_cstr(id), NOW_MS + 9000, NOW_MS + 1000), 0);
}

/* -- Memory of verified tokens ------------------------------------------------------------------------------------ */

/* More tokens than the cache holds: all stay good, whether remembered or verified again. */
static void test_token__cache_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = some_claims();
    unsigned char digest[TOKEN_DIGEST_BYTES] = {0};
    for (unsigned i = 0; i < 2 * TOKEN_CACHE_ENTRIES; i++) {
        memcpy(digest, &(unsigned){i * 2654435761u}, sizeof(unsigned));
        token_cache_put(fixture->ring, digest, 0, &claims);
        assert_true(token_cache_find(fixture->ring, digest, 0, &claims));
        assert_false(token_cache_find(fixture->ring, digest, 1, &claims));
    }
    size_t kept = 0;
    for (unsigned i = 0; i < 2 * TOKEN_CACHE_ENTRIES; i++) {
        memcpy(digest, &(unsigned){i * 2654435761u}, sizeof(unsigned));
        kept += token_cache_find(fixture->ring, digest, 0, &claims);
    }
    assert_in_range(kept, 1, TOKEN_CACHE_ENTRIES);
}

#define TIMED_ROUNDS 2000

/* A remembered token costs a fraction of a verified one (about 0.7 µs against 25 µs). */
static void test_token__remembered_is_much_cheaper(void **state)
{
    struct fixture *fixture = *state;
    struct str tokens[64];
    struct token_claims claims = some_claims();
    for (int i = 0; i < 64; i++) {
        snprintf(claims.token_id, sizeof(claims.token_id), "token-%d", i);
        tokens[i] = sign(fixture, &claims);
    }
    int64_t start_ns = clock_cpu_ns();
    for (int i = 0; i < 64; i++)
        assert_int_equal(token_verify(fixture->ring, tokens[i], NOW_MS, &claims, NULL), 0);
    int64_t first_ns = (clock_cpu_ns() - start_ns) / 64;
    start_ns = clock_cpu_ns();
    for (int i = 0; i < TIMED_ROUNDS; i++)
        assert_int_equal(token_verify(fixture->ring, tokens[i % 64], NOW_MS, &claims, NULL), 0);
    int64_t again_ns = (clock_cpu_ns() - start_ns) / TIMED_ROUNDS;
    print_message("verified %lld ns, remembered %lld ns\n", (long long)first_ns, (long long)again_ns);
    assert_true(again_ns * 4 < first_ns);
}

/* -- Vectors ------------------------------------------------------------------------------------------------------ */

#define RFC7515_N                                                                                                      \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"   \
    "pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"                  \
    "UTo7WTBEMa2R2CapHg6"                                                                                              \
    "65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"                                         \
    "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuX"                                                                      \
    "poQ"
#define RFC7515_INPUT                                                                                                  \
    "eyJhbGciOiJSUzI1NiJ9."                                                                                            \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"                    \
    "Q"
#define RFC7515_SIGNATURE                                                                                              \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"                            \
    "O8W2Fp5jujGbds9uJdbF9CUAr7t1d"                                                                                    \
    "nZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--"        \
    "xi12jzDwus"                                                                                                       \
    "C-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"               \
    "IoypGlUPQGe77Rw"

/* RFC 7515 A.2: the algorithm and base64url are the standard's. */
static void test_token__rs256_is_that_of_rfc_7515(void **state)
{
    (void)state;
    EVP_PKEY *key = NULL;
    struct buf signature = BUF(TOKEN_SIGNATURE_BYTES_MAX);
    assert_int_equal(token_key_from_jwk(STR(RFC7515_N), STR("AQAB"), &key), 0);
    assert_int_equal(decode_base64url(STR(RFC7515_SIGNATURE), &signature), 0);
    assert_int_equal(signature.len, 256);
    assert_true(token_rs256_verify(key, STR(RFC7515_INPUT), buf_str(&signature)));
    assert_false(token_rs256_verify(key, STR(RFC7515_INPUT "A"), buf_str(&signature)));
    signature.ptr[255] ^= 1;
    assert_false(token_rs256_verify(key, STR(RFC7515_INPUT), buf_str(&signature)));
    buf_free(&signature);
    EVP_PKEY_free(key);
}

#define RFC7638_N                                                                                                      \
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"                          \
    "BJECPebWKRXjBZCiFV4n3oknjhMst"                                                                                    \
    "n64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"                                                      \
    "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5ha"                                                          \
    "jrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

/* RFC 7638 3.1: the kid is the standard's thumbprint. */
static void test_token__kid_is_that_of_rfc_7638(void **state)
{
    (void)state;
    EVP_PKEY *key = NULL;
    char kid[TOKEN_KID_BYTES];
    assert_int_equal(token_key_from_jwk(STR(RFC7638_N), STR("AQAB"), &key), 0);
    assert_int_equal(token_key_thumbprint(key, kid), 0);
    assert_string_equal(kid, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    EVP_PKEY_free(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_token__says_what_was_signed),
        TEST(test_token__forger_can_make_a_good_one),
        TEST(test_token__claims_it_would_refuse_are_not_signed),
        TEST(test_token__expires_also_when_remembered),
        TEST(test_token__is_not_good_before_its_time),
        TEST(test_token__headers_that_are_not_ours_are_refused),
        TEST(test_token__claims_that_are_not_ours_are_refused),
        TEST(test_token__the_public_key_is_no_shared_secret),
        TEST(test_token__another_padding_is_refused),
        TEST(test_token__another_key_under_a_known_kid_is_refused),
        TEST(test_token__each_changed_letter_is_noticed),
        TEST(test_token__has_one_spelling),
        TEST(test_token__a_signed_document_is_no_token),
        TEST(test_token__rotation_keeps_the_old_key_until_it_is_removed),
        TEST(test_token__jwks_is_all_that_a_verifier_needs),
        TEST(test_token__keys_that_are_too_weak_are_refused),
        TEST(test_token__a_remembered_token_of_the_future_is_refused),
        TEST(test_token__blocked_session_is_refused_at_once_and_until_then),
        TEST(test_token__blocks_are_bounded_and_make_room_when_they_end),
        TEST(test_token__cache_is_bounded),
        TEST(test_token__remembered_is_much_cheaper),
        cmocka_unit_test(test_token__rs256_is_that_of_rfc_7515),
        cmocka_unit_test(test_token__kid_is_that_of_rfc_7638),
    };
    return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
