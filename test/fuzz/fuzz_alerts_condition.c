#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/rules/condition.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is written so that it is read as the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = mem_dup(data, size);
    char *why = NULL;
    struct buf first = { 0 }, second = { 0 };
    struct condition *condition = condition_parse(text, &why);

    if (condition) {
        condition_print(condition, &first);
        condition_explain(condition, &second);
        buf_clear(&second);
        struct condition *again = condition_parse(buf_text(&first), &why);
        if (!again && first.len <= CONDITION_TEXT_MAX)
            abort();
        if (again) {
            condition_print(again, &second);
            if (!slice_equal(buf_slice(&first), buf_slice(&second)))
                abort();
        }
        condition_free(again);
    }
    free(why);
    free(text);
    condition_free(condition);
    buf_done(&first);
    buf_done(&second);
    return 0;
}
