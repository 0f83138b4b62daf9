#include "platform/base/secret.h"
#include "platform/base/err.h"
#include "platform/ports/random/random.h"

#include <stdlib.h>
#include <string.h>

struct secret {
    size_t size;
    char bytes[];
};

static struct secret *allocate(size_t size)
{
    struct secret *secret = malloc(sizeof(*secret) + size);
    if (secret)
        secret->size = size;
    return secret;
}

int secret_new(struct str bytes, struct secret **ret_secret)
{
    if (bytes.len > SECRET_BYTES_MAX)
        return ERR_TOO_LARGE;
    struct secret *secret = allocate(bytes.len);
    if (!secret)
        return ERR_NO_MEMORY;
    if (bytes.len > 0)
        memcpy(secret->bytes, bytes.ptr, bytes.len);
    *ret_secret = secret;
    return 0;
}

int secret_new_random(size_t size, struct secret **ret_secret)
{
    if (size > SECRET_BYTES_MAX)
        return ERR_TOO_LARGE;
    struct secret *secret = allocate(size);
    if (!secret)
        return ERR_NO_MEMORY;
    random_bytes(secret->bytes, size);
    *ret_secret = secret;
    return 0;
}

void secret_free(struct secret *secret)
{
    if (!secret)
        return;
    explicit_bzero(secret->bytes, secret->size);
    free(secret);
}

void secret_cleanup(struct secret **secret)
{
    secret_free(*secret);
}

struct str secret_bytes(const struct secret *secret)
{
    return secret ? str_from(secret->bytes, secret->size) : STR_EMPTY;
}

bool secret_equal(const struct secret *secret, struct str bytes)
{
    return str_equal_constant_time(secret_bytes(secret), bytes);
}
