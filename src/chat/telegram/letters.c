#include "chat/telegram/letters.h"

#include <stdbool.h>

#include "base/buf.h"
#include "wire/utf8.h"

enum {
    REPLACEMENT = 0xfffd,
    JOINER = 0x200d,           /* between emoji that are shown as one */
    AS_EMOJI = 0xfe0f,         /* what stands before is shown as an emoji */
    BEYOND_ONE_UNIT = 0x10000, /* two UTF-16 units from here on */
};

size_t letters_next(struct slice text, uint32_t *ret_code) {
    if (text.len == 0)
        return 0;
    size_t len = utf8_char_len(text);
    const uint8_t *at = text.at;

    switch (len) {
    case 1:
        *ret_code = at[0];
        return 1;
    case 2:
        *ret_code = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
        return 2;
    case 3:
        *ret_code = (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
        return 3;
    case 4:
        *ret_code = (at[0] & 0x07u) << 18 | (at[1] & 0x3fu) << 12 | (at[2] & 0x3fu) << 6 |
                    (at[3] & 0x3fu);
        return 4;
    default:
        *ret_code = REPLACEMENT;
        return 1;
    }
}

size_t letters_units(struct slice text) {
    uint32_t code;
    size_t units = 0;

    for (size_t len; (len = letters_next(text, &code)) > 0; text = slice_after(text, len))
        units += code >= BEYOND_ONE_UNIT ? 2 : 1;
    return units;
}

size_t letters_count(struct slice text) {
    uint32_t code;
    size_t count = 0;

    for (size_t len; (len = letters_next(text, &code)) > 0; text = slice_after(text, len))
        count++;
    return count;
}

size_t letters_fit(struct slice text, size_t units) {
    uint32_t code;
    size_t taken = 0;

    for (size_t len; (len = letters_next(slice_after(text, taken), &code)) > 0;
         taken += len) {
        size_t wants = code >= BEYOND_ONE_UNIT ? 2 : 1;
        if (wants > units)
            break;
        units -= wants;
    }
    return taken;
}

struct span {
    uint32_t first;
    uint32_t last;
};

/* Combining marks, joiners, selectors, skin tones: they change what stands before. */
static const struct span narrow[] = {
    { 0x0300, 0x036f },   { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x064b, 0x065f },
    { 0x200b, 0x200f },   { 0x202a, 0x202e }, { 0x2060, 0x2064 }, { 0x20d0, 0x20f0 },
    { 0xfe00, 0xfe0f },   { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0x1f3fb, 0x1f3ff },
    { 0xe0020, 0xe007f },
};

/* East Asian wide and full width, and what is shown as an emoji by itself. */
static const struct span wide[] = {
    { 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x23e9, 0x23ec },
    { 0x23f0, 0x23f0 },   { 0x23f3, 0x23f3 },   { 0x25fd, 0x25fe },
    { 0x2614, 0x2615 },   { 0x2648, 0x2653 },   { 0x267f, 0x267f },
    { 0x2693, 0x2693 },   { 0x26a1, 0x26a1 },   { 0x26aa, 0x26ab },
    { 0x26bd, 0x26be },   { 0x26c4, 0x26c5 },   { 0x26ce, 0x26ce },
    { 0x26d4, 0x26d4 },   { 0x26ea, 0x26ea },   { 0x26f2, 0x26f3 },
    { 0x26f5, 0x26f5 },   { 0x26fa, 0x26fa },   { 0x26fd, 0x26fd },
    { 0x2705, 0x2705 },   { 0x270a, 0x270b },   { 0x2728, 0x2728 },
    { 0x274c, 0x274c },   { 0x274e, 0x274e },   { 0x2753, 0x2755 },
    { 0x2757, 0x2757 },   { 0x2795, 0x2797 },   { 0x27b0, 0x27b0 },
    { 0x2b1b, 0x2b1c },   { 0x2b50, 0x2b50 },   { 0x2b55, 0x2b55 },
    { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xa960, 0xa97f },
    { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },
    { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1f004, 0x1f004 },
    { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a },
    { 0x1f200, 0x1f320 }, { 0x1f32d, 0x1f335 }, { 0x1f337, 0x1f37c },
    { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca }, { 0x1f3cf, 0x1f3d3 },
    { 0x1f3e0, 0x1f3f0 }, { 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f43e },
    { 0x1f440, 0x1f440 }, { 0x1f442, 0x1f4fc }, { 0x1f4ff, 0x1f53d },
    { 0x1f54b, 0x1f54e }, { 0x1f550, 0x1f567 }, { 0x1f57a, 0x1f57a },
    { 0x1f595, 0x1f596 }, { 0x1f5a4, 0x1f5a4 }, { 0x1f5fb, 0x1f64f },
    { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6cc }, { 0x1f6d0, 0x1f6d2 },
    { 0x1f6d5, 0x1f6d7 }, { 0x1f6dc, 0x1f6df }, { 0x1f6eb, 0x1f6ec },
    { 0x1f6f4, 0x1f6fc }, { 0x1f7e0, 0x1f7eb }, { 0x1f90c, 0x1f93a },
    { 0x1f93c, 0x1f945 }, { 0x1f947, 0x1f9ff }, { 0x1fa70, 0x1faff },
    { 0x20000, 0x3fffd },
};

static bool is_in(const struct span *spans, size_t count, uint32_t code) {
    size_t from = 0;

    while (from < count) {
        size_t middle = from + (count - from) / 2;
        if (code < spans[middle].first)
            count = middle;
        else if (code > spans[middle].last)
            from = middle + 1;
        else
            return true;
    }
    return false;
}

static size_t width_of(uint32_t code) {
    if (code < narrow[0].first)
        return 1;
    if (is_in(narrow, sizeof(narrow) / sizeof(narrow[0]), code))
        return 0;
    return is_in(wide, sizeof(wide) / sizeof(wide[0]), code) ? 2 : 1;
}

size_t letters_width(struct slice text) {
    uint32_t code;
    uint32_t before = 0;
    size_t width = 0;
    size_t last = 0;

    for (size_t len; (len = letters_next(text, &code)) > 0;
         text = slice_after(text, len)) {
        size_t own = before == JOINER ? 0 : width_of(code);
        if (code == AS_EMOJI && last == 1)
            own = 1;
        width += own;
        last = own;
        before = code;
    }
    return width;
}

void letters_add_cut(struct buf *out, struct slice text, size_t count) {
    bool fits = letters_count(text) <= count;
    uint32_t code;

    if (!fits && count > 0)
        count--;
    for (size_t len; count > 0 && (len = letters_next(text, &code)) > 0; count--) {
        buf_add(out, text.at, len);
        text = slice_after(text, len);
    }
    if (!fits)
        buf_add_text(out, "…");
}

static bool is_control(uint32_t code) {
    return (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0);
}

void letters_add_clean(struct buf *out, struct slice text) {
    uint32_t code;

    for (size_t len; (len = letters_next(text, &code)) > 0;
         text = slice_after(text, len)) {
        if (is_control(code))
            continue;
        if (code == REPLACEMENT)
            buf_add_text(out, "\xef\xbf\xbd");
        else
            buf_add(out, text.at, len);
    }
}
