#include "store/history_sweep.h"

#include "store/history_private.h"

void history_sweep_schedule(struct history *history) {
}

void history_sweep_want(struct history *history) {
}

void history_sweep_on_flushed(struct history *history) {
}

void history_sweep_finish(struct history *history) {
}
