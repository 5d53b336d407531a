/*
 * incident - something is wrong with a node, or was
 *
 * Made by the judge of rules (alerts.h), told by the notifier (notifier.h), changed by
 * people. The incidents are kept as records: one that changes becomes durable together
 * with the samples that changed it, and only then are watchers told, so that what people
 * hear is never forgotten. Incidents that are over are kept for a while.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

struct incidents;
struct records;

enum incident_severity { INCIDENT_INFO = 1, INCIDENT_WARNING, INCIDENT_CRITICAL };
enum incident_state { INCIDENT_FIRING = 1, INCIDENT_RESOLVED };

enum {
    INCIDENTS_OPEN_MAX = 20000,
    INCIDENTS_KEPT_MAX = 5000, /* of those that are over */
    INCIDENT_STEPS_MAX = 50,
    INCIDENT_PROCESSES_MAX = 5,
};

struct incident_step {
    int64_t time_ms;
    char *text; /* owned */
};

struct incident_process {
    int pid;
    char *name; /* owned */
    char *user; /* owned */
    double cpu; /* percent of one core */
    uint64_t memory;
};

/* One incident; plain, of the incidents. Texts are never NULL and owned. */
struct incident {
    struct list in_list;
    uint64_t id;
    uint64_t version; /* counts changes */
    uint64_t durable; /* the version that is on the disk */
    char *rule;
    char *node;   /* "" of one that is about several */
    char *series; /* "disk:/home", "offline" */
    char *text;   /* one line in English: "disk:/home is 93.1 %, ..." */
    char *unit;
    char *evidence;
    char *acknowledged_by;
    char **nodes; /* owned, NULL-terminated: of one that is about several; or NULL */
    enum incident_severity severity;
    enum incident_state state;
    bool found_at_join;
    bool sleeps;
    bool is_history; /* was over before anybody could be told: nobody is */
    double value;
    double threshold;   /* NaN: none */
    int64_t started_ms; /* by the samples' time */
    int64_t ended_ms;   /* 0: not yet */
    int64_t acknowledged_ms;
    int64_t silenced_until_ms;
    struct incident_process processes[INCIDENT_PROCESSES_MAX];
    size_t process_count;
    struct incident_step *steps; /* owned */
    size_t step_count;
    struct list in_waiting; /* of those with changes that are not durable */
    unsigned waits;         /* changes that wait, a bit each */
    unsigned in_batch;      /* those of them that are on their way to the disk */
    uint64_t batch_version;
};

enum incident_change {
    INCIDENT_BEGAN,
    INCIDENT_ENDED,
    INCIDENT_TOUCHED, /* acknowledged, silenced, processes or evidence came, ... */
    INCIDENT_VALUE,   /* only the value moved */
};

/*
 * Told when the change is durable. Embedded in whoever watches. Of those that are over
 * the oldest are forgotten in the end: keep ids rather than pointers.
 */
struct incident_watcher {
    struct list node;
    void (*on_change)(struct incident_watcher *watcher,
                      struct incident *incident,
                      enum incident_change change);
};

struct incidents_config {
    /* A change waits for the disk: flush soon (history_sync), incidents_collect() gives
     * it. */
    void (*want_flush)(void *arg);
    void *arg;
};

struct incidents *incidents_new(const struct incidents_config *config);
struct incidents *incidents_free(struct incidents *incidents);

/* A record of the store: true when the space is ours. */
bool incidents_load(struct incidents *incidents,
                    const char *space,
                    const char *key,
                    struct slice value);

/* Changes that wait go into the batch. Then, when it is durable (or failed: they wait
 * on). */
void incidents_collect(struct incidents *incidents, struct records *ret_records);
void incidents_settle(struct incidents *incidents, bool is_durable);

/* A new one; fill it, then incident_changed(). NULL: too many are open. */
struct incident *incidents_open(struct incidents *incidents,
                                const char *rule,
                                const char *node,
                                const char *series);

/* The one that goes on, or NULL. */
struct incident *incidents_find(const struct incidents *incidents,
                                const char *rule,
                                const char *node,
                                const char *series);
struct incident *incidents_by_id(const struct incidents *incidents, uint64_t id);

/* It was changed: a step for the timeline (or NULL), and watchers when it is durable. */
void incident_changed(struct incidents *incidents,
                      struct incident *incident,
                      enum incident_change change,
                      int64_t time_ms,
                      const char *step);

/* Ends it, unless it is over: ENDED with that step. */
void incident_end(struct incidents *incidents,
                  struct incident *incident,
                  int64_t time_ms,
                  const char *step);

/* Somebody looks after it, or (NULL) no longer does. */
void incident_acknowledge(struct incidents *incidents,
                          struct incident *incident,
                          const char *who,
                          int64_t now_ms);

/* Its node sleeps: nobody is told more of it until the node was online again. */
void incident_sleep(struct incidents *incidents,
                    struct incident *incident,
                    const char *who,
                    int64_t now_ms);

/* Nobody is told until then; 0: again. */
void incident_silence(struct incidents *incidents,
                      struct incident *incident,
                      int64_t until_ms,
                      const char *who,
                      int64_t now_ms);

/* What did most at that moment; copies. At most INCIDENT_PROCESSES_MAX are kept. */
void incident_put_processes(struct incidents *incidents,
                            struct incident *incident,
                            const struct incident_process *processes,
                            size_t count,
                            int64_t now_ms);

/* Puts another text in the place of one. */
void incident_set(char **field, const char *text);

size_t incidents_open_count(const struct incidents *incidents);

/* Walks, newest first: *at starts at NULL; NULL at the end. */
struct incident *incidents_next(const struct incidents *incidents,
                                const struct incident *at);

void incidents_watch(struct incidents *incidents, struct incident_watcher *watcher);
void incidents_unwatch(struct incident_watcher *watcher);

/* The node was renamed or removed: its incidents follow, or end. */
void incidents_rename_node(struct incidents *incidents, const char *from, const char *to);
void incidents_forget_node(struct incidents *incidents, const char *node, int64_t now_ms);
