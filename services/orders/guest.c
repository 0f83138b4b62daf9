/* Guests are known by a token alone; the store keeps its hash. */
#include "platform/base/encode.h"
#include "platform/base/hash.h"
#include "platform/ports/random/random.h"
#include "services/orders/orders.h"

char *guest_token_hash(struct call *call, struct str token)
{
    unsigned char digest[32];
    char *text = arena_alloc(call->arena, 2 * sizeof(digest) + 1);

    if (!text)
        return NULL;
    hash_sha256(token, digest);
    encode_hex_into(text, str_from(digest, sizeof(digest)));
    return text;
}

char *guest_token_new(struct call *call)
{
    unsigned char bytes[GUEST_TOKEN_BYTES];
    char *text = arena_alloc(call->arena, 2 * sizeof(bytes) + 1);

    if (!text)
        return NULL;
    random_bytes(bytes, sizeof(bytes));
    encode_hex_into(text, str_from(bytes, sizeof(bytes)));
    return text;
}
