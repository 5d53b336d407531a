#include "alerts/channel/channel.h"

#include <string.h>

#include "alerts/channel/channel_mail.h"
#include "alerts/channel/channel_message.h"
#include "alerts/channel/channel_ntfy.h"
#include "alerts/channel/channel_webhook.h"
#include "base/check.h"
#include "base/mem.h"
#include "wire/pb.h"

static struct channel *mail(const char *url, const char *from, const char *to) {
    struct channel *channel = channel_new("ops", CHANNEL_MAIL);

    incident_set(&channel->url, url);
    incident_set(&channel->from, from);
    channel->list = mem_new_array(2, sizeof(char *));
    channel->list[0] = mem_strdup(to);
    return channel;
}

static struct channel *hook(const char *url) {
    struct channel *channel = channel_new("hook", CHANNEL_WEBHOOK);

    incident_set(&channel->url, url);
    return channel;
}

/* Takes the channel. */
static bool is_fine(struct channel *channel, bool is_plain_allowed) {
    char *why = NULL;
    int r = channel_check(channel, is_plain_allowed, &why);

    CHECK((r == 0) == (why == NULL));
    free(why);
    channel_free(channel);
    return r == 0;
}

static void what_cannot_work_is_refused(void) {
    CHECK(is_fine(mail("smtp://mail.example:587", "a@b.example", "c@d.example"), false));
    CHECK(is_fine(mail("smtps://[::1]:465", "a@b.example", "c@d.example"), false));
    CHECK(is_fine(mail("smtp://mail.example", "a@b.example", "c@d.example"), false));
    CHECK(!is_fine(mail("http://mail.example", "a@b.example", "c@d.example"), false));
    CHECK(!is_fine(mail("smtp://", "a@b.example", "c@d.example"), false));
    CHECK(!is_fine(mail("smtp://a b:1", "a@b.example", "c@d.example"), false));
    CHECK(!is_fine(mail("smtp://m:25/x\r\nRSET", "a@b.example", "c@d.example"), false));
    CHECK(!is_fine(mail("smtp://m:25", "a@b.example\r\nRCPT", "c@d.example"), false));
    CHECK(!is_fine(mail("smtp://m:25", "a@b.example>", "c@d.example"), false));
    CHECK(!is_fine(mail("smtp://m:25", "a@b.example", "nobody"), false));
    CHECK(is_fine(hook("https://example.org/x"), false));
    CHECK(is_fine(hook("http://127.0.0.1:8080/x"), false));
    CHECK(is_fine(hook("http://localhost/"), false));
    CHECK(!is_fine(hook("http://example.org/x"), false));
    CHECK(is_fine(hook("http://example.org/x"), true));
    CHECK(!is_fine(hook("ftp://example.org/x"), true));
    CHECK(!is_fine(hook("https://example.org/x\r\ny: z"), true));
}

static void a_header_or_an_hour_that_is_none_is_refused(void) {
    struct channel *channel = hook("https://example.org/");
    channel->list = mem_new_array(2, sizeof(char *));
    channel->list[0] = mem_strdup("x-a: b\r\nx-c: d");
    CHECK(!is_fine(channel, false));
    channel = hook("https://example.org/");
    incident_set(&channel->quiet_hours, "late");
    CHECK(!is_fine(channel, false));
    channel = hook("https://example.org/");
    incident_set(&channel->template, "{{nothing}}");
    CHECK(!is_fine(channel, false));
    channel = hook("https://example.org/");
    incident_set(&channel->method, "GET");
    CHECK(!is_fine(channel, false));
    channel = hook("https://example.org/");
    incident_set(&channel->name, "No Name");
    CHECK(!is_fine(channel, false));
}

static void a_channel_is_read_as_it_was_kept(void) {
    struct channel *channel = mail("smtp://m:25", "a@b.example", "c@d.example");
    struct buf kept = { 0 };

    incident_set(&channel->secret, "s3cret");
    incident_set(&channel->select, "@home");
    channel->severity = INCIDENT_CRITICAL;
    channel->require_tls = true;
    channel->failing_ms = 5;
    channel_write(channel, &kept);
    struct channel *again = channel_read("ops", buf_slice(&kept));
    CHECK_INT(again->kind, CHANNEL_MAIL);
    CHECK_TEXT(again->secret, "s3cret");
    CHECK_TEXT(again->select, "@home");
    CHECK_TEXT(again->list[0], "c@d.example");
    CHECK(again->require_tls && again->severity == INCIDENT_CRITICAL);
    CHECK_INT(again->failing_ms, 0);
    for (size_t len = 0; len < kept.len; len++) /* damaged ones do no harm */
        channel_free(channel_read("ops", slice_of(kept.data, len)));
    channel_free(again);
    channel_free(channel);
    buf_done(&kept);
}

/* What the API lists has no secret in it, and given back it changes none. */
static void secrets_stay_inside(void) {
    struct channel *channel = hook("https://example.org/");
    struct channel_message message;
    struct buf out = { 0 };
    char *why = NULL;

    incident_set(&channel->secret, "s3cret");
    channel->list = mem_new_array(2, sizeof(char *));
    channel->list[0] = mem_strdup("authorization: Bearer s3cret");
    channel_message_init(&message, channel, false);
    pb_pack(&out, &message.channel.base);
    CHECK(!memmem(out.data, out.len, "s3cret", 6));
    CHECK(memmem(out.data, out.len, "authorization", 13));
    struct channel *again = channel_message_read(&message.channel, channel, &why);
    CHECK_TEXT(again->secret, "s3cret");
    CHECK_TEXT(again->list[0], "authorization: Bearer s3cret");
    channel_free(again);
    channel_message_done(&message);
    channel_free(channel);
    buf_done(&out);
}

static const char *printed(const struct channel_mail *mail, struct buf *out) {
    buf_clear(out);
    channel_mail_print(mail, out);
    return buf_text(out);
}

static void no_header_can_be_injected_and_no_line_is_long(void) {
    static const char *const to[] = { "ada@example.org", "bob@example.org", NULL };
    char longest[2001];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    const char *subjects[] = {
        "plain",
        "two\r\nBcc: eve@example.org\r\n\r\nlines",
        "Критично: узел, диск заполнен на 93 % и это надолго, очень "
        "надолго, дольше некуда",
        longest,
        "=?utf-8?B?aGFjaw==?=",
        "\xff\xfe broken \x80"
    };
    struct slice picture = slice_of("\x89PNG", 4);
    struct buf out = { 0 };

    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        const struct channel_mail mail = { .from = "roost@example.org",
                                           .to = to,
                                           .subject = subjects[i],
                                           .text = subjects[i],
                                           .html = "<p>",
                                           .pictures = &picture,
                                           .picture_count = 1,
                                           .id = "roost-1",
                                           .thread = "roost-0" };
        const char *text = printed(&mail, &out);
        CHECK(!strstr(text, "\nBcc:"));
        CHECK(strstr(text, "\r\nIn-Reply-To: <roost-0@example.org>\r\n"));
        CHECK(strstr(text, "\r\nContent-ID: <picture0>\r\n"));
        for (const char *line = text; *line;) {
            size_t len = strcspn(line, "\r");
            CHECK(len <= 78 && line[len + 1] == '\n');
            CHECK(memchr(line, '\n', len) == NULL);
            line += len + 2;
        }
    }
    buf_done(&out);
}

static void a_subject_of_plain_letters_stays_readable(void) {
    struct buf out = { 0 };

    channel_mail_add_words(&out, "Critical: nas, disk:/home", 9);
    CHECK_TEXT(buf_text(&out), "Critical: nas, disk:/home");
    buf_clear(&out);
    channel_mail_add_words(&out, "Прошло", 9);
    CHECK_TEXT(buf_text(&out), "=?utf-8?B?0J/RgNC+0YjQu9C+?=");
    buf_done(&out);
}

/* RFC 4231, cases 2 and 6. */
static void a_signature_is_hmac_sha256(void) {
    char text[CHANNEL_WEBHOOK_SIGNATURE_LEN + 1];
    char key[132];

    channel_webhook_sign("Jefe", slice_of_text("what do ya want for nothing?"), text);
    CHECK_TEXT(text, "sha256=5bdcc146bf60754e6a042426089575c7"
                     "5a003f089d2739839dec58b964ec3843");
    memset(key, '\xaa', 131);
    key[131] = '\0';
    channel_webhook_sign(
        key, slice_of_text("Test Using Larger Than Block-Size Key - Hash Key First"),
        text);
    CHECK_TEXT(text, "sha256=60e431591ee0b67f0d8a26aacbf5b77f"
                     "8e0bc6213728c5140546040f0ee37f54");
}

static void a_note_for_ntfy_names_its_topic(void) {
    char *server = channel_ntfy_server("https://ntfy.example/base/ops");
    const struct channel_ntfy note = { .url = "https://ntfy.example/base/ops",
                                       .title = "A \"test\"",
                                       .text = "line\nline" };
    struct buf out = { 0 };

    CHECK_TEXT(server, "https://ntfy.example/base/");
    channel_ntfy_print(&note, &out);
    CHECK_TEXT(buf_text(&out),
               "{\"topic\":\"ops\",\"title\":\"A \\\"test\\\"\",\"message\":\"line\\n"
               "line\",\"priority\":3,\"tags\":[\"information_source\"]}");
    free(server);
    buf_done(&out);
}

TESTS(TEST(what_cannot_work_is_refused),
      TEST(a_header_or_an_hour_that_is_none_is_refused),
      TEST(a_channel_is_read_as_it_was_kept),
      TEST(secrets_stay_inside),
      TEST(no_header_can_be_injected_and_no_line_is_long),
      TEST(a_subject_of_plain_letters_stays_readable),
      TEST(a_signature_is_hmac_sha256),
      TEST(a_note_for_ntfy_names_its_topic))
