#include "chat/older_press.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "chat/chat.h"
#include "chat/view.h"

enum { PARTS_MAX = 4, KEY_MAX = 64, DATA_MAX = 64 };

/* A form of data: the word in front, how many parts in all, and what it is today. In the
 * line %N is the node, %1 and %2 the parts between. */
struct form {
    const char *word;
    unsigned parts;
    unsigned key; /* which part */
    const char *line;
};

static const struct form forms[] = {
    { "list", 1, 0, "nodes" },
    { "status", 2, 1, "status %N" },
    { "graph", 3, 2, "chart %N %M" },
    { "graph", 4, 3, "chart %N %M %S" },
    { "speedtest", 2, 1, "speedtest %N" },
    { "diag", 2, 1, "diag %N" },
    { "stability", 2, 1, "stability %N" },
    { "stab_i", 3, 1, "stability %N %Ims" },
    { "stab_run", 4, 1, "stability %N %Ims %D" },
    { "reboot", 2, 1, "reboot %N" },
    { "shutdown", 2, 1, "shutdown %N" },
};

struct data {
    char text[DATA_MAX + 1];
    const char *parts[PARTS_MAX]; /* borrowed: text */
    unsigned count;
};

/* Cuts it at colons: false when it is too long or has too many. */
static bool cut(const char *text, struct data *ret_data) {
    size_t len = strlen(text);

    if (len > DATA_MAX)
        return false;
    memcpy(ret_data->text, text, len + 1);
    ret_data->count = 0;
    for (char *at = ret_data->text;; at++) {
        if (ret_data->count == PARTS_MAX)
            return false;
        ret_data->parts[ret_data->count++] = at;
        at = strchr(at, ':');
        if (!at)
            return true;
        *at = '\0';
    }
}

static const struct form *find(const struct data *data) {
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(forms[i].word, data->parts[0]) == 0 && forms[i].parts == data->count)
            return &forms[i];
    return NULL;
}

bool older_press_is(const char *text) {
    struct data data;
    return cut(text, &data) && find(&data) != NULL;
}

static bool is_number(const char *text) {
    size_t len = strlen(text);
    return len > 0 && len <= 7 && strspn(text, "0123456789") == len;
}

/* Metrics of the older charts as the chart command knows them; NULL: there was no such.
 */
static const char *find_metric(const char *word) {
    static const char *const metrics[][2] = {
        { "all", "all" }, { "cpu", "cpu" },   { "ram", "mem" },
        { "gpu", "gpu" }, { "vram", "vram" }, { "net", "net" },
    };

    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
        if (strcmp(metrics[i][0], word) == 0)
            return metrics[i][1];
    return NULL;
}

/* "3600" as "1h": a period as people write it. */
static void add_period(struct buf *out, const char *seconds) {
    static const struct {
        unsigned long seconds;
        char letter;
    } units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
    unsigned long count = strtoul(seconds, NULL, 10);
    size_t i = 0;

    while (count % units[i].seconds != 0)
        i++;
    buf_printf(out, "%lu%c", count / units[i].seconds, units[i].letter);
}

/* Appends what stands for one letter: false when the data is none. */
static bool add_part(struct buf *out,
                     const struct data *data,
                     char letter,
                     const char *node) {
    const char *last = data->count == 4 ? data->parts[3] : "";
    const char *metric;

    switch (letter) {
    case 'N':
        view_quote(out, node);
        return true;
    case 'M':
        metric = find_metric(data->parts[1]);
        buf_add_text(out, metric ? metric : "");
        return metric != NULL;
    case 'S':
        if (is_number(data->parts[2]))
            add_period(out, data->parts[2]);
        return is_number(data->parts[2]);
    case 'I':
        buf_add_text(out, data->parts[2]);
        return is_number(data->parts[2]);
    default:
        if (is_number(last))
            add_period(out, last);
        return is_number(last);
    }
}

static char *fill(const struct form *form, const struct data *data, const char *node) {
    struct buf line = { 0 };

    for (const char *at = form->line; *at; at++) {
        if (*at != '%') {
            buf_add_byte(&line, (uint8_t)*at);
            continue;
        }
        if (!add_part(&line, data, *++at, node)) {
            buf_done(&line);
            return NULL;
        }
    }
    return buf_take_text(&line);
}

char *older_press_line(const struct chat_host *host,
                       const char *text,
                       const char **ret_why) {
    const struct form *form = NULL;
    const char *node = "";
    struct data data;
    char *line;

    if (cut(text, &data))
        form = find(&data);
    if (!form) {
        *ret_why = "This is no button of mine.";
        return NULL;
    }
    if (form->key > 0)
        node = data.parts[form->key][0] && strlen(data.parts[form->key]) <= KEY_MAX
                   ? host->node_of_key(host->arg, data.parts[form->key])
                   : NULL;
    if (!node) {
        *ret_why = "The node of this button is not here any more.";
        return NULL;
    }
    line = fill(form, &data, node);
    if (!line)
        *ret_why = "This is no button of mine.";
    return line;
}
