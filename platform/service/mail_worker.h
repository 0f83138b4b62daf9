/* Mail from any service: written onto the service's own queue "mail" in the transaction that makes it true, sent
 * afterwards by a worker, at least once.
 *
 * A service that sends mail has the row MAIL_WORKER among its workers and calls mail_enqueue; that is all. There is no
 * mail service in between: each service's database holds the mails that its own transactions caused, and the process's
 * mail port (struct service_host's mail) sends them. */
#pragma once

#include "platform/service/call.h"
#include "shopstream/mail/v1/mail.pb-c.h"

#define MAIL_QUEUE "mail"
#define MAIL_TEXT_BYTES_MAX 65536

/* The row of the table: .workers = (struct worker[]){ MAIL_WORKER, {} }. */
#define MAIL_WORKER                                                                                                    \
    {                                                                                                                  \
        .queue = MAIL_QUEUE, .message = &mail__message__descriptor, .run_all = mail_worker_send                        \
    }

/* Queues a plain-text mail in the running write transaction. kind is a static word for logs ("receipt"). With an empty
 * address the message is queued all the same and dropped by the worker: so a request about an unknown person costs what
 * one about a known person does. ERR_TOO_LARGE for a text over MAIL_TEXT_BYTES_MAX. */
int mail_enqueue(struct call *call, const char *kind, struct str to, const char *subject, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The worker: sends messages by the mail port. One that the port refuses is logged and dropped, for no repetition would
 * make it good. */
void mail_worker_send(struct call *call, const ProtobufCMessage *const *messages, size_t count, int *ret_results);
