/* The shop's first administrator: made at the first start from SHOPSTREAM_ADMIN_EMAIL and SHOPSTREAM_ADMIN_PASSWORD, or
 * with a random password, which the command line takes and prints once. */
#include "platform/base/config.h"
#include "platform/base/encode.h"
#include "platform/ports/clock/clock.h"
#include "platform/wire/wire.h"
#include "services/identity/config.h"
#include "services/identity/identity.h"

#include <stdio.h>

#define RANDOM_PASSWORD_BYTES 15 /* 20 letters in base64url */
#define ADMINISTRATOR_ROLES (ROLE_CUSTOMER | ROLE_ADMIN)

struct first_administrator {
    struct call *call;
    struct str email, credential;
    bool exists;
};

/* As a sign-in wants it. */
static bool is_email(const char *email)
{
    Identity__GrantRoleRequest request = IDENTITY__GRANT_ROLE_REQUEST__INIT;
    struct problem problem = {0};
    char role[] = "admin";

    request.email = (char *)(uintptr_t)email;
    request.role = role;
    return wire_check(&request.base, &problem) >= 0;
}

/* The bounds of anybody's password. */
static const struct wire_rule *password_rule(void)
{
    const ProtobufCMessageDescriptor *message = &identity__signup_request__descriptor;
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(message, "password");

    return wire_rule_find(message, (unsigned)(field - message->fields));
}

int identity_check_config(const struct config *config, char ret_message[512])
{
    struct str password = secret_bytes(config_get_secret(config, &identity_config[IDENTITY_CONFIG_ADMIN_PASSWORD]));
    struct str email = config_get_str(config, &identity_config[IDENTITY_CONFIG_ADMIN_EMAIL]);
    size_t length = str_count_characters(password);
    const struct wire_rule *rule = password_rule();
    const char *code;

    if (!is_email(config_get_cstr(config, &identity_config[IDENTITY_CONFIG_ADMIN_EMAIL]))) {
        snprintf(ret_message, 512, "SHOPSTREAM_ADMIN_EMAIL must be an e-mail address: nobody could sign in by it");
        return ERR_INVALID;
    }
    if (password.len == 0)
        return 0;
    if (length < rule->min_length || length > rule->max_length) {
        snprintf(ret_message, 512,
                 "SHOPSTREAM_ADMIN_PASSWORD must have %u to %u characters; without it one is made up and shown once",
                 rule->min_length, rule->max_length);
        return ERR_INVALID;
    }
    if (identity_password_weakness(password, email, STR_EMPTY, &code)) {
        snprintf(ret_message, 512,
                 "SHOPSTREAM_ADMIN_PASSWORD is guessed first, as many people have it or it is a name: set another; "
                 "without it one is made up and shown once");
        return ERR_INVALID;
    }
    return 0;
}

static int count_administrators(struct sql_tx *tx, void *argument)
{
    struct first_administrator *first = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &identity_sql_count_administrators,
                      SQL_ARGS(sql_text(first->call->tenant), sql_int(ROLE_ADMIN)), &rows));
    first->exists = sql_get_int(rows, 0) > 0;
    return 0;
}

/* An account with that address becomes the administrator, also a disabled one; its password is the configured one from
 * now on. */
static int record_administrator(struct sql_tx *tx, void *argument)
{
    struct first_administrator *first = argument;
    struct call *call = first->call;
    struct account account;
    int found = identity_find_account_by_email(call, first->email, &account);
    TRY(found);
    if (found) {
        TRY(sql_exec(tx, &identity_sql_reset_credential,
                     SQL_ARGS(sql_text(call->tenant), sql_text(account.id), sql_text(first->credential)), NULL));
        TRY(identity_end_sessions(call, account.id, STR_EMPTY));
        TRY(sql_exec(tx, &identity_sql_set_disabled,
                     SQL_ARGS(sql_text(call->tenant), sql_text(account.id), sql_int(false)), NULL));
        return sql_exec(
            tx, &identity_sql_set_roles,
            SQL_ARGS(sql_text(call->tenant), sql_text(account.id), sql_int(account.roles | ADMINISTRATOR_ROLES)), NULL);
    }
    char *id = call_new_id(call);
    if (!id)
        return ERR_NO_MEMORY;
    return sql_exec(tx, &identity_sql_insert_account,
                    SQL_ARGS(sql_text(call->tenant), sql_cstr(id), sql_text(first->email),
                             sql_text(STR("Administrator")), sql_text(first->credential), sql_int(ADMINISTRATOR_ROLES),
                             sql_int(1), sql_int(clock_latest_ms())),
                    NULL);
}

static int random_password(struct secret **ret_password)
{
    CLEANUP(secret_cleanup) struct secret *bytes = NULL;
    struct buf text = BUF(2 * RANDOM_PASSWORD_BYTES);
    TRY(secret_new_random(RANDOM_PASSWORD_BYTES, &bytes));
    encode_base64url(&text, secret_bytes(bytes));
    int result = buf_error(&text);
    if (result == 0)
        result = secret_new(buf_str(&text), ret_password);
    if (text.ptr)
        explicit_bzero(text.ptr, text.len);
    buf_free(&text);
    return result;
}

/* The configured password, or a random one that is kept in ret_random until it was taken. */
static int choose_password(struct call *call, struct str *ret_password, struct secret **ret_random)
{
    const struct config *config = call->host->options.config;
    struct str configured =
        config ? secret_bytes(config_get_secret(config, &identity_config[IDENTITY_CONFIG_ADMIN_PASSWORD])) : STR_EMPTY;
    if (configured.len > 0) {
        *ret_password = configured;
        return 0;
    }
    TRY(random_password(ret_random));
    *ret_password = secret_bytes(*ret_random);
    return 0;
}

int identity_make_first_administrator(struct call *call, struct identity *identity)
{
    const struct config *config = call->host->options.config;
    struct first_administrator first = {.call = call};
    struct str password;
    CLEANUP(secret_cleanup) struct secret *random = NULL;
    TRY(call_read(call, count_administrators, &first));
    if (first.exists)
        return 0;
    first.email = identity_normal_email(
        call, config ? config_get_cstr(config, &identity_config[IDENTITY_CONFIG_ADMIN_EMAIL]) : IDENTITY_ADMIN_EMAIL);
    if (!first.email.ptr || first.email.len > IDENTITY_EMAIL_MAX)
        return call_fail(call, ERR_INVALID, "admin_email", NULL, "SHOPSTREAM_ADMIN_EMAIL is not an e-mail address.");
    TRY(choose_password(call, &password, &random));
    TRY(idp_enrol(identity->idp, call->arena, first.email, password, call->deadline_ns, &first.credential));
    TRY(call_write(call, record_administrator, &first));
    if (random) {
        memcpy(identity->first_email, first.email.ptr, first.email.len);
        identity->first_password = random;
        random = NULL;
    }
    return 0;
}

int take_first_administrator(struct call *call, const Identity__TakeFirstAdministratorRequest *in,
                             Identity__FirstAdministrator *out)
{
    (void)in;
    struct identity *identity = identity_of(call);
    TASK_LOCKED(&identity->mutex);
    if (!identity->first_password)
        return 0;
    out->email = arena_cstr(call->arena, str_from_cstr(identity->first_email));
    out->password = arena_cstr(call->arena, secret_bytes(identity->first_password));
    if (!out->email || !out->password)
        return ERR_NO_MEMORY;
    secret_free(identity->first_password);
    identity->first_password = NULL;
    return 0;
}
