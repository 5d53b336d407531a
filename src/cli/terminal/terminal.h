/*
 * terminal - what standard output can show
 *
 * Colours only on a terminal and without NO_COLOR; block characters and signs outside
 * ASCII only when the locale is UTF-8.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum terminal_colour {
    TERMINAL_PLAIN,
    TERMINAL_DIM,
    TERMINAL_BOLD,
    TERMINAL_GREEN,
    TERMINAL_YELLOW,
    TERMINAL_RED,
    TERMINAL_CYAN,
    TERMINAL_BLUE,
    TERMINAL_MAGENTA,
};

struct terminal {
    bool is_terminal;
    bool colour;
    bool unicode;
    size_t columns; /* 0: not limited */
    size_t rows;    /* 0: not known */
};

/* Looks at the descriptor and the environment. setlocale() was called before. */
void terminal_init(struct terminal *terminal, int fd);

/* Reads the size again. */
void terminal_measure(struct terminal *terminal, int fd);

/* The sequence that switches a colour on, or off for TERMINAL_PLAIN; "" without colours.
 */
const char *terminal_colour(const struct terminal *terminal, enum terminal_colour colour);

/* One of two texts, by what the terminal can show. */
const char *terminal_sign(const struct terminal *terminal,
                          const char *unicode,
                          const char *ascii);

/* Asks a question on the terminal; the answer as a new string without its newline, or
 * NULL when there is nobody to ask. hidden: nothing is shown of what is typed. */
char *terminal_ask(const char *question, bool hidden);

/* Is there somebody to ask (standard input and standard error are terminals)? */
bool terminal_can_ask(void);
