#include "platform/ports/psp/psp_signature.h"

#include "platform/base/encode.h"
#include "platform/base/err.h"
#include "platform/base/hash.h"

#include <inttypes.h>
#include <stdio.h>

#define TIME_TEXT_MAX 24

/* The signature of "<time>.<body>", without copying the body. The time is signed as it was written. */
static int sign(struct str secret, struct str time_text, struct str body, char ret_hex[PSP_SIGNATURE_HEX_LENGTH + 1])
{
    const struct str parts[] = {time_text, STR("."), body};
    unsigned char digest[HASH_SHA256_BYTES];
    if (secret.len == 0)
        return ERR_INTERNAL;
    TRY(hash_hmac_sha256_parts(secret, parts, sizeof(parts) / sizeof(parts[0]), digest));
    encode_hex_into(ret_hex, str_from(digest, sizeof(digest)));
    ret_hex[PSP_SIGNATURE_HEX_LENGTH] = '\0';
    return 0;
}

int psp_signature_write(struct str secret, int64_t time_s, struct str body, char ret_header[PSP_SIGNATURE_HEADER_MAX])
{
    char time_text[TIME_TEXT_MAX];
    char hex[PSP_SIGNATURE_HEX_LENGTH + 1];
    snprintf(time_text, sizeof(time_text), "%" PRId64, time_s);
    TRY(sign(secret, str_from_cstr(time_text), body, hex));
    snprintf(ret_header, PSP_SIGNATURE_HEADER_MAX, "t=%s,v1=%s", time_text, hex);
    return 0;
}

struct signature_header {
    struct str time_text;
    struct str v1[PSP_SIGNATURES_MAX];
    size_t v1_count;
};

static void parse_header(struct str header, struct signature_header *ret_parsed)
{
    struct str part;
    while (str_next_token(&header, ',', &part)) {
        part = str_trim(part);
        if (str_starts_with(part, STR("t=")))
            ret_parsed->time_text = str_skip(part, 2);
        else if (str_starts_with(part, STR("v1=")) && ret_parsed->v1_count < PSP_SIGNATURES_MAX)
            ret_parsed->v1[ret_parsed->v1_count++] = str_skip(part, 3);
    }
}

int psp_signature_check(struct str secret, struct str header, struct str body, int64_t now_s, int64_t tolerance_s)
{
    struct signature_header parsed = {0};
    parse_header(header, &parsed);
    int64_t time_s;
    if (parsed.time_text.len >= TIME_TEXT_MAX || str_to_int64(parsed.time_text, &time_s) != 0 || time_s < 0 ||
        parsed.v1_count == 0)
        return ERR_UNAUTHENTICATED;
    char expected[PSP_SIGNATURE_HEX_LENGTH + 1];
    TRY(sign(secret, parsed.time_text, body, expected));
    bool fits = false;
    for (size_t i = 0; i < parsed.v1_count; i++)
        fits |= str_equal_constant_time(parsed.v1[i], str_from(expected, PSP_SIGNATURE_HEX_LENGTH));
    if (!fits || time_s < now_s - tolerance_s || time_s > now_s + tolerance_s)
        return ERR_UNAUTHENTICATED;
    return 0;
}
