#include "platform/wire/json_writer.h"

#include "platform/wire/wire.h"

static void separate(struct json_writer *w)
{
    if (w->comma)
        buf_append_char(w->buf, ',');
    w->comma = true;
}

static void begin(struct json_writer *w, char bracket)
{
    separate(w);
    buf_append_char(w->buf, bracket);
    w->comma = false;
}

static void end(struct json_writer *w, char bracket)
{
    buf_append_char(w->buf, bracket);
    w->comma = true;
}

void json_begin_object(struct json_writer *w)
{
    begin(w, '{');
}

void json_end_object(struct json_writer *w)
{
    end(w, '}');
}

void json_begin_array(struct json_writer *w)
{
    begin(w, '[');
}

void json_end_array(struct json_writer *w)
{
    end(w, ']');
}

void json_key(struct json_writer *w, const char *key)
{
    separate(w);
    wire_json_string(w->buf, str_from_cstr(key));
    buf_append_char(w->buf, ':');
    w->comma = false;
}

void json_string(struct json_writer *w, struct str value)
{
    separate(w);
    wire_json_string(w->buf, value);
}

void json_cstring(struct json_writer *w, const char *value)
{
    json_string(w, str_from_cstr(value));
}

void json_int(struct json_writer *w, int64_t value)
{
    separate(w);
    buf_append_int(w->buf, value);
}

void json_bool(struct json_writer *w, bool value)
{
    json_raw(w, value ? STR("true") : STR("false"));
}

void json_raw(struct json_writer *w, struct str json)
{
    separate(w);
    buf_append(w->buf, json);
}

void json_member_string(struct json_writer *w, const char *key, const char *value)
{
    if (!value)
        return;
    json_key(w, key);
    json_cstring(w, value);
}

void json_member_int(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_int(w, value);
}

void json_member_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_bool(w, value);
}

void json_member_object(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_begin_object(w);
}

void json_member_array(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_begin_array(w);
}
