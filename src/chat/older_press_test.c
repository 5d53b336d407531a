#include "chat/older_press.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "chat/chat.h"

static const char *node_of_key(void *arg, const char *key) {
    return strcmp(key, "abcDEF1234567890abcd") == 0 ? "nas"
           : strcmp(key, "spaced") == 0             ? "-odd name"
                                                    : NULL;
}

#define KEY "abcDEF1234567890abcd"

static void each_older_button_has_its_line(void) {
    static const char *const rows[][2] = {
        { "list", "nodes" },
        { "status:" KEY, "status nas" },
        { "status:spaced", "status \"-odd name\"" },
        { "graph:cpu:" KEY, "chart nas cpu" },
        { "graph:all:600:" KEY, "chart nas all 10m" },
        { "graph:cpu:3600:" KEY, "chart nas cpu 1h" },
        { "graph:ram:86400:" KEY, "chart nas mem 1d" },
        { "graph:net:604800:" KEY, "chart nas net 7d" },
        { "graph:vram:61:" KEY, "chart nas vram 61s" },
        { "speedtest:" KEY, "speedtest nas" },
        { "diag:" KEY, "diag nas" },
        { "stability:" KEY, "stability nas" },
        { "stab_i:" KEY ":20", "stability nas 20ms" },
        { "stab_run:" KEY ":100:900", "stability nas 100ms 15m" },
        { "stab_run:" KEY ":1:86400", "stability nas 1ms 1d" },
        { "reboot:" KEY, "reboot nas" },
        { "shutdown:" KEY, "shutdown nas" },
        /* None of ours. */
        { "status:", NULL },
        { "status:nobody", NULL },
        { "status:" KEY ":more", NULL },
        { "graph::3600:" KEY, NULL },
        { "graph:cpu:zz:" KEY, NULL },
        { "graph:cpu::" KEY, NULL },
        { "graph:cpu:99999999:" KEY, NULL },
        { "graph:cpu:-5:" KEY, NULL },
        { "graph:rm -rf:3600:" KEY, NULL },
        { "stab_i:" KEY ":20 --force", NULL },
        { "stab_run:" KEY ":100", NULL },
        { "reboot", NULL },
        { "list:" KEY, NULL },
        { "", NULL },
        { ":", NULL },
        { "a:b:c:d:e", NULL },
        { "status:" KEY KEY KEY KEY, NULL },
    };
    const struct chat_host host = { .node_of_key = node_of_key };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why = NULL;
        auto_(mem_freep) char *line = older_press_line(&host, rows[i][0], &why);

        if ((line == NULL) != (rows[i][1] == NULL))
            printf("# %s\n", rows[i][0]);
        CHECK((line == NULL) == (rows[i][1] == NULL));
        CHECK((why == NULL) == (line != NULL));
        if (line)
            CHECK_TEXT(line, rows[i][1]);
    }
}

static void tokens_of_ours_are_none(void) {
    CHECK(!older_press_is("AAAAAAAAAAAAAAAAAAAAAA0"));
    CHECK(!older_press_is("status"));
    CHECK(older_press_is("status:x"));
}

TESTS(TEST(each_older_button_has_its_line), TEST(tokens_of_ours_are_none))
