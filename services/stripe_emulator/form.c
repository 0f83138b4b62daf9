#include "services/stripe_emulator/form.h"

#include "platform/base/err.h"
#include "platform/net/http.h"

int form_parse(struct arena *arena, struct str encoded, struct form *ret_form)
{
    struct form form = {.fields = arena_alloc_array(arena, FORM_FIELDS_MAX, sizeof(struct form_field))};
    if (!form.fields)
        return ERR_NO_MEMORY;
    struct form_field field = {STR_EMPTY, STR_EMPTY};
    int more;
    while ((more = http_query_next(arena, &encoded, &field.name, &field.value)) == 1) {
        if (form.count == FORM_FIELDS_MAX)
            return ERR_TOO_LARGE;
        if (!field.value.ptr)
            field.value = STR("");
        form.fields[form.count++] = field;
    }
    if (more < 0)
        return more;
    *ret_form = form;
    return 0;
}

struct str form_find(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (str_equal_cstr(form->fields[i].name, name))
            return form->fields[i].value;
    }
    return STR_EMPTY;
}

bool form_next_key(const struct form *form, const char *prefix, size_t *position, struct str *ret_key,
                   struct str *ret_value)
{
    struct str head = str_from_cstr(prefix);
    for (; *position < form->count; (*position)++) {
        struct str name = form->fields[*position].name;
        if (!str_starts_with(name, head) || name.len < head.len + 2 || name.ptr[head.len] != '[' ||
            name.ptr[name.len - 1] != ']')
            continue;
        *ret_key = str_slice(name, head.len + 1, name.len - head.len - 2);
        *ret_value = form->fields[*position].value;
        (*position)++;
        return true;
    }
    return false;
}

bool form_expands(const struct form *form, const char *path)
{
    for (size_t i = 0; i < form->count; i++) {
        if (str_starts_with(form->fields[i].name, STR("expand[")) && str_equal_cstr(form->fields[i].value, path))
            return true;
    }
    return false;
}
