#include "alerts/channel/channel_mail.h"

#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/mem.h"
#include "wire/utf8.h"

enum {
    LINE_BYTES = 57,  /* as base64 76 letters, the most that MIME allows */
    WORD_BYTES = 42,  /* as an encoded word of UTF-8 and base64: 68 letters */
    HEADER_MAX = 76,  /* columns of a line */
    SUBJECT_MAX = 300 /* bytes; what is beyond is cut */
};

static void add_base64(struct buf *out, struct slice bytes) {
    while (bytes.len > 0) {
        size_t len = bytes.len < LINE_BYTES ? bytes.len : LINE_BYTES;
        base64_encode(out, slice_of(bytes.at, len));
        buf_add_text(out, "\r\n");
        bytes = slice_after(bytes, len);
    }
}

/* Text with lines ended by CRLF, as canonical MIME has it, in base64. */
static void add_text_part(struct buf *out, const char *type, const char *text) {
    struct buf lines = { 0 };

    for (; *text; text++) {
        if (*text == '\n')
            buf_add_byte(&lines, '\r');
        buf_add_byte(&lines, (uint8_t)*text);
    }
    buf_printf(out,
               "Content-Type: %s; charset=utf-8\r\n"
               "Content-Transfer-Encoding: base64\r\n\r\n",
               type);
    add_base64(out, buf_slice(&lines));
    buf_done(&lines);
}

static bool is_plain(struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~')
            return false;
    return text.len == 0 || memmem(text.at, text.len, "=?", 2) == NULL;
}

/* As many whole characters as fit; something that is none is a byte. */
static size_t word_len(struct slice text) {
    size_t len = 0;

    while (len < text.len) {
        size_t step = utf8_char_len(slice_after(text, len));
        step = step > 0 ? step : 1;
        if (len + step > WORD_BYTES)
            break;
        len += step;
    }
    return len;
}

void channel_mail_add_words(struct buf *out, const char *text, size_t used) {
    struct slice rest = slice_of_text(text);

    if (rest.len > SUBJECT_MAX) {
        rest.len = SUBJECT_MAX;
        while (rest.len > 0 && (rest.at[rest.len] & 0xc0) == 0x80)
            rest.len--;
    }
    if (is_plain(rest) && used + rest.len <= HEADER_MAX) {
        buf_add_slice(out, rest);
        return;
    }
    for (bool is_first = true; rest.len > 0; is_first = false) {
        size_t len = word_len(rest);
        buf_add_text(out, is_first && used < 10 ? "=?utf-8?B?" : "\r\n =?utf-8?B?");
        base64_encode(out, slice_of(rest.at, len));
        buf_add_text(out, "?=");
        rest = slice_after(rest, len);
    }
}

static void add_date(struct buf *out, int64_t now_ms) {
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;

    if (!gmtime_r(&seconds, &tm))
        return;
    buf_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday],
               tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
               tm.tm_sec);
}

static void add_head(const struct channel_mail *mail, struct buf *out) {
    const char *domain = strrchr(mail->from, '@');

    add_date(out, mail->now_ms);
    buf_printf(out, "From: Roost <%s>\r\nTo: ", mail->from);
    for (size_t i = 0; mail->to[i]; i++)
        buf_printf(out, "%s<%s>", i > 0 ? ",\r\n " : "", mail->to[i]);
    buf_add_text(out, "\r\nSubject: ");
    channel_mail_add_words(out, mail->subject, strlen("Subject: "));
    buf_printf(out, "\r\nMessage-ID: <%s%s>\r\n", mail->id, domain);
    if (mail->thread)
        buf_printf(out, "In-Reply-To: <%s%s>\r\nReferences: <%s%s>\r\n", mail->thread,
                   domain, mail->thread, domain);
    buf_add_text(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
}

static void add_pictures(const struct channel_mail *mail, struct buf *out) {
    for (size_t i = 0; i < mail->picture_count; i++) {
        buf_printf(out,
                   "--roost-related\r\nContent-Type: image/png\r\n"
                   "Content-Transfer-Encoding: base64\r\n"
                   "Content-ID: <picture%zu>\r\n"
                   "Content-Disposition: inline; filename=\"chart%zu.png\"\r\n\r\n",
                   i, i);
        add_base64(out, mail->pictures[i]);
    }
}

/* No boundary can stand in what is base64: it has '-' in it. */
void channel_mail_print(const struct channel_mail *mail, struct buf *out) {
    add_head(mail, out);
    buf_add_text(out, "Content-Type: multipart/alternative; boundary=\"roost-parts\""
                      "\r\n\r\n--roost-parts\r\n");
    add_text_part(out, "text/plain", mail->text);
    buf_add_text(out, "--roost-parts\r\nContent-Type: multipart/related;"
                      " boundary=\"roost-related\"\r\n\r\n--roost-related\r\n");
    add_text_part(out, "text/html", mail->html);
    add_pictures(mail, out);
    buf_add_text(out, "--roost-related--\r\n--roost-parts--\r\n");
}
