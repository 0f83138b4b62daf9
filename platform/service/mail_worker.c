#include "platform/service/mail_worker.h"

#include "platform/ports/mail/mail.h"
#include "platform/service/host.h"

#define SENDER_NAME "Shopstream"

_Static_assert((int)WORKER_BATCH_MAX <= (int)MAIL_SEND_MAX, "a batch of the queue is sent at once");

int mail_enqueue(struct call *call, const char *kind, struct str to, const char *subject, const char *format, ...)
{
    Mail__Message message = MAIL__MESSAGE__INIT;
    va_list arguments;
    va_start(arguments, format);
    message.text = arena_vprintf(call->arena, format, arguments);
    va_end(arguments);
    message.id = call_new_id(call);
    message.kind = arena_cstr(call->arena, str_from_cstr(kind));
    message.to = to.len > 0 ? arena_cstr(call->arena, to) : NULL;
    message.subject = arena_cstr(call->arena, str_from_cstr(subject));
    message.tenant = arena_cstr(call->arena, call->tenant);
    if (!message.text || !message.id || !message.kind || (to.len > 0 && !message.to) || !message.subject ||
        !message.tenant)
        return ERR_NO_MEMORY;
    if (strlen(message.text) > MAIL_TEXT_BYTES_MAX)
        return ERR_TOO_LARGE;
    return call_enqueue(call, MAIL_QUEUE, &message.base);
}

static struct mail_message mail_of(const struct call *call, const Mail__Message *message)
{
    return (struct mail_message){
        .message_id = str_from_cstr(message->id),
        .from = str_from_cstr(call->host->options.mail_from),
        .from_name = STR(SENDER_NAME),
        .to = str_from_cstr(message->to),
        .subject = str_from_cstr(message->subject),
        .text = str_from_cstr(message->text),
    };
}

static int outcome(struct call *call, const Mail__Message *message, int result)
{
    if (result != ERR_INVALID && result != ERR_TOO_LARGE)
        return result;
    log_warning(&call->log, "mail refused", LOG_CSTR("kind", message->kind), LOG_CSTR("mail_id", message->id),
                LOG_ERR(result));
    return 0;
}

void mail_worker_send(struct call *call, const ProtobufCMessage *const *messages, size_t count, int *ret_results)
{
    struct mail_message *mails = arena_alloc_array(call->arena, count, sizeof(*mails));
    size_t *places = arena_alloc_array(call->arena, count, sizeof(*places));
    int *results = arena_alloc_array(call->arena, count, sizeof(*results));
    size_t addressed = 0;

    for (size_t i = 0; i < count; i++) {
        const Mail__Message *message = (const Mail__Message *)messages[i];
        bool is_ready = mails && places && results;

        ret_results[i] = is_ready ? 0 : ERR_NO_MEMORY;
        if (!is_ready || !message->to)
            continue;
        places[addressed] = i;
        mails[addressed++] = mail_of(call, message);
    }
    if (addressed > 0)
        mail_send_all(call->host->mail, mails, addressed, results);
    for (size_t i = 0; i < addressed; i++)
        ret_results[places[i]] = outcome(call, (const Mail__Message *)messages[places[i]], results[i]);
}
