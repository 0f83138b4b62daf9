/* Which form a client gets, and that it is the same text once it is read again. */
#include "platform/service/compression.h"

#include "platform/net/http.h"

#include <brotli/decode.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define TEXT_BYTES ((size_t)200000)

static void test_compression__a_client_gets_what_it_asks_for(void **state)
{
    static const struct {
        const char *field;
        enum content_coding coding;
    } rows[] = {
        {NULL, CODING_NONE},
        {"", CODING_NONE},
        {"gzip", CODING_GZIP},
        {"br", CODING_BROTLI},
        {"GZip", CODING_GZIP},
        {"x-gzip", CODING_GZIP},
        {"gzip, deflate, br, zstd", CODING_BROTLI},
        {"gzip;q=1.0, br;q=0.5", CODING_GZIP},
        {"gzip;q=0.5,br;q=0.50", CODING_BROTLI},
        {"gzip ; q=0.9 , br ; Q=0.95", CODING_BROTLI},
        {"br;q=0, gzip", CODING_GZIP},
        {"br;q=0.000, gzip;q=0", CODING_NONE},
        {"*", CODING_BROTLI},
        {"*;q=0", CODING_NONE},
        {"br;q=0, *", CODING_GZIP},
        {"identity", CODING_NONE},
        {"identity, gzip", CODING_GZIP},
        {"identity;q=1, gzip;q=0.5", CODING_NONE},
        {"identity;q=0.5, gzip;q=1", CODING_GZIP},
        {"deflate", CODING_NONE},
        {"brotli, gz", CODING_NONE},
        {"gzip;q=", CODING_NONE},
        {"gzip;q=2", CODING_NONE},
        {"gzip;q=nan", CODING_NONE},
        {",,;,;q=1,", CODING_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (content_coding_choose(str_from_cstr(rows[i].field), CODINGS_ALL) != rows[i].coding)
            fail_msg("%s", rows[i].field);
    }
    assert_int_equal(content_coding_choose(STR("br, gzip"), 1u << CODING_GZIP), CODING_GZIP);
    assert_int_equal(content_coding_choose(STR("br"), 1u << CODING_GZIP), CODING_NONE);
}

static char *make_text(void)
{
    char *text = malloc(TEXT_BYTES);

    assert_non_null(text);
    for (size_t i = 0; i < TEXT_BYTES; i++)
        text[i] = (char)('a' + (i * i / 7 + i / 100) % 26);
    return text;
}

static size_t read_again(enum content_coding coding, struct str coded, char *to)
{
    size_t size = TEXT_BYTES;

    if (coding == CODING_BROTLI) {
        assert_int_equal(BrotliDecoderDecompress(coded.len, (const uint8_t *)coded.ptr, &size, (uint8_t *)to),
                         BROTLI_DECODER_RESULT_SUCCESS);
        return size;
    }
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)coded.ptr,
                       .avail_in = (uInt)coded.len,
                       .next_out = (Bytef *)to,
                       .avail_out = (uInt)TEXT_BYTES};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    inflateEnd(&stream);
    return stream.total_out;
}

static void test_compression__what_is_read_again_is_the_same(void **state)
{
    char *text = make_text(), *again = malloc(TEXT_BYTES);

    (void)state;
    assert_non_null(again);
    for (enum content_coding coding = 0; coding < CODING_COUNT; coding++) {
        struct buf coded = BUF(TEXT_BYTES);
        assert_int_equal(content_encode(coding, str_from(text, TEXT_BYTES), &coded), 0);
        assert_in_range(coded.len, 1, TEXT_BYTES / 2);
        assert_int_equal(read_again(coding, buf_str(&coded), again), TEXT_BYTES);
        assert_memory_equal(again, text, TEXT_BYTES);
        buf_free(&coded);
    }
    free(text);
    free(again);
}

static void test_compression__what_would_grow_is_left(void **state)
{
    static const struct str noise = STR("\x8f\x13\xe2\x5c");

    (void)state;
    for (enum content_coding coding = 0; coding < CODING_COUNT; coding++) {
        struct buf coded = BUF(100);
        assert_int_equal(content_encode(coding, noise, &coded), ERR_TOO_LARGE);
        assert_int_equal(content_encode(coding, STR_EMPTY, &coded), ERR_TOO_LARGE);
        assert_int_equal(coded.len, 0);
        buf_free(&coded);
    }
}

static bool is_compressible(const char *content_type, const char *cache_control, struct http_header more, size_t size,
                            int status)
{
    static char body[4096];
    struct http_response response = {.status = status};

    http_response_header(&response, STR("Content-Type"), str_from_cstr(content_type));
    http_response_header(&response, STR("Cache-Control"), str_from_cstr(cache_control));
    if (more.name.len)
        http_response_header(&response, more.name, more.value);
    return content_is_compressible(&response, str_from(body, size));
}

/* The size of what holds a secret, or is somebody's, must say nothing of what stands in it. */
static void test_compression__only_what_everybody_sees_is_compressed(void **state)
{
    const struct http_header none = {0}, cookie = {STR("Set-Cookie"), STR("csrf=1")},
                             coded = {STR("Content-Encoding"), STR("br")},
                             chosen = {STR("Vary"), STR("Accept-Encoding")};

    (void)state;
    assert_true(is_compressible("application/json", "public, no-cache", none, 4096, 200));
    assert_true(is_compressible("text/html; charset=utf-8", "public, max-age=60", none, 1024, 200));
    assert_false(is_compressible("application/json", "private, no-store", none, 4096, 200));
    assert_false(is_compressible("text/html; charset=utf-8", "no-store", none, 4096, 200));
    assert_false(is_compressible("text/html; charset=utf-8", "", none, 4096, 200));
    assert_false(is_compressible("application/json", "public, no-cache", cookie, 4096, 200));
    assert_false(is_compressible("application/json", "public, no-cache", coded, 4096, 200));
    assert_false(is_compressible("application/json", "public, no-cache", chosen, 4096, 200));
    assert_false(is_compressible("application/json", "public, no-cache", none, 1023, 200));
    assert_false(is_compressible("application/json", "public, no-cache", none, 4096, 404));
    assert_false(is_compressible("image/webp", "public, no-cache", none, 4096, 200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compression__a_client_gets_what_it_asks_for),
        cmocka_unit_test(test_compression__what_is_read_again_is_the_same),
        cmocka_unit_test(test_compression__what_would_grow_is_left),
        cmocka_unit_test(test_compression__only_what_everybody_sees_is_compressed),
    };

    return cmocka_run_group_tests_name("compression", tests, NULL, NULL);
}
