/* Proves that only what was signed with the secret, and lately, passes for the provider's word. */
#include "platform/base/err.h"
#include "platform/ports/psp/psp_signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SECRET STR("whsec_test_secret")
#define BODY STR("{\"id\":\"evt_1\"}")
#define NOW 1700000000

/* Computed with: printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test_secret */
#define KNOWN_V1 "248a374f50f943a28b0f6ab50faf9a7e7e29b710fa26df9fb1618b9bf8ea9c9a"

static void test_psp_signature__equals_a_known_answer(void **state)
{
    (void)state;
    char header[PSP_SIGNATURE_HEADER_MAX];
    assert_int_equal(psp_signature_write(SECRET, NOW, BODY, header), 0);
    assert_string_equal(header, "t=1700000000,v1=" KNOWN_V1);
}

static void test_psp_signature__accepts_any_of_several_v1_and_ignores_other_schemes(void **state)
{
    (void)state;
    struct str header = STR("t=1700000000,v0=00,v1="
                            "0000000000000000000000000000000000000000000000000000000000000000"
                            ", v1=" KNOWN_V1);
    assert_int_equal(psp_signature_check(SECRET, header, BODY, NOW, 300), 0);
    assert_int_equal(psp_signature_check(SECRET, STR("t=1700000000,v0=" KNOWN_V1), BODY, NOW, 300),
                     ERR_UNAUTHENTICATED);
}

static void test_psp_signature__refuses_another_body_secret_or_time(void **state)
{
    (void)state;
    struct str header = STR("t=1700000000,v1=" KNOWN_V1);
    assert_int_equal(psp_signature_check(SECRET, header, STR("{\"id\":\"evt_2\"}"), NOW, 300), ERR_UNAUTHENTICATED);
    assert_int_equal(psp_signature_check(STR("whsec_other"), header, BODY, NOW, 300), ERR_UNAUTHENTICATED);
    assert_int_equal(psp_signature_check(SECRET, STR("t=1700000001,v1=" KNOWN_V1), BODY, NOW, 300),
                     ERR_UNAUTHENTICATED);
}

static void test_psp_signature__tolerates_five_minutes_and_not_more(void **state)
{
    (void)state;
    struct str header = STR("t=1700000000,v1=" KNOWN_V1);
    assert_int_equal(psp_signature_check(SECRET, header, BODY, NOW + 300, 300), 0);
    assert_int_equal(psp_signature_check(SECRET, header, BODY, NOW + 301, 300), ERR_UNAUTHENTICATED);
    assert_int_equal(psp_signature_check(SECRET, header, BODY, NOW - 301, 300), ERR_UNAUTHENTICATED);
}

static void test_psp_signature__refuses_what_is_not_a_header(void **state)
{
    (void)state;
    const char *const headers[] = {"",
                                   "t=",
                                   "v1=" KNOWN_V1,
                                   "t=1700000000",
                                   "t=x,v1=" KNOWN_V1,
                                   "t=-1,v1=" KNOWN_V1,
                                   "t=1700000000,v1=",
                                   "t=99999999999999999999999999,v1=" KNOWN_V1};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        assert_int_equal(psp_signature_check(SECRET, str_from_cstr(headers[i]), BODY, NOW, 300), ERR_UNAUTHENTICATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psp_signature__equals_a_known_answer),
        cmocka_unit_test(test_psp_signature__accepts_any_of_several_v1_and_ignores_other_schemes),
        cmocka_unit_test(test_psp_signature__refuses_another_body_secret_or_time),
        cmocka_unit_test(test_psp_signature__tolerates_five_minutes_and_not_more),
        cmocka_unit_test(test_psp_signature__refuses_what_is_not_a_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
