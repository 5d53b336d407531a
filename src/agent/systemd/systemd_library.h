/*
 * systemd_library - the calls of libsystemd that are used, loaded when first needed
 *
 * The library is not linked: hosts without systemd lack it, and an agent that nobody asks
 * about units never pays for it, nor one that was asked, some seconds later. Its public
 * interface is stable since 2015 (sd-bus(3), sd-journal(3)), so the few types that cross
 * it are declared here.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define SYSTEMD_LIBRARY "libsystemd.so.0"

struct sd_bus;
struct sd_bus_message;
struct sd_bus_slot;
struct sd_journal;

/* sd_bus_error */
struct systemd_library_error {
    const char *name;    /* borrowed: the library's */
    const char *message; /* borrowed likewise */
    int need_free;
};

/* sd_bus_message_handler_t */
typedef int (*systemd_library_handler)(struct sd_bus_message *message,
                                       void *arg,
                                       struct systemd_library_error *error);

/* sd_id128_t */
struct systemd_library_id {
    uint64_t words[2];
};

enum {
    SYSTEMD_LIBRARY_LOCAL = 1 << 0,   /* SD_JOURNAL_LOCAL_ONLY */
    SYSTEMD_LIBRARY_OS_ROOT = 1 << 4, /* SD_JOURNAL_OS_ROOT */
};

struct systemd_library {
    void *handle; /* owned */
    unsigned references;

    int (*bus_new)(struct sd_bus **ret_bus);
    int (*bus_set_address)(struct sd_bus *bus, const char *address);
    int (*bus_start)(struct sd_bus *bus);
    int (*bus_open_system)(struct sd_bus **ret_bus);
    int (*bus_open_user)(struct sd_bus **ret_bus);
    struct sd_bus *(*bus_close_unref)(struct sd_bus *bus);
    int (*bus_process)(struct sd_bus *bus, struct sd_bus_message **ret_message);
    int (*bus_get_fd)(struct sd_bus *bus);
    int (*bus_get_events)(struct sd_bus *bus);
    int (*bus_get_timeout)(struct sd_bus *bus, uint64_t *ret_at_us);
    int (*bus_call_async)(struct sd_bus *bus,
                          struct sd_bus_slot **ret_slot,
                          struct sd_bus_message *message,
                          systemd_library_handler handler,
                          void *arg,
                          uint64_t timeout_us);
    int (*bus_match_signal_async)(struct sd_bus *bus,
                                  struct sd_bus_slot **ret_slot,
                                  const char *sender,
                                  const char *path,
                                  const char *interface,
                                  const char *member,
                                  systemd_library_handler handler,
                                  systemd_library_handler on_installed,
                                  void *arg);
    struct sd_bus_slot *(*slot_unref)(struct sd_bus_slot *slot);

    int (*message_new_call)(struct sd_bus *bus,
                            struct sd_bus_message **ret_message,
                            const char *destination,
                            const char *path,
                            const char *interface,
                            const char *member);
    struct sd_bus_message *(*message_unref)(struct sd_bus_message *message);
    const struct systemd_library_error *(*message_get_error)(
        struct sd_bus_message *message);
    int (*message_append)(struct sd_bus_message *message,
                          const char *types,
                          va_list values);
    int (*message_read)(struct sd_bus_message *message, const char *types, ...);
    int (*message_skip)(struct sd_bus_message *message, const char *types);
    int (*message_peek)(struct sd_bus_message *message,
                        char *ret_type,
                        const char **ret_contents);
    int (*message_enter)(struct sd_bus_message *message, char type, const char *contents);
    int (*message_exit)(struct sd_bus_message *message);

    int (*journal_open)(struct sd_journal **ret_journal, int flags);
    int (*journal_open_directory)(struct sd_journal **ret_journal,
                                  const char *path,
                                  int flags);
    void (*journal_close)(struct sd_journal *journal);
    int (*journal_add_match)(struct sd_journal *journal, const void *data, size_t len);
    int (*journal_add_disjunction)(struct sd_journal *journal);
    int (*journal_add_conjunction)(struct sd_journal *journal);
    int (*journal_seek_tail)(struct sd_journal *journal);
    int (*journal_seek_head)(struct sd_journal *journal);
    int (*journal_seek_cursor)(struct sd_journal *journal, const char *cursor);
    int (*journal_seek_realtime)(struct sd_journal *journal, uint64_t at_us);
    int (*journal_test_cursor)(struct sd_journal *journal, const char *cursor);
    int (*journal_next)(struct sd_journal *journal);
    int (*journal_previous)(struct sd_journal *journal);
    int (*journal_get_realtime)(struct sd_journal *journal, uint64_t *ret_at_us);
    int (*journal_get_cursor)(struct sd_journal *journal, char **ret_cursor);
    int (*journal_get_data)(struct sd_journal *journal,
                            const char *field,
                            const void **ret_data,
                            size_t *ret_len);
    int (*journal_set_data_threshold)(struct sd_journal *journal, size_t max);
    int (*journal_get_fd)(struct sd_journal *journal);
    int (*journal_process)(struct sd_journal *journal);
};

/* Loads it: 0 and *ret_library, or -ENOENT (it is not there) or -ENOSYS (it lacks a call:
 * older than systemd 237). path NULL: SYSTEMD_LIBRARY. */
int systemd_library_open(const char *path, struct systemd_library **ret_library);

/* For one more who reads with it; the loop's thread only, like the other two. */
struct systemd_library *systemd_library_ref(struct systemd_library *library);

/* The last one unloads it: with what it needs it takes half a mebibyte. NULL is fine;
 * always returns NULL. */
struct systemd_library *systemd_library_free(struct systemd_library *library);
