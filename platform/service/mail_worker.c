#include "platform/service/mail_worker.h"

#include "platform/ports/mail/mail.h"
#include "platform/service/host.h"

#define SENDER_NAME "Shopstream"

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

int mail_worker_send(struct call *call, const ProtobufCMessage *base)
{
    const Mail__Message *message = (const Mail__Message *)base;
    if (!message->to)
        return 0;
    struct mail_message mail = {
        .message_id = str_from_cstr(message->id),
        .from = str_from_cstr(call->host->options.mail_from),
        .from_name = STR(SENDER_NAME),
        .to = str_from_cstr(message->to),
        .subject = str_from_cstr(message->subject),
        .text = str_from_cstr(message->text),
    };
    int result = mail_send(call->host->mail, &mail);
    if (result == ERR_INVALID || result == ERR_TOO_LARGE) {
        log_warning(&call->log, "mail refused", LOG_CSTR("kind", message->kind), LOG_CSTR("mail_id", message->id),
                    LOG_ERR(result));
        return 0;
    }
    return result;
}
