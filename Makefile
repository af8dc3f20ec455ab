# Host IAM. One Makefile, no recursion into directories.
#
#   make              the modules, the command line, the helpers
#   make check        all tests (as root: whole logins in a test bed, too)
#   make demo         build the packages and play the story in a fresh Debian
#   make deb          Debian packages into build/deb/
#   make help         the other targets
#
# Variables: SAN=1 (ASan and UBSan, in a build tree of its own), DESTDIR,
# PREFIX, CC, CFLAGS, CPPFLAGS, LDFLAGS (dpkg-buildflags are honoured).

comma := ,
PREFIX ?= /usr
MULTIARCH ?= $(shell $(CC) -print-multiarch 2>/dev/null)
LIBDIR ?= $(PREFIX)/lib/$(MULTIARCH)
SECURITYDIR ?= /lib/$(MULTIARCH)/security
LIBEXECDIR ?= $(PREFIX)/lib/host-iam
VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog 2>/dev/null)

CC = gcc
CFLAGS ?= -O2 -g
B := build$(if $(SAN),/san)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wswitch-enum -Wformat=2 -Wundef -Wvla
ALL_CPPFLAGS := -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-DIAM_VERSION='"$(VERSION)"' -DIAM_LIBEXECDIR='"$(LIBEXECDIR)"' \
	-DIAM_LOCALEDIR='"$(PREFIX)/share/locale"' $(CPPFLAGS)
# The modules live in processes whose locale, signals and stacks are not ours.
# A section a function: what a module does not use of common/ is not in it.
ALL_CFLAGS := -std=gnu11 -fPIC -fno-strict-aliasing -fstack-protector-strong -ffunction-sections -fdata-sections $(WARN) $(CFLAGS)
ALL_LDFLAGS := -Wl,-z,relro -Wl,-z,now -Wl,--as-needed $(LDFLAGS)
ifneq ($(SAN),)
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ALL_LDFLAGS += -fsanitize=address,undefined
# ASan stands in for crypt_r and calls the next one: it must have been linked.
ALL_LDFLAGS += -Wl,--no-as-needed -lcrypt -Wl,--as-needed
endif

# ---- sources by part ----

c = $(sort $(wildcard $(1)/*.c))
BASE := $(call c,common/base)
SNAP_WRITE := $(wildcard common/snapshot/build*.c)
SNAP := $(filter-out $(SNAP_WRITE),$(call c,common/snapshot))
POLICY_PARSE := $(wildcard common/policy/parse*.c common/policy/validate*.c common/policy/compile*.c common/policy/locate*.c)
POLICY := $(filter-out $(POLICY_PARSE),$(call c,common/policy))
TRAIL_READ := $(wildcard common/trail/trail_read*.c)
TRAIL := $(filter-out $(TRAIL_READ),$(call c,common/trail))
CREDENTIAL := $(call c,common/credential)
RUNTIME := $(call c,common/runtime)
AUTHZ := $(call c,common/authz)
STORE := $(call c,common/store)
COMMON := $(BASE) $(SNAP) $(SNAP_WRITE) $(POLICY) $(POLICY_PARSE) $(TRAIL) $(TRAIL_READ) \
	$(CREDENTIAL) $(RUNTIME) $(AUTHZ) $(STORE)

PAM_MAINS := pam_iam/chkauth.c
PAM := $(filter-out $(PAM_MAINS),$(call c,pam_iam))
LOGIN := $(BASE) $(SNAP) $(POLICY) $(TRAIL) $(CREDENTIAL) $(RUNTIME) $(AUTHZ)
# The flow without PAM's entry points: what the helper shares with the module.
FLOW := $(filter-out pam_iam/pam_%.c pam_iam/conv.c pam_iam/args.c pam_iam/spawn.c,$(PAM))
NSS := $(call c,nss_iam)
IAMCTL := $(call c,iamctl)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
tobj = $(patsubst %.c,$(B)/tobj/%.o,$(1))
# The name service is in every process that asks for a name: it is compiled as one
# program. A look-up takes a fifth less time than by separate files.
fobj = $(patsubst %.c,$(B)/fobj/%.o,$(1))
ftobj = $(patsubst %.c,$(B)/ftobj/%.o,$(1))
FAST := $(if $(SAN),,-O3 -fno-plt $(if $(findstring clang,$(CC)),,-flto -flto-partition=one))

PAM_LIBS := -lpam -lcrypt -loath -lsodium
LOGIN_LIBS := -lcrypt -loath -lsodium
CTL_LIBS := -ljansson -lsqlite3 -lcrypt -loath -lsodium -lqrencode -lpng

PROGRAMS := $(B)/pam_iam.so $(B)/libnss_iam.so.2 $(B)/libsubid_iam.so $(B)/iamctl $(B)/iam-chkauth \
	$(B)/iam-authorized-keys $(B)/iam-authorized-principals
# The same with IAM_ROOT inside the build tree, for the tests.
TEST_ROOT := $(abspath $(B))/test/root
TEST_PROGRAMS := $(patsubst $(B)/%,$(B)/test/%,$(PROGRAMS))

.DEFAULT_GOAL := all
# Objects of the tests stay: make would take them for intermediate files.
.SECONDARY:
.PHONY: all check check-unit demo deb install bench fuzz fuzz-differential lint format \
	format-check deps clean help test-programs

# What the module says, in other languages; the same bytes on every machine.
CATALOGUES := $(patsubst po/%.po,$(B)/locale/%/LC_MESSAGES/host-iam.mo,$(wildcard po/*.po))

all: $(PROGRAMS) $(CATALOGUES)
test-programs: $(TEST_PROGRAMS) $(CATALOGUES)

$(B)/locale/%/LC_MESSAGES/host-iam.mo: po/%.po
	@mkdir -p $(@D)
	msgfmt --check-format --endianness=little -o $@ $<

help:
	@sed -n '2,12p' Makefile | sed 's/^# \{0,1\}//'
	@echo "also: deps install bench storm fuzz fuzz-differential lint format format-check clean check-unit"

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(B)/tobj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -DIAM_TEST_BUILD -DIAM_ROOT='"$(TEST_ROOT)"' \
		-DIAM_TEST_BIN='"$(abspath $(B))/test"' $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/fobj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(FAST) -MMD -MP -c -o $@ $<
$(B)/ftobj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -DIAM_TEST_BUILD -DIAM_ROOT='"$(TEST_ROOT)"' \
		-DIAM_TEST_BIN='"$(abspath $(B))/test"' $(ALL_CFLAGS) $(FAST) -MMD -MP -c -o $@ $<

# $(1) product, $(2) sources, $(3) libraries and flags, $(4) what else it depends on,
# $(5) f: as one program
define product
$(B)/$(1): $$(call $(5)obj,$(2)) $(4)
	$$(CC) $$(ALL_CFLAGS) $(if $(5),$$(FAST)) -o $$@ $$(call $(5)obj,$(2)) $$(ALL_LDFLAGS) $(3)
$(B)/test/$(1): $$(call $(5)tobj,$(2)) $(4)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $(if $(5),$$(FAST)) -o $$@ $$(call $(5)tobj,$(2)) $$(ALL_LDFLAGS) $(3)
endef
# -z defs does not go with sanitizers, whose symbols the program brings.
SHARED := -shared -Wl,-z,nodelete -Wl,--gc-sections $(if $(SAN),,-Wl,-z,defs)
# Loaded by every process that asks for a name: two mappings of the file instead of
# four. Together with the unused code that is a tenth of the cost of loading.
SMALL := -Wl,-z,noseparate-code
# And nothing of the compiler's to run, to initialise and to look for in other libraries.
BARE := $(if $(SAN),,-nostartfiles -Wl,-Bsymbolic-functions)
$(eval $(call product,pam_iam.so,$(PAM) $(LOGIN),$(SHARED) -Wl$(comma)--version-script=pam_iam/pam_iam.map $(PAM_LIBS),pam_iam/pam_iam.map))
$(eval $(call product,libnss_iam.so.2,$(NSS) $(BASE) $(SNAP),$(SHARED) $(SMALL) $(BARE) -Wl$(comma)-soname$(comma)libnss_iam.so.2 -Wl$(comma)--version-script=nss_iam/nss_iam.map,nss_iam/nss_iam.map,f))
$(eval $(call product,libsubid_iam.so,subid_iam/subid.c $(BASE) $(SNAP),$(SHARED) $(SMALL) -Wl$(comma)-soname$(comma)libsubid_iam.so -Wl$(comma)--version-script=subid_iam/subid_iam.map,subid_iam/subid_iam.map))
$(eval $(call product,iamctl,$(IAMCTL) $(COMMON),-pie $(CTL_LIBS)))
$(eval $(call product,iam-chkauth,pam_iam/chkauth.c $(FLOW) $(LOGIN),-pie $(LOGIN_LIBS)))
$(eval $(call product,iam-authorized-keys,ssh_iam/authorized_keys.c $(BASE) $(SNAP),-pie))
$(eval $(call product,iam-authorized-principals,ssh_iam/authorized_principals.c $(BASE) $(SNAP),-pie))

# ---- tests ----

# Everything but the mains, as an archive: a unit test links what it needs.
TEST_LIB := $(B)/test/libtest.a
$(TEST_LIB): $(call tobj,$(COMMON) $(FLOW) $(filter-out iamctl/main.c,$(IAMCTL)))
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

UNIT := $(patsubst tests/unit/%.c,$(B)/test/unit/%,$(call c,tests/unit))
# A test that needs wrappers or more libraries says so: UNIT_LDFLAGS_test_x = …
-include tests/unit/flags.mk
$(B)/test/unit/%: $(B)/tobj/tests/unit/%.o $(TEST_LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $< $(UNIT_LDFLAGS_$*) $(TEST_LIB) $(ALL_LDFLAGS) \
		-lcmocka $(CTL_LIBS) -lpam -lpthread -ldl

unit-tests: $(UNIT)

-include tests/targets.mk

clean:
	rm -rf build

-include $(shell find $(B)/obj $(B)/tobj $(B)/fobj $(B)/ftobj -type f -name '*.d' 2>/dev/null)
