/* zone - see clock.h: time zones from the system's zone files.
 *
 * A file is read once (RFC 8536, its 64-bit block). Times after its last transition follow the rule
 * in its footer, a POSIX TZ string with the extensions of RFC 8536 section 3.3.1.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/limits.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ZONE_FOLDER     "/usr/share/zoneinfo/"
#define ZONE_HEAD_BYTES 44
#define S_PER_DAY       86400LL

/* One end of daylight saving time within a year. */
struct zone_change {
    enum { CHANGE_MONTH, CHANGE_JULIAN, CHANGE_DAY } form;
    int month, week, weekday; /* Mm.w.d: weekday 0 = Sunday */
    int day;                  /* Jn (1..365, no leap day) or n (0..365) */
    int time_s;               /* local time of day; may be negative or beyond a day */
};

struct zone_rule {
    bool known, has_dst;
    int standard_s, dst_s; /* seconds east of UTC */
    struct zone_change start, end;
};

struct zone {
    const char *name;
    int64_t *at; /* owned; transitions, UTC seconds, ascending */
    int *offset; /* owned; seconds east of UTC from at[i] on */
    size_t count;
    int first_offset; /* before the first transition */
    struct zone_rule rule;
};

static struct map zones; /* name → struct zone; the zones live as long as the process */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* --- The footer: std offset [dst [offset] [,start[/time],end[/time]]] --- */

static bool footer_char(struct slice *s, char c)
{
    if (!s->len || s->at[0] != c)
        return false;
    *s = slice_of(s->at + 1, s->len - 1);
    return true;
}

static bool footer_name(struct slice *s)
{
    size_t n = 0;

    if (footer_char(s, '<')) {
        slice_split(s, '>');
        return true;
    }
    while (n < s->len && ((s->at[n] | 0x20) >= 'a' && (s->at[n] | 0x20) <= 'z'))
        n++;
    *s = slice_of(s->at + n, s->len - n);
    return n >= 3;
}

static bool footer_number(struct slice *s, int *out)
{
    size_t n = 0;
    int value = 0;

    for (; n < s->len && n < 3 && s->at[n] >= '0' && s->at[n] <= '9'; n++)
        value = value * 10 + (s->at[n] - '0');
    *s = slice_of(s->at + n, s->len - n);
    *out = value;
    return n > 0;
}

/* [+-]h[h[h]][:mm[:ss]] in seconds. */
static bool footer_time(struct slice *s, int *out)
{
    int sign = footer_char(s, '-') ? -1 : 1;
    int h, m = 0, sec = 0;

    footer_char(s, '+');
    if (!footer_number(s, &h))
        return false;
    if (footer_char(s, ':') && !footer_number(s, &m))
        return false;
    if (footer_char(s, ':') && !footer_number(s, &sec))
        return false;
    *out = sign * (h * 3600 + m * 60 + sec);
    return h <= 167 && m <= 59 && sec <= 59;
}

static bool footer_change(struct slice *s, struct zone_change *out)
{
    *out = (struct zone_change){.time_s = 2 * 3600};
    if (!footer_char(s, ','))
        return false;
    if (footer_char(s, 'M')) {
        out->form = CHANGE_MONTH;
        if (!footer_number(s, &out->month) || !footer_char(s, '.') ||
            !footer_number(s, &out->week) || !footer_char(s, '.') ||
            !footer_number(s, &out->weekday) || out->month < 1 || out->month > 12 ||
            out->week < 1 || out->week > 5 || out->weekday > 6)
            return false;
    } else {
        out->form = footer_char(s, 'J') ? CHANGE_JULIAN : CHANGE_DAY;
        if (!footer_number(s, &out->day) || out->day > 365)
            return false;
    }
    return !footer_char(s, '/') || footer_time(s, &out->time_s);
}

static bool rule_parse(struct slice s, struct zone_rule *out)
{
    struct zone_rule rule = {.known = true};
    int west;

    if (!footer_name(&s) || !footer_time(&s, &west))
        return false;
    rule.standard_s = -west;
    if (s.len) {
        rule.has_dst = true;
        rule.dst_s = rule.standard_s + 3600;
        if (!footer_name(&s))
            return false;
        if (s.len && s.at[0] != ',') {
            if (!footer_time(&s, &west))
                return false;
            rule.dst_s = -west;
        }
        if (!footer_change(&s, &rule.start) || !footer_change(&s, &rule.end))
            return false;
    }
    *out = rule;
    return s.len == 0;
}

/* Local seconds since 1970 at which the change happens in that year. */
static int64_t change_at(const struct zone_change *c, int year)
{
    int64_t january = date_to_days((struct date){year, 1, 1});
    int64_t day;

    if (c->form == CHANGE_MONTH) {
        int64_t first = date_to_days((struct date){year, c->month, 1});
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday; 0 = Sunday */
        int64_t next = c->month == 12 ? date_to_days((struct date){year + 1, 1, 1})
                                      : date_to_days((struct date){year, c->month + 1, 1});
        day = first + (c->weekday - weekday + 7) % 7 + (c->week - 1) * 7LL;
        if (day >= next) /* week 5 is the last one */
            day -= 7;
    } else if (c->form == CHANGE_JULIAN) {
        bool leap = date_to_days((struct date){year + 1, 1, 1}) - january == 366;
        day = january + c->day - 1 + (leap && c->day >= 60);
    } else {
        day = january + c->day;
    }
    return day * S_PER_DAY + c->time_s;
}

static int rule_offset(const struct zone_rule *rule, int64_t utc_s)
{
    if (!rule->has_dst)
        return rule->standard_s;
    int year = date_from_days(floor_div(utc_s + rule->standard_s, S_PER_DAY)).year;
    int64_t start = change_at(&rule->start, year) - rule->standard_s;
    int64_t end = change_at(&rule->end, year) - rule->dst_s;
    bool dst = start < end ? utc_s >= start && utc_s < end : utc_s >= start || utc_s < end;

    return dst ? rule->dst_s : rule->standard_s;
}

/* --- The file --- */

static int64_t big_endian(const char *at, int bytes)
{
    uint64_t n = (uint8_t)at[0] & 0x80 ? UINT64_MAX : 0; /* sign */

    for (int i = 0; i < bytes; i++)
        n = n << 8 | (uint8_t)at[i];
    return (int64_t)n;
}

struct zone_counts {
    int64_t utc, standard, leap, time, type, chars;
};

static bool head_read(struct slice s, struct zone_counts *c)
{
    if (s.len < ZONE_HEAD_BYTES || memcmp(s.at, "TZif", 4) != 0 || s.at[4] < '2')
        return false;
    const char *n = s.at + 20;
    *c = (struct zone_counts){big_endian(n, 4),      big_endian(n + 4, 4),  big_endian(n + 8, 4),
                              big_endian(n + 12, 4), big_endian(n + 16, 4), big_endian(n + 20, 4)};
    return c->utc >= 0 && c->standard >= 0 && c->leap == 0 && c->time >= 0 && c->type > 0 &&
           c->type <= 256 && c->chars >= 0 && c->time <= ZONE_TRANSITIONS_MAX && c->chars < 4096 &&
           c->utc <= 256 && c->standard <= 256;
}

static size_t block_bytes(const struct zone_counts *c, size_t time_bytes)
{
    return (size_t)c->time * (time_bytes + 1) + (size_t)c->type * 6 + (size_t)c->chars +
           (size_t)c->standard + (size_t)c->utc;
}

static bool zone_read(struct slice s, struct zone *zone)
{
    struct zone_counts c;

    if (!head_read(s, &c))
        return false;
    size_t skip = ZONE_HEAD_BYTES + block_bytes(&c, 4); /* the 32-bit block */
    if (s.len < skip)
        return false;
    s = slice_of(s.at + skip, s.len - skip);
    if (!head_read(s, &c) || s.len < ZONE_HEAD_BYTES + block_bytes(&c, 8))
        return false;

    const char *times = s.at + ZONE_HEAD_BYTES;
    const char *indexes = times + c.time * 8;
    const char *types = indexes + c.time;
    zone->count = (size_t)c.time;
    zone->at = calloc(zone->count + 1, sizeof(*zone->at));
    zone->offset = calloc(zone->count + 1, sizeof(*zone->offset));
    if (!zone->at || !zone->offset)
        BUG("out of memory");
    zone->first_offset = (int)big_endian(types, 4);
    for (size_t i = 0; i < zone->count; i++) {
        int type = (uint8_t)indexes[i];
        zone->at[i] = big_endian(times + i * 8, 8);
        if (type >= c.type || (i && zone->at[i] <= zone->at[i - 1]))
            return false;
        zone->offset[i] = (int)big_endian(types + type * 6L, 4);
    }
    struct slice footer = slice_of(s.at + ZONE_HEAD_BYTES + block_bytes(&c, 8),
                                   s.len - ZONE_HEAD_BYTES - block_bytes(&c, 8));
    footer = slice_trim(footer);
    return footer.len == 0 || rule_parse(footer, &zone->rule);
}

/* Names come from settings: only letters, digits and _ + - in parts joined by single slashes. */
static bool name_is_safe(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > NAME_BYTES_MAX || strncmp(name, "right/", 6) == 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '+' || c == '-';
        if (!plain && (c != '/' || i == 0 || i + 1 == n || name[i - 1] == '/'))
            return false;
    }
    return true;
}

static bool file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;

    if (fd < 0)
        return false;
    do {
        buf_reserve(out, 4096);
        n = read(fd, out->at + out->len, 4096);
        out->len += n > 0 ? (size_t)n : 0;
    } while (n > 0 && out->len <= ZONE_FILE_BYTES_MAX);
    close(fd);
    return n == 0;
}

void zone_free(struct zone *zone)
{
    if (!zone)
        return;
    free(zone->at);
    free(zone->offset);
    free(zone);
}

static struct zone *zone_new(void)
{
    struct zone *zone = calloc(1, sizeof(*zone));

    if (!zone)
        BUG("out of memory");
    return zone;
}

struct zone *zone_open(const char *path)
{
    struct buf file = BUF_INIT;
    struct zone *zone = zone_new();
    bool good = file_read(path, &file) && zone_read(buf_slice(&file), zone);

    buf_release(&file);
    if (!good) {
        zone_free(zone);
        return NULL;
    }
    return zone;
}

static struct zone *zone_load(const char *name)
{
    char path[sizeof(ZONE_FOLDER) + NAME_BYTES_MAX];

    if (strcmp(name, "UTC") == 0)
        return zone_new();
    snprintf(path, sizeof(path), ZONE_FOLDER "%s", name);
    return zone_open(path);
}

const struct zone *zone_find(const char *name)
{
    if (!name || !name_is_safe(name))
        return NULL;
    struct zone *zone = map_get(&zones, slice_str(name));
    if (zone)
        return zone;
    zone = zone_load(name);
    if (!zone)
        return NULL;
    char *key = strdup(name);
    if (!key)
        BUG("out of memory");
    zone->name = key;
    map_put(&zones, slice_str(key), zone);
    return zone;
}

const char *zone_name(const struct zone *zone)
{
    ASSERT(zone && zone->name);
    return zone->name;
}

/* --- Arithmetic --- */

static int offset_at(const struct zone *zone, int64_t utc_s)
{
    if (zone->rule.known && (zone->count == 0 || utc_s >= zone->at[zone->count - 1]))
        return rule_offset(&zone->rule, utc_s);
    size_t low = 0, high = zone->count; /* transitions before `low` have happened */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? zone->offset[low - 1] : zone->first_offset;
}

int zone_offset_s(const struct zone *zone, int64_t utc_ms)
{
    ASSERT(zone);
    return offset_at(zone, floor_div(utc_ms, 1000));
}

void zone_parts(const struct zone *zone, int64_t utc_ms, struct time_parts *out)
{
    int64_t local = utc_ms + zone_offset_s(zone, utc_ms) * 1000LL;
    int64_t days = floor_div(local, S_PER_DAY * 1000);
    int ms = (int)(local - days * S_PER_DAY * 1000);
    struct date d = date_from_days(days);

    *out = (struct time_parts){
        .year = d.year,
        .month = d.month,
        .day = d.day,
        .hour = ms / 3600000,
        .minute = ms / 60000 % 60,
        .second = ms / 1000 % 60,
        .ms = ms % 1000,
        .weekday = (int)(((days + 3) % 7 + 7) % 7) + 1, /* 1970-01-01 was a Thursday */
    };
}

int64_t zone_day(const struct zone *zone, int64_t utc_ms)
{
    return floor_div(utc_ms + zone_offset_s(zone, utc_ms) * 1000LL, S_PER_DAY * 1000);
}

/* The earlier of the two instants that show this local time. If there is none (a gap), false, and
 * the time read with the offset from before the gap. */
static bool local_to_utc(const struct zone *zone, int64_t local_s, int64_t *utc_s)
{
    int before = offset_at(zone, local_s - S_PER_DAY);
    int after = offset_at(zone, local_s + S_PER_DAY);
    int64_t early = local_s - before, late = local_s - after;

    if (early > late) {
        int64_t swap = early;
        early = late;
        late = swap;
    }
    *utc_s = early;
    if (early + offset_at(zone, early) == local_s)
        return true;
    *utc_s = late;
    if (late + offset_at(zone, late) == local_s)
        return true;
    *utc_s = local_s - before;
    return false;
}

int64_t zone_day_start_ms(const struct zone *zone, int64_t days)
{
    int64_t utc_s;

    ASSERT(zone);
    if (!local_to_utc(zone, days * S_PER_DAY, &utc_s)) {
        /* The day begins when the gap ends: find the transition. */
        int64_t low = utc_s - S_PER_DAY, high = utc_s;
        while (low + 1 < high) {
            int64_t middle = low + (high - low) / 2;
            if (offset_at(zone, middle) == offset_at(zone, low))
                low = middle;
            else
                high = middle;
        }
        utc_s = high;
    }
    return utc_s * 1000;
}

int64_t zone_to_utc_ms(const struct zone *zone, const struct time_parts *local)
{
    int64_t days = date_to_days((struct date){local->year, local->month, local->day});
    int64_t utc_s;

    ASSERT(zone);
    local_to_utc(zone,
                 days * S_PER_DAY + local->hour * 3600LL + local->minute * 60LL + local->second,
                 &utc_s);
    return utc_s * 1000 + local->ms;
}
