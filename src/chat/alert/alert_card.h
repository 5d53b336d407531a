/*
 * alert_card - an incident as people see it: the one place that makes its card
 *
 * For answers and for what is pushed. Needs no turn: the hub makes the cards of new
 * incidents, and edits them, by itself. Its buttons are command lines ("ack 17").
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "chat/view.h"
#include "chat/words/words.h"
#include "roost/v1/alerts.pb-c.h"

/*
 * The card. png: a chart around the incident, or empty. may_act: with buttons for those
 * who may act on the node; others have the details alone. A critical one that goes on is
 * urgent; one that is over, acknowledged, silenced or for information makes no sound.
 */
struct view *alert_card_view(enum words_language language,
                             const Roost__V1__Incident *incident,
                             struct slice png,
                             bool may_act);

/* The same, with all that is known: the timeline and more buttons. */
struct view *alert_card_details(enum words_language language,
                                const Roost__V1__Incident *incident,
                                struct slice png,
                                bool may_act);
