/* Base64: each text that is taken is the one that an encoder writes for its bytes, and any bytes come back. */
#include "platform/base/encode.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_BYTES_MAX ((size_t)4 << 20)

static void check(struct str input, void (*encode)(struct buf *, struct str), int (*decode)(struct str, struct buf *))
{
    CLEANUP(buf_free) struct buf bytes = BUF(TEXT_BYTES_MAX);
    CLEANUP(buf_free) struct buf text = BUF(TEXT_BYTES_MAX);

    if (decode(input, &bytes) == 0) {
        encode(&text, buf_str(&bytes));
        ASSERT(str_equal(buf_str(&text), input));
    } else {
        ASSERT(bytes.len == 0);
    }
    buf_clear(&bytes);
    buf_clear(&text);
    encode(&text, input);
    ASSERT(decode(buf_str(&text), &bytes) == 0 && str_equal(buf_str(&bytes), input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_from(data, size);

    check(input, encode_base64, decode_base64);
    check(input, encode_base64url, decode_base64url);
    return 0;
}
