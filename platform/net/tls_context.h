/* OpenSSL's context behind an identity, for the files of the server. */
#pragma once

#include "platform/net/tls.h"

#include <openssl/ssl.h>

/* server_tls.c: versions, ciphers and protocols as the server speaks them, without a certificate. NULL: out of memory.
 */
SSL_CTX *tls_context_new(void);

/* The identity's context, with a reference for who asks. */
SSL_CTX *tls_identity_context(const struct tls_identity *identity);
