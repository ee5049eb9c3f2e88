/* model_sort - the indexes that declared lists are paged by.
 *
 * A list whose order no index holds is sorted anew for each page, and refused beyond
 * UNINDEXED_SORT_ROWS_MAX rows: what a plugin shows would stop being shown when a company has
 * grown. So the first key of every declared list has an index that begins with it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "record/field_kit.h"
#include "record/list_plan.h"

static bool is_sortable(const struct field *field)
{
    const struct field_type *type = field_result_type(field);
    return field->column && !type->is_sealed && type->kind != KIND_LIST && type->kind != KIND_JSON;
}

const char *build_sort_column(const struct entity *entity, const struct model_view *view,
                              const struct field **field, bool *descending)
{
    ASSERT(entity && view && field && descending);
    if (strcmp(view->kind, "list") != 0 || !view->entity || strcmp(view->entity, entity->name) != 0)
        return NULL;
    struct slice sort = json_str(view->body, "sort", SLICE(""));
    struct slice key = slice_trim(slice_split(&sort, ','));
    *descending = slice_starts(key, SLICE("-"));
    if (*descending)
        key = slice_of(key.at + 1, key.len - 1);
    *field = key.len > 0 ? entity_field(entity, key) : NULL; /* a path has none */
    if (!*field || !is_sortable(*field))
        return NULL;
    return (*field)->sort_column ? (*field)->sort_column : list_plan_measured(*field);
}
