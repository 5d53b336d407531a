#include "base/name.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool name_is_valid(const char *text) {
    if (!text || !is_plain(text[0]))
        return false;
    size_t len = 1;
    for (; text[len]; len++)
        if (len == NAME_LEN_MAX || !(is_plain(text[len]) || strchr("._-", text[len])))
            return false;
    return true;
}

/*
 * The length of the UTF-8 character at the text, 0 when it is none: RFC 3629, 4, whose
 * ranges of the second byte leave out overlong forms, surrogates and what is too big.
 */
static size_t character_len(const char *text) {
    static const struct {
        uint8_t first, last; /* of the first byte */
        uint8_t low, high;   /* of the second one */
        uint8_t len;
    } forms[] = {
        { 0x01, 0x7f, 0x00, 0xff, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
        { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
        { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    const uint8_t *at = (const uint8_t *)text;
    size_t i = 0;

    while (i < sizeof(forms) / sizeof(forms[0]) && at[0] > forms[i].last)
        i++;
    if (i == sizeof(forms) / sizeof(forms[0]) || at[0] < forms[i].first ||
        at[1] < forms[i].low || at[1] > forms[i].high)
        return 0;
    for (size_t k = 2; k < forms[i].len; k++)
        if ((at[k] & 0xc0) != 0x80)
            return 0;
    return forms[i].len;
}

/* C0, DEL, and C1, which terminals obey as well. */
static bool is_control(const char *text) {
    const uint8_t *at = (const uint8_t *)text;
    return at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
}

bool name_is_title(const char *text) {
    size_t count = 0;
    while (*text) {
        size_t len = character_len(text);
        if (len == 0 || is_control(text) || ++count > NAME_TITLE_MAX)
            return false;
        text += len;
    }
    return true;
}

void name_from_host(const char *host, char ret_name[static NAME_LEN_MAX + 1]) {
    size_t len = 0;

    for (; *host && len < NAME_LEN_MAX; host++) {
        char c = *host >= 'A' && *host <= 'Z' ? (char)(*host - 'A' + 'a') : *host;
        if (is_plain(c) || (len > 0 && (c == '.' || c == '-' || c == '_')))
            ret_name[len++] = c;
        else if (len > 0 && ret_name[len - 1] != '-')
            ret_name[len++] = '-';
    }
    while (len > 0 && !is_plain(ret_name[len - 1]))
        len--;
    ret_name[len] = '\0';
    if (len == 0)
        memcpy(ret_name, "node", sizeof("node"));
}

bool name_is_glob(const char *text) {
    return strpbrk(text, "*?") != NULL;
}

bool name_match_glob(const char *pattern, const char *name) {
    const char *star = NULL, *resume = NULL;

    /* Going back to the last star alone is enough, so the time is a product at worst. */
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            resume = name;
        } else if (*pattern == '?' || (*pattern && *pattern == *name)) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool has_tag(const struct name_subject *subject, const char *tag) {
    for (size_t i = 0; i < subject->tag_count; i++)
        if (strcmp(subject->tags[i], tag) == 0)
            return true;
    return false;
}

static bool is_titled(const struct name_subject *subject, const char *title) {
    return subject->title && subject->title[0] && strcmp(subject->title, title) == 0;
}

static bool is_meant(const struct name_subject *subject, const char *item) {
    if (item[0] == '@')
        return has_tag(subject, item + 1);
    if (name_is_glob(item))
        return name_match_glob(item, subject->name);
    return strcmp(subject->name, item) == 0;
}

/* Picks all with this title; how many were there? */
static size_t pick_title(const char *title,
                         const struct name_subject *subjects,
                         size_t count,
                         bool *picked) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        bool titled = is_titled(&subjects[i], title);
        picked[i] = picked[i] || titled;
        found += titled;
    }
    return found;
}

/* Picks what an item means, by its title when nothing else fits; how many were there? */
static size_t pick(const char *item,
                   const struct name_subject *subjects,
                   size_t count,
                   bool *picked) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        bool meant = is_meant(&subjects[i], item);
        picked[i] = picked[i] || meant;
        found += meant;
    }
    return found > 0 ? found : pick_title(item, subjects, count, picked);
}

/* Cuts the next item off a list, without spaces around it; NULL at the end. */
static char *next_item(char **list) {
    char *item;
    while ((item = strsep(list, ","))) {
        item += strspn(item, " \t");
        size_t len = strlen(item);
        while (len > 0 && strchr(" \t", item[len - 1]))
            item[--len] = '\0';
        if (len > 0)
            return item;
    }
    return NULL;
}

/* Picks for each item; returns how many there are. *ret_missing lends one without match.
 */
static size_t pick_all(char *list,
                       const struct name_subject *subjects,
                       size_t count,
                       bool *picked,
                       const char **ret_missing) {
    size_t items = 0;
    char *item;
    while ((item = next_item(&list))) {
        items++;
        if (pick(item, subjects, count, picked) == 0 && !*ret_missing)
            *ret_missing = item;
    }
    return items;
}

int name_select(const char *selection,
                const struct name_subject *subjects,
                size_t count,
                bool *ret_picked,
                char **ret_item) {
    const char *missing = NULL;

    memset(ret_picked, 0, count * sizeof(*ret_picked));
    if (strlen(selection) > NAME_SELECTION_MAX)
        return NAME_E_TOO_LONG;
    auto_(mem_freep) char *list = mem_strdup(selection);
    if (pick_all(list, subjects, count, ret_picked, &missing) == 0)
        return NAME_E_EMPTY;
    if (!missing)
        return 0;
    memset(ret_picked, 0, count * sizeof(*ret_picked));
    if (pick_title(selection, subjects, count, ret_picked) > 0)
        return 0;
    if (ret_item)
        *ret_item = mem_strdup(missing);
    return NAME_E_NO_MATCH;
}
