#include "chat/telegram/inlet.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "chat/chat.h"
#include "store/records.h"

enum { RECENT_MS = 60000 }; /* the longest span of a limit */

struct inlet {
    struct inlet_config config;
    char *mark_key;      /* owned */
    struct list intakes; /* owned; with the chat, until it calls back */
};

/* One batch with the engine. */
struct intake {
    struct list node;
    struct inlet_batch batch;
    struct chat_input *inputs; /* owned; their texts are the batch's */
    void (*done)(void *arg, int result);
    void *arg; /* borrowed: the caller's */
};

struct inlet *inlet_new(const struct inlet_config *config) {
    struct inlet *inlet = mem_new(sizeof(*inlet));

    inlet->config = *config;
    inlet->mark_key = mem_strdup(config->mark_key);
    inlet->config.mark_key = inlet->mark_key;
    list_init(&inlet->intakes);
    return inlet;
}

static void free_intake(struct intake *intake) {
    inlet_batch_done(&intake->batch);
    free(intake->inputs);
    free(intake);
}

void inlet_aim(struct inlet *inlet, const char *mark_key) {
    free(inlet->mark_key);
    inlet->mark_key = mem_strdup(mark_key);
    inlet->config.mark_key = inlet->mark_key;
}

struct inlet *inlet_free(struct inlet *inlet) {
    if (!inlet)
        return NULL;
    list_for_each_safe(node, after, &inlet->intakes)
        free_intake(container_of(node, struct intake, node));
    free(inlet->mark_key);
    free(inlet);
    return NULL;
}

void inlet_batch_done(struct inlet_batch *batch) {
    for (size_t i = 0; i < batch->count; i++)
        updates_done(&batch->updates[i]);
    free(batch->updates);
    *batch = (struct inlet_batch) { 0 };
}

bool inlet_read(struct inlet *inlet, struct slice json, struct inlet_batch *batch) {
    struct updates_update update;

    if (!updates_read(json, inlet->config.self, &update))
        return false;
    batch->updates =
        mem_grow(batch->updates, (batch->count + 1) * sizeof(*batch->updates));
    batch->updates[batch->count++] = update;
    return true;
}

/* What is passed on besides the inputs. */
static void pass_on(struct inlet *inlet, const struct updates_update *update) {
    const struct inlet_config *config = &inlet->config;
    const char *chat = update->input.place.chat;

    if (update->kind == UPDATES_INPUT)
        config->on_input(config->arg, update);
    else if (update->kind == UPDATES_BLOCKED)
        config->on_blocked(config->arg, chat);
    else if (update->kind == UPDATES_MOVED)
        config->on_moved(config->arg, chat, update->moved_to);
    else if (update->query)
        config->on_idle_press(config->arg, update->query);
}

static void on_taken(void *arg, int result) {
    struct intake *intake = arg;

    list_remove(&intake->node);
    intake->done(intake->arg, result);
    free_intake(intake);
}

static void note_time(const struct inlet *inlet, struct records *mark) {
    char *text = mem_printf("%" PRId64, clock_wall_ms());

    records_put(mark, INLET_SPACE, inlet->mark_key, slice_of_text(text));
    free(text);
}

bool inlet_is_recent(struct slice value) {
    auto_(mem_freep) char *text = mem_dup(value.at, value.len);
    int64_t ago_ms = clock_wall_ms() - strtoll(text, NULL, 10);

    return ago_ms >= -RECENT_MS && ago_ms <= RECENT_MS;
}

void inlet_take(struct inlet *inlet,
                struct inlet_batch *batch,
                struct records *mark,
                void (*done)(void *arg, int result),
                void *arg) {
    struct intake *intake = mem_new(sizeof(*intake));
    size_t count = 0;

    *intake = (struct intake) {
        .batch = *batch,
        .inputs = mem_new_array(batch->count + 1, sizeof(*intake->inputs)),
        .done = done,
        .arg = arg,
    };
    *batch = (struct inlet_batch) { 0 };
    list_add_tail(&inlet->intakes, &intake->node);
    for (size_t i = 0; i < intake->batch.count; i++) {
        const struct updates_update *update = &intake->batch.updates[i];
        pass_on(inlet, update);
        if (update->kind == UPDATES_INPUT)
            intake->inputs[count++] = update->input;
    }
    if (count > 0)
        note_time(inlet, mark);
    chat_take(inlet->config.chat, "telegram", intake->inputs, count, mark, on_taken,
              intake);
}
