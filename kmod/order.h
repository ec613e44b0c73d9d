/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The order of messages in a queue: higher priority first, first in first out within one, and a receiver's
 * choice by type.  No operation walks messages; the cost grows with the logarithm of the number of different
 * (type, priority) pairs, and is constant while all messages have the same.
 */
#ifndef IPCX_ORDER_H
#define IPCX_ORDER_H

#include <linux/rbtree.h>
#include <linux/types.h>

#include "message.h"

/**
 * struct ipcx_level - the messages of one type and priority, first in first out
 * @by_type:	in ipcx_order.by_type: by @key
 * @by_turn:	in ipcx_order.by_turn: higher priority, then earlier @turn
 * @key:	type, then higher priority first: see level_key()
 * @turn:	in the trees: ipcx_message.seq of the first message, or, while there is none, of the last there was
 * @first:	the first message, linked by ipcx_message.next
 * @tail:	where the next message is linked
 * @type:	their type
 * @priority:	their priority
 * @uniform:	the type of all levels of the subtree in by_turn below and including this, or 0 if they differ
 */
struct ipcx_level {
	struct rb_node by_type;
	struct rb_node by_turn;
	u64 key;
	u64 turn;
	struct ipcx_message *first;
	struct ipcx_message **tail;
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
 * @idle:	the one level of the trees that has no message, or NULL: the next message may well belong to it
 * @last_turn:	the latest ipcx_level.turn of any level so far
 *
 * There is always at least one level, so that a queue whose messages have all the same type and priority
 * allocates nothing and touches no tree.
 */
struct ipcx_order {
	u32 nr;
	struct ipcx_level *only;
	struct rb_root_cached by_type;
	struct rb_root_cached by_turn;
	struct ipcx_level *idle;
	u64 last_turn;
};

int ipcx_order_init(struct ipcx_order *order);
void ipcx_order_free(struct ipcx_order *order);
struct ipcx_level *ipcx_level_alloc(gfp_t gfp);

/* Does a message of @type suit a receiver that asked for @select? */
static inline bool ipcx_select_matches(struct ipcx_select select, u32 type)
{
	if (likely(select.how == IPCX_SELECT_ANY))
		return true;
	switch (select.how) {
	case IPCX_SELECT_TYPE:
		return type == select.type;
	case IPCX_SELECT_LOWEST:
		return type <= select.type;
	default:
		return type != select.type;
	}
}

bool ipcx_order_add_slow(struct ipcx_order *order, struct ipcx_message *msg, bool again);
struct ipcx_level *ipcx_order_find_slow(struct ipcx_order *order, struct ipcx_select select);
bool ipcx_order_remove(struct ipcx_order *order, struct ipcx_message *msg);
void ipcx_order_take_slow(struct ipcx_order *order, struct ipcx_level *level, struct ipcx_message *msg);

static inline void ipcx_level_append(struct ipcx_level *level, struct ipcx_message *msg)
{
	msg->next = NULL;
	msg->link = level->tail;
	*level->tail = msg;
	level->tail = &msg->next;
}

/*
 * Add @msg; @again if it has been taken before and comes back to its old place.  Returns false, with nothing
 * changed, if that needs a level and the message brings none: the caller gives it one and tries again.
 */
static inline bool ipcx_order_add(struct ipcx_order *order, struct ipcx_message *msg, bool again)
{
	struct ipcx_level *level = order->only;

	if (unlikely(!level || again || level->type != msg->type || level->priority != msg->priority))
		return ipcx_order_add_slow(order, msg, again);
	ipcx_level_append(level, msg);
	order->nr++;
	return true;
}

/* The level whose first message is the one that @select asks for, or NULL. */
static inline struct ipcx_level *ipcx_order_find(struct ipcx_order *order, struct ipcx_select select)
{
	struct ipcx_level *level = order->only;

	if (unlikely(!order->nr))
		return NULL;
	if (unlikely(!level))
		return ipcx_order_find_slow(order, select);
	return ipcx_select_matches(select, level->type) ? level : NULL;
}

/* Take the first message of @level out.  With it goes a level that is not needed any more, to be used again. */
static inline struct ipcx_message *ipcx_order_take(struct ipcx_order *order, struct ipcx_level *level)
{
	struct ipcx_message *msg = level->first;

	level->first = msg->next;
	if (!level->first)
		level->tail = &level->first;
	else
		level->first->link = &level->first;
	msg->link = NULL;
	order->nr--;
	if (unlikely(!order->only))
		ipcx_order_take_slow(order, level, msg);
	return msg;
}

/*
 * Add @nr messages of one type and priority, numbered from @seq on.  False, with nothing changed, if that is not the
 * type and priority of the only level.
 */
static inline bool ipcx_order_add_many(struct ipcx_order *order, struct ipcx_message **msgs, u32 nr, u64 seq)
{
	struct ipcx_level *level = order->only;
	struct ipcx_message **tail;
	u32 i;

	if (!level || level->type != msgs[0]->type || level->priority != msgs[0]->priority)
		return false;
	tail = level->tail;
	for (i = 0; i < nr; i++) {
		struct ipcx_message *msg = msgs[i];

		msg->seq = seq + i;
		msg->link = tail;
		*tail = msg;
		tail = &msg->next;
	}
	*tail = NULL;
	level->tail = tail;
	order->nr += nr;
	return true;
}

/* Of the only level, take out all that come before @rest, which is NULL or in it; they are @nr. */
static inline void ipcx_order_take_until(struct ipcx_order *order, struct ipcx_message *rest, u32 nr)
{
	struct ipcx_level *level = order->only;

	level->first = rest;
	if (rest)
		rest->link = &level->first;
	else
		level->tail = &level->first;
	order->nr -= nr;
}

#endif /* IPCX_ORDER_H */
