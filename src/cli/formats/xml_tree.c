#include "cli/formats/xml_tree.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/utf8.h"

enum { ENTITY_MAX = 10 }; /* "&#x10FFFF;" */

struct reader {
    struct slice text; /* borrowed: the caller */
    size_t at;
    char *why; /* owned; what is wrong */
};

struct xml_node *xml_tree_free(struct xml_node *node) {
    if (!node)
        return NULL;
    for (size_t i = 0; i < node->count; i++)
        xml_tree_free(node->nodes[i]); /* at most XML_TREE_DEPTH_MAX deep */
    free(node->nodes);
    buf_done(&node->text);
    free(node);
    return NULL;
}

static int __attribute__((format(printf, 2, 3)))
fail(struct reader *reader, const char *format, ...) {
    struct buf why = { 0 };
    size_t line = 1;
    va_list args;

    for (size_t i = 0; i < reader->at && i < reader->text.len; i++)
        line += reader->text.at[i] == '\n';
    buf_printf(&why, "line %zu: ", line);
    va_start(args, format);
    buf_vprintf(&why, format, args);
    va_end(args);
    free(reader->why);
    reader->why = buf_take_text(&why);
    return XML_TREE_E_BAD;
}

static struct slice rest(const struct reader *reader) {
    return slice_after(reader->text, reader->at);
}

static bool begins_with(const struct reader *reader, const char *text) {
    struct slice left = rest(reader);
    size_t len = strlen(text);

    return left.len >= len && memcmp(left.at, text, len) == 0;
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_spaces(struct reader *reader) {
    while (reader->at < reader->text.len && is_space(reader->text.at[reader->at]))
        reader->at++;
}

/* Steps behind the next `end`, which must come. */
static int skip_past(struct reader *reader, const char *end) {
    struct slice left = rest(reader);
    const uint8_t *found = memmem(left.at, left.len, end, strlen(end));

    if (!found)
        return fail(reader, "%s is missing", end);
    reader->at += (size_t)(found - left.at) + strlen(end);
    return 0;
}

static bool is_name_byte(uint8_t byte) {
    return byte >= 0x80 || byte == '_' || byte == '-' || byte == '.' || byte == ':' ||
           (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static int read_name(struct reader *reader, struct slice *ret_name) {
    size_t from = reader->at;

    while (reader->at < reader->text.len && is_name_byte(reader->text.at[reader->at]))
        reader->at++;
    if (reader->at == from)
        return fail(reader, "a name is missing");
    *ret_name = slice_of(reader->text.at + from, reader->at - from);
    return 0;
}

static struct slice without_prefix(struct slice name) {
    const uint8_t *colon = name.len > 0 ? memchr(name.at, ':', name.len) : NULL;
    return colon ? slice_after(name, (size_t)(colon - name.at) + 1) : name;
}

/* "#65", "#x41", "amp": appends what it means. */
static bool add_entity(struct buf *out, const char *name) {
    static const struct {
        const char *name;
        char byte;
    } entities[] = {
        { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
    };

    for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
        if (strcmp(entities[i].name, name) == 0) {
            buf_add_byte(out, (uint8_t)entities[i].byte);
            return true;
        }
    }
    bool is_hex = name[0] == '#' && name[1] == 'x';
    const char *digits = name + (is_hex ? 2 : 1);
    if (name[0] != '#' || *digits == '\0' ||
        digits[strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789")])
        return false;
    unsigned long code = strtoul(digits, NULL, is_hex ? 16 : 10);
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return false;
    utf8_add(out, (uint32_t)code);
    return true;
}

static int read_entity(struct reader *reader, struct buf *out) {
    char name[ENTITY_MAX];
    size_t len = 0;
    struct slice left = slice_after(rest(reader), 1);

    while (len < left.len && len < sizeof(name) - 1 && left.at[len] != ';') {
        name[len] = (char)left.at[len];
        len++;
    }
    name[len] = '\0';
    if (len == left.len || left.at[len] != ';' || !add_entity(out, name))
        return fail(reader, "& begins no entity that is known here; the sign is &amp;");
    reader->at += len + 2;
    return 0;
}

/* Attributes say nothing to a message; they only have to be well formed. */
static int skip_attributes(struct reader *reader) {
    for (;;) {
        struct slice name;
        skip_spaces(reader);
        struct slice left = rest(reader);
        if (left.len == 0 || left.at[0] == '>' || left.at[0] == '/')
            return left.len ? 0 : fail(reader, "> is missing");
        int r = read_name(reader, &name);
        if (r != 0)
            return r;
        skip_spaces(reader);
        if (!begins_with(reader, "="))
            return fail(reader, "an attribute has no value");
        reader->at++;
        skip_spaces(reader);
        left = rest(reader);
        if (left.len == 0 || (left.at[0] != '"' && left.at[0] != '\''))
            return fail(reader, "the value of an attribute needs quotes");
        reader->at++;
        r = skip_past(reader, left.at[0] == '"' ? "\"" : "'");
        if (r != 0)
            return r;
    }
}

static struct xml_node *add_node(struct xml_node *parent, struct slice name) {
    struct xml_node *node = mem_new(sizeof(*node));

    if (parent->count == parent->cap) {
        parent->cap = parent->cap ? 2 * parent->cap : 4;
        parent->nodes = mem_grow(parent->nodes, parent->cap * sizeof(struct xml_node *));
    }
    node->name = without_prefix(name);
    parent->nodes[parent->count++] = node;
    return node;
}

/* "<NAME ...>": *ret_open is the new node, or NULL when it ended at once. */
static int read_start(struct reader *reader,
                      struct xml_node *parent,
                      struct xml_node **ret_open) {
    struct slice name = { 0 };

    reader->at++;
    int r = read_name(reader, &name);
    if (r == 0)
        r = skip_attributes(reader);
    if (r != 0)
        return r;
    struct xml_node *node = add_node(parent, name);
    bool is_empty = begins_with(reader, "/>");
    if (!is_empty && !begins_with(reader, ">"))
        return fail(reader, "> is missing");
    reader->at += is_empty ? 2 : 1;
    *ret_open = is_empty ? NULL : node;
    return 0;
}

static int read_end(struct reader *reader, const struct xml_node *node) {
    struct slice name = { 0 };

    reader->at += 2;
    int r = read_name(reader, &name);
    if (r != 0)
        return r;
    name = without_prefix(name);
    if (!slice_equal(name, node->name))
        return fail(reader, "</%.*s> ends <%.*s>", (int)name.len, (const char *)name.at,
                    (int)node->name.len, (const char *)node->name.at);
    skip_spaces(reader);
    if (!begins_with(reader, ">"))
        return fail(reader, "> is missing");
    reader->at++;
    return 0;
}

static int read_cdata(struct reader *reader, struct buf *out) {
    reader->at += strlen("<![CDATA[");
    size_t from = reader->at;
    int r = skip_past(reader, "]]>");

    if (r == 0)
        buf_add(out, reader->text.at + from, reader->at - from - strlen("]]>"));
    return r;
}

/* A comment, an instruction, CDATA: anything with "<" that is no element. False: it is an
 * element. */
static bool read_special(struct reader *reader, struct xml_node *node, int *ret_r) {
    if (begins_with(reader, "<!--"))
        *ret_r = skip_past(reader, "-->");
    else if (begins_with(reader, "<?"))
        *ret_r = skip_past(reader, "?>");
    else if (begins_with(reader, "<![CDATA["))
        *ret_r = read_cdata(reader, &node->text);
    else if (begins_with(reader, "<!"))
        *ret_r = fail(reader, "a document type is not read");
    else
        return false;
    return true;
}

static int read_text(struct reader *reader, struct buf *out) {
    while (reader->at < reader->text.len && reader->text.at[reader->at] != '<') {
        if (reader->text.at[reader->at] != '&') {
            buf_add_byte(out, reader->text.at[reader->at++]);
            continue;
        }
        int r = read_entity(reader, out);
        if (r != 0)
            return r;
    }
    return 0;
}

/* The open elements are a stack, so that depth costs no stack of ours. */
static int read_all(struct reader *reader, struct xml_node *root) {
    struct xml_node *stack[XML_TREE_DEPTH_MAX] = { root };
    size_t depth = 0;

    while (reader->at < reader->text.len) {
        struct xml_node *open = NULL;
        int r = 0;
        if (reader->text.at[reader->at] != '<') {
            r = read_text(reader, &stack[depth]->text);
        } else if (read_special(reader, stack[depth], &r)) {
            ;
        } else if (begins_with(reader, "</")) {
            if (depth == 0)
                return fail(reader, "this element was never begun");
            r = read_end(reader, stack[depth]);
            depth--;
        } else {
            r = read_start(reader, stack[depth], &open);
        }
        if (r != 0)
            return r;
        if (open && depth + 1 == XML_TREE_DEPTH_MAX)
            return fail(reader, "nests more than %d levels deep", XML_TREE_DEPTH_MAX);
        if (open)
            stack[++depth] = open;
    }
    if (depth > 0)
        return fail(reader, "<%.*s> has no end", (int)stack[depth]->name.len,
                    (const char *)stack[depth]->name.at);
    return 0;
}

int xml_tree_read(struct slice text, struct xml_node **ret_root, char **ret_why) {
    struct reader reader = { .text = text };
    struct xml_node *root = mem_new(sizeof(*root));
    int r;

    if (text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
        reader.text = slice_after(text, 3);
    r = utf8_is_valid(text) ? read_all(&reader, root) : fail(&reader, "not UTF-8");
    for (size_t i = 0; r == 0 && i < root->text.len; i++)
        if (!is_space(root->text.data[i]))
            r = fail(&reader, "a text stands outside of all elements");
    if (r == 0) {
        *ret_root = root;
        return 0;
    }
    xml_tree_free(root);
    *ret_why = reader.why;
    return r;
}
