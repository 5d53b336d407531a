/* Whatever is read prints as a file that means the same. */
#include <assert.h>
#include <stdlib.h>

#include "agent/policy/policy_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool print(struct slice text, struct buf *out) {
    struct policy_rules rules = { 0 };
    char *why = NULL;

    int r = policy_rules_parse(&rules, text, &why);
    assert((r == 0) == !why);
    for (size_t i = 0; r == 0 && i < rules.count; i++) {
        policy_rules_print(&rules.items[i], out);
        buf_add_byte(out, '\n');
    }
    for (size_t i = 0; r == 0 && i < rules.key_count; i++) {
        policy_rules_print_key(&rules.keys[i], out);
        buf_add_byte(out, '\n');
    }
    policy_rules_done(&rules);
    free(why);
    return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf first = { 0 };
    struct buf second = { 0 };

    if (print(slice_of(data, size), &first)) {
        assert(print(buf_slice(&first), &second));
        assert(slice_equal(buf_slice(&first), buf_slice(&second)));
    }
    buf_done(&first);
    buf_done(&second);
    return 0;
}
