#include "wire/h2_past.h"

#include <string.h>

enum {
    PREFACE_LEN = 24,
    TYPE_DATA = 0,
    TYPE_HEADERS = 1,
    TYPE_RST_STREAM = 3,
    TYPE_LAST = 9, /* CONTINUATION */
    FLAG_END_STREAM = 1,
};

void h2_past_init(struct h2_past *past) {
    *past = (struct h2_past) { .preface_left = PREFACE_LEN };
}

static int32_t *find(struct h2_past *past, int32_t id) {
    for (size_t i = 0; i < H2_PAST_KEPT; i++)
        if (past->ended[i] == id || past->ended[i] == -id)
            return &past->ended[i];
    return NULL;
}

static void note_end(struct h2_past *past, int32_t id, bool is_reset) {
    int32_t *at = find(past, id);

    if (!at)
        at = &past->ended[past->next++ % H2_PAST_KEPT];
    *at = is_reset ? -id : id;
}

static void note_opened(struct h2_past *past, int32_t id) {
    if (id > past->newest + 2) {
        past->skipped_from = past->newest + 1;
        past->skipped_to = id - 1;
    }
    past->newest = id;
}

static struct h2_past_fault judge(struct h2_past *past, uint8_t type, int32_t id) {
    const int32_t *at = find(past, id);

    if (at)
        return (struct h2_past_fault) { id, *at < 0 ? H2_PAST_RESET : H2_PAST_ENDED };
    if (type == TYPE_HEADERS && id >= past->skipped_from && id <= past->skipped_to)
        return (struct h2_past_fault) { id, H2_PAST_SKIPPED };
    return (struct h2_past_fault) { 0 };
}

/* A frame's head is complete. */
static struct h2_past_fault take_head(struct h2_past *past) {
    const uint8_t *head = past->head;
    uint8_t type = head[3];
    bool ends = head[4] & FLAG_END_STREAM;
    int32_t id = (int32_t)((head[5] & 0x7fu) << 24 | (unsigned)head[6] << 16 |
                           (unsigned)head[7] << 8 | head[8]);
    struct h2_past_fault fault = { 0 };

    past->head_len = 0;
    past->body_left = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
    if (type > TYPE_LAST || (type == TYPE_DATA && past->body_left == 0 && !ends))
        past->idle_frames++;
    if (id == 0)
        return fault;
    if (type == TYPE_RST_STREAM)
        note_end(past, id, true);
    if (type != TYPE_DATA && type != TYPE_HEADERS)
        return fault;
    if (type == TYPE_HEADERS && id > past->newest)
        note_opened(past, id);
    else
        fault = judge(past, type, id);
    if (fault.id == 0 && ends)
        note_end(past, id, false);
    return fault;
}

/* Steps over up to `left` bytes. */
static size_t step(struct slice *bytes, size_t left) {
    size_t n = left < bytes->len ? left : bytes->len;
    *bytes = slice_after(*bytes, n);
    return n;
}

size_t h2_past_walk(struct h2_past *past,
                    struct slice bytes,
                    struct h2_past_fault *ret_fault) {
    size_t len = bytes.len;

    *ret_fault = (struct h2_past_fault) { 0 };
    past->preface_left -= (uint8_t)step(&bytes, past->preface_left);
    while (bytes.len > 0 && ret_fault->id == 0) {
        if (past->body_left > 0) {
            past->body_left -= (uint32_t)step(&bytes, past->body_left);
            continue;
        }
        const uint8_t *at = bytes.at;
        size_t n = step(&bytes, (size_t)H2_PAST_HEAD - past->head_len);
        memcpy(past->head + past->head_len, at, n);
        past->head_len += (uint8_t)n;
        if (past->head_len == H2_PAST_HEAD)
            *ret_fault = take_head(past);
    }
    return len - bytes.len;
}
