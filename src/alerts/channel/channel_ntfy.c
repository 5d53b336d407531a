#include "alerts/channel/channel_ntfy.h"

#include <string.h>

#include "alerts/incidents/incident.h"
#include "base/mem.h"
#include "wire/json_writer.h"
#include "wire/utf8.h"

enum { MESSAGE_MAX = 3900, TITLE_MAX = 240 }; /* ntfy makes a file of more than 4096 */

/* The topic is what stands behind the last '/'. */
static const char *topic_of(const char *url) {
    const char *slash = strrchr(url, '/');

    return slash ? slash + 1 : url;
}

char *channel_ntfy_server(const char *url) {
    return mem_dup(url, (size_t)(topic_of(url) - url));
}

static struct slice cut(const char *text, size_t max) {
    struct slice all = slice_of_text(text);

    if (all.len > max) {
        all.len = max;
        while (all.len > 0 && (all.at[all.len] & 0xc0) == 0x80)
            all.len--;
    }
    return all;
}

static const char *priority_of(const struct incident *incident) {
    if (!incident || incident->state == INCIDENT_RESOLVED)
        return "3";
    return incident->severity == INCIDENT_CRITICAL  ? "5"
           : incident->severity == INCIDENT_WARNING ? "4"
                                                    : "3";
}

static const char *tag_of(const struct incident *incident) {
    if (!incident)
        return "information_source";
    if (incident->state == INCIDENT_RESOLVED)
        return "white_check_mark";
    return incident->severity == INCIDENT_CRITICAL  ? "rotating_light"
           : incident->severity == INCIDENT_WARNING ? "warning"
                                                    : "information_source";
}

static void add_member(struct json_writer *writer, const char *name, struct slice text) {
    json_writer_name(writer, slice_of_text(name));
    json_writer_text(writer, text);
}

void channel_ntfy_print(const struct channel_ntfy *note, struct buf *out) {
    struct json_writer writer;

    json_writer_init(&writer, out, false);
    json_writer_open_object(&writer);
    add_member(&writer, "topic", slice_of_text(topic_of(note->url)));
    add_member(&writer, "title", cut(note->title, TITLE_MAX));
    add_member(&writer, "message", cut(note->text, MESSAGE_MAX));
    json_writer_name(&writer, slice_of_text("priority"));
    json_writer_raw(&writer, slice_of_text(priority_of(note->incident)));
    json_writer_name(&writer, slice_of_text("tags"));
    json_writer_open_array(&writer);
    json_writer_text(&writer, slice_of_text(tag_of(note->incident)));
    if (note->incident && note->incident->node[0])
        json_writer_text(&writer, slice_of_text(note->incident->node));
    json_writer_close_array(&writer);
    json_writer_close_object(&writer);
}
