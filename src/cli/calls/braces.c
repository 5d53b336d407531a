#include "cli/calls/braces.h"

void braces_init(struct braces *braces, size_t object_max) {
    *braces = (struct braces) { .object_max = object_max, .line = 1 };
}

void braces_done(struct braces *braces) {
    buf_done(&braces->data);
}

void braces_feed(struct braces *braces, struct slice bytes) {
    if (braces->start > 0) {
        buf_drop(&braces->data, braces->start);
        braces->start = 0;
    }
    if (!braces->failed)
        buf_add_slice(&braces->data, bytes);
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void see_in_string(struct braces *braces, uint8_t byte) {
    if (braces->escaped)
        braces->escaped = false;
    else if (byte == '\\')
        braces->escaped = true;
    else if (byte == '"')
        braces->in_string = false;
}

/* Looks at one byte inside an object; true when it was the object's last. */
static bool see(struct braces *braces, uint8_t byte) {
    if (braces->in_string) {
        see_in_string(braces, byte);
        return false;
    }
    if (byte == '"')
        braces->in_string = true;
    else if (byte == '{' || byte == '[')
        braces->depth++;
    else if ((byte == '}' || byte == ']') && --braces->depth == 0)
        return true;
    return false;
}

static int fail(struct braces *braces, int error) {
    braces->failed = error;
    return error;
}

int braces_next(struct braces *braces, struct slice *ret_object) {
    if (braces->failed)
        return braces->failed;
    while (braces->start + braces->scanned < braces->data.len) {
        uint8_t byte = braces->data.data[braces->start + braces->scanned];

        if (byte == '\n')
            braces->line++;
        if (braces->depth == 0 && is_space(byte)) {
            braces->start++;
            continue;
        }
        if (braces->depth == 0 && byte != '{')
            return fail(braces, BRACES_E_BAD);
        braces->scanned++;
        if (see(braces, byte)) {
            *ret_object = slice_of(braces->data.data + braces->start, braces->scanned);
            braces->start += braces->scanned;
            braces->scanned = 0;
            return 0;
        }
        if (braces->scanned >= braces->object_max)
            return fail(braces, BRACES_E_TOO_LONG);
    }
    return BRACES_E_MORE;
}

bool braces_is_empty(const struct braces *braces) {
    return !braces->failed && braces->depth == 0;
}
