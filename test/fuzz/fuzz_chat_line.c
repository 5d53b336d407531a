#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "chat/turn/node_match.h"
#include "chat/turn/turn_parse.h"
#include "chat/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was cut is put together again by quotes, and cut the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *line = mem_dup(data, size);
    struct turn_parse parse;
    struct turn_parse again;
    struct buf quoted = { 0 };

    turn_parse_init(&parse, line);
    buf_add_text(&quoted, "first");
    for (size_t i = 0; i < parse.count; i++) {
        free(turn_parse_rest(&parse, i));
        buf_add_byte(&quoted, ' ');
        view_quote(&quoted, parse.words[i].text);
        assert(parse.words[i].begin <= parse.words[i].end);
        assert(parse.words[i].end <= strlen(line));
    }
    turn_parse_init(&again, buf_text(&quoted));
    assert(again.count == parse.count + 1 && again.flag_count == 0);
    for (size_t i = 0; i < parse.count; i++)
        assert(strcmp(again.words[i + 1].text, parse.words[i].text) == 0);
    assert(node_match_distance(line, line, 2) == 0 ||
           node_match_distance(line, line, 2) == 3);
    turn_parse_done(&parse);
    turn_parse_done(&again);
    buf_done(&quoted);
    free(line);
    return 0;
}
