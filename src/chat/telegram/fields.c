#include "chat/telegram/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/json_reader.h"

enum {
    PATH_MAX_LEN = 128, /* of any path that is asked for */
    DEPTH_MAX = 12,     /* likewise */
};

struct walk {
    struct json_reader reader;
    const struct fields_want *wants; /* borrowed: the caller */
    size_t count;
    char *ret;               /* borrowed: the caller */
    char path[PATH_MAX_LEN]; /* of the value that comes next */
    size_t bases[DEPTH_MAX]; /* length of the path of each open value */
    bool is_array[DEPTH_MAX];
    size_t depth;
};

static const struct fields_want *find(const struct walk *walk) {
    for (size_t i = 0; i < walk->count; i++)
        if (strcmp(walk->wants[i].path, walk->path) == 0)
            return &walk->wants[i];
    return NULL;
}

/* Is anything inside of the value wanted? */
static bool leads_on(const struct walk *walk) {
    size_t len = strlen(walk->path);

    for (size_t i = 0; i < walk->count; i++) {
        const char *path = walk->wants[i].path;
        if (len == 0 || (strncmp(path, walk->path, len) == 0 && path[len] == '.'))
            return true;
    }
    return false;
}

/* Puts a step behind the innermost open value's path; false: nobody asks for that. */
static bool step(struct walk *walk, struct slice name) {
    size_t base = walk->depth > 0 ? walk->bases[walk->depth - 1] : 0;
    size_t dot = base > 0 ? 1 : 0;

    if (name.len == 0 || base + dot + name.len >= sizeof(walk->path) ||
        memchr(name.at, '.', name.len) || memchr(name.at, '\0', name.len))
        return false;
    if (dot > 0)
        walk->path[base] = '.';
    memcpy(walk->path + base + dot, name.at, name.len);
    walk->path[base + dot + name.len] = '\0';
    return true;
}

static void keep(struct walk *walk, const struct fields_want *want, struct slice value) {
    char **place = (char **)(void *)(walk->ret + want->at);

    free(*place);
    *place = mem_dup(value.at, value.len);
    for (size_t i = 0; i < value.len; i++)
        if ((*place)[i] == '\0')
            (*place)[i] = ' ';
}

static bool keep_whole(struct walk *walk,
                       const struct fields_want *want,
                       enum json_token token) {
    size_t start = walk->reader.at - 1;

    if (!json_reader_skip(&walk->reader, token))
        return false;
    keep(walk, want, slice_of(walk->reader.json.at + start, walk->reader.at - start));
    return true;
}

static bool take_value(struct walk *walk, enum json_token token) {
    const struct fields_want *want = find(walk);
    bool is_open = token == JSON_OBJECT || token == JSON_ARRAY;

    if (is_open && want)
        return keep_whole(walk, want, token);
    if (is_open && (!leads_on(walk) || walk->depth == DEPTH_MAX))
        return json_reader_skip(&walk->reader, token);
    if (is_open) {
        walk->is_array[walk->depth] = token == JSON_ARRAY;
        walk->bases[walk->depth++] = strlen(walk->path);
    } else if (want && token == JSON_TRUE) {
        keep(walk, want, slice_of_text("1"));
    } else if (want && token == JSON_FALSE) {
        keep(walk, want, slice_of_text(""));
    } else if (want && token != JSON_NULL) {
        keep(walk, want, json_reader_value(&walk->reader));
    }
    return true;
}

static bool take_name(struct walk *walk) {
    if (step(walk, json_reader_value(&walk->reader)))
        return true;
    return json_reader_skip(&walk->reader, json_reader_next(&walk->reader));
}

static bool read_all(struct walk *walk) {
    for (;;) {
        enum json_token token = json_reader_next(&walk->reader);
        bool is_fine = true;

        if (token == JSON_BAD || token == JSON_END)
            return token == JSON_END;
        if (token == JSON_NAME) {
            is_fine = take_name(walk);
        } else if (token == JSON_OBJECT_END || token == JSON_ARRAY_END) {
            walk->depth--;
        } else {
            if (walk->depth > 0 && walk->is_array[walk->depth - 1])
                step(walk, slice_of_text("*"));
            is_fine = take_value(walk, token);
        }
        if (!is_fine)
            return false;
    }
}

bool fields_read(struct slice json,
                 const struct fields_want *wants,
                 size_t count,
                 void *ret) {
    struct walk walk = { .wants = wants, .count = count, .ret = ret };

    json_reader_init(&walk.reader, json);
    bool is_json = read_all(&walk);
    json_reader_done(&walk.reader);
    return is_json;
}

void fields_done(const struct fields_want *wants, size_t count, void *values) {
    for (size_t i = 0; i < count; i++) {
        char **place = (char **)(void *)((char *)values + wants[i].at);
        free(*place);
        *place = NULL;
    }
}

bool fields_each(struct slice json,
                 bool (*visit)(void *arg, struct slice element),
                 void *arg) {
    struct json_reader reader;
    bool is_array = false;

    json_reader_init(&reader, json);
    if (json_reader_next(&reader) == JSON_ARRAY) {
        is_array = true;
        for (;;) {
            enum json_token token = json_reader_next(&reader);
            size_t start = reader.at - 1;
            if (token == JSON_BAD)
                is_array = false;
            if (token == JSON_BAD || token == JSON_ARRAY_END)
                break;
            if (token != JSON_OBJECT)
                continue; /* nothing of ours is in such an array */
            if (!json_reader_skip(&reader, token)) {
                is_array = false;
                break;
            }
            if (!visit(arg, slice_of(json.at + start, reader.at - start)))
                break;
        }
    }
    json_reader_done(&reader);
    return is_array;
}
