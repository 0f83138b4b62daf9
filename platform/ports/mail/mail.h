/* The mail port: one message to one person.
 *
 * What comes from outside (a name, an address, a subject) is encoded by RFC 2047 or refused, so that no header can be
 * smuggled in. mail_send is called from a queue's consumer, at least once: message_id is the queue message's id, and a
 * message sent twice carries it twice. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/err.h"
#include "platform/base/str.h"
#include "platform/ports/port.h"

/* RFC 5321, 4.5.3.1: 64 for the local part, 255 for the domain, and the @ between them. */
#define MAIL_ADDRESS_BYTES_MAX 320
#define MAIL_HEADER_BYTES_MAX 500
#define MAIL_BODY_BYTES_MAX ((size_t)256 << 10)
#define MAIL_LIST_MAX 200
#define MAIL_SEND_MAX 16

struct mail;

struct mail_message {
    struct str message_id; /* letters, digits, "-" and "_", at most 64; empty: a random one */
    struct str from;       /* addr-spec, as shop@example.com */
    struct str from_name;  /* may be empty */
    struct str to;
    struct str subject;
    struct str text; /* UTF-8 */
    struct str html; /* UTF-8; may be empty */
};

/* A message in the spool, newest first in lists. */
struct mail_stored {
    struct str id;
    int64_t sent_at_ms;
    struct str to;
    struct str subject;
};

/* Opens the adapter that the URL's scheme names. ERR_INVALID with a ret_message: there is none, or the URL is not as it
 * wants it; ERR_NO_MEMORY. */
int mail_open(struct mail **ret_mail, const struct port_config *config, char ret_message[512]);
void mail_free(struct mail *mail);

/* 0 for an address that mail_send takes as from and to; ERR_INVALID, ERR_TOO_LARGE. */
int mail_check_address(struct str address);

/* Of each message: 0: accepted and durable. ERR_INVALID: an address that is none, control characters in a header, text
 * that is not UTF-8. ERR_TOO_LARGE; ERR_STORAGE_FULL, ERR_UNAVAILABLE, ERR_NO_MEMORY: it is to be sent again. Several
 * together, at most MAIL_SEND_MAX, may cost an engine less than one by one. */
void mail_send_all(struct mail *mail, const struct mail_message *messages, size_t count, int *ret_results);

/* The same for one message. */
int mail_send(struct mail *mail, const struct mail_message *message);

/* The newest messages, at most limit (and MAIL_LIST_MAX). An engine that really sends has none to show: ERR_METHOD. */
int mail_list(struct mail *mail, size_t limit, struct arena *arena, struct mail_stored **ret_stored, size_t *ret_count);

/* The whole message as it was sent (RFC 5322). ERR_NOT_FOUND. */
int mail_read(struct mail *mail, struct str id, struct arena *arena, struct str *ret_message);
