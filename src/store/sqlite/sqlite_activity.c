#include "store/sqlite/sqlite_activity.h"

#include "base/mem.h"
#include "store/sqlite/sqlite_db.h"
#include "store/store_request.h"

int sqlite_activity_add(struct store_database *db, struct store_request *request) {
    const struct store_event *event = &request->event;
    struct sqlite_query query =
        sqlite_db_query(db, "INSERT INTO activity (id, time, kind, node, actor, text,"
                            " method, arguments, status, duration)"
                            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sqlite_db_bind_int(&query, (int64_t)event->id);
    sqlite_db_bind_int(&query, event->time_ms);
    sqlite_db_bind_text(&query, event->kind);
    sqlite_db_bind_text(&query, event->node);
    sqlite_db_bind_text(&query, event->actor);
    sqlite_db_bind_text(&query, event->text);
    sqlite_db_bind_text(&query, event->method);
    sqlite_db_bind_text(&query, event->arguments);
    sqlite_db_bind_int(&query, event->status);
    sqlite_db_bind_int(&query, (int64_t)event->duration_us);
    int r = sqlite_db_finish(&query);
    if (r != 0 || event->id <= request->events_max)
        return r;

    struct sqlite_query prune = sqlite_db_query(db, "DELETE FROM activity WHERE id <= ?");
    sqlite_db_bind_int(&prune, (int64_t)(event->id - request->events_max));
    return sqlite_db_finish(&prune);
}

/* The query for each set of restrictions: static texts, so that each is prepared once. A
 * kind that ends with a '.' stands for all that begin with it. */
static const char *events_sql(const struct store_event_query *query) {
#define EVENTS(extra, order)                                                             \
    "SELECT id, time, kind, node, actor, text, method, arguments, status, duration"      \
    " FROM activity"                                                                     \
    " WHERE id > ?1 AND id < ?2 AND time >= ?3 AND time < ?4"                            \
    " AND (?6 = '' OR kind = ?6 OR (substr(?6, -1) = '.'"                                \
    " AND substr(kind, 1, length(?6)) = ?6))" extra " ORDER BY id " order " LIMIT ?5"
    static const char *const texts[2][2][2] = {
        { { EVENTS("", "DESC"), EVENTS("", "ASC") },
          { EVENTS(" AND actor = ?8", "DESC"), EVENTS(" AND actor = ?8", "ASC") } },
        { { EVENTS(" AND node = ?7", "DESC"), EVENTS(" AND node = ?7", "ASC") },
          { EVENTS(" AND node = ?7 AND +actor = ?8", "DESC"),
            EVENTS(" AND node = ?7 AND +actor = ?8", "ASC") } },
    };
#undef EVENTS
    return texts[*query->node != '\0'][*query->actor != '\0'][query->oldest_first];
}

static struct sqlite_query begin_events(struct store_database *db,
                                        const struct store_event_query *wanted) {
    struct sqlite_query query = sqlite_db_query(db, events_sql(wanted));
    sqlite_db_bind_int(&query, (int64_t)wanted->after_id);
    sqlite_db_bind_int(&query,
                       wanted->before_id ? (int64_t)wanted->before_id : INT64_MAX);
    sqlite_db_bind_int(&query, wanted->since_ms ? wanted->since_ms : INT64_MIN);
    sqlite_db_bind_int(&query, wanted->until_ms ? wanted->until_ms : INT64_MAX);
    sqlite_db_bind_int(&query, (int64_t)wanted->limit);
    sqlite_db_bind_text(&query, wanted->kind);
    if (*wanted->node)
        sqlite_db_bind_text(&query, wanted->node);
    query.at = 7; /* ?8 stands alone where no node is asked for */
    if (*wanted->actor)
        sqlite_db_bind_text(&query, wanted->actor);
    return query;
}

int sqlite_activity_list(struct store_database *db, struct store_request *request) {
    size_t limit = request->query.limit;
    struct sqlite_query query = begin_events(db, &request->query);

    request->events =
        store_request_own(request, mem_new_array(limit, sizeof(*request->events)));
    while (request->event_count < limit && sqlite_db_next(&query)) {
        const struct store_event row = {
            .id = (uint64_t)sqlite_db_int(&query, 0),
            .time_ms = sqlite_db_int(&query, 1),
            .kind = sqlite_db_text(&query, 2),
            .node = sqlite_db_text(&query, 3),
            .actor = sqlite_db_text(&query, 4),
            .text = sqlite_db_text(&query, 5),
            .method = sqlite_db_text(&query, 6),
            .arguments = sqlite_db_text(&query, 7),
            .status = (unsigned)sqlite_db_int(&query, 8),
            .duration_us = (uint64_t)sqlite_db_int(&query, 9),
        };
        request->events[request->event_count++] = store_request_copy_event(request, &row);
    }
    int r = sqlite_db_finish(&query);
    if (r != 0)
        request->event_count = 0;
    return r;
}

int sqlite_activity_begin_act(struct store_database *db, struct store_request *request) {
    const struct store_act *act = &request->act;
    struct sqlite_query query =
        sqlite_db_query(db, "INSERT INTO acts (id, time, node, actor, method, arguments)"
                            " VALUES (?, ?, ?, ?, ?, ?)");
    sqlite_db_bind_int(&query, (int64_t)act->id);
    sqlite_db_bind_int(&query, act->time_ms);
    sqlite_db_bind_text(&query, act->node);
    sqlite_db_bind_text(&query, act->actor);
    sqlite_db_bind_text(&query, act->method);
    sqlite_db_bind_text(&query, act->arguments);
    return sqlite_db_finish(&query);
}

int sqlite_activity_end_act(struct store_database *db, struct store_request *request) {
    struct sqlite_query query = sqlite_db_query(db, "DELETE FROM acts WHERE id = ?");
    sqlite_db_bind_int(&query, (int64_t)request->act.id);
    int r = sqlite_db_finish(&query);
    return r == 0 && request->event.id > 0 ? sqlite_activity_add(db, request) : r;
}

int sqlite_activity_load_acts(struct store_database *db,
                              const struct store_loader *loader) {
    struct sqlite_query query = sqlite_db_query(
        db, "SELECT id, time, node, actor, method, arguments FROM acts ORDER BY id");
    while (sqlite_db_next(&query)) {
        const struct store_act act = {
            .id = (uint64_t)sqlite_db_int(&query, 0),
            .time_ms = sqlite_db_int(&query, 1),
            .node = sqlite_db_text(&query, 2),
            .actor = sqlite_db_text(&query, 3),
            .method = sqlite_db_text(&query, 4),
            .arguments = sqlite_db_text(&query, 5),
        };
        loader->on_act(loader->arg, &act);
    }
    return sqlite_db_finish(&query);
}
