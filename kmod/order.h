/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The order of messages in a queue: higher priority first, first in first out within one, and a receiver's
 * choice by type.  No operation walks messages; the cost grows with the logarithm of the number of different
 * (type, priority) pairs, and is constant while all messages have the same.
 */
#ifndef IPCX_ORDER_H
#define IPCX_ORDER_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include <uapi/linux/ipcx.h>

struct ipcx_message;

/**
 * struct ipcx_level - the messages of one type and priority, first in first out
 * @by_type:	in ipcx_order.by_type: type, then higher priority first
 * @by_turn:	in ipcx_order.by_turn: higher priority, then earlier first message
 * @msgs:	ipcx_message.node, never empty while in the trees
 * @type:	their type
 * @priority:	their priority
 * @uniform:	the type of all levels of the subtree in by_turn below and including this, or 0 if they differ
 */
struct ipcx_level {
	struct rb_node by_type;
	struct rb_node by_turn;
	struct list_head msgs;
	u32 type;
	u32 priority;
	u32 uniform;
};

/**
 * struct ipcx_order - messages in their order; all protected by the queue's lock
 * @nr:		messages
 * @only:	the only level, in neither tree; NULL if there are several
 * @by_type:	all levels
 * @by_turn:	all levels
 *
 * There is always at least one level, so that a queue whose messages have all the same type and priority
 * allocates nothing and touches no tree.
 */
struct ipcx_order {
	u32 nr;
	struct ipcx_level *only;
	struct rb_root_cached by_type;
	struct rb_root_cached by_turn;
};

int ipcx_order_init(struct ipcx_order *order);
void ipcx_order_free(struct ipcx_order *order);
struct ipcx_level *ipcx_level_alloc(gfp_t gfp);

/* Does a message of @type suit a receiver that asked for @select? */
static inline bool ipcx_select_matches(struct ipcx_select select, u32 type)
{
	switch (select.how) {
	case IPCX_SELECT_TYPE:
		return type == select.type;
	case IPCX_SELECT_LOWEST:
		return type <= select.type;
	case IPCX_SELECT_EXCEPT:
		return type != select.type;
	default:
		return true;
	}
}

bool ipcx_order_add(struct ipcx_order *order, struct ipcx_message *msg, bool again);
struct ipcx_level *ipcx_order_find(const struct ipcx_order *order, struct ipcx_select select);
struct ipcx_message *ipcx_level_first(const struct ipcx_level *level);
struct ipcx_message *ipcx_order_take(struct ipcx_order *order, struct ipcx_level *level);

#endif /* IPCX_ORDER_H */
