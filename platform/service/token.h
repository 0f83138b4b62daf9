/* Access tokens: JWTs (RFC 7519) signed by RS256 (RFC 7515, RFC 7518 3.3), typed "at+jwt" (RFC 9068), checked on every
 * request.
 *
 * A ring holds the keys by kid (the RFC 7638 thumbprint). One key signs. After a rotation the old ones verify on until
 * the last token that they signed has expired. Verifying is strict: the algorithm is RS256 and nothing else whatever
 * the header says, the key is one of the ring's, chosen by kid and never taken from the token, the header has exactly
 * alg, typ and kid, base64url has one spelling, a JSON name appears once, every size is bounded.
 *
 * Verified tokens are kept in a bounded, sharded cache under the SHA-256 of the whole token; expiry and blocks are
 * checked on hits too, so a logout holds at once.
 *
 * One ring a process. Identity owns the private keys and the list of blocks, both in its database, and fills the ring
 * when it starts. A ring that is filled from a JWKS document (token_ring_add_jwks) can verify, not sign; no process
 * does so yet. Every function may be called from any task. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "platform/base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_LIFETIME_S 600     /* of an access token; a longer one is refused */
#define TOKEN_LEEWAY_S 5         /* by how much the clocks of two processes may differ */
#define TOKEN_BYTES_MAX 2048     /* of the compact form */
#define TOKEN_NAMES_MAX 24       /* of a header or a claim set */
#define TOKEN_KEYS_MAX 8         /* in a ring */
#define TOKEN_KEY_BITS 2048      /* of a new key; a ring takes keys of 2048 to 4096 bits */
#define TOKEN_CACHE_ENTRIES 4096 /* verified tokens that are remembered */
#define TOKEN_BLOCKS_MAX 262144  /* sessions and users blocked at one time */
/* Where there is room, a block is kept for so long after its tokens have run out by the steady clock. Tokens are judged
 * by clock_latest_ms, which a wall clock that was moved never takes below that; a boot may, by a day (clock.h). */
#define TOKEN_BLOCK_KEPT_MS (26 * 3600 * INT64_C(1000))
#define TOKEN_JWKS_BYTES_MAX 16384

#define TOKEN_ID_BYTES 64
#define TOKEN_TENANT_BYTES 64
#define TOKEN_EMAIL_BYTES 256
#define TOKEN_KID_BYTES 44 /* a thumbprint in base64url and its NUL */

/* What a token says. Strings are NUL-terminated, within their size. */
struct token_claims {
    char user_id[TOKEN_ID_BYTES];    /* sub */
    char session_id[TOKEN_ID_BYTES]; /* sid */
    char token_id[TOKEN_ID_BYTES];   /* jti */
    char tenant[TOKEN_TENANT_BYTES]; /* tenant */
    char email[TOKEN_EMAIL_BYTES];   /* email; empty when the token has none */
    unsigned roles;                  /* of enum role; in the token an array of names: "roles":["customer"] */
    bool email_verified;
    int64_t issued_at_s;  /* iat, Unix time */
    int64_t expires_at_s; /* exp, Unix time */
};

struct token_ring;

/* issuer and audience become iss and aud, and are demanded of each token; both are copied. */
int token_ring_new(struct token_ring **ret_ring, const char *issuer, const char *audience);
void token_ring_free(struct token_ring *ring); /* NULL is fine */

/* -- Keys --------------------------------------------------------------------------------------------------------- */

/* Makes a new RSA key and appends it as PKCS #8 PEM. Takes some hundred milliseconds. Wipe and never log the bytes. */
int token_key_generate(struct buf *private_pem);

/* Adds a key from its private PEM. ret_kid (may be NULL) receives its kid. ERR_INVALID for what is no RSA key of 2048
 * to 4096 bits, ERR_CONFLICT when it is in the ring already, ERR_TOO_LARGE when the ring is full. */
int token_ring_add_private(struct token_ring *ring, struct str private_pem, char ret_kid[TOKEN_KID_BYTES]);

/* Adds the RSA signing keys of a JWKS document (RFC 7517) for verifying; those in the ring already stay. ERR_INVALID
 * for a document that is not one, or has a key whose kid is not its thumbprint; then none is added. */
int token_ring_add_jwks(struct token_ring *ring, struct str document);

/* Makes the key the one that signs. The others go on verifying. ERR_NOT_FOUND; ERR_INVALID without its private half. */
int token_ring_set_signer(struct token_ring *ring, struct str kid);

/* Takes a key out: its tokens are refused from now on, remembered ones too. ERR_NOT_FOUND. */
int token_ring_remove(struct token_ring *ring, struct str kid);

/* Appends the public keys as a JWKS document, the signing one first. */
int token_ring_jwks(struct token_ring *ring, struct buf *document);

/* -- Tokens ------------------------------------------------------------------------------------------------------- */

/* Signs the claims; *ret_token lies in the arena. ERR_INVALID for claims that token_verify would refuse,
 * ERR_UNAVAILABLE when no key signs, ERR_NO_MEMORY. */
int token_sign(struct token_ring *ring, struct arena *arena, const struct token_claims *claims, struct str *ret_token);

/* Checks a token at now_ms, of clock_latest_ms. ERR_UNAUTHENTICATED when it is not good; *ret_reason (may be NULL) is
 * then "token_invalid", "token_expired" or "token_revoked", a static string for the problem's code. ERR_NO_MEMORY. */
int token_verify(struct token_ring *ring, struct str token, int64_t now_ms, struct token_claims *ret_claims,
                 const char **ret_reason);

/* -- Blocks ------------------------------------------------------------------------------------------------------- */

/* Refuses every token of a session until until_ms, of clock_latest_ms: choose the expiry of the last of them, which is
 * TOKEN_LIFETIME_S + TOKEN_LEEWAY_S from now. Identity writes it to its database first. ERR_TOO_LARGE when
 * TOKEN_BLOCKS_MAX are in force, ERR_NO_MEMORY; nothing is blocked then. */
int token_block_session(struct token_ring *ring, struct str session_id, int64_t until_ms, int64_t now_ms);

/* Whether they are refused, and with them what was begun for the session and goes on without its token. */
bool token_session_is_blocked(struct token_ring *ring, const char *session_id, int64_t now_ms);

/* -- Names of roles ----------------------------------------------------------------------------------------------- */

/* "customer", "support", "merchandiser", "admin" and its bit of enum role; 0 for any other name. */
unsigned token_role_from_name(struct str name);
/* The name of one bit; NULL for guests and services, which no token carries. */
const char *token_role_name(unsigned role);
