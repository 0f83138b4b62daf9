/* The mail port's front: what no adapter may be handed, and dispatch. */
#include "platform/ports/mail/mail_adapter.h"

/* One row an adapter. */
static const struct {
    struct port_scheme scheme;
    int (*open)(struct mail **ret_mail, const struct port_config *config, char ret_message[512]);
} adapters[] = {
    {{"spool"}, mail_spool_open},
    {{NULL}, NULL},
};

#define MESSAGE_ID_BYTES_MAX 64

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return true;
    return false;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* dot-atom "@" dot-atom of RFC 5322, 3.4.1, without quoted strings, comments and literals, which nobody has. */
int mail_check_address(struct str address)
{
    static const char specials[] = "!#$%&'*+/=?^_`{|}~-.";
    if (address.len > MAIL_ADDRESS_BYTES_MAX)
        return ERR_TOO_LARGE;
    ptrdiff_t at = str_find_char(address, '@');
    if (at <= 0 || (size_t)at + 1 >= address.len)
        return ERR_INVALID;
    for (size_t i = 0; i < address.len; i++) {
        char c = address.ptr[i];
        bool is_good = is_letter_or_digit(c) || (i < (size_t)at && memchr(specials, c, sizeof(specials) - 1)) ||
                       (i > (size_t)at && (c == '-' || c == '.')) || i == (size_t)at;
        if (!is_good)
            return ERR_INVALID;
    }
    return 0;
}

static int check_header(struct str value)
{
    if (value.len > MAIL_HEADER_BYTES_MAX)
        return ERR_TOO_LARGE;
    return has_control(value) || !str_is_utf8(value) ? ERR_INVALID : 0;
}

static int check_body(struct str body)
{
    if (body.len > MAIL_BODY_BYTES_MAX)
        return ERR_TOO_LARGE;
    return str_is_utf8(body) ? 0 : ERR_INVALID;
}

static int check_message_id(struct str id)
{
    if (id.len > MESSAGE_ID_BYTES_MAX)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < id.len; i++)
        if (!is_letter_or_digit(id.ptr[i]) && id.ptr[i] != '-' && id.ptr[i] != '_')
            return ERR_INVALID;
    return 0;
}

int mail_open(struct mail **ret_mail, const struct port_config *config, char ret_message[512])
{
    int row = port_find(PORT_MAIL, config->url, adapters, sizeof(adapters[0]), ret_message);

    TRY(row);
    TRY(adapters[row].open(ret_mail, config, ret_message));
    ASSERT((*ret_mail)->adapter->version == MAIL_ADAPTER_VERSION);
    return 0;
}

void mail_free(struct mail *mail)
{
    if (mail)
        mail->adapter->free(mail);
}

static int check_message(const struct mail_message *message)
{
    TRY(check_message_id(message->message_id));
    TRY(mail_check_address(message->from));
    TRY(mail_check_address(message->to));
    TRY(check_header(message->from_name));
    TRY(check_header(message->subject));
    TRY(check_body(message->text));
    return check_body(message->html);
}

void mail_send_all(struct mail *mail, const struct mail_message *messages, size_t count, int *ret_results)
{
    ASSERT(count <= MAIL_SEND_MAX);
    for (size_t i = 0; i < count; i++)
        ret_results[i] = check_message(&messages[i]);
    mail->adapter->send_all(mail, messages, count, ret_results);
}

int mail_send(struct mail *mail, const struct mail_message *message)
{
    int result;

    mail_send_all(mail, message, 1, &result);
    return result;
}

int mail_list(struct mail *mail, size_t limit, struct arena *arena, struct mail_stored **ret_stored, size_t *ret_count)
{
    return mail->adapter->list(mail, limit > MAIL_LIST_MAX ? MAIL_LIST_MAX : limit, arena, ret_stored, ret_count);
}

int mail_read(struct mail *mail, struct str id, struct arena *arena, struct str *ret_message)
{
    TRY(check_message_id(id));
    return id.len == 0 ? ERR_NOT_FOUND : mail->adapter->read(mail, id, arena, ret_message);
}
