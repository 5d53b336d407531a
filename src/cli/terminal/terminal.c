#include "cli/terminal/terminal.h"

#include <langinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

void terminal_measure(struct terminal *terminal, int fd) {
    struct winsize size;

    terminal->columns = 0;
    terminal->rows = 0;
    if (!terminal->is_terminal)
        return;
    terminal->columns = 80; /* what a terminal without a size is taken for */
    terminal->rows = 24;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        terminal->columns = size.ws_col;
        terminal->rows = size.ws_row;
    }
}

void terminal_init(struct terminal *terminal, int fd) {
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool is_dumb = !term || *term == '\0' || strcmp(term, "dumb") == 0;

    *terminal = (struct terminal) { .is_terminal = isatty(fd) == 1 };
    terminal->colour =
        terminal->is_terminal && !is_dumb && (!no_color || *no_color == '\0');
    terminal->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    terminal_measure(terminal, fd);
}

const char *terminal_colour(const struct terminal *terminal,
                            enum terminal_colour colour) {
    static const char *const codes[] = {
        [TERMINAL_PLAIN] = "\x1b[0m",    [TERMINAL_DIM] = "\x1b[2m",
        [TERMINAL_BOLD] = "\x1b[1m",     [TERMINAL_GREEN] = "\x1b[32m",
        [TERMINAL_YELLOW] = "\x1b[33m",  [TERMINAL_RED] = "\x1b[31m",
        [TERMINAL_CYAN] = "\x1b[36m",    [TERMINAL_BLUE] = "\x1b[34m",
        [TERMINAL_MAGENTA] = "\x1b[35m",
    };
    return terminal->colour ? codes[colour] : "";
}

const char *terminal_sign(const struct terminal *terminal,
                          const char *unicode,
                          const char *ascii) {
    return terminal->unicode ? unicode : ascii;
}

bool terminal_can_ask(void) {
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/*
 * Reads a line that is not shown, a key at a time: with the terminal's own line editing
 * an interrupt would end the program and leave the echo off. NULL: nothing was given.
 */
static char *read_hidden(void) {
    struct buf line = { 0 };
    struct termios before, silent;
    unsigned char key = 0;

    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return NULL;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    while (read(STDIN_FILENO, &key, 1) == 1 && !strchr("\r\n\x03\x04", key)) {
        if (key != 0x7f && key != '\b')
            buf_add_byte(&line, key);
        else if (line.len > 0)
            line.len--;
    }
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    if (key == 0x03)
        raise(SIGINT);
    bool is_given = key == '\r' || key == '\n';
    char *text = is_given ? mem_strdup(buf_text(&line)) : NULL;
    if (line.data)
        mem_wipe(line.data, line.cap);
    buf_done(&line);
    return text;
}

char *terminal_ask(const char *question, bool hidden) {
    char *line = NULL;
    size_t cap = 0;

    if (!terminal_can_ask())
        return NULL;
    fputs(question, stderr);
    fflush(stderr);
    if (hidden)
        return read_hidden();
    if (getline(&line, &cap, stdin) < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}
