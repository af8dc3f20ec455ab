# Included by targets.mk: tests and benches of the policy language.

# policy_corpus FILE...: what this evaluator makes of a corpus, for anyone who has
# one (tests/policy/README.md).
$(B)/tests/policy_corpus: $(call obj,tests/policy/policy_corpus.c $(BASE) $(POLICY) $(POLICY_PARSE))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) -ljansson
all: $(B)/tests/policy_corpus

# Random policies and requests against a second evaluator, which is naive. The
# same seed makes the same cases: CASES=5000000 SEED=7.
CASES ?= 2000000
SEED ?= 1
DIFFERENTIAL := $(call tobj,$(addprefix tests/policy/,differential.c generate.c naive.c))
$(B)/tests/differential: $(DIFFERENTIAL) $(TEST_LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) -ljansson -lsodium
fuzz-differential: $(B)/tests/differential
	$(B)/tests/differential -n $(CASES) -s $(SEED)

# What bench_policy_exec starts: as little as a login links, and jansson.
$(B)/bench/policy_first_snapshot: $(call tobj,tests/bench/policy_first_snapshot.c $(AUTHZ) $(POLICY) $(SNAP) $(BASE))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS)
$(B)/bench/policy_first_json: $(call tobj,tests/bench/policy_first_json.c $(POLICY) $(POLICY_PARSE) $(BASE))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) -ljansson
$(B)/bench/bench_policy_exec: $(B)/bench/policy_first_snapshot $(B)/bench/policy_first_json
# The same question to other libraries; what comes out is read by bench_policy.
bench: bench-peers
bench-peers:
	@echo "== peers of the policy language, from exec to the first decision"
	@tests/bench/peers $(B)/bench/peers
.PHONY: bench-peers fuzz-differential
