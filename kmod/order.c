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

/* A smaller key is a smaller type or, within one, a higher priority. */
static u64 level_key(u32 type, u32 priority)
{
	return (u64)type << 32 | (IPCX_PRIORITY_MAX - priority);
}

static void level_init(struct ipcx_level *level, u32 type, u32 priority)
{
	level->key = level_key(type, priority);
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
	order->idle = NULL;
	order->last_turn = 0;
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

static bool before_by_turn(const struct ipcx_level *a, const struct ipcx_level *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->turn < b->turn;
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
		if (by_type_entry(parent)->key < level->key) {
			link = &parent->rb_right;
			leftmost = false;
		} else {
			link = &parent->rb_left;
		}
	}
	rb_link_node(&level->by_type, parent, link);
	rb_insert_color_cached(&level->by_type, &order->by_type, leftmost);
}

/* Its turn decides its place. */
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

static void set_turn(struct ipcx_order *order, struct ipcx_level *level)
{
	level->turn = level->first->seq;
	order->last_turn = max(order->last_turn, level->turn);
}

static void link_level(struct ipcx_order *order, struct ipcx_level *level)
{
	set_turn(order, level);
	link_by_type(order, level);
	link_by_turn(order, level);
}

static void unlink_by_turn(struct ipcx_order *order, struct ipcx_level *level)
{
	rb_erase_augmented_cached(&level->by_turn, &order->by_turn, &uniform_callbacks);
}

static noinline void move_by_turn(struct ipcx_order *order, struct ipcx_level *level)
{
	bool later = level->first->seq > level->turn;
	const struct ipcx_level *other = by_turn_entry(later ? rb_next(&level->by_turn) : rb_prev(&level->by_turn));

	set_turn(order, level);
	if (other && before_by_turn(level, other) != later) {
		unlink_by_turn(order, level);
		link_by_turn(order, level);
	}
}

/* @level has another first message: move it if that changes whose turn it is. */
static void reorder(struct ipcx_order *order, struct ipcx_level *level)
{
	/* all levels of one type have different priorities */
	if (by_turn_entry(order->by_turn.rb_root.rb_node)->uniform)
		set_turn(order, level);
	else
		move_by_turn(order, level);
}

/* The level with @key, or NULL. */
static struct ipcx_level *find_level(const struct ipcx_order *order, u64 key)
{
	struct rb_node *node = order->by_type.rb_root.rb_node;

	while (node) {
		struct ipcx_level *level = by_type_entry(node);

		if (level->key == key)
			return level;
		node = level->key < key ? node->rb_right : node->rb_left;
	}
	return NULL;
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

static struct ipcx_level *unlink_idle(struct ipcx_order *order)
{
	struct ipcx_level *level = order->idle;

	order->idle = NULL;
	rb_erase_cached(&level->by_type, &order->by_type);
	unlink_by_turn(order, level);
	return level;
}

/* A level for a new type and priority: the one that @msg brings, or the idle one; NULL. */
static struct ipcx_level *take_spare(struct ipcx_order *order, struct ipcx_message *msg)
{
	struct ipcx_level *level = msg->level;

	if (level) {
		msg->level = NULL;
	} else if (order->idle) {
		level = unlink_idle(order);
	}
	return level;
}

static noinline bool add(struct ipcx_order *order, struct ipcx_message *msg, bool again)
{
	struct ipcx_level *level = order->only;

	if (level) {
		if (level->type == msg->type && level->priority == msg->priority) {
			level_insert(level, msg, again);
			order->nr++;
			return true;
		}
		if (!msg->level)
			return false;
		link_level(order, level);
		order->only = NULL;
	}

	level = find_level(order, level_key(msg->type, msg->priority));
	if (level) {
		level_insert(level, msg, again);
		if (level->first == msg) {
			if (level == order->idle)
				order->idle = NULL;
			reorder(order, level);
		}
	} else {
		level = take_spare(order, msg);
		if (!level)
			return false;
		level_init(level, msg->type, msg->priority);
		level_insert(level, msg, false);
		link_level(order, level);
	}
	order->nr++;
	return true;
}

/* ipcx_order_add() when the message is not just one more of the only level. */
bool ipcx_order_add_slow(struct ipcx_order *order, struct ipcx_message *msg, bool again)
{
	struct ipcx_level *level = order->idle;

	if (!order->nr) {
		level = order->only;
		level_init(level, msg->type, msg->priority);
		ipcx_level_append(level, msg);
		order->nr = 1;
		return true;
	}
	/* the idle level stays where it is if it was the last to get its turn */
	if (!level || again || level->type != msg->type || level->priority != msg->priority ||
	    level->turn != order->last_turn)
		return add(order, msg, again);
	ipcx_level_append(level, msg);
	level->turn = order->last_turn = msg->seq;
	order->idle = NULL;
	order->nr++;
	return true;
}

/* The first level by turn that is not of @type. */
static noinline struct ipcx_level *first_except(struct ipcx_order *order, u32 type)
{
	struct rb_node *node;

	/* which counts in ipcx_level.uniform */
	if (order->idle)
		kfree(unlink_idle(order));
	node = order->by_turn.rb_root.rb_node;
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

/* The first level of @type, which has its highest priority, or NULL. */
static noinline struct ipcx_level *first_of_type(const struct ipcx_order *order, u32 type)
{
	struct rb_node *node = order->by_type.rb_root.rb_node;
	struct ipcx_level *level = NULL;

	while (node) {
		if (by_type_entry(node)->type < type) {
			node = node->rb_right;
		} else {
			level = by_type_entry(node);
			node = node->rb_left;
		}
	}
	if (unlikely(level && level == order->idle))
		level = by_type_entry(rb_next(&level->by_type));
	return level && level->type == type ? level : NULL;
}

/* The first level by type, if that is at most @type. */
static noinline struct ipcx_level *first_up_to(const struct ipcx_order *order, u32 type)
{
	struct ipcx_level *level = by_type_entry(rb_first_cached(&order->by_type));

	if (unlikely(level == order->idle))
		level = by_type_entry(rb_next(&level->by_type));
	return level->type <= type ? level : NULL;
}

static noinline struct ipcx_level *first_by_turn(const struct ipcx_order *order)
{
	struct ipcx_level *level = by_turn_entry(rb_first_cached(&order->by_turn));

	if (unlikely(level == order->idle))
		level = by_turn_entry(rb_next(&level->by_turn));
	return level;
}

/* ipcx_order_find() among several levels, at least one of which has messages. */
struct ipcx_level *ipcx_order_find_slow(struct ipcx_order *order, struct ipcx_select select)
{
	switch (select.how) {
	case IPCX_SELECT_TYPE:
		return first_of_type(order, select.type);
	case IPCX_SELECT_LOWEST:
		return first_up_to(order, select.type);
	case IPCX_SELECT_EXCEPT:
		return first_except(order, select.type);
	default:
		return first_by_turn(order);
	}
}

/* @level has no message any more: the level that was idle goes with @msg; or both leave the trees, if no other is left. */
static noinline void replace_idle(struct ipcx_order *order, struct ipcx_level *level, struct ipcx_message *msg)
{
	struct ipcx_level *spare = order->idle ? unlink_idle(order) : NULL;

	if (!msg->level)
		msg->level = spare;
	else
		kfree(spare);
	order->idle = level;
	if (!order->nr)
		order->only = unlink_idle(order);
}

/* ipcx_order_take() among several levels: @msg was the first of @level. */
void ipcx_order_take_slow(struct ipcx_order *order, struct ipcx_level *level, struct ipcx_message *msg)
{
	if (level->first)
		reorder(order, level);
	else if (order->nr && !order->idle)
		order->idle = level;
	else
		replace_idle(order, level, msg);
}

/* Take @msg out, wherever it is; false if somebody has taken it already. */
bool ipcx_order_remove(struct ipcx_order *order, struct ipcx_message *msg)
{
	struct ipcx_level *level = order->only;
	bool was_first;

	if (!msg->link)
		return false;
	if (!level)
		level = find_level(order, level_key(msg->type, msg->priority));
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
