#include "chat/command.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "chat/commands_core.h"
#include "chat/turn/node_match.h"

static const struct command *const tables[] = {
    commands_people, commands_look, commands_act, commands_alert, commands_core,
};

const struct command *command_next(unsigned *at) {
    unsigned i = (*at)++;

    for (size_t k = 0; k < sizeof(tables) / sizeof(tables[0]); k++)
        for (const struct command *row = tables[k]; row->name; row++)
            if (i-- == 0)
                return row;
    return NULL;
}

/* Is the word one of those in the list, whatever its case? */
static bool is_among(const char *list, const char *word) {
    size_t len = strlen(word);

    while (list && *list) {
        size_t part = strcspn(list, " ");
        if (part == len && strncasecmp(list, word, len) == 0)
            return true;
        list += part + strspn(list + part, " ");
    }
    return false;
}

const struct command *command_find(const char *word) {
    const struct command *row;

    if (word[0] == '\0')
        return NULL;
    for (unsigned at = 0; (row = command_next(&at));)
        if (strcasecmp(row->name, word) == 0 || is_among(row->aliases, word))
            return row;
    return NULL;
}

static unsigned nearest(const struct command *row, const char *word, unsigned max) {
    unsigned best = node_match_distance(row->name, word, max);
    const char *list = row->aliases;

    while (list && *list) {
        char alias[32];
        size_t len = strcspn(list, " ");

        if (len < sizeof(alias)) {
            memcpy(alias, list, len);
            alias[len] = '\0';
            unsigned off = node_match_distance(alias, word, max);
            best = off < best ? off : best;
        }
        list += len + strspn(list + len, " ");
    }
    return best;
}

const struct command *command_guess(const char *word) {
    unsigned max = strlen(word) < 4 ? 1 : 2;
    const struct command *best = NULL;
    const struct command *row;
    unsigned best_off = max + 1;

    if (strlen(word) < 2)
        return NULL;
    for (unsigned at = 0; (row = command_next(&at));) {
        unsigned off = row->is_hidden ? max + 1 : nearest(row, word, max);
        if (strlen(word) >= 3 && !row->is_hidden && off > 0 &&
            strncasecmp(row->name, word, strlen(word)) == 0)
            off = 1; /* the beginning of its name */
        if (off < best_off) {
            best_off = off;
            best = row;
        }
    }
    return best;
}
