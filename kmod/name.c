// SPDX-License-Identifier: GPL-2.0
/*
 * Names of objects: one tree for each network namespace, as abstract AF_UNIX names have, since its end is what
 * a module can follow.  A name holds a reference to its object, unless the object is temporary, and keeps the
 * module loaded.
 */
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/rbtree.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "ipcx.h"
#include "ipcx_trace.h"

/**
 * struct ipcx_net - the names of one network namespace
 * @net:	the namespace; a device file holds a reference to it
 * @names:	by name (protected by ipcx_names_lock)
 */
struct ipcx_net {
	struct net *net;
	struct rb_root names;
};

/**
 * struct ipcx_name - one name
 * @node:	in ipcx_net.names
 * @net:	where it is
 * @obj:	what it stands for; holds a reference unless the object is temporary
 * @name:	NUL-terminated
 *
 * All protected by ipcx_names_lock.  A temporary object whose last reference has gone waits for that lock to
 * remove its name; until then a look-up finds the name and cannot get the object, which is the same as no name.
 */
struct ipcx_name {
	struct rb_node node;
	struct ipcx_net *net;
	struct ipcx_object *obj;
	char name[];
};

static DEFINE_MUTEX(ipcx_names_lock);
static unsigned int ipcx_net_id;

/*
 * Copy a name from user space into @name, of IPCX_NAME_MAX + 1 bytes, without its leading '/'.
 * -EFAULT, -ENAMETOOLONG, -EINVAL.
 */
int ipcx_name_get(u64 user_ptr, char *name)
{
	char buf[IPCX_NAME_MAX + 2];
	const char *from = buf;
	long len;
	size_t i;

	len = strncpy_from_user(buf, u64_to_user_ptr(user_ptr), sizeof(buf));
	if (len < 0)
		return len;
	if (len == sizeof(buf))
		return -ENAMETOOLONG;
	if (*from == '/') {
		from++;
		len--;
	}
	if (len > IPCX_NAME_MAX)
		return -ENAMETOOLONG;
	if (len == 0)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (from[i] == '/' || (unsigned char)from[i] < ' ' || from[i] == 0x7f)
			return -EINVAL;
	memcpy(name, from, len + 1);
	return 0;
}

/* The name itself, or the first one after it, or NULL; *@found tells whether it is the name itself. */
static struct ipcx_name *find_locked(struct ipcx_net *net, const char *name, bool *found)
{
	struct rb_node *node = net->names.rb_node;
	struct ipcx_name *after = NULL;

	lockdep_assert_held(&ipcx_names_lock);
	*found = false;
	while (node) {
		struct ipcx_name *n = rb_entry(node, struct ipcx_name, node);
		int cmp = strcmp(name, n->name);

		if (cmp == 0) {
			*found = true;
			return n;
		}
		if (cmp < 0) {
			after = n;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return after;
}

static void insert_locked(struct ipcx_net *net, struct ipcx_name *name)
{
	struct rb_node **link = &net->names.rb_node, *parent = NULL;

	lockdep_assert_held(&ipcx_names_lock);
	while (*link) {
		struct ipcx_name *n = rb_entry(*link, struct ipcx_name, node);

		parent = *link;
		link = strcmp(name->name, n->name) < 0 ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&name->node, parent, link);
	rb_insert_color(&name->node, &net->names);
}

/* Take @name away from its object.  The caller drops what it returns, if that is not NULL, after the lock. */
static struct ipcx_object *remove_locked(struct ipcx_name *name)
{
	struct ipcx_object *obj = name->obj;

	lockdep_assert_held(&ipcx_names_lock);
	rb_erase(&name->node, &name->net->names);
	obj->name = NULL;
	kfree(name);
	module_put(THIS_MODULE);
	return obj->state & IPCX_OBJECT_TEMPORARY ? NULL : obj;
}

/* A new reference to the object of that name, or NULL. */
struct ipcx_object *ipcx_name_lookup(struct ipcx_net *net, const char *name)
{
	struct ipcx_object *obj = NULL;
	struct ipcx_name *n;
	bool found;

	mutex_lock(&ipcx_names_lock);
	n = find_locked(net, name, &found);
	if (found && ipcx_object_tryget(n->obj))
		obj = n->obj;
	mutex_unlock(&ipcx_names_lock);
	return obj;
}

/* Give @obj, which the caller has just made, the name; -EEXIST, -ENOMEM. */
int ipcx_name_add(struct ipcx_net *net, const char *name, struct ipcx_object *obj)
{
	size_t len = strlen(name) + 1;
	struct ipcx_name *new, *old;
	bool found;

	new = kmalloc(struct_size(new, name, len), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->net = net;
	new->obj = obj;
	memcpy(new->name, name, len);

	mutex_lock(&ipcx_names_lock);
	old = find_locked(net, name, &found);
	if (found) {
		if (refcount_read(&old->obj->refs)) {
			mutex_unlock(&ipcx_names_lock);
			kfree(new);
			return -EEXIST;
		}
		/* a temporary object on its way out: see struct ipcx_name */
		remove_locked(old);
	}
	insert_locked(net, new);
	obj->name = new;
	if (!(obj->state & IPCX_OBJECT_TEMPORARY))
		ipcx_object_get(obj);
	__module_get(THIS_MODULE);
	mutex_unlock(&ipcx_names_lock);
	return 0;
}

long ipcx_name_unlink(struct ipcx_net *net, const struct ipcx_unlink *args)
{
	struct ipcx_object *obj = NULL;
	char name[IPCX_NAME_MAX + 1];
	struct ipcx_name *n;
	bool found;
	int ret;

	if (args->flags)
		return -EINVAL;
	ret = ipcx_name_get(args->name, name);
	if (ret)
		return ret;

	mutex_lock(&ipcx_names_lock);
	n = find_locked(net, name, &found);
	if (!found || !refcount_read(&n->obj->refs)) {
		ret = -ENOENT;
	} else if (!ipcx_object_owned(n->obj, net, CAP_FOWNER)) {
		ret = -EPERM;
	} else {
		obj = remove_locked(n);
	}
	mutex_unlock(&ipcx_names_lock);
	if (obj)
		ipcx_object_put(obj);
	return ret;
}

/* The last reference to @obj has gone: its name, if it still has one, goes too. */
void ipcx_name_forget(struct ipcx_object *obj)
{
	/* only a temporary object can still have a name, and nobody can give it another */
	if (!(obj->state & IPCX_OBJECT_TEMPORARY))
		return;
	mutex_lock(&ipcx_names_lock);
	if (obj->name)
		remove_locked(obj->name);
	mutex_unlock(&ipcx_names_lock);
}

/* Names copied out between two holds of the lock. */
#define LIST_CHUNK	16

static unsigned int list_chunk(struct ipcx_net *net, char *after, struct ipcx_list_entry *entries,
			       unsigned int nr)
{
	struct user_namespace *userns = current_user_ns();
	unsigned int i = 0;
	struct ipcx_name *n;
	bool found;

	mutex_lock(&ipcx_names_lock);
	n = find_locked(net, after, &found);
	if (found)
		n = rb_entry_safe(rb_next(&n->node), struct ipcx_name, node);
	for (; n && i < nr; n = rb_entry_safe(rb_next(&n->node), struct ipcx_name, node), i++) {
		struct ipcx_list_entry *e = &entries[i];
		const struct ipcx_object *obj = n->obj;

		memset(e, 0, sizeof(*e));
		e->id = obj->id;
		e->kind = obj->kind->kind;
		e->mode = obj->mode;
		e->uid = from_kuid_munged(userns, obj->uid);
		e->gid = from_kgid_munged(userns, obj->gid);
		e->flags = READ_ONCE(obj->state) | IPCX_OBJECT_NAMED;
		strscpy(e->name, n->name, sizeof(e->name));
	}
	mutex_unlock(&ipcx_names_lock);
	if (i)
		strscpy(after, entries[i - 1].name, IPCX_NAME_MAX + 1);
	return i;
}

long ipcx_name_list(struct ipcx_net *net, const struct ipcx_list *args)
{
	struct ipcx_list_entry __user *to = u64_to_user_ptr(args->entries);
	char after[IPCX_NAME_MAX + 1] = "";
	struct ipcx_list_entry *entries;
	unsigned int nr, done = 0;
	long ret = 0;

	if (args->flags || args->entry_size != sizeof(*to) || args->nr == 0 || args->nr > INT_MAX)
		return -EINVAL;
	if (args->after) {
		ret = ipcx_name_get(args->after, after);
		if (ret)
			return ret;
	}
	entries = kmalloc_array(LIST_CHUNK, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	while (done < args->nr) {
		nr = list_chunk(net, after, entries, min_t(unsigned int, LIST_CHUNK, args->nr - done));
		if (!nr)
			break;
		if (copy_to_user(to + done, entries, nr * sizeof(*entries))) {
			ret = -EFAULT;
			break;
		}
		done += nr;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	kfree(entries);
	return ret ? ret : done;
}

/* Print the name of @obj; false if it has none. */
bool ipcx_name_show(struct ipcx_object *obj, struct seq_file *m)
{
	bool named;

	mutex_lock(&ipcx_names_lock);
	named = obj->name;
	if (named && m)
		seq_printf(m, "name:\t%s\n", obj->name->name);
	mutex_unlock(&ipcx_names_lock);
	return named;
}

/* The namespace of the caller, for as long as its device file is open. */
struct ipcx_net *ipcx_net_open(void)
{
	struct net *net = get_net(current->nsproxy->net_ns);

	return net_generic(net, ipcx_net_id);
}

void ipcx_net_close(struct ipcx_net *net)
{
	put_net(net->net);
}

bool ipcx_net_capable(const struct ipcx_net *net, int cap)
{
	return ns_capable(net->net->user_ns, cap);
}

/* The initial namespace never ends. */
bool ipcx_net_is_initial(const struct ipcx_net *net)
{
	return net_eq(net->net, &init_net);
}

/* Are the owner and group of @obj among those that the owner of the namespace may rule over? */
bool ipcx_net_maps(const struct ipcx_net *net, const struct ipcx_object *obj)
{
	struct user_namespace *userns = net->net->user_ns;

	return kuid_has_mapping(userns, obj->uid) && kgid_has_mapping(userns, obj->gid);
}

static int __net_init net_init(struct net *net)
{
	struct ipcx_net *in = net_generic(net, ipcx_net_id);

	in->net = net;
	in->names = RB_ROOT;
	return 0;
}

/* The namespace has no process and no device file any more; its names go, one hold of the lock for each. */
static void __net_exit net_exit(struct net *net)
{
	struct ipcx_net *in = net_generic(net, ipcx_net_id);
	struct ipcx_object *obj;
	struct rb_node *node;

	do {
		obj = NULL;
		mutex_lock(&ipcx_names_lock);
		node = rb_first(&in->names);
		if (node)
			obj = remove_locked(rb_entry(node, struct ipcx_name, node));
		mutex_unlock(&ipcx_names_lock);
		if (obj)
			ipcx_object_put(obj);
		cond_resched();
	} while (node);
}

static struct pernet_operations net_ops = {
	.init	= net_init,
	.exit	= net_exit,
	.id	= &ipcx_net_id,
	.size	= sizeof(struct ipcx_net),
};

int ipcx_names_init(void)
{
	return register_pernet_subsys(&net_ops);
}

void ipcx_names_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}
