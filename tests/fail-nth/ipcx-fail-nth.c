// SPDX-License-Identifier: GPL-2.0
/*
 * Failing allocations and user copies on kernels that have no /proc/thread-self/fail-nth, through
 * /sys/module/ipcx_fail_nth/parameters/nth:
 *
 *	echo N >nth		the Nth of the writing thread from now on fails; 0: none
 *	cat nth			how many are still to come; 0: it has failed, and which function it was
 *
 * Only what goes through the kernel's functions: not the copies that the compiler has put into their callers.
 */
#include <linux/gfp.h>
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include <asm/ibt.h>

#define ARG(regs, n)	((n) == 1 ? (regs)->di : (n) == 2 ? (regs)->si : (regs)->dx)

/**
 * struct probe - a function that can fail
 * @probe:	at its first instruction, if @added
 * @added:	this kernel has the function
 * @symbol:	what it is called there: @name, or since 6.10 @name and "_noprof"
 * @name:	its name
 * @gfp:	which argument has the flags of an allocation; 0: there is none
 * @copies:	which has the length of a copy, all of which has then failed; 0: it returns NULL
 */
struct probe {
	struct kprobe probe;
	bool added;
	char symbol[40];
	const char *name;
	int gfp;
	int copies;
};

static struct probe probes[] = {
	{ .name = "kmem_cache_alloc", .gfp = 2 },
	{ .name = "kmem_cache_alloc_lru", .gfp = 3 },
	{ .name = "kmem_cache_alloc_node", .gfp = 2 },
	{ .name = "kmalloc_trace", .gfp = 2 },
	{ .name = "kmalloc_node_trace", .gfp = 2 },
	{ .name = "__kmalloc_cache", .gfp = 2 },
	{ .name = "__kmalloc_cache_node", .gfp = 2 },
	{ .name = "__kmalloc", .gfp = 2 },
	{ .name = "__kmalloc_node", .gfp = 2 },
	{ .name = "alloc_pages", .gfp = 1 },
	{ .name = "_copy_from_user", .copies = 3 },
	{ .name = "_copy_to_user", .copies = 3 },
};

static struct task_struct *who;		/* whose are counted; never followed */
static unsigned int left;		/* until one fails; changed by who that is alone */
static const char *failed = "";		/* what has */

/* In the place of the function: back to its caller. */
void ipcx_fail_return(void);
asm(".pushsection .text\n"
    ".type ipcx_fail_return, @function\n"
    "ipcx_fail_return:\n"
    ASM_ENDBR ASM_RET
    ".size ipcx_fail_return, .-ipcx_fail_return\n"
    ".popsection\n");

/* Does @who itself do this, and no interrupt?  A probe that is a breakpoint is run as if in both an NMI and an interrupt. */
static bool in_thread(void)
{
	return !in_serving_softirq() && hardirq_count() == (in_nmi() ? HARDIRQ_OFFSET : 0);
}

static int fails(struct kprobe *kp, struct pt_regs *regs)
{
	const struct probe *p = container_of(kp, struct probe, probe);

	if (READ_ONCE(who) != current || !left || !in_thread() ||
	    (p->gfp && ARG(regs, p->gfp) & __GFP_NOFAIL) || --left)
		return 0;
	failed = p->name;
	/* as if it had returned at once */
	regs->ax = p->copies ? ARG(regs, p->copies) : 0;
	regs->ip = (unsigned long)ipcx_fail_return;
	return 1;
}
NOKPROBE_SYMBOL(fails);

/* A probe that has this is not made a jump, which could not return for the function. */
static void nothing_after(struct kprobe *kp, struct pt_regs *regs, unsigned long flags)
{
}

static int probe_add_as(struct probe *p, const char *suffix)
{
	snprintf(p->symbol, sizeof(p->symbol), "%s%s", p->name, suffix);
	p->probe = (struct kprobe){ .symbol_name = p->symbol, .pre_handler = fails, .post_handler = nothing_after };
	return register_kprobe(&p->probe);
}

/* A kernel has some of them, under one of two names. */
static bool probe_add(struct probe *p)
{
	p->added = !probe_add_as(p, "_noprof") || !probe_add_as(p, "");
	return p->added;
}

static int nth_set(const char *val, const struct kernel_param *kp)
{
	unsigned int n;
	int ret = kstrtouint(val, 0, &n);

	if (ret)
		return ret;
	WRITE_ONCE(who, NULL);
	left = n;
	WRITE_ONCE(who, n ? current : NULL);
	return 0;
}

static int nth_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%u %s\n", left, left ? "" : failed);
}

static const struct kernel_param_ops nth_ops = {
	.set = nth_set,
	.get = nth_get,
};

module_param_cb(nth, &nth_ops, NULL, 0600);

static int __init fail_nth_init(void)
{
	unsigned int nr = 0;
	struct probe *p;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++)
		nr += probe_add(p);
	return nr ? 0 : -EOPNOTSUPP;
}

static void __exit fail_nth_exit(void)
{
	struct probe *p;

	for (p = probes; p < probes + ARRAY_SIZE(probes); p++)
		if (p->added)
			unregister_kprobe(&p->probe);
}

module_init(fail_nth_init);
module_exit(fail_nth_exit);
MODULE_DESCRIPTION("Fails the Nth allocation of a thread, for the tests of ipcx");
MODULE_LICENSE("GPL");
