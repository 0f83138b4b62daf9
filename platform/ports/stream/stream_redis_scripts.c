/* What the server runs as one step, in Lua.
 *
 * An entry's id there is N-0, N the port's id. All numbers stay below 2^53, as far as Lua's are exact. KEYS are the
 * stream, the last id and the tokens, as far as a script needs them. */
#include "platform/ports/stream/stream_redis.h"

#define NUMBER_OF "local function number_of(id) return tonumber(string.match(id, '^%d+')) end\n"

/* The fields of one group, by their names; nil where there is none. */
#define GROUPS                                                                                                         \
    "local function groups_of(key)\n"                                                                                  \
    "  local groups = {}\n"                                                                                            \
    "  for _, row in ipairs(redis.call('XINFO', 'GROUPS', key)) do\n"                                                  \
    "    local group = {}\n"                                                                                           \
    "    for i = 1, #row, 2 do group[row[i]] = row[i + 1] end\n"                                                       \
    "    groups[#groups + 1] = group\n"                                                                                \
    "  end\n"                                                                                                          \
    "  return groups\n"                                                                                                \
    "end\n"

/* At most limit entries of which every group was given, and has acknowledged, all up to there. */
#define TRIM                                                                                                           \
    NUMBER_OF GROUPS "local function trim(limit)\n"                                                                    \
                     "  local done\n"                                                                                  \
                     "  for _, group in ipairs(groups_of(KEYS[1])) do\n"                                               \
                     "    local last = number_of(group['last-delivered-id'])\n"                                        \
                     "    if group['pending'] > 0 then\n"                                                              \
                     "      last = math.min(last, number_of(redis.call('XPENDING', KEYS[1], group['name'])[2]) - 1)\n" \
                     "    end\n"                                                                                       \
                     "    done = done and math.min(done, last) or last\n"                                              \
                     "  end\n"                                                                                         \
                     "  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]\n"                        \
                     "  if not done or not first then return 0 end\n"                                                  \
                     "  local keep = math.min(done + 1, number_of(first[1]) + limit)\n"                                \
                     "  return redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f-0', keep))\n"                 \
                     "end\n"

/* Tokens, by the time when they may be forgotten: a week after they came, and an hour after their rows were removed.
 * Who read a row before that and sends it after half an hour is refused: so no token is forgotten that may still come.
 */

/* ARGV: the length at which it is full, how many to trim then, the payload, a token or nothing, when its row was read.
 */
const struct redis_script stream_redis_append = {
    .key_count = 3,
    .text = TRIM "if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then return redis.status_reply('GONE') end\n"
                 "local now = tonumber(redis.call('TIME')[1])\n"
                 "if ARGV[4] ~= '' then\n"
                 "  if redis.call('ZSCORE', KEYS[3], ARGV[4]) then return '0' end\n"
                 "  if now - tonumber(ARGV[5]) > 1800 then return redis.status_reply('LATE') end\n"
                 "end\n"
                 "local length_max = tonumber(ARGV[1])\n"
                 "if redis.call('XLEN', KEYS[1]) >= length_max then\n"
                 "  trim(tonumber(ARGV[2]))\n"
                 "  if redis.call('XLEN', KEYS[1]) >= length_max then return redis.status_reply('FULL') end\n"
                 "end\n"
                 "local id = string.format('%.0f', redis.call('INCR', KEYS[2]))\n"
                 "redis.call('XADD', KEYS[1], id .. '-0', 'p', ARGV[3])\n"
                 "if ARGV[4] ~= '' then\n"
                 "  redis.call('ZADD', KEYS[3], now + 7 * 86400, ARGV[4])\n"
                 "  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)\n"
                 "end\n"
                 "return id\n",
};

/* KEYS: the tokens. ARGV: those whose rows are removed. */
const struct redis_script stream_redis_settle = {
    .key_count = 1,
    .text = "local time = tonumber(redis.call('TIME')[1]) + 3600\n"
            "for _, token in ipairs(ARGV) do redis.call('ZADD', KEYS[1], 'XX', time, token) end\n"
            "return 0\n",
};

/* ARGV: the group. */
const struct redis_script stream_redis_create_group = {
    .key_count = 2,
    .text = NUMBER_OF
    "if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then return redis.status_reply('GONE') end\n"
    "local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]\n"
    "local before = first and number_of(first[1]) - 1 or tonumber(redis.call('GET', KEYS[2]))\n"
    "local result = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], string.format('%.0f-0', before))\n"
    "if type(result) == 'table' and result.err and not string.find(result.err, 'BUSYGROUP') then return result end\n"
    "return 0\n",
};

/* ARGV: the id before the first. What is there stays. */
const struct redis_script stream_redis_make = {
    .key_count = 2,
    .text = NUMBER_OF "if redis.call('EXISTS', KEYS[1], KEYS[2]) == 2 then return 0 end\n"
                      "local last = tonumber(ARGV[1])\n"
                      "if redis.call('EXISTS', KEYS[1]) == 1 then\n"
                      "  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]\n"
                      "  if newest then last = math.max(last, number_of(newest[1])) end\n"
                      "else\n"
                      "  redis.call('XGROUP', 'CREATE', KEYS[1], 'new', '$', 'MKSTREAM')\n"
                      "  redis.call('XGROUP', 'DESTROY', KEYS[1], 'new')\n"
                      "end\n"
                      "redis.call('SET', KEYS[2], string.format('%.0f', last))\n"
                      "return 0\n",
};

/* ARGV: the group, the consumer, the limit, after how many milliseconds pending ones are claimed. Returns {id,
 * deliveries, payload} of each. It looks at 16 pages of pending ones for some that may be claimed; what lies behind
 * them is found when they are acknowledged. */
const struct redis_script stream_redis_read = {
    .key_count = 1,
    .text =
        "local found, limit, cursor = {}, tonumber(ARGV[3]), '0-0'\n"
        "for _ = 1, 16 do\n"
        "  local page = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[4], cursor, 'COUNT', limit - #found)\n"
        "  for _, entry in ipairs(page[2]) do\n"
        "    local pending = redis.call('XPENDING', KEYS[1], ARGV[1], entry[1], entry[1], 1)[1]\n"
        "    found[#found + 1] = {entry[1], pending[4], entry[2][2]}\n"
        "  end\n"
        "  cursor = page[1]\n"
        "  if cursor == '0-0' or #found >= limit then break end\n"
        "end\n"
        "if #found >= limit then return found end\n"
        "local new = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', limit - #found, 'STREAMS', KEYS[1], "
        "'>')\n"
        "for _, entry in ipairs(new and new[1][2] or {}) do found[#found + 1] = {entry[1], 1, entry[2][2]} end\n"
        "return found\n",
};

/* ARGV: the group, the consumer, the id. Returns 0 where it is not pending for them. */
const struct redis_script stream_redis_ack = {
    .key_count = 1,
    .text = "local id = ARGV[3] .. '-0'\n"
            "if #redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1, ARGV[2]) == 0 then return 0 end\n"
            "return redis.call('XACK', KEYS[1], ARGV[1], id)\n",
};

/* ARGV: how many at most. */
const struct redis_script stream_redis_trim = {
    .key_count = 1,
    .text = TRIM "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end\n"
                 "return trim(tonumber(ARGV[1]))\n",
};

/* ARGV: the group. Returns {length, last id, lag, pending}. */
const struct redis_script stream_redis_stats = {
    .key_count = 2,
    .text = NUMBER_OF GROUPS
    "if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then return redis.status_reply('GONE') end\n"
    "local last = redis.call('GET', KEYS[2])\n"
    "for _, group in ipairs(groups_of(KEYS[1])) do\n"
    "  if group['name'] == ARGV[1] then\n"
    "    return {redis.call('XLEN', KEYS[1]), last, tonumber(last) - number_of(group['last-delivered-id']), "
    "group['pending']}\n"
    "  end\n"
    "end\n"
    "return redis.error_reply('NOGROUP of that name')\n",
};
