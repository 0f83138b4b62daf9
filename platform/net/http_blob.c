#include "platform/base/err.h"
#include "platform/net/http.h"

#include <stdatomic.h>
#include <stdlib.h>

struct http_blob {
    atomic_uint references;
    size_t len;
    char bytes[];
};

struct http_blob *http_blob_new(struct str bytes)
{
    if (bytes.len > SIZE_MAX - sizeof(struct http_blob))
        return NULL;
    struct http_blob *blob = malloc(sizeof *blob + bytes.len);
    if (!blob)
        return NULL;
    atomic_init(&blob->references, 1);
    blob->len = bytes.len;
    if (bytes.len > 0)
        memcpy(blob->bytes, bytes.ptr, bytes.len);
    return blob;
}

struct http_blob *http_blob_ref(struct http_blob *blob)
{
    /* Whoever takes a reference holds one already, so nothing needs to be ordered here. */
    if (blob)
        atomic_fetch_add_explicit(&blob->references, 1, memory_order_relaxed);
    return blob;
}

void http_blob_unref(struct http_blob *blob)
{
    if (!blob)
        return;
    unsigned before = atomic_fetch_sub_explicit(&blob->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before == 1)
        free(blob);
}

struct str http_blob_bytes(const struct http_blob *blob)
{
    return str_from(blob->bytes, blob->len);
}
