#include "wire/headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum {
    FIRST_CAP = 12,      /* most heads have five to eleven fields */
    FIELD_OVERHEAD = 32, /* RFC 9113, 6.5.2 */
    BLOCK_FIRST = 240,   /* a response's head or trailers */
    BLOCK_LAST = 4096,
};

/* Strings of fields, one after the other: one allocation for many. */
struct headers_block {
    struct headers_block *older; /* owned */
    size_t used;
    size_t cap;
    char text[];
};

void headers_init(struct headers *headers) {
    *headers = (struct headers) { 0 };
}

void headers_done(struct headers *headers) {
    while (headers->blocks) {
        struct headers_block *block = headers->blocks;
        headers->blocks = block->older;
        free(block);
    }
    free(headers->fields);
    headers_init(headers);
}

/* RFC 9110, 5.6.2. Not isalnum() and tolower(): those follow the locale. */
static bool is_token_char(uint8_t c) {
    static const bool is_token[256] = {
        ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['!'] = true,
        ['#'] = true,         ['$'] = true,         ['%'] = true,         ['&'] = true,
        ['\''] = true,        ['*'] = true,         ['+'] = true,         ['-'] = true,
        ['.'] = true,         ['^'] = true,         ['_'] = true,         ['`'] = true,
        ['|'] = true,         ['~'] = true,
    };
    return is_token[c];
}

static bool is_name(struct slice name) {
    /* A pseudo-header is a token behind a colon. */
    if (name.len > 0 && name.at[0] == ':')
        name = slice_after(name, 1);
    if (name.len == 0)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_token_char(name.at[i]))
            return false;
    return true;
}

static bool is_value(struct slice value) {
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] == '\r' || value.at[i] == '\n' || value.at[i] == '\0')
            return false;
    return true;
}

static void copy_lower(char *to, struct slice name) {
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.at[i];
        to[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    to[name.len] = '\0';
}

/* Room for len bytes that stay where they are. */
static char *add_text(struct headers *headers, size_t len) {
    struct headers_block *block = headers->blocks;

    if (!block || block->cap - block->used < len) {
        size_t cap = block ? 2 * block->cap : BLOCK_FIRST;
        cap = cap > BLOCK_LAST ? BLOCK_LAST : cap;
        cap = cap < len ? len : cap;
        struct headers_block *newer = mem_grow(NULL, sizeof(*newer) + cap);
        *newer = (struct headers_block) { .older = block, .cap = cap };
        headers->blocks = block = newer;
    }
    char *text = block->text + block->used;
    block->used += len;
    return text;
}

static size_t size_of(const struct header *field) {
    return field->name_len + field->value_len + FIELD_OVERHEAD;
}

void headers_lend(struct headers *headers, const struct header *field) {
    if (headers->count == headers->cap) {
        headers->cap = headers->cap ? headers->cap * 2 : FIRST_CAP;
        headers->fields =
            mem_grow(headers->fields, headers->cap * sizeof(*headers->fields));
    }
    headers->fields[headers->count++] = *field;
    headers->bytes += size_of(field);
}

bool headers_add_slice(struct headers *headers, struct slice name, struct slice value) {
    if (!is_name(name) || !is_value(value))
        return false;

    char *text = add_text(headers, name.len + 1 + value.len + 1);
    struct header field = {
        .name = text,
        .value = text + name.len + 1,
        .name_len = name.len,
        .value_len = value.len,
    };
    copy_lower(text, name);
    if (value.len > 0)
        memcpy(text + name.len + 1, value.at, value.len);
    text[name.len + 1 + value.len] = '\0';
    headers_lend(headers, &field);
    return true;
}

bool headers_add(struct headers *headers, const char *name, const char *value) {
    return headers_add_slice(headers, slice_of_text(name), slice_of_text(value));
}

static bool is_named(const struct header *field, struct slice name) {
    return field->name_len == name.len && name.len > 0 &&
           memcmp(field->name, name.at, name.len) == 0;
}

const char *headers_get(const struct headers *headers, const char *name) {
    struct slice wanted = slice_of_text(name);

    for (size_t i = 0; i < headers->count; i++)
        if (is_named(&headers->fields[i], wanted))
            return headers->fields[i].value;
    return NULL;
}

/* Is one of the comma-separated members of text the token? */
static bool list_holds(const char *text, const char *token) {
    size_t token_len = strlen(token);

    while (*text) {
        text += strspn(text, " \t,");
        size_t len = strcspn(text, ",");
        const char *after = text + len;
        while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
            len--;
        if (len > 0 && len == token_len && strncasecmp(text, token, len) == 0)
            return true;
        text = after;
    }
    return false;
}

bool headers_has_token(const struct headers *headers,
                       const char *name,
                       const char *token) {
    for (size_t i = 0; i < headers->count; i++) {
        const struct header *field = &headers->fields[i];
        if (strcmp(field->name, name) == 0 && list_holds(field->value, token))
            return true;
    }
    return false;
}

void headers_remove(struct headers *headers, const char *name) {
    struct slice unwanted = slice_of_text(name);
    size_t kept = 0;

    for (size_t i = 0; i < headers->count; i++) {
        const struct header *field = &headers->fields[i];
        if (is_named(field, unwanted))
            headers->bytes -= size_of(field);
        else
            headers->fields[kept++] = *field;
    }
    headers->count = kept;
}

void headers_filter(struct headers *headers, bool (*keep)(const struct header *field)) {
    size_t kept = 0;

    for (size_t i = 0; i < headers->count; i++) {
        const struct header *field = &headers->fields[i];
        if (keep(field))
            headers->fields[kept++] = *field;
        else
            headers->bytes -= size_of(field);
    }
    headers->count = kept;
}

void headers_add_all(struct headers *headers, const struct headers *from) {
    for (size_t i = 0; i < from->count; i++) {
        struct header field = from->fields[i];
        size_t len = field.name_len + 1 + field.value_len + 1;
        char *text = add_text(headers, len);
        memcpy(text, field.name, field.name_len + 1);
        memcpy(text + field.name_len + 1, field.value, field.value_len + 1);
        field.name = text;
        field.value = text + field.name_len + 1;
        headers_lend(headers, &field);
    }
}

void headers_move(struct headers *to, struct headers *from) {
    *to = *from;
    headers_init(from);
}
