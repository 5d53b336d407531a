#include "chat/turn/node_match.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/chat.h"
#include "wire/utf8.h"

enum {
    LETTERS_MAX = 64, /* of a title; what is longer is not compared letter by letter */
    SIMILAR_MAX = 2,
    SIMILAR_LEN = 4, /* below it one letter is the most: "nas" and "web" are not near */
};

struct letters {
    uint32_t codes[LETTERS_MAX];
    size_t count;
    bool is_long;
};

static uint32_t fold(uint32_t code) {
    if ((code >= 'A' && code <= 'Z') || (code >= 0x410 && code <= 0x42f))
        return code + 32;
    if (code >= 0x400 && code <= 0x40f)
        return code + 80;
    return code;
}

static uint32_t decode(const uint8_t *at, size_t len) {
    static const uint8_t masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t code = at[0] & masks[len];

    for (size_t i = 1; i < len; i++)
        code = code << 6 | (at[i] & 0x3f);
    return code;
}

static void read_letters(const char *text, struct letters *ret_letters) {
    struct slice rest = slice_of_text(text);

    ret_letters->count = 0;
    ret_letters->is_long = false;
    while (rest.len > 0) {
        size_t len = utf8_char_len(rest);

        if (ret_letters->count == LETTERS_MAX) {
            ret_letters->is_long = true;
            return;
        }
        ret_letters->codes[ret_letters->count++] =
            len > 0 ? fold(decode(rest.at, len)) : rest.at[0];
        rest = slice_after(rest, len > 0 ? len : 1);
    }
}

static unsigned least(unsigned a, unsigned b, unsigned c) {
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static unsigned distance(const struct letters *a, const struct letters *b, unsigned max) {
    unsigned row[LETTERS_MAX + 1];
    size_t apart = a->count > b->count ? a->count - b->count : b->count - a->count;

    if (a->is_long || b->is_long || apart > max)
        return max + 1;
    for (size_t k = 0; k <= b->count; k++)
        row[k] = (unsigned)k;
    for (size_t i = 1; i <= a->count; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t k = 1; k <= b->count; k++) {
            unsigned above = row[k];
            unsigned differs = a->codes[i - 1] != b->codes[k - 1];
            row[k] = least(above + 1, row[k - 1] + 1, diagonal + differs);
            diagonal = above;
        }
    }
    return row[b->count] > max ? max + 1 : row[b->count];
}

unsigned node_match_distance(const char *a, const char *b, unsigned max) {
    struct letters first;
    struct letters second;

    read_letters(a, &first);
    read_letters(b, &second);
    return distance(&first, &second, max);
}

static bool is_at(const struct letters *whole, const struct letters *part, size_t at) {
    for (size_t i = 0; i < part->count; i++)
        if (whole->codes[at + i] != part->codes[i])
            return false;
    return true;
}

/* How well a text fits; the smaller the better. */
enum fit { FIT_EXACT, FIT_BEGINNING, FIT_PART, FIT_ONE_OFF, FIT_TWO_OFF, FIT_NONE };

static enum fit fit_text(const struct letters *whole, const struct letters *typed) {
    unsigned max = typed->count < SIMILAR_LEN ? 1 : SIMILAR_MAX;

    if (typed->count == 0 || whole->count == 0)
        return FIT_NONE;
    if (whole->count == typed->count && whole->is_long == typed->is_long &&
        is_at(whole, typed, 0))
        return FIT_EXACT;
    for (size_t at = 0; at + typed->count <= whole->count; at++)
        if (is_at(whole, typed, at))
            return at == 0 ? FIT_BEGINNING : FIT_PART;
    unsigned off = typed->count < 2 ? max + 1 : distance(whole, typed, max);
    return off > max ? FIT_NONE : off == 1 ? FIT_ONE_OFF : FIT_TWO_OFF;
}

struct search {
    struct node_match *match; /* borrowed: the caller's */
    const char *text;         /* borrowed: the caller's; NULL: all */
    struct letters typed;
    enum fit best;
    size_t exact_len; /* of text, in bytes, when only the same counts; else 0 */
};

static void forget(struct node_match *match) {
    for (size_t i = 0; i < match->count; i++) {
        free(match->found[i].name);
        free(match->found[i].title);
    }
    match->count = 0;
    match->fitting = 0;
}

/* Folding keeps how many bytes a letter has. */
static enum fit fit_one(const struct search *search, const char *text) {
    struct letters letters;

    if (search->exact_len > 0 && strlen(text) != search->exact_len)
        return FIT_NONE;
    read_letters(text, &letters);
    enum fit fit = fit_text(&letters, &search->typed);
    return search->exact_len > 0 && fit != FIT_EXACT ? FIT_NONE : fit;
}

static enum fit fit_node(const struct search *search, const struct chat_node *node) {
    if (!search->text)
        return FIT_PART;
    if (strcmp(node->name, search->text) == 0)
        return FIT_EXACT;
    enum fit by_name = fit_one(search, node->name);
    enum fit by_title =
        by_name > FIT_EXACT && node->title ? fit_one(search, node->title) : FIT_NONE;
    return by_title < by_name ? by_title : by_name;
}

static bool visit(void *arg, const struct chat_node *node) {
    struct search *search = arg;
    struct node_match *match = search->match;
    enum fit fit = fit_node(search, node);

    if (fit == FIT_NONE || fit > search->best)
        return true;
    if (fit < search->best)
        forget(match);
    search->best = fit;
    match->fitting++;
    if (match->count < NODE_MATCH_MAX)
        match->found[match->count++] = (struct node_match_found) {
            .name = mem_strdup(node->name),
            .title = mem_strdup(node->title ? node->title : ""),
            .role = node->role,
            .is_online = node->is_online,
        };
    return true;
}

/* A name is one node's alone, and stands before a title that others may have too. */
static void prefer_name(struct node_match *match, const char *text) {
    if (match->how != NODE_MATCH_EXACT || match->count < 2)
        return;
    for (size_t i = 0; i < match->count; i++) {
        if (strcmp(match->found[i].name, text) != 0)
            continue;
        struct node_match_found meant = match->found[i];
        match->found[i] = match->found[0];
        match->found[0] = meant;
        while (match->count > 1) {
            match->count--;
            free(match->found[match->count].name);
            free(match->found[match->count].title);
        }
        match->fitting = 1;
        return;
    }
}

static void run(struct search *search,
                const struct chat_host *host,
                const struct actor *actor) {
    static const enum node_match_how hows[] = {
        [FIT_EXACT] = NODE_MATCH_EXACT,     [FIT_BEGINNING] = NODE_MATCH_PART,
        [FIT_PART] = NODE_MATCH_PART,       [FIT_ONE_OFF] = NODE_MATCH_SIMILAR,
        [FIT_TWO_OFF] = NODE_MATCH_SIMILAR, [FIT_NONE] = NODE_MATCH_NONE,
    };
    struct node_match *match = search->match;

    *match = (struct node_match) { 0 };
    search->best = FIT_NONE;
    if (search->text)
        read_letters(search->text, &search->typed);
    host->each_node(host->arg, actor, visit, search);
    match->how = match->count > 0 ? hows[search->best] : NODE_MATCH_NONE;
    if (search->text)
        prefer_name(match, search->text);
}

void node_match_init(struct node_match *match,
                     const struct chat_host *host,
                     const struct actor *actor,
                     const char *text) {
    struct search search = { .match = match, .text = text };

    run(&search, host, actor);
}

void node_match_init_exact(struct node_match *match,
                           const struct chat_host *host,
                           const struct actor *actor,
                           const char *text) {
    struct search search = { .match = match, .text = text, .exact_len = strlen(text) };

    if (search.exact_len == 0)
        *match = (struct node_match) { 0 };
    else
        run(&search, host, actor);
}

void node_match_done(struct node_match *match) {
    forget(match);
}
