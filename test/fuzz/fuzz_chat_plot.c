#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/values/look_plot_words.h"

enum { WORDS_MAX = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What people write after /plot in a chat: read or refused, and nothing in between. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *line = mem_dup(data, size);
    const char *words[WORDS_MAX];
    size_t count = 0;
    char *rest = NULL;
    struct look_plot_words plot;

    for (char *word = strtok_r(line, " ", &rest); word && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    int r = look_plot_words_read(&plot, words, count, false);
    if (r < 0 || (r == 0 && (plot.span_ms <= 0 || plot.kind.series_count == 0)))
        abort();
    look_plot_words_done(&plot);
    free(line);
    return 0;
}
