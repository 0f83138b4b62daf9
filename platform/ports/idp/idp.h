/* The idp port: passwords. Who a person is (address, name, roles, sessions) is identity's; whether a password is theirs
 * is said here.
 *
 * A credential is what the adapter gives for a password and later checks it against: a PHC string with argon2id, the
 * account's name with Cognito. It is stored beside the user and means nothing to anybody else. It is no secret to be
 * shown either: never log it, never send it.
 *
 * argon2id (RFC 9106) at OWASP's parameters: 19 MiB, 2 passes, 1 lane, a salt of 16 random bytes, a tag of 32. At most
 * IDP_HASHES_MAX hashes run at once, so that a rush of sign-ins has a bound in memory; more wait in turn, at most until
 * the request's deadline. Blocks; never call it inside a write transaction. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/err.h"
#include "platform/base/str.h"
#include "platform/ports/port.h"

#include <stdbool.h>
#include <stdint.h>

#define IDP_HASHES_MAX 4
#define IDP_WAITING_MAX 256
#define IDP_PASSWORD_BYTES_MAX 512
#define IDP_CREDENTIAL_BYTES_MAX 256

struct idp;

/* Opens the adapter that the URL's scheme names. ERR_INVALID with a ret_message: there is none, or the URL is not as it
 * wants it; ERR_NO_MEMORY. */
int idp_open(struct idp **ret_idp, const struct port_config *config, char ret_message[512]);
void idp_free(struct idp *idp); /* NULL is fine */

/* Makes the credential of a new password, in the arena. subject (the user's id) is for adapters that keep accounts of
 * their own. deadline_ns is of clock_monotonic_ns. ERR_INVALID for a password of more than IDP_PASSWORD_BYTES_MAX,
 * ERR_UNAVAILABLE when too many wait already, ERR_DEADLINE when the turn did not come in time, ERR_NO_MEMORY. */
int idp_enrol(struct idp *idp, struct arena *arena, struct str subject, struct str password, int64_t deadline_ns,
              struct str *ret_credential);

/* Whether the password is the credential's. With an empty credential (no such account) it does the same work, so that
 * it takes the same time, and says no. Errors as above; ERR_CORRUPT for a credential that no adapter of ours made. */
int idp_check(struct idp *idp, struct str subject, struct str credential, struct str password, int64_t deadline_ns,
              bool *ret_matches);

/* Whether the credential was made with other parameters than today's: enrol again at the next sign-in. */
bool idp_is_outdated(struct idp *idp, struct str credential);
