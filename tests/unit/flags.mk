# Extra link flags of single unit tests: UNIT_LDFLAGS_<test> := …
UNIT_LDFLAGS_test_tz := -Wl,--wrap=calloc
UNIT_LDFLAGS_test_pam_parts := $(B)/tobj/pam_iam/args.o $(B)/tobj/pam_iam/conv.o $(B)/tobj/pam_iam/spawn.o
$(B)/test/unit/test_pam_parts: $(B)/tobj/pam_iam/args.o $(B)/tobj/pam_iam/conv.o $(B)/tobj/pam_iam/spawn.o
UNIT_LDFLAGS_test_snapshot := -Wl,--wrap=malloc,--wrap=calloc,--wrap=reallocarray,--wrap=mmap64,--wrap=fstatat64,--wrap=__fstatat64_time64,--wrap=clock_gettime,--wrap=__clock_gettime64,--wrap=write
UNIT_LDFLAGS_test_snapshot_changes := -Wl,--wrap=malloc,--wrap=calloc,--wrap=reallocarray,--wrap=write
UNIT_LDFLAGS_test_snapshot_merge := -Wl,--wrap=malloc,--wrap=calloc,--wrap=reallocarray,--wrap=write,--wrap=rename
UNIT_LDFLAGS_test_password := -Wl,--wrap=crypt_rn
UNIT_LDFLAGS_test_runtime := -Wl,--wrap=clock_gettime -Wl,--wrap=__clock_gettime64 -Wl,--wrap=malloc -Wl,--wrap=calloc
UNIT_LDFLAGS_test_flow := $(B)/tobj/tests/pam/world.o -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=runtime_totp_claim -Wl,--wrap=password_check
$(B)/test/unit/test_flow: $(B)/tobj/tests/pam/world.o
UNIT_LDFLAGS_test_nss := -Wl,--wrap=calloc,--wrap=reallocarray,--wrap=open64,--wrap=fstat64,--wrap=__fstat64_time64,--wrap=pread64,--wrap=close $(call tobj,$(NSS))
$(B)/test/unit/test_nss: $(call tobj,$(NSS))
UNIT_LDFLAGS_test_pam_module := $(B)/tobj/tests/pam/world.o
$(B)/test/unit/test_pam_module: $(B)/tobj/tests/pam/world.o $(B)/test/pam_iam.so $(B)/test/iamctl $(B)/test/pam_limit.so
$(B)/test/pam_limit.so: tests/pam/limit.c
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -shared -fPIC -o $@ $<
$(B)/test/unit/test_mo: $(CATALOGUES)
UNIT_LDFLAGS_test_trail := -Wl,--wrap=malloc -Wl,--wrap=reallocarray
UNIT_LDFLAGS_test_authz := -Wl,--wrap=malloc -Wl,--wrap=calloc
UNIT_LDFLAGS_test_publish := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
UNIT_LDFLAGS_test_publish_changes := -Wl,--wrap=clock_gettime
UNIT_LDFLAGS_test_pam_chkauth := $(B)/tobj/tests/pam/world.o
$(B)/test/unit/test_pam_chkauth: $(B)/tobj/tests/pam/world.o $(B)/test/pam_iam.so $(B)/test/iam-chkauth
build/fuzz/fuzz_conv: build/fuzz/obj/pam_iam/conv.o
$(B)/test/replay/fuzz_conv: $(B)/tobj/pam_iam/conv.o
build/fuzz/fuzz_policy_eval: build/fuzz/obj/tests/policy/naive.o
$(B)/test/replay/fuzz_policy_eval: $(B)/tobj/tests/policy/naive.o
UNIT_LDFLAGS_test_policy_form := -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=reallocarray -Wl,--wrap=strdup
NAIVE := $(call tobj,tests/policy/naive.c tests/policy/generate.c)
UNIT_LDFLAGS_test_policy_differential := $(NAIVE)
$(B)/test/unit/test_policy_differential: $(NAIVE)
# What it defines stands in front of libc, also for the module.
UNIT_LDFLAGS_test_nss_module := -Wl,--export-dynamic
$(B)/test/unit/test_nss_module: $(B)/test/libnss_iam.so.2
UNIT_LDFLAGS_test_policy_cost := -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
UNIT_LDFLAGS_test_policy_zones := $(B)/tobj/tests/policy/libc_clock.o
$(B)/test/unit/test_policy_zones: $(B)/tobj/tests/policy/libc_clock.o
UNIT_LDFLAGS_test_subid := -Wl,--wrap=malloc $(B)/tobj/subid_iam/subid.o
$(B)/test/unit/test_subid: $(B)/tobj/subid_iam/subid.o
UNIT_LDFLAGS_test_assume := $(B)/tobj/tests/pam/world.o
$(B)/test/unit/test_assume: $(B)/tobj/tests/pam/world.o
