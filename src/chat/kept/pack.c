#include "chat/kept/pack.h"

#include <string.h>

#include "base/mem.h"
#include "base/varint.h"

void pack_text(struct buf *out, const char *text) {
    size_t len = text ? strlen(text) : 0;

    varint_add(out, len);
    buf_add(out, text ? text : "", len);
}

void pack_number(struct buf *out, int64_t number) {
    varint_add(out, varint_zigzag((uint64_t)number));
}

static bool take(struct pack_reader *reader, uint64_t *ret_number) {
    if (reader->is_bad || reader->rest.len == 0)
        return false;
    reader->is_bad = !varint_take(&reader->rest, ret_number);
    return !reader->is_bad;
}

char *pack_take_text(struct pack_reader *reader) {
    uint64_t len = 0;

    if (!take(reader, &len))
        return mem_strdup("");
    if (len > reader->rest.len || (len > 0 && memchr(reader->rest.at, '\0', len))) {
        reader->is_bad = true;
        return mem_strdup("");
    }
    char *text = mem_dup(len > 0 ? (const void *)reader->rest.at : "", len);
    reader->rest = slice_after(reader->rest, len);
    return text;
}

int64_t pack_take_number(struct pack_reader *reader) {
    uint64_t number = 0;

    return take(reader, &number) ? (int64_t)varint_unzigzag(number) : 0;
}
