#include "alerts/notifier/decision.h"

static struct decision decide(enum decision_act act) {
    return (struct decision) { .act = act };
}

static struct decision wait_until(int64_t next_ms) {
    return (struct decision) { .act = DECISION_WAIT, .next_ms = next_ms };
}

static struct decision gather(enum decision_gather reason) {
    return (struct decision) { .act = DECISION_GATHER, .gather = reason };
}

static bool is_quiet(const struct decision_input *input) {
    return input->quiet_until_ms > 0 && input->severity != INCIDENT_CRITICAL;
}

/* Until when nobody is told whoever he is; 0: he may be. */
static int64_t held_until(const struct decision_input *input, int64_t now_ms) {
    int64_t back_ms = input->muted_ms + DECISION_BACK_MS;

    if (input->silenced_until_ms > now_ms)
        return input->silenced_until_ms;
    if (input->is_muted)
        return now_ms + DECISION_DEPENDENCY_MS;
    if (input->muted_ms > 0 && back_ms > now_ms)
        return back_ms;
    return 0;
}

/* He is told only if nobody looks after it: when? INT64_MAX: never. */
static int64_t escalates_at(const struct decision_input *input) {
    bool is_never =
        input->is_acknowledged || input->escalate_ms == 0 || input->escalation_ms == 0;

    return is_never ? INT64_MAX : input->escalation_ms + (int64_t)input->escalate_ms;
}

/* Nothing holds it back: told by itself, or with others. */
static struct decision now_or_gathered(const struct decision_input *input,
                                       int64_t now_ms) {
    bool is_due = input->due_ms > 0;

    if (input->found_at_join && input->manner == DECISION_STEPS &&
        input->started_ms <= now_ms && input->started_ms + DECISION_JOIN_MS > now_ms)
        return wait_until(input->started_ms + DECISION_JOIN_MS);
    if (is_quiet(input))
        return gather(DECISION_QUIET);
    if (input->is_full && !is_due && input->severity != INCIDENT_CRITICAL)
        return gather(DECISION_MANY);
    return decide(DECISION_BEGIN);
}

/* It goes on, and he has not been told. */
static struct decision begin(const struct decision_input *input, int64_t now_ms) {
    int64_t held_ms = held_until(input, now_ms);
    bool is_due = input->due_ms > 0;
    int64_t at_ms = input->is_escalation && !is_due ? escalates_at(input) : 0;

    if (input->is_asleep || (at_ms == INT64_MAX && held_ms == 0))
        return decide(DECISION_WAIT);
    if (held_ms > 0 || at_ms > now_ms)
        return wait_until(held_ms > 0 ? held_ms : at_ms);
    return now_or_gathered(input, now_ms);
}

static struct decision edit(const struct decision_input *input, int64_t now_ms) {
    int64_t at_ms = input->edited_ms + DECISION_EDIT_MS;

    if (input->touched > input->told_version || at_ms <= now_ms)
        return decide(DECISION_EDIT);
    return wait_until(at_ms);
}

static struct decision sooner(struct decision one, int64_t next_ms) {
    if (one.act == DECISION_WAIT && next_ms > 0 &&
        (one.next_ms == 0 || next_ms < one.next_ms))
        one.next_ms = next_ms;
    return one;
}

/* When to say again that it still holds: 0 is never. */
static int64_t repeat_at(const struct decision_input *input, int64_t now_ms) {
    int64_t at_ms = input->last_ms + (int64_t)input->repeat_ms;
    int64_t held_ms = held_until(input, now_ms);

    if (input->repeat_ms == 0 || input->is_acknowledged || input->is_asleep)
        return 0;
    if (is_quiet(input) && input->quiet_until_ms > at_ms)
        at_ms = input->quiet_until_ms;
    return held_ms > at_ms ? held_ms : at_ms;
}

/* It goes on, and he knows. */
static struct decision go_on(const struct decision_input *input, int64_t now_ms) {
    struct decision decision = decide(DECISION_WAIT);
    int64_t repeat_ms = repeat_at(input, now_ms);

    if (input->gather != DECISION_ALONE)
        return input->version > input->told_version ? gather(input->gather) : decision;
    if (repeat_ms > 0 && repeat_ms <= now_ms)
        return decide(DECISION_REPEAT);
    if (input->version > input->told_version && input->manner != DECISION_STEPS)
        decision = edit(input, now_ms);
    return sooner(decision, repeat_ms);
}

/* It is over: who was told, or is to be, is told; what is a message more waits for the
 * end of the quiet. */
static struct decision end(const struct decision_input *input, int64_t now_ms) {
    if (input->gather != DECISION_ALONE)
        return gather(input->gather);
    if (input->due_ms == 0 && input->told_ms == 0)
        return decide(DECISION_NEVER);
    if (input->told_ms > 0 && input->manner != DECISION_STEPS)
        return decide(DECISION_END);
    if (input->silenced_until_ms > now_ms)
        return wait_until(input->silenced_until_ms);
    if (is_quiet(input))
        return wait_until(input->quiet_until_ms);
    return decide(DECISION_END);
}

struct decision decision_make(const struct decision_input *input, int64_t now_ms) {
    if (input->is_history)
        return decide(DECISION_NEVER);
    if (input->state == INCIDENT_RESOLVED)
        return end(input, now_ms);
    if (input->gather != DECISION_ALONE && input->told_ms == 0)
        return begin(input, now_ms).act == DECISION_WAIT ? begin(input, now_ms)
                                                         : gather(input->gather);
    return input->told_ms > 0 ? go_on(input, now_ms) : begin(input, now_ms);
}
