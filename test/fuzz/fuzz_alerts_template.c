/* Templates of webhooks: the first line is the JSON, the rest the template. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/channel/template.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    const uint8_t *end = len > 0 ? memchr(bytes, '\n', len) : NULL;
    size_t json_len = end ? (size_t)(end - bytes) : 0;
    size_t skip = end ? json_len + 1 : 0;
    char *text = mem_dup(bytes + skip, len - skip);
    struct buf out = { 0 };
    char *why = NULL;

    int checked = template_check(text, &why);
    assert((checked == 0) == (why == NULL));
    for (int is_plain = 0; is_plain < 2; is_plain++) {
        int r = template_render(&out, text, slice_of(bytes, json_len), is_plain != 0);
        assert(checked == 0 || r != 0 || out.len == 0 || !strstr(text, "{{"));
        assert(out.len <= (size_t)2 * TEMPLATE_OUT_MAX);
    }
    free(why);
    free(text);
    buf_done(&out);
    return 0;
}
