// SPDX-License-Identifier: GPL-2.0
/*
 * The order of messages in a queue: see order.h.
 */
#include <linux/rbtree_augmented.h>
#include <linux/slab.h>

#include "order.h"

struct ipcx_level *ipcx_level_alloc(gfp_t gfp)
{
	return kmalloc(sizeof(struct ipcx_level), gfp);
}

static void level_init(struct ipcx_level *level, u32 type, u32 priority)
{
	level->first = NULL;
	level->tail = &level->first;
	level->type = type;
	level->priority = priority;
}

int ipcx_order_init(struct ipcx_order *order)
{
	order->nr = 0;
	order->by_type = RB_ROOT_CACHED;
	order->by_turn = RB_ROOT_CACHED;
	order->only = ipcx_level_alloc(GFP_KERNEL_ACCOUNT);
	if (!order->only)
		return -ENOMEM;
	level_init(order->only, IPCX_TYPE_MIN, 0);
	return 0;
}

/* All messages have been taken. */
void ipcx_order_free(struct ipcx_order *order)
{
	kfree(order->only);
}

static bool before_by_type(const struct ipcx_level *a, u32 type, u32 priority)
{
	return a->type < type || (a->type == type && a->priority > priority);
}

static bool before_by_turn(const struct ipcx_level *a, const struct ipcx_level *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->first->seq < b->first->seq;
}

#define by_type_entry(rb) rb_entry_safe(rb, struct ipcx_level, by_type)
#define by_turn_entry(rb) rb_entry_safe(rb, struct ipcx_level, by_turn)

/* ipcx_level.uniform from the level itself and its two subtrees; true if it was right already */
static bool uniform_compute(struct ipcx_level *level, bool exit)
{
	const struct ipcx_level *left = by_turn_entry(level->by_turn.rb_left);
	const struct ipcx_level *right = by_turn_entry(level->by_turn.rb_right);
	u32 uniform = level->type;

	if ((left && left->uniform != uniform) || (right && right->uniform != uniform))
		uniform = 0;
	if (exit && level->uniform == uniform)
		return true;
	level->uniform = uniform;
	return false;
}

RB_DECLARE_CALLBACKS(static, uniform_callbacks, struct ipcx_level, by_turn, uniform, uniform_compute)

static void link_by_type(struct ipcx_order *order, struct ipcx_level *level)
{
	struct rb_node **link = &order->by_type.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (before_by_type(by_type_entry(parent), level->type, level->priority)) {
			link = &parent->rb_right;
			leftmost = false;
		} else {
			link = &parent->rb_left;
		}
	}
	rb_link_node(&level->by_type, parent, link);
	rb_insert_color_cached(&level->by_type, &order->by_type, leftmost);
}

/* @level has its first message, which decides its place. */
static void link_by_turn(struct ipcx_order *order, struct ipcx_level *level)
{
	struct rb_node **link = &order->by_turn.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (before_by_turn(by_turn_entry(parent), level)) {
			link = &parent->rb_right;
			leftmost = false;
		} else {
			link = &parent->rb_left;
		}
	}
	rb_link_node(&level->by_turn, parent, link);
	level->uniform = level->type;
	if (parent)
		uniform_callbacks_propagate(parent, NULL);
	rb_insert_augmented_cached(&level->by_turn, &order->by_turn, leftmost, &uniform_callbacks);
}

static void unlink_by_turn(struct ipcx_order *order, struct ipcx_level *level)
{
	rb_erase_augmented_cached(&level->by_turn, &order->by_turn, &uniform_callbacks);
}

/* The first message of @level has changed: move the level if another one's turn is earlier (or later) now. */
static void reorder(struct ipcx_order *order, struct ipcx_level *level)
{
	const struct ipcx_level *prev = by_turn_entry(rb_prev(&level->by_turn));
	const struct ipcx_level *next = by_turn_entry(rb_next(&level->by_turn));

	if ((next && !before_by_turn(level, next)) || (prev && !before_by_turn(prev, level))) {
		unlink_by_turn(order, level);
		link_by_turn(order, level);
	}
}

/* The first level by type that is not before (type, priority). */
static struct ipcx_level *lower_bound(const struct ipcx_order *order, u32 type, u32 priority)
{
	struct rb_node *node = order->by_type.rb_root.rb_node;
	struct ipcx_level *found = NULL;

	while (node) {
		struct ipcx_level *level = by_type_entry(node);

		if (before_by_type(level, type, priority)) {
			node = node->rb_right;
		} else {
			found = level;
			node = node->rb_left;
		}
	}
	return found;
}

/* At the end of its level, or, if it has been there before, where it was. */
static void level_insert(struct ipcx_level *level, struct ipcx_message *msg, bool again)
{
	struct ipcx_message **at = &level->first;

	if (!again) {
		ipcx_level_append(level, msg);
		return;
	}
	/* receivers give back what they have just taken: it is at most a few places from the front */
	while (*at && (*at)->seq < msg->seq)
		at = &(*at)->next;
	msg->next = *at;
	msg->link = at;
	*at = msg;
	if (msg->next)
		msg->next->link = &msg->next;
	else
		level->tail = &msg->next;
}

/* ipcx_order_add() when the message is not just one more of the only level. */
bool ipcx_order_add_slow(struct ipcx_order *order, struct ipcx_message *msg, bool again)
{
	struct ipcx_level *level = order->only;

	if (level) {
		if (!order->nr) {
			level->type = msg->type;
			level->priority = msg->priority;
		}
		if (level->type == msg->type && level->priority == msg->priority) {
			level_insert(level, msg, again);
			order->nr++;
			return true;
		}
		if (!msg->level)
			return false;
		link_by_type(order, level);
		link_by_turn(order, level);
		order->only = NULL;
	}

	level = lower_bound(order, msg->type, msg->priority);
	if (level && level->type == msg->type && level->priority == msg->priority) {
		level_insert(level, msg, again);
		if (again)
			reorder(order, level);
	} else {
		if (!msg->level)
			return false;
		level = msg->level;
		msg->level = NULL;
		level_init(level, msg->type, msg->priority);
		level_insert(level, msg, false);
		link_by_type(order, level);
		link_by_turn(order, level);
	}
	order->nr++;
	return true;
}

/* The first level by turn that is not of @type. */
static struct ipcx_level *first_except(const struct ipcx_order *order, u32 type)
{
	struct rb_node *node = order->by_turn.rb_root.rb_node;

	if (!node || by_turn_entry(node)->uniform == type)
		return NULL;
	for (;;) {
		struct ipcx_level *level = by_turn_entry(node);
		const struct ipcx_level *left = by_turn_entry(node->rb_left);

		if (left && left->uniform != type)
			node = node->rb_left;
		else if (level->type != type)
			return level;
		else
			node = node->rb_right;
	}
}

/* ipcx_order_find() among several levels. */
struct ipcx_level *ipcx_order_find_slow(const struct ipcx_order *order, struct ipcx_select select)
{
	struct ipcx_level *level;

	switch (select.how) {
	case IPCX_SELECT_TYPE:
		level = lower_bound(order, select.type, IPCX_PRIORITY_MAX);
		return level && level->type == select.type ? level : NULL;
	case IPCX_SELECT_LOWEST:
		level = by_type_entry(rb_first_cached(&order->by_type));
		return level->type <= select.type ? level : NULL;
	case IPCX_SELECT_EXCEPT:
		return first_except(order, select.type);
	default:
		return by_turn_entry(rb_first_cached(&order->by_turn));
	}
}

/* ipcx_order_take() among several levels: @msg was the first of @level. */
void ipcx_order_take_slow(struct ipcx_order *order, struct ipcx_level *level, struct ipcx_message *msg)
{
	if (level->first) {
		reorder(order, level);
		return;
	}

	/* an empty level has no first message: leave the trees before anything compares it */
	rb_erase_cached(&level->by_type, &order->by_type);
	unlink_by_turn(order, level);
	if (!order->nr)
		order->only = level;
	else if (!msg->level)
		msg->level = level;
	else
		kfree(level);
}

/* Take @msg out, wherever it is; false if somebody has taken it already. */
bool ipcx_order_remove(struct ipcx_order *order, struct ipcx_message *msg)
{
	struct ipcx_level *level = order->only;
	bool was_first;

	if (!msg->link)
		return false;
	if (!level)
		level = lower_bound(order, msg->type, msg->priority);
	was_first = level->first == msg;
	*msg->link = msg->next;
	if (msg->next)
		msg->next->link = msg->link;
	else
		level->tail = msg->link;
	msg->link = NULL;
	order->nr--;
	if (was_first && !order->only)
		ipcx_order_take_slow(order, level, msg);
	return true;
}
