#include "chat/turn/turn_parse.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "chat/view.h"

/* One token as typed. */
struct token {
    struct buf text;
    size_t begin;
    size_t end;
    bool is_quoted;
};

/* Flags that never have a value, so that "--force 1234" leaves the word alone. */
static const char *const bare[] = { "force", "now",   "all",  "yes",  "help",
                                    "mine",  "light", "file", "full", "follow" };

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The length of the quotation mark that begins the text; 0: none. */
static size_t quote_len(const char *at) {
    static const char *const marks[] = { "\"",     "\u201c", "\u201d",
                                         "\u201e", "\u00ab", "\u00bb" };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (strncmp(at, marks[i], strlen(marks[i])) == 0)
            return strlen(marks[i]);
    return 0;
}

static const char *take_quoted(const char *at, struct token *token) {
    bool is_straight = *at == '"';

    token->is_quoted = true;
    at += quote_len(at);
    while (*at && (is_straight ? *at != '"' : quote_len(at) == 0)) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        buf_add_byte(&token->text, (uint8_t)*at++);
    }
    return at + quote_len(at);
}

static const char *take_token(const char *line, const char *at, struct token *token) {
    *token = (struct token) { .begin = (size_t)(at - line) };
    if (quote_len(at) > 0)
        at = take_quoted(at, token);
    else
        while (*at && !is_space(*at))
            buf_add_byte(&token->text, (uint8_t)*at++);
    token->end = (size_t)(at - line);
    return at;
}

/* Where the name of a flag begins; NULL: it is a word. */
static const char *flag_name(const char *text, bool is_quoted) {
    static const char dash[] = "\u2014";

    if (is_quoted)
        return NULL;
    if (strncmp(text, "--", 2) == 0 && text[2] != '\0')
        return text + 2;
    if (strncmp(text, dash, strlen(dash)) == 0 && text[strlen(dash)] != '\0')
        return text + strlen(dash);
    return NULL;
}

static bool is_bare(const char *name) {
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
        if (strcmp(name, bare[i]) == 0)
            return true;
    return false;
}

static void add_word(struct turn_parse *parse, struct token *token) {
    parse->words = mem_grow(parse->words, (parse->count + 1) * sizeof(*parse->words));
    parse->words[parse->count++] = (struct turn_parse_word) {
        .text = buf_take_text(&token->text),
        .begin = token->begin,
        .end = token->end,
    };
}

/* Adds a flag: true when the next word is its value. */
static bool add_flag(struct turn_parse *parse, const char *name) {
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);

    parse->flags =
        mem_grow(parse->flags, (parse->flag_count + 1) * sizeof(*parse->flags));
    struct turn_parse_flag *flag = &parse->flags[parse->flag_count++];
    *flag = (struct turn_parse_flag) {
        .name = mem_dup(name, len),
        .value = mem_strdup(equals ? equals + 1 : ""),
    };
    return !equals && !is_bare(flag->name);
}

static void set_value(struct turn_parse *parse, struct token *token) {
    struct turn_parse_flag *flag = &parse->flags[parse->flag_count - 1];

    free(flag->value);
    flag->value = buf_take_text(&token->text);
}

static void cut_line(struct turn_parse *parse) {
    const char *at = parse->line;
    bool wants_value = false;

    for (;;) {
        struct token token;

        while (is_space(*at))
            at++;
        if (!*at)
            return;
        at = take_token(parse->line, at, &token);
        const char *name = flag_name(buf_text(&token.text), token.is_quoted);
        if (name) {
            wants_value = add_flag(parse, name);
        } else if (wants_value) {
            set_value(parse, &token);
            wants_value = false;
        } else {
            add_word(parse, &token);
        }
        buf_done(&token.text);
    }
}

static void drop_first(struct turn_parse *parse) {
    free(parse->words[0].text);
    parse->count--;
    memmove(parse->words, parse->words + 1, parse->count * sizeof(*parse->words));
}

/* Takes '/' and whom it is addressed to off the first word. */
static void strip_address(struct turn_parse *parse) {
    if (parse->count > 1 && parse->words[0].text[0] == '@' && parse->words[0].text[1]) {
        parse->is_addressed = true;
        drop_first(parse);
    }
    if (parse->count == 0 || parse->words[0].text[0] != '/')
        return;
    char *word = parse->words[0].text;
    char *at = strchr(word, '@');

    parse->is_command = true;
    if (at) {
        parse->is_addressed = true;
        *at = '\0';
    }
    memmove(word, word + 1, strlen(word));
}

void turn_parse_init(struct turn_parse *parse, const char *line) {
    *parse = (struct turn_parse) { .line = mem_strdup(line) };
    cut_line(parse);
    strip_address(parse);
}

void turn_parse_done(struct turn_parse *parse) {
    for (size_t i = 0; i < parse->count; i++)
        free(parse->words[i].text);
    for (size_t i = 0; i < parse->flag_count; i++) {
        free(parse->flags[i].name);
        free(parse->flags[i].value);
    }
    free(parse->words);
    free(parse->flags);
    free(parse->line);
    *parse = (struct turn_parse) { 0 };
}

const char *turn_parse_flag(const struct turn_parse *parse, const char *name) {
    for (size_t i = parse->flag_count; i-- > 0;)
        if (strcmp(parse->flags[i].name, name) == 0)
            return parse->flags[i].value;
    return NULL;
}

char *turn_parse_rest(const struct turn_parse *parse, size_t word) {
    if (word >= parse->count)
        return NULL;
    if (word + 1 == parse->count)
        return mem_strdup(parse->words[word].text);
    const char *begin = parse->line + parse->words[word].begin;
    size_t len = strlen(begin);
    while (len > 0 && is_space(begin[len - 1]))
        len--;
    return mem_dup(begin, len);
}
