#include "platform/base/encode.h"
#include "platform/base/err.h"
#include "platform/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The test vectors of the SipHash paper: key 00 01 .. 0f, message 00 01 .. 0e. */
static void test_hash__siphash_of_the_paper(void **state)
{
    (void)state;
    struct hash_key key = {{UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
    char message[15];
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (char)i;
    assert_true(hash_keyed(&key, str_from(message, sizeof(message))) == UINT64_C(0xa129ca6149be45e5));
    assert_true(hash_keyed(&key, STR_EMPTY) == UINT64_C(0x726fdb47dd0e0e31));
    struct hash_key other = hash_key_random();
    assert_true(hash_keyed(&other, STR("x")) != hash_keyed(&key, STR("x")));
}

static void assert_hex(struct str bytes, const char *expected)
{
    CLEANUP(buf_free) struct buf hex = BUF(200);
    encode_hex(&hex, bytes);
    assert_true(str_equal_cstr(buf_str(&hex), expected));
}

/* FIPS 180-4's "abc", and case 2 of RFC 4231. */
static void test_hash__sha256_and_hmac_of_the_standards(void **state)
{
    (void)state;
    unsigned char hash[HASH_SHA256_BYTES];
    hash_sha256(STR("abc"), hash);
    assert_hex(str_from(hash, sizeof(hash)), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_sha256(STR_EMPTY, hash);
    assert_hex(str_from(hash, sizeof(hash)), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), hash);
    assert_hex(str_from(hash, sizeof(hash)), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/* The parts are one text, however it is cut, and no key is a key of its own. */
static void test_hash__hmac_of_parts_is_that_of_the_whole(void **state)
{
    (void)state;
    unsigned char hash[HASH_SHA256_BYTES];
    const struct str parts[] = {STR("what do ya "), STR_EMPTY, STR("want for nothing?")};
    for (int i = 0; i < 2; i++) { /* the second time by what the first has found */
        assert_int_equal(hash_hmac_sha256_parts(STR("Jefe"), parts, 3, hash), 0);
        assert_hex(str_from(hash, sizeof(hash)), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_int_equal(hash_hmac_sha256_parts(STR_EMPTY, parts, 0, hash), 0);
        assert_hex(str_from(hash, sizeof(hash)), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash__siphash_of_the_paper),
        cmocka_unit_test(test_hash__sha256_and_hmac_of_the_standards),
        cmocka_unit_test(test_hash__hmac_of_parts_is_that_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
