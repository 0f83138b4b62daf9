/* One-time codes of six digits, sent by mail. What makes so few digits enough: each code takes CODE_ATTEMPTS_MAX tries,
 * lives CODE_LIFETIME_MS, and tries are counted by account and by address on top. */
#include "platform/base/hash.h"
#include "platform/ports/random/random.h"
#include "platform/service/mail_worker.h"
#include "services/identity/identity.h"

#include <stdio.h>

static const char *purpose_name(enum code_purpose purpose)
{
    return purpose == CODE_VERIFY ? "verify" : "reset";
}

/* Under the shop's key and bound to the account, or a table of a million hashes would open every code. */
static int hash_code(struct call *call, const struct account *account, enum code_purpose purpose, struct str code,
                     unsigned char ret_hash[IDENTITY_HASH_BYTES])
{
    char *text = arena_printf(call->arena, "%.*s\n%.*s\n%s\n%.*s", STR_FORMAT(call->tenant), STR_FORMAT(account->id),
                              purpose_name(purpose), STR_FORMAT(code));
    if (!text)
        return ERR_NO_MEMORY;
    hash_hmac_sha256(str_from(identity_of(call)->code_key, IDENTITY_KEY_BYTES), str_from_cstr(text), ret_hash);
    return 0;
}

/* Keeps the newest CODE_LIVE_MAX codes. */
static int drop_surplus(struct call *call, const struct account *account, enum code_purpose purpose)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(call->tx, &identity_sql_find_surplus_code,
                              SQL_ARGS(sql_text(call->tenant), sql_text(account->id), sql_cstr(purpose_name(purpose)),
                                       sql_int(CODE_LIVE_MAX)),
                              &rows);
    if (found <= 0)
        return found;
    struct str newest = arena_copy(call->arena, sql_get_text(rows, 0));
    if (!newest.ptr)
        return ERR_NO_MEMORY;
    return sql_exec(
        call->tx, &identity_sql_delete_codes_until,
        SQL_ARGS(sql_text(call->tenant), sql_text(account->id), sql_cstr(purpose_name(purpose)), sql_text(newest)),
        NULL);
}

static int mail_code(struct call *call, const struct account *account, enum code_purpose purpose, const char *code)
{
    /* The name that somebody gave at sign-up is not in the mail, or our mails would carry a stranger's text. */
    if (purpose == CODE_VERIFY)
        return mail_enqueue(call, "verification", account->email, "Your confirmation code",
                            "Welcome!\n\nThis code confirms your e-mail address:\n\nCode: %s\n\nIt is good for %d "
                            "minutes. If you did not sign up, you can ignore this mail.\n",
                            code, (int)(CODE_LIFETIME_MS / 60000));
    return mail_enqueue(
        call, "password_reset", account->email, "Your code for a new password",
        "Somebody, hopefully you, asked for a new password.\n\nCode: %s\n\nIt is good for %d minutes. If "
        "it was not you, you can ignore this mail: your password stays as it is.\n",
        code, (int)(CODE_LIFETIME_MS / 60000));
}

int identity_send_code(struct call *call, const struct account *account, enum code_purpose purpose, struct str name,
                       struct str credential)
{
    char code[CODE_DIGITS + 1];
    unsigned char hash[IDENTITY_HASH_BYTES];
    char *id = call_new_id(call);
    snprintf(code, sizeof(code), "%06u", (unsigned)random_below(1000000));
    if (!id)
        return ERR_NO_MEMORY;
    TRY(hash_code(call, account, purpose, str_from_cstr(code), hash));
    TRY(sql_exec(call->tx, &identity_sql_insert_code,
                 SQL_ARGS(sql_text(call->tenant), sql_cstr(id), sql_text(account->id), sql_cstr(purpose_name(purpose)),
                          sql_blob(str_from(hash, sizeof(hash))), sql_text(credential), sql_text(name),
                          sql_int(clock_latest_ms() + CODE_LIFETIME_MS)),
                 NULL));
    TRY(drop_surplus(call, account, purpose));
    return mail_code(call, account, purpose, code);
}

int identity_send_nothing(struct call *call)
{
    return mail_enqueue(call, "none", STR_EMPTY, "", "%s", "");
}

static int copy_text(struct call *call, struct sql_rows *rows, unsigned column, struct str *ret_copy)
{
    struct str text = sql_get_text(rows, column);
    struct str copy = arena_copy(call->arena, text);
    if (text.len > 0 && !copy.ptr)
        return ERR_NO_MEMORY;
    *ret_copy = copy;
    return 0;
}

/* Looks at every live code, so that the time says nothing about which one matched. 1 when one did. */
static int match_code(struct call *call, const struct account *account, enum code_purpose purpose,
                      struct str expected_hash, struct account *confirmed)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int matched = 0;
    int row;
    TRY(sql_query(call->tx, &identity_sql_list_codes,
                  SQL_ARGS(sql_text(call->tenant), sql_text(account->id), sql_cstr(purpose_name(purpose)),
                           sql_int(CODE_ATTEMPTS_MAX), sql_int(clock_latest_ms()), sql_int(CODE_LIVE_MAX)),
                  &rows));
    while ((row = sql_next(rows)) > 0) {
        if (!str_equal_constant_time(sql_get_text(rows, 1), expected_hash))
            continue;
        TRY(copy_text(call, rows, 2, &confirmed->credential));
        TRY(copy_text(call, rows, 3, &confirmed->name));
        matched = 1;
    }
    return row < 0 ? row : matched;
}

int identity_use_code(struct call *call, const struct account *account, enum code_purpose purpose, const char *code,
                      struct account *ret_confirmed)
{
    struct account confirmed = *account;
    unsigned char hash[IDENTITY_HASH_BYTES];
    TRY(hash_code(call, account, purpose, str_trim(str_from_cstr(code)), hash));
    int matched = match_code(call, account, purpose, str_from(hash, sizeof(hash)), &confirmed);
    TRY(matched);
    TRY(sql_exec(call->tx, matched ? &identity_sql_delete_codes : &identity_sql_count_attempt,
                 SQL_ARGS(sql_text(call->tenant), sql_text(account->id), sql_cstr(purpose_name(purpose))), NULL));
    if (matched && ret_confirmed)
        *ret_confirmed = confirmed;
    return matched;
}

int identity_fail_code(struct call *call)
{
    return call_fail(call, ERR_INVALID, "invalid_code", "/code",
                     "This code is wrong, was used, or its time is up. Ask for a new one.");
}
