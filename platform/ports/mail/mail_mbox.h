/* Messages one behind the other in one file, which any mail reader opens: mbox (RFC 4155), whose lines that begin with
 * "From " are quoted by a ">" that comes off again ("mboxrd").
 *
 * Each line of a message of ours ends with CR LF, so two line feeds in a row are the end of one and nothing else: what
 * a crash cut off is told from what is whole. */
#pragma once

#include "platform/base/buf.h"

/* Appends the message, whole. sender is an addr-spec. */
void mail_mbox_append(struct buf *mbox, struct str sender, int64_t sent_at_ms, struct str encoded);

/* One message of a file. */
struct mail_mbox_entry {
    int64_t sent_at_ms;
    size_t size;       /* in the file, from the line that separates it to where the next one begins */
    struct str quoted; /* the message; mail_mbox_unquote() gives it as it was sent */
};

/* The message at the start of the bytes. False at the end, and where none begins or it is not whole. */
bool mail_mbox_read(struct str bytes, struct mail_mbox_entry *ret_entry);

void mail_mbox_unquote(struct buf *encoded, struct str quoted);
