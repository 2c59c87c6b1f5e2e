/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Claims: that a range of physical addresses has one type of memory, whoever maps it.
 *
 * Linux keeps notes of that (x86), and where it refuses a claim it says so in the log,
 * which must not be the user's to fill. So what cannot be had because of other claims of
 * ours is not tried, and who is refused for what cannot be known here has to wait.
 */
#ifndef ZVM_VMO_CLAIM_H
#define ZVM_VMO_CLAIM_H

#include <linux/interval_tree.h>
#include <linux/types.h>

/* Less strict ones first. */
enum zvm_claim_type { ZVM_CLAIM_CACHED, ZVM_CLAIM_WRITE_COMBINING, ZVM_CLAIM_UNCACHED };

/**
 * struct zvm_claim - a range that has a type of memory for us; of zeros: none
 * @node: its first and last page, in the tree of all claims
 * @made: it is there
 * @type: what it has got, which may be stricter than what was wanted
 * @map: for zvm_arch_unclaim()
 */
struct zvm_claim {
	struct interval_tree_node node;
	bool made;
	enum zvm_claim_type type;
	void __iomem *map;
};

/*
 * Claim @len bytes, whole pages, at @addr for a ZX_CACHE_POLICY_... 0, or -ENOMEM: of
 * memory, or somebody has a type that does not go with it.
 */
int zvm_claim(struct zvm_claim *claim, phys_addr_t addr, u64 len, u32 policy);

/* The claim ends, if there is one. */
void zvm_unclaim(struct zvm_claim *claim);

#endif /* ZVM_VMO_CLAIM_H */
