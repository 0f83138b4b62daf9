#include "platform/ports/mail/mail_faulty.h"

#include "platform/ports/mail/mail_adapter.h"

#include <stdlib.h>

struct mail_faulty {
    struct mail base;
    struct mail *inner;
    struct fault_plan *plan;
};

static struct mail *inner_of(struct mail *mail)
{
    return ((struct mail_faulty *)(void *)mail)->inner;
}

static struct fault meet(struct mail *mail, const char *call)
{
    return fault_meet(((struct mail_faulty *)(void *)mail)->plan, FAULT_MAIL, call);
}

static void faulty_send_all(struct mail *mail, const struct mail_message *messages, size_t count, int *results)
{
    for (size_t i = 0; i < count; i++) {
        if (results[i] != 0)
            continue;
        struct fault fault = meet(mail, "send");
        results[i] = FAULT_APPLY(fault, mail_send(inner_of(mail), &messages[i]));
    }
}

static int faulty_list(struct mail *mail, size_t limit, struct arena *arena, struct mail_stored **ret_stored,
                       size_t *ret_count)
{
    struct fault fault = meet(mail, "list");
    return FAULT_APPLY(fault, mail_list(inner_of(mail), limit, arena, ret_stored, ret_count));
}

static int faulty_read(struct mail *mail, struct str id, struct arena *arena, struct str *ret_message)
{
    struct fault fault = meet(mail, "read");
    return FAULT_APPLY(fault, mail_read(inner_of(mail), id, arena, ret_message));
}

static void faulty_free(struct mail *mail)
{
    mail_free(inner_of(mail));
    free(mail);
}

static const struct mail_adapter faulty_adapter = {
    .version = MAIL_ADAPTER_VERSION,
    .free = faulty_free,
    .send_all = faulty_send_all,
    .list = faulty_list,
    .read = faulty_read,
};

int mail_faulty_wrap(struct mail **mail, struct fault_plan *plan)
{
    if (!plan)
        return 0;
    struct mail_faulty *faulty = calloc(1, sizeof(*faulty));
    if (!faulty)
        return ERR_NO_MEMORY;
    *faulty = (struct mail_faulty){.base = {&faulty_adapter}, .inner = *mail, .plan = plan};
    *mail = &faulty->base;
    return 0;
}
