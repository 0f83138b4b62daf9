#include "platform/service/compression.h"

#include "platform/net/http.h"

#include <brotli/encode.h>
#include <zlib.h>

/* One packet holds less than this with its headers: nothing is gained. */
#define BODY_BYTES_MIN 1024
/* Fast ones: a cached answer is compressed once a change, and a change is soon followed by another. */
#define BROTLI_LEVEL 4
#define BROTLI_WINDOW_BITS 18
#define GZIP_LEVEL 4
#define GZIP_WINDOW_BITS (15 + 16) /* 16: gzip's own head and tail */
#define GZIP_MEMORY_LEVEL 8

#define QUALITY_MAX 1000 /* "q=1", in thousandths */
#define QUALITY_UNSAID (-1)

static const struct str names[] = {[CODING_BROTLI] = STR("br"), [CODING_GZIP] = STR("gzip")};

struct str content_coding_name(enum content_coding coding)
{
    return names[coding];
}

/* -- Accept-Encoding ----------------------------------------------------------------------------------------------- */

/* "0", "0.5", "1.000"; what is none of these wants nothing. */
static int read_quality(struct str text)
{
    int value = 0, digits = 0;

    if (text.len == 0 || (text.ptr[0] != '0' && text.ptr[0] != '1') || (text.len > 1 && text.ptr[1] != '.'))
        return 0;
    if (text.ptr[0] == '1')
        return QUALITY_MAX;
    for (size_t i = 2; i < text.len && digits < 3; i++, digits++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return 0;
        value = value * 10 + (text.ptr[i] - '0');
    }
    for (; digits < 3; digits++)
        value *= 10;
    return value;
}

/* Takes "gzip;q=0.5" apart. */
static int quality_of(struct str element, struct str *ret_name)
{
    struct str part;
    int quality = QUALITY_MAX;

    if (!str_next_token(&element, ';', &part))
        return 0;
    *ret_name = str_trim(part);
    while (element.ptr && str_next_token(&element, ';', &part)) {
        part = str_trim(part);
        if (part.len >= 2 && (part.ptr[0] == 'q' || part.ptr[0] == 'Q') && part.ptr[1] == '=')
            quality = read_quality(str_skip(part, 2));
    }
    return quality;
}

enum content_coding content_coding_choose(struct str accept_encoding, unsigned available)
{
    int qualities[CODING_COUNT + 1] = {QUALITY_UNSAID, QUALITY_UNSAID, QUALITY_UNSAID}, rest = 0;
    struct str element, name;

    while (accept_encoding.ptr && str_next_token(&accept_encoding, ',', &element)) {
        int quality = quality_of(element, &name);
        if (str_equal_cstr(name, "*"))
            rest = quality;
        else if (str_equal_nocase(name, STR("identity")))
            qualities[CODING_NONE] = quality;
        else if (str_equal_nocase(name, names[CODING_BROTLI]))
            qualities[CODING_BROTLI] = quality;
        else if (str_equal_nocase(name, names[CODING_GZIP]) || str_equal_nocase(name, STR("x-gzip")))
            qualities[CODING_GZIP] = quality;
    }
    enum content_coding best = CODING_NONE;
    int best_quality = qualities[CODING_NONE] > 0 ? qualities[CODING_NONE] - 1 : 0;
    for (enum content_coding coding = 0; coding < CODING_COUNT; coding++) {
        int quality = qualities[coding] == QUALITY_UNSAID ? rest : qualities[coding];
        if ((available & 1u << coding) && quality > best_quality) {
            best = coding;
            best_quality = quality;
        }
    }
    return best;
}

/* -- What is compressed -------------------------------------------------------------------------------------------- */

static struct str header_of(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_equal_nocase(response->headers[i].name, str_from_cstr(name)))
            return response->headers[i].value;
    }
    return STR_EMPTY;
}

static bool is_text(struct str content_type)
{
    static const char *const types[] = {
        "text/",           "application/json",          "application/ld+json", "application/javascript",
        "application/xml", "application/manifest+json", "image/svg+xml"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (str_starts_with(content_type, str_from_cstr(types[i])))
            return true;
    }
    return false;
}

bool content_is_compressible(const struct http_response *response, struct str body)
{
    return response->status == 200 && body.len >= BODY_BYTES_MIN &&
           str_starts_with(header_of(response, "Cache-Control"), STR("public")) &&
           is_text(header_of(response, "Content-Type")) && header_of(response, "Content-Encoding").len == 0 &&
           header_of(response, "Vary").len == 0 && header_of(response, "Set-Cookie").len == 0;
}

/* -- Compressing --------------------------------------------------------------------------------------------------- */

static int encode_brotli(struct str body, char *to, size_t *size)
{
    return BrotliEncoderCompress(BROTLI_LEVEL, BROTLI_WINDOW_BITS, BROTLI_MODE_TEXT, body.len,
                                 (const uint8_t *)body.ptr, size, (uint8_t *)to)
               ? 0
               : ERR_TOO_LARGE;
}

static int encode_gzip(struct str body, char *to, size_t *size)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)body.ptr,
                       .avail_in = (uInt)body.len,
                       .next_out = (Bytef *)to,
                       .avail_out = (uInt)*size};

    if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_NO_MEMORY;
    int result = deflate(&stream, Z_FINISH);
    *size = stream.total_out;
    deflateEnd(&stream);
    return result == Z_STREAM_END ? 0 : ERR_TOO_LARGE;
}

int content_encode(enum content_coding coding, struct str body, struct buf *ret_coded)
{
    /* No room for one that would not be smaller: then both encoders say so. */
    size_t size = body.len;
    char *to = body.len > 0 && body.len <= UINT32_MAX ? buf_reserve(ret_coded, size) : NULL;

    if (!to)
        return body.len == 0 || body.len > UINT32_MAX ? ERR_TOO_LARGE : ret_coded->error;
    TRY(coding == CODING_BROTLI ? encode_brotli(body, to, &size) : encode_gzip(body, to, &size));
    buf_commit(ret_coded, size);
    return 0;
}
