#include "agent/systemd/systemd_list.h"

#include <stdlib.h>
#include <string.h>

#include "agent/systemd/systemd_bus.h"
#include "agent/systemd/systemd_library.h"
#include "agent/systemd/systemd_name.h"
#include "base/map.h"
#include "base/mem.h"
#include "wire/pb.h"

enum { UNITS_MAX = 20000 }; /* more than any host has, and what an answer may hold */

static const char *const types[] = { "service", "timer", "socket" };

/* A unit file. */
struct file {
    char *state; /* owned */
    bool is_own; /* the user brought it */
};

struct systemd_list {
    struct systemd_bus *bus;   /* borrowed: outlives us */
    struct systemd_call *call; /* borrowed: the bus's, until it is answered */
    struct map *files;         /* owned, by name, and its struct file */
    char *filter;              /* owned */
    char *active_state;        /* owned */
    bool wants[sizeof(types) / sizeof(types[0])];
    bool all;
    bool files_last;                       /* and only when something was found */
    Roost__V1__ListUnitsResponse response; /* its units are owned */
    systemd_list_fn *on_done;
    void *arg; /* borrowed: the caller's */
};

bool systemd_list_has_type(const char *type) {
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

static void list_done(struct systemd_list *list) {
    const char *name;
    size_t at = 0;
    struct file *file;

    while ((file = map_next(list->files, &at, &name))) {
        free(file->state);
        free(file);
    }
    map_free(list->files);
    for (size_t i = 0; i < list->response.n_units; i++)
        pb_free(&list->response.units[i]->base);
    free(list->response.units);
    free(list->filter);
    free(list->active_state);
    free(list);
}

static int by_name(const void *a, const void *b) {
    const Roost__V1__Unit *const *left = a;
    const Roost__V1__Unit *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

static void finish(struct systemd_list *list, const struct systemd_fault *fault) {
    if (!fault && list->response.n_units > 1)
        qsort(list->response.units, list->response.n_units, sizeof(Roost__V1__Unit *),
              by_name);
    list->on_done(list->arg, fault ? NULL : &list->response, fault);
    list_done(list);
}

/* --- which are wanted --- */

static bool wants_type(const struct systemd_list *list, const char *name) {
    const char *type = systemd_name_type(name);

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (list->wants[i] && strcmp(types[i], type) == 0)
            return true;
    return false;
}

/* The file of a unit, or of its template. */
static const struct file *find_file(const struct systemd_list *list, const char *name) {
    char template[SYSTEMD_NAME_CAP];
    const struct file *file = map_get(list->files, name);

    if (!file && systemd_name_template(name, template))
        file = map_get(list->files, template);
    return file;
}

static bool is_wanted(const struct systemd_list *list, const Roost__V1__Unit *unit) {
    const struct file *file = find_file(list, unit->name);

    if (!wants_type(list, unit->name))
        return false;
    if (systemd_bus_is_user(list->bus) && !(file && file->is_own))
        return false;
    if (list->active_state[0] != '\0' &&
        strcmp(list->active_state, unit->active_state) != 0)
        return false;
    if (!list->all && strcmp(unit->load_state, "not-found") == 0 &&
        strcmp(unit->active_state, "inactive") == 0)
        return false;
    return systemd_name_fits(list->filter, unit->name, unit->description);
}

static void set_text(char **field, const char *text) {
    if (text[0])
        *field = mem_strdup(text);
}

static void set_file_state(struct systemd_list *list, Roost__V1__Unit *unit) {
    const struct file *file = find_file(list, unit->name);

    set_text(&unit->file_state, file ? file->state : "");
}

/* Takes what is wanted into the answer; the texts of the draft are borrowed. */
static void take(struct systemd_list *list, const Roost__V1__Unit *draft) {
    Roost__V1__ListUnitsResponse *response = &list->response;

    if (!is_wanted(list, draft) || response->n_units == UNITS_MAX)
        return;
    Roost__V1__Unit *unit = (Roost__V1__Unit *)pb_new(&roost__v1__unit__descriptor);
    set_text(&unit->name, draft->name);
    set_text(&unit->description, draft->description);
    set_text(&unit->load_state, draft->load_state);
    set_text(&unit->active_state, draft->active_state);
    set_text(&unit->sub_state, draft->sub_state);
    set_file_state(list, unit);
    response->units =
        mem_grow(response->units, (response->n_units + 1) * sizeof(*response->units));
    response->units[response->n_units++] = unit;
}

/* --- the answers --- */

static void take_files(struct systemd_list *list) {
    Roost__V1__Unit draft = ROOST__V1__UNIT__INIT;
    const char *name;
    size_t at = 0;
    struct file *file;

    draft.active_state = (char *)"inactive";
    draft.sub_state = (char *)"dead";
    while ((file = map_next(list->files, &at, &name))) {
        bool is_masked = strncmp(file->state, "masked", strlen("masked")) == 0;
        draft.name = (char *)name;
        draft.load_state = (char *)(is_masked ? "masked" : "not-loaded");
        if (!systemd_name_is_template(name))
            take(list, &draft);
    }
}

/* A file that is loaded was told already, or was not wanted. */
static void forget_file(struct systemd_list *list, const char *name) {
    struct file *file = map_remove(list->files, name);

    if (file)
        free(file->state);
    free(file);
}

static void ask_files(struct systemd_list *list);

static void on_units(void *arg,
                     struct sd_bus_message *reply,
                     const struct systemd_fault *fault) {
    struct systemd_list *list = arg;
    const struct systemd_library *library = systemd_bus_library(list->bus);
    Roost__V1__Unit draft = ROOST__V1__UNIT__INIT;
    const char *following, *path, *job_type, *job_path;
    uint32_t job;

    list->call = NULL;
    if (fault) {
        finish(list, fault);
        return;
    }
    library->message_enter(reply, 'a', "(ssssssouso)");
    while (library->message_read(reply, "(ssssssouso)", &draft.name, &draft.description,
                                 &draft.load_state, &draft.active_state, &draft.sub_state,
                                 &following, &path, &job, &job_type, &job_path) > 0) {
        take(list, &draft);
        forget_file(list, draft.name);
    }
    if (list->files_last && list->response.n_units > 0) {
        ask_files(list);
        return;
    }
    if (list->all)
        take_files(list);
    finish(list, NULL);
}

static void ask_units(struct systemd_list *list) {
    static const struct systemd_bus_method method = { .member = "ListUnitsByPatterns" };

    /* With `all`, those in other states are told too, so that their files are not. */
    if (list->active_state[0] != '\0' && !list->all)
        list->call =
            systemd_bus_call(list->bus, &method, on_units, list, "asas", 1,
                             list->active_state, 3, "*.service", "*.timer", "*.socket");
    else
        list->call = systemd_bus_call(list->bus, &method, on_units, list, "asas", 0, 3,
                                      "*.service", "*.timer", "*.socket");
}

/* What comes with the system lies there. */
static bool is_of_system(const char *path) {
    static const char *const folders[] = { "/usr/", "/lib/", "/etc/", "/run/systemd/" };

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (strncmp(path, folders[i], strlen(folders[i])) == 0)
            return true;
    return false;
}

static void add_file(struct systemd_list *list, const char *path, const char *state) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    if (!wants_type(list, name) || map_get(list->files, name))
        return;
    struct file *file = mem_new(sizeof(*file));
    file->state = mem_strdup(state);
    file->is_own = !is_of_system(path);
    map_put(list->files, name, file);
}

static void on_files(void *arg,
                     struct sd_bus_message *reply,
                     const struct systemd_fault *fault) {
    struct systemd_list *list = arg;
    const struct systemd_library *library = systemd_bus_library(list->bus);
    const char *path, *state;

    list->call = NULL;
    if (fault) {
        finish(list, fault);
        return;
    }
    library->message_enter(reply, 'a', "(ss)");
    while (library->message_read(reply, "(ss)", &path, &state) > 0)
        add_file(list, path, state);
    if (!list->files_last) {
        ask_units(list);
        return;
    }
    for (size_t i = 0; i < list->response.n_units; i++)
        set_file_state(list, list->response.units[i]);
    finish(list, NULL);
}

static void ask_files(struct systemd_list *list) {
    static const struct systemd_bus_method method = {
        .member = "ListUnitFilesByPatterns",
    };

    list->call = systemd_bus_call(list->bus, &method, on_files, list, "asas", 0, 3,
                                  "*.service", "*.timer", "*.socket");
}

struct systemd_list *systemd_list_new(struct systemd_bus *bus,
                                      const Roost__V1__ListUnitsRequest *request,
                                      systemd_list_fn *on_done,
                                      void *arg) {
    struct systemd_list *list = mem_new(sizeof(*list));

    *list = (struct systemd_list) {
        .bus = bus,
        .files = map_new(),
        .filter = mem_strdup(request->filter),
        .active_state = mem_strdup(request->active_state),
        .all = request->all,
        .response = ROOST__V1__LIST_UNITS_RESPONSE__INIT,
        .on_done = on_done,
        .arg = arg,
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        list->wants[i] = request->n_types == 0;
        for (size_t j = 0; j < request->n_types; j++)
            list->wants[i] |= strcmp(types[i], request->types[j]) == 0;
    }
    /* The manager reads each unit file for its list of them: not each minute, to say that
     * nothing has failed. */
    list->files_last =
        list->active_state[0] != '\0' && !list->all && !systemd_bus_is_user(bus);
    if (list->files_last)
        ask_units(list);
    else
        ask_files(list);
    return list;
}

struct systemd_list *systemd_list_cancel(struct systemd_list *list) {
    if (!list)
        return NULL;
    systemd_bus_cancel(list->call);
    list_done(list);
    return NULL;
}
