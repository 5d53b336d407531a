#include "chat/act/act_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "chat/chat.h"

void act_text_bytes(uint64_t bytes, char ret_text[static ACT_TEXT_LEN]) {
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    double value = (double)bytes;
    size_t at = 0;

    while (value >= 1024 && at + 1 < sizeof(names) / sizeof(names[0])) {
        value /= 1024;
        at++;
    }
    snprintf(ret_text, ACT_TEXT_LEN, "%.*f %s", at > 0 && value < 100, value, names[at]);
}

void act_text_bits(double bits_per_second, char ret_text[static ACT_TEXT_LEN]) {
    static const char *const names[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s" };
    double value = bits_per_second > 0 ? bits_per_second : 0;
    size_t at = 0;

    while (value >= 1000 && at + 1 < sizeof(names) / sizeof(names[0])) {
        value /= 1000;
        at++;
    }
    snprintf(ret_text, ACT_TEXT_LEN, "%.*f %s", at > 0 && value < 100, value, names[at]);
}

int64_t act_text_now_ms(const struct turn *turn) {
    const struct chat_host *host = turn_host(turn);
    return host->now_ms(host->arg);
}

void act_text_since(const struct turn *turn,
                    int64_t then_ms,
                    char ret_text[static ACT_TEXT_LEN]) {
    int64_t passed_ms = act_text_now_ms(turn) - then_ms;

    ret_text[0] = '\0';
    if (then_ms == 0)
        return;
    words_duration(turn_language(turn), passed_ms > 0 ? (unsigned long long)passed_ms : 0,
                   ret_text, ACT_TEXT_LEN);
}

void act_text_time(int64_t wall_ms, char ret_text[static ACT_TEXT_LEN]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;

    if (wall_ms == 0 || !localtime_r(&seconds, &parts) ||
        strftime(ret_text, ACT_TEXT_LEN, "%d.%m. %H:%M", &parts) == 0)
        ret_text[0] = '\0';
}

char *act_text_quote(const char *word) {
    struct buf out = { 0 };

    view_quote(&out, word);
    return buf_take_text(&out);
}

/* What no screen shows, a line's end among it, is a blank: nobody writes lines into our
 * views. Takes the text. */
static char *clean(char *text) {
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    return text;
}

char *act_text_cut(const char *text, size_t max) {
    size_t len = strlen(text);

    if (len <= max)
        return clean(mem_strdup(text));
    len = max > 3 ? max - 3 : 0; /* room for the dots */
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return clean(mem_printf("%.*s\xe2\x80\xa6", (int)len, text));
}

bool act_text_number(const char *text, uint64_t max, uint64_t *ret_number) {
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*end != '\0' || errno != 0 || number > max)
        return false;
    *ret_number = number;
    return true;
}
