#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/alerts.h"
#include "alerts/judge/judge_testing.h"
#include "alerts/rules/rule.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/metric.h"

enum { SERIES_MAX = 8, ROWS_MAX = 64, CELL_LEN = 24, CASES_MIN = 100 };

struct track {
    char name[64];
    char cells[ROWS_MAX][CELL_LEN];
    size_t count;
};

/* A line that was read. */
struct story {
    char name[128];
    char condition[256];
    uint64_t interval_ms;
    struct track tracks[SERIES_MAX];
    size_t track_count;
    struct track events;
    char told[256];
    size_t rows;
};

static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

static void read_cells(struct track *track, char *text) {
    char *rest = NULL;

    for (char *cell = strtok_r(text, " ", &rest); cell;
         cell = strtok_r(NULL, " ", &rest)) {
        char *star = strchr(cell, '*');
        long times = star ? strtol(star + 1, NULL, 10) : 1;
        if (star)
            *star = '\0';
        for (; times > 0; times--) {
            CHECK(track->count < ROWS_MAX);
            snprintf(track->cells[track->count++], CELL_LEN, "%s", cell);
        }
    }
}

static void read_tracks(struct story *story, char *text) {
    char *rest = NULL;

    for (char *part = strtok_r(text, ";", &rest); part;
         part = strtok_r(NULL, ";", &rest)) {
        char *colon = strstr(part, ": ");
        CHECK(colon);
        *colon = '\0';
        bool is_events = strcmp(trim(part), "@") == 0;
        struct track *track =
            is_events ? &story->events : &story->tracks[story->track_count++];
        CHECK(story->track_count <= SERIES_MAX);
        snprintf(track->name, sizeof(track->name), "%s", trim(part));
        read_cells(track, colon + 2);
        if (track->count > story->rows)
            story->rows = track->count;
    }
}

static void read_story(struct story *story, char *line) {
    char *fields[5];
    char *rest = line;

    memset(story, 0, sizeof(*story));
    for (int i = 0; i < 5; i++) {
        CHECK(rest);
        fields[i] = rest;
        rest = strstr(rest, " | ");
        if (rest) {
            *rest = '\0';
            rest += 3;
        }
    }
    snprintf(story->name, sizeof(story->name), "%s", trim(fields[0]));
    snprintf(story->condition, sizeof(story->condition), "%s", trim(fields[1]));
    CHECK_INT(clock_parse_duration(trim(fields[2]), &story->interval_ms), 0);
    read_tracks(story, fields[3]);
    snprintf(story->told, sizeof(story->told), "%s", trim(fields[4]));
    if (strcmp(story->told, "-") == 0)
        story->told[0] = '\0';
}

/* The story as it is played. */
struct play {
    const struct story *story;
    struct judge_testing hub;
    struct buf told;
    size_t row;
    int64_t time_ms;
    unsigned catalogue;
    bool was_there[SERIES_MAX];
    bool is_replay;
};

static void on_told(void *arg, struct incident *incident, enum incident_change change) {
    struct play *play = arg;
    bool is_join = incident->found_at_join;
    const char *series = is_join ? "join" : incident->series;

    if (change != INCIDENT_BEGAN && change != INCIDENT_ENDED)
        return;
    if (incident->is_history && change == INCIDENT_BEGAN)
        return;
    char sign = incident->is_history ? '~' : change == INCIDENT_BEGAN ? '+' : '-';
    buf_printf(&play->told, "%s%zu:%c%s%s", play->told.len > 0 ? " " : "", play->row,
               sign, series, is_join ? "J" : "");
}

static const char *cell_at(const struct track *track, size_t row) {
    return track->cells[row < track->count ? row : track->count - 1];
}

static void put_rule(struct play *play, bool is_disabled) {
    struct rule *rule = rule_new("tested");
    char *why = NULL;

    CHECK_INT(rule_set_condition(rule, play->story->condition, &why), 0);
    rule->is_disabled = is_disabled;
    alerts_put_rule(play->hub.alerts, rule);
}

static void put_node(struct play *play, bool is_new) {
    judge_testing_put_node(&play->hub, "nas", is_new ? play->time_ms : 1);
}

static void take_event(struct play *play, const char *event) {
    if (strncmp(event, "gap", 3) == 0)
        play->time_ms += strtol(event + 3, NULL, 10) * 1000;
    else if (strncmp(event, "back", 4) == 0)
        play->time_ms -= strtol(event + 4, NULL, 10) * 1000;
    else if (strcmp(event, "replay") == 0 || strcmp(event, "live") == 0)
        play->is_replay = event[0] == 'r';
    else if (strcmp(event, "off") == 0 || strcmp(event, "on") == 0)
        put_rule(play, event[1] == 'f');
    else if (strcmp(event, "new") == 0)
        put_node(play, true);
    else if (strcmp(event, "kill") == 0)
        judge_testing_restart(&play->hub);
    else
        CHECK_TEXT(event, ".");
}

static void play_row(struct play *play) {
    const struct story *story = play->story;
    struct alerts_metric metrics[SERIES_MAX];
    int64_t values[SERIES_MAX];
    size_t count = 0;
    bool is_other = play->catalogue == 0;

    for (size_t i = 0; i < story->track_count; i++) {
        const struct track *track = &story->tracks[i];
        const struct metric *metric = metric_find(track->name);
        const char *cell = cell_at(track, play->row);
        bool is_there = strcmp(cell, "-") != 0;
        is_other |= is_there != play->was_there[i];
        play->was_there[i] = is_there;
        if (!is_there)
            continue;
        metrics[count] = (struct alerts_metric) { track->name, metric ? metric->unit : "",
                                                  metric ? metric->scale : 1 };
        values[count] =
            judge_testing_value(cell[0] == 'x' ? NULL : cell, metrics[count].scale);
        count++;
    }
    play->catalogue += is_other;
    judge_testing_row(&play->hub, &(struct alerts_row) {
                                      .node = "nas",
                                      .catalogue = play->catalogue,
                                      .metrics = metrics,
                                      .count = count,
                                      .epoch = 1,
                                      .seq = play->row + 1,
                                      .time_ms = play->time_ms,
                                      .interval_ms = (uint32_t)story->interval_ms,
                                      .values = values,
                                      .is_replay = play->is_replay,
                                  });
}

static char *play_story(const struct story *story) {
    struct play play = { .story = story, .time_ms = INT64_C(1700000000000) };

    judge_testing_init(&play.hub, on_told, &play);
    put_rule(&play, false);
    put_node(&play, false);
    for (; play.row < story->rows; play.row++) {
        if (play.row < story->events.count)
            take_event(&play, story->events.cells[play.row]);
        play_row(&play);
        judge_testing_flush(&play.hub);
        play.time_ms += (int64_t)story->interval_ms;
    }
    judge_testing_done(&play.hub);
    return buf_take_text(&play.told);
}

static void series_have_the_timelines_that_are_written_down(void) {
    void *bytes = NULL;
    size_t len = 0;
    size_t cases = 0;
    char *rest = NULL;
    size_t wrong = 0;

    CHECK_INT(judge_testing_read(TIMELINES, &bytes, &len), 0);
    for (char *line = strtok_r(bytes, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        static struct story story;
        if (line[0] == '#')
            continue;
        read_story(&story, line);
        auto_(mem_freep) char *told = play_story(&story);
        cases++;
        if (strcmp(told, story.told) == 0)
            continue;
        printf("# %s: told \"%s\", wanted \"%s\"\n", story.name, told, story.told);
        wrong++;
    }
    free(bytes);
    CHECK_INT(wrong, 0);
    CHECK(cases >= CASES_MIN);
}

TESTS(TEST(series_have_the_timelines_that_are_written_down))
