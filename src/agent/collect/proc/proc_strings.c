#include "agent/collect/proc/proc_strings.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/utf8.h"

enum { BLOCK_BYTES = 8192 - 32 };

struct proc_strings_block {
    struct proc_strings_block *next; /* owned */
    size_t used;
    size_t cap;
    char bytes[];
};

static char *make_room(struct proc_strings *strings, size_t len) {
    struct proc_strings_block *block = strings->blocks;

    if (!block || block->cap - block->used < len) {
        size_t cap = len > BLOCK_BYTES ? len : BLOCK_BYTES;
        block = mem_grow(NULL, sizeof(*block) + cap);
        block->next = strings->blocks;
        block->used = 0;
        block->cap = cap;
        strings->blocks = block;
    }
    return block->bytes + block->used;
}

static void took(struct proc_strings *strings, size_t len) {
    strings->blocks->used += len;
    strings->bytes += len;
}

static bool is_control(unsigned char c) {
    return c < ' ' || c == 0x7f;
}

static bool is_plain(const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (is_control((unsigned char)bytes[i]) || (unsigned char)bytes[i] >= 0x80)
            return false;
    return true;
}

static size_t clean(char *out, const char *bytes, size_t len) {
    size_t at = 0, used = 0;

    while (at < len) {
        size_t char_len = utf8_char_len(slice_of(bytes + at, len - at));
        bool is_c1 = char_len == 2 && (unsigned char)bytes[at] == 0xc2 &&
                     (unsigned char)bytes[at + 1] < 0xa0;
        if (char_len == 0) {
            memcpy(out + used, "\xef\xbf\xbd", 3);
            used += 3;
            at++;
        } else if (is_c1 || is_control((unsigned char)bytes[at])) {
            out[used++] = ' ';
            at += char_len;
        } else {
            memcpy(out + used, bytes + at, char_len);
            used += char_len;
            at += char_len;
        }
    }
    return used;
}

const char *proc_strings_add(struct proc_strings *strings,
                             const char *bytes,
                             size_t len) {
    bool plain = is_plain(bytes, len);
    char *out = make_room(strings, plain ? len + 1 : 3 * len + 1);
    size_t used = len;

    if (!plain)
        used = clean(out, bytes, len);
    else if (len > 0)
        memcpy(out, bytes, len);
    out[used] = '\0';
    took(strings, used + 1);
    return out;
}

void proc_strings_done(struct proc_strings *strings) {
    struct proc_strings_block *block = strings->blocks;

    while (block) {
        struct proc_strings_block *next = block->next;
        free(block);
        block = next;
    }
    *strings = (struct proc_strings) { 0 };
}
