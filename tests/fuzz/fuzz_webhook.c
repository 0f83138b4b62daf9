/* The provider's signature of a webhook. Input: a line with the header, then the body. What is accepted must hold the
 * signature that the secret gives for one of the times that are near enough. */
#include "platform/ports/psp/psp_signature.h"
#include "tests/fuzz/fuzz.h"

#define NOW_S INT64_C(1800000000)
#define TOLERANCE_S 2

static bool is_known(struct str secret, struct str header, struct str body)
{
    for (int64_t time_s = NOW_S - TOLERANCE_S; time_s <= NOW_S + TOLERANCE_S; time_s++) {
        char written[PSP_SIGNATURE_HEADER_MAX];

        ASSERT(psp_signature_write(secret, time_s, body, written) == 0);
        struct str text = str_from_cstr(written);
        if (str_find(header, str_skip(text, text.len - PSP_SIGNATURE_HEX_LENGTH)) >= 0)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str secret = STR("whsec_of_the_fuzz_target");
    struct str body = str_from(data, size);
    struct str header = fuzz_take_line(&body);
    int result = psp_signature_check(secret, header, body, NOW_S, TOLERANCE_S);

    ASSERT(result == 0 || result == ERR_UNAUTHENTICATED);
    if (result == 0)
        ASSERT(is_known(secret, header, body));
    return 0;
}
