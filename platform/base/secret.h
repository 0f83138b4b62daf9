/* Bytes that must not be shown: keys, passwords, tokens.
 *
 * The type is opaque, so that no log field, no format and no JSON encoder takes it; secret_bytes is the one way in, and
 * easy to search for. The memory is wiped when the secret is freed. */
#pragma once

#include "platform/base/str.h"

#define SECRET_BYTES_MAX ((size_t)64 << 10)

struct secret;

/* Copies the bytes; wiping the source stays the caller's. ERR_TOO_LARGE past SECRET_BYTES_MAX, ERR_NO_MEMORY. */
int secret_new(struct str bytes, struct secret **ret_secret);

/* Fresh random bytes. */
int secret_new_random(size_t size, struct secret **ret_secret);

void secret_free(struct secret *secret); /* NULL is fine */
void secret_cleanup(struct secret **secret);

/* A view that lives as long as the secret; empty for NULL. */
struct str secret_bytes(const struct secret *secret);

/* In a time that does not depend on the bytes. */
bool secret_equal(const struct secret *secret, struct str bytes);
