#include "hub/samples/row_pace.h"

enum {
    ROW_MS = 100,        /* ten a second; the shortest interval of an agent is 1 s */
    DEBT_MAX_MS = 60000, /* 600 rows: what a restart and a clock's step may double */
};

bool row_pace_take(struct row_pace *pace, int64_t wall_ms) {
    int64_t passed_ms = wall_ms - pace->newest_ms;

    if (passed_ms > 0) {
        pace->newest_ms = wall_ms;
        pace->debt_ms = passed_ms > pace->debt_ms ? 0 : pace->debt_ms - passed_ms;
    }
    pace->debt_ms += ROW_MS;
    return pace->debt_ms <= DEBT_MAX_MS;
}
