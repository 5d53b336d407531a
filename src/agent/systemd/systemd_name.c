#include "agent/systemd/systemd_name.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *const types[] = {
    "service",   "socket", "timer", "target", "device", "mount",
    "automount", "swap",   "path",  "slice",  "scope",
};

/* "systemd-NAME.service": what the targets of the same name pull in at last. */
static const char *const power_units[] = {
    "reboot",    "poweroff",     "halt",
    "kexec",     "soft-reboot",  "suspend",
    "hibernate", "hybrid-sleep", "suspend-then-hibernate",
};

const char *systemd_name_type(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : "";
}

static bool has_type(const char *name) {
    const char *type = systemd_name_type(name);

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

int systemd_name_whole(const char *text, char ret_name[static SYSTEMD_NAME_CAP]) {
    size_t len = strlen(text);
    const char *suffix = has_type(text) ? "" : ".service";

    if (len == 0 || strspn(text, LETTERS "0123456789:-_.\\@") != len)
        return SYSTEMD_NAME_E_BAD;
    if (len + strlen(suffix) >= SYSTEMD_NAME_CAP || text[0] == '.' || text[0] == '@')
        return SYSTEMD_NAME_E_BAD;
    snprintf(ret_name, SYSTEMD_NAME_CAP, "%s%s", text, suffix);
    return 0;
}

bool systemd_name_is_for_acts(const char *name) {
    const char *type = systemd_name_type(name);

    return strcmp(type, "service") == 0 || strcmp(type, "timer") == 0 ||
           strcmp(type, "socket") == 0;
}

bool systemd_name_is_power(const char *name) {
    char wanted[SYSTEMD_NAME_CAP];

    for (size_t i = 0; i < sizeof(power_units) / sizeof(power_units[0]); i++) {
        snprintf(wanted, sizeof(wanted), "systemd-%s.service", power_units[i]);
        if (strcmp(wanted, name) == 0)
            return true;
    }
    return false;
}

bool systemd_name_is_template(const char *name) {
    const char *at = strchr(name, '@');
    return at && at[1] == '.' && strchr(at + 2, '.') == NULL;
}

bool systemd_name_template(const char *name, char ret_name[static SYSTEMD_NAME_CAP]) {
    const char *at = strchr(name, '@');
    const char *dot = strrchr(name, '.');

    if (!at || !dot || dot <= at + 1)
        return false;
    snprintf(ret_name, SYSTEMD_NAME_CAP, "%.*s%s", (int)(at + 1 - name), name, dot);
    return true;
}

static bool has_part(const char *text, const char *part) {
    size_t len = strlen(part);

    for (; *text; text++)
        if (strncasecmp(text, part, len) == 0)
            return true;
    return false;
}

bool systemd_name_fits(const char *filter, const char *name, const char *description) {
    if (filter[0] == '\0')
        return true;
    if (strpbrk(filter, "*?"))
        return fnmatch(filter, name, 0) == 0;
    return has_part(name, filter) || has_part(description, filter);
}

/* Takes the path of systemd's own hierarchy: version 2's, or the named one of version 1.
 */
static const char *find_path(const char *text) {
    while (text && *text) {
        if (strncmp(text, "0::/", 4) == 0 && text[4] != '\n' && text[4] != '\0')
            return text + 3;
        const char *end = strchr(text, '\n');
        const char *named = strstr(text, ":name=systemd:/");
        if (named && (!end || named < end))
            return named + strlen(":name=systemd:");
        text = end ? end + 1 : NULL;
    }
    return NULL;
}

static bool is_unit(const char *part, size_t len) {
    return (len > 8 && strncmp(part + len - 8, ".service", 8) == 0) ||
           (len > 6 && strncmp(part + len - 6, ".scope", 6) == 0);
}

bool systemd_name_of_cgroup(const char *text,
                            bool is_user,
                            char ret_name[static SYSTEMD_NAME_CAP]) {
    const char *path = find_path(text);
    bool found = false;
    bool in_user = false;

    while (path && *path == '/') {
        const char *part = path + 1;
        size_t len = strcspn(part, "/\n");
        bool is_manager = len > 5 && strncmp(part, "user@", 5) == 0;

        path = part + len;
        if (is_unit(part, len) && len < SYSTEMD_NAME_CAP && !found &&
            (!is_user || in_user)) {
            snprintf(ret_name, SYSTEMD_NAME_CAP, "%.*s", (int)len, part);
            found = true;
        }
        in_user |= is_manager;
    }
    return found;
}
