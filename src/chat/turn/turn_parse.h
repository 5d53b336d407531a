/*
 * turn_parse - a line of a person cut into words and flags
 *
 * "/kill@roost_bot nas 1234 --force". Words are apart by white space; one in quotes, as
 * view_quote() writes it, may hold any, and is never a flag. Telephones make curly quotes
 * and long dashes: they count like straight ones.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct turn_parse_word {
    char *text;   /* owned */
    size_t begin; /* of the line: where it begins and ends as typed */
    size_t end;
};

struct turn_parse_flag {
    char *name;  /* owned */
    char *value; /* owned; "": none */
};

struct turn_parse {
    char *line;                    /* owned: as typed */
    struct turn_parse_word *words; /* owned; the command first, without '/' and '@' */
    size_t count;
    struct turn_parse_flag *flags; /* owned */
    size_t flag_count;
    bool is_command;   /* it begins with '/' */
    bool is_addressed; /* it names somebody: "/kill@roost_bot", "@roost_bot kill" */
};

/* Copies the line. */
void turn_parse_init(struct turn_parse *parse, const char *line);
void turn_parse_done(struct turn_parse *parse);

/* The value of a flag; NULL: it is not there. */
const char *turn_parse_flag(const struct turn_parse *parse, const char *name);

/* The line from that word on, as typed; of the last word its text. Without flags behind
 * it, if it is the last. */
char *turn_parse_rest(const struct turn_parse *parse, size_t word);
