#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Up to a NUL a selection, after it a name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static const char *const tags[] = { "home", "pi" };
    auto_(mem_freep) char *text = mem_dup(data, len);
    const char *after = text + strlen(text) + (strlen(text) < len);
    struct name_subject subjects[] = {
        { .name = "pi1", .title = "Kitchen", .tags = tags, .tag_count = 2 },
        { .name = "db", .title = "a,b" },
        { .name = after, .title = after },
    };
    bool picked[3];
    char *item = NULL, name[NAME_LEN_MAX + 1], printed[CLOCK_TEXT_LEN];
    int64_t ms;

    int r = name_select(text, subjects, 3, picked, &item);
    assert(r != 0 || picked[0] || picked[1] || picked[2]);
    assert((r == NAME_E_NO_MATCH) == (item != NULL));
    free(item);
    name_from_host(text, name);
    assert(name_is_valid(name));
    name_is_title(text);
    if (clock_parse(text, &ms) == 0)
        clock_print(ms, printed);
    return 0;
}
