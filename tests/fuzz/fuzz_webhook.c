/* The provider's signature of a webhook. Input: a line with the header, then the body. What is accepted must hold one
 * of the times that are near enough and, as v1, the signature that the secret gives for it. */
#include "platform/ports/psp/psp_signature.h"
#include "tests/fuzz/fuzz.h"

#define NOW_S INT64_C(1800000000)
#define TOLERANCE_S 2

static bool has_part(struct str header, struct str wanted)
{
    struct str part;

    while (str_next_token(&header, ',', &part)) {
        if (str_equal(str_trim(part), wanted))
            return true;
    }
    return false;
}

/* Has both the time and, by its scheme, the signature that the shop would write. */
static bool is_known(struct str secret, struct str header, struct str body)
{
    for (int64_t time_s = NOW_S - TOLERANCE_S; time_s <= NOW_S + TOLERANCE_S; time_s++) {
        char written[PSP_SIGNATURE_HEADER_MAX];

        ASSERT(psp_signature_write(secret, time_s, body, written) == 0);
        struct str signature = str_from_cstr(written), time;
        ASSERT(str_next_token(&signature, ',', &time) && str_starts_with(signature, STR("v1=")));
        if (has_part(header, time) && has_part(header, signature))
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
