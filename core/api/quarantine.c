/* quarantine - what was set aside because it had to be stopped hard may run again.
 *
 * Running it is the company's decision: its administrator has seen why, or takes the risk. Other
 * code of the same plugin needs no release.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/quarantine.h"

#include "api/admin.h"
#include "api/handlers.h"
#include "api/pluginset.h"
#include "auth/audit.h"
#include "hook/late.h"

/* The mark is a file beside the store, so this is done whatever becomes of the transaction: what is
 * released twice was released. Every process makes its VMs anew. */
enum err plugins_release(struct call *call)
{
    struct pluginset set;
    struct ctx *ctx = call->ctx;
    enum err e = call->body ? call_only(call, (const char *const[]){NULL}) : ERR_OK;
    const struct plugin *plugin;
    if (!e)
        e = pluginset_asked(call, &set, &plugin);
    if (e)
        return e;
    e = quarantine_release(ctx->tenant->folder, plugin->id);
    bool was_aside = !e;
    if (was_aside) {
        late_marks_move();
        struct buf detail = BUF_INIT;
        buf_put_str(&detail, "{\"plugin\":");
        json_put_cstr(&detail, plugin->id);
        buf_put_char(&detail, '}');
        e = audit_put(ctx, "plugin.release", NULL, 0, buf_cstr(&detail));
        buf_release(&detail);
    } else if (e == ERR_NOT_FOUND) {
        e = ERR_OK;
    }
    if (!e)
        buf_printf(&call->resp->body, "{\"released\":%s}", was_aside ? "true" : "false");
    return e;
}
