/* sandbox - seccomp filter and resource limits of the children.
 *
 * The filter is a deny-list: libraries change the calls they use from version to version, and what
 * must not happen is known better than what must.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "process/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/log.h"

#define SANDBOX_RULES_MAX 160
#define SANDBOX_FILES     8192
#define SANDBOX_AS_BYTES  (8ULL << 30) /* address space: far above use, far below a machine */
#define SANDBOX_FILE_BYTES                                                                         \
    (256ULL << 30) /* one file: a store or a backup; a write beyond is told "no room" */

#if defined(__x86_64__)
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#endif

struct rules {
    struct sock_filter at[SANDBOX_RULES_MAX];
    unsigned short count;
};

static void rule_put(struct rules *rules, struct sock_filter rule)
{
    ASSERT(rules->count < SANDBOX_RULES_MAX);
    rules->at[rules->count++] = rule;
}

static void rule_stmt(struct rules *rules, uint16_t code, uint32_t k)
{
    rule_put(rules, (struct sock_filter)BPF_STMT(code, k));
}

static void rule_jump(struct rules *rules, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    rule_put(rules, (struct sock_filter)BPF_JUMP(code, k, yes, no));
}

#define DENY (SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA))

static void rule_deny(struct rules *rules, long number)
{
    rule_jump(rules, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
    rule_stmt(rules, BPF_RET | BPF_K, DENY);
}

/* Denies the call unless its first argument is one of `only`. */
static void rule_only(struct rules *rules, long number, const uint32_t *only, uint8_t count)
{
    rule_jump(rules, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, (uint8_t)(count + 3));
    rule_stmt(rules, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
    for (uint8_t i = 0; i < count; i++)
        rule_jump(rules, BPF_JMP | BPF_JEQ | BPF_K, only[i], (uint8_t)(count - i), 0);
    rule_stmt(rules, BPF_RET | BPF_K, DENY);
    rule_stmt(rules, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
}

/* Denies clone that asks for any new namespace. clone3 hides its flags behind a pointer: it answers
 * ENOSYS, and the C library falls back to clone. */
static void rule_clone(struct rules *rules)
{
    const uint32_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    rule_jump(rules, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
    rule_stmt(rules, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
    rule_jump(rules, BPF_JMP | BPF_JSET | BPF_K, namespaces, 0, 1);
    rule_stmt(rules, BPF_RET | BPF_K, DENY);
    rule_stmt(rules, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    rule_jump(rules, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
    rule_stmt(rules, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA));
}

static const long DENIED[] = {SYS_execve,
                              SYS_execveat,
                              SYS_process_vm_readv,
                              SYS_process_vm_writev,
                              SYS_pidfd_getfd,
                              SYS_kcmp,
                              SYS_io_uring_setup,
                              SYS_io_uring_enter,
                              SYS_io_uring_register,
                              SYS_bpf,
                              SYS_keyctl,
                              SYS_add_key,
                              SYS_request_key,
                              SYS_mount,
                              SYS_umount2,
                              SYS_move_mount,
                              SYS_open_tree,
                              SYS_fsopen,
                              SYS_fsmount,
                              SYS_fsconfig,
                              SYS_fspick,
                              SYS_mount_setattr,
                              SYS_pivot_root,
                              SYS_chroot,
                              SYS_unshare,
                              SYS_setns,
                              SYS_perf_event_open,
                              SYS_userfaultfd,
                              SYS_init_module,
                              SYS_finit_module,
                              SYS_delete_module,
                              SYS_kexec_load,
                              SYS_kexec_file_load,
                              SYS_reboot,
                              SYS_swapon,
                              SYS_swapoff,
                              SYS_acct,
                              SYS_sethostname,
                              SYS_setdomainname,
                              SYS_personality,
                              SYS_name_to_handle_at,
                              SYS_open_by_handle_at,
                              SYS_setuid,
                              SYS_setgid,
                              SYS_setresuid,
                              SYS_setresgid,
                              SYS_setreuid,
                              SYS_setregid,
                              SYS_setfsuid,
                              SYS_setfsgid,
                              SYS_setgroups};

static void rules_make(struct rules *rules, enum board_role role)
{
#ifdef SANDBOX_ARCH
    rule_stmt(rules, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    rule_jump(rules, BPF_JMP | BPF_JEQ | BPF_K, SANDBOX_ARCH, 1, 0);
    rule_stmt(rules, BPF_RET | BPF_K, DENY);
#endif
    rule_stmt(rules, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    /* The same calls have a second set of numbers (x32), above this bit. */
    rule_jump(rules, BPF_JMP | BPF_JSET | BPF_K, 0x40000000, 0, 1);
    rule_stmt(rules, BPF_RET | BPF_K, DENY);
#endif
    for (size_t i = 0; i < sizeof(DENIED) / sizeof(DENIED[0]); i++)
        rule_deny(rules, DENIED[i]);
#ifndef PERIGEE_SANITIZE
    rule_deny(rules, SYS_ptrace); /* the leak sanitizer attaches to its own threads */
#endif
    /* Only runners reach the network; the resolver asks the kernel for addresses (netlink). */
    static const uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    rule_only(rules, SYS_socket, families, role == BOARD_RUNNER ? 4 : 1);
    rule_clone(rules);
    rule_stmt(rules, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

static void limit(int what, rlim_t most)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) != 0)
        return;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > most)
        now.rlim_max = most;
    now.rlim_cur = now.rlim_max;
    (void)setrlimit((__rlimit_resource_t)what, &now);
}

void sandbox_enter(enum board_role role, const struct config *config)
{
    ASSERT(role != BOARD_NONE);
    (void)config;

    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, SANDBOX_FILES);
    limit(RLIMIT_FSIZE, SANDBOX_FILE_BYTES);
#ifndef PERIGEE_SANITIZE
    limit(RLIMIT_AS, SANDBOX_AS_BYTES);
#endif
    struct rules rules = {.count = 0};
    rules_make(&rules, role);
    struct sock_fprog program = {.len = rules.count, .filter = rules.at};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        log_error("this process cannot be confined: %s", strerror(errno));
        exit(1);
    }
}
