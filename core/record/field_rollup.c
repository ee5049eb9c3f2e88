/* field_rollup - count, sum, least or greatest over the records that point here; kept by the core.
 *
 *   "from": "order", "by": "account", "op": "sum", "field": "amount", "where": { "status": "paid" }
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static bool read_op(struct slice op, enum query_measure *out)
{
    static const struct {
        const char *name;
        enum query_measure op;
    } ops[] = {
        {"count", MEASURE_COUNT}, {"sum", MEASURE_SUM}, {"min", MEASURE_MIN}, {"max", MEASURE_MAX}};

    for (size_t i = 0; i < sizeof(ops) / sizeof *ops; i++) {
        if (!slice_is(op, ops[i].name))
            continue;
        *out = ops[i].op;
        return true;
    }
    return false;
}

static enum err rollup_declare(struct field *field, const struct json *doc, struct arena *arena,
                               const char **why)
{
    struct field_rollup *data = arena_make(arena, struct field_rollup);

    data->from = json_cstr(doc, "from", NULL);
    data->by = json_cstr(doc, "by", NULL);
    data->of = json_cstr(doc, "field", NULL);
    data->where = json_get(doc, "where");
    bool ok = data->from && data->by && read_op(json_str(doc, "op", SLICE("count")), &data->op) &&
              (data->op == MEASURE_COUNT || data->of);
    field->data = data;
    if (ok)
        return ERR_OK;
    *why = arena_printf(arena,
                        "field \"%s\" needs \"from\", \"by\" and \"op\" (count, sum, min or max; "
                        "all but count with \"field\")",
                        field->name);
    return ERR_MALFORMED;
}

void field_rollup_resolve(struct field *field, struct arena *arena, const struct field *of)
{
    const struct field_type *result = of ? of->type : &field_type_int;

    field->type = field_variant(arena, result, "rollup", result->columns);
    field->scale = of ? of->scale : 0;
}

const struct field_rollup *field_rollup_of(const struct field *field)
{
    ASSERT(slice_is(slice_str(field->type->name), "rollup"));
    return field->data;
}

const struct field_type field_type_rollup = {
    .name = "rollup",
    .kind = KIND_INT,
    .is_derived = true,
    .declare = rollup_declare,
};
