/* Who a server is to its clients: a chain of certificates and the key of the first, read once from PEM files. Nothing
 * of it is read later, so that a process may give up the files; a renewed certificate comes with the next start. */
#pragma once

#include "platform/base/str.h"

#define TLS_MESSAGE_BYTES 512

struct tls_identity;

/* ERR_INVALID when a file is missing, unreadable or not what it should be, when others may read the key, or when the
 * two do not belong together; ret_message says which and what to do. ERR_NO_MEMORY. */
int tls_identity_load(struct tls_identity **ret_identity, const char *certificate_path, const char *key_path,
                      char ret_message[TLS_MESSAGE_BYTES]);

/* From now on a peer must have a certificate, too, by one of the authorities in the PEM file: for a listener between
 * services, and for calls to one. ERR_INVALID with ret_message where it has none; ERR_NO_MEMORY. */
int tls_identity_require_peers(struct tls_identity *identity, const char *authorities_path,
                               char ret_message[TLS_MESSAGE_BYTES]);

/* Whether one of the names is it. names: as of a request's peer_names, one a line. */
bool tls_has_name(struct str names, struct str wanted);

void tls_identity_free(struct tls_identity *identity); /* NULL is fine; servers that were given it go on */
