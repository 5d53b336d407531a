#include "agent/systemd/systemd_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

static const struct {
    const char *name;
    size_t at;
} symbols[] = {
    { "sd_bus_new", offsetof(struct systemd_library, bus_new) },
    { "sd_bus_set_address", offsetof(struct systemd_library, bus_set_address) },
    { "sd_bus_start", offsetof(struct systemd_library, bus_start) },
    { "sd_bus_open_system", offsetof(struct systemd_library, bus_open_system) },
    { "sd_bus_open_user", offsetof(struct systemd_library, bus_open_user) },
    { "sd_bus_close_unref", offsetof(struct systemd_library, bus_close_unref) },
    { "sd_bus_process", offsetof(struct systemd_library, bus_process) },
    { "sd_bus_get_fd", offsetof(struct systemd_library, bus_get_fd) },
    { "sd_bus_get_events", offsetof(struct systemd_library, bus_get_events) },
    { "sd_bus_get_timeout", offsetof(struct systemd_library, bus_get_timeout) },
    { "sd_bus_call_async", offsetof(struct systemd_library, bus_call_async) },
    { "sd_bus_match_signal_async",
      offsetof(struct systemd_library, bus_match_signal_async) },
    { "sd_bus_slot_unref", offsetof(struct systemd_library, slot_unref) },
    { "sd_bus_message_new_method_call",
      offsetof(struct systemd_library, message_new_call) },
    { "sd_bus_message_unref", offsetof(struct systemd_library, message_unref) },
    { "sd_bus_message_get_error", offsetof(struct systemd_library, message_get_error) },
    { "sd_bus_message_appendv", offsetof(struct systemd_library, message_append) },
    { "sd_bus_message_read", offsetof(struct systemd_library, message_read) },
    { "sd_bus_message_skip", offsetof(struct systemd_library, message_skip) },
    { "sd_bus_message_peek_type", offsetof(struct systemd_library, message_peek) },
    { "sd_bus_message_enter_container", offsetof(struct systemd_library, message_enter) },
    { "sd_bus_message_exit_container", offsetof(struct systemd_library, message_exit) },
    { "sd_journal_open", offsetof(struct systemd_library, journal_open) },
    { "sd_journal_open_directory",
      offsetof(struct systemd_library, journal_open_directory) },
    { "sd_journal_close", offsetof(struct systemd_library, journal_close) },
    { "sd_journal_add_match", offsetof(struct systemd_library, journal_add_match) },
    { "sd_journal_add_disjunction",
      offsetof(struct systemd_library, journal_add_disjunction) },
    { "sd_journal_add_conjunction",
      offsetof(struct systemd_library, journal_add_conjunction) },
    { "sd_journal_seek_tail", offsetof(struct systemd_library, journal_seek_tail) },
    { "sd_journal_seek_head", offsetof(struct systemd_library, journal_seek_head) },
    { "sd_journal_seek_cursor", offsetof(struct systemd_library, journal_seek_cursor) },
    { "sd_journal_seek_realtime_usec",
      offsetof(struct systemd_library, journal_seek_realtime) },
    { "sd_journal_test_cursor", offsetof(struct systemd_library, journal_test_cursor) },
    { "sd_journal_next", offsetof(struct systemd_library, journal_next) },
    { "sd_journal_previous", offsetof(struct systemd_library, journal_previous) },
    { "sd_journal_get_realtime_usec",
      offsetof(struct systemd_library, journal_get_realtime) },
    { "sd_journal_get_cursor", offsetof(struct systemd_library, journal_get_cursor) },
    { "sd_journal_get_data", offsetof(struct systemd_library, journal_get_data) },
    { "sd_journal_set_data_threshold",
      offsetof(struct systemd_library, journal_set_data_threshold) },
    { "sd_journal_get_fd", offsetof(struct systemd_library, journal_get_fd) },
    { "sd_journal_process", offsetof(struct systemd_library, journal_process) },
};

static int find_symbols(struct systemd_library *library) {
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *symbol = dlsym(library->handle, symbols[i].name);
        if (!symbol) {
            log_debug("libsystemd lacks %s", symbols[i].name);
            return -ENOSYS;
        }
        memcpy((char *)library + symbols[i].at, &symbol, sizeof(symbol));
    }
    return 0;
}

int systemd_library_open(const char *path, struct systemd_library **ret_library) {
    void *handle = dlopen(path ? path : SYSTEMD_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    if (!handle)
        return -ENOENT;

    struct systemd_library *library = mem_new(sizeof(*library));
    library->handle = handle;
    library->references = 1;
    int r = find_symbols(library);
    if (r < 0) {
        systemd_library_free(library);
        return r;
    }
    *ret_library = library;
    return 0;
}

struct systemd_library *systemd_library_ref(struct systemd_library *library) {
    library->references++;
    return library;
}

struct systemd_library *systemd_library_free(struct systemd_library *library) {
    if (!library || --library->references > 0)
        return NULL;
    dlclose(library->handle);
    free(library);
    return NULL;
}
