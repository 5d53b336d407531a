#include "wire/headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum {
    FIRST_CAP = 8,       /* most heads have five to eight fields */
    FIELD_OVERHEAD = 32, /* RFC 9113, 6.5.2 */
};

/* RFC 9110, 5.6.2: token, without the letters and digits. */
static const char token_marks[] = "!#$%&'*+-.^_`|~";

void headers_init(struct headers *headers) {
    *headers = (struct headers) { 0 };
}

void headers_done(struct headers *headers) {
    for (size_t i = 0; i < headers->count; i++)
        free(headers->fields[i].name);
    free(headers->fields);
    headers_init(headers);
}

/* Not isalnum() and tolower(): those follow the locale. */
static bool is_token_char(uint8_t c) {
    uint8_t letter = c | 0x20;
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(token_marks, c));
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

/* Appends a field with room for its name and value, both still empty. */
static struct header *add_field(struct headers *headers, size_t name_len, size_t len) {
    if (headers->count == headers->cap) {
        headers->cap = headers->cap ? headers->cap * 2 : FIRST_CAP;
        headers->fields =
            mem_grow(headers->fields, headers->cap * sizeof(*headers->fields));
    }
    struct header *field = &headers->fields[headers->count++];
    field->name = mem_grow(NULL, name_len + 1 + len + 1);
    field->value = field->name + name_len + 1;
    field->value_len = len;
    headers->bytes += name_len + len + FIELD_OVERHEAD;
    return field;
}

bool headers_add_slice(struct headers *headers, struct slice name, struct slice value) {
    if (!is_name(name) || !is_value(value))
        return false;

    struct header *field = add_field(headers, name.len, value.len);
    copy_lower(field->name, name);
    if (value.len > 0)
        memcpy(field->value, value.at, value.len);
    field->value[value.len] = '\0';
    return true;
}

bool headers_add(struct headers *headers, const char *name, const char *value) {
    return headers_add_slice(headers, slice_of_text(name), slice_of_text(value));
}

const char *headers_get(const struct headers *headers, const char *name) {
    for (size_t i = 0; i < headers->count; i++)
        if (strcmp(headers->fields[i].name, name) == 0)
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
    size_t kept = 0;

    for (size_t i = 0; i < headers->count; i++) {
        struct header *field = &headers->fields[i];
        if (strcmp(field->name, name) == 0) {
            headers->bytes -= strlen(name) + field->value_len + FIELD_OVERHEAD;
            free(field->name);
        } else {
            headers->fields[kept++] = *field;
        }
    }
    headers->count = kept;
}

void headers_add_all(struct headers *headers, const struct headers *from) {
    for (size_t i = 0; i < from->count; i++) {
        size_t name_len = strlen(from->fields[i].name);
        size_t len = from->fields[i].value_len;
        struct header *field = add_field(headers, name_len, len);
        /* One block holds both, NULs included. */
        memcpy(field->name, from->fields[i].name, name_len + 1 + len + 1);
    }
}
