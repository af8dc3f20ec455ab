# Included by the Makefile: everything that tests, measures or packages.

RUN := tests/run -b $(B)

# Unit tests, modules through libpam and glibc, command line, lints: nothing of
# it needs the packages. Some of it needs root, and says "skip" without.
check-unit: all test-programs unit-tests
	$(RUN) unit nss cli lint fuzz

# All of it, from a machine that has make and apt. Root also gets whole logins:
# the packages in a test bed.
ROOT := $(filter 0,$(shell id -u))
check:
	@tools/install-deps
	@$(MAKE) --no-print-directory check-all
check-all: all test-programs unit-tests $(if $(ROOT),deb)
	$(RUN) unit nss cli lint fuzz $(if $(ROOT),e2e)

# The unit tests under ASan and UBSan, and under valgrind.
check-san:
	$(MAKE) SAN=1 test-programs unit-tests
	ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 tests/run -b build/san unit
check-valgrind: unit-tests
	$(RUN) -V unit

include tests/policy.mk

lint: all
	$(RUN) lint

# What runs while the code is still being written: a short fuzz of every target.
FUZZ_SECONDS ?= 20
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SRC := $(COMMON) $(FLOW) $(NSS)
build/fuzz/%: tests/fuzz/%.c $(patsubst %.c,build/fuzz/obj/%.o,$(FUZZ_SRC))
	@mkdir -p $(@D)
	clang $(ALL_CPPFLAGS) -DIAM_TEST_BUILD -DIAM_ROOT='"$(TEST_ROOT)"' -std=gnu11 -g -O1 \
		-fsanitize=fuzzer,address,undefined -o $@ $^ $(CTL_LIBS)
build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	clang $(ALL_CPPFLAGS) -DIAM_TEST_BUILD -DIAM_ROOT='"$(TEST_ROOT)"' \
		-DIAM_TEST_BIN='"$(abspath build)/test"' -std=gnu11 -g -O1 -fPIC \
		-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -MMD -MP -c -o $@ $<
# Their corpora once more, by any compiler: part of the tests.
REPLAY := $(patsubst tests/fuzz/%.c,$(B)/test/replay/%,$(wildcard tests/fuzz/fuzz_*.c))
$(B)/test/replay/%: $(B)/tobj/tests/fuzz/%.o $(B)/tobj/tests/fuzz/replay.o $(TEST_LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $(filter %.o,$^) $(TEST_LIB) $(ALL_LDFLAGS) $(CTL_LIBS) -lpam
test-programs: $(REPLAY)
fuzz: $(FUZZERS)
	tests/fuzz/run $(FUZZ_SECONDS) $(FUZZERS)

# Readers while ten thousand changes are published, and writers killed: make check has
# a short one.
CHANGES ?= 10000
storm: test-programs $(B)/test/unit/test_nss_module
	CMOCKA_MESSAGE_OUTPUT=stdout $(B)/test/unit/test_nss_module $(CHANGES)
.PHONY: storm

BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/bench_*.c))
$(B)/bench/%: $(B)/tobj/tests/bench/%.o $(TEST_LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $(filter %.o,$^) $(TEST_LIB) $(ALL_LDFLAGS) $(CTL_LIBS) -lpam -lpthread -ldl
# As it is installed: with the paths of a real host, in a root of its own. bench_login's
# crypt(3) stands before libcrypt's, for the modules as well.
BENCH_LOGINS := $(B)/bench/bench_login $(B)/bench/bench_timing
BENCH_LOGIN_OBJ := $(call obj,tests/pam/world.c $(COMMON) $(FLOW))
$(patsubst $(B)/bench/%,$(B)/obj/tests/bench/%.o,$(BENCH_LOGINS)): ALL_CPPFLAGS += -DIAM_TEST_BIN='"$(abspath $(B))"'
$(BENCH_LOGINS): $(B)/bench/%: $(B)/obj/tests/bench/%.o $(BENCH_LOGIN_OBJ) $(B)/pam_iam.so $(B)/libnss_iam.so.2
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $(filter %.o,$^) $(ALL_LDFLAGS) -rdynamic $(CTL_LIBS) -lpam -lpthread -ldl
# The name service is measured beside its peers, in a test bed of its own.
bench: all test-programs $(BENCHES)
	@for b in $(sort $(BENCHES)); do echo "== $$(basename $$b)"; $$b || exit 1; done
	tests/bench/names/run $(B)

format:
	clang-format -i $$(git ls-files '*.c' '*.h')
format-check:
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')

# ---- packages ----

SRC_FILES := $(shell find . -path ./build -prune -o -path ./.git -prune -o -type f -print 2>/dev/null | grep -v '^./debian/\(tmp\|\.debhelper\|files\)')
deb: build/deb/.stamp
build/deb/.stamp: $(SRC_FILES)
	@tools/build-deb build/deb
	@touch $@

demo:
	@tools/install-deps nocheck
	@$(MAKE) -s deb
	@tests/e2e/run --demo build/deb

deps:
	tools/install-deps

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR) $(DESTDIR)$(SECURITYDIR) $(DESTDIR)$(LIBEXECDIR)
	install -m 0755 $(B)/iamctl $(DESTDIR)$(PREFIX)/bin/iamctl
	install -m 0755 $(B)/iam-chkauth $(B)/iam-authorized-keys $(B)/iam-authorized-principals \
		$(DESTDIR)$(LIBEXECDIR)/
	install -m 0644 $(B)/libnss_iam.so.2 $(B)/libsubid_iam.so $(DESTDIR)$(LIBDIR)/
	install -m 0644 $(B)/pam_iam.so $(DESTDIR)$(SECURITYDIR)/
	$(if $(STRIP_LATER),,tools/phdr-last $(DESTDIR)$(LIBDIR)/libnss_iam.so.2 $(DESTDIR)$(LIBDIR)/libsubid_iam.so $(DESTDIR)$(SECURITYDIR)/pam_iam.so)
	install -D -m 0644 debian/pam-configs/iam $(DESTDIR)$(PREFIX)/share/pam-configs/iam
	install -d $(DESTDIR)$(PREFIX)/share/host-iam/sshd
	install -m 0644 debian/sshd/*.conf $(DESTDIR)$(PREFIX)/share/host-iam/sshd/
	install -D -m 0644 debian/systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/host-iam.conf
	install -D -m 0644 debian/systemd/tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/host-iam.conf
	install -d $(DESTDIR)/lib/systemd/system
	install -m 0644 debian/systemd/*.service debian/systemd/*.path debian/systemd/*.timer $(DESTDIR)/lib/systemd/system/
	install -D -m 0644 iamctl/completion/iamctl.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/iamctl
	install -d $(DESTDIR)$(PREFIX)/share/iam/policies/managed $(DESTDIR)$(PREFIX)/share/iam/policies/examples
	install -m 0644 policies/managed/*.json policies/managed/descriptions.tsv $(DESTDIR)$(PREFIX)/share/iam/policies/managed/
	install -m 0644 policies/examples/*.json $(DESTDIR)$(PREFIX)/share/iam/policies/examples/
	cd $(B)/locale && for m in */LC_MESSAGES/host-iam.mo; do \
		install -D -m 0644 $$m $(DESTDIR)$(PREFIX)/share/locale/$$m || exit 1; done
	for m in man/*.[1-9]; do \
		install -D -m 0644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; done


.PHONY: check-all check-san check-valgrind unit-tests
