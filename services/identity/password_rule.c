/* Which passwords are too easy to guess: those that many people have, and those that say the shop's or the person's own
 * name. What they are made of is nobody's business otherwise. */
#include "services/identity/identity.h"

#include <common_passwords.h>
#include <stdlib.h>

#define COMMON_COUNT (sizeof(common_passwords) / sizeof(common_passwords[0]))
#define PASSWORD_BYTES_MAX 512 /* more than 128 characters have */

/* Words of the place: what a password is when its digits and signs at both ends are taken off. */
static const char *const shop_words[] = {"shopstream", "shop stream"};

static int compare(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

static struct str trim_to_letters(struct str text)
{
    while (text.len && !is_letter(text.ptr[0]))
        text = str_skip(text, 1);
    while (text.len && !is_letter(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static bool is_word_of(struct str core, struct str word)
{
    return word.len && core.len && str_equal_nocase(core, word);
}

static bool is_own_word(struct str password, struct str email, struct str name)
{
    struct str core = trim_to_letters(password), local = email;
    ptrdiff_t at = str_find_char(email, '@');

    if (at > 0)
        local = str_slice(email, 0, (size_t)at);
    for (size_t i = 0; i < sizeof(shop_words) / sizeof(shop_words[0]); i++) {
        if (is_word_of(core, str_from_cstr(shop_words[i])))
            return true;
    }
    return (email.len && str_equal_nocase(password, email)) || is_word_of(core, trim_to_letters(local)) ||
           is_word_of(core, trim_to_letters(name));
}

const char *identity_password_weakness(struct str password, struct str email, struct str name, const char **ret_code)
{
    char lower[PASSWORD_BYTES_MAX + 1];

    if (password.len > PASSWORD_BYTES_MAX)
        return NULL; /* no word of a list */
    for (size_t i = 0; i < password.len; i++) {
        char c = password.ptr[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    lower[password.len] = '\0';
    *ret_code = "password_too_common";
    if (bsearch(lower, common_passwords, COMMON_COUNT, sizeof(common_passwords[0]), compare))
        return "Many people have this password, so it is guessed first: choose another one.";
    *ret_code = "password_too_easy";
    if (is_own_word(str_from(lower, password.len), email, name))
        return "This password is the name of you or the shop, so it is guessed first: choose another one.";
    return NULL;
}

int identity_check_password(struct call *call, struct str password, struct str email, struct str name,
                            const char *pointer)
{
    const char *code, *weakness = identity_password_weakness(password, email, name, &code);

    return weakness ? call_fail(call, ERR_INVALID, code, pointer, "%s", weakness) : 0;
}
