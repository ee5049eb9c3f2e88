/* rig - a store in a temporary folder.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include <dirent.h>
#include <unistd.h>

static const struct store_column lead_columns[] = {
    {"id", VALUE_INT, true, NULL},      {"name", VALUE_TEXT, false, NULL},
    {"phone", VALUE_TEXT, false, NULL}, {"owner", VALUE_INT, false, NULL},
    {"amount", VALUE_INT, false, NULL}, {"status", VALUE_TEXT, true, "new"},
    {"tags", VALUE_TEXT, false, NULL},  {"day", VALUE_INT, false, NULL},
    {"at", VALUE_INT, false, NULL},     {"deleted_at", VALUE_INT, false, NULL},
};
static const struct store_index lead_indexes[] = {
    {"lead_amount", "amount desc,id desc", "live", false},
    {"lead_status", "status,amount,id", NULL, false},
    {"lead_phone", "phone", "live:phone", true},
};
static const struct store_column user_columns[] = {
    {"id", VALUE_INT, true, NULL},
    {"name", VALUE_TEXT, true, NULL},
    {"team", VALUE_INT, false, NULL},
};
static const struct store_column log_columns[] = {
    {"seq", VALUE_INT, true, NULL},
    {"body", VALUE_BLOB, false, NULL},
};
static const struct store_column pair_columns[] = {
    {"a", VALUE_INT, true, NULL},
    {"b", VALUE_TEXT, true, NULL},
    {"n", VALUE_INT, true, "0"},
};
static const struct store_column session_columns[] = {
    {"key", VALUE_TEXT, true, NULL},
    {"seen", VALUE_INT, false, NULL},
};
static const struct store_table tables[] = {
    {"lead", lead_columns, COUNT(lead_columns), "id", lead_indexes, COUNT(lead_indexes), true,
     false, false},
    {"users", user_columns, COUNT(user_columns), "id", NULL, 0, false, false, false},
    {"log", log_columns, COUNT(log_columns), "seq", NULL, 0, false, true, false},
    {"pair", pair_columns, COUNT(pair_columns), "a,b", NULL, 0, false, false, false},
    {"session", session_columns, COUNT(session_columns), "key", NULL, 0, false, false, false},
};

const struct store_schema *rig_schema(void)
{
    static const struct store_schema schema = {tables, COUNT(tables), 0x8123456789abcdefULL};
    return &schema;
}

int rig_setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    const char *tmp = getenv("TMPDIR");
    snprintf(rig->folder, sizeof rig->folder, "%s/perigee-store-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(rig->folder));
    assert_true(snprintf(rig->path, sizeof rig->path, "%s/tenant.db", rig->folder) <
                (int)sizeof rig->path);
    rig->arena = arena_new();
    OK(store_create(rig->path));
    OK(store_open(rig->path, STORE_OWNER, &rig->store));
    enum err e = store_schema_apply(rig->store, rig_schema());
    if (e)
        print_message("schema: %s\n", store_why(rig->store));
    OK(e);
    *state = rig;
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;
    store_close(rig->store);
    arena_free(rig->arena);
    DIR *folder = opendir(rig->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[RIG_PATH_MAX * 3];
        snprintf(path, sizeof path, "%s/%s", rig->folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    closedir(folder);
    rmdir(rig->folder);
    free(rig);
    return 0;
}

char *rig_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    *len = 0;
    if (!file)
        return calloc(1, 1);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *bytes = malloc((size_t)size + 1);
    *len = fread(bytes, 1, (size_t)size, file);
    fclose(file);
    return bytes;
}

struct store_set set_int(const char *column, int64_t n)
{
    return (struct store_set){column, value_int(n), false};
}

struct store_set set_text(const char *column, const char *text)
{
    return (struct store_set){column, text ? value_text(slice_str(text)) : value_null(), false};
}

struct store_set set_null(const char *column)
{
    return (struct store_set){column, value_null(), false};
}

void rig_lead(struct rig *rig, int64_t id, const char *name, const char *status, int64_t amount)
{
    struct store_set sets[] = {
        set_int("id", id),
        set_text("name", name),
        set_text("status", status ? status : "new"),
        amount < 0 ? set_null("amount") : set_int("amount", amount),
    };
    enum err e = store_insert(rig->store, "lead", sets, COUNT(sets), NULL);
    if (e)
        print_message("insert: %s\n", store_why(rig->store));
    OK(e);
}

struct printing {
    struct buf *out;
    int columns;
};

static bool print_row(void *arg, const struct store_row *row)
{
    struct printing *printing = arg;
    if (printing->out->len)
        buf_put_char(printing->out, ' ');
    for (int i = 0; i < printing->columns; i++) {
        struct value value = store_row_value(row, i);
        if (i)
            buf_put_char(printing->out, '|');
        if (value.type == VALUE_NULL)
            buf_put_char(printing->out, '-');
        else if (value.type == VALUE_INT)
            buf_put_int(printing->out, value.integer);
        else
            buf_put_slice(printing->out, value.bytes);
    }
    return true;
}

const char *rig_rows(struct rig *rig, const struct query *query)
{
    struct buf out = BUF_INIT;
    int columns = query->count_cap ? 1 : query->select_count;
    struct printing printing = {&out, columns + (query->keyset ? query->order_count : 0)};
    enum err e = store_read(rig->store, query, print_row, &printing);
    if (e)
        print_message("read: %s\n", store_why(rig->store));
    OK(e);
    const char *text = arena_strdup(rig->arena, buf_cstr(&out));
    buf_release(&out);
    return text;
}

const char *rig_match(struct rig *rig, const struct expr *where)
{
    struct query_column select = {.column = {0, "id"}};
    struct query_order order = {.column = {0, "id"}};
    struct query query = {.table = "lead",
                          .select = &select,
                          .select_count = 1,
                          .where = where,
                          .order = &order,
                          .order_count = 1};
    return rig_rows(rig, &query);
}
