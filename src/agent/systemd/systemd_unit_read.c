#include <stdlib.h>
#include <string.h>

#include "agent/systemd/systemd_library.h"
#include "agent/systemd/systemd_unit.h"
#include "base/mem.h"

enum { WORDS_MAX = 256 }; /* names and sockets of one unit; nobody has more */

struct property {
    const char *name;
    const char *type;
    size_t at;
    /* NULL: by the type alone */
    int (*read)(const struct systemd_library *library,
                struct sd_bus_message *reply,
                void *field);
};

static int read_text(const struct systemd_library *library,
                     struct sd_bus_message *reply,
                     void *field) {
    char **text = field;
    const char *value;

    int r = library->message_read(reply, "s", &value);
    if (r < 0)
        return r;
    free(*text);
    *text = mem_strdup(value);
    return 0;
}

static int read_bool(const struct systemd_library *library,
                     struct sd_bus_message *reply,
                     void *field) {
    int value = 0;
    int r = library->message_read(reply, "b", &value);

    *(bool *)field = value != 0;
    return r;
}

static void add_word(struct systemd_unit_words *words, char *word) {
    if (words->count == WORDS_MAX) {
        free(word);
        return;
    }
    words->items = mem_grow(words->items, (words->count + 1) * sizeof(*words->items));
    words->items[words->count++] = word;
}

static int read_words(const struct systemd_library *library,
                      struct sd_bus_message *reply,
                      void *field) {
    const char *value;

    int r = library->message_enter(reply, 'a', "s");
    if (r < 0)
        return r;
    while ((r = library->message_read(reply, "s", &value)) > 0)
        add_word(field, mem_strdup(value));
    return r < 0 ? r : library->message_exit(reply);
}

/* "Stream", "/run/x.sock" becomes "/run/x.sock (Stream)". */
static int read_listens(const struct systemd_library *library,
                        struct sd_bus_message *reply,
                        void *field) {
    const char *kind, *address;

    int r = library->message_enter(reply, 'a', "(ss)");
    if (r < 0)
        return r;
    while ((r = library->message_read(reply, "(ss)", &kind, &address)) > 0)
        add_word(field, mem_printf("%s (%s)", address, kind));
    return r < 0 ? r : library->message_exit(reply);
}

static int read_job(const struct systemd_library *library,
                    struct sd_bus_message *reply,
                    void *field) {
    const char *path;
    return library->message_read(reply, "(uo)", field, &path);
}

#define AT(field) offsetof(struct systemd_unit, field)

static const struct property properties[] = {
    { "Id", "s", AT(id), read_text },
    { "Names", "as", AT(names), read_words },
    { "Description", "s", AT(description), read_text },
    { "LoadState", "s", AT(load_state), read_text },
    { "ActiveState", "s", AT(active_state), read_text },
    { "SubState", "s", AT(sub_state), read_text },
    { "UnitFileState", "s", AT(file_state), read_text },
    { "FragmentPath", "s", AT(file), read_text },
    { "Result", "s", AT(result), read_text },
    { "Type", "s", AT(kind), read_text },
    { "Triggers", "as", AT(triggers), read_words },
    { "Listen", "a(ss)", AT(listens), read_listens },
    { "ActiveEnterTimestamp", "t", AT(active_enter_us), NULL },
    { "ActiveExitTimestamp", "t", AT(active_exit_us), NULL },
    { "InactiveEnterTimestamp", "t", AT(inactive_enter_us), NULL },
    { "InactiveExitTimestamp", "t", AT(inactive_exit_us), NULL },
    { "NextElapseUSecRealtime", "t", AT(next_wall_us), NULL },
    { "NextElapseUSecMonotonic", "t", AT(next_monotonic_us), NULL },
    { "MemoryCurrent", "t", AT(memory), NULL },
    { "TasksCurrent", "t", AT(tasks), NULL },
    { "CPUUsageNSec", "t", AT(cpu_ns), NULL },
    { "Job", "(uo)", AT(job), read_job },
    { "MainPID", "u", AT(main_pid), NULL },
    { "NRestarts", "u", AT(restarts), NULL },
    { "ExecMainCode", "i", AT(exit_kind), NULL },
    { "ExecMainStatus", "i", AT(exit_status), NULL },
    { "CanStart", "b", AT(can_start), read_bool },
    { "CanStop", "b", AT(can_stop), read_bool },
    { "CanReload", "b", AT(can_reload), read_bool },
};

static const struct property *find_property(const char *name, const char *type) {
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
        if (strcmp(properties[i].name, name) == 0 &&
            strcmp(properties[i].type, type) == 0)
            return &properties[i];
    return NULL;
}

static int read_value(const struct systemd_library *library,
                      struct sd_bus_message *reply,
                      const char *name,
                      struct systemd_unit *unit) {
    const char *type;
    char variant;

    int r = library->message_peek(reply, &variant, &type);
    if (r < 0)
        return r;
    const struct property *property = find_property(name, type);
    if (!property)
        return library->message_skip(reply, "v");
    r = library->message_enter(reply, 'v', type);
    if (r < 0)
        return r;
    void *field = (char *)unit + property->at;
    r = property->read ? property->read(library, reply, field)
                       : library->message_read(reply, type, field);
    return r < 0 ? r : library->message_exit(reply);
}

static int read_all(const struct systemd_library *library,
                    struct sd_bus_message *reply,
                    struct systemd_unit *unit) {
    const char *name;

    int r = library->message_enter(reply, 'a', "{sv}");
    if (r < 0)
        return r;
    while ((r = library->message_enter(reply, 'e', "sv")) > 0) {
        r = library->message_read(reply, "s", &name);
        if (r >= 0)
            r = read_value(library, reply, name, unit);
        if (r >= 0)
            r = library->message_exit(reply);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : library->message_exit(reply);
}

int systemd_unit_read(const struct systemd_library *library,
                      struct sd_bus_message *reply,
                      struct systemd_unit *ret_unit) {
    struct systemd_unit unit = {
        .memory = UINT64_MAX,
        .tasks = UINT64_MAX,
        .cpu_ns = UINT64_MAX,
    };

    int r = read_all(library, reply, &unit);
    if (r < 0) {
        systemd_unit_done(&unit);
        return r;
    }
    *ret_unit = unit;
    return 0;
}
