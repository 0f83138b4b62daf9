/* Chunks of output. In the usual case a request's answer is written into a chunk from the loop's free list, sent whole
 * by the first try, and the chunk goes back: nothing is allocated, and an idle connection holds none. */
#include "platform/net/server_internal.h"

#include <stdlib.h>

static struct http_chunk *chunk_take(struct http_loop *loop, size_t size)
{
    struct http_chunk *chunk = loop->free_chunks;
    if (chunk && size <= HTTP_CHUNK_BYTES) {
        loop->free_chunks = chunk->next;
        loop->free_chunk_count--;
    } else {
        size_t capacity = size > HTTP_CHUNK_BYTES ? size : HTTP_CHUNK_BYTES;
        chunk = malloc(sizeof *chunk + capacity);
        if (!chunk)
            return NULL;
        chunk->capacity = capacity;
    }
    chunk->next = NULL;
    chunk->begin = 0;
    chunk->end = 0;
    chunk->tail = STR_EMPTY;
    chunk->blob = NULL;
    chunk->exchange = NULL;
    return chunk;
}

static void chunk_give_back(struct http_loop *loop, struct http_chunk *chunk)
{
    http_blob_unref(chunk->blob);
    if (chunk->exchange)
        http_exchange_recycle(chunk->exchange);
    if (chunk->capacity == HTTP_CHUNK_BYTES && loop->free_chunk_count < HTTP_CHUNKS_KEPT) {
        chunk->next = loop->free_chunks;
        loop->free_chunks = chunk;
        loop->free_chunk_count++;
    } else {
        free(chunk);
    }
}

char *http_output_reserve(struct http_loop *loop, struct http_output *output, size_t size)
{
    struct http_chunk *last = output->last;
    if (!last || last->tail.len > 0 || last->capacity - last->end < size) {
        struct http_chunk *chunk = chunk_take(loop, size);
        if (!chunk)
            return NULL;
        if (last)
            last->next = chunk;
        else
            output->first = chunk;
        output->last = last = chunk;
    }
    return last->bytes + last->end;
}

void http_output_commit(struct http_output *output, size_t size)
{
    output->last->end += size;
    output->bytes += size;
}

bool http_output_append(struct http_loop *loop, struct http_output *output, struct str bytes)
{
    if (bytes.len == 0)
        return true;
    char *room = http_output_reserve(loop, output, bytes.len);
    if (!room)
        return false;
    memcpy(room, bytes.ptr, bytes.len);
    http_output_commit(output, bytes.len);
    return true;
}

bool http_output_append_held(struct http_loop *loop, struct http_output *output, struct str bytes,
                             struct http_blob *blob, struct http_exchange *exchange)
{
    if (!http_output_reserve(loop, output, 1)) /* a last chunk without a tail */
        return false;
    output->last->tail = bytes;
    output->last->blob = blob;
    output->last->exchange = exchange;
    output->bytes += bytes.len;
    return true;
}

unsigned http_output_buffers(const struct http_output *output, uv_buf_t buffers[HTTP_WRITE_BUFFERS_MAX])
{
    unsigned count = 0;
    for (const struct http_chunk *chunk = output->first; chunk && count + 2 <= HTTP_WRITE_BUFFERS_MAX;
         chunk = chunk->next) {
        if (chunk->end > chunk->begin)
            buffers[count++] = (uv_buf_t){(char *)chunk->bytes + chunk->begin, chunk->end - chunk->begin};
        if (chunk->tail.len > 0)
            buffers[count++] = (uv_buf_t){(char *)(uintptr_t)chunk->tail.ptr, chunk->tail.len};
    }
    return count;
}

void http_output_consume(struct http_loop *loop, struct http_output *output, size_t size)
{
    output->bytes -= size;
    for (struct http_chunk *chunk = output->first; chunk; chunk = output->first) {
        size_t own = chunk->end - chunk->begin;
        size_t taken = size < own ? size : own;
        chunk->begin += taken;
        size -= taken;
        taken = size < chunk->tail.len ? size : chunk->tail.len;
        chunk->tail = str_skip(chunk->tail, taken);
        size -= taken;
        if (chunk->begin < chunk->end || chunk->tail.len > 0)
            return;
        output->first = chunk->next;
        if (!output->first)
            output->last = NULL;
        chunk_give_back(loop, chunk);
    }
}

void http_output_clear(struct http_loop *loop, struct http_output *output)
{
    while (output->first) {
        struct http_chunk *chunk = output->first;
        output->first = chunk->next;
        chunk_give_back(loop, chunk);
    }
    *output = (struct http_output){0};
}
