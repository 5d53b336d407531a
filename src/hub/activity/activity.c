#include "hub/activity/activity.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { TEXT_MAX = 512 };

struct activity {
    uint64_t next_id;
    void (*keep)(void *arg, const struct activity_event *event);
    void *arg; /* borrowed: the hub */
    struct list watchers;
};

struct activity *activity_new(uint64_t next_id,
                              void (*keep)(void *arg, const struct activity_event *event),
                              void *arg) {
    struct activity *activity = mem_new(sizeof(*activity));

    *activity = (struct activity) { .next_id = next_id, .keep = keep, .arg = arg };
    list_init(&activity->watchers);
    return activity;
}

struct activity *activity_free(struct activity *activity) {
    if (!activity)
        return NULL;
    assert(list_is_empty(&activity->watchers));
    free(activity);
    return NULL;
}

/* Control characters become spaces; no half of a character is left. */
static void clean(struct buf *text) {
    if (text->len > TEXT_MAX) {
        text->len = TEXT_MAX;
        while (text->len > 0 && (text->data[text->len] & 0xc0) == 0x80)
            text->len--;
    }
    for (size_t i = 0; i < text->len; i++)
        if (text->data[i] < 0x20 || text->data[i] == 0x7f)
            text->data[i] = ' ';
}

__attribute__((format(printf, 3, 0))) static void add(struct activity *activity,
                                                      const struct activity_act *act,
                                                      const char *format,
                                                      va_list args) {
    struct buf text = { 0 };

    buf_vprintf(&text, format, args);
    clean(&text);
    struct activity_event event = {
        .id = activity->next_id++,
        .time_ms = clock_wall_ms(),
        .kind = act->kind,
        .node = act->node,
        .actor = act->actor,
        .text = buf_text(&text),
        .method = act->method,
        .arguments = act->arguments,
        .status = act->status,
        .duration_us = act->duration_us,
        .act_id = act->act_id,
    };
    log_info("%s %s%s%s", act->kind, act->node, act->node[0] ? ": " : "", event.text);
    activity->keep(activity->arg, &event);
    list_for_each_safe(at, after, &activity->watchers) {
        struct activity_watcher *watcher =
            container_of(at, struct activity_watcher, node);
        watcher->on_event(watcher, &event);
    }
    buf_done(&text);
}

void activity_add(struct activity *activity,
                  const char *kind,
                  const char *node,
                  const char *actor,
                  const char *format,
                  ...) {
    const struct activity_act act = { .kind = kind, .node = node, .actor = actor };
    va_list args;

    va_start(args, format);
    add(activity, &act, format, args);
    va_end(args);
}

void activity_add_act(struct activity *activity,
                      const struct activity_act *act,
                      const char *format,
                      ...) {
    va_list args;

    va_start(args, format);
    add(activity, act, format, args);
    va_end(args);
}

void activity_watch(struct activity *activity, struct activity_watcher *watcher) {
    list_add_tail(&activity->watchers, &watcher->node);
}

void activity_unwatch(struct activity_watcher *watcher) {
    list_remove(&watcher->node);
}
