/* What an adapter of the mail port implements. mail.c has checked the message. */
#pragma once

#include "platform/base/buf.h"
#include "platform/ports/mail/mail.h"

#define MAIL_ADAPTER_VERSION 2

struct mail_adapter {
    unsigned version;
    void (*free)(struct mail *mail);
    /* Of those whose result is 0, which it may change. */
    void (*send_all)(struct mail *mail, const struct mail_message *messages, size_t count, int *results);
    int (*list)(struct mail *mail, size_t limit, struct arena *arena, struct mail_stored **ret_stored,
                size_t *ret_count);
    int (*read)(struct mail *mail, struct str id, struct arena *arena, struct str *ret_message);
};

/* The first member of each adapter's own struct. */
struct mail {
    const struct mail_adapter *adapter;
};

/* Each message a file mail/<id>.eml in the data folder, for people to read on the page /dev/mail. Makes the folder. */
int mail_spool_open(struct mail **ret_mail, const struct port_config *config, char ret_message[512]);

/* Bytes of a whole encoded message, at most: bodies may triple as quoted-printable. */
#define MAIL_ENCODED_BYTES_MAX (8 * MAIL_BODY_BYTES_MAX)

/* Writes the message as RFC 5322 and MIME (RFC 2045) say; boundary is unguessable, so that no body can contain it. */
void mail_encode(const struct mail_message *message, const char *boundary, int64_t sent_at_ms, struct buf *out);

/* The value of a header of an encoded message, unfolded and decoded; the first one of that name, or empty. */
int mail_decode_header(struct str encoded, const char *name, struct arena *arena, struct str *ret_value);
