#include "agent/expose/expose_edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/program.h"
#include "base/settings.h"
#include "base/settings_ini.h"

enum { FILE_MAX = 256 * 1024, MODE = 0600 };

static const char default_name[] = "main";

static size_t line_len(const char *line) {
    size_t len = strcspn(line, "\n");
    return len + (line[len] == '\n');
}

/* Is the line "[expose NAME]"? */
static bool opens(const char *line, const char *name) {
    static const char head[] = "[expose ";
    size_t len = strlen(name);

    line += strspn(line, " \t");
    if (strncmp(line, head, sizeof(head) - 1) != 0)
        return false;
    line += sizeof(head) - 1;
    line += strspn(line, " ");
    return strncmp(line, name, len) == 0 && line[len] == ']';
}

static bool is_header(const char *line) {
    return line[strspn(line, " \t")] == '[';
}

/* Copies the text without the section of this name. */
static void add_others(struct buf *out, const char *text, const char *name) {
    bool inside = false;

    while (*text) {
        size_t len = line_len(text);
        if (is_header(text))
            inside = opens(text, name);
        if (!inside)
            buf_add(out, text, len);
        text += len;
    }
    while (out->len > 1 && out->data[out->len - 1] == '\n' &&
           out->data[out->len - 2] == '\n')
        out->len--;
    if (out->len > 0 && out->data[out->len - 1] != '\n')
        buf_add_text(out, "\n");
}

static void add_section(struct buf *out, const struct expose_edit *edit) {
    buf_printf(out, "%s[expose %s]\naddress = %s\n", out->len > 0 ? "\n" : "", edit->name,
               edit->address);
    if (edit->tls)
        buf_add_text(out, "tls = yes\n");
    if (edit->ca)
        buf_printf(out, "ca = %s\n", edit->ca);
    if (edit->pin)
        buf_printf(out, "pin = %s\n", edit->pin);
}

/* Would the agent take this file? 0, or the exit status after telling why not. */
static int check(const char *file, const char *text) {
    struct settings *settings = settings_new(config_table());
    struct agent_config config = { 0 };

    int r = settings_ini_read_text(settings, file, text);
    if (r == 0)
        r = settings_fill(settings, &config);
    if (r == 0)
        settings_clear(config_table(), &config);
    else
        fprintf(stderr, "roost-agent: expose: %s\n", settings_error(settings));
    settings_free(settings);
    return r == 0 ? 0 : PROGRAM_EXIT_USAGE;
}

static int fail(const char *file, int error) {
    fprintf(stderr, "roost-agent: expose: %s: %s\n", file, strerror(-error));
    return EXIT_FAILURE;
}

int expose_edit_put(const struct expose_edit *edit) {
    struct buf old = { 0 };
    struct buf text = { 0 };

    int r = file_read(edit->file, FILE_MAX, &old);
    if (r < 0 && r != -ENOENT)
        return fail(edit->file, r);
    add_others(&text, buf_text(&old), edit->name);
    add_section(&text, edit);
    int status = check(edit->file, buf_text(&text));
    if (status == 0) {
        r = file_write_atomic(edit->file, buf_slice(&text), MODE);
        if (r < 0)
            status = fail(edit->file, r);
        else
            fprintf(stderr,
                    "[expose %s] %s stands in %s\n"
                    "an agent that runs takes it on a reload: systemctl reload "
                    "roost-agent\n",
                    edit->name, edit->address, edit->file);
    }
    buf_done(&old);
    buf_done(&text);
    return status;
}

/* Cuts "NAME=ADDR"; the name is to be freed, the address is lent. */
static char *cut_name(const char *item, const char **ret_address) {
    size_t len = strcspn(item, "=");

    if (item[len] == '\0') {
        *ret_address = item;
        return mem_strdup(default_name);
    }
    *ret_address = item + len + 1;
    return mem_dup(item, len);
}

int expose_edit_check_list(const struct settings_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const char *address;
        auto_(mem_freep) char *name = cut_name(list->items[i], &address);
        const char *why = name_is_valid(name) && strlen(name) <= SETTINGS_GROUP_NAME_MAX
                              ? config_expose_check_address(address)
                              : "it is [NAME=]HOST:PORT or [NAME=]unix:/PATH";
        if (!why)
            continue;
        fprintf(stderr, "roost-agent: --expose: \"%s\": %s\n", list->items[i], why);
        return PROGRAM_EXIT_USAGE;
    }
    return 0;
}

int expose_edit_put_list(const char *file, const struct settings_list *list) {
    int status = 0;

    for (size_t i = 0; i < list->count && status == 0; i++) {
        struct expose_edit edit = { .file = file };
        auto_(mem_freep) char *name = cut_name(list->items[i], &edit.address);
        edit.name = name;
        status = expose_edit_put(&edit);
    }
    return status;
}
