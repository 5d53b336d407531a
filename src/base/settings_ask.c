#include "base/settings_ask.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/settings.h"

enum {
    TRIES = 3,
    ANSWER_MAX = 4096, /* a terminal's line is no longer */
    INTERRUPT = 0x03,  /* Ctrl-C */
};

/*
 * Turns the echo off; false when there is none to restore. An interrupt would end the
 * program and leave it off: it is taken as the end of a line instead.
 */
static bool hide(FILE *in, struct termios *ret_before) {
    if (tcgetattr(fileno(in), ret_before) < 0)
        return false;
    struct termios hidden = *ret_before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    hidden.c_cc[VEOL] = INTERRUPT;
    return tcsetattr(fileno(in), TCSAFLUSH, &hidden) == 0;
}

/* One line without its end, cut where there is no room; answers what ended it. */
static int read_line(FILE *in, char ret_line[static ANSWER_MAX]) {
    size_t len = 0;
    int c;

    while ((c = getc(in)) != EOF && c != '\n' && c != INTERRUPT)
        if (len < ANSWER_MAX - 1)
            ret_line[len++] = (char)c;
    ret_line[len] = '\0';
    return c == EOF && len > 0 ? '\n' : c;
}

/* Cuts off white space at both ends. */
static void trim(char *text) {
    size_t len = strlen(text), from = strspn(text, " \t\r");

    while (len > from && strchr(" \t\r", text[len - 1]))
        len--;
    memmove(text, text + from, len - from);
    text[len - from] = '\0';
}

/* The question and one line of answer, trimmed; false at the end of input. What is typed
 * before the question stands there does not count. */
static bool ask_once(const struct settings_row *row,
                     const struct settings_ask *ask,
                     char ret_answer[static ANSWER_MAX]) {
    struct termios before;

    bool hidden = row->kind == SETTINGS_SECRET && hide(ask->in, &before);
    fprintf(ask->out, row->fallback ? "%s [%s]: " : "%s: ", row->ask, row->fallback);
    fflush(ask->out);
    int end = read_line(ask->in, ret_answer);
    if (hidden) {
        tcsetattr(fileno(ask->in), TCSADRAIN, &before);
        fputc('\n', ask->out);
    }
    if (end == INTERRUPT)
        raise(SIGINT);
    trim(ret_answer);
    return end == '\n';
}

/* The first of the names apart by spaces; a new string. */
static char *first_word(const char *words) {
    return mem_dup(words, strcspn(words, " "));
}

static int fail_missing(struct settings *settings, const struct settings_row *row) {
    auto_(mem_freep) char *name = first_word(row->env);
    return settings_fail(settings, SETTINGS_E_MISSING,
                         "%s is needed: set %s in the environment or in .env%s%s",
                         row->name, name, row->flag ? ", or give --" : "",
                         row->flag ? row->flag : "");
}

static int keep(struct settings *settings,
                const struct settings_row *row,
                const char *path,
                const char *answer) {
    auto_(mem_freep) char *name = first_word(row->env);
    auto_(mem_freep) char *line = mem_printf("%s=%s", name, answer);

    int r = file_append_line(path, line, 0600);
    mem_wipe(line, strlen(line));
    if (r < 0)
        return settings_fail(settings, r, "%s: %s", path, strerror(-r));
    return 0;
}

int settings_ask(struct settings *settings,
                 const struct settings_row *row,
                 const struct settings_ask *ask) {
    char answer[ANSWER_MAX];

    if (settings_rank_of(settings, row) > SETTINGS_DEFAULT)
        return 0;
    for (int i = 0; ask->in && i < TRIES; i++) {
        if (!ask_once(row, ask, answer))
            break;
        const char *value = *answer ? answer : row->fallback;
        if (!value)
            continue;
        settings_begin(settings);
        int r = settings_put(settings, row, SETTINGS_DOTENV, ask->env_path, value);
        if (r == 0)
            r = keep(settings, row, ask->env_path, value);
        mem_wipe(answer, value == answer ? strlen(answer) : 0);
        if (r != SETTINGS_E_BAD)
            return r;
        fprintf(ask->out, "%s\n", settings_error(settings));
    }
    return fail_missing(settings, row);
}
