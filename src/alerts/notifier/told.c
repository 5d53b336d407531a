#include "alerts/notifier/told.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/varint.h"

enum { FORM = 1, FIELDS = 9, FLAG_ESCALATION = 1, FLAG_OVER = 2 };

void told_done(struct told *told) {
    free(told->message);
    *told = (struct told) { 0 };
}

void told_write(const struct told *told, struct buf *out) {
    const uint64_t fields[FIELDS] = {
        FORM,
        (uint64_t)told->due_ms,
        (uint64_t)told->told_ms,
        told->version,
        (uint64_t)told->last_ms,
        (uint64_t)told->edited_ms,
        (told->is_escalation ? FLAG_ESCALATION : 0U) | (told->is_over ? FLAG_OVER : 0U),
        (uint64_t)told->gather,
        told->digest,
    };
    for (size_t i = 0; i < FIELDS; i++)
        varint_add(out, fields[i]);
    if (told->message)
        buf_add_text(out, told->message);
}

bool told_read(struct slice bytes, struct told *ret_told) {
    uint64_t fields[FIELDS];

    for (size_t i = 0; i < FIELDS; i++)
        if (!varint_take(&bytes, &fields[i]))
            return false;
    if (fields[0] != FORM || fields[7] > DECISION_MANY)
        return false;
    *ret_told = (struct told) {
        .due_ms = (int64_t)fields[1],
        .told_ms = (int64_t)fields[2],
        .version = fields[3],
        .last_ms = (int64_t)fields[4],
        .edited_ms = (int64_t)fields[5],
        .is_escalation = (fields[6] & FLAG_ESCALATION) != 0,
        .is_over = (fields[6] & FLAG_OVER) != 0,
        .gather = (enum decision_gather)fields[7],
        .digest = fields[8],
        .message = bytes.len > 0 ? mem_dup(bytes.at, bytes.len) : NULL,
    };
    return true;
}
