// SPDX-License-Identifier: GPL-2.0
/*
 * Claims: that a range of physical addresses has one type of memory.
 */
#include <linux/mutex.h>
#include <linux/sched.h>

#include "../arch/cache.h"
#include "../object/zircon.h"
#include "claim.h"

/* Who is refused by Linux waits for so long, in jiffies, and so does who comes then. */
#define REFUSED (HZ / 5)

static DEFINE_MUTEX(claims_lock);	/* within the lock of a store */
static struct rb_root_cached claims = RB_ROOT_CACHED;

static enum zvm_claim_type type_of(pgprot_t prot)
{
	const pgprot_t none = __pgprot(0);
	u64 type = pgprot_val(prot);

	if (type == pgprot_val(zvm_arch_cache_prot(none, ZX_CACHE_POLICY_CACHED)))
		return ZVM_CLAIM_CACHED;
	if (type == pgprot_val(zvm_arch_cache_prot(none, ZX_CACHE_POLICY_WRITE_COMBINING)))
		return ZVM_CLAIM_WRITE_COMBINING;
	return ZVM_CLAIM_UNCACHED;
}

/* Is the range of one type, if any, with which @wanted can be? */
static bool can_be_had(unsigned long first, unsigned long last, enum zvm_claim_type wanted)
{
	struct interval_tree_node *it;
	const struct zvm_claim *found = NULL;

	lockdep_assert_held(&claims_lock);
	for (it = interval_tree_iter_first(&claims, first, last); it;
	     it = interval_tree_iter_next(it, first, last)) {
		const struct zvm_claim *claim = container_of(it, struct zvm_claim, node);

		if (found && claim->type != found->type)
			return false;
		found = claim;
	}
	if (!found || found->type == wanted)
		return true;
	/* Where entries get the type that there is, a stricter one does for all. */
	return zvm_arch_claims_hold && found->type > wanted;
}

int zvm_claim(struct zvm_claim *claim, phys_addr_t addr, u64 len, u32 policy)
{
	pgprot_t prot = zvm_arch_cache_prot(__pgprot(0), policy);
	enum zvm_claim_type wanted = type_of(prot);
	int err = -ENOMEM;

	claim->node.start = PHYS_PFN(addr);
	claim->node.last = PHYS_PFN(addr + len - 1);
	mutex_lock(&claims_lock);
	if (!can_be_had(claim->node.start, claim->node.last, wanted))
		goto unlock;
	err = zvm_arch_claim(addr, len, policy, &claim->map);
	if (err) {
		schedule_timeout_killable(REFUSED);
		goto unlock;
	}
	claim->type = type_of(zvm_arch_claimed_prot(prot, claim->map));
	if (claim->type == ZVM_CLAIM_WRITE_COMBINING && wanted == ZVM_CLAIM_UNCACHED) {
		/* Good enough for Linux, not for registers. */
		zvm_arch_unclaim(claim->map);
		err = -ENOMEM;
		goto unlock;
	}
	/* Where it is less strict (the first MiB of a PC) the machine sees to it. */
	claim->type = max(claim->type, wanted);
	claim->made = true;
	interval_tree_insert(&claim->node, &claims);
unlock:
	mutex_unlock(&claims_lock);
	return err;
}

void zvm_unclaim(struct zvm_claim *claim)
{
	if (!claim->made)
		return;
	mutex_lock(&claims_lock);
	interval_tree_remove(&claim->node, &claims);
	mutex_unlock(&claims_lock);
	zvm_arch_unclaim(claim->map);
	claim->made = false;
}
