/* Compressed forms of answers: brotli (RFC 7932) and gzip (RFC 1952), by what a client says it takes.
 *
 * Only what is the same for everybody is compressed: an answer that says `Cache-Control: public`, which is what cached
 * rows and public pages say. The size of a compressed answer tells something of its text, and whoever can put text of
 * theirs beside a secret, and watch the size of what a victim is sent, finds the secret out letter by letter (BREACH).
 * So answers with tokens (csrf, guest_token, access tokens), with somebody's name, address, cart or orders, which all
 * say private or no-store, go as they are, however large. */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "platform/base/str.h"

#include <stdbool.h>

struct http_response;

enum content_coding { CODING_BROTLI, CODING_GZIP, CODING_COUNT, CODING_NONE = CODING_COUNT };

#define CODINGS_ALL ((1u << CODING_COUNT) - 1)

/* What an Accept-Encoding field asks for (RFC 9110, 12.5.3), of what there is (a bit for each coding): brotli before
 * gzip where they are wanted alike. Without the field: as it is. */
enum content_coding content_coding_choose(struct str accept_encoding, unsigned available);

/* "br", "gzip"; what the ETag of the coded form ends with, too. */
struct str content_coding_name(enum content_coding coding);

/* Whether there is any use in it and no harm: status 200, public, text, long enough; and its handler did not choose a
 * form itself, as it says by Content-Encoding or Vary. */
bool content_is_compressible(const struct http_response *response, struct str body);

/* Compresses the whole body. ERR_TOO_LARGE: it would not get smaller; ERR_NO_MEMORY. */
int content_encode(enum content_coding coding, struct str body, struct buf *ret_coded);
