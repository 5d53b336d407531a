#include "draw/zone.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum {
    HEAD_LEN = 44,
    FILE_MAX = 1 << 20, /* the largest of tzdata has 4 kB */
    NAME_MAX_LEN = 64,  /* "America/Argentina/ComodRivadavia" has 32 */
    TYPE_LEN = 6,
    DAY_S = 86400,
    OFFSET_MAX = 26 * 3600, /* RFC 8536: an offset lies within -25 h and 26 h */
};

struct kind_of_time {
    int32_t offset_s;
    char name[ZONE_NAME_LEN];
};

struct zone {
    int64_t *changes;           /* owned; when, rising; change_count of them */
    uint8_t *kind_after;        /* owned; place in kinds, of each change */
    struct kind_of_time *kinds; /* owned; at least one */
    size_t change_count;
    size_t kind_count;
    bool has_rule;
    struct zone_rule rule; /* after the last change */
};

/* The counts of a TZif header, in its order. */
struct head {
    size_t utc_marks;
    size_t standard_marks;
    size_t leaps;
    size_t changes;
    size_t kinds;
    size_t name_bytes;
    uint8_t version;
};

static uint32_t read32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t read_time(const uint8_t *at, size_t width) {
    if (width == 4)
        return (int32_t)read32(at);
    return (int64_t)((uint64_t)read32(at) << 32 | read32(at + 4));
}

static bool read_head(struct slice in, struct head *ret_head) {
    if (in.len < HEAD_LEN || memcmp(in.at, "TZif", 4) != 0)
        return false;
    const uint8_t *at = in.at + 20;
    *ret_head = (struct head) {
        .utc_marks = read32(at),
        .standard_marks = read32(at + 4),
        .leaps = read32(at + 8),
        .changes = read32(at + 12),
        .kinds = read32(at + 16),
        .name_bytes = read32(at + 20),
        .version = in.at[4],
    };
    return true;
}

/* The counts are 32 bits each, so that 64 bits hold the sum. */
static uint64_t body_len(const struct head *head, size_t width) {
    return (uint64_t)head->changes * (width + 1) + (uint64_t)head->kinds * TYPE_LEN +
           head->name_bytes + (uint64_t)head->leaps * (width + 4) + head->standard_marks +
           head->utc_marks;
}

static bool read_kinds(struct zone *zone,
                       const struct head *head,
                       const uint8_t *at,
                       size_t count) {
    const char *names = (const char *)at + count * TYPE_LEN;

    for (size_t i = 0; i < count; i++, at += TYPE_LEN) {
        struct kind_of_time *kind = &zone->kinds[i];
        size_t start = at[5];
        kind->offset_s = (int32_t)read32(at);
        if (kind->offset_s < -OFFSET_MAX || kind->offset_s > OFFSET_MAX)
            return false;
        if (start >= head->name_bytes)
            return false;
        size_t len = strnlen(names + start, head->name_bytes - start);
        memcpy(kind->name, names + start, len < ZONE_NAME_LEN ? len : ZONE_NAME_LEN - 1);
    }
    return true;
}

static bool read_body(struct zone *zone,
                      const struct head *head,
                      const uint8_t *at,
                      size_t width) {
    zone->changes = mem_new_array(head->changes, sizeof(*zone->changes));
    zone->kind_after = mem_new_array(head->changes, 1);
    zone->kinds = mem_new_array(head->kinds, sizeof(*zone->kinds));
    zone->change_count = head->changes;
    zone->kind_count = head->kinds;

    for (size_t i = 0; i < head->changes; i++, at += width) {
        zone->changes[i] = read_time(at, width);
        if (i > 0 && zone->changes[i] <= zone->changes[i - 1])
            return false;
    }
    for (size_t i = 0; i < head->changes; i++, at++) {
        zone->kind_after[i] = *at;
        if (*at >= head->kinds)
            return false;
    }
    return read_kinds(zone, head, at, head->kinds);
}

/* The line after the second body; an empty one says that nothing is known. */
static bool read_rule(struct zone *zone, struct slice in) {
    if (in.len < 2 || in.at[0] != '\n')
        return false;
    const uint8_t *end = memchr(in.at + 1, '\n', in.len - 1);
    if (!end)
        return false;
    struct slice text = slice_of(in.at + 1, (size_t)(end - in.at - 1));
    if (text.len == 0)
        return true;
    zone->has_rule = zone_rule_parse(text, &zone->rule) == 0;
    return zone->has_rule;
}

int zone_parse(struct slice tzif, struct zone **ret_zone) {
    struct head head;
    size_t width = 4;

    if (!read_head(tzif, &head))
        return -EBADMSG;
    if (head.version >= '2') {
        /* The first body is for readers of version 1; the second has 64-bit times. */
        uint64_t skip = HEAD_LEN + body_len(&head, 4);
        if (skip > tzif.len)
            return -EBADMSG;
        tzif = slice_after(tzif, (size_t)skip);
        width = 8;
        if (!read_head(tzif, &head))
            return -EBADMSG;
    }
    tzif = slice_after(tzif, HEAD_LEN);
    uint64_t len = body_len(&head, width);
    if (len > tzif.len || head.kinds == 0)
        return -EBADMSG;

    auto_(zone_freep) struct zone *zone = mem_new(sizeof(*zone));
    if (!read_body(zone, &head, tzif.at, width))
        return -EBADMSG;
    if (width == 8 && !read_rule(zone, slice_after(tzif, (size_t)len)))
        return -EBADMSG;
    *ret_zone = TAKE(zone);
    return 0;
}

/* No name leads out of the folder of zones. */
static bool is_name(const char *name) {
    size_t len = strlen(name);

    if (len > NAME_MAX_LEN || name[0] == '/' || strstr(name, "..") ||
        name[len - 1] == '/')
        return false;
    for (; *name; name++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/",
                    *name))
            return false;
    return true;
}

static struct zone *new_utc(void) {
    struct zone *zone = mem_new(sizeof(*zone));
    zone->kinds = mem_new_array(1, sizeof(*zone->kinds));
    zone->kind_count = 1;
    strcpy(zone->kinds[0].name, "UTC");
    return zone;
}

int zone_open(const char *name, struct zone **ret_zone) {
    bool local = !name || !*name;
    if (!local && !is_name(name))
        return -EINVAL;

    struct buf bytes = { 0 };
    auto_(mem_freep) char *path =
        file_join("/usr/share/zoneinfo", local ? "/etc/localtime" : name);
    int r = file_read(path, FILE_MAX, &bytes);
    /* A minimal system has no zones and still knows UTC. */
    if (r == -ENOENT && (local || strcmp(name, "UTC") == 0)) {
        *ret_zone = new_utc();
        r = 0;
    } else if (r == 0) {
        r = zone_parse(buf_slice(&bytes), ret_zone);
    }
    buf_done(&bytes);
    return r == -EISDIR ? -ENOENT : r;
}

struct zone *zone_free(struct zone *zone) {
    if (!zone)
        return NULL;
    free(zone->changes);
    free(zone->kind_after);
    free(zone->kinds);
    free(zone);
    return NULL;
}

void zone_freep(struct zone **zone) {
    *zone = zone_free(*zone);
}

/* How many changes have come by this instant. */
static size_t changes_until(const struct zone *zone, int64_t utc_s) {
    size_t low = 0;
    size_t high = zone->change_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The offset then, and its name. */
static int32_t look_up(const struct zone *zone, int64_t utc_s, const char **ret_name) {
    size_t passed = changes_until(zone, utc_s);

    if (passed == zone->change_count && zone->has_rule) {
        bool summer = zone_rule_is_summer(&zone->rule, utc_s);
        *ret_name = zone->rule.name[summer];
        return zone->rule.offset_s[summer];
    }
    const struct kind_of_time *kind =
        &zone->kinds[passed > 0 ? zone->kind_after[passed - 1] : 0];
    *ret_name = kind->name;
    return kind->offset_s;
}

void zone_split(const struct zone *zone, int64_t utc_s, struct zone_time *ret_time) {
    const char *name;
    int32_t offset = look_up(zone, utc_s, &name);
    int64_t local = utc_s + offset;
    int64_t days = local / DAY_S - (local % DAY_S < 0);
    int second = (int)(local - days * DAY_S);
    struct zone_time time = {
        .year = zone_rule_year(days),
        .month = 12,
        .hour = second / 3600,
        .minute = second / 60 % 60,
        .second = second % 60,
        .weekday = (int)(((days + 4) % 7 + 7) % 7),
        .offset_s = offset,
    };

    while (zone_rule_days(time.year, time.month, 1) > days)
        time.month--;
    time.day = (int)(days - zone_rule_days(time.year, time.month, 1)) + 1;
    memcpy(time.name, name, ZONE_NAME_LEN);
    *ret_time = time;
}

unsigned zone_instants(const struct zone *zone, int64_t local_s, int64_t ret_utc_s[2]) {
    const char *name;
    /* A day to each side there is the offset before and the one after a change. */
    int32_t before = look_up(zone, local_s - DAY_S, &name);
    int32_t after = look_up(zone, local_s + DAY_S, &name);
    unsigned count = 0;

    if (look_up(zone, local_s - before, &name) == before)
        ret_utc_s[count++] = local_s - before;
    if (after != before && look_up(zone, local_s - after, &name) == after)
        ret_utc_s[count++] = local_s - after;
    if (count == 2 && ret_utc_s[0] > ret_utc_s[1]) {
        int64_t first = ret_utc_s[1];
        ret_utc_s[1] = ret_utc_s[0];
        ret_utc_s[0] = first;
    }
    return count;
}

int64_t zone_instant(const struct zone *zone, int64_t local_s) {
    const char *name;
    int64_t instants[2];

    if (zone_instants(zone, local_s, instants) > 0)
        return instants[0];
    /* Skipped: as if the clocks had not been put forward yet. */
    return local_s - look_up(zone, local_s - DAY_S, &name);
}

const char *zone_month_name(int month) {
    static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    return month >= 1 && month <= 12 ? names[month - 1] : "?";
}

const char *zone_weekday_name(int weekday) {
    static const char *const names[] = {
        "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
    };
    return weekday >= 0 && weekday <= 6 ? names[weekday] : "?";
}
