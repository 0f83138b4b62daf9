/* The mail port in the world: what was sent lies in memory that no crash takes, where people read their codes. */
#include "platform/ports/mail/mail_adapter.h"
#include "tests/simulation/simulation.h"

#include <stdlib.h>

#define MAILS_MAX 2048
#define SUBJECT_BYTES 128
#define CODE_LINE "\nCode: "

struct delivered {
    char id[ID_BYTES], to[ID_BYTES], subject[SUBJECT_BYTES];
    char code[CODE_BYTES]; /* empty: the mail has none */
    int64_t sent_at_ms;
};

static struct {
    struct delivered mails[MAILS_MAX];
    size_t count;
} mailbox;

static void copy(char *to, size_t size, struct str from)
{
    size_t length = from.len < size ? from.len : size - 1;
    if (length > 0)
        memcpy(to, from.ptr, length);
    to[length] = '\0';
}

static void deliver(const struct mail_message *message)
{
    ASSERT(mailbox.count < MAILS_MAX);
    struct delivered *mail = &mailbox.mails[mailbox.count++];
    ptrdiff_t code = str_find(message->text, STR(CODE_LINE));
    *mail = (struct delivered){.sent_at_ms = clock_wall_ms()};
    copy(mail->id, sizeof(mail->id), message->message_id);
    copy(mail->to, sizeof(mail->to), message->to);
    copy(mail->subject, sizeof(mail->subject), message->subject);
    if (code >= 0)
        copy(mail->code, sizeof(mail->code), str_skip(message->text, (size_t)code + strlen(CODE_LINE)));
}

static int send(const struct mail_message *message)
{
    task_step("mail");
    deliver(message);
    task_step("mailed");
    return 0;
}

static void send_all(struct mail *mail, const struct mail_message *messages, size_t count, int *results)
{
    (void)mail;
    for (size_t i = 0; i < count; i++)
        results[i] = results[i] == 0 ? send(&messages[i]) : results[i];
}

static int list(struct mail *mail, size_t limit, struct arena *arena, struct mail_stored **ret_stored,
                size_t *ret_count)
{
    (void)mail;
    size_t count = limit < mailbox.count ? limit : mailbox.count;
    struct mail_stored *stored = arena_alloc_array(arena, count + 1, sizeof(*stored));
    if (!stored)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct delivered *from = &mailbox.mails[mailbox.count - 1 - i];
        stored[i] = (struct mail_stored){str_from_cstr(from->id), from->sent_at_ms, str_from_cstr(from->to),
                                         str_from_cstr(from->subject)};
    }
    *ret_stored = stored;
    *ret_count = count;
    return 0;
}

static int read(struct mail *mail, struct str id, struct arena *arena, struct str *ret_message)
{
    (void)mail, (void)arena;
    for (size_t i = 0; i < mailbox.count; i++) {
        if (str_equal_cstr(id, mailbox.mails[i].id)) {
            *ret_message = str_from_cstr(mailbox.mails[i].subject);
            return 0;
        }
    }
    return ERR_NOT_FOUND;
}

static void close_mailbox(struct mail *mail)
{
    (void)mail;
}

int mailbox_open(struct mail **ret_mail)
{
    static const struct mail_adapter adapter = {MAIL_ADAPTER_VERSION, close_mailbox, send_all, list, read};
    static struct mail mail = {&adapter};
    *ret_mail = &mail;
    return 0;
}

bool mailbox_newest_code(const char *to, const char *subject_word, char ret_code[CODE_BYTES])
{
    for (size_t i = mailbox.count; i-- > 0;) {
        const struct delivered *mail = &mailbox.mails[i];
        if (mail->code[0] && strcmp(mail->to, to) == 0 && strstr(mail->subject, subject_word)) {
            memcpy(ret_code, mail->code, CODE_BYTES);
            return true;
        }
    }
    return false;
}

size_t mailbox_count(const char *to, const char *subject_word)
{
    size_t count = 0;
    for (size_t i = 0; i < mailbox.count; i++) {
        const struct delivered *mail = &mailbox.mails[i];
        bool is_first = true; /* of its id: a mail that came twice is one */
        for (size_t j = 0; j < i && is_first; j++)
            is_first = strcmp(mailbox.mails[j].id, mail->id) != 0;
        count += is_first && strcmp(mail->to, to) == 0 && strstr(mail->subject, subject_word);
    }
    return count;
}
