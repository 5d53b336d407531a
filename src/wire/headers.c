#include "wire/headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum {
    FIRST_CAP = 12,      /* most heads have five to eleven fields */
    FIELD_OVERHEAD = 32, /* RFC 9113, 6.5.2 */
    BLOCK_FIRST = 1000,  /* those and their strings: with its head what malloc keeps */
    BLOCK_LAST = 4096,
};

/* Strings of fields, one after the other: one allocation for many. The first block begins
 * with the first fields. */
struct headers_block {
    struct headers_block *older; /* owned */
    size_t used;
    size_t cap;
    _Alignas(struct header) char text[];
};

void headers_init(struct headers *headers) {
    *headers = (struct headers) { 0 };
}

void headers_done(struct headers *headers) {
    if (headers->cap > FIRST_CAP)
        free(headers->fields);
    while (headers->blocks) {
        struct headers_block *block = headers->blocks;
        headers->blocks = block->older;
        free(block);
    }
    headers_init(headers);
}

/* Characters of tokens (RFC 9110, 5.6.2), and the bit that makes one lower case. Not
 * isalnum() and tolower(): those follow the locale. */
enum { TOKEN = 1, CASE = 'a' ^ 'A' };

static const uint8_t token_marks[256] = {
    ['0' ... '9'] = TOKEN, ['a' ... 'z'] = TOKEN, ['A' ... 'Z'] = TOKEN | CASE,
    ['!'] = TOKEN,         ['#'] = TOKEN,         ['$'] = TOKEN,
    ['%'] = TOKEN,         ['&'] = TOKEN,         ['\''] = TOKEN,
    ['*'] = TOKEN,         ['+'] = TOKEN,         ['-'] = TOKEN,
    ['.'] = TOKEN,         ['^'] = TOKEN,         ['_'] = TOKEN,
    ['`'] = TOKEN,         ['|'] = TOKEN,         ['~'] = TOKEN,
};

/* Copies it in lower case; false when it is none. */
static bool copy_name(char *to, struct slice name) {
    size_t i = name.len > 0 && name.at[0] == ':'; /* a pseudo-header */
    unsigned common = i < name.len ? TOKEN : 0;

    to[0] = ':';
    for (; i < name.len; i++) {
        unsigned mark = token_marks[name.at[i]];
        to[i] = (char)(name.at[i] | (mark & CASE));
        common &= mark;
    }
    to[name.len] = '\0';
    return common & TOKEN;
}

/* Copies it; false when it holds what ends a line or a string. */
static bool copy_value(char *to, struct slice value) {
    if (value.len > 0)
        memcpy(to, value.at, value.len);
    to[value.len] = '\0';
    return strcspn(to, "\r\n") == value.len;
}

static struct headers_block *add_block(struct headers *headers, size_t cap) {
    struct headers_block *block = mem_grow(NULL, sizeof(*block) + cap);

    *block = (struct headers_block) { .older = headers->blocks, .cap = cap };
    headers->blocks = block;
    return block;
}

static void begin(struct headers *headers) {
    struct headers_block *block = add_block(headers, BLOCK_FIRST);

    block->used = FIRST_CAP * sizeof(*headers->fields);
    headers->fields = (void *)block->text;
    headers->cap = FIRST_CAP;
}

/* Room for len bytes that stay where they are. */
static char *add_text(struct headers *headers, size_t len) {
    if (!headers->blocks)
        begin(headers);
    struct headers_block *block = headers->blocks;
    if (block->cap - block->used < len) {
        size_t cap = 2 * block->cap < BLOCK_LAST ? 2 * block->cap : BLOCK_LAST;
        block = add_block(headers, cap < len ? len : cap);
    }
    char *text = block->text + block->used;
    block->used += len;
    return text;
}

static size_t size_of(const struct header *field) {
    return field->name_len + field->value_len + FIELD_OVERHEAD;
}

/* The first array stays in its block. */
static void add_places(struct headers *headers) {
    bool is_first = headers->cap == FIRST_CAP;
    size_t size = headers->cap * sizeof(*headers->fields);
    struct header *fields = mem_grow(is_first ? NULL : headers->fields, 2 * size);

    if (is_first)
        memcpy(fields, headers->fields, size);
    headers->fields = fields;
    headers->cap *= 2;
}

void headers_lend(struct headers *headers, const struct header *field) {
    if (headers->cap == 0)
        begin(headers);
    else if (headers->count == headers->cap)
        add_places(headers);
    headers->fields[headers->count++] = *field;
    headers->bytes += size_of(field);
}

bool headers_add_slice(struct headers *headers, struct slice name, struct slice value) {
    size_t len = name.len + 1 + value.len + 1;
    char *text = add_text(headers, len);
    struct header field = {
        .name = text,
        .value = text + name.len + 1,
        .name_len = name.len,
        .value_len = value.len,
    };
    if (!copy_name(text, name) || !copy_value(text + name.len + 1, value)) {
        headers->blocks->used -= len;
        return false;
    }
    headers_lend(headers, &field);
    return true;
}

bool headers_add(struct headers *headers, const char *name, const char *value) {
    return headers_add_slice(headers, slice_of_text(name), slice_of_text(value));
}

void headers_add_seen(struct headers *headers, struct slice name, struct slice value) {
    char *text = add_text(headers, name.len + 1 + value.len + 1);
    struct header field = {
        .name = text,
        .value = text + name.len + 1,
        .name_len = name.len,
        .value_len = value.len,
    };

    memcpy(text, name.at, name.len);
    text[name.len] = '\0';
    memcpy(text + name.len + 1, value.at, value.len);
    text[name.len + 1 + value.len] = '\0';
    headers_lend(headers, &field);
}

static bool is_named(const struct header *field, struct slice name) {
    return field->name_len == name.len && name.len > 0 &&
           memcmp(field->name, name.at, name.len) == 0;
}

const char *headers_find(const struct headers *headers, struct slice name) {
    for (size_t i = 0; i < headers->count; i++)
        if (is_named(&headers->fields[i], name))
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
