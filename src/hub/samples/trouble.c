#include "hub/samples/trouble.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "store/history/history.h"

enum { LOOK_MS = 5000 };

struct trouble {
    struct loop *loop;         /* borrowed: outlives us */
    struct history *history;   /* borrowed: outlives us */
    struct activity *activity; /* borrowed: outlives us */
    struct timer look;
    char *why;         /* owned; as it was told; NULL: all is well */
    uint64_t since_ms; /* loop time */
};

static void begin(struct trouble *trouble, const char *why) {
    if (!trouble->why)
        trouble->since_ms = loop_now_ms(trouble->loop);
    free(trouble->why);
    trouble->why = mem_strdup(why);
    activity_add(trouble->activity, "hub.store_trouble", "", "",
                 "samples cannot be kept: %s; agents keep them until it is mended", why);
}

static void end(struct trouble *trouble) {
    uint64_t seconds = (loop_now_ms(trouble->loop) - trouble->since_ms) / 1000;

    activity_add(trouble->activity, "hub.store_recovered", "", "",
                 "samples are kept again, after %llu s: %s is over",
                 (unsigned long long)seconds, trouble->why);
    free(trouble->why);
    trouble->why = NULL;
}

static void on_look(struct timer *timer) {
    struct trouble *trouble = container_of(timer, struct trouble, look);
    const char *why = history_trouble(trouble->history);

    if (why && (!trouble->why || strcmp(why, trouble->why) != 0))
        begin(trouble, why);
    else if (!why && trouble->why)
        end(trouble);
    timer_start(trouble->loop, timer, LOOK_MS);
}

struct trouble *trouble_new(struct loop *loop,
                            struct history *history,
                            struct activity *activity) {
    struct trouble *trouble = mem_new(sizeof(*trouble));

    *trouble = (struct trouble) {
        .loop = loop,
        .history = history,
        .activity = activity,
        .look.fire = on_look,
    };
    on_look(&trouble->look);
    return trouble;
}

struct trouble *trouble_free(struct trouble *trouble) {
    if (!trouble)
        return NULL;
    timer_stop(&trouble->look);
    free(trouble->why);
    free(trouble);
    return NULL;
}
