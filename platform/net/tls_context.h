/* OpenSSL's context behind an identity, for the files of the server. */
#pragma once

#include "platform/base/buf.h"
#include "platform/net/tls.h"

#include <openssl/ssl.h>

/* server_tls.c: versions, ciphers and protocols as the server speaks them, without a certificate. NULL: out of memory.
 */
SSL_CTX *tls_context_new(void);

/* The identity's context for connections that begin here, once peers are required, with a reference for who asks. */
SSL_CTX *tls_identity_client_context(const struct tls_identity *identity);

#define TLS_NAMES_BYTES_MAX 2048

/* Appends the URIs that the peer's certificate names (SPIFFE's: X.509-SVID, 2), one a line; nothing without one. */
void tls_peer_names(const SSL *ssl, struct buf *to);

/* The identity's context, with a reference for who asks. */
SSL_CTX *tls_identity_context(const struct tls_identity *identity);
